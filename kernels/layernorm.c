/*
 * The variance is the mean square of differences from the mean, not mean(x^2) - mean^2, which
 * cancels to nothing where the mean is large: a second reading of a row, or of a part of it, that
 * is in the cache.
 */
#include "kernels/layernorm.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx2.h"
#include "kernels/support/rows_avx512.h"
#include "kernels/support/rows_neon.h"

/* Mean; difference; its square; variance; scale; weight; bias: 13 rows n elements move. */
static void layernorm_unfused(const struct rows_task *task)
{
	size_t n = task->n;
	float *square = task->scratch;
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += task->x[row * n + j];
		square[row * n] = (float)(sum / (double)n);
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] = task->x[row * n + j] - square[row * n];
	for (size_t i = 0; i < task->rows * n; i++)
		square[i] = task->y[i] * task->y[i];
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += square[row * n + j];
		square[row * n] = (float)(1 / sqrt(sum / (double)n + task->epsilon));
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] *= square[row * n];
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] *= task->weight[j];
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] += task->bias[j];
}

static void layernorm_fused(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *y = task->y + row * n;
		double sum = 0, squares = 0;
		for (size_t j = 0; j < n; j++)
			sum += x[j];
		float mean = (float)(sum / (double)n);
		for (size_t j = 0; j < n; j++)
			squares += (double)(x[j] - mean) * (x[j] - mean);
		float factor = (float)(1 / sqrt(squares / (double)n + task->epsilon));
		for (size_t j = 0; j < n; j++)
			y[j] = (x[j] - mean) * factor * task->weight[j] + task->bias[j];
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void layernorm_avx2(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at, *weight = task->weight, *bias = task->bias;
		float *y = task->y + at, mean = rows_sum_avx2(x, n) / (float)n;
		float variance = rows_squares_avx2(x, n, mean) / (float)n;
		float factor = 1 / sqrtf(variance + task->epsilon);
		__m256 away = _mm256_set1_ps(mean), factors = _mm256_set1_ps(factor);
		size_t j = 0;
		for (; j + 8 <= n; j += 8) {
			__m256 value = _mm256_sub_ps(_mm256_loadu_ps(x + j), away);
			value = _mm256_mul_ps(value, factors);
			_mm256_storeu_ps(y + j, _mm256_fmadd_ps(value, _mm256_loadu_ps(weight + j),
								_mm256_loadu_ps(bias + j)));
		}
		for (; j < n; j++)
			y[j] = (x[j] - mean) * factor * weight[j] + bias[j];
	}
}

/* Elements that rows take turns with, by measurement on Zen 4: 64 or 256 are a tenth slower. */
enum { CHUNK = 128, CHUNK_VECTORS = CHUNK / 16 };

/* Of sixteen columns of a row: of each the mean, and the sum of squared differences from it. */
struct moments {
	__m512 means, squares;
	float n_each;
};

/* One more chunk, whose second reading is from L1. Chan, Golub, LeVeque (1979): two parts' squares
 * are those about their own means, and what their means are apart. */
__attribute__((target("avx512f"), always_inline)) static inline struct moments
moments_with(struct moments old, const float *x)
{
	const float n_new = old.n_each + CHUNK_VECTORS;
	__m512 sums[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
	__m512 squares[2] = { old.squares, _mm512_setzero_ps() };
#pragma GCC unroll 8
	for (int v = 0; v < CHUNK_VECTORS; v++)
		sums[v % 2] = _mm512_add_ps(sums[v % 2], _mm512_loadu_ps(x + (ptrdiff_t)16 * v));
	__m512 mean = _mm512_mul_ps(_mm512_add_ps(sums[0], sums[1]),
				    _mm512_set1_ps(1.0f / CHUNK_VECTORS));
#pragma GCC unroll 8
	for (int v = 0; v < CHUNK_VECTORS; v++) {
		__m512 away = _mm512_sub_ps(_mm512_loadu_ps(x + (ptrdiff_t)16 * v), mean);
		squares[v % 2] = _mm512_fmadd_ps(away, away, squares[v % 2]);
	}
	__m512 apart = _mm512_sub_ps(mean, old.means);
	__m512 step = _mm512_mul_ps(apart, _mm512_set1_ps(CHUNK_VECTORS / n_new));
	return (struct moments){ _mm512_add_ps(old.means, step),
				 _mm512_fmadd_ps(_mm512_mul_ps(step, apart),
						 _mm512_set1_ps(old.n_each),
						 _mm512_add_ps(squares[0], squares[1])),
				 n_new };
}

struct middle {
	float mean, squares; /* of n elements */
	size_t n;
};

static inline struct middle middle_of_both(struct middle a, struct middle b)
{
	float share = (float)b.n / (float)(a.n + b.n), apart = b.mean - a.mean;
	return (struct middle){ a.mean + apart * share,
				a.squares + b.squares + apart * apart * share * (float)a.n,
				a.n + b.n };
}

__attribute__((target("avx512f"))) static struct middle middle_of_lanes(struct moments lanes)
{
	float mean = _mm512_reduce_add_ps(lanes.means) / 16;
	__m512 apart = _mm512_sub_ps(lanes.means, _mm512_set1_ps(mean));
	__m512 squares = _mm512_fmadd_ps(_mm512_mul_ps(apart, apart), _mm512_set1_ps(lanes.n_each),
					 lanes.squares);
	return (struct middle){ mean, _mm512_reduce_add_ps(squares), (size_t)lanes.n_each * 16 };
}

/* The end of a row, less than a chunk. */
__attribute__((target("avx512f"))) static struct middle middle_of_rest(const float *x, size_t n)
{
	__m512 sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
	for (size_t j = 0; j < n; j += 16)
		sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(rows_lanes(j, n), x + j));
	float mean = _mm512_reduce_add_ps(sum) / (float)n;
	for (size_t j = 0; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		__m512 value = _mm512_maskz_loadu_ps(lanes, x + j);
		value = _mm512_maskz_sub_ps(lanes, value, _mm512_set1_ps(mean));
		squares = _mm512_fmadd_ps(value, value, squares);
	}
	return (struct middle){ mean, _mm512_reduce_add_ps(squares), n };
}

struct scaling {
	__m512 mean, factor;
};

__attribute__((target("avx512f"), always_inline)) static inline struct scaling
scaling_of(const float *x, size_t n, float epsilon, struct moments moments)
{
	size_t n_rest = n % CHUNK;
	struct middle middle = middle_of_lanes(moments);
	if (n_rest > 0) {
		struct middle rest = middle_of_rest(x + n - n_rest, n_rest);
		middle = middle.n ? middle_of_both(middle, rest) : rest;
	}
	float variance = middle.squares / (float)n;
	return (struct scaling){ _mm512_set1_ps(middle.mean),
				 _mm512_set1_ps(1 / sqrtf(variance + epsilon)) };
}

/* A part of a row, and the same part of the row that is fetched meanwhile. */
struct part {
	const float *x, *weight, *bias, *fetched;
	float *y;
};

/* Elements [j, end), at most sixteen. */
__attribute__((target("avx512f"), always_inline)) static inline void
scale_some(struct part part, size_t j, size_t end, struct scaling scaling)
{
	__mmask16 lanes = rows_lanes(j, end);
	__m512 value = _mm512_maskz_loadu_ps(lanes, part.x + j);
	__m512 weight = _mm512_maskz_loadu_ps(lanes, part.weight + j);
	__m512 bias = _mm512_maskz_loadu_ps(lanes, part.bias + j);
	value = _mm512_mul_ps(_mm512_sub_ps(value, scaling.mean), scaling.factor);
	_mm512_mask_storeu_ps(part.y + j, lanes, _mm512_fmadd_ps(value, weight, bias));
}

/* Whole vectors of [from, end), where y is aligned; returns where they end. */
__attribute__((target("avx512f"), always_inline)) static inline size_t
scale_whole(struct part part, size_t from, size_t end, struct scaling scaling, bool is_past_caches)
{
	size_t j = from;
#pragma GCC unroll 2
	for (; j + 16 <= end; j += 16) {
		__m512 value = _mm512_sub_ps(_mm512_loadu_ps(part.x + j), scaling.mean);
		value = _mm512_fmadd_ps(_mm512_mul_ps(value, scaling.factor),
					_mm512_loadu_ps(part.weight + j),
					_mm512_loadu_ps(part.bias + j));
		rows_fetch(part.fetched + j);
		rows_store_whole(part.y + j, value, is_past_caches);
	}
	return j;
}

/* Any y, any n. A masked store of nothing would still fetch the line. */
__attribute__((target("avx512f"), always_inline)) static inline void
scale_any(struct part part, size_t n, struct scaling scaling, bool is_past_caches)
{
	size_t head = rows_head(part.y, n);
	if (head > 0)
		scale_some(part, 0, head, scaling);
	size_t j = scale_whole(part, head, n, scaling, is_past_caches);
	if (j < n)
		scale_some(part, j, n, scaling);
}

/*
 * Three rows are under way, for memory to be read and written at the same time: a chunk of one is
 * scaled and stored, then one of the next is summed, and the one behind that is fetched. Even:
 * whole chunks, and y is aligned. It is compiled for itself, and the task is a copy, or sums and
 * addresses would not stay in registers: a tenth slower.
 */
__attribute__((target("avx512f"), always_inline)) static inline void
all_rows(struct rows_task task, bool is_past_caches, bool is_even)
{
	size_t n = task.n;
	struct scaling scaling = { _mm512_setzero_ps(), _mm512_setzero_ps() };
	for (size_t row = 0; row <= task.rows; row++) {
		const float *x = task.x + row * n;
		struct moments moments = { _mm512_setzero_ps(), _mm512_setzero_ps(), 0 };
		for (size_t j = 0; j < n; j += CHUNK) {
			bool is_whole = is_even || n - j >= CHUNK;
			struct part part = { x - n + j, task.weight + j, task.bias + j,
					     rows_next(&task, row * n) + j,
					     task.y + (row - 1) * n + j };
			if (row > 0 && is_even)
				scale_whole(part, 0, CHUNK, scaling, is_past_caches);
			else if (row > 0)
				scale_any(part, is_whole ? CHUNK : n - j, scaling, is_past_caches);
			if (row < task.rows && is_whole)
				moments = moments_with(moments, x + j);
		}
		if (row < task.rows)
			scaling = scaling_of(x, n, task.epsilon, moments);
	}
	if (is_past_caches)
		_mm_sfence();
}

static inline bool is_even(const struct rows_task *task)
{
	return task->n % CHUNK == 0 && (uintptr_t)task->y % 64 == 0;
}

__attribute__((target("avx512f"))) static void even_rows(const struct rows_task *task)
{
	all_rows(*task, false, true);
}

__attribute__((target("avx512f"))) static void odd_rows(const struct rows_task *task)
{
	all_rows(*task, false, false);
}

__attribute__((target("avx512f"))) static void even_rows_past(const struct rows_task *task)
{
	all_rows(*task, true, true);
}

__attribute__((target("avx512f"))) static void odd_rows_past(const struct rows_task *task)
{
	all_rows(*task, true, false);
}

static void layernorm_avx512(const struct rows_task *task)
{
	is_even(task) ? even_rows(task) : odd_rows(task);
}

static void layernorm_nontemporal(const struct rows_task *task)
{
	is_even(task) ? even_rows_past(task) : odd_rows_past(task);
}
#elif defined(__aarch64__)
static void layernorm_neon(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at, *weight = task->weight, *bias = task->bias;
		float *y = task->y + at, mean = rows_sum_neon(x, n) / (float)n;
		float variance = rows_squares_neon(x, n, mean) / (float)n;
		float factor = 1 / sqrtf(variance + task->epsilon);
		size_t j = 0;
		for (; j + 4 <= n; j += 4) {
			float32x4_t value = vsubq_f32(vld1q_f32(x + j), vdupq_n_f32(mean));
			value = vmulq_n_f32(value, factor);
			vst1q_f32(y + j,
				  vfmaq_f32(vld1q_f32(bias + j), value, vld1q_f32(weight + j)));
		}
		for (; j < n; j++)
			y[j] = (x[j] - mean) * factor * weight[j] + bias[j];
	}
}
#endif

static double layernorm_flops(size_t n)
{
	return 8.0 * (double)n * (double)n;
}

static double layernorm_bytes(size_t n)
{
	return 8.0 * (double)n * (double)n + 8.0 * (double)n;
}

static const struct variant variants[] = {
	{ "unfused", "seven passes over the matrix, as separate operations make them", NULL,
	  (void (*)(void))layernorm_unfused },
	{ "fused", "row by row: all readings but the first are from the cache", NULL,
	  (void (*)(void))layernorm_fused },
#if defined(__x86_64__)
	{ "fused-avx2", "eight at a time", cpu_has_avx2, (void (*)(void))layernorm_avx2 },
	{ "fused-avx512", "sixteen at a time", cpu_has_avx512, (void (*)(void))layernorm_avx512 },
	{ "nontemporal", "and stored past the caches: no line is fetched to be overwritten",
	  cpu_has_avx512, (void (*)(void))layernorm_nontemporal },
#elif defined(__aarch64__)
	{ "fused-neon", "four at a time", NULL, (void (*)(void))layernorm_neon },
#endif
	{ 0 },
};

rows_function *layernorm_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (rows_function *)variant->function : NULL;
}

const struct kernel kernel_layernorm = {
	.name = "layernorm",
	.summary = "each row shifted to mean 0 and scaled to deviation 1, in seven passes or one",
	.source = "Ba, Kiros, Hinton (2016)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = layernorm_flops,
	.bytes = layernorm_bytes,
};
