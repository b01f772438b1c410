/*
 * Attention of some heads, two ways:
 *
 *   naive   three kernels a head: all scores to memory, their softmax, their product with v
 *   flash   keys and values pass by in tiles of 32; a warp keeps each query's sums and
 *           rescales them when a greater score appears: scores never leave the registers
 *
 * Source  Dao et al., FlashAttention (2022); Milakov and Gimelshein (2018)
 */
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/tasks.h"

__device__ static bool is_seen(const cuda_attention_task &task, size_t query, size_t key)
{
	return key < task.n_tokens && (!task.is_causal || key <= query);
}

/* ---- naive: q, k, v, y are those of one head */

__global__ void attention_scores(struct cuda_attention_task task)
{
	size_t key = (size_t)blockIdx.x * blockDim.x + threadIdx.x, query = blockIdx.y;
	float sum = 0;
	if (key >= task.n_tokens)
		return;
	for (size_t p = 0; p < task.n; p++)
		sum += task.q[query * task.n + p] * task.k[key * task.n + p];
	task.scores[query * task.n_tokens + key] =
		is_seen(task, query, key) ? sum / sqrtf((float)task.n) : -INFINITY;
}

__global__ void attention_softmax(struct cuda_attention_task task)
{
	float *row = task.scores + (size_t)blockIdx.x * task.n_tokens;
	float at_most = -INFINITY, sum = 0;
	EACH_COLUMN(j, task.n_tokens)
	at_most = fmaxf(at_most, row[j]);
	at_most = over_block<most>(at_most);
	EACH_COLUMN(j, task.n_tokens)
	sum += row[j] = expf(row[j] - at_most);
	sum = over_block<add>(sum);
	EACH_COLUMN(j, task.n_tokens)
	row[j] /= sum;
}

__global__ void attention_values(struct cuda_attention_task task)
{
	size_t query = blockIdx.x;
	const float *row = task.scores + query * task.n_tokens;
	EACH_COLUMN(p, task.n)
	{
		float sum = 0;
		for (size_t j = 0; j < task.n_tokens; j++)
			sum += row[j] * task.v[j * task.n + p];
		task.y[query * task.n + p] = sum;
	}
}

static const char *launch_naive(const void *opaque)
{
	enum { THREADS = 256 };
	struct cuda_attention_task head = *(const struct cuda_attention_task *)opaque;
	unsigned tokens = (unsigned)head.n_tokens;
	if (head.n_tokens > 65535)
		return "attention: variant=naive takes up to 65535 tokens; use variant=flash.";
	for (size_t i = 0; i < head.n_heads; i++) {
		launch(attention_scores, dim3(blocks_for(tokens, THREADS), tokens), dim3(THREADS),
		       head);
		launch(attention_softmax, dim3(tokens), dim3(THREADS), head);
		launch(attention_values, dim3(tokens), dim3(64), head);
		head.q += head.n_tokens * head.n;
		head.k += head.n_tokens * head.n;
		head.v += head.n_tokens * head.n;
		head.y += head.n_tokens * head.n;
	}
	return NULL;
}

/* ---- flash */

enum {
	WARPS = 8,
	EACH = 2, /* queries a warp */
	QUERIES = WARPS * EACH,
	KEYS = WARP, /* a tile: a score a lane */
};

/* `parts` times 32 columns, of which n are there; the others are zeros. */
template <unsigned parts> struct flash_tiles {
	float q[QUERIES][parts * WARP];
	float k[KEYS][parts * WARP + 1]; /* lanes read down a column: 32 banks */
	float v[KEYS][parts * WARP];
};

/* What a warp knows of one query so far. */
template <unsigned parts> struct flash_sums {
	float greatest, total, y[parts]; /* y: columns lane, lane + 32, ... */
};

__device__ static float row_or_zero(const float *rows, size_t row, size_t n_rows, unsigned column,
				    size_t n)
{
	return row < n_rows && column < n ? rows[row * n + column] : 0;
}

template <unsigned parts>
__device__ void attend(flash_sums<parts> &sums, const float *q, const flash_tiles<parts> &tile,
		       bool is_own_key_seen)
{
	unsigned lane = threadIdx.x % WARP;
	float score = 0;
	for (unsigned p = 0; p < parts * WARP; p++)
		score += q[p] * tile.k[lane][p];
	score = is_own_key_seen ? score : -INFINITY;
	/* Of the first tile every query sees key 0: the greatest is finite from there on. */
	float greatest = fmaxf(sums.greatest, over_warp<most>(score));
	float weight = expf(score - greatest), factor = expf(sums.greatest - greatest);
	sums.total = sums.total * factor + over_warp<add>(weight);
	sums.greatest = greatest;
	for (unsigned i = 0; i < parts; i++)
		sums.y[i] *= factor;
	for (unsigned key = 0; key < KEYS; key++) {
		float its = __shfl_sync(0xffffffff, weight, key);
		for (unsigned i = 0; i < parts; i++)
			sums.y[i] += its * tile.v[key][i * WARP + lane];
	}
}

template <unsigned parts>
__global__ void __launch_bounds__(WARPS *WARP) attention_flash(struct cuda_attention_task task)
{
	enum { COLUMNS = parts * WARP, THREADS = WARPS * WARP };
	__shared__ flash_tiles<parts> tile;
	size_t tokens = task.n_tokens, n = task.n, head = blockIdx.y * tokens * n;
	size_t first = (size_t)blockIdx.x * QUERIES, end = tokens;
	unsigned lane = threadIdx.x % WARP, own = threadIdx.x / WARP * EACH;
	float scale = 1 / sqrtf((float)n);
	flash_sums<parts> sums[EACH];
	for (unsigned e = 0; e < EACH; e++)
		sums[e] = flash_sums<parts>{ -INFINITY, 0, {} };
	for (unsigned i = threadIdx.x; i < QUERIES * COLUMNS; i += THREADS)
		tile.q[i / COLUMNS][i % COLUMNS] =
			scale *
			row_or_zero(task.q + head, first + i / COLUMNS, tokens, i % COLUMNS, n);
	if (task.is_causal && first + QUERIES < tokens)
		end = first + QUERIES;
	for (size_t from = 0; from < end; from += KEYS) {
		__syncthreads();
		for (unsigned i = threadIdx.x; i < KEYS * COLUMNS; i += THREADS) {
			unsigned row = i / COLUMNS, column = i % COLUMNS;
			tile.k[row][column] =
				row_or_zero(task.k + head, from + row, tokens, column, n);
			tile.v[row][column] =
				row_or_zero(task.v + head, from + row, tokens, column, n);
		}
		__syncthreads();
		for (unsigned e = 0; e < EACH; e++)
			attend<parts>(sums[e], tile.q[own + e], tile,
				      is_seen(task, first + own + e, from + lane));
	}
	for (unsigned e = 0; e < EACH; e++)
		for (unsigned i = 0; i < parts; i++)
			if (first + own + e < tokens && i * WARP + lane < n)
				task.y[head + (first + own + e) * n + i * WARP + lane] =
					sums[e].y[i] / sums[e].total;
}

static const char *launch_flash(const void *opaque)
{
	const struct cuda_attention_task *task = (const struct cuda_attention_task *)opaque;
	if (task->n > 128)
		return "attention: variant=flash takes n up to 128; use variant=naive.";
	launch(task->n > 64 ? attention_flash<4> : attention_flash<2>,
	       dim3(blocks_for(task->n_tokens, QUERIES), (unsigned)task->n_heads),
	       dim3(WARPS * WARP), *task);
	return NULL;
}

const struct cuda_kernel attention_kernels[] = {
	{ "attention", "naive", "all scores through memory", launch_naive },
	{ "attention", "flash", "scores stay in registers", launch_flash },
	{},
};
