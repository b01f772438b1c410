/*
 * The row's greatest is taken away first, or exp overflows from 89 on. Fused, a row is read three
 * times, twice from the cache; its exponentials wait in the scratch row until their sum is known.
 */
#include "kernels/softmax.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx512.h"

static float greatest(const float *x, size_t n)
{
	float most = x[0];
	for (size_t j = 1; j < n; j++)
		most = x[j] > most ? x[j] : most;
	return most;
}

/* Maximum; difference; exponential; sum; quotient: 8 rows n elements move. */
static void softmax_unfused(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++)
		task->scratch[row * n] = greatest(task->x + row * n, n);
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] = task->x[row * n + j] - task->scratch[row * n];
	for (size_t i = 0; i < task->rows * n; i++)
		task->y[i] = expf(task->y[i]);
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += task->y[row * n + j];
		task->scratch[row * n] = (float)sum;
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] /= task->scratch[row * n];
}

static void softmax_fused(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *y = task->y + row * n, most = greatest(x, n);
		double sum = 0;
		for (size_t j = 0; j < n; j++) {
			y[j] = expf(x[j] - most);
			sum += y[j];
		}
		for (size_t j = 0; j < n; j++)
			y[j] = (float)(y[j] / sum);
	}
}

#if defined(__x86_64__)
/*
 * exp for x <= 0: x = k ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts, so that k ln 2 is exact
 * enough (Cody and Waite). Below -104 the result is 0; NaN stays NaN (max returns its second
 * operand then).
 */
__attribute__((target("avx512f"), always_inline)) static inline __m512 exponential(__m512 x)
{
	x = _mm512_max_ps(_mm512_set1_ps(-104), x);
	__m512 k = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
					_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	__m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(0.693359375f), x);
	r = _mm512_fnmadd_ps(k, _mm512_set1_ps(-2.12194440e-4f), r);
	__m512 p = _mm512_set1_ps(1.9875691500e-4f);
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
	p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1)));
	return _mm512_scalef_ps(p, k);
}

__attribute__((target("avx512f"), always_inline)) static inline float greatest16(const float *x,
										 size_t n)
{
	__m512 most[2] = { _mm512_set1_ps(-INFINITY), _mm512_set1_ps(-INFINITY) };
	size_t j = 0;
	for (; j + 32 <= n; j += 32) {
		most[0] = _mm512_max_ps(most[0], _mm512_loadu_ps(x + j));
		most[1] = _mm512_max_ps(most[1], _mm512_loadu_ps(x + j + 16));
	}
	for (; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		most[0] = _mm512_mask_max_ps(most[0], lanes, most[0],
					     _mm512_maskz_loadu_ps(lanes, x + j));
	}
	return _mm512_reduce_max_ps(_mm512_max_ps(most[0], most[1]));
}

/* Exponentials into `to`, which has room for n; their sum. Meanwhile the next row is fetched. */
__attribute__((target("avx512f"), always_inline)) static inline float
exponentials(float *to, const float *x, size_t n, float most, const float *next)
{
	__m512 away = _mm512_set1_ps(most), sums[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
	size_t j = 0;
	for (; j + 32 <= n; j += 32) {
#pragma GCC unroll 2
		for (size_t s = 0; s < 2; s++) {
			_mm_prefetch((const char *)(next + j + 16 * s), _MM_HINT_T1);
			__m512 value =
				exponential(_mm512_sub_ps(_mm512_loadu_ps(x + j + 16 * s), away));
			_mm512_storeu_ps(to + j + 16 * s, value);
			sums[s] = _mm512_add_ps(sums[s], value);
		}
	}
	for (; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		__m512 value =
			exponential(_mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + j), away));
		_mm512_mask_storeu_ps(to + j, lanes, value);
		sums[0] = _mm512_mask_add_ps(sums[0], lanes, sums[0], value);
	}
	return _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
}

__attribute__((target("avx512f"), always_inline)) static inline void
all_rows(const struct rows_task *task, bool is_past_caches)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at;
		float *y = task->y + at, *wait = is_past_caches ? task->scratch : y;
		float sum = exponentials(wait, x, n, greatest16(x, n), rows_next(task, at));
		__m512 factor = _mm512_set1_ps(1 / sum);
		size_t j = rows_head(y, n);
		__mmask16 lanes = rows_lanes(0, j);
		rows_store(y, _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, wait), factor), lanes,
			   false);
		for (; j + 16 <= n; j += 16)
			rows_store(y + j, _mm512_mul_ps(_mm512_loadu_ps(wait + j), factor), 0xffff,
				   is_past_caches);
		lanes = rows_lanes(j, n);
		rows_store(y + j, _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, wait + j), factor),
			   lanes, false);
	}
	if (is_past_caches)
		_mm_sfence();
}

__attribute__((target("avx512f"))) static void softmax_avx512(const struct rows_task *task)
{
	all_rows(task, false);
}

__attribute__((target("avx512f"))) static void softmax_nontemporal(const struct rows_task *task)
{
	all_rows(task, true);
}
#endif

static double softmax_flops(size_t n)
{
	return 4.0 * (double)n * (double)n;
}

static double softmax_bytes(size_t n)
{
	return 8.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "unfused", "five passes over the matrix, as separate operations make them", NULL,
	  (void (*)(void))softmax_unfused },
	{ "fused", "row by row: all readings but the first are from the cache", NULL,
	  (void (*)(void))softmax_fused },
#if defined(__x86_64__)
	{ "fused-avx512", "sixteen exponentials at a time", cpu_has_avx512,
	  (void (*)(void))softmax_avx512 },
	{ "nontemporal", "and stored past the caches: no line is fetched to be overwritten",
	  cpu_has_avx512, (void (*)(void))softmax_nontemporal },
#endif
	{ 0 },
};

rows_function *softmax_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (rows_function *)variant->function : NULL;
}

const struct kernel kernel_softmax = {
	.name = "softmax",
	.summary = "each row's exponentials divided by their sum, in five passes or one",
	.source = "Bridle (1990); Cephes, expf",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = softmax_flops,
	.bytes = softmax_bytes,
};
