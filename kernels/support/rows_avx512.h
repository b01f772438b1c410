/*
 * rows_avx512: sixteen elements of a row at a time. Header-only, for functions compiled for
 * avx512f: a row is a head up to the first aligned address of y, whole vectors, and a tail; only
 * whole vectors can be stored past the caches.
 */
#ifndef KERNELS_SUPPORT_ROWS_AVX512_H
#define KERNELS_SUPPORT_ROWS_AVX512_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/support/rows_task.h"

/* rows_next: the row after that at `at`, to be fetched while this one is worked on; the last has
 * itself. Without it memory idles whenever a row is read again from the cache. */
static inline const float *rows_next(const struct rows_task *task, size_t at)
{
	return task->x + (at + task->n < task->rows * task->n ? at + task->n : at);
}

/*
 * rows_fetch: a line of the next row to L2, for L1 holds the row at hand. A fetch to L2 is a hint:
 * a core whose buffers are taken drops it (Zen 4, of 8 lines asked for at once after a pause: three
 * in four), and then the row is waited for when it is summed. So the lines 64 and 128 before are
 * asked for again, which costs nothing if they are there: a tenth to a sixth of the whole by
 * measurement. (Inlined always: GCC drops calls of functions that do nothing but fetch.)
 */
__attribute__((always_inline)) static inline void rows_fetch(const float *line)
{
	enum { AGAIN = 64 * 16 };
	_mm_prefetch((const char *)line, _MM_HINT_T1);
	_mm_prefetch((const char *)(line - AGAIN), _MM_HINT_T1);
	_mm_prefetch((const char *)(line - (ptrdiff_t)2 * AGAIN), _MM_HINT_T1);
}

/* rows_fetch_early, rows_fetch_late: the next row's first quarter while this one is summed, a line
 * for each 64 elements at j; the rest, three lines for each 64, while it is scaled and stored. So
 * memory is read and written all the time. */
__attribute__((always_inline)) static inline void rows_fetch_early(const float *next, size_t j)
{
	_mm_prefetch((const char *)(next + j / 4), _MM_HINT_T1);
}

__attribute__((always_inline)) static inline void rows_fetch_late(const float *next, size_t n,
								  size_t j)
{
	if (j % 64 < 48)
		rows_fetch(next + n / 4 + j / 64 * 48 + j % 64);
}

/* rows_lanes: which of sixteen elements from j on exist. */
__attribute__((target("avx512f"), always_inline)) static inline __mmask16 rows_lanes(size_t j,
										     size_t n)
{
	return n - j < 16 ? (__mmask16)((1u << (n - j)) - 1) : (__mmask16)0xffff;
}

/* rows_total_avx512: the sum of four times sixteen. */
__attribute__((target("avx512f"), always_inline)) static inline float
rows_total_avx512(const __m512 sums[4])
{
	return _mm512_reduce_add_ps(
		_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

/* rows_head: elements before y's first address that is a multiple of 64. */
static inline size_t rows_head(const float *y, size_t n)
{
	size_t head = (64 - (uintptr_t)y % 64) % 64 / sizeof *y;
	return head < n ? head : n;
}

/* rows_store_whole: sixteen; past the caches y must be aligned to 64. */
__attribute__((target("avx512f"), always_inline)) static inline void
rows_store_whole(float *y, __m512 value, bool is_past_caches)
{
	if (is_past_caches)
		_mm512_stream_ps(y, value);
	else
		_mm512_storeu_ps(y, value);
}

/* rows_store: sixteen, or those of the lanes. */
__attribute__((target("avx512f"), always_inline)) static inline void
rows_store(float *y, __m512 value, __mmask16 lanes, bool is_past_caches)
{
	if (is_past_caches && lanes == 0xffff && (uintptr_t)y % 64 == 0)
		_mm512_stream_ps(y, value);
	else
		_mm512_mask_storeu_ps(y, lanes, value);
}
#endif

#endif
