/*
 * Each width is one loop, taken three times by an inlined function whose first argument is a
 * constant there. The kernel's own FLOPs and bytes are those of all three loops.
 */
#include "kernels/stream.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static inline double one(enum stream_loop loop, const double *b, const double *c, double scale,
			 size_t i)
{
	if (loop == STREAM_COPY)
		return b[i];
	return loop == STREAM_SCALE ? scale * b[i] : b[i] + c[i];
}

static inline __attribute__((always_inline)) void scalar(enum stream_loop loop, double *restrict a,
							 const double *restrict b,
							 const double *restrict c, double scale,
							 size_t n)
{
	for (size_t i = 0; i < n; i++)
		a[i] = one(loop, b, c, scale, i);
}

static void stream_scalar(enum stream_loop loop, double *a, const double *b, const double *c,
			  double scale, size_t n)
{
	if (loop == STREAM_COPY)
		scalar(STREAM_COPY, a, b, c, scale, n);
	else if (loop == STREAM_SCALE)
		scalar(STREAM_SCALE, a, b, c, scale, n);
	else
		scalar(STREAM_ADD, a, b, c, scale, n);
}

#if defined(__x86_64__)
/* Elements up to the first aligned one, which stores past the caches need. */
static size_t unaligned_part(const double *a, size_t bytes, size_t n)
{
	size_t ahead = (bytes - (uintptr_t)a % bytes) % bytes / sizeof *a;
	return ahead < n ? ahead : n;
}

__attribute__((target("avx2"))) static inline __m256d four(enum stream_loop loop, const double *b,
							   const double *c, __m256d scale)
{
	__m256d value = _mm256_loadu_pd(b);
	if (loop == STREAM_COPY)
		return value;
	return loop == STREAM_SCALE ? _mm256_mul_pd(scale, value)
				    : _mm256_add_pd(value, _mm256_loadu_pd(c));
}

__attribute__((target("avx2"))) static void stream_avx2(enum stream_loop loop, double *a,
							const double *b, const double *c,
							double scale, size_t n)
{
	__m256d factor = _mm256_set1_pd(scale);
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		_mm256_storeu_pd(a + i, four(loop, b + i, c + i, factor));
		_mm256_storeu_pd(a + i + 4, four(loop, b + i + 4, c + i + 4, factor));
	}
	for (; i < n; i++)
		a[i] = one(loop, b, c, scale, i);
}

__attribute__((target("avx512f"))) static inline __m512d
eight(enum stream_loop loop, const double *b, const double *c, __m512d scale)
{
	__m512d value = _mm512_loadu_pd(b);
	if (loop == STREAM_COPY)
		return value;
	return loop == STREAM_SCALE ? _mm512_mul_pd(scale, value)
				    : _mm512_add_pd(value, _mm512_loadu_pd(c));
}

__attribute__((target("avx512f"))) static void stream_avx512(enum stream_loop loop, double *a,
							     const double *b, const double *c,
							     double scale, size_t n)
{
	__m512d factor = _mm512_set1_pd(scale);
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
		_mm512_storeu_pd(a + i, eight(loop, b + i, c + i, factor));
		_mm512_storeu_pd(a + i + 8, eight(loop, b + i + 8, c + i + 8, factor));
	}
	for (; i < n; i++)
		a[i] = one(loop, b, c, scale, i);
}

__attribute__((target("avx2"))) static void stream_nontemporal(enum stream_loop loop, double *a,
							       const double *b, const double *c,
							       double scale, size_t n)
{
	__m256d factor = _mm256_set1_pd(scale);
	size_t i = unaligned_part(a, 64, n);
	scalar(loop, a, b, c, scale, i);
	for (; i + 8 <= n; i += 8) { /* a whole line of writes, or it is filled from memory */
		_mm256_stream_pd(a + i, four(loop, b + i, c + i, factor));
		_mm256_stream_pd(a + i + 4, four(loop, b + i + 4, c + i + 4, factor));
	}
	_mm_sfence();
	for (; i < n; i++)
		a[i] = one(loop, b, c, scale, i);
}
#elif defined(__aarch64__)
static inline float64x2_t two(enum stream_loop loop, const double *b, const double *c, double scale)
{
	float64x2_t value = vld1q_f64(b);
	if (loop == STREAM_COPY)
		return value;
	return loop == STREAM_SCALE ? vmulq_n_f64(value, scale) : vaddq_f64(value, vld1q_f64(c));
}

static void stream_neon(enum stream_loop loop, double *a, const double *b, const double *c,
			double scale, size_t n)
{
	size_t i = 0;
	for (; i + 4 <= n; i += 4) {
		vst1q_f64(a + i, two(loop, b + i, c + i, scale));
		vst1q_f64(a + i + 2, two(loop, b + i + 2, c + i + 2, scale));
	}
	for (; i < n; i++)
		a[i] = one(loop, b, c, scale, i);
}
#endif

double stream_flops(enum stream_loop loop, size_t n)
{
	return loop == STREAM_COPY ? 0 : (double)n;
}

double stream_bytes(enum stream_loop loop, size_t n)
{
	return (loop == STREAM_ADD ? 24.0 : 16.0) * (double)n;
}

static double flops_of_all(size_t n)
{
	return 2.0 * (double)n;
}

static double bytes_of_all(size_t n)
{
	return 56.0 * (double)n;
}

static const struct variant variants[] = {
	{ "scalar", "as the compiler makes it for any CPU of this family", NULL,
	  (void (*)(void))stream_scalar },
#if defined(__x86_64__)
	{ "avx2", "four doubles at a time", cpu_has_avx2, (void (*)(void))stream_avx2 },
	{ "avx512", "eight doubles at a time", cpu_has_avx512, (void (*)(void))stream_avx512 },
	{ "nontemporal", "stores past the caches: no line is fetched to be overwritten",
	  cpu_has_avx2, (void (*)(void))stream_nontemporal },
#elif defined(__aarch64__)
	{ "neon", "two doubles at a time", NULL, (void (*)(void))stream_neon },
#endif
	{ 0 },
};

stream_function *stream_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (stream_function *)variant->function : NULL;
}

const struct kernel kernel_stream = {
	.name = "stream",
	.summary = "a = b; a = s b; a = b + c: copies through main memory",
	.source = "McCalpin, STREAM",
	.variants = variants,
	.tolerance = 0,
	.flops = flops_of_all,
	.bytes = bytes_of_all,
};
