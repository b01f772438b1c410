/*
 * model/immintrin_names.h: the names that model/immintrin.h gives a meaning of its own, and those
 * that are macros already. Only immintrin.h includes it.
 */
#ifndef COUNTERS_MODEL_IMMINTRIN_NAMES_H
#define COUNTERS_MODEL_IMMINTRIN_NAMES_H

/* Macros with some compilers. */
#undef _mm256_i32gather_epi32
#undef _mm256_i32gather_epi64
#undef _mm256_i32gather_pd
#undef _mm256_i32gather_ps
#undef _mm256_i64gather_epi64
#undef _mm256_i64gather_pd
#undef _mm512_i32gather_epi32
#undef _mm512_i32gather_epi64
#undef _mm512_i32gather_pd
#undef _mm512_i32gather_ps
#undef _mm512_i32scatter_epi32
#undef _mm512_i32scatter_epi64
#undef _mm512_i32scatter_pd
#undef _mm512_i32scatter_ps
#undef _mm512_i64gather_epi64
#undef _mm512_i64gather_pd
#undef _mm512_i64gather_ps
#undef _mm512_i64scatter_epi64
#undef _mm512_i64scatter_pd
#undef _mm512_i64scatter_ps
#undef _mm512_mask_i32gather_epi32
#undef _mm512_mask_i32gather_epi64
#undef _mm512_mask_i32gather_pd
#undef _mm512_mask_i32gather_ps
#undef _mm512_mask_i32scatter_epi32
#undef _mm512_mask_i32scatter_epi64
#undef _mm512_mask_i32scatter_pd
#undef _mm512_mask_i32scatter_ps
#undef _mm512_mask_i64gather_epi64
#undef _mm512_mask_i64gather_pd
#undef _mm512_mask_i64gather_ps
#undef _mm512_mask_i64scatter_epi64
#undef _mm512_mask_i64scatter_pd
#undef _mm512_mask_i64scatter_ps

#define _mm512_maskz_loadu_ps            stoke_mm512_maskz_loadu_ps
#define _mm512_mask_loadu_ps             stoke_mm512_mask_loadu_ps
#define _mm512_mask_storeu_ps            stoke_mm512_mask_storeu_ps
#define _mm512_maskz_load_ps             stoke_mm512_maskz_load_ps
#define _mm512_mask_load_ps              stoke_mm512_mask_load_ps
#define _mm512_mask_store_ps             stoke_mm512_mask_store_ps
#define _mm512_mask_compressstoreu_ps    stoke_mm512_mask_compressstoreu_ps
#define _mm512_maskz_expandloadu_ps      stoke_mm512_maskz_expandloadu_ps
#define _mm512_maskz_loadu_pd            stoke_mm512_maskz_loadu_pd
#define _mm512_mask_loadu_pd             stoke_mm512_mask_loadu_pd
#define _mm512_mask_storeu_pd            stoke_mm512_mask_storeu_pd
#define _mm512_maskz_load_pd             stoke_mm512_maskz_load_pd
#define _mm512_mask_load_pd              stoke_mm512_mask_load_pd
#define _mm512_mask_store_pd             stoke_mm512_mask_store_pd
#define _mm512_mask_compressstoreu_pd    stoke_mm512_mask_compressstoreu_pd
#define _mm512_maskz_expandloadu_pd      stoke_mm512_maskz_expandloadu_pd
#define _mm512_maskz_loadu_epi32         stoke_mm512_maskz_loadu_epi32
#define _mm512_mask_loadu_epi32          stoke_mm512_mask_loadu_epi32
#define _mm512_mask_storeu_epi32         stoke_mm512_mask_storeu_epi32
#define _mm512_maskz_load_epi32          stoke_mm512_maskz_load_epi32
#define _mm512_mask_load_epi32           stoke_mm512_mask_load_epi32
#define _mm512_mask_store_epi32          stoke_mm512_mask_store_epi32
#define _mm512_mask_compressstoreu_epi32 stoke_mm512_mask_compressstoreu_epi32
#define _mm512_maskz_expandloadu_epi32   stoke_mm512_maskz_expandloadu_epi32
#define _mm512_maskz_loadu_epi64         stoke_mm512_maskz_loadu_epi64
#define _mm512_mask_loadu_epi64          stoke_mm512_mask_loadu_epi64
#define _mm512_mask_storeu_epi64         stoke_mm512_mask_storeu_epi64
#define _mm512_maskz_load_epi64          stoke_mm512_maskz_load_epi64
#define _mm512_mask_load_epi64           stoke_mm512_mask_load_epi64
#define _mm512_mask_store_epi64          stoke_mm512_mask_store_epi64
#define _mm512_mask_compressstoreu_epi64 stoke_mm512_mask_compressstoreu_epi64
#define _mm512_maskz_expandloadu_epi64   stoke_mm512_maskz_expandloadu_epi64
#define _mm512_maskz_loadu_epi8          stoke_mm512_maskz_loadu_epi8
#define _mm512_mask_loadu_epi8           stoke_mm512_mask_loadu_epi8
#define _mm512_mask_storeu_epi8          stoke_mm512_mask_storeu_epi8
#define _mm512_maskz_loadu_epi16         stoke_mm512_maskz_loadu_epi16
#define _mm512_mask_loadu_epi16          stoke_mm512_mask_loadu_epi16
#define _mm512_mask_storeu_epi16         stoke_mm512_mask_storeu_epi16
#define _mm256_maskz_loadu_ps            stoke_mm256_maskz_loadu_ps
#define _mm256_mask_loadu_ps             stoke_mm256_mask_loadu_ps
#define _mm256_mask_storeu_ps            stoke_mm256_mask_storeu_ps
#define _mm256_maskz_load_ps             stoke_mm256_maskz_load_ps
#define _mm256_mask_load_ps              stoke_mm256_mask_load_ps
#define _mm256_mask_store_ps             stoke_mm256_mask_store_ps
#define _mm256_mask_compressstoreu_ps    stoke_mm256_mask_compressstoreu_ps
#define _mm256_maskz_expandloadu_ps      stoke_mm256_maskz_expandloadu_ps
#define _mm256_maskz_loadu_pd            stoke_mm256_maskz_loadu_pd
#define _mm256_mask_loadu_pd             stoke_mm256_mask_loadu_pd
#define _mm256_mask_storeu_pd            stoke_mm256_mask_storeu_pd
#define _mm256_maskz_load_pd             stoke_mm256_maskz_load_pd
#define _mm256_mask_load_pd              stoke_mm256_mask_load_pd
#define _mm256_mask_store_pd             stoke_mm256_mask_store_pd
#define _mm256_mask_compressstoreu_pd    stoke_mm256_mask_compressstoreu_pd
#define _mm256_maskz_expandloadu_pd      stoke_mm256_maskz_expandloadu_pd
#define _mm256_maskz_loadu_epi32         stoke_mm256_maskz_loadu_epi32
#define _mm256_mask_loadu_epi32          stoke_mm256_mask_loadu_epi32
#define _mm256_mask_storeu_epi32         stoke_mm256_mask_storeu_epi32
#define _mm256_maskz_load_epi32          stoke_mm256_maskz_load_epi32
#define _mm256_mask_load_epi32           stoke_mm256_mask_load_epi32
#define _mm256_mask_store_epi32          stoke_mm256_mask_store_epi32
#define _mm256_mask_compressstoreu_epi32 stoke_mm256_mask_compressstoreu_epi32
#define _mm256_maskz_expandloadu_epi32   stoke_mm256_maskz_expandloadu_epi32
#define _mm256_maskz_loadu_epi64         stoke_mm256_maskz_loadu_epi64
#define _mm256_mask_loadu_epi64          stoke_mm256_mask_loadu_epi64
#define _mm256_mask_storeu_epi64         stoke_mm256_mask_storeu_epi64
#define _mm256_maskz_load_epi64          stoke_mm256_maskz_load_epi64
#define _mm256_mask_load_epi64           stoke_mm256_mask_load_epi64
#define _mm256_mask_store_epi64          stoke_mm256_mask_store_epi64
#define _mm256_mask_compressstoreu_epi64 stoke_mm256_mask_compressstoreu_epi64
#define _mm256_maskz_expandloadu_epi64   stoke_mm256_maskz_expandloadu_epi64
#define _mm256_maskz_loadu_epi8          stoke_mm256_maskz_loadu_epi8
#define _mm256_mask_loadu_epi8           stoke_mm256_mask_loadu_epi8
#define _mm256_mask_storeu_epi8          stoke_mm256_mask_storeu_epi8
#define _mm256_maskz_loadu_epi16         stoke_mm256_maskz_loadu_epi16
#define _mm256_mask_loadu_epi16          stoke_mm256_mask_loadu_epi16
#define _mm256_mask_storeu_epi16         stoke_mm256_mask_storeu_epi16
#define _mm_maskz_loadu_ps               stoke_mm_maskz_loadu_ps
#define _mm_mask_loadu_ps                stoke_mm_mask_loadu_ps
#define _mm_mask_storeu_ps               stoke_mm_mask_storeu_ps
#define _mm_maskz_load_ps                stoke_mm_maskz_load_ps
#define _mm_mask_load_ps                 stoke_mm_mask_load_ps
#define _mm_mask_store_ps                stoke_mm_mask_store_ps
#define _mm_mask_compressstoreu_ps       stoke_mm_mask_compressstoreu_ps
#define _mm_maskz_expandloadu_ps         stoke_mm_maskz_expandloadu_ps
#define _mm_maskz_loadu_pd               stoke_mm_maskz_loadu_pd
#define _mm_mask_loadu_pd                stoke_mm_mask_loadu_pd
#define _mm_mask_storeu_pd               stoke_mm_mask_storeu_pd
#define _mm_maskz_load_pd                stoke_mm_maskz_load_pd
#define _mm_mask_load_pd                 stoke_mm_mask_load_pd
#define _mm_mask_store_pd                stoke_mm_mask_store_pd
#define _mm_mask_compressstoreu_pd       stoke_mm_mask_compressstoreu_pd
#define _mm_maskz_expandloadu_pd         stoke_mm_maskz_expandloadu_pd
#define _mm_maskz_loadu_epi32            stoke_mm_maskz_loadu_epi32
#define _mm_mask_loadu_epi32             stoke_mm_mask_loadu_epi32
#define _mm_mask_storeu_epi32            stoke_mm_mask_storeu_epi32
#define _mm_maskz_load_epi32             stoke_mm_maskz_load_epi32
#define _mm_mask_load_epi32              stoke_mm_mask_load_epi32
#define _mm_mask_store_epi32             stoke_mm_mask_store_epi32
#define _mm_mask_compressstoreu_epi32    stoke_mm_mask_compressstoreu_epi32
#define _mm_maskz_expandloadu_epi32      stoke_mm_maskz_expandloadu_epi32
#define _mm_maskz_loadu_epi64            stoke_mm_maskz_loadu_epi64
#define _mm_mask_loadu_epi64             stoke_mm_mask_loadu_epi64
#define _mm_mask_storeu_epi64            stoke_mm_mask_storeu_epi64
#define _mm_maskz_load_epi64             stoke_mm_maskz_load_epi64
#define _mm_mask_load_epi64              stoke_mm_mask_load_epi64
#define _mm_mask_store_epi64             stoke_mm_mask_store_epi64
#define _mm_mask_compressstoreu_epi64    stoke_mm_mask_compressstoreu_epi64
#define _mm_maskz_expandloadu_epi64      stoke_mm_maskz_expandloadu_epi64
#define _mm_maskz_loadu_epi8             stoke_mm_maskz_loadu_epi8
#define _mm_mask_loadu_epi8              stoke_mm_mask_loadu_epi8
#define _mm_mask_storeu_epi8             stoke_mm_mask_storeu_epi8
#define _mm_maskz_loadu_epi16            stoke_mm_maskz_loadu_epi16
#define _mm_mask_loadu_epi16             stoke_mm_mask_loadu_epi16
#define _mm_mask_storeu_epi16            stoke_mm_mask_storeu_epi16
#define _mm256_maskload_ps               stoke_mm256_maskload_ps
#define _mm256_maskstore_ps              stoke_mm256_maskstore_ps
#define _mm256_maskload_pd               stoke_mm256_maskload_pd
#define _mm256_maskstore_pd              stoke_mm256_maskstore_pd
#define _mm256_maskload_epi32            stoke_mm256_maskload_epi32
#define _mm256_maskstore_epi32           stoke_mm256_maskstore_epi32
#define _mm_maskload_ps                  stoke_mm_maskload_ps
#define _mm_maskstore_ps                 stoke_mm_maskstore_ps
#define _mm_maskload_pd                  stoke_mm_maskload_pd
#define _mm_maskstore_pd                 stoke_mm_maskstore_pd
#define _mm_maskload_epi32               stoke_mm_maskload_epi32
#define _mm_maskstore_epi32              stoke_mm_maskstore_epi32
#define _mm512_i32gather_ps              stoke_mm512_i32gather_ps
#define _mm512_i32scatter_ps             stoke_mm512_i32scatter_ps
#define _mm256_i32gather_ps              stoke_mm256_i32gather_ps
#define _mm512_i32gather_epi32           stoke_mm512_i32gather_epi32
#define _mm512_i32scatter_epi32          stoke_mm512_i32scatter_epi32
#define _mm256_i32gather_epi32           stoke_mm256_i32gather_epi32
#define _mm512_i32gather_pd              stoke_mm512_i32gather_pd
#define _mm512_i32scatter_pd             stoke_mm512_i32scatter_pd
#define _mm256_i32gather_pd              stoke_mm256_i32gather_pd
#define _mm512_i32gather_epi64           stoke_mm512_i32gather_epi64
#define _mm512_i32scatter_epi64          stoke_mm512_i32scatter_epi64
#define _mm256_i32gather_epi64           stoke_mm256_i32gather_epi64
#define _mm_broadcast_ss                 stoke_mm_broadcast_ss
#define _mm256_broadcast_ss              stoke_mm256_broadcast_ss
#define _mm256_broadcast_sd              stoke_mm256_broadcast_sd
#define _mm256_broadcast_ps              stoke_mm256_broadcast_ps
#define _mm256_broadcast_pd              stoke_mm256_broadcast_pd
#define _mm256_lddqu_si256               stoke_mm256_lddqu_si256
#define _mm_lddqu_si128                  stoke_mm_lddqu_si128
#define _mm_stream_ps                    stoke_mm_stream_ps
#define _mm_stream_pd                    stoke_mm_stream_pd
#define _mm_stream_si128                 stoke_mm_stream_si128
#define _mm_stream_si32                  stoke_mm_stream_si32
#define _mm_stream_si64                  stoke_mm_stream_si64
#define _mm256_stream_ps                 stoke_mm256_stream_ps
#define _mm256_stream_pd                 stoke_mm256_stream_pd
#define _mm256_stream_si256              stoke_mm256_stream_si256
#define _mm512_stream_ps                 stoke_mm512_stream_ps
#define _mm512_stream_pd                 stoke_mm512_stream_pd
#define _mm512_stream_si512              stoke_mm512_stream_si512
#define _mm512_i32gather_ps              stoke_mm512_i32gather_ps
#define _mm512_mask_i32gather_ps         stoke_mm512_mask_i32gather_ps
#define _mm512_i32scatter_ps             stoke_mm512_i32scatter_ps
#define _mm512_mask_i32scatter_ps        stoke_mm512_mask_i32scatter_ps
#define _mm256_i32gather_ps              stoke_mm256_i32gather_ps
#define _mm512_i32gather_epi32           stoke_mm512_i32gather_epi32
#define _mm512_mask_i32gather_epi32      stoke_mm512_mask_i32gather_epi32
#define _mm512_i32scatter_epi32          stoke_mm512_i32scatter_epi32
#define _mm512_mask_i32scatter_epi32     stoke_mm512_mask_i32scatter_epi32
#define _mm256_i32gather_epi32           stoke_mm256_i32gather_epi32
#define _mm512_i32gather_pd              stoke_mm512_i32gather_pd
#define _mm512_mask_i32gather_pd         stoke_mm512_mask_i32gather_pd
#define _mm512_i32scatter_pd             stoke_mm512_i32scatter_pd
#define _mm512_mask_i32scatter_pd        stoke_mm512_mask_i32scatter_pd
#define _mm256_i32gather_pd              stoke_mm256_i32gather_pd
#define _mm512_i32gather_epi64           stoke_mm512_i32gather_epi64
#define _mm512_mask_i32gather_epi64      stoke_mm512_mask_i32gather_epi64
#define _mm512_i32scatter_epi64          stoke_mm512_i32scatter_epi64
#define _mm512_mask_i32scatter_epi64     stoke_mm512_mask_i32scatter_epi64
#define _mm256_i32gather_epi64           stoke_mm256_i32gather_epi64
#define _mm512_i64gather_pd              stoke_mm512_i64gather_pd
#define _mm512_mask_i64gather_pd         stoke_mm512_mask_i64gather_pd
#define _mm512_i64scatter_pd             stoke_mm512_i64scatter_pd
#define _mm512_mask_i64scatter_pd        stoke_mm512_mask_i64scatter_pd
#define _mm256_i64gather_pd              stoke_mm256_i64gather_pd
#define _mm512_i64gather_epi64           stoke_mm512_i64gather_epi64
#define _mm512_mask_i64gather_epi64      stoke_mm512_mask_i64gather_epi64
#define _mm512_i64scatter_epi64          stoke_mm512_i64scatter_epi64
#define _mm512_mask_i64scatter_epi64     stoke_mm512_mask_i64scatter_epi64
#define _mm256_i64gather_epi64           stoke_mm256_i64gather_epi64
#define _mm512_i64gather_ps              stoke_mm512_i64gather_ps
#define _mm512_mask_i64gather_ps         stoke_mm512_mask_i64gather_ps
#define _mm512_i64scatter_ps             stoke_mm512_i64scatter_ps
#define _mm512_mask_i64scatter_ps        stoke_mm512_mask_i64scatter_ps

/* ---- macros */

#define STOKE_MODEL_FIRST(first, ...) (first)
#define __builtin_prefetch(...)       stoke_model_prefetch(STOKE_MODEL_FIRST(__VA_ARGS__, 0))
#undef _mm_prefetch
#define _mm_prefetch(address, hint) stoke_model_prefetch((const void *)(address))

#if defined(_tile_loadd_internal)
#undef _tile_loadd
#undef _tile_stream_loadd
#undef _tile_stored
#undef _tile_loadconfig
#define _tile_loadd(tile, base, stride)                                                            \
	do {                                                                                       \
		stoke_model_tile(tile, base, (long)(stride), 0);                                   \
		_tile_loadd_internal(tile, base, stride);                                          \
	} while (0)
#define _tile_stream_loadd(tile, base, stride)                                                     \
	do {                                                                                       \
		stoke_model_tile(tile, base, (long)(stride), 0);                                   \
		_tile_stream_loadd_internal(tile, base, stride);                                   \
	} while (0)
#define _tile_stored(tile, base, stride)                                                           \
	do {                                                                                       \
		stoke_model_tile(tile, base, (long)(stride), 1);                                   \
		_tile_stored_internal(tile, base, stride);                                         \
	} while (0)
__attribute__((target("amx-tile"))) static __inline void stoke_tile_loadconfig(const void *from)
{
	stoke_model_tile_shapes(from);
	_tile_loadconfig(from);
}
#define _tile_loadconfig stoke_tile_loadconfig
#endif

#endif
