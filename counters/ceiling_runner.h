/*
 * ceiling_runner: run a loop on several cores at once and say how fast it went, several times.
 */
#ifndef COUNTERS_CEILING_RUNNER_H
#define COUNTERS_CEILING_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct ceiling_loop {
	/* On the thread's own core, so memory lies near it; NULL = out of memory. */
	void *(*prepare)(void *argument);
	/*
	 * One piece of work of step `step`, some 20 us long; the turn counts up over all repeats of
	 * a step, for loops that walk through their memory. Returns the units of work done.
	 */
	double (*run)(void *state, unsigned step, uint64_t turn);
	void (*finish)(void *state);
	void *argument;
	unsigned n_steps; /* different things to measure with the same state */
};

struct ceiling_crew {
	const unsigned *cpus; /* one thread on each */
	unsigned n_threads;
	unsigned n_repeats;
	uint64_t repeat_ns;
	/* Filled in, added up over calls: how long threads ran, and had a CPU. */
	double wall_ns, cpu_ns;
};

/*
 * ceiling_run: measure every step n_repeats times, after some for warming up.
 * rates   (n_steps, n_repeats): the sum over threads of units a second; each thread times itself
 * Errors  false and a sentence: no memory, no threads
 */
bool ceiling_run(const struct ceiling_loop *loop, struct ceiling_crew *crew, double *rates,
		 struct why *why);

#endif
