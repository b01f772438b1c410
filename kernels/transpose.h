/*
 * transpose: y[j][i] = x[i][j] of f32: x (m, n), y (n, m) row-major, each by its own stride, not
 * overlapping. No FLOPs; 8 m n algorithmic bytes. Exact.
 */
#ifndef KERNELS_TRANSPOSE_H
#define KERNELS_TRANSPOSE_H

#include <stddef.h>

struct transpose_task {
	size_t m, n;
	const float *x;
	size_t x_row; /* from row to row, in elements */
	float *y;
	size_t y_row;
};

typedef void transpose_function(const struct transpose_task *task);

/* transpose_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last.
 */
transpose_function *transpose_variant(const char *name);

/* transpose_share: the rows of y of one of n_shares threads, whole cache lines of x. */
struct transpose_task transpose_share(const struct transpose_task *whole, unsigned share,
				      unsigned n_shares);

#endif
