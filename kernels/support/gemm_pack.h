/*
 * gemm_pack: strips of A and B into the order that tiles read: `group` elements of k of one lane
 * side by side, then the next lane. Header-only: each tile takes it with
 * constants, so that the loops are unrolled.
 */
#ifndef KERNELS_SUPPORT_GEMM_PACK_H
#define KERNELS_SUPPORT_GEMM_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/support/gemm_blocks.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#include <xmmintrin.h>
#endif

/* The depth is filled up with zeros to a multiple of `padding`, the lanes to `lanes`. */
struct gemm_packing {
	size_t element_bytes, lanes, group, padding;
};

/* gemm_interleave: 16 (8) elements of 1 (2) bytes of each of 4 (2) rows; false = not done. Where 8
 * do not divide the lanes, the last 8 overlap. */
static inline __attribute__((always_inline)) bool
gemm_interleave(char *to, const char *from, size_t row_bytes, struct gemm_packing packing)
{
#if defined(__SSE2__)
	if (packing.element_bytes == 2 && packing.group == 2 && packing.lanes >= 8) {
		for (size_t i = 0; i < packing.lanes; i += 8) {
			size_t lane = i + 8 <= packing.lanes ? i : packing.lanes - 8;
			const char *at = from + 2 * lane;
			__m128i x = _mm_loadu_si128((const __m128i *)at);
			__m128i y = _mm_loadu_si128((const __m128i *)(at + row_bytes));
			__m128i *out = (__m128i *)(to + 4 * lane);
			_mm_storeu_si128(out, _mm_unpacklo_epi16(x, y));
			_mm_storeu_si128(out + 1, _mm_unpackhi_epi16(x, y));
		}
		return true;
	}
	const __m128i *row0 = (const __m128i *)from;
	const __m128i *row1 = (const __m128i *)(from + row_bytes);
	__m128i *out = (__m128i *)to;
	if (packing.element_bytes == 1 && packing.group == 4 && packing.lanes % 16 == 0) {
		const __m128i *row2 = (const __m128i *)(from + 2 * row_bytes);
		const __m128i *row3 = (const __m128i *)(from + 3 * row_bytes);
		for (size_t i = 0; i < packing.lanes / 16; i++) {
			__m128i w = _mm_loadu_si128(row0 + i), x = _mm_loadu_si128(row1 + i);
			__m128i y = _mm_loadu_si128(row2 + i), z = _mm_loadu_si128(row3 + i);
			__m128i wx0 = _mm_unpacklo_epi8(w, x), wx1 = _mm_unpackhi_epi8(w, x);
			__m128i yz0 = _mm_unpacklo_epi8(y, z), yz1 = _mm_unpackhi_epi8(y, z);
			_mm_storeu_si128(out + 4 * i, _mm_unpacklo_epi16(wx0, yz0));
			_mm_storeu_si128(out + 4 * i + 1, _mm_unpackhi_epi16(wx0, yz0));
			_mm_storeu_si128(out + 4 * i + 2, _mm_unpacklo_epi16(wx1, yz1));
			_mm_storeu_si128(out + 4 * i + 3, _mm_unpackhi_epi16(wx1, yz1));
		}
		return true;
	}
#else
	(void)to, (void)from, (void)row_bytes, (void)packing;
#endif
	return false;
}

/* gemm_transpose: 64 bytes of each lane, as groups of 4 bytes. */
static inline __attribute__((always_inline)) void gemm_transpose(char *to, const char *from,
								 size_t lane_bytes, size_t lanes)
{
	size_t lane = 0;
#if defined(__SSE2__)
	for (; lane + 4 <= lanes; lane += 4) {
		const char *at = from + lane * lane_bytes;
		float *out = (float *)(void *)to + lane;
		for (size_t p = 0; p < 64; p += 16, at += 16, out += 4 * lanes) {
			__m128 w = _mm_loadu_ps((const float *)(const void *)at);
			__m128 x = _mm_loadu_ps((const float *)(const void *)(at + lane_bytes));
			__m128 y = _mm_loadu_ps((const float *)(const void *)(at + 2 * lane_bytes));
			__m128 z = _mm_loadu_ps((const float *)(const void *)(at + 3 * lane_bytes));
			_MM_TRANSPOSE4_PS(w, x, y, z);
			_mm_storeu_ps(out, w);
			_mm_storeu_ps(out + lanes, x);
			_mm_storeu_ps(out + 2 * lanes, y);
			_mm_storeu_ps(out + 3 * lanes, z);
		}
	}
#endif
	for (; lane < lanes; lane++)
		for (size_t p = 0; p < 16; p++)
			memcpy(to + (p * lanes + lane) * 4, from + lane * lane_bytes + p * 4, 4);
}

/* One group of one lane; n_there of its elements exist. */
static inline __attribute__((always_inline)) void gemm_pack_group(char *to, const char *from,
								  size_t n_there,
								  size_t stride_bytes,
								  struct gemm_packing packing)
{
	const size_t bytes = packing.element_bytes;
	if (stride_bytes == bytes && n_there >= packing.group) {
		memcpy(to, from, packing.group * bytes);
		return;
	}
	for (size_t q = 0; q < packing.group; q++) {
		if (q < n_there)
			memcpy(to + q * bytes, from + q * stride_bytes, bytes);
		else
			memset(to + q * bytes, 0, bytes);
	}
}

/* One step of gemm_pack, element by element where need be: depth [p, end). */
static inline __attribute__((always_inline)) void gemm_pack_slowly(char *to,
								   const struct gemm_strip *strip,
								   size_t p, size_t end,
								   struct gemm_packing packing)
{
	const size_t bytes = packing.element_bytes;
	for (size_t lane = 0; lane < packing.lanes; lane++) {
		for (size_t q = p; q < end; q += packing.group) {
			bool is_there = lane < strip->n_lanes && q < strip->n_depth;
			size_t at = lane * strip->lane_stride + q * strip->depth_stride;
			gemm_pack_group(to + ((q - p) * packing.lanes + lane * packing.group) *
							bytes,
					(const char *)strip->from + (is_there ? at : 0) * bytes,
					is_there ? strip->n_depth - q : 0,
					strip->depth_stride * bytes, packing);
		}
	}
}

/* The lines of lanes some rows further down. Rows a power of two apart share a set of the cache,
 * which eight of them fill, and a core waits for some 24 lines at once: more of either, and they
 * are gone again or never asked for. */
static inline __attribute__((always_inline)) void gemm_pack_fetch(const char *from,
								  const struct gemm_strip *strip,
								  size_t p,
								  struct gemm_packing packing)
{
	enum { LINE = 64, LINES = 24, MOST_ROWS = 6 };
	const size_t row_bytes = strip->depth_stride * packing.element_bytes;
	size_t n_lines = (strip->n_lanes * packing.element_bytes + LINE - 1) / LINE;
	size_t ahead = LINES / n_lines < MOST_ROWS ? LINES / n_lines : MOST_ROWS;
	ahead = ahead < packing.group ? packing.group : ahead;
	for (size_t q = p + ahead; q < p + ahead + packing.group && q < strip->n_depth; q++)
		for (size_t line = 0; line < n_lines; line++)
			__builtin_prefetch(from + (q - p) * row_bytes + line * LINE);
}

/* Lanes that lie together (B, as a rule), of several strips: row by row, each on another page, so
 * the longer a part of a row is taken the better. */
static inline __attribute__((always_inline)) void
gemm_pack_together(char *to, const struct gemm_strip *strip, struct gemm_packing packing)
{
	const size_t bytes = packing.element_bytes, row_bytes = strip->depth_stride * bytes;
	size_t n_padded =
		(strip->n_depth + packing.padding - 1) / packing.padding * packing.padding;
	for (size_t p = 0; p < n_padded; p += packing.group) {
		const char *from = (const char *)strip->from + p * row_bytes;
		char *out = to + p * packing.lanes * bytes;
		gemm_pack_fetch(from, strip, p, packing);
		for (size_t lane = 0; lane < strip->n_lanes; lane += packing.lanes) {
			size_t n_left = strip->n_lanes - lane;
			bool is_there =
				n_left >= packing.lanes && p + packing.group <= strip->n_depth;
			if (is_there && packing.group == 1) {
				memcpy(out, from, packing.lanes * bytes);
			} else if (!is_there || !gemm_interleave(out, from, row_bytes, packing)) {
				struct gemm_strip one = *strip;
				one.from = (const char *)strip->from + lane * bytes;
				one.n_lanes = n_left < packing.lanes ? n_left : packing.lanes;
				gemm_pack_slowly(out, &one, p, p + packing.group, packing);
			}
			from += packing.lanes * bytes;
			out += n_padded * packing.lanes * bytes;
		}
	}
}

/*
 * gemm_pack: a strip, or several if its lanes lie together. Lanes that do not are taken a line of
 * 64 bytes a lane at a time, because rows a power of two apart share a set of the cache, which
 * fewer than 14 fill.
 */
static inline __attribute__((always_inline)) void
gemm_pack(void *to, const struct gemm_strip *strip, struct gemm_packing packing)
{
	if (strip->lane_stride == 1) {
		gemm_pack_together(to, strip, packing);
		return;
	}
	const size_t bytes = packing.element_bytes, group_bytes = packing.group * bytes;
	const size_t step = 64 / bytes > packing.group ? 64 / bytes : packing.group;
	const bool is_whole = strip->depth_stride == 1 && strip->n_lanes == packing.lanes;
	size_t n_padded =
		(strip->n_depth + packing.padding - 1) / packing.padding * packing.padding;
	for (size_t p = 0; p < n_padded; p += step) {
		char *out = (char *)to + p * packing.lanes * bytes;
		if (is_whole && group_bytes == 4 && p + step <= strip->n_depth)
			gemm_transpose(out, (const char *)strip->from + p * bytes,
				       strip->lane_stride * bytes, packing.lanes);
		else
			gemm_pack_slowly(out, strip, p, n_padded - p < step ? n_padded : p + step,
					 packing);
	}
}

#endif
