/*
 * int4 weights, a scale for each 32. A weight is q - 8: the products are taken of q, which has no
 * sign, and 8 times the sum of the group's x is taken back with the group's scale.
 */
#include "kernels/gemv.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemv_fetch.h"
#include "kernels/support/vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { BLOCK = 128, BLOCK_BYTES = 64, BLOCK_GROUPS = 4 };

static const uint8_t *row_of(const struct gemv_weights *weights, size_t row)
{
	return (const uint8_t *)weights->values + row * weights->row_bytes;
}

static const uint16_t *scales_of(const struct gemv_weights *weights, size_t row)
{
	return weights->group_scales + row * weights->row_scales;
}

static int32_t dot_group(const uint8_t *a, const int8_t *x, size_t group)
{
	int32_t sum = 0;
	for (size_t i = group * GEMV_GROUP; i < (group + 1) * GEMV_GROUP; i++)
		sum += ((a[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4) & 15) - 8) * x[i];
	return sum;
}

static void gemv_scalar(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
			size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const uint16_t *scales = scales_of(weights, i);
		float sum = 0;
		for (size_t g = 0; g * GEMV_GROUP < weights->n; g++)
			sum += f32_from_bf16(scales[g]) *
			       (float)dot_group(row_of(weights, i), x->quantized, g);
		y[i] = sum * x->scale;
	}
}

#if defined(__x86_64__)
/* One group: its 32 weights q in bytes, without sign. */
__attribute__((target("avx2,fma"))) static __m256 add_group(__m256 sum, __m256i q, const int8_t *x,
							    float scale)
{
	__m256i twos = _mm256_maddubs_epi16(q, _mm256_load_si256((const __m256i *)x));
	__m256i fours = _mm256_madd_epi16(twos, _mm256_set1_epi16(1));
	return _mm256_fmadd_ps(_mm256_set1_ps(scale), _mm256_cvtepi32_ps(fours), sum);
}

__attribute__((target("avx2,fma"))) static float
dot_avx2(const uint8_t *a, const uint16_t *scales, const struct gemv_vector *x, size_t n_blocks)
{
	const __m256i low = _mm256_set1_epi8(15);
	__m256 sums[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
	const int8_t *v = x->quantized;
	const float *group_sums = x->group_sums;
	float lanes[8], total = 0;
	for (size_t b = 0; b < n_blocks; b++) {
		for (size_t half = 0; half < 2; half++) {
			__m256i both = _mm256_load_si256((const __m256i *)(a + 32 * half));
			float scale0 = f32_from_bf16(scales[half]);
			float scale1 = f32_from_bf16(scales[2 + half]);
			sums[0] = add_group(sums[0], _mm256_and_si256(both, low), v + 32 * half,
					    scale0);
			both = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
			sums[1] = add_group(sums[1], both, v + 64 + 32 * half, scale1);
			total -= 8 * (scale0 * group_sums[half] + scale1 * group_sums[2 + half]);
		}
		a += BLOCK_BYTES;
		v += BLOCK;
		scales += BLOCK_GROUPS;
		group_sums += BLOCK_GROUPS;
	}
	_mm256_storeu_ps(lanes, _mm256_add_ps(sums[0], sums[1]));
	for (int lane = 0; lane < 8; lane++)
		total += lanes[lane];
	return total;
}

static void gemv_avx2(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = x->scale * dot_avx2(row_of(weights, i), scales_of(weights, i), x,
					   weights->row_bytes / BLOCK_BYTES);
}

/* Which of sixteen scales each lane of a sum needs: groups g and g + 1, eight lanes each. */
__attribute__((target("avx512f"))) static __m512i two_groups(int g)
{
	__m512i ones = _mm512_maskz_set1_epi32(0xff00, 1);
	return _mm512_add_epi32(_mm512_set1_epi32(g), ones);
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static float
dot_avx512(const uint8_t *a, const uint16_t *scales, const struct gemv_vector *x, size_t n_blocks)
{
	const __m512i low = _mm512_set1_epi8(15), zero = _mm512_setzero_si512();
	const int8_t *v = x->quantized;
	__m512 sums[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
	__m512 eights = _mm512_setzero_ps();
	for (size_t b = 0; b < n_blocks; b += 4) { /* rows are padded to four blocks */
		__m256i narrow = _mm256_loadu_si256((const __m256i *)(scales + BLOCK_GROUPS * b));
		__m512 wide =
			_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
		eights = _mm512_fmadd_ps(wide, _mm512_loadu_ps(x->group_sums + BLOCK_GROUPS * b),
					 eights);
#pragma GCC unroll 4
		for (int q = 0; q < 4; q++) {
			gemv_fetch(a);
			__m512i both = _mm512_load_si512(a), x0 = _mm512_load_si512(v),
				x1 = _mm512_load_si512(v + 64);
			__m512i q0 = _mm512_and_si512(both, low);
			__m512i q1 = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
			__m512 d0 = _mm512_cvtepi32_ps(vnni_add(zero, q0, x0));
			__m512 d1 = _mm512_cvtepi32_ps(vnni_add(zero, q1, x1));
			sums[0] = _mm512_fmadd_ps(_mm512_permutexvar_ps(two_groups(4 * q), wide),
						  d0, sums[0]);
			sums[1] = _mm512_fmadd_ps(
				_mm512_permutexvar_ps(two_groups(4 * q + 2), wide), d1, sums[1]);
			a += BLOCK_BYTES;
			v += BLOCK;
		}
	}
	__m512 sum = _mm512_add_ps(sums[0], sums[1]);
	return _mm512_reduce_add_ps(_mm512_fnmadd_ps(_mm512_set1_ps(8), eights, sum));
}

static void gemv_avx512(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
			size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = x->scale * dot_avx512(row_of(weights, i), scales_of(weights, i), x,
					     weights->row_bytes / BLOCK_BYTES);
}
#elif defined(__aarch64__)
/* A group's 32 products, exactly: four of at most 1016 in each sum of 16 bits. */
static float32x4_t add_group(float32x4_t sum, const uint8x16_t q[2], const int8_t *x, float scale)
{
	int16x8_t twos = vdupq_n_s16(0);
#pragma GCC unroll 2
	for (size_t s = 0; s < 2; s++) {
		int8x16_t w = vsubq_s8(vreinterpretq_s8_u8(q[s]), vdupq_n_s8(8));
		int8x16_t v = vld1q_s8(x + 16 * s);
		twos = vmlal_s8(twos, vget_low_s8(w), vget_low_s8(v));
		twos = vmlal_s8(twos, vget_high_s8(w), vget_high_s8(v));
	}
	return vfmaq_n_f32(sum, vcvtq_f32_s32(vpaddlq_s16(twos)), scale);
}

static float dot_neon(const uint8_t *a, const uint16_t *scales, const struct gemv_vector *x,
		      size_t n_blocks)
{
	const uint8x16_t low = vdupq_n_u8(15);
	float32x4_t sums[2] = { vdupq_n_f32(0), vdupq_n_f32(0) };
	const int8_t *v = x->quantized;
	for (size_t b = 0; b < n_blocks; b++) {
		for (size_t half = 0; half < 2; half++) {
			const uint8_t *at = a + 32 * half;
			uint8x16_t both[2] = { vld1q_u8(at), vld1q_u8(at + 16) };
			uint8x16_t q0[2] = { vandq_u8(both[0], low), vandq_u8(both[1], low) };
			uint8x16_t q1[2] = { vshrq_n_u8(both[0], 4), vshrq_n_u8(both[1], 4) };
			sums[0] =
				add_group(sums[0], q0, v + 32 * half, f32_from_bf16(scales[half]));
			sums[1] = add_group(sums[1], q1, v + 64 + 32 * half,
					    f32_from_bf16(scales[2 + half]));
		}
		a += BLOCK_BYTES;
		v += BLOCK;
		scales += BLOCK_GROUPS;
	}
	return vaddvq_f32(vaddq_f32(sums[0], sums[1]));
}

static void gemv_neon(const struct gemv_weights *weights, const struct gemv_vector *x, float *y,
		      size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		y[i] = x->scale * dot_neon(row_of(weights, i), scales_of(weights, i), x,
					   weights->row_bytes / BLOCK_BYTES);
}
#endif

static double gemv_flops(size_t n)
{
	return 2.0 * (double)n * (double)n;
}

/* n a multiple of GEMV_PADDING, as model dimensions are; else gemv_weights_bytes says. */
static double gemv_bytes(size_t n)
{
	return (double)n * (double)n * (0.5 + 2.0 / GEMV_GROUP);
}

static const struct variant variants[] = {
	{ "scalar", "a nibble at a time", NULL, (void (*)(void))gemv_scalar },
#if defined(__x86_64__)
	{ "avx2", "a group of 32 at a time", cpu_has_avx2, (void (*)(void))gemv_avx2 },
	{ "avx512", "four groups at a time (VNNI)", cpu_has_avx512_vnni,
	  (void (*)(void))gemv_avx512 },
#elif defined(__aarch64__)
	{ "neon", "a group of 32 at a time", NULL, (void (*)(void))gemv_neon },
#endif
	{ 0 },
};

const struct kernel kernel_gemv_int4 = {
	.name = "gemv_int4",
	.summary = "y = A x, A in int4 with a scale for each 32: a seventh of the bytes of f32",
	.source = "Frantar et al., GPTQ (ICLR 2023); llama.cpp, Q4_0",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = gemv_flops,
	.bytes = gemv_bytes,
};
