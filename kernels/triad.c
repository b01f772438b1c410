/*
 * The triad as the compiler makes it, with wider registers, and past the caches. Every variant
 * computes b + scale * c with a fused multiply-add or without; both are within one rounding.
 */
#include "kernels/triad.h"

#include <stdint.h>
#include <string.h>

#include "kernels/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static void triad_scalar(double *restrict a, const double *restrict b, const double *restrict c,
			 double scale, size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] = b[i] + scale * c[i];
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

__attribute__((target("avx2,fma"))) static void triad_avx2(double *restrict a,
							   const double *restrict b,
							   const double *restrict c, double scale,
							   size_t n)
{
	__m256d factor = _mm256_set1_pd(scale);
	size_t i = 0;
	for (; i + 4 <= n; i += 4)
		_mm256_storeu_pd(a + i, _mm256_fmadd_pd(factor, _mm256_loadu_pd(c + i),
							_mm256_loadu_pd(b + i)));
	for (; i < n; i++)
		a[i] = b[i] + scale * c[i];
}

__attribute__((target("avx512f"))) static void triad_avx512(double *restrict a,
							    const double *restrict b,
							    const double *restrict c, double scale,
							    size_t n)
{
	__m512d factor = _mm512_set1_pd(scale);
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		_mm512_storeu_pd(a + i, _mm512_fmadd_pd(factor, _mm512_loadu_pd(c + i),
							_mm512_loadu_pd(b + i)));
	for (; i < n; i++)
		a[i] = b[i] + scale * c[i];
}

/* Stores that go round the caches need whole aligned vectors. */
__attribute__((target("avx2,fma"))) static void triad_nontemporal(double *restrict a,
								  const double *restrict b,
								  const double *restrict c,
								  double scale, size_t n)
{
	__m256d factor = _mm256_set1_pd(scale);
	size_t i = 0;
	for (; i < n && (uintptr_t)(a + i) % 32 != 0; i++)
		a[i] = b[i] + scale * c[i];
	for (; i + 4 <= n; i += 4)
		_mm256_stream_pd(a + i, _mm256_fmadd_pd(factor, _mm256_loadu_pd(c + i),
							_mm256_loadu_pd(b + i)));
	_mm_sfence();
	for (; i < n; i++)
		a[i] = b[i] + scale * c[i];
}
#elif defined(__aarch64__)
static void triad_neon(double *restrict a, const double *restrict b, const double *restrict c,
		       double scale, size_t n)
{
	size_t i = 0;
	for (; i + 2 <= n; i += 2)
		vst1q_f64(a + i, vfmaq_n_f64(vld1q_f64(b + i), vld1q_f64(c + i), scale));
	for (; i < n; i++)
		a[i] = b[i] + scale * c[i];
}
#endif

static double triad_flops(size_t n)
{
	return 2.0 * (double)n;
}

static double triad_bytes(size_t n)
{
	return 24.0 * (double)n;
}

static const struct variant variants[] = {
	{ "scalar", "as the compiler makes it for any CPU of this family", NULL,
	  (void (*)(void))triad_scalar },
#if defined(__x86_64__)
	{ "avx2", "four doubles at a time, fused multiply-add", has_avx2,
	  (void (*)(void))triad_avx2 },
	{ "avx512", "eight doubles at a time", has_avx512, (void (*)(void))triad_avx512 },
	{ "nontemporal", "stores past the caches: no line is fetched to be overwritten", has_avx2,
	  (void (*)(void))triad_nontemporal },
#elif defined(__aarch64__)
	{ "neon", "two doubles at a time, fused multiply-add", NULL, (void (*)(void))triad_neon },
#endif
	{ 0 },
};

triad_function *triad_variant(const char *name)
{
	triad_function *best = NULL;
	for (const struct variant *at = variants; at->name; at++) {
		bool is_usable = !at->is_usable || at->is_usable();
		if (is_usable && (strcmp(name, "auto") == 0 || strcmp(name, at->name) == 0))
			best = (triad_function *)at->function;
	}
	return best;
}

const struct kernel kernel_triad = {
	.name = "triad",
	.summary = "a = b + s c: the speed of main memory",
	.source = "McCalpin, STREAM",
	.variants = variants,
	.tolerance = 1e-15,
	.flops = triad_flops,
	.bytes = triad_bytes,
};
