/*
 * swiglu: y = g / (1 + exp(-g)) u: the gate of a feed-forward layer. g, u, y (n), not overlapping.
 * FLOPs   5 an element (exponential counted as one, sum, division, two products)
 * Bytes   12 an element
 * Error   16 roundings of y, where |y| >= 2^-100; smaller ones may be 0
 * Source  Shazeer, "GLU variants improve Transformer" (2020)
 */
#ifndef KERNELS_SWIGLU_H
#define KERNELS_SWIGLU_H

#include <stddef.h>

struct swiglu_task {
	size_t n;
	const float *gate, *up;
	float *y;
	float *scratch; /* (n) for "unfused" */
};

typedef void swiglu_function(const struct swiglu_task *task);

/* swiglu_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
swiglu_function *swiglu_variant(const char *name);

#endif
