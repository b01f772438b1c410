/*
 * LayerNorm, y = (x - mean) / sqrt(variance + epsilon) * weight + bias, three ways:
 *
 *   unfused      six kernels: mean, difference, mean of squares, root, scale, weight and bias
 *   fused        one kernel, three passes over the row
 *   vectorised   16 bytes a load, and the row stays in registers
 *
 * The variance is that of the differences from the mean, not a difference of two sums, which
 * would cancel. Source  Ba, Kiros, Hinton (2016)
 */
#include "kernels/cuda/rows.cuh"

__device__ static float *of_row(const struct rows_task &task)
{
	return task.scratch + blockIdx.x * task.n;
}

__global__ void layernorm_mean(struct rows_task task)
{
	float sum = 0;
	EACH_COLUMN(j, task.n)
	sum += task.x[blockIdx.x * task.n + j];
	sum = over_block<add>(sum);
	if (threadIdx.x == 0)
		*of_row(task) = sum / (float)task.n;
}

__global__ void layernorm_difference(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	task.y[from + j] = task.x[from + j] - *of_row(task);
}

__global__ void layernorm_square(struct rows_task task)
{
	float sum = 0;
	EACH_COLUMN(j, task.n)
	{
		float y = task.y[blockIdx.x * task.n + j];
		sum += y * y;
	}
	sum = over_block<add>(sum);
	if (threadIdx.x == 0)
		*of_row(task) = sum / (float)task.n;
}

__global__ void layernorm_root(struct rows_task task)
{
	if (threadIdx.x == 0)
		*of_row(task) = 1 / sqrtf(*of_row(task) + task.epsilon);
}

__global__ void layernorm_scale(struct rows_task task)
{
	EACH_COLUMN(j, task.n)
	task.y[blockIdx.x * task.n + j] *= *of_row(task);
}

__global__ void layernorm_weigh(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	task.y[from + j] = task.y[from + j] * task.weight[j] + task.bias[j];
}

__global__ void layernorm_fused(struct rows_task task)
{
	const float *x = task.x + blockIdx.x * task.n;
	float *y = task.y + blockIdx.x * task.n, sum = 0, squares = 0;
	EACH_COLUMN(j, task.n)
	sum += x[j];
	float mean = over_block<add>(sum) / (float)task.n;
	EACH_COLUMN(j, task.n)
	squares += (x[j] - mean) * (x[j] - mean);
	float scale = 1 / sqrtf(over_block<add>(squares) / (float)task.n + task.epsilon);
	EACH_COLUMN(j, task.n)
	y[j] = (x[j] - mean) * scale * task.weight[j] + task.bias[j];
}

__global__ void layernorm_vectorised(struct rows_task task)
{
	kept_row row;
	row.load(task.x + blockIdx.x * task.n, task.n, 0);
	float mean = over_block<add>(row.over<add>([](float x) { return x; })) / (float)task.n;
	/* Behind the row zeros stay zeros. */
	row.change(task.n, [=](float x, unsigned) { return x - mean; });
	float squares = over_block<add>(row.over<add>([](float x) { return x * x; }));
	float scale = 1 / sqrtf(squares / (float)task.n + task.epsilon);
	row.change(task.n,
		   [=](float x, unsigned j) { return x * scale * task.weight[j] + task.bias[j]; });
	row.store(task.y + blockIdx.x * task.n, task.n);
}

static const char *launch_unfused(const void *opaque)
{
	const struct rows_task *task = (const struct rows_task *)opaque;
	start_rows(layernorm_mean, task);
	start_rows(layernorm_difference, task);
	start_rows(layernorm_square, task);
	start_rows(layernorm_root, task);
	start_rows(layernorm_scale, task);
	start_rows(layernorm_weigh, task);
	return NULL;
}

static const char *launch_fused(const void *task)
{
	start_rows(layernorm_fused, (const struct rows_task *)task);
	return NULL;
}

static const char *launch_vectorised(const void *opaque)
{
	const struct rows_task *task = (const struct rows_task *)opaque;
	if (!can_be_kept(task))
		return ROWS_NOT_KEPT;
	start_rows(layernorm_vectorised, task);
	return NULL;
}

const struct cuda_kernel layernorm_kernels[] = {
	{ "layernorm", "unfused", "six kernels, each through memory", launch_unfused },
	{ "layernorm", "fused", "one kernel, three passes over a row", launch_fused },
	{ "layernorm", "vectorised", "16 bytes a load, rows in registers", launch_vectorised },
	{},
};
