/*
 * cuda_ceilings: what the GPU that CUDA puts first can do at most: bytes a second within its memory
 * and its L2, multiply-adds of f32, bf16 on its tensor cores. Timed by the device's own events;
 * a time counts only if the result shows that the work was done.
 */
#ifndef WORKLOADS_SUPPORT_CUDA_CEILINGS_H
#define WORKLOADS_SUPPORT_CUDA_CEILINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/cuda/library.h"
#include "sampler/base/why.h"

struct cuda_ceilings_wish {
	unsigned n_repeats;            /* of each */
	double repeat_ns;              /* at least, each */
	double warm_ns;                /* before the first, so that clocks have risen */
	void (*say)(const char *text); /* what comes next; NULL = nobody listens */
};

struct cuda_ceiling {
	const char *name, *unit; /* "copy.DRAM" "B/s" */
	uint64_t set_bytes;      /* of both arrays; 0 = registers */
	double *rates;           /* n_rates of the unit; 0 = could not be measured */
	unsigned n_rates;
	const char *reason; /* why not; "" = it was */
};

/*
 * cuda_ceilings_measure: each ceiling by and by. Takes some 0.3 s each with a usual wish.
 * take     called once for each, also for those that could not be measured
 * Returns  the device; NULL and a sentence: no library, no driver, no device
 * Thread   as cuda_run
 */
const struct cuda_device *cuda_ceilings_measure(const struct cuda_ceilings_wish *wish,
						void (*take)(void *into,
							     const struct cuda_ceiling *ceiling),
						void *into, struct why *why);

/* cuda_without_advice: cuts "or use device=cpu" off a sentence of the library: there is no such
 * choice for ceilings. Returns text. */
char *cuda_without_advice(char *text);

#endif
