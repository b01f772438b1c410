/*
 * rows: what softmax, RMSNorm and LayerNorm share: one block a row, sums and maxima over the
 * block, and a row kept in its registers, so that it is read from memory once.
 */
#ifndef KERNELS_CUDA_ROWS_CUH
#define KERNELS_CUDA_ROWS_CUH

#include "kernels/cuda/launch.cuh"
#include "kernels/support/rows_task.h"

enum {
	KEPT = 4, /* times 4 floats of a row in each thread's registers */
	MOST_THREADS = 1024,
	LONGEST_KEPT_ROW = KEPT * 4 * MOST_THREADS, /* 16384 */
};

struct add {
	__device__ static float none()
	{
		return 0;
	}
	__device__ static float both(float a, float b)
	{
		return a + b;
	}
};

struct most {
	__device__ static float none()
	{
		return -INFINITY;
	}
	__device__ static float both(float a, float b)
	{
		return fmaxf(a, b);
	}
};

/* over_warp: of the 32 lanes, for all of them. */
template <typename Of> __device__ float over_warp(float value)
{
	for (unsigned bits = WARP / 2; bits > 0; bits /= 2)
		value = Of::both(value, __shfl_xor_sync(0xffffffff, value, bits));
	return value;
}

/* over_block: of all threads, for all of them; every thread of the block must call it. */
template <typename Of> __device__ float over_block(float value)
{
	__shared__ float parts[MOST_THREADS / WARP];
	value = over_warp<Of>(value);
	__syncthreads(); /* the last call's parts have been read */
	if (threadIdx.x % WARP == 0)
		parts[threadIdx.x / WARP] = value;
	__syncthreads();
	float all = Of::none();
	for (unsigned i = 0; i < blockDim.x / WARP; i++)
		all = Of::both(all, parts[i]);
	return all;
}

/* A row between a block's threads: thread t has the fours t, t + threads, ... */
struct kept_row {
	float4 fours[KEPT];

	__device__ void load(const float *row, unsigned n, float behind)
	{
#pragma unroll
		for (unsigned i = 0; i < KEPT; i++) {
			unsigned at = i * blockDim.x + threadIdx.x;
			fours[i] = at < n / 4 ? ((const float4 *)row)[at]
					      : make_float4(behind, behind, behind, behind);
		}
	}

	__device__ void store(float *row, unsigned n) const
	{
#pragma unroll
		for (unsigned i = 0; i < KEPT; i++) {
			unsigned at = i * blockDim.x + threadIdx.x;
			if (at < n / 4)
				((float4 *)row)[at] = fours[i];
		}
	}

	/* All of this thread's elements into one; what is behind the row too. */
	template <typename Of, typename F> __device__ float over(F of) const
	{
		float all = Of::none();
#pragma unroll
		for (unsigned i = 0; i < KEPT; i++) {
			all = Of::both(all, Of::both(of(fours[i].x), of(fours[i].y)));
			all = Of::both(all, Of::both(of(fours[i].z), of(fours[i].w)));
		}
		return all;
	}

	/* element = f(element, column) */
	template <typename F> __device__ void change(unsigned n, F f)
	{
#pragma unroll
		for (unsigned i = 0; i < KEPT; i++) {
			unsigned column = (i * blockDim.x + threadIdx.x) * 4;
			if (column >= n)
				continue;
			fours[i] =
				make_float4(f(fours[i].x, column), f(fours[i].y, column + 1),
					    f(fours[i].z, column + 2), f(fours[i].w, column + 3));
		}
	}
};

/* Threads for a row: as few as keep it in registers, so that blocks are many. */
static inline unsigned threads_for_row(size_t n)
{
	unsigned threads = WARP;
	while (threads < MOST_THREADS && (size_t)threads * KEPT * 4 < n)
		threads *= 2;
	return threads;
}

/* Can rows be kept: aligned, and not too long? */
static inline bool can_be_kept(const struct rows_task *task)
{
	uintptr_t places = (uintptr_t)task->x | (uintptr_t)task->y | (uintptr_t)task->weight |
			   (uintptr_t)task->bias;
	return task->n % 4 == 0 && task->n <= LONGEST_KEPT_ROW && places % 16 == 0;
}

#define ROWS_NOT_KEPT                                                                              \
	"variant=vectorised takes rows of up to 16384 elements, a multiple of 4; use "             \
	"variant=fused or another n."

/* start_rows: a block for each row. */
static inline void start_rows(void (*kernel)(struct rows_task), const struct rows_task *task)
{
	launch(kernel, dim3((unsigned)task->rows), dim3(threads_for_row(task->n)), *task);
}

/* One row's part of a loop: columns of this thread. */
#define EACH_COLUMN(j, n) for (unsigned j = threadIdx.x; j < (n); j += blockDim.x)

#endif
