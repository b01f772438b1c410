/*
 * profiling_cost: what being profiled costs a program: slices of a built-in workload, profiled and
 * not, in turns, and the work it did for each second of its CPU time in them.
 */
#ifndef TUI_PROFILING_COST_H
#define TUI_PROFILING_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct recording;
struct settings;

enum { COST_MOST_SLICES = 48 };

/* One slice: from, to, and the program's CPU time in between. */
struct cost_slice {
	uint64_t from_ns, to_ns; /* CLOCK_MONOTONIC */
	double cpu_s;
	bool is_profiled;
};

struct profiling_cost {
	double ratio, low, high; /* of the CPU time; 95 % interval */
	size_t n_pairs;
	uint64_t n_samples;
	uint32_t frequency_hz;
	const char *workload; /* as typed */
};

/*
 * profiling_cost_measure: Cost: 10 s, one CPU.
 * Errors  false and a sentence: the workload cannot be started or sampled, or did no work
 */
bool profiling_cost_measure(struct profiling_cost *cost, const struct settings *settings,
			    struct why *why);

/*
 * profiling_cost_evaluate: from work that the recording holds. Slices are in fours: not profiled,
 * profiled, profiled, not: what drifts over time is as much in the one as in the other.
 * Errors  false and a sentence: fewer than two pairs with work in both
 */
bool profiling_cost_evaluate(struct profiling_cost *cost, const struct recording *recording,
			     const struct cost_slice *slices, size_t n, struct why *why);

#endif
