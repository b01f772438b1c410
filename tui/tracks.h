/*
 * tracks: the readings of series over time, in the views' window: last, least and greatest value,
 * and values for the columns of a plot. Work that only ever grows becomes a rate. What is not
 * available has a track without values.
 */
#ifndef TUI_TRACKS_H
#define TUI_TRACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "tui/bins.h"
#include "tui/view.h"

enum { TRACKS_MOST = 512 }; /* 32 MiB of bins */

/* One series, of the whole target or of one thread, in the window. */
struct track {
	uint32_t series, thread;
	struct bins bins; /* by time since the tracks' origin */
	double last, least, most;
	uint64_t n, first_ns, last_ns; /* of the values; times in the recording's clock */
	uint32_t origin;               /* of the last */
	double running_ratio;
	double total;      /* of work: what the last reading came to */
	uint64_t total_ns; /* 0 = none yet */
};

/* Zeroed, but for what is said to be set. */
struct tracks {
	struct track *rows;
	size_t n;
	uint64_t end_ns;         /* of the last value, since the origin */
	uint64_t origin_ns;      /* time 0 of bins and axes */
	uint64_t from_ns, to_ns; /* the window taken in */
	/* To be set: which series are taken in (NULL = all), and the bins' first width (0 = as in
	 * bins.h); whether time 0 is the window's start, for short windows far from the recording's
	 * start. */
	bool (*is_wanted)(const struct recording *recording, const struct series_row *series);
	uint64_t width_ns;
	bool begins_with_window;
	/* private */
	struct hash_map places; /* series and thread -> track + 1 */
	uint64_t next_reading, next_series;
};

/* tracks_take_in: what is new since the last time; true if anything is. Another window starts anew.
 * Cost: some 20 ns a reading. */
bool tracks_take_in(struct tracks *tracks, const struct view_context *context);
void tracks_free(struct tracks *tracks);

/* What a plot shows: times since the origin, values in the series' unit. */
struct track_axis {
	uint64_t from_ns, to_ns;
	double low, high;
};

/* tracks_axis: the window, or all there is; from 0, or from the least value if fitted. */
struct track_axis tracks_axis(const struct tracks *tracks, const struct track *track,
			      bool is_fitted);

/*
 * tracks_values: for n columns of the axis' time, where in low … high the value lay, as a ratio;
 * NaN where nothing is known. A reading stands for what was before it.
 */
void tracks_values(const struct tracks *tracks, const struct track *track,
		   const struct track_axis *axis, int n, double *out);

/* track_origin: of the last value; that of what is not there if there is none. */
enum origin track_origin(const struct track *track);

/* track_draw_time: a line from `left` to the right edge with both ends of the axis' time. */
void track_draw_time(const struct canvas *canvas, int y, int left, const struct track_axis *axis);

#endif
