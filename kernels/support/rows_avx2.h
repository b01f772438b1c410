/*
 * rows_avx2: eight elements of a row at a time. Header-only, for functions compiled for avx2 and
 * fma. A row is whole vectors and a tail that is taken one by one.
 */
#ifndef KERNELS_SUPPORT_ROWS_AVX2_H
#define KERNELS_SUPPORT_ROWS_AVX2_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>

/* rows_total_avx2: the sum of the eight. */
__attribute__((target("avx2"), always_inline)) static inline float rows_total_avx2(__m256 sums)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* rows_most_avx2: the greatest of the eight. */
__attribute__((target("avx2"), always_inline)) static inline float rows_most_avx2(__m256 most)
{
	__m128 four = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
	__m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/* rows_sum_avx2: of a row. */
__attribute__((target("avx2,fma"), always_inline)) static inline float rows_sum_avx2(const float *x,
										     size_t n)
{
	__m256 sums[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
	float rest = 0;
	size_t j = 0;
	for (; j + 16 <= n; j += 16) {
		sums[0] = _mm256_add_ps(sums[0], _mm256_loadu_ps(x + j));
		sums[1] = _mm256_add_ps(sums[1], _mm256_loadu_ps(x + j + 8));
	}
	for (; j < n; j++)
		rest += x[j];
	return rest + rows_total_avx2(_mm256_add_ps(sums[0], sums[1]));
}

/* rows_squares_avx2: the sum of (x - away)^2. */
__attribute__((target("avx2,fma"), always_inline)) static inline float
rows_squares_avx2(const float *x, size_t n, float away)
{
	__m256 sums[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
	__m256 middle = _mm256_set1_ps(away);
	float rest = 0;
	size_t j = 0;
	for (; j + 16 <= n; j += 16) {
#pragma GCC unroll 2
		for (size_t s = 0; s < 2; s++) {
			__m256 value = _mm256_sub_ps(_mm256_loadu_ps(x + j + 8 * s), middle);
			sums[s] = _mm256_fmadd_ps(value, value, sums[s]);
		}
	}
	for (; j < n; j++)
		rest += (x[j] - away) * (x[j] - away);
	return rest + rows_total_avx2(_mm256_add_ps(sums[0], sums[1]));
}
#endif

#endif
