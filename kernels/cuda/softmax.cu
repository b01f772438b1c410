/*
 * Softmax of each row, four ways:
 *
 *   unfused      five kernels: most, difference, exponential, sum, divide
 *   fused        one kernel, three passes over the row: most, sum of exponentials, result
 *   online       two passes: the sum is kept right while the greatest so far grows
 *   vectorised   one: 16 bytes a load, and the row stays in registers
 *
 * Source  Bridle (1990); Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018)
 */
#include "kernels/cuda/rows.cuh"

__device__ static float *of_row(const struct rows_task &task)
{
	return task.scratch + blockIdx.x * task.n;
}

__device__ static float greatest(const float *x, unsigned n)
{
	float at_most = -INFINITY;
	EACH_COLUMN(j, n)
	at_most = fmaxf(at_most, x[j]);
	return over_block<most>(at_most);
}

__global__ void softmax_most(struct rows_task task)
{
	float at_most = greatest(task.x + blockIdx.x * task.n, task.n);
	if (threadIdx.x == 0)
		*of_row(task) = at_most;
}

__global__ void softmax_difference(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	task.y[from + j] = task.x[from + j] - *of_row(task);
}

__global__ void softmax_exponential(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	task.y[from + j] = expf(task.y[from + j]);
}

__global__ void softmax_sum(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	float sum = 0;
	EACH_COLUMN(j, task.n)
	sum += task.y[from + j];
	sum = over_block<add>(sum);
	if (threadIdx.x == 0)
		*of_row(task) = sum;
}

__global__ void softmax_divide(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	task.y[from + j] /= *of_row(task);
}

__global__ void softmax_fused(struct rows_task task)
{
	const float *x = task.x + blockIdx.x * task.n;
	float *y = task.y + blockIdx.x * task.n, sum = 0;
	float at_most = greatest(x, task.n);
	EACH_COLUMN(j, task.n)
	sum += expf(x[j] - at_most);
	float scale = 1 / over_block<add>(sum);
	EACH_COLUMN(j, task.n)
	y[j] = expf(x[j] - at_most) * scale;
}

__global__ void softmax_online(struct rows_task task)
{
	const float *x = task.x + blockIdx.x * task.n;
	float *y = task.y + blockIdx.x * task.n, sum = 0, own_most = -INFINITY;
	EACH_COLUMN(j, task.n)
	{
		float now_most = fmaxf(own_most, x[j]);
		sum = sum * expf(own_most - now_most) + expf(x[j] - now_most);
		own_most = now_most;
	}
	float at_most = over_block<most>(own_most);
	/* A thread without elements: 0 x exp(-infinity). */
	float scale = 1 / over_block<add>(sum * expf(own_most - at_most));
	EACH_COLUMN(j, task.n)
	y[j] = expf(x[j] - at_most) * scale;
}

__global__ void softmax_vectorised(struct rows_task task)
{
	kept_row row;
	row.load(task.x + blockIdx.x * task.n, task.n, -INFINITY);
	float at_most = over_block<most>(row.over<most>([](float x) { return x; }));
	row.change(task.n, [=](float x, unsigned) { return expf(x - at_most); });
	/* What is behind the row is still minus infinity. */
	float sum = row.over<add>([](float x) { return x > 0 ? x : 0; });
	float scale = 1 / over_block<add>(sum);
	row.change(task.n, [=](float x, unsigned) { return x * scale; });
	row.store(task.y + blockIdx.x * task.n, task.n);
}

static const char *launch_unfused(const void *opaque)
{
	const struct rows_task *task = (const struct rows_task *)opaque;
	start_rows(softmax_most, task);
	start_rows(softmax_difference, task);
	start_rows(softmax_exponential, task);
	start_rows(softmax_sum, task);
	start_rows(softmax_divide, task);
	return NULL;
}

static const char *launch_fused(const void *task)
{
	start_rows(softmax_fused, (const struct rows_task *)task);
	return NULL;
}

static const char *launch_online(const void *task)
{
	start_rows(softmax_online, (const struct rows_task *)task);
	return NULL;
}

static const char *launch_vectorised(const void *opaque)
{
	const struct rows_task *task = (const struct rows_task *)opaque;
	if (!can_be_kept(task))
		return ROWS_NOT_KEPT;
	start_rows(softmax_vectorised, task);
	return NULL;
}

const struct cuda_kernel softmax_kernels[] = {
	{ "softmax", "unfused", "five kernels, each through memory", launch_unfused },
	{ "softmax", "fused", "one kernel, three passes over a row", launch_fused },
	{ "softmax", "online", "two: the sum is rescaled as the greatest grows", launch_online },
	{ "softmax", "vectorised", "16 bytes a load, rows in registers", launch_vectorised },
	{},
};
