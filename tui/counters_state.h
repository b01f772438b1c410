/*
 * counters_state: what the counters' parts share: view_counters.c answers keys, counters_draw.c
 * draws; tracks.h takes readings in.
 */
#ifndef TUI_COUNTERS_STATE_H
#define TUI_COUNTERS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/list.h"
#include "tui/tracks.h"
#include "tui/view.h"

enum {
	COUNTERS_LEAST_PLOT = 12, /* rows of the view from which on there is a plot */
	COUNTERS_PLOT_FRAME = 3,  /* its name, its time axis, what is to be known of the value */
};

struct counters_state {
	struct tracks tracks;
	struct list list;
	int width, height;
	bool must_draw, is_fitted; /* is_fitted: the plot's axis begins at the least value */
};

/* counters_list_rows: rows for the list; counters_plot_rows: for the plot itself, 0 = none. */
int counters_list_rows(const struct counters_state *state);
int counters_plot_rows(const struct counters_state *state);

/* counters_show: sort and lay out the list. counters_selected: only where there are tracks. */
void counters_show(struct counters_state *state, const struct view_context *context);
const struct track *counters_selected(const struct counters_state *state);

void counters_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas);

#endif
