/*
 * rows_softmax: softmax of each row stored past the caches, for softmax and cross-entropy.
 */
#ifndef KERNELS_SUPPORT_ROWS_SOFTMAX_H
#define KERNELS_SUPPORT_ROWS_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

/* x, y (rows, n) not overlapping; wait (n). With targets, y is softmax(x) - [j = target] and
 * losses[row] = log(sum of exp(x)) - x[target]. */
struct rows_softmax {
	size_t rows, n;
	const float *x;
	float *y, *wait;
	const uint32_t *targets; /* (rows) or NULL */
	float *losses;
};

#if defined(__x86_64__)
void rows_softmax_nontemporal(const struct rows_softmax *task);
#endif

#endif
