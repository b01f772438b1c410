/*
 * The empty asm in the branch must be run or not run, so the compiler cannot make a select of it;
 * the one in the branchless twin hides where the mask comes from, so that it cannot make a branch.
 */
#include "kernels/branches.h"

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static struct branches_sum branches_branchy(const int32_t *x, size_t n, int32_t least)
{
	struct branches_sum result = { 0, 0 };
	for (size_t i = 0; i < n; i++) {
		if (x[i] >= least) {
			__asm__ volatile("" : "+r"(result.sum));
			result.sum += x[i];
			result.count++;
		}
	}
	return result;
}

static struct branches_sum branches_branchless(const int32_t *x, size_t n, int32_t least)
{
	struct branches_sum result = { 0, 0 };
	for (size_t i = 0; i < n; i++) {
		int64_t mask = -(int64_t)(x[i] >= least);
		__asm__("" : "+r"(mask));
		result.sum += x[i] & mask;
		result.count += (uint64_t)mask & 1;
	}
	return result;
}

#if defined(__x86_64__) || defined(__aarch64__)
/* Of the wide part and of the rest. */
static struct branches_sum add(struct branches_sum a, struct branches_sum b)
{
	return (struct branches_sum){ a.sum + b.sum, a.count + b.count };
}
#endif

#if defined(__x86_64__)
__attribute__((target("avx2"))) static struct branches_sum branches_avx2(const int32_t *x, size_t n,
									 int32_t least)
{
	/* x >= least is not (least > x) */
	__m256i limit = _mm256_set1_epi32(least), sums = _mm256_setzero_si256();
	struct branches_sum result = { 0, 0 };
	int64_t lanes[4];
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		__m256i value = _mm256_loadu_si256((const __m256i *)(x + i));
		__m256i is_less = _mm256_cmpgt_epi32(limit, value);
		__m256i kept = _mm256_andnot_si256(is_less, value);
		unsigned less = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(is_less));
		sums = _mm256_add_epi64(sums, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(kept)));
		sums = _mm256_add_epi64(sums,
					_mm256_cvtepi32_epi64(_mm256_extracti128_si256(kept, 1)));
		result.count += 8 - (unsigned)__builtin_popcount(less);
	}
	_mm256_storeu_si256((__m256i *)lanes, sums);
	result.sum = lanes[0] + lanes[1] + lanes[2] + lanes[3];
	return add(result, branches_branchless(x + i, n - i, least));
}

__attribute__((target("avx512f,popcnt"))) static struct branches_sum
branches_avx512(const int32_t *x, size_t n, int32_t least)
{
	__m512i limit = _mm512_set1_epi32(least);
	__m512i sums[2] = { _mm512_setzero_si512(), _mm512_setzero_si512() };
	struct branches_sum result = { 0, 0 };
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
		__m512i value = _mm512_loadu_si512(x + i);
		__mmask16 chosen = _mm512_cmpge_epi32_mask(value, limit);
		__m512i kept = _mm512_maskz_mov_epi32(chosen, value);
		sums[0] = _mm512_add_epi64(sums[0],
					   _mm512_cvtepi32_epi64(_mm512_castsi512_si256(kept)));
		sums[1] = _mm512_add_epi64(
			sums[1], _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(kept, 1)));
		result.count += (unsigned)__builtin_popcount(chosen);
	}
	result.sum = _mm512_reduce_add_epi64(_mm512_add_epi64(sums[0], sums[1]));
	return add(result, branches_branchless(x + i, n - i, least));
}
#elif defined(__aarch64__)
static struct branches_sum branches_neon(const int32_t *x, size_t n, int32_t least)
{
	int32x4_t limit = vdupq_n_s32(least);
	int64x2_t sums = vdupq_n_s64(0);
	uint64x2_t counts = vdupq_n_u64(0);
	size_t i = 0;
	for (; i + 4 <= n; i += 4) {
		int32x4_t value = vld1q_s32(x + i);
		uint32x4_t chosen = vcgeq_s32(value, limit);
		sums = vpadalq_s32(sums, vandq_s32(value, vreinterpretq_s32_u32(chosen)));
		counts = vpadalq_u32(counts, vshrq_n_u32(chosen, 31));
	}
	struct branches_sum result = { vaddvq_s64(sums), vaddvq_u64(counts) };
	return add(result, branches_branchless(x + i, n - i, least));
}
#endif

static double branches_flops(size_t n)
{
	(void)n;
	return 0;
}

static double branches_bytes(size_t n)
{
	return 4.0 * (double)n;
}

static const struct variant variants[] = {
	{ "branchy", "a jump around each addition", NULL, (void (*)(void))branches_branchy },
	{ "branchless", "a mask of all ones or zeros", NULL, (void (*)(void))branches_branchless },
#if defined(__x86_64__)
	{ "avx2", "masks of eight", cpu_has_avx2, (void (*)(void))branches_avx2 },
	{ "avx512", "masks of sixteen", cpu_has_avx512, (void (*)(void))branches_avx512 },
#elif defined(__aarch64__)
	{ "neon", "masks of four", NULL, (void (*)(void))branches_neon },
#endif
	{ 0 },
};

branches_function *branches_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (branches_function *)variant->function : NULL;
}

const struct kernel kernel_branches = {
	.name = "branches",
	.summary = "sum what is at least so much: by a jump, or by a mask",
	.source = "Smith, A study of branch prediction strategies (1981)",
	.variants = variants,
	.tolerance = 0,
	.flops = branches_flops,
	.bytes = branches_bytes,
};
