/*
 * exponential: exp of several floats <= 0 at a time, for functions compiled for the instructions.
 * Header-only.
 *
 * x = k ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts, so that k ln 2 is exact enough. NaN stays
 * NaN; -infinity gives 0. sixteen: 0 below -104; eight and four: 0 where exp(x) < 2^-126.
 * Error   2 units in the last place
 * Source  Cody and Waite, Software Manual for the Elementary Functions (1980); Cephes, expf
 */
#ifndef KERNELS_SUPPORT_EXPONENTIAL_H
#define KERNELS_SUPPORT_EXPONENTIAL_H

/* ln 2 = high + low, high exact in 12 bits; and exp(r) = 1 + r + r^2 p(r). */
#define EXPONENTIAL_LOG2_E   1.44269504f
#define EXPONENTIAL_LN2_HIGH 0.693359375f
#define EXPONENTIAL_LN2_LOW  -2.12194440e-4f
#define EXPONENTIAL_P5       1.9875691500e-4f
#define EXPONENTIAL_P4       1.3981999507e-3f
#define EXPONENTIAL_P3       8.3334519073e-3f
#define EXPONENTIAL_P2       4.1665795894e-2f
#define EXPONENTIAL_P1       1.6666665459e-1f
#define EXPONENTIAL_P0       5.0000001201e-1f
#define EXPONENTIAL_LEAST    -87.33654f /* ln 2^-126: below it k + 127 is no exponent of a float */

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"), always_inline)) static inline __m512 exponential_sixteen(__m512 x)
{
	/* max returns its second operand where one is NaN */
	x = _mm512_max_ps(_mm512_set1_ps(-104), x);
	__m512 k = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(EXPONENTIAL_LOG2_E)),
					_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	__m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(EXPONENTIAL_LN2_HIGH), x);
	r = _mm512_fnmadd_ps(k, _mm512_set1_ps(EXPONENTIAL_LN2_LOW), r);
	__m512 p = _mm512_set1_ps(EXPONENTIAL_P5);
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXPONENTIAL_P4));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXPONENTIAL_P3));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXPONENTIAL_P2));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXPONENTIAL_P1));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXPONENTIAL_P0));
	p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1)));
	return _mm512_scalef_ps(p, k);
}

__attribute__((target("avx2,fma"), always_inline)) static inline __m256
exponential_eight(__m256 whole)
{
	__m256 least = _mm256_set1_ps(EXPONENTIAL_LEAST), x = _mm256_max_ps(least, whole);
	__m256 k = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(EXPONENTIAL_LOG2_E)),
				   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	__m256 r = _mm256_fnmadd_ps(k, _mm256_set1_ps(EXPONENTIAL_LN2_HIGH), x);
	r = _mm256_fnmadd_ps(k, _mm256_set1_ps(EXPONENTIAL_LN2_LOW), r);
	__m256 p = _mm256_set1_ps(EXPONENTIAL_P5);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXPONENTIAL_P4));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXPONENTIAL_P3));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXPONENTIAL_P2));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXPONENTIAL_P1));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXPONENTIAL_P0));
	p = _mm256_fmadd_ps(_mm256_mul_ps(p, r), r, _mm256_add_ps(r, _mm256_set1_ps(1)));
	__m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127));
	p = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
	return _mm256_andnot_ps(_mm256_cmp_ps(whole, least, _CMP_LT_OQ), p);
}
#elif defined(__aarch64__)
#include <arm_neon.h>

static inline float32x4_t exponential_four(float32x4_t whole)
{
	float32x4_t least = vdupq_n_f32(EXPONENTIAL_LEAST), x = vmaxq_f32(least, whole);
	float32x4_t k = vrndnq_f32(vmulq_n_f32(x, EXPONENTIAL_LOG2_E));
	float32x4_t r = vfmsq_f32(x, k, vdupq_n_f32(EXPONENTIAL_LN2_HIGH));
	r = vfmsq_f32(r, k, vdupq_n_f32(EXPONENTIAL_LN2_LOW));
	float32x4_t p = vdupq_n_f32(EXPONENTIAL_P5);
	p = vfmaq_f32(vdupq_n_f32(EXPONENTIAL_P4), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXPONENTIAL_P3), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXPONENTIAL_P2), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXPONENTIAL_P1), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXPONENTIAL_P0), p, r);
	p = vfmaq_f32(vaddq_f32(r, vdupq_n_f32(1)), vmulq_f32(p, r), r);
	int32x4_t exponent = vaddq_s32(vcvtq_s32_f32(k), vdupq_n_s32(127));
	p = vmulq_f32(p, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
	return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(p), vcltq_f32(whole, least)));
}
#endif

#endif
