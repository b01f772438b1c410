/*
 * How often each value occurs, four ways; what they differ in is what happens when many values are
 * the same:
 *
 *   global    an atomic a value on the device's memory: equal values queue up across the device
 *   shared    counts of each block in its shared memory, added up at the end: they queue in a block
 *   copies    a copy for each of the block's warps: they queue in a warp
 *   matched   lanes of a warp with the same value find each other and one adds for all of them
 *
 * Source  Nugteren et al., "High performance predictable histogramming on GPUs" (2011); CUDA C++
 *         Programming Guide, warp match functions
 */
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tasks.h"

enum {
	THREADS = 256,
	WARPS = THREADS / WARP,
	MOST_BLOCKS = 132 * 8,
	MOST_BINS = 48 * 1024 / 4, /* in the shared memory that every device gives */
};

static const uint32_t NO_VALUE = 0xffffffff;

__global__ void histogram_global(struct cuda_histogram_task task)
{
	size_t step = (size_t)gridDim.x * THREADS;
	for (size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x; i < task.n; i += step)
		atomicAdd(&task.counts[task.values[i]], 1u);
}

/* With `copies` tables in shared memory. */
__device__ static void count(const struct cuda_histogram_task &task, unsigned copies,
			     bool is_matching)
{
	__shared__ uint32_t counts[MOST_BINS];
	unsigned n_bins = (unsigned)task.n_bins, warp = threadIdx.x / WARP,
		 lane = threadIdx.x % WARP;
	uint32_t *own = counts + warp % copies * n_bins;
	size_t step = (size_t)gridDim.x * THREADS, at = (size_t)blockIdx.x * THREADS + warp * WARP;
	for (unsigned i = threadIdx.x; i < n_bins * copies; i += THREADS)
		counts[i] = 0;
	__syncthreads();
	for (; at < task.n; at += step) { /* the same for all lanes of a warp */
		uint32_t value = at + lane < task.n ? task.values[at + lane] : NO_VALUE;
		unsigned same = is_matching ? __match_any_sync(0xffffffff, value) : 1u << lane;
		bool is_first = (same & ((1u << lane) - 1)) == 0;
		if (value != NO_VALUE && is_first)
			atomicAdd(&own[value], (uint32_t)__popc(same));
	}
	__syncthreads();
	for (unsigned i = threadIdx.x; i < n_bins; i += THREADS) {
		uint32_t sum = 0;
		for (unsigned copy = 0; copy < copies; copy++)
			sum += counts[copy * n_bins + i];
		if (sum)
			atomicAdd(&task.counts[i], sum);
	}
}

__global__ void histogram_shared(struct cuda_histogram_task task)
{
	count(task, 1, false);
}

__global__ void histogram_copies(struct cuda_histogram_task task)
{
	count(task, WARPS, false);
}

__global__ void histogram_matched(struct cuda_histogram_task task)
{
	count(task, 1, true);
}

static const char *start(void (*kernel)(struct cuda_histogram_task), const void *opaque,
			 size_t most_bins)
{
	const struct cuda_histogram_task *task = (const struct cuda_histogram_task *)opaque;
	unsigned blocks = blocks_for(task->n, THREADS * 16, MOST_BLOCKS);
	if (task->n_bins > most_bins)
		return "histogram: so many bins do not fit shared memory (12288; variant=copies: "
		       "1536); use variant=global or fewer bins=.";
	cudaMemsetAsync(task->counts, 0, task->n_bins * sizeof *task->counts);
	launch(kernel, dim3(blocks ? blocks : 1), dim3(THREADS), *task);
	return NULL;
}

static const char *launch_global(const void *task)
{
	return start(histogram_global, task, SIZE_MAX);
}

static const char *launch_shared(const void *task)
{
	return start(histogram_shared, task, MOST_BINS);
}

static const char *launch_copies(const void *task)
{
	return start(histogram_copies, task, MOST_BINS / WARPS);
}

static const char *launch_matched(const void *task)
{
	return start(histogram_matched, task, MOST_BINS);
}

const struct cuda_kernel histogram_kernels[] = {
	{ "histogram", "global", "an atomic a value, in the device's memory", launch_global },
	{ "histogram", "shared", "counts of a block in shared memory", launch_shared },
	{ "histogram", "copies", "counts of a warp in shared memory", launch_copies },
	{ "histogram", "matched", "equal values of a warp counted together", launch_matched },
	{},
};
