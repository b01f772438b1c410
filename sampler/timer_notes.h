/*
 * timer_notes: what a recording says of samples by the timer in the program: why so, what is
 * missing, and what came of it.
 */
#ifndef SAMPLER_TIMER_NOTES_H
#define SAMPLER_TIMER_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/timer_memory.h"

struct recording;
struct sampling;
struct target;

struct timer_sums {
	uint64_t start_ns;
	uint64_t n_programs; /* that the library came into */
	uint64_t n_samples, n_lost, n_malformed;
	uint64_t sampled_ns, rest_ns; /* CPU time of samples; of threads' ends */
	uint64_t late_ns; /* of samples that came TIMER_LATE_NS or more after the last */
};

/* The slowest tick is 10 ms. */
#define TIMER_LATE_NS ((uint64_t)200 * 1000 * 1000)

/* timer_notes_refusal: why perf_event_open is forbidden, and what to do, for its errno. Returns
 * the reason, which ends without a full stop. */
const char *timer_notes_refusal(int error, const char **remedy);

/* timer_notes_start: facts of sampling, and why it is done so. */
void timer_notes_start(struct recording *recording, const struct sampling *sampling,
		       const struct timer_shape *shape, int error);

/* timer_notes_problem: what went wrong inside; false if it is nothing that is known. */
bool timer_notes_problem(struct recording *recording, const struct timer_problem *problem);

/* timer_notes_end: the rate that was reached, what was lost, and if nothing came, why. */
void timer_notes_end(struct recording *recording, const struct target *target,
		     const struct timer_sums *sums, const struct unwind_statistics *unwinding);

#endif
