/*
 * Bytes: vpdpbusd multiplies four without sign by four with, and adds exactly. AVX2's vpmaddubsw
 * would saturate (255 x 127 x 2 > 32,767), so there bytes are widened to 16 bits when packed.
 * Without either they are widened to f32, whose tiles add 512 products exactly: 512 x 255 x 128
 * is less than 2^24.
 */
#include <stdint.h>
#include <string.h>

#include "kernels/support/amx.h"
#include "kernels/support/gemm_fetch.h"
#include "kernels/support/gemm_pack.h"
#include "kernels/support/gemm_tiles_dot.h"
#include "kernels/support/gemm_tiles_f32.h"
#include "kernels/support/vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { EXACT_DEPTH = 512 };

static inline __attribute__((always_inline)) void
pack_floats(float *to, const struct gemm_strip *strip, size_t lanes, bool is_signed)
{
	for (size_t p = 0; p < strip->n_depth; p++) {
		const uint8_t *from = (const uint8_t *)strip->from + p * strip->depth_stride;
		for (size_t lane = 0; lane < lanes; lane++, to++) {
			uint8_t byte = lane < strip->n_lanes ? from[lane * strip->lane_stride] : 0;
			*to = is_signed ? (float)(int8_t)byte : (float)byte;
		}
	}
}

static void pack_floats_6(void *to, const struct gemm_strip *strip)
{
	pack_floats(to, strip, 6, false);
}

static void pack_floats_8(void *to, const struct gemm_strip *strip)
{
	pack_floats(to, strip, 8, true);
}

/* Cells of f32, whole numbers, to int32 modulo 2^32. */
static void take_cells(const float *cells, size_t columns, uint32_t *c, size_t c_row,
		       bool is_adding)
{
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < columns; j++) {
			uint32_t cell = (uint32_t)(int32_t)cells[i * columns + j];
			c[i * c_row + j] = is_adding ? c[i * c_row + j] + cell : cell;
		}
}

static void multiply_portable(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
			      bool is_adding)
{
	float cells[6 * 8];
	gemm_multiply_f32_portable(n_groups, a, b, cells, 8, false);
	take_cells(cells, 8, c, c_row, is_adding);
}

const struct gemm_tile gemm_tile_int8_portable = {
	.rows = 6,
	.columns = 8,
	.group = 1,
	.element_bytes = 1,
	.packed_bytes = 4,
	.rows_most = 96,
	.columns_most = 4096,
	.depth = EXACT_DEPTH,
	.pack_rows = pack_floats_6,
	.pack_columns = pack_floats_8,
	.multiply = multiply_portable,
};

#if defined(__aarch64__)
static void pack_floats_16(void *to, const struct gemm_strip *strip)
{
	pack_floats(to, strip, 16, true);
}

static void multiply_neon(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
			  bool is_adding)
{
	float cells[6 * 16];
	gemm_multiply_f32_neon(n_groups, a, b, cells, 16, false);
	take_cells(cells, 16, c, c_row, is_adding);
}

const struct gemm_tile gemm_tile_int8_neon = {
	.rows = 6,
	.columns = 16,
	.group = 1,
	.element_bytes = 1,
	.packed_bytes = 4,
	.rows_most = 168,
	.columns_most = 4096,
	.depth = EXACT_DEPTH,
	.pack_rows = pack_floats_6,
	.pack_columns = pack_floats_16,
	.multiply = multiply_neon,
};
#endif

#if defined(__x86_64__)
/* Pairs of k side by side, as 16 bits. */
static inline __attribute__((always_inline)) void
pack_widened(int16_t *to, const struct gemm_strip *strip, size_t lanes, bool is_signed)
{
	for (size_t p = 0; p < strip->n_depth; p += 2) {
		for (size_t lane = 0; lane < lanes; lane++) {
			for (size_t q = p; q < p + 2; q++, to++) {
				const uint8_t *at = (const uint8_t *)strip->from +
						    lane * strip->lane_stride +
						    q * strip->depth_stride;
				if (lane >= strip->n_lanes || q >= strip->n_depth)
					*to = 0;
				else
					*to = is_signed ? (int16_t)(int8_t)*at : (int16_t)*at;
			}
		}
	}
}

static void pack_widened_rows(void *to, const struct gemm_strip *strip)
{
	pack_widened(to, strip, 6, false);
}

static void pack_widened_columns(void *to, const struct gemm_strip *strip)
{
	pack_widened(to, strip, 16, true);
}

__attribute__((target("avx2"))) static void multiply_avx2(size_t n_groups, const void *packed_a,
							  const void *packed_b, void *c,
							  size_t c_row, bool is_adding)
{
	enum { ROWS = 6, COLUMNS = 16 };
	const int32_t *a = packed_a, *b = packed_b; /* pairs */
	__m256i sums[ROWS][2];
#pragma GCC unroll 6
	for (int i = 0; i < ROWS; i++)
		sums[i][0] = sums[i][1] = _mm256_setzero_si256();
	for (size_t p = 0; p < n_groups; p++, a += ROWS, b += COLUMNS) {
		__m256i b0 = _mm256_loadu_si256((const __m256i *)b);
		__m256i b1 = _mm256_loadu_si256((const __m256i *)(b + 8));
#pragma GCC unroll 6
		for (int i = 0; i < ROWS; i++) {
			__m256i pair = _mm256_set1_epi32(a[i]);
			sums[i][0] = _mm256_add_epi32(sums[i][0], _mm256_madd_epi16(pair, b0));
			sums[i][1] = _mm256_add_epi32(sums[i][1], _mm256_madd_epi16(pair, b1));
		}
	}
#pragma GCC unroll 6
	for (size_t i = 0; i < ROWS; i++) {
		__m256i *to = (__m256i *)((int32_t *)c + i * c_row);
		if (is_adding) {
			sums[i][0] = _mm256_add_epi32(sums[i][0], _mm256_loadu_si256(to));
			sums[i][1] = _mm256_add_epi32(sums[i][1], _mm256_loadu_si256(to + 1));
		}
		_mm256_storeu_si256(to, sums[i][0]);
		_mm256_storeu_si256(to + 1, sums[i][1]);
	}
}

const struct gemm_tile gemm_tile_int8_avx2 = {
	.rows = 6,
	.columns = 16,
	.group = 2,
	.element_bytes = 1,
	.packed_bytes = 2,
	.rows_most = 168,
	.columns_most = 4096,
	.depth = 512,
	.pack_rows = pack_widened_rows,
	.pack_columns = pack_widened_columns,
	.multiply = multiply_avx2,
};

static void pack_fours_14(void *to, const struct gemm_strip *strip)
{
	gemm_pack(to, strip, (struct gemm_packing){ 1, 14, 4, 4 });
}

static void pack_fours_32(void *to, const struct gemm_strip *strip)
{
	gemm_pack(to, strip, (struct gemm_packing){ 1, 32, 4, 4 });
}

enum { ROWS = 14, COLUMNS = 32 };

__attribute__((target("avx512f"), always_inline)) static inline void
add_products(__m512i sums[ROWS][2], const int32_t *a, const int32_t *b, size_t n_groups)
{
	for (size_t p = 0; p < n_groups; p++, a += ROWS, b += COLUMNS) { /* fours */
		__m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 16);
#pragma GCC unroll 14
		for (int i = 0; i < ROWS; i++) {
			__m512i four = _mm512_set1_epi32(a[i]);
			sums[i][0] = vnni_add(sums[i][0], four, b0);
			sums[i][1] = vnni_add(sums[i][1], four, b1);
		}
	}
}

__attribute__((target("avx512f,avx512vnni"))) static void
multiply_dot(size_t n_groups, const void *packed_a, const void *packed_b, void *c, size_t c_row,
	     bool is_adding)
{
	const int32_t *a = packed_a, *b = packed_b;
	size_t head = gemm_fetch_point(n_groups, ROWS);
	__m512i sums[ROWS][2];
#pragma GCC unroll 14
	for (int i = 0; i < ROWS; i++)
		sums[i][0] = sums[i][1] = _mm512_setzero_si512();
	add_products(sums, a, b, head);
	gemm_fetch(c, c_row, ROWS, COLUMNS);
	add_products(sums, a + head * ROWS, b + head * COLUMNS, n_groups - head);
#pragma GCC unroll 14
	for (size_t i = 0; i < ROWS; i++) {
		int32_t *to = (int32_t *)c + i * c_row;
		__m512i old0 = is_adding ? _mm512_loadu_si512(to) : _mm512_setzero_si512();
		__m512i old1 = is_adding ? _mm512_loadu_si512(to + 16) : _mm512_setzero_si512();
		_mm512_storeu_si512(to, _mm512_add_epi32(old0, sums[i][0]));
		_mm512_storeu_si512(to + 16, _mm512_add_epi32(old1, sums[i][1]));
	}
}

/* The bytes of a block are the f32 tile's: four times its depth. */
const struct gemm_tile gemm_tile_int8_dot = {
	.rows = 14,
	.columns = 32,
	.group = 4,
	.element_bytes = 1,
	.packed_bytes = 1,
	.rows_most = 168,
	.columns_most = 4096,
	.depth = 2048,
	.strips_at_once = 8, /* 256 bytes of a row of B */
	.pack_rows = pack_fours_14,
	.pack_columns = pack_fours_32,
	.multiply = multiply_dot,
};

/* A: rows of 64 bytes, 16 of them a tile. B: rows of 32 columns' fours; a tile is half of 16. */
static void pack_amx_rows(void *to, const struct gemm_strip *strip)
{
	gemm_pack(to, strip, (struct gemm_packing){ 1, 32, 64, 64 });
}

static void pack_amx_columns(void *to, const struct gemm_strip *strip)
{
	gemm_pack(to, strip, (struct gemm_packing){ 1, 32, 4, 64 });
}

__attribute__((target("amx-tile"))) static void begin_amx(void)
{
	amx_configure();
}

__attribute__((target("amx-tile"))) static void end_amx(void)
{
	_tile_release();
}

/* Two by two tiles of C: each tile of A and of B that is loaded is used twice. */
__attribute__((target("amx-tile,amx-int8"))) static void multiply_amx(size_t n_groups,
								      const void *packed_a,
								      const void *packed_b, void *c,
								      size_t c_row, bool is_adding)
{
	const char *a = packed_a, *b = packed_b;
	size_t c_bytes = c_row * sizeof(int32_t), b_bytes = 2 * (size_t)AMX_ROW_BYTES;
	char *top = c, *bottom = top + AMX_ROWS * c_bytes;
	amx_zero_six();
	if (is_adding) {
		_tile_loadd(0, top, c_bytes);
		_tile_loadd(1, top + AMX_ROW_BYTES, c_bytes);
		_tile_loadd(2, bottom, c_bytes);
		_tile_loadd(3, bottom + AMX_ROW_BYTES, c_bytes);
	}
	for (size_t p = 0; p < n_groups; p++) {
		_tile_loadd(4, a, AMX_ROW_BYTES);
		_tile_loadd(6, b, b_bytes);
		_tile_loadd(7, b + AMX_ROW_BYTES, b_bytes);
		_tile_loadd(5, a + AMX_TILE_BYTES, AMX_ROW_BYTES);
		_tile_dpbusd(0, 4, 6);
		_tile_dpbusd(1, 4, 7);
		_tile_dpbusd(2, 5, 6);
		_tile_dpbusd(3, 5, 7);
		a += 2 * (size_t)AMX_TILE_BYTES;
		b += 2 * (size_t)AMX_TILE_BYTES;
	}
	_tile_stored(0, top, c_bytes);
	_tile_stored(1, top + AMX_ROW_BYTES, c_bytes);
	_tile_stored(2, bottom, c_bytes);
	_tile_stored(3, bottom + AMX_ROW_BYTES, c_bytes);
}

/* As the bf16 tile: a strip of B is 32 KiB of L1, a block of A 256 KiB. */
const struct gemm_tile gemm_tile_int8_amx = {
	.rows = 32,
	.columns = 32,
	.group = 64,
	.element_bytes = 1,
	.packed_bytes = 1,
	.rows_most = 256,
	.columns_most = 4096,
	.depth = 1024,
	.strips_at_once = 8, /* 256 bytes of a row of B */
	.pack_rows = pack_amx_rows,
	.pack_columns = pack_amx_columns,
	.multiply = multiply_amx,
	.begin = begin_amx,
	.end = end_amx,
};
#endif
