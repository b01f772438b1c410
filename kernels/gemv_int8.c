/*
 * int8 weights: four products and their sum in one instruction (VNNI). It wants one factor without
 * a sign: w + 128, which the sum of x takes back: sum (w + 128) x - 128 sum x.
 */
#include "kernels/gemv.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static const int8_t *row_of(const struct gemv_weights *weights, size_t row)
{
	return (const int8_t *)weights->values + row * weights->row_bytes;
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
		const int8_t *a = row_of(weights, i);
		int32_t sum = 0;
		for (size_t j = 0; j < weights->n; j++)
			sum += a[j] * x->quantized[j];
		y[i] = scaled(weights, x, i, sum);
	}
}

#if defined(__x86_64__)
/* |w| <= 127, so two products are at most 32,258 and vpmaddubsw does not saturate. */
__attribute__((target("avx2"))) static __m256i dot32(__m256i sum, const int8_t *a, const int8_t *x)
{
	__m256i w = _mm256_load_si256((const __m256i *)a),
		v = _mm256_load_si256((const __m256i *)x);
	__m256i twos = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(v, w));
	return _mm256_add_epi32(sum, _mm256_madd_epi16(twos, _mm256_set1_epi16(1)));
}

__attribute__((target("avx2"))) static void gemv_avx2(const struct gemv_weights *weights,
						      const struct gemv_vector *x, float *y,
						      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const int8_t *a = row_of(weights, i), *v = x->quantized;
		__m256i even = _mm256_setzero_si256(), odd = even;
		int32_t lanes[8], sum = 0;
		for (size_t j = 0; j < weights->row_bytes; j += 64) {
			even = dot32(even, a + j, v + j);
			odd = dot32(odd, a + j + 32, v + j + 32);
		}
		_mm256_storeu_si256((__m256i *)lanes, _mm256_add_epi32(even, odd));
		for (int lane = 0; lane < 8; lane++)
			sum += lanes[lane];
		y[i] = scaled(weights, x, i, sum);
	}
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static void
gemv_avx512(const struct gemv_weights *weights, const struct gemv_vector *x, float *y, size_t from,
	    size_t to)
{
	/* So little arithmetic is a line that gemv_fetch, or other distances, are slower. */
	enum { AHEAD = 64 * 64, AGAIN = 32 * 64 };
	const __m512i sign = _mm512_set1_epi8((char)0x80); /* w ^ 0x80 = w + 128 */
	for (size_t i = from; i < to; i++) {
		const int8_t *a = row_of(weights, i), *v = x->quantized;
		__m512i sums[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(),
				    _mm512_setzero_si512(), _mm512_setzero_si512() };
		for (size_t j = 0; j < weights->row_bytes; j += 256) {
#pragma GCC unroll 4
			for (size_t s = 0; s < 4; s++) {
				__m512i w = _mm512_load_si512(a + j + 64 * s);
				sums[s] = vnni_add(sums[s], _mm512_xor_si512(w, sign),
						   _mm512_load_si512(v + j + 64 * s));
			}
#pragma GCC unroll 4
			for (size_t s = 0; s < 4; s++) { /* asked twice; see gemv_fetch.h */
				const char *at = (const char *)a + j + 64 * s;
				_mm_prefetch(at + AHEAD, _MM_HINT_T1);
				_mm_prefetch(at + AGAIN, _MM_HINT_T1);
			}
		}
		sums[0] = _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]),
					   _mm512_add_epi32(sums[2], sums[3]));
		y[i] = scaled(weights, x, i, _mm512_reduce_add_epi32(sums[0]) - 128 * x->sum);
	}
}
#elif defined(__aarch64__)
/* |w| and |x| <= 127: two products are at most 32,258 and fit 16 bits. */
static void gemv_neon(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const int8_t *a = row_of(weights, i), *v = x->quantized;
		int32x4_t sums[2] = { vdupq_n_s32(0), vdupq_n_s32(0) };
		for (size_t j = 0; j < weights->row_bytes; j += 32) {
#pragma GCC unroll 2
			for (size_t s = 0; s < 2; s++) {
				int8x16_t w = vld1q_s8(a + j + 16 * s);
				int8x16_t q = vld1q_s8(v + j + 16 * s);
				int16x8_t twos = vmull_s8(vget_low_s8(w), vget_low_s8(q));
				twos = vmlal_s8(twos, vget_high_s8(w), vget_high_s8(q));
				sums[s] = vpadalq_s16(sums[s], twos);
			}
		}
		y[i] = scaled(weights, x, i, vaddvq_s32(vaddq_s32(sums[0], sums[1])));
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
	return (double)n * ((double)n + sizeof(float));
}

static const struct variant variants[] = {
	{ "scalar", "one sum", NULL, (void (*)(void))gemv_scalar },
#if defined(__x86_64__)
	{ "avx2", "32 products an instruction, by absolute value and sign", cpu_has_avx2,
	  (void (*)(void))gemv_avx2 },
	{ "avx512", "64 products an instruction (VNNI)", cpu_has_avx512_vnni,
	  (void (*)(void))gemv_avx512 },
#elif defined(__aarch64__)
	{ "neon", "eight products an instruction", NULL, (void (*)(void))gemv_neon },
#endif
	{ 0 },
};

const struct kernel kernel_gemv_int8 = {
	.name = "gemv_int8",
	.summary = "y = A x, A in int8 with a scale a row: a quarter of the bytes of f32",
	.source = "Dettmers et al., LLM.int8() (NeurIPS 2022)",
	.variants = variants,
	.tolerance = 1e-6,
	.flops = gemv_flops,
	.bytes = gemv_bytes,
};
