/*
 * rows_task: what a function of each row of a matrix works on: softmax, RMSNorm, LayerNorm.
 * x, y (rows, n) row-major, not overlapping.
 */
#ifndef KERNELS_SUPPORT_ROWS_TASK_H
#define KERNELS_SUPPORT_ROWS_TASK_H

#include <stddef.h>
#include <stdint.h>

struct rows_task {
	size_t rows, n;
	const float *x;
	float *y;
	const float *weight, *bias; /* (n); softmax has neither, RMSNorm no bias */
	float epsilon;              /* RMSNorm, LayerNorm: added to the mean square */
	float *scratch;             /* (rows, n) for variants named "unfused", else (1, n) */
};

typedef void rows_function(const struct rows_task *task);

/* rows_task_share: the rows of one of n_shares threads; the scratch is divided like the rows, so
 * it must be (rows, n). */
static inline struct rows_task rows_task_share(const struct rows_task *whole, unsigned share,
					       unsigned n_shares)
{
	struct rows_task part = *whole;
	size_t from = whole->rows * share / n_shares;
	part.rows = whole->rows * (share + 1) / n_shares - from;
	part.x += from * whole->n;
	part.y += from * whole->n;
	part.scratch += from * whole->n;
	return part;
}

#endif
