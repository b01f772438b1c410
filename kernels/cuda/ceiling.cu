/*
 * What the device can do at most, for `stoke bench`:
 *
 *   copy     16 bytes a load, four of them under way a thread; the grid walks over the arrays
 *   memcpy   the driver's own copy within the device
 *   fma      multiply-adds on registers alone
 *   mma      bf16 squares on the tensor cores, operands in registers
 *
 * Each leaves a result that tells how often it did its work, which the caller checks before it
 * believes the time: sums of ones, exact in f32 as long as they stay below 2^24.
 * Source  McCalpin, STREAM (how bytes are counted); CUDA C++ Programming Guide, arithmetic
 *         instructions and warp matrix functions; kernels/fma_peak.h for the CPU
 */
#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <mma.h>
#endif

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tasks.h"

using namespace nvcuda;

enum {
	THREADS = CUDA_CEILING_THREADS,
	IN_FLIGHT = 4, /* loads: 64 bytes a thread, which with full occupancy hide 2 us at 8 TB/s */
	CHAINS = CUDA_CEILING_CHAINS,
	ROUNDS = CUDA_CEILING_ROUNDS,
	SUMS = CUDA_CEILING_SUMS,
	SQUARE = 16,
};

/* Loads pass the multiprocessor's own cache by: a small array comes from L2 each time. */
__global__ void __launch_bounds__(THREADS)
	ceiling_copy(double2 *a, const double2 *b, size_t n, unsigned n_steps)
{
	size_t step = (size_t)gridDim.x * THREADS;
	size_t start = (size_t)blockIdx.x * THREADS + threadIdx.x;
	for (unsigned turn = 0; turn < n_steps; turn++)
		for (size_t i = start; i < n; i += IN_FLIGHT * step) {
			double2 x[IN_FLIGHT];
#pragma unroll
			for (unsigned k = 0; k < IN_FLIGHT; k++)
				if (i + k * step < n)
					x[k] = __ldcg(b + i + k * step);
#pragma unroll
			for (unsigned k = 0; k < IN_FLIGHT; k++)
				if (i + k * step < n)
					a[i + k * step] = x[k];
		}
}

/* one comes from outside, or the compiler would know how it ends. */
__global__ void __launch_bounds__(THREADS) ceiling_fma(float *out, unsigned n_steps, float one)
{
	float x[CHAINS], sum = 0;
#pragma unroll
	for (unsigned c = 0; c < CHAINS; c++)
		x[c] = 0;
	for (unsigned step = 0; step < n_steps; step++) {
#pragma unroll
		for (unsigned round = 0; round < ROUNDS; round++)
#pragma unroll
			for (unsigned c = 0; c < CHAINS; c++)
				x[c] = fmaf(x[c], one, one);
	}
#pragma unroll
	for (unsigned c = 0; c < CHAINS; c++)
		sum = fmaxf(sum, x[c]);
#pragma unroll
	for (unsigned c = 0; c < CHAINS; c++) /* all the same, or wrong */
		sum = x[c] == sum ? sum : -1;
	out[(size_t)blockIdx.x * THREADS + threadIdx.x] = sum;
}

typedef wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, wmma::row_major> left_square;
typedef wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, wmma::row_major> right_square;
typedef wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum_square;

/* A warp has SUMS squares that do not wait for each other; each grows by 16 a step. */
__global__ void __launch_bounds__(THREADS) ceiling_mma(float *out, unsigned n_steps)
{
	left_square a;
	right_square b;
	sum_square sums[SUMS];
	wmma::fill_fragment(a, __float2bfloat16(1.0f));
	wmma::fill_fragment(b, __float2bfloat16(1.0f));
#pragma unroll
	for (unsigned s = 0; s < SUMS; s++)
		wmma::fill_fragment(sums[s], 0.0f);
	for (unsigned step = 0; step < n_steps; step++)
#pragma unroll
		for (unsigned s = 0; s < SUMS; s++)
			wmma::mma_sync(sums[s], a, b, sums[s]);
	size_t warp = ((size_t)blockIdx.x * THREADS + threadIdx.x) / WARP;
#pragma unroll
	for (unsigned s = 0; s < SUMS; s++)
		wmma::store_matrix_sync(out + (warp * SUMS + s) * SQUARE * SQUARE, sums[s], SQUARE,
					wmma::mem_row_major);
}

static const char *launch_copy(const void *opaque)
{
	const struct cuda_ceiling_task *task = (const struct cuda_ceiling_task *)opaque;
	launch(ceiling_copy, dim3(task->n_blocks), dim3(THREADS), (double2 *)task->a,
	       (const double2 *)task->b, task->n / 2, task->n_steps);
	return NULL;
}

static const char *launch_memcpy(const void *opaque)
{
	const struct cuda_ceiling_task *task = (const struct cuda_ceiling_task *)opaque;
	cudaError_t code = cudaSuccess;
	for (unsigned step = 0; step < task->n_steps && code == cudaSuccess; step++)
		code = cudaMemcpyAsync(task->a, task->b, task->n * sizeof *task->a,
				       cudaMemcpyDeviceToDevice);
	return code == cudaSuccess ? NULL : cuda_refused("copy within its memory", code);
}

static const char *launch_fma(const void *opaque)
{
	const struct cuda_ceiling_task *task = (const struct cuda_ceiling_task *)opaque;
	launch(ceiling_fma, dim3(task->n_blocks), dim3(THREADS), task->out, task->n_steps, 1.0f);
	return NULL;
}

static const char *launch_mma(const void *opaque)
{
	const struct cuda_ceiling_task *task = (const struct cuda_ceiling_task *)opaque;
	launch(ceiling_mma, dim3(task->n_blocks), dim3(THREADS), task->out, task->n_steps);
	return NULL;
}

const struct cuda_kernel ceiling_kernels[] = {
	{ "ceiling", "copy", "bytes within the device's memory, or its L2", launch_copy },
	{ "ceiling", "memcpy", "the driver's copy within the device", launch_memcpy },
	{ "ceiling", "fma", "multiply-adds of f32 on registers", launch_fma },
	{ "ceiling", "mma", "bf16 on the tensor cores, a warp at a time", launch_mma },
	{},
};
