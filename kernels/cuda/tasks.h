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

/*
 * ceiling: what is done n_steps times. copy, memcpy: a (n) = b (n), n even. The others leave their
 * result in out: fma (n_blocks, CUDA_CEILING_THREADS) of n_steps x ROUNDS, after that many
 * multiply-adds in each of CHAINS; mma (n_blocks, THREADS / 32, SUMS, 16, 16) of 16 n_steps; wgmma
 * (n_blocks, THREADS) of 16 n_steps x GROUP. Exact while below 2^24.
 */
enum {
	CUDA_CEILING_THREADS = 256,
	CUDA_CEILING_CHAINS = 8,  /* of multiply-adds: twice what their latency of 4 asks for */
	CUDA_CEILING_ROUNDS = 32, /* of all chains between two looks at the loop's end: 1 % */
	CUDA_CEILING_SUMS = 4,    /* squares of a warp that do not wait for each other */
	CUDA_CEILING_GROUP = 8,   /* products between two waits */
	CUDA_CEILING_TALL = 64,   /* of such a product: TALL x DEEP by DEEP x WIDE */
	CUDA_CEILING_WIDE = 128,
	CUDA_CEILING_DEEP = 16,
};

struct cuda_ceiling_task {
	double *a;
	const double *b;
	size_t n;
	float *out;
	unsigned n_blocks, n_steps;
	int major; /* of the device's compute capability */
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
