/*
 * timeline_state: what the timeline's parts share: view_timeline.c takes samples in and answers
 * keys, timeline_draw.c draws. Times in here count from the start of the recording.
 */
#ifndef TUI_TIMELINE_STATE_H
#define TUI_TIMELINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "tui/bins.h"
#include "tui/view.h"

enum {
	TIMELINE_MOST_LANES = 256,
	TIMELINE_FRAME_ROWS = 4, /* header, ruler, header of the heat map, the cursor's line */
	TIMELINE_LABEL_COLUMNS = 22,
	TIMELINE_SLOTS_A_SECOND = 50, /* the samples' own slots are 20 ms */
};

/* One thread, or all those that came after too many. */
struct timeline_lane {
	uint32_t thread; /* 0: the others */
	uint64_t weight;
	struct bins bins;
};

struct timeline_state {
	struct timeline_lane *lanes;
	int n_lanes, first_lane;
	struct hash_map lane_of; /* thread -> lane + 1 */
	float *slots;            /* of 20 ms, all threads together, for the heat map */
	uint64_t n_slots, slot_capacity;
	uint64_t next_sample, end_ns;
	uint32_t series;
	uint64_t cursor_ns, mark_ns;
	bool has_mark, is_in_map, is_zoomed, must_draw;
	uint64_t from_ns, to_ns;   /* the window drawn last, in the recording's clock */
	struct thread_choice only; /* whose samples have been taken in */
	int width, height;
};

/* Where things are; worked out from the state alone, so drawing and clicks agree. */
struct timeline_layout {
	uint64_t from_ns, to_ns;    /* of the time axis */
	int label_columns, columns; /* of the plots */
	int lane_rows, lanes_shown, ruler_y;
	int map_y, map_rows; /* 0 rows: no heat map */
	int second_columns;  /* of the heat map */
	uint64_t first_second, n_seconds;
};

struct timeline_layout timeline_layout(const struct timeline_state *state,
				       const struct view_context *context);

/* timeline_time_of: where part i of n of the time axis begins. */
uint64_t timeline_time_of(const struct timeline_layout *layout, int i, int n);

/* timeline_step_ns: how much time the cursor's cell stands for. */
uint64_t timeline_step_ns(const struct timeline_state *state, const struct timeline_layout *layout);

/* timeline_is_time: are the weights CPU time? */
bool timeline_is_time(const struct timeline_state *state, const struct view_context *context);

void timeline_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas);

#endif
