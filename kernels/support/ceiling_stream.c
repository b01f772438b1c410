/*
 * Loops over arrays. An empty asm that takes the loaded register keeps the load without costing an
 * instruction; one between a load and its store keeps the compiler from calling memcpy.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/ceiling.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Close to 1, so that sums and products of any length stay numbers. */
static const double SCALE = 0x1p-8;

/* What every compiler has: two words at a time in whatever vector registers there are. */
#define PAIR     uint64_t __attribute__((vector_size(16), may_alias))
#define PAIR_F64 double __attribute__((vector_size(16), may_alias))

static void read_generic(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	for (size_t i = 0; i < bytes; i += 64)
		for (size_t k = 0; k < 64; k += 8) {
			uint64_t *word = (uint64_t *)(void *)(a + i + k);
			__asm__ volatile("" : : "r"(*word));
		}
}

static void write_generic(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	PAIR pattern = { 0x3ff0000000000001, 0x3ff0000000000002 };
	for (size_t i = 0; i < bytes; i += 16)
		*(PAIR *)(void *)(a + i) = pattern;
}

static void copy_generic(char *a, const char *b, const char *c, size_t bytes)
{
	(void)c;
	for (size_t i = 0; i < bytes; i += 64) {
		for (size_t k = 0; k < 64; k += 16)
			*(PAIR *)(void *)(a + i + k) = *(const PAIR *)(const void *)(b + i + k);
		__asm__ volatile("" : : : "memory");
	}
}

static void triad_generic(char *a, const char *b, const char *c, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 16)
		*(PAIR_F64 *)(void *)(a + i) = *(const PAIR_F64 *)(const void *)(b + i) +
					       SCALE * *(const PAIR_F64 *)(const void *)(c + i);
}

#if defined(__x86_64__)
#define AVX2   __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

AVX2 static void read_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	for (size_t i = 0; i < bytes; i += 256) {
#pragma GCC unroll 8
		for (size_t k = 0; k < 256; k += 32) {
			__m256i part =
				_mm256_load_si256((const __m256i *)(const void *)(a + i + k));
			__asm__ volatile("" : : "x"(part));
		}
	}
}

AVX2 static void write_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	__m256d part = _mm256_set1_pd(1 + SCALE);
	for (size_t i = 0; i < bytes; i += 256) {
#pragma GCC unroll 8
		for (size_t k = 0; k < 256; k += 32)
			_mm256_store_pd((double *)(void *)(a + i + k), part);
	}
}

AVX2 static void copy_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	(void)c;
	for (size_t i = 0; i < bytes; i += 256) {
#pragma GCC unroll 8
		for (size_t k = 0; k < 256; k += 32) {
			__m256i part =
				_mm256_load_si256((const __m256i *)(const void *)(b + i + k));
			__asm__ volatile("" : "+x"(part));
			_mm256_store_si256((__m256i *)(void *)(a + i + k), part);
		}
	}
}

AVX2 static void triad_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	__m256d scale = _mm256_set1_pd(SCALE);
	for (size_t i = 0; i < bytes; i += 128) {
#pragma GCC unroll 4
		for (size_t k = 0; k < 128; k += 32)
			_mm256_store_pd(
				(double *)(void *)(a + i + k),
				_mm256_fmadd_pd(
					scale,
					_mm256_load_pd((const double *)(const void *)(c + i + k)),
					_mm256_load_pd((const double *)(const void *)(b + i + k))));
	}
}

AVX2 static void write_nt_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	__m256d part = _mm256_set1_pd(1 + SCALE);
	for (size_t i = 0; i < bytes; i += 64) {
		_mm256_stream_pd((double *)(void *)(a + i), part);
		_mm256_stream_pd((double *)(void *)(a + i + 32), part);
	}
	_mm_sfence();
}

AVX2 static void copy_nt_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	(void)c;
	for (size_t i = 0; i < bytes; i += 64) {
#pragma GCC unroll 2
		for (size_t k = 0; k < 64; k += 32)
			_mm256_stream_si256(
				(__m256i *)(void *)(a + i + k),
				_mm256_load_si256((const __m256i *)(const void *)(b + i + k)));
	}
	_mm_sfence();
}

AVX2 static void triad_nt_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	__m256d scale = _mm256_set1_pd(SCALE);
	for (size_t i = 0; i < bytes; i += 64) {
#pragma GCC unroll 2
		for (size_t k = 0; k < 64; k += 32)
			_mm256_stream_pd(
				(double *)(void *)(a + i + k),
				_mm256_fmadd_pd(
					scale,
					_mm256_load_pd((const double *)(const void *)(c + i + k)),
					_mm256_load_pd((const double *)(const void *)(b + i + k))));
	}
	_mm_sfence();
}

AVX2 static void read_4_avx2(char *a, const char *b, const char *c, size_t bytes)
{
	enum { PLACES = 4, AHEAD_BYTES = 2048 }; /* further than 48 line buffers of a core reach */
	size_t part = bytes / PLACES;
	(void)b;
	(void)c;
	for (size_t i = 0; i < part; i += 64) {
#pragma GCC unroll 4
		for (size_t place = 0; place < PLACES; place++) {
			__m256i *at = (__m256i *)(void *)(a + place * part + i);
			_mm_prefetch((const char *)at + AHEAD_BYTES, _MM_HINT_T0);
			__m256i low = _mm256_load_si256(at), high = _mm256_load_si256(at + 1);
			__asm__ volatile("" : : "x"(low), "x"(high));
		}
	}
}

AVX512 static void read_avx512(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	for (size_t i = 0; i < bytes; i += 512) {
#pragma GCC unroll 8
		for (size_t k = 0; k < 512; k += 64) {
			__m512i part = _mm512_load_si512(a + i + k);
			__asm__ volatile("" : : "v"(part));
		}
	}
}

AVX512 static void write_avx512(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	__m512d part = _mm512_set1_pd(1 + SCALE);
	for (size_t i = 0; i < bytes; i += 512) {
#pragma GCC unroll 8
		for (size_t k = 0; k < 512; k += 64)
			_mm512_store_pd(a + i + k, part);
	}
}

AVX512 static void copy_avx512(char *a, const char *b, const char *c, size_t bytes)
{
	(void)c;
	for (size_t i = 0; i < bytes; i += 512) {
#pragma GCC unroll 8
		for (size_t k = 0; k < 512; k += 64) {
			__m512i part = _mm512_load_si512(b + i + k);
			__asm__ volatile("" : "+v"(part));
			_mm512_store_si512(a + i + k, part);
		}
	}
}

AVX512 static void triad_avx512(char *a, const char *b, const char *c, size_t bytes)
{
	__m512d scale = _mm512_set1_pd(SCALE);
	for (size_t i = 0; i < bytes; i += 256) {
#pragma GCC unroll 4
		for (size_t k = 0; k < 256; k += 64)
			_mm512_store_pd(a + i + k, _mm512_fmadd_pd(scale, _mm512_load_pd(c + i + k),
								   _mm512_load_pd(b + i + k)));
	}
}

AVX512 static void write_nt_avx512(char *a, const char *b, const char *c, size_t bytes)
{
	(void)b;
	(void)c;
	__m512d part = _mm512_set1_pd(1 + SCALE);
	for (size_t i = 0; i < bytes; i += 64)
		_mm512_stream_pd((double *)(void *)(a + i), part);
	_mm_sfence();
}

AVX512 static void copy_nt_avx512(char *a, const char *b, const char *c, size_t bytes)
{
	(void)c;
	for (size_t i = 0; i < bytes; i += 64)
		_mm512_stream_si512((__m512i *)(void *)(a + i), _mm512_load_si512(b + i));
	_mm_sfence();
}

AVX512 static void triad_nt_avx512(char *a, const char *b, const char *c, size_t bytes)
{
	__m512d scale = _mm512_set1_pd(SCALE);
	for (size_t i = 0; i < bytes; i += 64)
		_mm512_stream_pd(
			(double *)(void *)(a + i),
			_mm512_fmadd_pd(scale, _mm512_load_pd(c + i), _mm512_load_pd(b + i)));
	_mm_sfence();
}
#endif

/* Of each name from wide to narrow: the first that is usable is taken. */
static const struct ceiling_stream streams[] = {
#if defined(__x86_64__)
	{ "read", "avx512", 1, false, cpu_has_avx512, read_avx512 },
	{ "read", "avx2", 1, false, cpu_has_avx2, read_avx2 },
#endif
	{ "read", "64 bits", 1, false, NULL, read_generic },
#if defined(__x86_64__)
	{ "write", "avx512", 1, false, cpu_has_avx512, write_avx512 },
	{ "write", "avx2", 1, false, cpu_has_avx2, write_avx2 },
#endif
	{ "write", "128 bits", 1, false, NULL, write_generic },
#if defined(__x86_64__)
	{ "copy", "avx512", 2, false, cpu_has_avx512, copy_avx512 },
	{ "copy", "avx2", 2, false, cpu_has_avx2, copy_avx2 },
#endif
	{ "copy", "128 bits", 2, false, NULL, copy_generic },
#if defined(__x86_64__)
	{ "triad", "avx512", 3, false, cpu_has_avx512, triad_avx512 },
	{ "triad", "avx2", 3, false, cpu_has_avx2, triad_avx2 },
#endif
	{ "triad", "128 bits", 3, false, NULL, triad_generic },
#if defined(__x86_64__)
	{ "read-4", "avx2", 1, true, cpu_has_avx2, read_4_avx2 },
	{ "write-nt", "avx512", 1, true, cpu_has_avx512, write_nt_avx512 },
	{ "write-nt", "avx2", 1, true, cpu_has_avx2, write_nt_avx2 },
	{ "copy-nt", "avx512", 2, true, cpu_has_avx512, copy_nt_avx512 },
	{ "copy-nt", "avx2", 2, true, cpu_has_avx2, copy_nt_avx2 },
	{ "triad-nt", "avx512", 3, true, cpu_has_avx512, triad_nt_avx512 },
	{ "triad-nt", "avx2", 3, true, cpu_has_avx2, triad_nt_avx2 },
#endif
};

enum { N_STREAMS = sizeof streams / sizeof streams[0] };

const struct ceiling_stream *ceiling_stream_find(const char *name)
{
	for (size_t i = 0; i < N_STREAMS; i++)
		if (strcmp(streams[i].name, name) == 0 &&
		    (!streams[i].is_usable || streams[i].is_usable()))
			return &streams[i];
	return NULL;
}

const struct ceiling_stream *ceiling_stream_at(size_t place)
{
	size_t seen = 0;
	for (size_t i = 0; i < N_STREAMS; i++)
		if (ceiling_stream_find(streams[i].name) == &streams[i] && seen++ == place)
			return &streams[i];
	return NULL;
}

char *ceiling_take(size_t bytes)
{
	char *memory = aligned_take(bytes);
	double *numbers = (double *)(void *)memory;
	for (size_t i = 0; memory && i < bytes / sizeof *numbers; i++)
		numbers[i] = 1 + SCALE * (double)(i % 251);
	return memory;
}
