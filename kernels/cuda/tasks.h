/*
 * tasks: what each family of CUDA kernels works on. Where the CPU's kernel has a task, it is that
 * one, with arrays on the device; these are the others.
 *
 *   gemm       struct gemm_task of f32 (gemm_bf16: of bf16), rows in memory order (columns 1 apart)
 *   rmsnorm, layernorm, softmax   struct rows_task; scratch (rows, n) for "unfused"
 *   transpose  struct transpose_task
 *   hadamard   struct hadamard_task
 *   tensor_*   tensor.h
 */
#ifndef KERNELS_CUDA_TASKS_H
#define KERNELS_CUDA_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/support/gemv_weights.h"

/* stream: the loops of kernels/stream.h and, behind them, the triad of kernels/triad.h. */
enum cuda_stream_loop { CUDA_COPY, CUDA_SCALE, CUDA_ADD, CUDA_TRIAD, CUDA_STREAM_LOOPS };

struct cuda_stream_task {
	enum cuda_stream_loop loop;
	double *a;
	const double *b, *c; /* c: add and triad */
	double scale;        /* scale and triad */
	size_t n;
};

/* reduction: y[0] = the sum of x (n). */
struct cuda_sum_task {
	const float *x;
	float *y;
	size_t n;
};

/* scan: y[i] = x[0] + ... + x[i]. */
struct cuda_scan_task {
	const float *x;
	float *y, *scratch; /* (n), (n + 64) */
	size_t n;
};

/* histogram: counts (n_bins), written whole. */
struct cuda_histogram_task {
	const uint32_t *values;
	uint32_t *counts;
	size_t n, n_bins;
};

/* launches: x (n) grows by one at each of n_launches steps. */
struct cuda_launches_task {
	uint32_t *x;
	size_t n, n_launches;
};

/* attention: each head's q, k, v, y (n_tokens, n), heads one behind the other. */
struct cuda_attention_task {
	size_t n_heads, n_tokens, n;
	const float *q, *k, *v;
	float *y;
	float *scores; /* (n_tokens, n_tokens), for "naive" */
	bool is_causal;
};

/* gemv_f32, gemv_bf16, gemv_int8, gemv_int4: y (m) = A x; forms as in gemv_weights.h, with arrays
 * on the device; x.values (n) and x.quantized as long as a row of int8, padded with zeros. */
struct cuda_gemv_task {
	struct gemv_weights weights;
	struct gemv_vector x;
	float *y;
};

#endif
