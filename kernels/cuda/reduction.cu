/*
 * The sum of an array, three ways:
 *
 *   atomic     every thread adds its number to the one result: they queue up for it
 *   tree       256 numbers a block in shared memory, halved eight times; then one atomic a block
 *   shuffles   the grid walks over the array, four numbers a load, and sums meet in registers
 *
 * Sums of several blocks come in any order, so the last bits differ from run to run.
 * Source  Harris, "Optimizing parallel reduction in CUDA" (2007); Luitjens, "Faster parallel
 *         reductions on Kepler" (2014)
 */
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/tasks.h"

enum { THREADS = 256, MOST_BLOCKS = 132 * 8 };

__global__ void sum_atomic(struct cuda_sum_task task)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i < task.n)
		atomicAdd(task.y, task.x[i]);
}

__global__ void sum_tree(struct cuda_sum_task task)
{
	__shared__ float parts[THREADS];
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	parts[threadIdx.x] = i < task.n ? task.x[i] : 0;
	__syncthreads();
	for (unsigned half = THREADS / 2; half > 0; half /= 2) {
		if (threadIdx.x < half)
			parts[threadIdx.x] += parts[threadIdx.x + half];
		__syncthreads();
	}
	if (threadIdx.x == 0)
		atomicAdd(task.y, parts[0]);
}

__global__ void sum_shuffles(struct cuda_sum_task task)
{
	const float4 *fours = (const float4 *)task.x;
	size_t step = (size_t)gridDim.x * THREADS, at = (size_t)blockIdx.x * THREADS + threadIdx.x;
	float4 sums = make_float4(0, 0, 0, 0);
	for (size_t i = at; i < task.n / 4; i += step) {
		float4 x = fours[i];
		sums.x += x.x;
		sums.y += x.y;
		sums.z += x.z;
		sums.w += x.w;
	}
	float sum = (sums.x + sums.y) + (sums.z + sums.w);
	if (at < task.n % 4)
		sum += task.x[task.n / 4 * 4 + at];
	sum = over_block<add>(sum);
	if (threadIdx.x == 0)
		atomicAdd(task.y, sum);
}

static const char *start(void (*kernel)(struct cuda_sum_task), const void *opaque, size_t each)
{
	const struct cuda_sum_task *task = (const struct cuda_sum_task *)opaque;
	unsigned most_blocks = each > 1 ? (unsigned)MOST_BLOCKS : 0x7fffffff;
	unsigned blocks = blocks_for(task->n, (unsigned)(THREADS * each), most_blocks);
	cudaMemsetAsync(task->y, 0, sizeof *task->y);
	launch(kernel, dim3(blocks ? blocks : 1), dim3(THREADS), *task);
	return NULL;
}

static const char *launch_atomic(const void *task)
{
	return start(sum_atomic, task, 1);
}

static const char *launch_tree(const void *task)
{
	return start(sum_tree, task, 1);
}

static const char *launch_shuffles(const void *task)
{
	return start(sum_shuffles, task, 4);
}

const struct cuda_kernel reduction_kernels[] = {
	{ "reduction", "atomic", "every number to one place", launch_atomic },
	{ "reduction", "tree", "256 numbers at a time in shared memory", launch_tree },
	{ "reduction", "shuffles", "sums in registers, met by shuffles", launch_shuffles },
	{},
};
