/*
 * tensor: what the kernels of the tensor engine (workloads/support/tensor_device.h) work on.
 * tensor_loop, tensor_adam, tensor_rows, tensor_columns and tensor_rotate take the struct of their
 * name in kernels/support/tensor_tasks.h; these are the others. None keeps anything, and each
 * result is always summed in one order.
 */
#ifndef KERNELS_CUDA_TENSOR_H
#define KERNELS_CUDA_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/support/gemm_task.h"
#include "kernels/support/tensor_tasks.h"

/* tensor_pair: out[i] = a[i] (kind: LOOP_ADD ... LOOP_DIVIDE) b[i % n_b]. */
struct cuda_pair_task {
	enum loop_kind kind;
	float *out;
	const float *a, *b;
	size_t n, n_b;
};

/* tensor_total: parts[i] = the sum of one share of a b, in double; b NULL: of a. With `out` (one
 * part) out[0] = scale x that. */
struct cuda_total_task {
	const float *a, *b;
	size_t n, n_parts;
	double *parts;
	float *out;
	double scale;
};

/* tensor_entropy_back: gradient (n_rows, n_columns) += *out_gradient / n_rows x (softmax, less 1 at
 * each row's target). */
struct cuda_entropy_task {
	size_t n_rows, n_columns;
	float *gradient;
	const float *softmax, *out_gradient;
	const int32_t *targets;
};

/* tensor_gather: rows `indices` of table (n_rows, width) to out (n, width).
 * tensor_scatter: rows of out added to those of table. */
struct cuda_embedding_task {
	size_t n, n_rows, width;
	float *table, *out;
	const int32_t *indices;
};

/* From one product of a batch to the next, in elements. */
struct cuda_steps {
	size_t a, b, c;
};

/* Which of a product's cells and terms are wanted; tiles are CUDA_ATTENTION_TILE on each side. */
enum cuda_reach {
	REACH_ALL,
	REACH_LOWER,  /* only tiles that have a cell on or below the diagonal */
	REACH_BEFORE, /* terms up to the end of the tile of the cell's row */
	REACH_BEHIND, /* terms from the start of that tile on */
};

enum { CUDA_ATTENTION_TILE = 32 };

/* tensor_product: n_outer x n_inner products of f32 with any strides. */
struct cuda_product_task {
	struct gemm_task first;
	size_t n_outer, n_inner;
	struct cuda_steps outer, inner;
	enum cuda_reach reach;
};

/*
 * tensor_attention: causal attention as autograd_attention of workloads/support/autograd.h.
 * tensor_attention_back: adds to the gradients that are not NULL.
 * q, k, v, out and their gradients  (n_sequences x length, n_heads x width)
 * weights, scores                   (n_sequences x n_heads, length, length); what lies behind the
 *                                   tile on the diagonal is neither read nor written
 */
struct cuda_heads_task {
	size_t n_sequences, n_heads, length, width;
	float scale;
	const float *q, *k, *v;
	float *out, *weights;
	const float *out_gradient;
	float *scores, *q_gradient, *k_gradient, *v_gradient;
};

#endif
