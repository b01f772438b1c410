/*
 * counters_state: what the counters' parts share: view_counters.c takes readings in and answers
 * keys, counters_draw.c draws.
 */
#ifndef TUI_COUNTERS_STATE_H
#define TUI_COUNTERS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "tui/bins.h"
#include "tui/view.h"

enum {
	COUNTERS_MOST_TRACKS = 512, /* 32 MiB of bins */
	COUNTERS_LEAST_PLOT = 12,   /* rows of the view from which on there is a plot */
	COUNTERS_PLOT_FRAME = 3,    /* its name, its time axis, what is to be known of the value */
};

/* One series, of the whole target or of one thread, in the window. */
struct counters_track {
	uint32_t series, thread;
	struct bins bins; /* by time since the recording's start */
	double last, least, most;
	uint64_t n, first_ns, last_ns; /* of the values; times in the recording's clock */
	uint32_t origin;               /* of the last */
	double running_ratio;
	double total;      /* of work: what the last reading came to */
	uint64_t total_ns; /* 0 = none yet */
};

struct counters_state {
	struct counters_track *tracks;
	size_t n_tracks, selected, first;
	struct hash_map places; /* series and thread -> track + 1 */
	uint64_t next_reading, next_series, end_ns;
	uint64_t from_ns, to_ns; /* the window taken in */
	int width, height;
	bool must_draw, is_fitted; /* is_fitted: the plot's axis begins at the least value */
};

/* counters_list_rows: rows for the list; counters_plot_rows: for the plot itself, 0 = none. */
int counters_list_rows(const struct counters_state *state);
int counters_plot_rows(const struct counters_state *state);

void counters_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas);

#endif
