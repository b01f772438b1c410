/*
 * The Walsh-Hadamard transform of each row, four ways:
 *
 *   thread-0   the mistake: right, and done by the first thread of each block while 255 wait. It is
 *              what `if (threadIdx.x == 0)` around a loop comes to
 *   steps      log2(n) kernels, each once through memory
 *   shared     up to 4096 elements in shared memory for all their steps; longer rows go on by steps
 *   shuffles   that, and the first five steps between the lanes of a warp, in registers
 *
 * Source  Fino and Algazi (1976)
 */
#include "kernels/cuda/launch.cuh"
#include "kernels/hadamard.h"

enum { THREADS = 256, LONGEST = 4096 /* 16 KiB: several blocks fit a multiprocessor */ };

__global__ void hadamard_thread_0(struct hadamard_task task)
{
	const float *x = task.x + blockIdx.x * task.n;
	float *y = task.y + blockIdx.x * task.n;
	if (threadIdx.x != 0)
		return;
	for (size_t i = 0; i < task.n; i++)
		y[i] = x[i];
	for (size_t half = 1; half < task.n; half *= 2)
		for (size_t pair = 0; pair < task.n / 2; pair++) {
			size_t i = pair / half * 2 * half + pair % half;
			float a = y[i], b = y[i + half];
			y[i] = a + b;
			y[i + half] = a - b;
		}
}

__global__ void hadamard_copy(const float *x, float *y, size_t n)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i < n)
		y[i] = x[i];
}

/* Rows do not matter: they are powers of two, and no pair is further apart than one. */
__global__ void hadamard_step(float *y, size_t n_pairs, size_t half)
{
	size_t pair = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (pair >= n_pairs)
		return;
	size_t i = (pair & ~(half - 1)) * 2 + (pair & (half - 1));
	float a = y[i], b = y[i + half];
	y[i] = a + b;
	y[i + half] = a - b;
}

__device__ static float five_steps(float value)
{
	for (unsigned bit = 1; bit < WARP; bit *= 2) {
		float other = __shfl_xor_sync(0xffffffff, value, bit);
		value = threadIdx.x & bit ? other - value : value + other;
	}
	return value;
}

/* `length` elements a block; the first steps were done on the way in where is_by_warp. */
template <bool is_by_warp> __global__ void hadamard_block(const float *x, float *y, unsigned length)
{
	__shared__ float row[LONGEST];
	size_t from = (size_t)blockIdx.x * length;
	for (unsigned i = threadIdx.x; i < length; i += THREADS) {
		float value = x[from + i];
		row[i] = is_by_warp ? five_steps(value) : value;
	}
	for (unsigned half = is_by_warp ? WARP : 1; half < length; half *= 2) {
		__syncthreads();
		for (unsigned pair = threadIdx.x; pair < length / 2; pair += THREADS) {
			unsigned i = (pair & ~(half - 1)) * 2 + (pair & (half - 1));
			float a = row[i], b = row[i + half];
			row[i] = a + b;
			row[i + half] = a - b;
		}
	}
	__syncthreads();
	for (unsigned i = threadIdx.x; i < length; i += THREADS)
		y[from + i] = row[i];
}

static void start_steps(const struct hadamard_task *task, size_t half)
{
	size_t n_pairs = task->rows * task->n / 2;
	for (; half < task->n; half *= 2)
		launch(hadamard_step, dim3(blocks_for(n_pairs, THREADS)), dim3(THREADS), task->y,
		       n_pairs, half);
}

static void start_block(void (*kernel)(const float *, float *, unsigned),
			const struct hadamard_task *task)
{
	size_t longest = LONGEST, length = task->n < longest ? task->n : longest;
	launch(kernel, dim3((unsigned)(task->rows * (task->n / length))), dim3(THREADS), task->x,
	       task->y, (unsigned)length);
	start_steps(task, length);
}

static const char *launch_thread_0(const void *opaque)
{
	const struct hadamard_task *task = (const struct hadamard_task *)opaque;
	launch(hadamard_thread_0, dim3((unsigned)task->rows), dim3(THREADS), *task);
	return NULL;
}

static const char *launch_steps(const void *opaque)
{
	const struct hadamard_task *task = (const struct hadamard_task *)opaque;
	size_t n = task->rows * task->n;
	launch(hadamard_copy, dim3(blocks_for(n, THREADS)), dim3(THREADS), task->x, task->y, n);
	start_steps(task, 1);
	return NULL;
}

static const char *launch_shared(const void *task)
{
	start_block(hadamard_block<false>, (const struct hadamard_task *)task);
	return NULL;
}

/* Rows shorter than a block's threads leave lanes without a partner: they go the plain way. */
static const char *launch_shuffles(const void *opaque)
{
	const struct hadamard_task *task = (const struct hadamard_task *)opaque;
	start_block(task->n < THREADS ? hadamard_block<false> : hadamard_block<true>, task);
	return NULL;
}

const struct cuda_kernel hadamard_kernels[] = {
	{ "hadamard", "thread-0", "the first thread of each block does it all", launch_thread_0 },
	{ "hadamard", "steps", "log2(n) kernels, each through memory", launch_steps },
	{ "hadamard", "shared", "up to 4096 elements in shared memory", launch_shared },
	{ "hadamard", "shuffles", "and five steps within a warp's registers", launch_shuffles },
	{},
};
