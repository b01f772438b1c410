/*
 * exponential: exp of several floats <= 0 at a time, for functions compiled for the instructions.
 * Header-only.
 *
 * x = k ln 2 + r, |r| <= ln 2 / 2, and a polynomial of degree 5 for exp(r), with as few steps as
 * its uses allow: a softmax is one exponential an element, and little else. Adding 1.5 2^23 rounds
 * to a whole number, which then stands in the lowest bits; shifted to the exponent's place, it is
 * the factor 2^k. Below ln 2^-126 the result is 0; NaN stays NaN.
 * Error   7 roundings (of 2^-24), 3 from -10 on; exact for 0
 * Source  Cody and Waite, Software Manual for the Elementary Functions (1980); the coefficients by
 *         least squares reweighted to the least greatest relative error (Lawson, 1961)
 */
#ifndef KERNELS_SUPPORT_EXPONENTIAL_H
#define KERNELS_SUPPORT_EXPONENTIAL_H

#define EXPONENTIAL_LOG2_E 1.44269504f
#define EXPONENTIAL_LN2    0.693147181f
#define EXPONENTIAL_ROUND  12582912.0f  /* 1.5 2^23 */
#define EXPONENTIAL_LEAST  (-87.33654f) /* ln 2^-126: below it k + 127 is no exponent of a float */
/* exp(r) = 1 + r + C2 r^2 + ... */
#define EXPONENTIAL_C2 4.9999228120e-01f
#define EXPONENTIAL_C3 1.6667115688e-01f
#define EXPONENTIAL_C4 4.1890557855e-02f
#define EXPONENTIAL_C5 8.3124795929e-03f

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"), always_inline)) static inline __m512 exponential_sixteen(__m512 x)
{
	const __m512 magic = _mm512_set1_ps(EXPONENTIAL_ROUND), one = _mm512_set1_ps(1);
	__mmask16 is_some = _mm512_cmp_ps_mask(x, _mm512_set1_ps(EXPONENTIAL_LEAST), _CMP_NLT_UQ);
	__m512 rounded = _mm512_fmadd_ps(x, _mm512_set1_ps(EXPONENTIAL_LOG2_E), magic);
	__m512 k = _mm512_sub_ps(rounded, magic);
	__m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(EXPONENTIAL_LN2), x);
	__m512 p =
		_mm512_fmadd_ps(_mm512_set1_ps(EXPONENTIAL_C5), r, _mm512_set1_ps(EXPONENTIAL_C4));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXPONENTIAL_C3));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXPONENTIAL_C2));
	p = _mm512_fmadd_ps(p, r, one);
	p = _mm512_fmadd_ps(p, r, one);
	__m512i power = _mm512_slli_epi32(_mm512_castps_si512(rounded), 23);
	return _mm512_castsi512_ps(_mm512_maskz_add_epi32(is_some, _mm512_castps_si512(p), power));
}

__attribute__((target("avx2,fma"), always_inline)) static inline __m256 exponential_eight(__m256 x)
{
	const __m256 magic = _mm256_set1_ps(EXPONENTIAL_ROUND), one = _mm256_set1_ps(1);
	__m256 is_none = _mm256_cmp_ps(x, _mm256_set1_ps(EXPONENTIAL_LEAST), _CMP_LT_OQ);
	__m256 rounded = _mm256_fmadd_ps(x, _mm256_set1_ps(EXPONENTIAL_LOG2_E), magic);
	__m256 k = _mm256_sub_ps(rounded, magic);
	__m256 r = _mm256_fnmadd_ps(k, _mm256_set1_ps(EXPONENTIAL_LN2), x);
	__m256 p =
		_mm256_fmadd_ps(_mm256_set1_ps(EXPONENTIAL_C5), r, _mm256_set1_ps(EXPONENTIAL_C4));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXPONENTIAL_C3));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXPONENTIAL_C2));
	p = _mm256_fmadd_ps(p, r, one);
	p = _mm256_fmadd_ps(p, r, one);
	__m256i power = _mm256_slli_epi32(_mm256_castps_si256(rounded), 23);
	__m256 result = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power));
	return _mm256_andnot_ps(is_none, result);
}
#elif defined(__aarch64__)
#include <arm_neon.h>

static inline float32x4_t exponential_four(float32x4_t x)
{
	const float32x4_t magic = vdupq_n_f32(EXPONENTIAL_ROUND), one = vdupq_n_f32(1);
	uint32x4_t is_none = vcltq_f32(x, vdupq_n_f32(EXPONENTIAL_LEAST));
	float32x4_t rounded = vfmaq_n_f32(magic, x, EXPONENTIAL_LOG2_E);
	float32x4_t k = vsubq_f32(rounded, magic);
	float32x4_t r = vfmsq_f32(x, k, vdupq_n_f32(EXPONENTIAL_LN2));
	float32x4_t p = vfmaq_n_f32(vdupq_n_f32(EXPONENTIAL_C4), r, EXPONENTIAL_C5);
	p = vfmaq_f32(vdupq_n_f32(EXPONENTIAL_C3), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXPONENTIAL_C2), p, r);
	p = vfmaq_f32(one, p, r);
	p = vfmaq_f32(one, p, r);
	uint32x4_t power = vshlq_n_u32(vreinterpretq_u32_f32(rounded), 23);
	uint32x4_t result = vaddq_u32(vreinterpretq_u32_f32(p), power);
	return vreinterpretq_f32_u32(vbicq_u32(result, is_none));
}
#endif

#endif
