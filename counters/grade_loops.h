/*
 * grade_loops: which events a loop of grade_kernels.h says something of: the kernel's own name, and
 * the vendors' names that the metric groups use.
 */
#ifndef COUNTERS_GRADE_LOOPS_H
#define COUNTERS_GRADE_LOOPS_H

#include <stdbool.h>

#include "counters/grade_kernels.h"

enum { MOST_LOOP_EVENTS = 10 };

struct grade_loop {
	const char *what; /* a unit of its work */
	double (*run)(struct grade_memory *memory);
	double each;        /* the events count this much of a unit */
	bool is_last_cache; /* right only beyond the last cache */
	bool is_kernels;    /* happens in the kernel */
	/* NULL-terminated. The first stands in the table even where it cannot be counted; the
	 * others are what some CPU calls the same. */
	const char *events[MOST_LOOP_EVENTS];
};

/* Ended by a row without a `what`. */
extern const struct grade_loop grade_loops[];

#endif
