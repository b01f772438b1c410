/*
 * processes_state: what the parts of the view of processes share: view_processes.c takes in and
 * answers keys, processes_table.c shows rows in a list, processes_lines.c finds them.
 */
#ifndef TUI_PROCESSES_STATE_H
#define TUI_PROCESSES_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/processes.h"
#include "tui/list.h"
#include "tui/processes_lines.h"
#include "tui/view.h"

/* How weights become CPU time. */
enum processes_clock {
	PROCESSES_NO_CLOCK,  /* they do not */
	PROCESSES_IS_CLOCK,  /* they are nanoseconds of CPU time */
	PROCESSES_ESTIMATED, /* cycles are sampled so many times a second: samples are time */
};

struct processes_state {
	struct processes processes;
	struct processes_lines lines;
	struct list list;
	bool is_tree, must_draw;
	uint32_t series; /* as chosen; 0 = what was asked for first */
	char searched[256];
	int width, height;
	uint64_t drawn_second;
	struct thread_choice only; /* as drawn last */
	/* of the samples taken in */
	enum processes_clock clock;
	double sample_ns; /* PROCESSES_ESTIMATED: CPU time that a sample stands for */
	double window_ns; /* what CPU time is divided by; NaN = not known */
	bool has_recent;  /* live, and no window has been chosen */
	bool has_kernel;  /* the kernel was sampled too */
};

/* processes_selected: NULL where the list is empty. */
const struct processes_line *processes_selected(const struct processes_state *state);

/* processes_show: rows, columns and order as they are now. */
void processes_show(struct processes_state *state, const struct view_context *context);
void processes_draw(const void *opaque, const struct view_context *context,
		    const struct canvas *canvas);

#endif
