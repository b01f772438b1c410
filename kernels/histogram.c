/*
 * Adding to a count is a load, an addition and a store; where the next value is the same, its load
 * waits for that store to be forwarded. Four tables taken in turns make such neighbours rare.
 * sixteen-avx512 does not pay where scatters are slow, as they are on Zen 4.
 */
#include "kernels/histogram.h"

#include <string.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static void histogram_one(const struct histogram_task *task)
{
	for (size_t i = 0; i < task->n; i++)
		task->counts[task->values[i]]++;
}

static void histogram_atomic(const struct histogram_task *task)
{
	for (size_t i = 0; i < task->n; i++)
		__atomic_fetch_add(&task->counts[task->values[i]], 1, __ATOMIC_RELAXED);
}

static void histogram_copies(const struct histogram_task *task)
{
	size_t n_bins = task->n_bins, i = 0;
	uint32_t *a = task->counts, *b = task->scratch, *c = b + n_bins, *d = c + n_bins;
	memset(b, 0, (HISTOGRAM_COPIES - 1) * n_bins * sizeof *b);
	for (; i + HISTOGRAM_COPIES <= task->n; i += HISTOGRAM_COPIES) {
		a[task->values[i]]++;
		b[task->values[i + 1]]++;
		c[task->values[i + 2]]++;
		d[task->values[i + 3]]++;
	}
	for (; i < task->n; i++)
		a[task->values[i]]++;
	for (size_t bin = 0; bin < n_bins; bin++)
		a[bin] += b[bin] + c[bin] + d[bin];
}

#if defined(__x86_64__)
static bool has_conflict_detection(void)
{
	return cpu_has_avx512() && __builtin_cpu_supports("avx512cd");
}

/* Sixteen different bins at once; where two are the same, one by one. */
__attribute__((target("avx512f,avx512cd"))) static void
histogram_avx512(const struct histogram_task *task)
{
	size_t i = 0;
	for (; i + 16 <= task->n; i += 16) {
		__m512i bins = _mm512_loadu_si512(task->values + i);
		__m512i earlier = _mm512_conflict_epi32(bins);
		if (_mm512_test_epi32_mask(earlier, earlier) == 0) {
			__m512i counts = _mm512_i32gather_epi32(bins, task->counts, 4);
			counts = _mm512_add_epi32(counts, _mm512_set1_epi32(1));
			_mm512_i32scatter_epi32(task->counts, bins, counts, 4);
		} else {
			for (size_t j = i; j < i + 16; j++)
				task->counts[task->values[j]]++;
		}
	}
	for (; i < task->n; i++)
		task->counts[task->values[i]]++;
}
#endif

static double histogram_flops(size_t n)
{
	(void)n;
	return 0;
}

/* Of 256 bins. */
static double histogram_bytes(size_t n)
{
	return 4.0 * (double)n + 8.0 * 256;
}

static const struct variant variants[] = {
	{ "one", "one table", NULL, (void (*)(void))histogram_one },
	{ "atomic", "one table that all threads share, by locked additions", NULL,
	  (void (*)(void))histogram_atomic },
#if defined(__x86_64__)
	{ "sixteen-avx512", "sixteen bins gathered and scattered where all are different",
	  has_conflict_detection, (void (*)(void))histogram_avx512 },
#endif
	{ "copies", "four tables in turns, added in the end", NULL,
	  (void (*)(void))histogram_copies },
	{ 0 },
};

histogram_function *histogram_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (histogram_function *)variant->function : NULL;
}

const struct kernel kernel_histogram = {
	.name = "histogram",
	.summary = "how often each value occurs: additions that wait for each other",
	.source = "Intel Optimization Manual 17.16; Fog, Microarchitecture",
	.variants = variants,
	.tolerance = 0,
	.flops = histogram_flops,
	.bytes = histogram_bytes,
};
