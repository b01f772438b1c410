/*
 * STREAM's loops: what the device's memory gives. "one" is a thread an element; "wide" loads and
 * stores 16 bytes at a time (two doubles), and threads walk on by the whole grid, so that the same
 * blocks stay for the whole array.
 * Source  McCalpin, STREAM; CUDA C++ Best Practices Guide, 10.2 (coalesced access)
 */
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tasks.h"

enum { THREADS = 256 };

__device__ static double one(cuda_stream_loop loop, double b, double c, double scale)
{
	switch (loop) {
	case CUDA_COPY:
		return b;
	case CUDA_SCALE:
		return scale * b;
	case CUDA_ADD:
		return b + c;
	default:
		return b + scale * c;
	}
}

template <cuda_stream_loop loop>
__global__ void stream_one(double *a, const double *b, const double *c, double scale, size_t n)
{
	constexpr bool has_c = loop == CUDA_ADD || loop == CUDA_TRIAD;
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
	if (i < n)
		a[i] = one(loop, b[i], has_c ? c[i] : 0, scale);
}

template <cuda_stream_loop loop>
__global__ void stream_wide(double2 *a, const double2 *b, const double2 *c, double scale, size_t n)
{
	constexpr bool has_c = loop == CUDA_ADD || loop == CUDA_TRIAD;
	size_t step = (size_t)gridDim.x * blockDim.x;
	for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
		double2 x = b[i], y = has_c ? c[i] : make_double2(0, 0);
		a[i] = make_double2(one(loop, x.x, y.x, scale), one(loop, x.y, y.y, scale));
	}
}

template <cuda_stream_loop loop> static void start_one(const cuda_stream_task *task)
{
	launch(stream_one<loop>, blocks_for(task->n, THREADS), THREADS, task->a, task->b, task->c,
	       task->scale, task->n);
}

/* 16 blocks for each of some 132 multiprocessors; the odd last element is done by "one". */
template <cuda_stream_loop loop> static void start_wide(const cuda_stream_task *task)
{
	enum { MOST_BLOCKS = 132 * 16 };
	size_t pairs = task->n / 2;
	if (pairs > 0)
		launch(stream_wide<loop>, blocks_for(pairs, THREADS, MOST_BLOCKS), THREADS,
		       (double2 *)task->a, (const double2 *)task->b, (const double2 *)task->c,
		       task->scale, pairs);
	cuda_stream_task last = *task;
	last.a += 2 * pairs;
	last.b += 2 * pairs;
	last.c = last.c ? last.c + 2 * pairs : NULL;
	last.n -= 2 * pairs;
	if (last.n)
		start_one<loop>(&last);
}

typedef void start_function(const cuda_stream_task *task);

static const char *launch_one(const void *opaque)
{
	static start_function *const loops[CUDA_STREAM_LOOPS] = { start_one<CUDA_COPY>,
								  start_one<CUDA_SCALE>,
								  start_one<CUDA_ADD>,
								  start_one<CUDA_TRIAD> };
	const cuda_stream_task *task = (const cuda_stream_task *)opaque;
	if (task->n)
		loops[task->loop](task);
	return NULL;
}

static const char *launch_wide(const void *opaque)
{
	static start_function *const loops[CUDA_STREAM_LOOPS] = { start_wide<CUDA_COPY>,
								  start_wide<CUDA_SCALE>,
								  start_wide<CUDA_ADD>,
								  start_wide<CUDA_TRIAD> };
	const cuda_stream_task *task = (const cuda_stream_task *)opaque;
	if (((uintptr_t)task->a | (uintptr_t)task->b | (uintptr_t)task->c) % sizeof(double2))
		return "stream: variant=wide takes arrays aligned to 16 bytes; use variant=one.";
	loops[task->loop](task);
	return NULL;
}

const struct cuda_kernel stream_kernels[] = {
	{ "stream", "one", "a thread an element", launch_one },
	{ "stream", "wide", "16 bytes a thread, the grid walks over the arrays", launch_wide },
	{},
};
