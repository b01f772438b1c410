/* bf16 weights: half the bytes of f32; widened by a shift, multiplied and added as f32. */
#include "kernels/gemv.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemv_fetch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static const uint16_t *row_of(const struct gemv_weights *weights, size_t row)
{
	return (const uint16_t *)weights->values + row * weights->n;
}

static void gemv_scalar(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
			size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const uint16_t *a = row_of(weights, i);
		float sum = 0;
		for (size_t j = 0; j < weights->n; j++)
			sum += f32_from_bf16(a[j]) * x->values[j];
		y[i] = sum;
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static __m256 widen8(const uint16_t *at)
{
	__m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)at));
	return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

__attribute__((target("avx2,fma"))) static float dot_avx2(const uint16_t *a, const float *x,
							  size_t n)
{
	__m256 sums[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
			   _mm256_setzero_ps() };
	float lanes[8], total = 0;
	size_t j = 0;
	for (; j + 32 <= n; j += 32) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = _mm256_fmadd_ps(widen8(a + j + 8 * s),
						  _mm256_loadu_ps(x + j + 8 * s), sums[s]);
	}
	sums[0] = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
	_mm256_storeu_ps(lanes, sums[0]);
	for (; j < n; j++)
		total += f32_from_bf16(a[j]) * x[j];
	for (int lane = 0; lane < 8; lane++)
		total += lanes[lane];
	return total;
}

static void gemv_avx2(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = dot_avx2(row_of(weights, i), x->values, weights->n);
}

__attribute__((target("avx512f"))) static __m512 widen16(__m256i narrow)
{
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
}

__attribute__((target("avx512f,avx512bw,avx512vl"))) static float
dot_avx512(const uint16_t *a, const float *x, size_t n)
{
	__m512 sums[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
			   _mm512_setzero_ps() };
	size_t j = 0;
	for (; j + 64 <= n; j += 64) {
		gemv_fetch(a + j);
		gemv_fetch(a + j + 32);
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++) {
			const uint16_t *at = a + j + 16 * s;
			__m512 wide = widen16(_mm256_loadu_si256((const __m256i *)at));
			sums[s] = _mm512_fmadd_ps(wide, _mm512_loadu_ps(x + j + 16 * s), sums[s]);
		}
	}
	for (; j < n; j += 16) {
		size_t left = n - j;
		__mmask16 lanes = left < 16 ? (__mmask16)((1u << left) - 1) : 0xffff;
		sums[0] = _mm512_fmadd_ps(widen16(_mm256_maskz_loadu_epi16(lanes, a + j)),
					  _mm512_maskz_loadu_ps(lanes, x + j), sums[0]);
	}
	return _mm512_reduce_add_ps(
		_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

static void gemv_avx512(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
			size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = dot_avx512(row_of(weights, i), x->values, weights->n);
}
#elif defined(__aarch64__)
static float dot_neon(const uint16_t *a, const float *x, size_t n)
{
	float32x4_t sums[4] = { vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0) };
	float total = 0;
	size_t j = 0;
	for (; j + 16 <= n; j += 16) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++) {
			uint32x4_t wide = vshll_n_u16(vld1_u16(a + j + 4 * s), 16);
			sums[s] = vfmaq_f32(sums[s], vreinterpretq_f32_u32(wide),
					    vld1q_f32(x + j + 4 * s));
		}
	}
	for (; j < n; j++)
		total += f32_from_bf16(a[j]) * x[j];
	return total +
	       vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])));
}

static void gemv_neon(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = dot_neon(row_of(weights, i), x->values, weights->n);
}
#endif

static double gemv_flops(size_t n)
{
	return 2.0 * (double)n * (double)n;
}

static double gemv_bytes(size_t n)
{
	return 2.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "scalar", "one sum", NULL, (void (*)(void))gemv_scalar },
#if defined(__x86_64__)
	{ "avx2", "four sums of 8", cpu_has_avx2, (void (*)(void))gemv_avx2 },
	{ "avx512", "four sums of 16", cpu_has_avx512, (void (*)(void))gemv_avx512 },
#elif defined(__aarch64__)
	{ "neon", "four sums of 4", NULL, (void (*)(void))gemv_neon },
#endif
	{ 0 },
};

const struct kernel kernel_gemv_bf16 = {
	.name = "gemv_bf16",
	.summary = "y = A x, A in bf16: half the bytes of f32",
	.source = "Kalamkar et al., A study of BFLOAT16 (2019)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = gemv_flops,
	.bytes = gemv_bytes,
};
