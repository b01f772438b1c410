/*
 * RMSNorm, y = x / sqrt(mean(x^2) + epsilon) * weight, three ways:
 *
 *   unfused      six kernels, as a framework without a compiler calls them: square, mean, add,
 *                root, divide, weigh; some 7 numbers through memory for each element
 *   fused        one kernel: x is read twice (the second time mostly from the caches), y written
 *   vectorised   16 bytes a load, and the row stays in registers: 2 numbers for each element
 *
 * Source  Zhang and Sennrich (2019)
 */
#include "kernels/cuda/rows.cuh"

/* A number of each row: the first of its scratch. */
__device__ static float *of_row(const struct rows_task &task)
{
	return task.scratch + blockIdx.x * task.n;
}

__global__ void rmsnorm_square(struct rows_task task)
{
	const float *x = task.x + blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	of_row(task)[j] = x[j] * x[j];
}

__global__ void rmsnorm_mean(struct rows_task task)
{
	float sum = 0;
	EACH_COLUMN(j, task.n)
	sum += of_row(task)[j];
	sum = over_block<add>(sum);
	if (threadIdx.x == 0)
		*of_row(task) = sum / (float)task.n;
}

__global__ void rmsnorm_add(struct rows_task task)
{
	if (threadIdx.x == 0)
		*of_row(task) += task.epsilon;
}

__global__ void rmsnorm_root(struct rows_task task)
{
	if (threadIdx.x == 0)
		*of_row(task) = sqrtf(*of_row(task));
}

__global__ void rmsnorm_divide(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	task.y[from + j] = task.x[from + j] / *of_row(task);
}

__global__ void rmsnorm_weigh(struct rows_task task)
{
	size_t from = blockIdx.x * task.n;
	EACH_COLUMN(j, task.n)
	task.y[from + j] *= task.weight[j];
}

__global__ void rmsnorm_fused(struct rows_task task)
{
	const float *x = task.x + blockIdx.x * task.n;
	float *y = task.y + blockIdx.x * task.n, sum = 0;
	EACH_COLUMN(j, task.n)
	sum += x[j] * x[j];
	float scale = 1 / sqrtf(over_block<add>(sum) / (float)task.n + task.epsilon);
	EACH_COLUMN(j, task.n)
	y[j] = x[j] * scale * task.weight[j];
}

__global__ void rmsnorm_vectorised(struct rows_task task)
{
	kept_row row;
	row.load(task.x + blockIdx.x * task.n, task.n, 0);
	float sum = over_block<add>(row.over<add>([](float x) { return x * x; }));
	float scale = 1 / sqrtf(sum / (float)task.n + task.epsilon);
	kept_row weight;
	weight.load(task.weight, task.n, 0);
#pragma unroll
	for (unsigned i = 0; i < KEPT; i++) {
		row.fours[i].x *= scale * weight.fours[i].x;
		row.fours[i].y *= scale * weight.fours[i].y;
		row.fours[i].z *= scale * weight.fours[i].z;
		row.fours[i].w *= scale * weight.fours[i].w;
	}
	row.store(task.y + blockIdx.x * task.n, task.n);
}

static const char *launch_unfused(const void *opaque)
{
	const struct rows_task *task = (const struct rows_task *)opaque;
	start_rows(rmsnorm_square, task);
	start_rows(rmsnorm_mean, task);
	start_rows(rmsnorm_add, task);
	start_rows(rmsnorm_root, task);
	start_rows(rmsnorm_divide, task);
	start_rows(rmsnorm_weigh, task);
	return NULL;
}

static const char *launch_fused(const void *task)
{
	start_rows(rmsnorm_fused, (const struct rows_task *)task);
	return NULL;
}

static const char *launch_vectorised(const void *opaque)
{
	const struct rows_task *task = (const struct rows_task *)opaque;
	if (!can_be_kept(task))
		return ROWS_NOT_KEPT;
	start_rows(rmsnorm_vectorised, task);
	return NULL;
}

const struct cuda_kernel rmsnorm_kernels[] = {
	{ "rmsnorm", "unfused", "six kernels, each through memory", launch_unfused },
	{ "rmsnorm", "fused", "one kernel, a block a row", launch_fused },
	{ "rmsnorm", "vectorised", "16 bytes a load, rows in registers", launch_vectorised },
	{},
};
