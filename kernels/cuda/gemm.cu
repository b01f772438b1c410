/*
 * The same product seven ways, each for one more thing the device has. Here the first four; from
 * "vectorised" on in gemm_tiles.cu.
 *
 *   naive        neighbouring threads read neighbouring rows: each load of a warp is 32 lines
 *   coalesced    the two indices exchanged: a warp reads one line of B, one number of A
 *   tiled        32 x 32 of A and B in shared memory: each number fetched is used 32 times
 *   registers    128 x 128 of C a block, 8 x 8 a thread: 64 products for 16 shared loads
 *
 * Source  Boehm, "How to optimize a CUDA matmul kernel for cuBLAS-like performance" (2022);
 *         CUDA C++ Programming Guide (shared memory)
 */
#include "kernels/cuda/gemm.cuh"

enum { TILE = 32 };

__device__ static float dot(const struct product &p, unsigned row, unsigned column)
{
	float sum = 0;
	for (unsigned i = 0; i < p.k; i++)
		sum += p.a[(size_t)row * p.a_row + i] * p.b[(size_t)i * p.b_row + column];
	return sum;
}

__global__ void gemm_naive(struct product p)
{
	unsigned row = blockIdx.x * TILE + threadIdx.x, column = blockIdx.y * TILE + threadIdx.y;
	if (row < p.m && column < p.n)
		write_cell(p, row, column, dot(p, row, column));
}

__global__ void gemm_coalesced(struct product p)
{
	unsigned row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
	if (row < p.m && column < p.n)
		write_cell(p, row, column, dot(p, row, column));
}

__global__ void gemm_tiled(struct product p)
{
	__shared__ float a[TILE][TILE], b[TILE][TILE];
	unsigned x = threadIdx.x, y = threadIdx.y;
	unsigned row = blockIdx.y * TILE + y, column = blockIdx.x * TILE + x;
	float sum = 0;
	for (unsigned from = 0; from < p.k; from += TILE) {
		a[y][x] = a_or_zero(p, row, from + x);
		b[y][x] = b_or_zero(p, from + y, column);
		__syncthreads();
		for (unsigned i = 0; i < TILE; i++)
			sum += a[y][i] * b[i][x];
		__syncthreads(); /* all have read before the next tiles are written */
	}
	write_cell(p, row, column, sum);
}

/* 256 threads: 16 x 16 of them, 16 rows and 16 columns apart, so a warp's loads are neighbours. */
__global__ void __launch_bounds__(256) gemm_registers(struct product p)
{
	enum { SIDE = 128, DEPTH = 8, EACH = 8, APART = SIDE / EACH, THREADS = 256 };
	__shared__ float a[DEPTH][SIDE + 1], b[DEPTH][SIDE];
	unsigned row = blockIdx.y * SIDE, column = blockIdx.x * SIDE;
	unsigned x = threadIdx.x % APART, y = threadIdx.x / APART;
	float sums[EACH][EACH] = {};
	for (unsigned from = 0; from < p.k; from += DEPTH) {
		for (unsigned i = threadIdx.x; i < SIDE * DEPTH; i += THREADS) {
			a[i % DEPTH][i / DEPTH] = a_or_zero(p, row + i / DEPTH, from + i % DEPTH);
			b[i / SIDE][i % SIDE] = b_or_zero(p, from + i / SIDE, column + i % SIDE);
		}
		__syncthreads();
#pragma unroll
		for (unsigned i = 0; i < DEPTH; i++) {
			float left[EACH], right[EACH];
#pragma unroll
			for (unsigned j = 0; j < EACH; j++) {
				left[j] = a[i][j * APART + y];
				right[j] = b[i][j * APART + x];
			}
#pragma unroll
			for (unsigned j = 0; j < EACH * EACH; j++)
				sums[j / EACH][j % EACH] += left[j / EACH] * right[j % EACH];
		}
		__syncthreads();
	}
#pragma unroll
	for (unsigned j = 0; j < EACH * EACH; j++)
		write_cell(p, row + j / EACH * APART + y, column + j % EACH * APART + x,
			   sums[j / EACH][j % EACH]);
}

static const char *launch_naive(const void *task)
{
	struct product p;
	if (!product_of((const struct gemm_task *)task, &p))
		return PRODUCT_REFUSED;
	launch(gemm_naive, dim3(blocks_for(p.m, TILE), blocks_for(p.n, TILE)), dim3(TILE, TILE), p);
	return NULL;
}

static const char *launch_squares(void (*kernel)(struct product), const void *task)
{
	struct product p;
	if (!product_of((const struct gemm_task *)task, &p))
		return PRODUCT_REFUSED;
	launch(kernel, dim3(blocks_for(p.n, TILE), blocks_for(p.m, TILE)), dim3(TILE, TILE), p);
	return NULL;
}

static const char *launch_coalesced(const void *task)
{
	return launch_squares(gemm_coalesced, task);
}

static const char *launch_tiled(const void *task)
{
	return launch_squares(gemm_tiled, task);
}

static const char *launch_registers(const void *task)
{
	struct product p;
	if (!product_of((const struct gemm_task *)task, &p))
		return PRODUCT_REFUSED;
	launch(gemm_registers, dim3(blocks_for(p.n, 128), blocks_for(p.m, 128)), dim3(256), p);
	return NULL;
}

const struct cuda_kernel gemm_kernels[] = {
	{ "gemm", "naive", "a thread a cell, a warp down a column", launch_naive },
	{ "gemm", "coalesced", "a thread a cell, a warp along a row", launch_coalesced },
	{ "gemm", "tiled", "32 x 32 tiles in shared memory", launch_tiled },
	{ "gemm", "registers", "8 x 8 of C in each thread's registers", launch_registers },
	{ "gemm", "vectorised", "16 bytes a load, to and from shared memory", launch_vectorised },
	{ "gemm", "warps", "a warp's cells side by side: no conflicts of banks", launch_warps },
	{ "gemm", "double-buffer", "the next tiles on their way meanwhile", launch_double_buffer },
	{},
};
