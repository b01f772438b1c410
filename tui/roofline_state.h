/*
 * roofline_state: what the roofline's parts share: view_roofline.c takes phases in and answers
 * keys, roofline_draw.c draws.
 */
#ifndef TUI_ROOFLINE_STATE_H
#define TUI_ROOFLINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/ceilings.h"
#include "counters/roofline_phases.h"
#include "tui/view.h"

enum {
	ROOFLINE_HEADER_ROWS = 1,
	ROOFLINE_AXIS_ROWS = 1,
	ROOFLINE_DETAIL_ROWS = 2, /* of the selected phase, below the table */
	ROOFLINE_LEAST_PLOT_ROWS = 5,
	ROOFLINE_LEAST_PLOT_COLUMNS = 30,
	ROOFLINE_MOST_LETTERS = 26,
};

struct roofline_state {
	struct roofline_phases *phases;
	struct ceilings *ceilings; /* NULL = nobody measured them */
	uint64_t n_spans, n_facts; /* taken in */
	uint64_t next_ns;          /* when it may be looked at again, live */
	uint64_t from_ns, to_ns;   /* the window taken in */
	size_t selected, first;
	bool is_recent, knows_live; /* is_recent: only the last seconds */
	bool must_draw;
	int width, height;
};

/* Rows of the table, of its plot (0 = no room for one). */
int roofline_table_rows(const struct roofline_state *state);
int roofline_plot_rows(const struct roofline_state *state);

void roofline_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas);

#endif
