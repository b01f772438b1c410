/*
 * model_cost: what the cache model costs: the same work with and without it, in this machine's
 * caches.
 */
#ifndef TUI_MODEL_COST_H
#define TUI_MODEL_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct model_cost {
	double access_ns;    /* of CPU time, the program's own work included */
	double times;        /* as much CPU time as the program alone */
	uint64_t n_accesses; /* in the work compared */
	const char *workload;
};

/*
 * model_cost_measure: Cost: 2 s of one CPU.
 * Errors  false and a sentence: there is no stoke-model, or nothing was modelled
 */
bool model_cost_measure(struct model_cost *cost, struct why *why);

#endif
