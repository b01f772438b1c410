/*
 * fixture_growing: a recording that grows as a live one does, sample by sample.
 */
#ifndef TESTS_FIXTURE_GROWING_H
#define TESTS_FIXTURE_GROWING_H

#include <stdint.h>

#include "workloads/support/random.h"

enum { GROWING_FUNCTIONS = 4000, GROWING_THREADS = 3 };

struct growing {
	struct recording *recording; /* owned by the caller */
	struct random random;
	uint32_t frames[GROWING_FUNCTIONS], threads[GROWING_THREADS];
	uint32_t series;
	uint64_t time_ns;
	unsigned n_branches; /* callees of one function; more makes more distinct stacks */
};

void growing_start(struct growing *growing, uint64_t seed, unsigned n_branches);

/* growing_add: n samples of random stacks of a call graph 15 to 34 deep, and publish. */
void growing_add(struct growing *growing, unsigned n);

#endif
