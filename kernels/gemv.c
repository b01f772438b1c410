/*
 * f32 weights: a multiply-add for four bytes, so any vectors keep up with memory. Four sums hide
 * the adds' latency where the matrix is in a cache. One row after the other: on Zen 4 two or four
 * at once or blocks of columns are slower, because the prefetcher follows one stream best. Where x
 * is half of L1 (4096 columns of 32 KiB), the stream pushes it out, and reading it from L2 again
 * would cost a sixth of the read bandwidth, if weights were not fetched long before.
 */
#include "kernels/gemv.h"

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemv_fetch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static const float *row_of(const struct gemv_weights *weights, size_t row)
{
	return (const float *)weights->values + row * weights->n;
}

static void gemv_scalar(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
			size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const float *a = row_of(weights, i);
		float sum = 0;
		for (size_t j = 0; j < weights->n; j++)
			sum += a[j] * x->values[j];
		y[i] = sum;
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static float dot_avx2(const float *a, const float *x, size_t n)
{
	__m256 sums[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
			   _mm256_setzero_ps() };
	float lanes[8], total = 0;
	size_t j = 0;
	for (; j + 32 <= n; j += 32) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = _mm256_fmadd_ps(_mm256_loadu_ps(a + j + 8 * s),
						  _mm256_loadu_ps(x + j + 8 * s), sums[s]);
	}
	sums[0] = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
	_mm256_storeu_ps(lanes, sums[0]);
	for (; j < n; j++)
		total += a[j] * x[j];
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

__attribute__((target("avx512f"))) static float dot_avx512(const float *a, const float *x, size_t n)
{
	__m512 sums[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
			   _mm512_setzero_ps() };
	size_t j = 0;
	for (; j + 64 <= n; j += 64) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++) {
			gemv_fetch(a + j + 16 * s);
			sums[s] = _mm512_fmadd_ps(_mm512_loadu_ps(a + j + 16 * s),
						  _mm512_loadu_ps(x + j + 16 * s), sums[s]);
		}
	}
	for (; j < n; j += 16) {
		size_t left = n - j;
		__mmask16 lanes = left < 16 ? (__mmask16)((1u << left) - 1) : 0xffff;
		sums[0] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, a + j),
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
static float dot_neon(const float *a, const float *x, size_t n)
{
	float32x4_t sums[4] = { vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0) };
	float total = 0;
	size_t j = 0;
	for (; j + 16 <= n; j += 16) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = vfmaq_f32(sums[s], vld1q_f32(a + j + 4 * s),
					    vld1q_f32(x + j + 4 * s));
	}
	for (; j < n; j++)
		total += a[j] * x[j];
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
	return 4.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "scalar", "one sum", NULL, (void (*)(void))gemv_scalar },
#if defined(__x86_64__)
	{ "avx2", "four sums of 8 f32", cpu_has_avx2, (void (*)(void))gemv_avx2 },
	{ "avx512", "four sums of 16 f32", cpu_has_avx512, (void (*)(void))gemv_avx512 },
#elif defined(__aarch64__)
	{ "neon", "four sums of 4 f32", NULL, (void (*)(void))gemv_neon },
#endif
	{ 0 },
};

const struct kernel kernel_gemv = {
	.name = "gemv",
	.summary = "y = A x of f32: every weight is read once",
	.source = "Lawson et al., BLAS (ACM TOMS 5, 1979)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = gemv_flops,
	.bytes = gemv_bytes,
};

const struct kernel *gemv_kernel(enum gemv_type type)
{
	extern const struct kernel kernel_gemv_bf16, kernel_gemv_int8, kernel_gemv_int4,
		kernel_gemv_ternary;
	static const struct kernel *const all[GEMV_TYPES] = {
		[GEMV_F32] = &kernel_gemv,
		[GEMV_BF16] = &kernel_gemv_bf16,
		[GEMV_INT8] = &kernel_gemv_int8,
		[GEMV_INT4] = &kernel_gemv_int4,
		[GEMV_TERNARY] = &kernel_gemv_ternary,
	};
	return all[type];
}

gemv_function *gemv_variant(enum gemv_type type, const char *name)
{
	const struct variant *variant = dispatch_variant(gemv_kernel(type)->variants, name);
	return variant ? (gemv_function *)variant->function : NULL;
}
