/*
 * gemm_task: one matrix product, C = A B or C += A B, for any type of element.
 *
 * A (m,k), B (k,n), C (m,n) row-major; A and B by two strides, so a transposed operand is the same
 * memory with its strides exchanged. 2 m n k FLOPs.
 */
#ifndef KERNELS_SUPPORT_GEMM_TASK_H
#define KERNELS_SUPPORT_GEMM_TASK_H

#include <stdbool.h>
#include <stddef.h>

/* Strides are in elements. A and C do not overlap, nor do B and C. */
struct gemm_task {
	size_t m, n, k;
	const void *a; /* A[i][p] is a[i * a_row + p * a_column] */
	size_t a_row, a_column;
	const void *b; /* B[p][j] is b[p * b_row + j * b_column] */
	size_t b_row, b_column;
	void *c; /* C[i][j] is c[i * c_row + j] */
	size_t c_row;
	bool is_adding;   /* C += A B; else C is only written */
	bool is_rounding; /* A and B are f32 and rounded when packed: gemm_bf16's packed variants */
	void *workspace;  /* GEMM_WORKSPACE_BYTES aligned to 64, one a thread; NULL = taken for the
			   * call, which costs its page faults */
};

typedef void gemm_function(const struct gemm_task *task);

/* What the largest block of A and of B take when packed; see gemm_blocks.c, which checks it. */
enum { GEMM_WORKSPACE_BYTES = 9 << 20 };

/* gemm_task_plain: whole matrices, C = A B. */
struct gemm_task gemm_task_plain(size_t m, size_t n, size_t k, const void *a, const void *b,
				 void *c);

/*
 * gemm_task_share: the part of one of n_shares threads: some columns of C, or rows if C is taller
 * than wide. Parts are disjoint and cover C; they may be empty. The workspace is not passed on.
 *
 * element_bytes  of A and B (C's are 4)
 */
struct gemm_task gemm_task_share(const struct gemm_task *whole, size_t element_bytes,
				 unsigned share, unsigned n_shares);

/* gemm_task_clear: C = 0, unless the product is added to it. */
void gemm_task_clear(const struct gemm_task *task);

/*
 * gemm_task_blocked: a product as sums over blocks of B that stay in a cache while all rows of A
 * pass by.
 *
 * depth, columns  of a block of B
 * element_bytes   of A and B
 * add             C += A B for one block; its tasks are parts of `whole`
 */
void gemm_task_blocked(const struct gemm_task *whole, size_t depth, size_t columns,
		       size_t element_bytes, gemm_function *add);

/* gemm_flops: exact. gemm_bytes: A, B and C once each, C twice when adding. */
double gemm_flops(const struct gemm_task *task);
double gemm_bytes(const struct gemm_task *task, size_t element_bytes);

#endif
