/*
 * What the tensor engine does to each row: a block a row, as the kernels of kernels/rmsnorm.h and
 * its like, but each keeps what its gradient wants. And sums down columns, rotations, and the rows
 * of a table.
 */
#include "kernels/cuda/tensor.cuh"

/* Where the block's row begins. */
__device__ static size_t row_start(const struct rows &with)
{
	return (size_t)blockIdx.x * (with.row_step ? with.row_step : with.n_columns);
}

/* Columns of the block's row that count; those behind them become 0. */
__device__ static size_t clip_row(const struct rows &with, float *out)
{
	size_t n = with.n_columns;
	if (with.triangle && blockIdx.x + with.triangle < n)
		n = blockIdx.x + with.triangle;
	for (size_t j = n + threadIdx.x; j < with.n_columns; j += blockDim.x)
		out[j] = 0;
	return n;
}

__global__ void tensor_softmax(struct rows with)
{
	float *out = with.out + row_start(with);
	softmax_row(out, with.a + row_start(with), clip_row(with, out), with.s);
}

__global__ void tensor_softmax_back(struct rows with)
{
	size_t at = row_start(with);
	softmax_back_row(with.out + at, with.a + at, with.b + at, clip_row(with, with.out + at),
			 with.s, with.adds);
}

__global__ void tensor_cross_entropy(struct rows with)
{
	size_t at = row_start(with);
	float log_sum = softmax_row(with.out + at, with.a + at, with.n_columns, 1);
	if (threadIdx.x == 0)
		with.saved[blockIdx.x] = log_sum - with.a[at + (size_t)with.targets[blockIdx.x]];
}

__global__ void tensor_rmsnorm(struct rows with)
{
	const float *a = with.a + row_start(with);
	float *out = with.out + row_start(with), sum = 0;
	EACH_COLUMN(j, with.n_columns)
	sum += a[j] * a[j];
	float scale = 1 / sqrtf(over_block<add>(sum) / (float)with.n_columns + with.s);
	if (threadIdx.x == 0)
		with.saved[blockIdx.x] = scale;
	EACH_COLUMN(j, with.n_columns)
	out[j] = scale * a[j] * with.weights[j];
}

__global__ void tensor_rmsnorm_back(struct rows with)
{
	const float *a = with.a + row_start(with), *b = with.b + row_start(with);
	float *out = with.out + row_start(with), sum = 0, scale = with.saved[blockIdx.x];
	EACH_COLUMN(j, with.n_columns)
	sum += a[j] * b[j] * with.weights[j];
	float share = over_block<add>(sum) * scale * scale / (float)with.n_columns;
	EACH_COLUMN(j, with.n_columns)
	out[j] += scale * (a[j] * with.weights[j] - share * b[j]);
}

/* The variance in a second pass: the difference of two large sums would cancel. */
__global__ void tensor_layernorm(struct rows with)
{
	const float *a = with.a + row_start(with);
	float *out = with.out + row_start(with), sum = 0, squares = 0;
	EACH_COLUMN(j, with.n_columns)
	sum += a[j];
	float mean = over_block<add>(sum) / (float)with.n_columns;
	EACH_COLUMN(j, with.n_columns)
	squares += (a[j] - mean) * (a[j] - mean);
	float scale = 1 / sqrtf(over_block<add>(squares) / (float)with.n_columns + with.s);
	if (threadIdx.x == 0) {
		with.saved[2 * blockIdx.x] = mean;
		with.saved[2 * blockIdx.x + 1] = scale;
	}
	EACH_COLUMN(j, with.n_columns)
	out[j] = (a[j] - mean) * scale * with.weights[j] + with.bias[j];
}

__global__ void tensor_layernorm_back(struct rows with)
{
	const float *a = with.a + row_start(with), *b = with.b + row_start(with);
	float *out = with.out + row_start(with), sum = 0, product = 0;
	float mean = with.saved[2 * blockIdx.x], scale = with.saved[2 * blockIdx.x + 1];
	EACH_COLUMN(j, with.n_columns)
	{
		float weighted = a[j] * with.weights[j];
		sum += weighted;
		product += weighted * ((b[j] - mean) * scale);
	}
	float share = over_block<add>(sum) / (float)with.n_columns;
	float slope = over_block<add>(product) / (float)with.n_columns;
	EACH_COLUMN(j, with.n_columns)
	{
		float hat = (b[j] - mean) * scale;
		out[j] += scale * (a[j] * with.weights[j] - share - slope * hat);
	}
}

__global__ void tensor_entropy_back(struct cuda_entropy_task with)
{
	float scale = *with.out_gradient / (float)with.n_rows;
	EACH_ELEMENT(i, with.n_rows * with.n_columns)
	{
		size_t row = i / with.n_columns, column = i % with.n_columns;
		float less = column == (size_t)with.targets[row] ? 1 : 0;
		with.gradient[i] += scale * (with.softmax[i] - less);
	}
}

/* ---- columns: 32 of them a block; each warp adds up every 32nd row */

enum { ROWS_AT_ONCE = 32 };

__global__ void __launch_bounds__(WARP *ROWS_AT_ONCE) tensor_columns(struct columns with)
{
	__shared__ float sums[ROWS_AT_ONCE][WARP + 1];
	size_t column = (size_t)blockIdx.x * WARP + threadIdx.x;
	float sum = 0;
	for (size_t row = threadIdx.y; column < with.n_columns && row < with.n_rows;
	     row += ROWS_AT_ONCE) {
		float value = with.a[row * with.n_columns + column];
		float shift = with.shift ? with.shift[row * with.saved_step] : 0;
		float scale = with.scale ? with.scale[row * with.saved_step] : 1;
		if (with.b)
			value *= (with.b[row * with.n_columns + column] - shift) * scale;
		sum += value;
	}
	sums[threadIdx.y][threadIdx.x] = sum;
	__syncthreads();
	if (threadIdx.y != 0 || column >= with.n_columns)
		return;
	for (unsigned i = 1; i < ROWS_AT_ONCE; i++)
		sum += sums[i][threadIdx.x];
	with.out[column] += sum;
}

/* ---- rotations: a pair a thread */

__global__ void tensor_rotate(struct rotation with)
{
	EACH_ELEMENT(i, with.n_tokens * with.n_heads * with.half)
	{
		size_t head = i / with.half, column = i % with.half;
		size_t at = head * 2 * with.half + column;
		size_t angle = head / with.n_heads % with.n_positions * with.half + column;
		float x = with.a[at], y = with.a[at + with.half];
		float c = with.cosine[angle], s = with.direction * with.sine[angle];
		float left = x * c - y * s, right = x * s + y * c;
		with.out[at] = with.adds ? with.out[at] + left : left;
		with.out[at + with.half] = with.adds ? with.out[at + with.half] + right : right;
	}
}

/* ---- rows of a table */

__global__ void tensor_gather(struct cuda_embedding_task with)
{
	EACH_ELEMENT(i, with.n * with.width)
	{
		size_t row = (size_t)with.indices[i / with.width];
		with.out[i] = with.table[row * with.width + i % with.width];
	}
}

/* An element of the table a thread, which looks for its row among all indices: no two add to one
 * place, so no order is left to chance. Tables of letters are short. */
__global__ void tensor_scatter(struct cuda_embedding_task with)
{
	EACH_ELEMENT(i, with.n_rows * with.width)
	{
		int32_t row = (int32_t)(i / with.width);
		float sum = 0;
		for (size_t j = 0; j < with.n; j++)
			if (with.indices[j] == row)
				sum += with.out[j * with.width + i % with.width];
		with.table[i] += sum;
	}
}

/* ---- how they are started */

static const char *launch_rows(const void *opaque)
{
	static void (*const of[])(struct rows) = {
		tensor_softmax,      tensor_softmax_back, tensor_cross_entropy,  tensor_rmsnorm,
		tensor_rmsnorm_back, tensor_layernorm,    tensor_layernorm_back,
	}; /* in the order of enum rows_kind */
	const struct rows *task = (const struct rows *)opaque;
	if (task->n_rows > 0 && task->n_columns > 0)
		launch(of[task->kind], dim3((unsigned)task->n_rows),
		       dim3(threads_for_row(task->n_columns)), *task);
	return NULL;
}

static const char *launch_columns(const void *opaque)
{
	const struct columns *task = (const struct columns *)opaque;
	if (task->n_columns > 0)
		launch(tensor_columns, dim3(blocks_for(task->n_columns, WARP)),
		       dim3(WARP, ROWS_AT_ONCE), *task);
	return NULL;
}

static const char *launch_entropy_back(const void *opaque)
{
	const struct cuda_entropy_task *task = (const struct cuda_entropy_task *)opaque;
	start_elements(tensor_entropy_back, task->n_rows * task->n_columns, *task);
	return NULL;
}

static const char *launch_rotate(const void *opaque)
{
	const struct rotation *task = (const struct rotation *)opaque;
	start_elements(tensor_rotate, task->n_tokens * task->n_heads * task->half, *task);
	return NULL;
}

static const char *launch_gather(const void *opaque)
{
	const struct cuda_embedding_task *task = (const struct cuda_embedding_task *)opaque;
	start_elements(tensor_gather, task->n * task->width, *task);
	return NULL;
}

static const char *launch_scatter(const void *opaque)
{
	const struct cuda_embedding_task *task = (const struct cuda_embedding_task *)opaque;
	start_elements(tensor_scatter, task->n_rows * task->width, *task);
	return NULL;
}

const struct cuda_kernel tensor_row_kernels[] = {
	{ "tensor_rows", "blocks", "a block a row", launch_rows },
	{ "tensor_columns", "blocks", "a block 32 columns", launch_columns },
	{ "tensor_entropy_back", "each", "softmax less the target", launch_entropy_back },
	{ "tensor_rotate", "each", "pairs of a head turned", launch_rotate },
	{ "tensor_gather", "each", "rows of a table", launch_gather },
	{ "tensor_scatter", "each", "gradients of a table's rows", launch_scatter },
	{},
};
