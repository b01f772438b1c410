/*
 * gemm: what the steps of the ladder share: the product as the device sees it, and for those with
 * large tiles (gemm_tiles.cu) how a tile is fetched and where each thread's cells of C lie.
 */
#ifndef KERNELS_CUDA_GEMM_CUH
#define KERNELS_CUDA_GEMM_CUH

#include "kernels/cuda/launch.cuh"
#include "kernels/support/gemm_task.h"

/* C (m,n) = A (m,k) B (k,n), or C +=; rows apart by a_row, b_row, c_row. */
struct product {
	const float *a, *b;
	float *c;
	unsigned m, n, k, a_row, b_row, c_row;
	bool is_adding;
};

/* False: the strides are not those of rows in memory, or sizes are past 32 bits. */
static inline bool product_of(const struct gemm_task *task, struct product *out)
{
	const size_t most = 0x7fffffff;
	if (task->a_column != 1 || task->b_column != 1 || task->m > most || task->n > most ||
	    task->k > most || task->a_row > most || task->b_row > most || task->c_row > most)
		return false;
	*out = product{ (const float *)task->a, (const float *)task->b, (float *)task->c,
			(unsigned)task->m,      (unsigned)task->n,      (unsigned)task->k,
			(unsigned)task->a_row,  (unsigned)task->b_row,  (unsigned)task->c_row,
			task->is_adding };
	return true;
}

#define PRODUCT_REFUSED                                                                            \
	"gemm: the CUDA kernels take matrices whose rows lie in memory; use layout=rows or "       \
	"device=cpu."

__device__ static inline void write_cell(const struct product &p, unsigned row, unsigned column,
					 float sum)
{
	if (row >= p.m || column >= p.n)
		return;
	float *cell = p.c + (size_t)row * p.c_row + column;
	*cell = p.is_adding ? *cell + sum : sum;
}

__device__ static inline float a_or_zero(const struct product &p, unsigned row, unsigned column)
{
	return row < p.m && column < p.k ? p.a[(size_t)row * p.a_row + column] : 0;
}

__device__ static inline float b_or_zero(const struct product &p, unsigned row, unsigned column)
{
	return row < p.k && column < p.n ? p.b[(size_t)row * p.b_row + column] : 0;
}

const char *launch_vectorised(const void *task);
const char *launch_warps(const void *task);
const char *launch_double_buffer(const void *task);

#endif
