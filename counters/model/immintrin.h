/*
 * model/immintrin.h: stands before the compiler's header of that name (-I FOLDER) so that the cache
 * model sees what -fsanitize=thread does not report: vector loads and stores with masks, gathers
 * and scatters, broadcasts from memory, stores past the caches, prefetches and tiles. These are
 * built-in functions; plain vector loads and stores are not, and need nothing.
 * Each name becomes a function that reports the access and then does what the compiler's does.
 */
#include_next <immintrin.h>

#ifndef COUNTERS_MODEL_IMMINTRIN_H
#define COUNTERS_MODEL_IMMINTRIN_H

#include "hooks.h"

#ifdef __cplusplus
extern "C" { /* not const: that would be another one in each file of C++ */
#endif
extern int stoke_model_has_vectors;
__attribute__((weak)) int stoke_model_has_vectors = 1;
#ifdef __cplusplus
}
#endif

#define STOKE_MODEL(isa)                                                                           \
	static __inline __attribute__((always_inline, artificial, unused, target(isa)))

/* ---- masks in mask registers: loads that keep or clear the other lanes, stores */

#define STOKE_MODEL_MASKS(isa, width, vector, suffix, mask, lane)                                  \
	STOKE_MODEL(isa) vector stoke##width##_maskz_loadu_##suffix(mask lanes, const void *from)  \
	{                                                                                          \
		stoke_model_read_lanes(from, lanes, lane);                                         \
		return width##_maskz_loadu_##suffix(lanes, from);                                  \
	}                                                                                          \
	STOKE_MODEL(isa)                                                                           \
	vector stoke##width##_mask_loadu_##suffix(vector other, mask lanes, const void *from)      \
	{                                                                                          \
		stoke_model_read_lanes(from, lanes, lane);                                         \
		return width##_mask_loadu_##suffix(other, lanes, from);                            \
	}                                                                                          \
	STOKE_MODEL(isa) void stoke##width##_mask_storeu_##suffix(void *to, mask lanes, vector x)  \
	{                                                                                          \
		stoke_model_write_lanes(to, lanes, lane);                                          \
		width##_mask_storeu_##suffix(to, lanes, x);                                        \
	}
/* With a form for aligned addresses, and one that packs lanes. */
#define STOKE_MODEL_LANES(isa, width, vector, suffix, mask, lane)                                  \
	STOKE_MODEL_MASKS(isa, width, vector, suffix, mask, lane)                                  \
	STOKE_MODEL(isa) vector stoke##width##_maskz_load_##suffix(mask lanes, const void *from)   \
	{                                                                                          \
		stoke_model_read_lanes(from, lanes, lane);                                         \
		return width##_maskz_load_##suffix(lanes, from);                                   \
	}                                                                                          \
	STOKE_MODEL(isa)                                                                           \
	vector stoke##width##_mask_load_##suffix(vector other, mask lanes, const void *from)       \
	{                                                                                          \
		stoke_model_read_lanes(from, lanes, lane);                                         \
		return width##_mask_load_##suffix(other, lanes, from);                             \
	}                                                                                          \
	STOKE_MODEL(isa) void stoke##width##_mask_store_##suffix(void *to, mask lanes, vector x)   \
	{                                                                                          \
		stoke_model_write_lanes(to, lanes, lane);                                          \
		width##_mask_store_##suffix(to, lanes, x);                                         \
	}                                                                                          \
	STOKE_MODEL(isa)                                                                           \
	void stoke##width##_mask_compressstoreu_##suffix(void *to, mask lanes, vector x)           \
	{                                                                                          \
		stoke_model_write(to, (unsigned)__builtin_popcount(lanes) * (lane));               \
		width##_mask_compressstoreu_##suffix(to, lanes, x);                                \
	}                                                                                          \
	STOKE_MODEL(isa)                                                                           \
	vector stoke##width##_maskz_expandloadu_##suffix(mask lanes, const void *from)             \
	{                                                                                          \
		stoke_model_read(from, (unsigned)__builtin_popcount(lanes) * (lane));              \
		return width##_maskz_expandloadu_##suffix(lanes, from);                            \
	}

STOKE_MODEL_LANES("avx512f", _mm512, __m512, ps, __mmask16, 4)
STOKE_MODEL_LANES("avx512f", _mm512, __m512d, pd, __mmask8, 8)
STOKE_MODEL_LANES("avx512f", _mm512, __m512i, epi32, __mmask16, 4)
STOKE_MODEL_LANES("avx512f", _mm512, __m512i, epi64, __mmask8, 8)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm256, __m256, ps, __mmask8, 4)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm256, __m256d, pd, __mmask8, 8)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm256, __m256i, epi32, __mmask8, 4)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm256, __m256i, epi64, __mmask8, 8)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm, __m128, ps, __mmask8, 4)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm, __m128d, pd, __mmask8, 8)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm, __m128i, epi32, __mmask8, 4)
STOKE_MODEL_LANES("avx512f,avx512vl", _mm, __m128i, epi64, __mmask8, 8)
STOKE_MODEL_MASKS("avx512bw", _mm512, __m512i, epi8, __mmask64, 1)
STOKE_MODEL_MASKS("avx512bw", _mm512, __m512i, epi16, __mmask32, 2)
STOKE_MODEL_MASKS("avx512bw,avx512vl", _mm256, __m256i, epi8, __mmask32, 1)
STOKE_MODEL_MASKS("avx512bw,avx512vl", _mm256, __m256i, epi16, __mmask16, 2)
STOKE_MODEL_MASKS("avx512bw,avx512vl", _mm, __m128i, epi8, __mmask16, 1)
STOKE_MODEL_MASKS("avx512bw,avx512vl", _mm, __m128i, epi16, __mmask8, 2)

/* ---- masks in vectors */

#define STOKE_MODEL_SIGNS(isa, width, vector, element, suffix, sign, lane)                         \
	STOKE_MODEL(isa) vector stoke##width##_maskload_##suffix(element const *from, sign lanes)  \
	{                                                                                          \
		stoke_model_read_lanes(from, STOKE_MODEL_BITS##width##_##lane(lanes), lane);       \
		return width##_maskload_##suffix(from, lanes);                                     \
	}                                                                                          \
	STOKE_MODEL(isa)                                                                           \
	void stoke##width##_maskstore_##suffix(element *to, sign lanes, vector x)                  \
	{                                                                                          \
		stoke_model_write_lanes(to, STOKE_MODEL_BITS##width##_##lane(lanes), lane);        \
		width##_maskstore_##suffix(to, lanes, x);                                          \
	}
#define STOKE_MODEL_BITS_mm256_4(x) (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(x))
#define STOKE_MODEL_BITS_mm256_8(x) (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(x))
#define STOKE_MODEL_BITS_mm_4(x)    (unsigned)_mm_movemask_ps(_mm_castsi128_ps(x))
#define STOKE_MODEL_BITS_mm_8(x)    (unsigned)_mm_movemask_pd(_mm_castsi128_pd(x))

STOKE_MODEL_SIGNS("avx", _mm256, __m256, float, ps, __m256i, 4)
STOKE_MODEL_SIGNS("avx", _mm256, __m256d, double, pd, __m256i, 8)
STOKE_MODEL_SIGNS("avx2", _mm256, __m256i, int, epi32, __m256i, 4)
STOKE_MODEL_SIGNS("avx", _mm, __m128, float, ps, __m128i, 4)
STOKE_MODEL_SIGNS("avx", _mm, __m128d, double, pd, __m128i, 8)
STOKE_MODEL_SIGNS("avx2", _mm, __m128i, int, epi32, __m128i, 4)

/* ---- gathers and scatters: an access a lane */

/* Clang's, and GCC's without optimization, are macros that want a literal number for the scale. */
#define STOKE_MODEL_SCALED(scale, call, ...)                                                       \
	switch (scale) {                                                                           \
	case 1:                                                                                    \
		call(__VA_ARGS__, 1);                                                              \
		break;                                                                             \
	case 2:                                                                                    \
		call(__VA_ARGS__, 2);                                                              \
		break;                                                                             \
	case 4:                                                                                    \
		call(__VA_ARGS__, 4);                                                              \
		break;                                                                             \
	default:                                                                                   \
		call(__VA_ARGS__, 8);                                                              \
	}

#define STOKE_MODEL_GATHER512(bits, suffix, vector, indexes, mask, all, lane)                      \
	STOKE_MODEL("avx512f")                                                                     \
	vector stoke_mm512_i##bits##gather_##suffix(indexes index, const void *base, int scale)    \
	{                                                                                          \
		vector x;                                                                          \
		stoke_model_gather(base, &index, bits, all, scale, lane);                          \
		STOKE_MODEL_SCALED(scale, x = _mm512_i##bits##gather_##suffix, index, base)        \
		return x;                                                                          \
	}                                                                                          \
	STOKE_MODEL("avx512f")                                                                     \
	vector stoke_mm512_mask_i##bits##gather_##suffix(vector other, mask lanes, indexes index,  \
							 const void *base, int scale)              \
	{                                                                                          \
		vector x;                                                                          \
		stoke_model_gather(base, &index, bits, lanes, scale, lane);                        \
		STOKE_MODEL_SCALED(scale, x = _mm512_mask_i##bits##gather_##suffix, other, lanes,  \
				   index, base)                                                    \
		return x;                                                                          \
	}                                                                                          \
	STOKE_MODEL("avx512f")                                                                     \
	void stoke_mm512_i##bits##scatter_##suffix(void *base, indexes index, vector x, int scale) \
	{                                                                                          \
		stoke_model_scatter(base, &index, bits, all, scale, lane);                         \
		STOKE_MODEL_SCALED(scale, _mm512_i##bits##scatter_##suffix, base, index, x)        \
	}                                                                                          \
	STOKE_MODEL("avx512f")                                                                     \
	void stoke_mm512_mask_i##bits##scatter_##suffix(void *base, mask lanes, indexes index,     \
							vector x, int scale)                       \
	{                                                                                          \
		stoke_model_scatter(base, &index, bits, lanes, scale, lane);                       \
		STOKE_MODEL_SCALED(scale, _mm512_mask_i##bits##scatter_##suffix, base, lanes,      \
				   index, x)                                                       \
	}
#define STOKE_MODEL_GATHER256(bits, suffix, vector, indexes, element, all, lane)                   \
	STOKE_MODEL("avx2")                                                                        \
	vector stoke_mm256_i##bits##gather_##suffix(element const *base, indexes index,            \
						    const int scale)                               \
	{                                                                                          \
		vector x;                                                                          \
		stoke_model_gather(base, &index, bits, all, scale, lane);                          \
		STOKE_MODEL_SCALED(scale, x = _mm256_i##bits##gather_##suffix, base, index)        \
		return x;                                                                          \
	}

STOKE_MODEL_GATHER512(32, ps, __m512, __m512i, __mmask16, 0xffff, 4)
STOKE_MODEL_GATHER512(32, epi32, __m512i, __m512i, __mmask16, 0xffff, 4)
STOKE_MODEL_GATHER512(32, pd, __m512d, __m256i, __mmask8, 0xff, 8)
STOKE_MODEL_GATHER512(32, epi64, __m512i, __m256i, __mmask8, 0xff, 8)
STOKE_MODEL_GATHER512(64, pd, __m512d, __m512i, __mmask8, 0xff, 8)
STOKE_MODEL_GATHER512(64, epi64, __m512i, __m512i, __mmask8, 0xff, 8)
STOKE_MODEL_GATHER512(64, ps, __m256, __m512i, __mmask8, 0xff, 4)
STOKE_MODEL_GATHER256(32, ps, __m256, __m256i, float, 0xff, 4)
STOKE_MODEL_GATHER256(32, epi32, __m256i, __m256i, int, 0xff, 4)
STOKE_MODEL_GATHER256(32, pd, __m256d, __m128i, double, 0xf, 8)
STOKE_MODEL_GATHER256(32, epi64, __m256i, __m128i, long long, 0xf, 8)
STOKE_MODEL_GATHER256(64, pd, __m256d, __m256i, double, 0xf, 8)
STOKE_MODEL_GATHER256(64, epi64, __m256i, __m256i, long long, 0xf, 8)

/* ---- loads and stores of whole vectors that are built-in functions all the same */

/* Compilers differ in what they want a pointer to: here it is to anything. */
#define STOKE_MODEL_LOAD(isa, name, vector, from_type, bytes)                                      \
	STOKE_MODEL(isa) vector stoke##name(const void *from)                                      \
	{                                                                                          \
		stoke_model_read(from, bytes);                                                     \
		return name((from_type const *)from);                                              \
	}
#define STOKE_MODEL_PAST(isa, name, to_type, vector, bytes)                                        \
	STOKE_MODEL(isa) void stoke##name(void *to, vector x)                                      \
	{                                                                                          \
		stoke_model_write_past(to, bytes);                                                 \
		name((to_type *)to, x);                                                            \
	}

STOKE_MODEL_LOAD("avx", _mm_broadcast_ss, __m128, float, 4)
STOKE_MODEL_LOAD("avx", _mm256_broadcast_ss, __m256, float, 4)
STOKE_MODEL_LOAD("avx", _mm256_broadcast_sd, __m256d, double, 8)
STOKE_MODEL_LOAD("avx", _mm256_broadcast_ps, __m256, __m128, 16)
STOKE_MODEL_LOAD("avx", _mm256_broadcast_pd, __m256d, __m128d, 16)
STOKE_MODEL_LOAD("avx", _mm256_lddqu_si256, __m256i, __m256i, 32)
STOKE_MODEL_LOAD("sse3", _mm_lddqu_si128, __m128i, __m128i, 16)
STOKE_MODEL_PAST("sse", _mm_stream_ps, float, __m128, 16)
STOKE_MODEL_PAST("sse2", _mm_stream_pd, double, __m128d, 16)
STOKE_MODEL_PAST("sse2", _mm_stream_si128, __m128i, __m128i, 16)
STOKE_MODEL_PAST("sse2", _mm_stream_si32, int, int, 4)
STOKE_MODEL_PAST("sse2", _mm_stream_si64, long long, long long, 8)
STOKE_MODEL_PAST("avx", _mm256_stream_ps, float, __m256, 32)
STOKE_MODEL_PAST("avx", _mm256_stream_pd, double, __m256d, 32)
STOKE_MODEL_PAST("avx", _mm256_stream_si256, __m256i, __m256i, 32)
STOKE_MODEL_PAST("avx512f", _mm512_stream_ps, float, __m512, 64)
STOKE_MODEL_PAST("avx512f", _mm512_stream_pd, double, __m512d, 64)
STOKE_MODEL_PAST("avx512f", _mm512_stream_si512, __m512i, __m512i, 64)

#include "immintrin_names.h"

#endif
