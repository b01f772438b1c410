/*
 * One sum is a chain: each addition waits three or four cycles for the last, whatever the width of
 * the machine. More sums are more chains, and smaller errors too.
 */
#include "kernels/reduction.h"

#include <math.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx2.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static float reduction_one(const float *x, size_t n)
{
	float sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

/* What each addition rounds off is summed too (Neumaier). */
static float reduction_compensated(const float *x, size_t n)
{
	float sum = 0, lost = 0;
	for (size_t i = 0; i < n; i++) {
		float next = sum + x[i];
		lost += fabsf(sum) >= fabsf(x[i]) ? (sum - next) + x[i] : (x[i] - next) + sum;
		sum = next;
	}
	return sum + lost;
}

/* Halves of halves, down to 32 one by one: a tree of log2(n) levels. */
static float reduction_pairwise(const float *x, size_t n)
{
	enum { LEAF = 32, MOST_LEVELS = 64 };
	float sums[MOST_LEVELS], total = 0;
	size_t n_sums = 0, i = 0;
	for (; i + LEAF <= n; i += LEAF) {
		sums[n_sums++] = reduction_one(x + i, LEAF);
		/* As many sums meet as trailing ones of the leaf's number. */
		for (size_t leaf = i / LEAF; leaf & 1; leaf >>= 1, n_sums--)
			sums[n_sums - 2] += sums[n_sums - 1];
	}
	total = reduction_one(x + i, n - i);
	while (n_sums > 0)
		total += sums[--n_sums];
	return total;
}

enum { CHAINS = 16 };

static float reduction_four(const float *x, size_t n)
{
	float a = 0, b = 0, c = 0, d = 0;
	size_t i = 0;
	for (; i + 4 <= n; i += 4) {
		a += x[i];
		b += x[i + 1];
		c += x[i + 2];
		d += x[i + 3];
	}
	return (a + b) + (c + d) + reduction_one(x + i, n - i);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static float reduction_avx2(const float *x, size_t n)
{
	__m256 sums[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
			   _mm256_setzero_ps() };
	size_t i = 0;
	for (; i + 32 <= n; i += 32) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = _mm256_add_ps(sums[s], _mm256_loadu_ps(x + i + 8 * s));
	}
	sums[0] = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
	return rows_total_avx2(sums[0]) + reduction_one(x + i, n - i);
}

__attribute__((target("avx512f"))) static float reduction_avx512(const float *x, size_t n)
{
	__m512 sums[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
			   _mm512_setzero_ps() };
	size_t i = 0;
	for (; i + 64 <= n; i += 64) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = _mm512_add_ps(sums[s], _mm512_loadu_ps(x + i + 16 * s));
	}
	for (; i < n; i += 16) {
		__mmask16 lanes = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
		sums[0] = _mm512_add_ps(sums[0], _mm512_maskz_loadu_ps(lanes, x + i));
	}
	return _mm512_reduce_add_ps(
		_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}
#elif defined(__aarch64__)
static float reduction_neon(const float *x, size_t n)
{
	float32x4_t sums[4] = { vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0) };
	size_t i = 0;
	for (; i + CHAINS <= n; i += CHAINS) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = vaddq_f32(sums[s], vld1q_f32(x + i + 4 * s));
	}
	return vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3]))) +
	       reduction_one(x + i, n - i);
}
#endif

double reduction_roundings(const char *variant, size_t n)
{
	if (strcmp(variant, "one") == 0)
		return (double)n;
	if (strcmp(variant, "compensated") == 0)
		return 2 + (double)n * (double)n * 0x1p-24;
	if (strcmp(variant, "pairwise") == 0)
		return log2((double)n + 1) + 32;
	return strcmp(variant, "four") == 0 ? (double)n / 4 + 8 : (double)n / CHAINS + 40;
}

static double reduction_flops(size_t n)
{
	return (double)n;
}

static double reduction_bytes(size_t n)
{
	return 4.0 * (double)n;
}

static const struct variant variants[] = {
	{ "one", "one sum: a chain of additions", NULL, (void (*)(void))reduction_one },
	{ "compensated", "one sum, and one of what it rounds off", NULL,
	  (void (*)(void))reduction_compensated },
	{ "pairwise", "sums of sums, in a tree", NULL, (void (*)(void))reduction_pairwise },
	{ "four", "four sums", NULL, (void (*)(void))reduction_four },
#if defined(__x86_64__)
	{ "avx2", "four sums of 8", cpu_has_avx2, (void (*)(void))reduction_avx2 },
	{ "avx512", "four sums of 16", cpu_has_avx512, (void (*)(void))reduction_avx512 },
#elif defined(__aarch64__)
	{ "neon", "four sums of 4", NULL, (void (*)(void))reduction_neon },
#endif
	{ 0 },
};

reduction_function *reduction_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (reduction_function *)variant->function : NULL;
}

const struct kernel kernel_reduction = {
	.name = "reduction",
	.summary = "the sum of an array: a chain of additions, or several",
	.source = "Higham, Accuracy and Stability of Numerical Algorithms (2002)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = reduction_flops,
	.bytes = reduction_bytes,
};
