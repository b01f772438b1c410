/*
 * roofline_state: what the roofline's parts share: view_roofline.c takes phases in and answers
 * keys, roofline_plot.c draws the roofs and what lies under them, roofline_table.c lists that,
 * roofline_draw.c draws the words.
 */
#ifndef TUI_ROOFLINE_STATE_H
#define TUI_ROOFLINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/ceilings.h"
#include "counters/roofline_phases.h"
#include "tui/list.h"
#include "tui/roofline_device.h"
#include "tui/view.h"

enum {
	ROOFLINE_AXIS_ROWS = 1,
	ROOFLINE_DETAIL_ROWS = 2, /* of the selected phase, below the table */
	ROOFLINE_LEAST_PLOT_ROWS = 5,
	ROOFLINE_LEAST_PLOT_COLUMNS = 30,
	ROOFLINE_MOST_LETTERS = 26,
};

struct roofline_state {
	struct roofline_phases *phases;
	struct ceilings *ceilings;     /* NULL = nobody measured them */
	struct roofline_device device; /* the GPU that did work, and its kernels */
	uint64_t n_spans, n_facts;     /* taken in */
	uint64_t next_ns;              /* when it may be looked at again, live */
	uint64_t from_ns, to_ns;       /* the window taken in */
	struct list list;              /* of phases and, behind them, kernels */
	size_t selected;               /* of these, however they are sorted */
	bool is_recent, knows_live;    /* is_recent: only the last seconds */
	bool must_draw;
	int width, height;
};

/* Rows of the table, of its plot (0 = no room for one). */
int roofline_table_rows(const struct roofline_state *state);
int roofline_plot_rows(const struct roofline_state *state);

/* Rows above the plot: with a GPU, a legend. Phases and kernels in all. */
int roofline_header_rows(const struct roofline_state *state);
size_t roofline_count(const struct roofline_state *state);

/* What a place of the table stands for; kernel NULL: a phase. */
struct roofline_item {
	const struct roofline_phase *phase;
	const struct roofline_kernel *kernel;
	uint32_t name; /* strings */
	char letter;   /* of its dot */
	bool is_on_device;
	const struct roofline_work *work;
	const struct roofline *roofline;
	const struct roofline_verdict *verdict;
};
struct roofline_item roofline_item_at(const struct roofline_state *state, size_t place);

/* roofline_table_show: the list as it is now; roofline_table_draw: with its header.
 * roofline_bound_text: which ceiling holds it. */
void roofline_table_show(struct roofline_state *state, const struct view_context *context);
void roofline_table_draw(const struct roofline_state *state, const struct view_context *context,
			 const struct canvas *canvas);
const char *roofline_bound_text(const struct roofline_item *item);

/* roofline_most_threads: of any phase; without one, of any ceiling. */
uint32_t roofline_most_threads(const struct roofline_state *state);

/* roofline_meaning: how good it is. */
enum meaning roofline_meaning(const struct roofline_verdict *verdict);

/* roofline_plot_draw: to the right of `left` columns, below the header. */
void roofline_plot_draw(const struct roofline_state *state, const struct view_context *context,
			const struct canvas *canvas);

void roofline_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas);

#endif
