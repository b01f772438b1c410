/*
 * passes: the same job by a crew again and again, each time with its phase, its exact work and
 * the progress told to the profiler: what most workloads over one array are.
 */
#ifndef WORKLOADS_SUPPORT_PASSES_H
#define WORKLOADS_SUPPORT_PASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/workload.h"

struct passes {
	struct crew *crew;
	char phase[64];
	struct probe_work each; /* of one pass */
	uint64_t n_done, n_wanted;
	double last_ns, best_ns; /* of a pass; the best is 0 before the first */
};

typedef void passes_job(void *argument, unsigned share, unsigned n_shares);

/* passes_run: one pass. Returns false when it was the last. */
bool passes_run(struct passes *passes, passes_job *job, void *argument);

/* passes_tell: work and progress after something that is not one job of a crew. */
bool passes_tell(struct passes *passes);

struct work passes_work(const struct passes *passes);

#endif
