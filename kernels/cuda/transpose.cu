/*
 * y = x transposed, three ways:
 *
 *   naive    reads along rows and writes down columns: each warp's store is 32 lines
 *   tiled    a 32 x 32 tile through shared memory: both sides along rows, but a warp reads a column
 *            of the tile, whose 32 numbers all lie in one bank
 *   padded   one unused number behind each row of the tile: 32 banks
 *
 * Source  Ruetsch and Micikevicius, "Optimizing matrix transpose in CUDA" (2009)
 */
#include "kernels/cuda/launch.cuh"
#include "kernels/transpose.h"

enum { TILE = 32, ROWS = 8 /* of threads; each does every eighth row of the tile */ };

__global__ void transpose_naive(struct transpose_task task)
{
	size_t j = blockIdx.x * TILE + threadIdx.x;
	for (unsigned y = threadIdx.y; y < TILE; y += ROWS) {
		size_t i = (size_t)blockIdx.y * TILE + y;
		if (i < task.m && j < task.n)
			task.y[j * task.y_row + i] = task.x[i * task.x_row + j];
	}
}

template <unsigned pad> __global__ void transpose_tile(struct transpose_task task)
{
	__shared__ float tile[TILE][TILE + pad];
	size_t row = (size_t)blockIdx.y * TILE, column = (size_t)blockIdx.x * TILE;
	unsigned x = threadIdx.x;
	for (unsigned y = threadIdx.y; y < TILE; y += ROWS)
		if (row + y < task.m && column + x < task.n)
			tile[y][x] = task.x[(row + y) * task.x_row + column + x];
	__syncthreads();
	for (unsigned y = threadIdx.y; y < TILE; y += ROWS)
		if (column + y < task.n && row + x < task.m)
			task.y[(column + y) * task.y_row + row + x] = tile[x][y];
}

static const char *start(void (*kernel)(struct transpose_task), const void *opaque)
{
	const struct transpose_task *task = (const struct transpose_task *)opaque;
	launch(kernel, dim3(blocks_for(task->n, TILE), blocks_for(task->m, TILE)), dim3(TILE, ROWS),
	       *task);
	return NULL;
}

static const char *launch_naive(const void *task)
{
	return start(transpose_naive, task);
}

static const char *launch_tiled(const void *task)
{
	return start(transpose_tile<0>, task);
}

static const char *launch_padded(const void *task)
{
	return start(transpose_tile<1>, task);
}

const struct cuda_kernel transpose_kernels[] = {
	{ "transpose", "naive", "along rows of x, down columns of y", launch_naive },
	{ "transpose", "tiled", "through 32 x 32 of shared memory", launch_tiled },
	{ "transpose", "padded", "that, without conflicts of banks", launch_padded },
	{},
};
