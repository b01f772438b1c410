/* Weights -1, 0, 1 as two bits q = w + 1: products of q, and the sum of x taken back once. */
#include "kernels/gemv.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { BLOCK = 256, BLOCK_BYTES = 64 };

static const uint8_t *row_of(const struct gemv_weights *weights, size_t row)
{
	return (const uint8_t *)weights->values + row * weights->row_bytes;
}

/* The last step is the same for all, so that all are equal bit for bit. */
static float scaled(const struct gemv_weights *weights, const struct gemv_vector *x, size_t row,
		    int32_t sum)
{
	return (float)sum * (weights->scales[row] * x->scale);
}

static void gemv_scalar(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
			size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const uint8_t *a = row_of(weights, i);
		int32_t sum = 0;
		for (size_t j = 0; j < weights->n; j++) {
			int q = a[j / 256 * 64 + j % 64] >> (j % 256 / 64 * 2) & 3;
			sum += (q - 1) * x->quantized[j];
		}
		y[i] = scaled(weights, x, i, sum);
	}
}

#if defined(__x86_64__)
/* Sums of two products are at most 508, so four of them fit 16 bits with room. */
__attribute__((target("avx2"))) static __m256i dot128(__m256i sum, const uint8_t *a,
						      const int8_t *x)
{
	const __m256i low = _mm256_set1_epi8(3);
	__m256i all = _mm256_load_si256((const __m256i *)a), twos = _mm256_setzero_si256();
#pragma GCC unroll 4
	for (int s = 0; s < 4; s++) {
		__m256i q = _mm256_and_si256(_mm256_srli_epi16(all, 2 * s), low);
		__m256i v = _mm256_load_si256((const __m256i *)(x + (ptrdiff_t)64 * s));
		twos = _mm256_add_epi16(twos, _mm256_maddubs_epi16(q, v));
	}
	return _mm256_add_epi32(sum, _mm256_madd_epi16(twos, _mm256_set1_epi16(1)));
}

__attribute__((target("avx2"))) static void gemv_avx2(const struct gemv_weights *weights,
						      const struct gemv_vector *x, float *y,
						      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const uint8_t *a = row_of(weights, i);
		const int8_t *v = x->quantized;
		__m256i even = _mm256_setzero_si256(), odd = even;
		int32_t lanes[8], sum = 0;
		for (size_t j = 0; j < weights->row_bytes; j += BLOCK_BYTES, v += BLOCK) {
			even = dot128(even, a + j, v);
			odd = dot128(odd, a + j + 32, v + 32);
		}
		_mm256_storeu_si256((__m256i *)lanes, _mm256_add_epi32(even, odd));
		for (int lane = 0; lane < 8; lane++)
			sum += lanes[lane];
		y[i] = scaled(weights, x, i, sum - x->sum);
	}
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static void
gemv_avx512(const struct gemv_weights *weights, const struct gemv_vector *x, float *y, size_t from,
	    size_t to)
{
	const __m512i low = _mm512_set1_epi8(3);
	for (size_t i = from; i < to; i++) {
		const uint8_t *a = row_of(weights, i);
		const int8_t *v = x->quantized;
		__m512i sums[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(),
				    _mm512_setzero_si512(), _mm512_setzero_si512() };
		for (size_t j = 0; j < weights->row_bytes; j += BLOCK_BYTES, v += BLOCK) {
			__m512i all = _mm512_load_si512(a + j);
#pragma GCC unroll 4
			for (int s = 0; s < 4; s++) {
				__m512i q = _mm512_and_si512(_mm512_srli_epi16(all, 2 * s), low);
				sums[s] = vnni_add(sums[s], q,
						   _mm512_load_si512(v + (ptrdiff_t)64 * s));
			}
		}
		sums[0] = _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]),
					   _mm512_add_epi32(sums[2], sums[3]));
		y[i] = scaled(weights, x, i, _mm512_reduce_add_epi32(sums[0]) - x->sum);
	}
}
#elif defined(__aarch64__)
/* Eight products of at most 254 in each of eight sums of 16 bits. */
static int32x4_t dot64(int32x4_t sum, const uint8_t *a, const int8_t *x)
{
	const uint8x16_t low = vdupq_n_u8(3);
	uint8x16_t all = vld1q_u8(a);
	int16x8_t twos = vdupq_n_s16(0);
	for (size_t s = 0; s < 4; s++, all = vshrq_n_u8(all, 2)) {
		int8x16_t q = vreinterpretq_s8_u8(vandq_u8(all, low));
		int8x16_t v = vld1q_s8(x + 64 * s);
		twos = vmlal_s8(twos, vget_low_s8(q), vget_low_s8(v));
		twos = vmlal_s8(twos, vget_high_s8(q), vget_high_s8(v));
	}
	return vpadalq_s16(sum, twos);
}

static void gemv_neon(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const uint8_t *a = row_of(weights, i);
		const int8_t *v = x->quantized;
		int32x4_t sums[4] = { vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0),
				      vdupq_n_s32(0) };
		for (size_t j = 0; j < weights->row_bytes; j += BLOCK_BYTES, v += BLOCK) {
#pragma GCC unroll 4
			for (size_t s = 0; s < 4; s++)
				sums[s] = dot64(sums[s], a + j + 16 * s, v + 16 * s);
		}
		sums[0] = vaddq_s32(vaddq_s32(sums[0], sums[1]), vaddq_s32(sums[2], sums[3]));
		y[i] = scaled(weights, x, i, vaddvq_s32(sums[0]) - x->sum);
	}
}
#endif

static double gemv_flops(size_t n)
{
	return 2.0 * (double)n * (double)n;
}

/* n a multiple of GEMV_PADDING, as model dimensions are; else gemv_weights_bytes says. */
static double gemv_bytes(size_t n)
{
	return (double)n * ((double)n / 4 + sizeof(float));
}

static const struct variant variants[] = {
	{ "scalar", "two bits at a time", NULL, (void (*)(void))gemv_scalar },
#if defined(__x86_64__)
	{ "avx2", "32 products an instruction", cpu_has_avx2, (void (*)(void))gemv_avx2 },
	{ "avx512", "64 products an instruction (VNNI)", cpu_has_avx512_vnni,
	  (void (*)(void))gemv_avx512 },
#elif defined(__aarch64__)
	{ "neon", "eight products an instruction", NULL, (void (*)(void))gemv_neon },
#endif
	{ 0 },
};

const struct kernel kernel_gemv_ternary = {
	.name = "gemv_ternary",
	.summary = "y = A x, A of -1, 0 and 1 with a scale a row: a sixteenth of the bytes of f32",
	.source = "Ma et al., The era of 1-bit LLMs (2024)",
	.variants = variants,
	.tolerance = 1e-6,
	.flops = gemv_flops,
	.bytes = gemv_bytes,
};
