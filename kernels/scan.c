/*
 * Every sum needs the one before: a chain of additions. Within a vector, four steps that add what
 * is 1, 2, 4 and 8 places before do sixteen sums: more additions, but only one of them is in the
 * chain.
 */
#include "kernels/scan.h"

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static float scan_one(const float *x, float *y, size_t n, float before)
{
	for (size_t i = 0; i < n; i++)
		y[i] = before += x[i];
	return before;
}

#if defined(__x86_64__)
/* Steps of 1 and 2 within each half; then the lower half's last to all of the upper. */
__attribute__((target("avx2"))) static float scan_avx2(const float *x, float *y, size_t n,
						       float before)
{
	__m256 carry = _mm256_set1_ps(before), zero = _mm256_setzero_ps();
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		__m256 sums = _mm256_loadu_ps(x + i);
		sums = _mm256_add_ps(
			sums, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(sums), 4)));
		sums = _mm256_add_ps(
			sums, _mm256_castsi256_ps(_mm256_slli_si256(_mm256_castps_si256(sums), 8)));
		__m256 lasts = _mm256_permute_ps(sums, 0xff);
		sums = _mm256_add_ps(sums, _mm256_permute2f128_ps(lasts, zero, 0x02));
		__m256 last = _mm256_permutevar8x32_ps(sums, _mm256_set1_epi32(7));
		_mm256_storeu_ps(y + i, _mm256_add_ps(sums, carry));
		carry = _mm256_add_ps(carry, last);
	}
	return scan_one(x + i, y + i, n - i, _mm256_cvtss_f32(carry));
}

__attribute__((target("avx512f"))) static float scan_avx512(const float *x, float *y, size_t n,
							    float before)
{
	__m512 carry = _mm512_set1_ps(before);
	const __m512i places =
		_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
		__m512 sums = _mm512_loadu_ps(x + i);
#pragma GCC unroll 4
		for (int step = 1; step < 16; step *= 2) {
			__m512i from = _mm512_sub_epi32(places, _mm512_set1_epi32(step));
			sums = _mm512_mask_add_ps(sums, (__mmask16)(0xffff << step), sums,
						  _mm512_permutexvar_ps(from, sums));
		}
		__m512 last = _mm512_permutexvar_ps(_mm512_set1_epi32(15), sums);
		_mm512_storeu_ps(y + i, _mm512_add_ps(sums, carry));
		carry = _mm512_add_ps(carry, last);
	}
	return scan_one(x + i, y + i, n - i, _mm512_cvtss_f32(carry));
}
#elif defined(__aarch64__)
static float scan_neon(const float *x, float *y, size_t n, float before)
{
	float32x4_t carry = vdupq_n_f32(before), zero = vdupq_n_f32(0);
	size_t i = 0;
	for (; i + 4 <= n; i += 4) {
		float32x4_t sums = vld1q_f32(x + i);
		sums = vaddq_f32(sums, vextq_f32(zero, sums, 3));
		sums = vaddq_f32(sums, vextq_f32(zero, sums, 2));
		vst1q_f32(y + i, vaddq_f32(sums, carry));
		carry = vaddq_f32(carry, vdupq_laneq_f32(sums, 3));
	}
	return scan_one(x + i, y + i, n - i, vgetq_lane_f32(carry, 0));
}
#endif

static double scan_flops(size_t n)
{
	return (double)n;
}

static double scan_bytes(size_t n)
{
	return 8.0 * (double)n;
}

static const struct variant variants[] = {
	{ "one", "a chain of additions", NULL, (void (*)(void))scan_one },
#if defined(__x86_64__)
	{ "avx2", "eight sums by three steps", cpu_has_avx2, (void (*)(void))scan_avx2 },
	{ "avx512", "sixteen sums by four steps", cpu_has_avx512, (void (*)(void))scan_avx512 },
#elif defined(__aarch64__)
	{ "neon", "four sums by two steps", NULL, (void (*)(void))scan_neon },
#endif
	{ 0 },
};

scan_function *scan_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (scan_function *)variant->function : NULL;
}

const struct kernel kernel_scan = {
	.name = "scan",
	.summary = "all sums from the beginning: each needs the one before",
	.source = "Blelloch, Prefix sums and their applications (1990)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = scan_flops,
	.bytes = scan_bytes,
};
