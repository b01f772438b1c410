/*
 * All sums from the beginning of an array, two ways:
 *
 *   steps    log2(n) passes over all of it: y[i] += y[i - 2^step], from one array into another
 *   blocks   1024 numbers a block: four a thread, warps by shuffles; the blocks' sums are scanned
 *            likewise and added: twice through memory
 *
 * Source  Hillis and Steele (1986); Blelloch (1990); Harris, Sengupta, Owens, GPU Gems 3, 39 (2007)
 */
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tasks.h"

enum { THREADS = 256, EACH = 4, BLOCK = THREADS * EACH };

__global__ void scan_step(const float *x, float *y, size_t n, size_t apart)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i < n)
		y[i] = i >= apart ? x[i] + x[i - apart] : x[i];
}

/* The sum of the values of all threads before this one. */
__device__ static float before_in_block(float value)
{
	__shared__ float warps[THREADS / WARP];
	unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
	float sum = value, before = 0;
	for (unsigned apart = 1; apart < WARP; apart *= 2) {
		float other = __shfl_up_sync(0xffffffff, sum, apart);
		sum += lane >= apart ? other : 0;
	}
	if (lane == WARP - 1)
		warps[warp] = sum;
	__syncthreads();
	for (unsigned i = 0; i < warp; i++)
		before += warps[i];
	float up_to_here = __shfl_up_sync(0xffffffff, sum, 1);
	return before + (lane > 0 ? up_to_here : 0);
}

/* Each block for itself, and its sum. */
__global__ void scan_block(const float *x, float *y, float *totals, size_t n)
{
	size_t at = (size_t)blockIdx.x * BLOCK + threadIdx.x * EACH;
	float sums[EACH], sum = 0;
	for (unsigned i = 0; i < EACH; i++)
		sums[i] = sum += at + i < n ? x[at + i] : 0;
	float before = before_in_block(sum);
	for (unsigned i = 0; i < EACH; i++)
		if (at + i < n)
			y[at + i] = before + sums[i];
	if (threadIdx.x == THREADS - 1)
		totals[blockIdx.x] = before + sum;
}

__global__ void scan_add(float *y, const float *totals, size_t n)
{
	size_t at = (size_t)(blockIdx.x + 1) * BLOCK + threadIdx.x;
	for (unsigned i = 0; i < EACH; i++)
		if (at + i * THREADS < n)
			y[at + i * THREADS] += totals[blockIdx.x];
}

/* Totals lie behind each other in the scratch: n / 1024 and so on, less than n in all. */
static void scan_level(const float *x, float *y, float *scratch, size_t n)
{
	unsigned blocks = blocks_for(n, BLOCK);
	launch(scan_block, dim3(blocks), dim3(THREADS), x, y, scratch, n);
	if (blocks == 1)
		return;
	scan_level(scratch, scratch, scratch + blocks, blocks);
	launch(scan_add, dim3(blocks - 1), dim3(THREADS), y, (const float *)scratch, n);
}

static const char *launch_blocks(const void *opaque)
{
	const struct cuda_scan_task *task = (const struct cuda_scan_task *)opaque;
	if (task->n)
		scan_level(task->x, task->y, task->scratch, task->n);
	return NULL;
}

/* By turns into y and the scratch, so that the last goes into y. */
static const char *launch_steps(const void *opaque)
{
	const struct cuda_scan_task *task = (const struct cuda_scan_task *)opaque;
	const float *from = task->x;
	unsigned n_steps = 1;
	while ((size_t)1 << n_steps < task->n)
		n_steps++;
	for (unsigned step = 0; step < n_steps && task->n; step++) {
		float *to = (n_steps - step) % 2 ? task->y : task->scratch;
		launch(scan_step, dim3(blocks_for(task->n, THREADS)), dim3(THREADS), from, to,
		       task->n, (size_t)1 << step);
		from = to;
	}
	return NULL;
}

const struct cuda_kernel scan_kernels[] = {
	{ "scan", "steps", "log2(n) passes over the array", launch_steps },
	{ "scan", "blocks", "1024 numbers a block, then the blocks' sums", launch_blocks },
	{},
};
