/*
 * spmv: y (m) = A (m, n) x (n), A sparse, by rows ("CSR"): row i has the values
 * [starts[i], starts[i + 1]), each with its column.
 * 2 nnz FLOPs; 8 nnz + 4 (m + 1) + 4 m + 4 n algorithmic bytes: each x once, as a cache that holds
 * all of it would have it.
 * Error   as many roundings as the row has values, of their sum of absolute products
 * Source  Saad, Iterative Methods for Sparse Linear Systems (2003), 3.4
 */
#ifndef KERNELS_SPMV_H
#define KERNELS_SPMV_H

#include <stddef.h>
#include <stdint.h>

struct spmv_task {
	size_t m, n;
	const uint32_t *starts;  /* (m + 1), ascending */
	const uint32_t *columns; /* below n < 2^31 */
	const float *values;
	const float *x;
	float *y;
};

/* Rows [from, to). */
typedef void spmv_function(const struct spmv_task *task, size_t from, size_t to);

/* spmv_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
spmv_function *spmv_variant(const char *name);

/* spmv_cut: the first row of a share, so that shares have as many values each, not as many rows. */
size_t spmv_cut(const struct spmv_task *task, unsigned share, unsigned n_shares);

double spmv_flops(const struct spmv_task *task);
double spmv_bytes(const struct spmv_task *task);

#endif
