/*
 * Four sums, so that no addition waits for another. One variant walks several parts at once: a
 * core's prefetchers follow each stream by itself, which helps some cores and hinders others, so
 * the ceiling of a machine is the best of all.
 */
#include "kernels/read_bandwidth.h"

#include <string.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static uint64_t read_scalar(const uint64_t *data, size_t n)
{
	uint64_t sums[4] = { 0 };
	size_t i = 0;
	for (; i + 4 <= n; i += 4) {
		sums[0] += data[i];
		sums[1] += data[i + 1];
		sums[2] += data[i + 2];
		sums[3] += data[i + 3];
	}
	for (; i < n; i++)
		sums[0] += data[i];
	return sums[0] + sums[1] + sums[2] + sums[3];
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static __m256i load4(const uint64_t *at)
{
	return _mm256_loadu_si256((const __m256i *)at);
}

__attribute__((target("avx2"))) static uint64_t total4(__m256i sum)
{
	uint64_t lanes[4];
	_mm256_storeu_si256((__m256i *)lanes, sum);
	return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

__attribute__((target("avx2"))) static uint64_t read_avx2(const uint64_t *data, size_t n)
{
	__m256i sums[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
			    _mm256_setzero_si256() };
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = _mm256_add_epi64(sums[s], load4(data + i + 4 * s));
	}
	sums[0] = _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]),
				   _mm256_add_epi64(sums[2], sums[3]));
	return total4(sums[0]) + read_scalar(data + i, n - i);
}

/* Words 8 s behind each other: a line (when aligned) for each sum. */
__attribute__((target("avx512f"))) static uint64_t read_avx512(const uint64_t *data, size_t n)
{
	__m512i sums[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
			    _mm512_setzero_si512() };
	size_t i = 0;
	for (; i + 32 <= n; i += 32) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = _mm512_add_epi64(sums[s], _mm512_loadu_si512(data + i + 8 * s));
	}
	sums[0] = _mm512_add_epi64(_mm512_add_epi64(sums[0], sums[1]),
				   _mm512_add_epi64(sums[2], sums[3]));
	uint64_t lanes[8]; /* the intrinsic's sum is of signed numbers, which may not overflow */
	_mm512_storeu_si512(lanes, sums[0]);
	return read_scalar(lanes, 8) + read_scalar(data + i, n - i);
}

/* Four quarters at once, each fetched 2 KiB ahead: further than a core's 48 line buffers reach. */
__attribute__((target("avx2"))) static uint64_t read_streams(const uint64_t *data, size_t n)
{
	enum { STREAMS = 4, LINE = 8, AHEAD = 256 };
	__m256i sums[STREAMS] = { _mm256_setzero_si256(), _mm256_setzero_si256(),
				  _mm256_setzero_si256(), _mm256_setzero_si256() };
	size_t quarter = n / STREAMS / LINE * LINE;
	for (size_t i = 0; i < quarter; i += LINE) {
#pragma GCC unroll 4
		for (size_t s = 0; s < STREAMS; s++) {
			const uint64_t *at = data + s * quarter + i;
			_mm_prefetch((const char *)(at + AHEAD), _MM_HINT_T0);
			sums[s] = _mm256_add_epi64(sums[s],
						   _mm256_add_epi64(load4(at), load4(at + 4)));
		}
	}
	sums[0] = _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]),
				   _mm256_add_epi64(sums[2], sums[3]));
	return total4(sums[0]) + read_scalar(data + STREAMS * quarter, n - STREAMS * quarter);
}
#elif defined(__aarch64__)
static uint64_t read_neon(const uint64_t *data, size_t n)
{
	uint64x2_t sums[4] = { vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0) };
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
#pragma GCC unroll 4
		for (size_t s = 0; s < 4; s++)
			sums[s] = vaddq_u64(sums[s], vld1q_u64(data + i + 2 * s));
	}
	return vaddvq_u64(vaddq_u64(vaddq_u64(sums[0], sums[1]), vaddq_u64(sums[2], sums[3]))) +
	       read_scalar(data + i, n - i);
}
#endif

static double read_flops(size_t n)
{
	(void)n;
	return 0;
}

static double read_bytes(size_t n)
{
	return 8.0 * (double)n;
}

static const struct variant variants[] = {
	{ "scalar", "a word at a time, four sums", NULL, (void (*)(void))read_scalar },
#if defined(__x86_64__)
	{ "avx2", "four words at a time", cpu_has_avx2, (void (*)(void))read_avx2 },
	{ "avx512", "a cache line at a time", cpu_has_avx512, (void (*)(void))read_avx512 },
	{ "streams", "four parts at once, fetched ahead", cpu_has_avx2,
	  (void (*)(void))read_streams },
#elif defined(__aarch64__)
	{ "neon", "two words at a time", NULL, (void (*)(void))read_neon },
#endif
	{ 0 },
};

read_bandwidth_function *read_bandwidth_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (read_bandwidth_function *)variant->function : NULL;
}

const struct kernel kernel_read_bandwidth = {
	.name = "read_bandwidth",
	.summary = "the sum of an array: how fast memory can be read",
	.source = "Hackenberg et al., MICRO 2009",
	.variants = variants,
	.tolerance = 0,
	.flops = read_flops,
	.bytes = read_bytes,
};
