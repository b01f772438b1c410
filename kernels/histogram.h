/*
 * histogram: counts[value] += 1 for each of n values below n_bins.
 * No FLOPs; 4 n + 8 n_bins algorithmic bytes. Exact, modulo 2^32.
 * Source  Intel Optimization Manual, conflict detection (17.16); Fog, Microarchitecture, on
 *         forwarding a store to the next load
 */
#ifndef KERNELS_HISTOGRAM_H
#define KERNELS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_COPIES = 4 };

struct histogram_task {
	const uint32_t *values;
	size_t n, n_bins;
	uint32_t *counts;  /* of this thread alone, but for "atomic", which may share it */
	uint32_t *scratch; /* (HISTOGRAM_COPIES - 1) n_bins, for "copies" */
};

typedef void histogram_function(const struct histogram_task *task);

/* histogram_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last.
 */
histogram_function *histogram_variant(const char *name);

#endif
