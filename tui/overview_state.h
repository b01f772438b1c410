/*
 * overview_state: what the overview's parts share: view_overview.c takes in and draws,
 * overview_threads.c knows the threads, and overview_list.c is the list of the hottest functions.
 */
#ifndef TUI_OVERVIEW_STATE_H
#define TUI_OVERVIEW_STATE_H

#include <stdint.h>

#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/list.h"
#include "tui/view.h"

enum {
	OVERVIEW_MOST_FUNCTIONS = 2000,
	OVERVIEW_MOST_THREADS = 16, /* that are shown */
	OVERVIEW_NAME_COLUMNS = 22,
};

struct overview_busy {
	uint32_t thread;
	uint64_t weight, recent; /* in the series' unit: all, and of the last second */
};

struct overview_state {
	struct tree *tree;
	struct moment moment;
	struct tree_function *functions;
	size_t n_functions;
	uint64_t next_sample, next_reading, n_samples;
	struct overview_busy *busy; /* all threads, as they came */
	uint32_t n_busy, busy_capacity;
	struct hash_map busy_of;                         /* thread + 1: 1 + its place in busy */
	struct overview_busy top[OVERVIEW_MOST_THREADS]; /* the busiest, the first of them first */
	uint32_t n_top;
	double whole, whole_recent; /* of all threads together */
	struct reading_row *last;   /* by series; time_ns 0 = none yet */
	uint64_t n_last;
	uint64_t last_time_ns, drawn_second;
	struct thread_choice only; /* whose samples have been taken in */
	struct list list;          /* of the functions */
	int width, height;
};

/* overview_threads_add: a sample of the tree's series. overview_threads_rank: after all of them,
 * who is busiest and how busy in the last second. overview_threads_forget: as if there had been
 * none. */
void overview_threads_add(struct overview_state *state, const struct sample_row *sample);
void overview_threads_rank(struct overview_state *state, const struct view_context *context);
void overview_threads_forget(struct overview_state *state);

/* overview_threads_draw: from row y on, at most `rows`; returns the next free one. */
int overview_threads_draw(const struct overview_state *state, const struct view_context *context,
			  const struct canvas *canvas, int y, int rows);

/* overview_list_show: the functions, from row y on, n_rows of them below the header. */
void overview_list_show(struct overview_state *state, const struct view_context *context, int y,
			int n_rows);

/* overview_list_draw: returns the next free row, with a blank one before it. */
int overview_list_draw(const struct overview_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y);

/* overview_list_click: at a place of the view. */
void overview_list_click(struct overview_state *state, int x, int y);

/* overview_selected: NULL where there is none. */
const struct tree_function *overview_selected(const struct overview_state *state);

#endif
