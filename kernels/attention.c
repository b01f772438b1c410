/*
 * Naive, every score goes to memory and back three times: 4 n_tokens^2 bytes, which no cache holds
 * from some thousand tokens on. In blocks ("flash"), scores live in the cache between the two
 * products, which are the packed products of gemm.h with their register tiles: k^T and v are packed
 * once, the weights as they come. A causal block stops at the diagonal, tile by tile.
 */
#include "kernels/attention.h"

#include <math.h>
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/kernel.h"
#include "kernels/softmax.h"
#include "kernels/support/attention_weigh.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemm_tiles_f32.h"

/*
 * A block of scores, weights and packed weights, some 84 x 128 x 4 bytes each, shares L2 with 64
 * KiB of packed keys and values; both are multiples of what tiles have. Padding: the widest tile.
 */
enum { QUERIES = 96, KEYS = 128, PADDING = 32 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

/* How many tokens a query looks at. */
static size_t n_seen(const struct attention_task *task, size_t query)
{
	return task->is_causal ? query + 1 : task->n_tokens;
}

static float scale_of(const struct attention_task *task)
{
	return 1 / sqrtf((float)task->n);
}

/* The row of weights, by the row of scores. */
static void weigh_whole(float *scores, size_t n)
{
	float most = scores[0], sum = 0;
	for (size_t j = 1; j < n; j++)
		most = scores[j] > most ? scores[j] : most;
	for (size_t j = 0; j < n; j++) {
		scores[j] = expf(scores[j] - most);
		sum += scores[j];
	}
	for (size_t j = 0; j < n; j++)
		scores[j] /= sum;
}

/* Scores of all queries; weights of all; sums of all: every second to last row of a causal head is
 * longer, so shares take turns. */
static void attention_naive(const struct attention_task *task, unsigned share, unsigned n_shares)
{
	size_t n = task->n, n_tokens = task->n_tokens;
	for (size_t i = share; i < n_tokens; i += n_shares) {
		for (size_t j = 0; j < n_seen(task, i); j++) {
			float sum = 0;
			for (size_t p = 0; p < n; p++)
				sum += task->q[i * n + p] * task->k[j * n + p];
			task->workspace[i * n_tokens + j] = sum * scale_of(task);
		}
	}
	for (size_t i = share; i < n_tokens; i += n_shares)
		weigh_whole(task->workspace + i * n_tokens, n_seen(task, i));
	for (size_t i = share; i < n_tokens; i += n_shares) {
		float *y = task->y + i * n;
		memset(y, 0, n * sizeof *y);
		for (size_t j = 0; j < n_seen(task, i); j++)
			for (size_t p = 0; p < n; p++)
				y[p] += task->workspace[i * n_tokens + j] * task->v[j * n + p];
	}
}

static void scale_and_mask(const struct attention_task *task, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		float *scores = task->workspace + i * task->n_tokens;
		for (size_t j = 0; j < task->n_tokens; j++)
			scores[j] = j < n_seen(task, i) ? scores[j] * scale_of(task) : -INFINITY;
	}
}

/* As a framework does it: the fastest product, a mask, the fastest softmax, and a product again. */
static void attention_unfused(const struct attention_task *task, unsigned share, unsigned n_shares)
{
	size_t n = task->n, n_tokens = task->n_tokens;
	size_t from = n_tokens * share / n_shares, to = n_tokens * (share + 1) / n_shares;
	float *scores = task->workspace + from * n_tokens;
	if (from == to)
		return;
	struct gemm_task product =
		gemm_task_plain(to - from, n_tokens, n, task->q + from * n, task->k, scores);
	product.b_row = 1;
	product.b_column = n;
	gemm_variant("auto")(&product);
	scale_and_mask(task, from, to);
	/* The variant that works in place: it reads a row before it writes it. */
	rows_function *softmax = softmax_variant("fused-avx512");
	struct rows_task rows = {
		.rows = to - from, .n = n_tokens, .x = scores, .y = scores, .scratch = scores
	};
	(softmax ? softmax : softmax_variant("fused"))(&rows);
	product = gemm_task_plain(to - from, n, n_tokens, scores, task->v, task->y + from * n);
	gemm_variant("auto")(&product);
}

/* What makes one flash of another: the tile of both products, and the row between them. */
struct flash {
	const struct gemm_tile *tile;
	attention_weigh_function *weigh;
	size_t n_queries, n_sums; /* of a block; n rounded up to whole tiles */
	float *keys, *values;    /* packed: strips of keys (n, columns); of n (n_tokens, columns) */
	float *queries, *scores; /* packed (n_queries, n); (n_queries, KEYS) */
	float *weights;          /* packed, one tile's rows */
	float *sums;             /* (n_queries, n_sums) */
	float *greatest, *totals; /* (n_queries) */
};

static size_t flash_floats(size_t n_tokens, size_t n)
{
	size_t padded = round_up(n, PADDING);
	return (n_tokens + PADDING) * n + n_tokens * padded + QUERIES * n + QUERIES * KEYS * 2 +
	       QUERIES * padded + 2 * QUERIES + 16 * PADDING;
}

static float *take(float **at, size_t n)
{
	float *taken = *at;
	*at += round_up(n, 16); /* 64 bytes */
	return taken;
}

static void pack_keys_and_values(const struct flash *flash, const struct attention_task *task)
{
	const struct gemm_tile *tile = flash->tile;
	size_t n = task->n, columns = tile->columns;
	for (size_t j = 0; j < task->n_tokens; j += columns)
		tile->pack_columns(flash->keys + j * n,
				   &(struct gemm_strip){ task->k + j * n,
							 least(columns, task->n_tokens - j), n, n,
							 1 });
	for (size_t p = 0; p < n; p += columns)
		tile->pack_columns(flash->values + p * task->n_tokens,
				   &(struct gemm_strip){ task->v + p, least(columns, n - p),
							 task->n_tokens, 1, n });
}

static void start(struct flash *flash, const struct attention_task *task, unsigned share)
{
	const struct gemm_tile *tile = flash->tile;
	size_t n = task->n, n_tokens = task->n_tokens;
	float *at = task->workspace + share * round_up(flash_floats(n_tokens, n), 16);
	flash->n_queries = QUERIES / tile->rows * tile->rows;
	flash->n_sums = round_up(n, tile->columns);
	flash->keys = take(&at, round_up(n_tokens, tile->columns) * n);
	flash->values = take(&at, n_tokens * flash->n_sums);
	flash->queries = take(&at, flash->n_queries * n);
	flash->scores = take(&at, flash->n_queries * KEYS);
	flash->weights = take(&at, tile->rows * KEYS);
	flash->sums = take(&at, flash->n_queries * flash->n_sums);
	flash->greatest = take(&at, flash->n_queries);
	flash->totals = take(&at, flash->n_queries);
	pack_keys_and_values(flash, task);
}

/* Rows [i, i + tile->rows) of the block, whose first query is `query`, meet keys from `key` on. */
static void meet(const struct flash *flash, const struct attention_task *task, size_t query,
		 size_t key, size_t i)
{
	const struct gemm_tile *tile = flash->tile;
	size_t n = task->n, last = least(query + i + tile->rows, task->n_tokens) - 1;
	size_t seen = n_seen(task, last);
	if (seen <= key)
		return;
	size_t n_keys = least(seen - key, KEYS);
	float *scores = flash->scores + i * KEYS, *sums = flash->sums + i * flash->n_sums;
	for (size_t j = 0; j < n_keys; j += tile->columns)
		tile->multiply(n, flash->queries + i * n, flash->keys + (key + j) * n, scores + j,
			       KEYS, false);
	for (size_t r = 0; r < tile->rows; r++) {
		size_t row_seen = n_seen(task, least(query + i + r, task->n_tokens - 1));
		struct attention_row row = { .scores = scores + r * KEYS,
					     .n = row_seen > key ? least(row_seen - key, n_keys)
								 : 0,
					     .n_padded = n_keys,
					     .sums = sums + r * flash->n_sums,
					     .n_sums = flash->n_sums,
					     .scale = scale_of(task),
					     .greatest = flash->greatest[i + r],
					     .total = flash->totals[i + r] };
		flash->weigh(&row);
		flash->greatest[i + r] = row.greatest;
		flash->totals[i + r] = row.total;
	}
	tile->pack_rows(flash->weights,
			&(struct gemm_strip){ scores, tile->rows, n_keys, KEYS, 1 });
	for (size_t p = 0; p < flash->n_sums; p += tile->columns)
		tile->multiply(n_keys, flash->weights,
			       flash->values + p * task->n_tokens + key * tile->columns, sums + p,
			       flash->n_sums, true);
}

/* A block of queries from first to last key, and what it comes to. */
static void look(const struct flash *flash, const struct attention_task *task, size_t query)
{
	const struct gemm_tile *tile = flash->tile;
	size_t n = task->n, n_queries = least(flash->n_queries, task->n_tokens - query);
	for (size_t i = 0; i < n_queries; i += tile->rows)
		tile->pack_rows(flash->queries + i * n,
				&(struct gemm_strip){ task->q + (query + i) * n,
						      least(tile->rows, n_queries - i), n, n, 1 });
	memset(flash->sums, 0, flash->n_queries * flash->n_sums * sizeof(float));
	memset(flash->totals, 0, flash->n_queries * sizeof(float));
	for (size_t i = 0; i < flash->n_queries; i++)
		flash->greatest[i] = -INFINITY;
	size_t n_keys = n_seen(task, query + n_queries - 1);
	for (size_t key = 0; key < n_keys; key += KEYS)
		for (size_t i = 0; i < n_queries; i += tile->rows)
			meet(flash, task, query, key, i);
	for (size_t i = 0; i < n_queries; i++)
		for (size_t p = 0; p < n; p++)
			task->y[(query + i) * n + p] =
				flash->sums[i * flash->n_sums + p] / flash->totals[i];
}

static void run(struct flash flash, const struct attention_task *task, unsigned share,
		unsigned n_shares)
{
	start(&flash, task, share);
	for (size_t query = share * flash.n_queries; query < task->n_tokens;
	     query += n_shares * flash.n_queries)
		look(&flash, task, query);
}

static void attention_flash(const struct attention_task *task, unsigned share, unsigned n_shares)
{
	run((struct flash){ .tile = &gemm_tile_f32_portable, .weigh = attention_weigh }, task,
	    share, n_shares);
}

#if defined(__x86_64__)
static void attention_flash_avx2(const struct attention_task *task, unsigned share,
				 unsigned n_shares)
{
	run((struct flash){ .tile = &gemm_tile_f32_avx2, .weigh = attention_weigh_avx2 }, task,
	    share, n_shares);
}

static void attention_flash_avx512(const struct attention_task *task, unsigned share,
				   unsigned n_shares)
{
	run((struct flash){ .tile = &gemm_tile_f32_avx512, .weigh = attention_weigh_avx512 }, task,
	    share, n_shares);
}
#elif defined(__aarch64__)
static void attention_flash_neon(const struct attention_task *task, unsigned share,
				 unsigned n_shares)
{
	run((struct flash){ .tile = &gemm_tile_f32_portable, .weigh = attention_weigh_neon }, task,
	    share, n_shares);
}
#endif

double attention_flops(const struct attention_task *task)
{
	double n = (double)task->n, n_tokens = (double)task->n_tokens;
	double pairs = task->is_causal ? n_tokens * (n_tokens + 1) / 2 : n_tokens * n_tokens;
	return pairs * (4 * n + 4) + n_tokens * n;
}

double attention_bytes(const struct attention_task *task)
{
	return 16.0 * (double)task->n_tokens * (double)task->n;
}

/* n tokens of a causal head of 64. */
static double head_flops(size_t n)
{
	return attention_flops(
		&(struct attention_task){ .n_tokens = n, .n = 64, .is_causal = true });
}

static double head_bytes(size_t n)
{
	return attention_bytes(&(struct attention_task){ .n_tokens = n, .n = 64 });
}

static const struct variant variants[] = {
	{ "naive", "all scores, then all weights, then all sums, one by one", NULL,
	  (void (*)(void))attention_naive },
	{ "unfused", "the same three passes by the fastest product and softmax", NULL,
	  (void (*)(void))attention_unfused },
	{ "flash", "in blocks whose scores stay in the cache", NULL,
	  (void (*)(void))attention_flash },
#if defined(__x86_64__)
	{ "flash-avx2", "6 x 16 sums in registers, eight exponentials at a time", cpu_has_avx2,
	  (void (*)(void))attention_flash_avx2 },
	{ "flash-avx512", "14 x 32 sums in registers, sixteen exponentials at a time",
	  cpu_has_avx512, (void (*)(void))attention_flash_avx512 },
#elif defined(__aarch64__)
	{ "flash-neon", "6 x 8 sums in registers, four exponentials at a time", NULL,
	  (void (*)(void))attention_flash_neon },
#endif
	{ 0 },
};

attention_function *attention_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (attention_function *)variant->function : NULL;
}

size_t attention_workspace_bytes(const char *variant, size_t n_tokens, size_t n, unsigned n_shares)
{
	if (strcmp(variant, "naive") == 0 || strcmp(variant, "unfused") == 0)
		return n_tokens * n_tokens * sizeof(float);
	return n_shares * round_up(flash_floats(n_tokens, n), 16) * sizeof(float);
}

const struct kernel kernel_attention = {
	.name = "attention",
	.summary = "softmax(q k^T) v: two matrix products with exponentials between them",
	.source = "Vaswani et al. (2017); Dao et al., FlashAttention (2022)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = head_flops,
	.bytes = head_bytes,
};
