/*
 * The same arithmetic as four passes over the whole matrix, the way separate operations make them,
 * and as one: a row stays in the cache between its two readings.
 */
#include "kernels/rmsnorm.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx2.h"
#include "kernels/support/rows_avx512.h"
#include "kernels/support/rows_neon.h"

/* Square; mean; multiply by the reciprocal root; multiply by the weight: 7 rows n elements move. */
static void rmsnorm_unfused(const struct rows_task *task)
{
	size_t n = task->n;
	float *square = task->scratch;
	for (size_t i = 0; i < task->rows * n; i++)
		square[i] = task->x[i] * task->x[i];
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += square[row * n + j];
		square[row * n] = (float)(1 / sqrt(sum / (double)n + task->epsilon));
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] = task->x[row * n + j] * square[row * n];
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] *= task->weight[j];
}

static void rmsnorm_fused(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *y = task->y + row * n;
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += (double)x[j] * x[j];
		float factor = (float)(1 / sqrt(sum / (double)n + task->epsilon));
		for (size_t j = 0; j < n; j++)
			y[j] = x[j] * factor * task->weight[j];
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void rmsnorm_avx2(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at, *weight = task->weight;
		float *y = task->y + at, mean = rows_squares_avx2(x, n, 0) / (float)n;
		float factor = 1 / sqrtf(mean + task->epsilon);
		size_t j = 0;
		for (; j + 8 <= n; j += 8) {
			__m256 value =
				_mm256_mul_ps(_mm256_loadu_ps(x + j), _mm256_set1_ps(factor));
			_mm256_storeu_ps(y + j, _mm256_mul_ps(value, _mm256_loadu_ps(weight + j)));
		}
		for (; j < n; j++)
			y[j] = x[j] * factor * weight[j];
	}
}

__attribute__((target("avx512f"), always_inline)) static inline float
mean_square(const float *x, const float *next, size_t n)
{
	__m512 sums[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
			   _mm512_setzero_ps() };
	enum { AHEAD = 32 * 16 };
	size_t j = 0;
	for (; j + 64 <= n; j += 64) {
		rows_fetch_early(next, j);
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++) { /* the row's end was not asked for again yet */
			_mm_prefetch((const char *)(x + j + 16 * s + AHEAD), _MM_HINT_T1);
			__m512 value = _mm512_loadu_ps(x + j + 16 * s);
			sums[s] = _mm512_fmadd_ps(value, value, sums[s]);
		}
	}
	for (; j < n; j += 16) {
		__m512 value = _mm512_maskz_loadu_ps(rows_lanes(j, n), x + j);
		sums[0] = _mm512_fmadd_ps(value, value, sums[0]);
	}
	return rows_total_avx512(sums) / (float)n;
}

__attribute__((target("avx512f"), always_inline)) static inline void
scale(const struct rows_task *task, size_t at, size_t j, __m512 factor, __mmask16 lanes,
      bool is_past_caches)
{
	__m512 value = _mm512_maskz_loadu_ps(lanes, task->x + at + j);
	__m512 weight = _mm512_maskz_loadu_ps(lanes, task->weight + j);
	rows_store(task->y + at + j, _mm512_mul_ps(_mm512_mul_ps(value, factor), weight), lanes,
		   is_past_caches);
}

__attribute__((target("avx512f"), always_inline)) static inline void
all_rows(const struct rows_task *task, bool is_past_caches)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *next = rows_next(task, at);
		float mean = mean_square(task->x + at, next, n);
		__m512 factor = _mm512_set1_ps(1 / sqrtf(mean + task->epsilon));
		size_t j = rows_head(task->y + at, n);
		scale(task, at, 0, factor, rows_lanes(0, j), false);
		for (; j + 16 <= n; j += 16) {
			rows_fetch_late(next, n, j);
			scale(task, at, j, factor, 0xffff, is_past_caches);
		}
		if (j < n)
			scale(task, at, j, factor, rows_lanes(j, n), false);
	}
	if (is_past_caches)
		_mm_sfence();
}

__attribute__((target("avx512f"))) static void rmsnorm_avx512(const struct rows_task *task)
{
	all_rows(task, false);
}

__attribute__((target("avx512f"))) static void rmsnorm_nontemporal(const struct rows_task *task)
{
	all_rows(task, true);
}
#elif defined(__aarch64__)
static void rmsnorm_neon(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at, *weight = task->weight;
		float *y = task->y + at, mean = rows_squares_neon(x, n, 0) / (float)n;
		float factor = 1 / sqrtf(mean + task->epsilon);
		size_t j = 0;
		for (; j + 4 <= n; j += 4) {
			float32x4_t value = vmulq_n_f32(vld1q_f32(x + j), factor);
			vst1q_f32(y + j, vmulq_f32(value, vld1q_f32(weight + j)));
		}
		for (; j < n; j++)
			y[j] = x[j] * factor * weight[j];
	}
}
#endif

static double rmsnorm_flops(size_t n)
{
	return 4.0 * (double)n * (double)n;
}

static double rmsnorm_bytes(size_t n)
{
	return 8.0 * (double)n * (double)n + 4.0 * (double)n;
}

static const struct variant variants[] = {
	{ "unfused", "four passes over the matrix, as separate operations make them", NULL,
	  (void (*)(void))rmsnorm_unfused },
	{ "fused", "row by row: the second reading is from the cache", NULL,
	  (void (*)(void))rmsnorm_fused },
#if defined(__x86_64__)
	{ "fused-avx2", "eight at a time", cpu_has_avx2, (void (*)(void))rmsnorm_avx2 },
	{ "fused-avx512", "sixteen at a time", cpu_has_avx512, (void (*)(void))rmsnorm_avx512 },
	{ "nontemporal", "and stored past the caches: no line is fetched to be overwritten",
	  cpu_has_avx512, (void (*)(void))rmsnorm_nontemporal },
#elif defined(__aarch64__)
	{ "fused-neon", "four at a time", NULL, (void (*)(void))rmsnorm_neon },
#endif
	{ 0 },
};

rows_function *rmsnorm_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (rows_function *)variant->function : NULL;
}

const struct kernel kernel_rmsnorm = {
	.name = "rmsnorm",
	.summary = "each row divided by its root mean square, in four passes or one",
	.source = "Zhang and Sennrich, NeurIPS 2019",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = rmsnorm_flops,
	.bytes = rmsnorm_bytes,
};
