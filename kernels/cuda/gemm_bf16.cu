/*
 * C = A B of bf16 on the tensor cores, C in f32, two ways:
 *
 *   fragments   a warp a 16 x 16 square of C, operands straight from memory
 *   staged      128 x 128 of C a block of 8 warps, through shared memory 32 deep; a warp has
 *               64 x 32 of C, so a fragment of A is used twice and one of B four times; the
 *               next tiles are fetched while these are multiplied
 *
 * Source  CUDA C++ Programming Guide, warp matrix functions
 */
#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <mma.h>
#endif

#include "kernels/cuda/launch.cuh"
#include "kernels/support/gemm_task.h"

using namespace nvcuda;

enum {
	SQUARE = 16, /* of a fragment */
	SIDE = 128,  /* of C, a block */
	DEPTH = 32,  /* of a step along k */
	THREADS = 256,
	DOWN = 4, /* fragments of C a warp: 4 x 2 */
	ACROSS = 2,
	EIGHT = 8, /* bf16 in 16 bytes */
	PAD = 8,   /* keeps rows aligned to 16 bytes and in other banks */
	PARTS = SIDE * DEPTH / EIGHT / THREADS, /* 16-byte parts of each tile a thread fetches: 2 */
};

typedef wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, wmma::row_major> left_square;
typedef wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, wmma::row_major> right_square;
typedef wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum_square;

struct bf16_product {
	const __nv_bfloat16 *a, *b;
	float *c;
	unsigned m, n, k, a_row, b_row, c_row; /* m, n, k: multiples of 16 */
	bool is_adding;
};

__device__ static void begin(const bf16_product &p, sum_square &sum, unsigned row, unsigned column)
{
	wmma::fill_fragment(sum, 0.0f);
	if (p.is_adding && row < p.m && column < p.n)
		wmma::load_matrix_sync(sum, p.c + (size_t)row * p.c_row + column, p.c_row,
				       wmma::mem_row_major);
}

__device__ static void end(const bf16_product &p, const sum_square &sum, unsigned row,
			   unsigned column)
{
	if (row < p.m && column < p.n)
		wmma::store_matrix_sync(p.c + (size_t)row * p.c_row + column, sum, p.c_row,
					wmma::mem_row_major);
}

/* 8 warps a block, side by side. */
__global__ void __launch_bounds__(THREADS) gemm_bf16_fragments(bf16_product p)
{
	unsigned row = blockIdx.y * SQUARE;
	unsigned column = (blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP) * SQUARE;
	if (column >= p.n)
		return; /* the whole warp */
	left_square a;
	right_square b;
	sum_square sum;
	begin(p, sum, row, column);
	for (unsigned from = 0; from < p.k; from += SQUARE) {
		wmma::load_matrix_sync(a, p.a + (size_t)row * p.a_row + from, p.a_row);
		wmma::load_matrix_sync(b, p.b + (size_t)from * p.b_row + column, p.b_row);
		wmma::mma_sync(sum, a, b, sum);
	}
	end(p, sum, row, column);
}

struct bf16_tiles {
	__nv_bfloat16 a[SIDE][DEPTH + PAD];
	__nv_bfloat16 b[DEPTH][SIDE + PAD];
};

struct bf16_part {
	uint4 a[PARTS], b[PARTS];
};

/* Eight at a time: sizes are multiples of 16, so a part is inside or outside as a whole. */
__device__ static bf16_part fetch(const bf16_product &p, unsigned from)
{
	bf16_part out;
	const uint4 zero = { 0, 0, 0, 0 };
#pragma unroll
	for (unsigned i = 0; i < PARTS; i++) {
		unsigned at = threadIdx.x + i * THREADS;
		unsigned row = blockIdx.y * SIDE + at / (DEPTH / EIGHT);
		unsigned left = from + at % (DEPTH / EIGHT) * EIGHT;
		unsigned depth = from + at / (SIDE / EIGHT);
		unsigned column = blockIdx.x * SIDE + at % (SIDE / EIGHT) * EIGHT;
		out.a[i] = row < p.m && left < p.k
				   ? *(const uint4 *)(p.a + (size_t)row * p.a_row + left)
				   : zero;
		out.b[i] = depth < p.k && column < p.n
				   ? *(const uint4 *)(p.b + (size_t)depth * p.b_row + column)
				   : zero;
	}
	return out;
}

__device__ static void store(bf16_tiles &to, const bf16_part &from)
{
#pragma unroll
	for (unsigned i = 0; i < PARTS; i++) {
		unsigned at = threadIdx.x + i * THREADS;
		*(uint4 *)&to.a[at / (DEPTH / EIGHT)][at % (DEPTH / EIGHT) * EIGHT] = from.a[i];
		*(uint4 *)&to.b[at / (SIDE / EIGHT)][at % (SIDE / EIGHT) * EIGHT] = from.b[i];
	}
}

/* From the warp's place in the block's square: 2 x 4 warps. */
__device__ static void multiply(sum_square (&sums)[DOWN][ACROSS], const bf16_tiles &tile,
				unsigned row, unsigned column)
{
#pragma unroll
	for (unsigned depth = 0; depth < DEPTH; depth += SQUARE) {
		left_square a[DOWN];
		right_square b[ACROSS];
#pragma unroll
		for (unsigned i = 0; i < DOWN; i++)
			wmma::load_matrix_sync(a[i], &tile.a[row + i * SQUARE][depth], DEPTH + PAD);
#pragma unroll
		for (unsigned j = 0; j < ACROSS; j++)
			wmma::load_matrix_sync(b[j], &tile.b[depth][column + j * SQUARE],
					       SIDE + PAD);
#pragma unroll
		for (unsigned i = 0; i < DOWN * ACROSS; i++)
			wmma::mma_sync(sums[i / ACROSS][i % ACROSS], a[i / ACROSS], b[i % ACROSS],
				       sums[i / ACROSS][i % ACROSS]);
	}
}

__global__ void __launch_bounds__(THREADS, 2) gemm_bf16_staged(bf16_product p)
{
	__shared__ __align__(32) bf16_tiles tile[2];
	unsigned warp = threadIdx.x / WARP, turn = 0;
	unsigned row = warp / 4 * DOWN * SQUARE, column = warp % 4 * ACROSS * SQUARE;
	unsigned top = blockIdx.y * SIDE + row, left = blockIdx.x * SIDE + column;
	sum_square sums[DOWN][ACROSS];
#pragma unroll
	for (unsigned i = 0; i < DOWN * ACROSS; i++)
		begin(p, sums[i / ACROSS][i % ACROSS], top + i / ACROSS * SQUARE,
		      left + i % ACROSS * SQUARE);
	store(tile[0], fetch(p, 0));
	__syncthreads();
	for (unsigned from = 0; from < p.k; from += DEPTH) {
		bf16_part next = fetch(p, from + DEPTH);
		multiply(sums, tile[turn], row, column);
		store(tile[turn ^ 1], next);
		turn ^= 1;
		__syncthreads();
	}
#pragma unroll
	for (unsigned i = 0; i < DOWN * ACROSS; i++)
		end(p, sums[i / ACROSS][i % ACROSS], top + i / ACROSS * SQUARE,
		    left + i % ACROSS * SQUARE);
}

static const char *product_of(const struct gemm_task *task, bf16_product *out)
{
	const size_t most = 0x7fffffff;
	if (task->a_column != 1 || task->b_column != 1 || task->m > most || task->n > most ||
	    task->k > most || task->a_row > most || task->b_row > most || task->c_row > most)
		return "gemm: the CUDA kernels take matrices whose rows lie in memory; use "
		       "layout=rows or device=cpu.";
	if (task->m % SQUARE || task->n % SQUARE || task->k % SQUARE || task->a_row % EIGHT ||
	    task->b_row % EIGHT || task->c_row % EIGHT)
		return "gemm: the tensor cores take m, n and k that are multiples of 16; choose "
		       "such, or type=f32.";
	*out = bf16_product{ (const __nv_bfloat16 *)task->a,
			     (const __nv_bfloat16 *)task->b,
			     (float *)task->c,
			     (unsigned)task->m,
			     (unsigned)task->n,
			     (unsigned)task->k,
			     (unsigned)task->a_row,
			     (unsigned)task->b_row,
			     (unsigned)task->c_row,
			     task->is_adding };
	return NULL;
}

static const char *launch_fragments(const void *task)
{
	bf16_product p;
	const char *problem = product_of((const struct gemm_task *)task, &p);
	if (!problem)
		launch(gemm_bf16_fragments,
		       dim3(blocks_for(p.n, SQUARE * THREADS / WARP), p.m / SQUARE), dim3(THREADS),
		       p);
	return problem;
}

static const char *launch_staged(const void *task)
{
	bf16_product p;
	const char *problem = product_of((const struct gemm_task *)task, &p);
	if (!problem)
		launch(gemm_bf16_staged, dim3(blocks_for(p.n, SIDE), blocks_for(p.m, SIDE)),
		       dim3(THREADS), p);
	return problem;
}

const struct cuda_kernel gemm_bf16_kernels[] = {
	{ "gemm_bf16", "fragments", "tensor cores, operands from memory", launch_fragments },
	{ "gemm_bf16", "staged", "tensor cores, operands from shared memory", launch_staged },
	{},
};
