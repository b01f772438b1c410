/*
 * rows_exponential: the greatest of a row, its exponentials with their sum, and their scaling,
 * which softmax and cross-entropy are made of. Header-only.
 */
#ifndef KERNELS_SUPPORT_ROWS_EXPONENTIAL_H
#define KERNELS_SUPPORT_ROWS_EXPONENTIAL_H

#include <math.h>
#include <stddef.h>

#include "kernels/support/exponential.h"
#include "kernels/support/rows_avx2.h"
#include "kernels/support/rows_avx512.h"

static inline float rows_greatest(const float *x, size_t n)
{
	float most = x[0];
	for (size_t j = 1; j < n; j++)
		most = x[j] > most ? x[j] : most;
	return most;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"), always_inline)) static inline float
rows_greatest_avx2(const float *x, size_t n)
{
	__m256 most = _mm256_set1_ps(-INFINITY);
	float greatest = x[0];
	size_t j = 0;
	for (; j + 8 <= n; j += 8)
		most = _mm256_max_ps(most, _mm256_loadu_ps(x + j));
	for (; j < n; j++)
		greatest = x[j] > greatest ? x[j] : greatest;
	float other = rows_most_avx2(most);
	return other > greatest ? other : greatest;
}

/* rows_exponentials_avx2: exp(x - most) into `to`; their sum. */
__attribute__((target("avx2,fma"), always_inline)) static inline float
rows_exponentials_avx2(float *to, const float *x, size_t n, float most)
{
	__m256 away = _mm256_set1_ps(most), sums = _mm256_setzero_ps();
	float rest = 0;
	size_t j = 0;
	for (; j + 8 <= n; j += 8) {
		__m256 value = exponential_eight(_mm256_sub_ps(_mm256_loadu_ps(x + j), away));
		_mm256_storeu_ps(to + j, value);
		sums = _mm256_add_ps(sums, value);
	}
	for (; j < n; j++)
		rest += to[j] = expf(x[j] - most);
	return rest + rows_total_avx2(sums);
}

__attribute__((target("avx2,fma"), always_inline)) static inline void
rows_scale_avx2(float *y, size_t n, float factor)
{
	size_t j = 0;
	for (; j + 8 <= n; j += 8)
		_mm256_storeu_ps(y + j,
				 _mm256_mul_ps(_mm256_loadu_ps(y + j), _mm256_set1_ps(factor)));
	for (; j < n; j++)
		y[j] *= factor;
}

__attribute__((target("avx512f"), always_inline)) static inline float
rows_greatest_avx512(const float *x, size_t n)
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

__attribute__((target("avx512f"), always_inline)) static inline void
rows_scale_avx512(float *y, size_t n, float factor)
{
	for (size_t j = 0; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		__m512 value = _mm512_maskz_loadu_ps(lanes, y + j);
		_mm512_mask_storeu_ps(y + j, lanes, _mm512_mul_ps(value, _mm512_set1_ps(factor)));
	}
}

/* rows_exponentials_avx512: exp(x - most) into `to`; their sum. Meanwhile the next row is fetched.
 */
__attribute__((target("avx512f"), always_inline)) static inline float
rows_exponentials_avx512(float *to, const float *x, size_t n, float most, const float *next)
{
	__m512 away = _mm512_set1_ps(most), sums[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
	size_t j = 0;
	for (; j + 32 <= n; j += 32) {
#pragma GCC unroll 2
		for (size_t s = 0; s < 2; s++) {
			rows_fetch(next + j + 16 * s);
			__m512 value = exponential_sixteen(
				_mm512_sub_ps(_mm512_loadu_ps(x + j + 16 * s), away));
			_mm512_storeu_ps(to + j + 16 * s, value);
			sums[s] = _mm512_add_ps(sums[s], value);
		}
	}
	for (; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		__m512 value = exponential_sixteen(
			_mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + j), away));
		_mm512_mask_storeu_ps(to + j, lanes, value);
		sums[0] = _mm512_mask_add_ps(sums[0], lanes, sums[0], value);
	}
	return _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
}
#endif

#endif
