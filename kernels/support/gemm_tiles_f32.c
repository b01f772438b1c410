/*
 * The loops over a tile's rows are unrolled whole (the pragma), so that the sums stay in
 * registers. A tile of r rows and v vectors wants r v + v + 1 registers, at least 8 sums to hide
 * an FMA's latency of 4 cycles on two units, and as few loads an FMA, (r + v) / (r v), as it can:
 * 6 x 2 of 16 registers, 14 x 2 of 32.
 */
#include "kernels/support/gemm_tiles_f32.h"

#include "kernels/support/gemm_fetch.h"
#include "kernels/support/gemm_pack.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* 4 x 32 columns are 512 bytes of a row: on Zen 4 packed three to four times as fast as 128. */
enum { STRIPS = 4 };

static inline __attribute__((always_inline)) void pack(void *to, const struct gemm_strip *strip,
						       size_t lanes)
{
	gemm_pack(to, strip, (struct gemm_packing){ sizeof(float), lanes, 1, 1 });
}

static void pack_6(void *to, const struct gemm_strip *strip)
{
	pack(to, strip, 6);
}

static void pack_8(void *to, const struct gemm_strip *strip)
{
	pack(to, strip, 8);
}

/* Four floats in one register, on any CPU that has such (GCC and Clang's vector extension). */
typedef float float4 __attribute__((vector_size(16), aligned(4), may_alias));

void gemm_multiply_f32_portable(size_t n_groups, const void *packed_a, const void *packed_b,
				void *c, size_t c_row, bool is_adding)
{
	enum { ROWS = 6, COLUMNS = 8 };
	const float *a = packed_a, *b = packed_b;
	float4 sums[ROWS][2] = { { { 0 } } };
	for (size_t p = 0; p < n_groups; p++, a += ROWS, b += COLUMNS) {
		float4 b0 = *(const float4 *)b, b1 = *(const float4 *)(b + 4);
#pragma GCC unroll 6
		for (int i = 0; i < ROWS; i++) {
			sums[i][0] += a[i] * b0;
			sums[i][1] += a[i] * b1;
		}
	}
	for (size_t i = 0; i < ROWS; i++) {
		float4 *to = (float4 *)((float *)c + i * c_row);
		if (is_adding) {
			sums[i][0] += to[0];
			sums[i][1] += to[1];
		}
		to[0] = sums[i][0];
		to[1] = sums[i][1];
	}
}

/* Blocks for a small L2 of 256 KiB: 96 x 256 x 4 bytes of A are 96 KiB; a strip of B is 8 KiB. */
const struct gemm_tile gemm_tile_f32_portable = {
	.rows = 6,
	.columns = 8,
	.group = 1,
	.element_bytes = 4,
	.packed_bytes = 4,
	.rows_most = 96,
	.columns_most = 4096,
	.depth = 256,
	.strips_at_once = STRIPS,
	.pack_rows = pack_6,
	.pack_columns = pack_8,
	.multiply = gemm_multiply_f32_portable,
};

#if defined(__x86_64__) || defined(__aarch64__)
static void pack_16(void *to, const struct gemm_strip *strip)
{
	pack(to, strip, 16);
}
#endif

#if defined(__aarch64__)
/* 6 x 4 sums, four vectors of B and a row's factor are 29 registers of 32. */
void gemm_multiply_f32_neon(size_t n_groups, const void *packed_a, const void *packed_b, void *c,
			    size_t c_row, bool is_adding)
{
	enum { ROWS = 6, COLUMNS = 16, VECTORS = COLUMNS / 4 };
	const float *a = packed_a, *b = packed_b;
	float32x4_t sums[ROWS][VECTORS];
#pragma GCC unroll 6
	for (int i = 0; i < ROWS; i++)
		sums[i][0] = sums[i][1] = sums[i][2] = sums[i][3] = vdupq_n_f32(0);
	for (size_t p = 0; p < n_groups; p++, a += ROWS, b += COLUMNS) {
		float32x4_t row[VECTORS] = { vld1q_f32(b), vld1q_f32(b + 4), vld1q_f32(b + 8),
					     vld1q_f32(b + 12) };
#pragma GCC unroll 6
		for (int i = 0; i < ROWS; i++) {
#pragma GCC unroll 4
			for (int j = 0; j < VECTORS; j++)
				sums[i][j] = vfmaq_n_f32(sums[i][j], row[j], a[i]);
		}
	}
#pragma GCC unroll 6
	for (size_t i = 0; i < ROWS; i++) {
		float *to = (float *)c + i * c_row;
#pragma GCC unroll 4
		for (size_t j = 0; j < VECTORS; j++) {
			float32x4_t old = is_adding ? vld1q_f32(to + 4 * j) : vdupq_n_f32(0);
			vst1q_f32(to + 4 * j, vaddq_f32(old, sums[i][j]));
		}
	}
}

/* Blocks as of AVX2's tile of the same sides: 168 x 256 x 4 bytes are a third of 512 KiB of L2. */
const struct gemm_tile gemm_tile_f32_neon = {
	.rows = 6,
	.columns = 16,
	.group = 1,
	.element_bytes = 4,
	.packed_bytes = 4,
	.rows_most = 168,
	.columns_most = 4096,
	.depth = 256,
	.strips_at_once = STRIPS,
	.pack_rows = pack_6,
	.pack_columns = pack_16,
	.multiply = gemm_multiply_f32_neon,
};
#endif

#if defined(__x86_64__)
enum { ROWS_AVX2 = 6, COLUMNS_AVX2 = 16, ROWS_AVX512 = 14, COLUMNS_AVX512 = 32 };

struct gemm_operands {
	const float *a, *b; /* packed */
};

/* 128, 256, 1024 and 2048 rows end with 2 or 4 of 14; 4 x 2 sums still hide the latency. */
enum { FEW_AVX512 = 4 };

__attribute__((target("avx2,fma"), always_inline)) static inline void
add_products_avx2(__m256 sums[ROWS_AVX2][2], const float *a, const float *b, size_t n_groups)
{
	for (size_t p = 0; p < n_groups; p++, a += ROWS_AVX2, b += COLUMNS_AVX2) {
		__m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
#pragma GCC unroll 6
		for (int i = 0; i < ROWS_AVX2; i++) {
			__m256 one = _mm256_broadcast_ss(a + i);
			sums[i][0] = _mm256_fmadd_ps(one, b0, sums[i][0]);
			sums[i][1] = _mm256_fmadd_ps(one, b1, sums[i][1]);
		}
	}
}

__attribute__((target("avx2,fma"))) void gemm_multiply_f32_avx2(size_t n_groups,
								const void *packed_a,
								const void *packed_b, void *c,
								size_t c_row, bool is_adding)
{
	const float *a = packed_a, *b = packed_b;
	size_t head = gemm_fetch_point(n_groups, ROWS_AVX2);
	__m256 sums[ROWS_AVX2][2];
#pragma GCC unroll 6
	for (int i = 0; i < ROWS_AVX2; i++)
		sums[i][0] = sums[i][1] = _mm256_setzero_ps();
	add_products_avx2(sums, a, b, head);
	gemm_fetch(c, c_row, ROWS_AVX2, COLUMNS_AVX2);
	add_products_avx2(sums, a + head * ROWS_AVX2, b + head * COLUMNS_AVX2, n_groups - head);
#pragma GCC unroll 6
	for (size_t i = 0; i < ROWS_AVX2; i++) {
		float *to = (float *)c + i * c_row;
		__m256 old0 = is_adding ? _mm256_loadu_ps(to) : _mm256_setzero_ps();
		__m256 old1 = is_adding ? _mm256_loadu_ps(to + 8) : _mm256_setzero_ps();
		_mm256_storeu_ps(to, _mm256_add_ps(old0, sums[i][0]));
		_mm256_storeu_ps(to + 8, _mm256_add_ps(old1, sums[i][1]));
	}
}

__attribute__((target("avx512f"), always_inline)) static inline void
add_products_avx512(__m512 sums[ROWS_AVX512][2], int n_rows, const float *a, const float *b,
		    size_t n_groups)
{
	for (size_t p = 0; p < n_groups; p++, a += ROWS_AVX512, b += COLUMNS_AVX512) {
		__m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_loadu_ps(b + 16);
#pragma GCC unroll 14
		for (int i = 0; i < n_rows; i++) {
			__m512 one = _mm512_set1_ps(a[i]);
			sums[i][0] = _mm512_fmadd_ps(one, b0, sums[i][0]);
			sums[i][1] = _mm512_fmadd_ps(one, b1, sums[i][1]);
		}
	}
}

/* The first n_rows of the tile: a constant, or the sums would not stay in registers. */
__attribute__((target("avx512f"), always_inline)) static inline void
multiply_avx512(int n_rows, size_t n_groups, const struct gemm_operands *from, float *c,
		size_t c_row, bool is_adding)
{
	const float *a = from->a, *b = from->b;
	size_t head = gemm_fetch_point(n_groups, (size_t)n_rows);
	__m512 sums[ROWS_AVX512][2];
#pragma GCC unroll 14
	for (int i = 0; i < n_rows; i++)
		sums[i][0] = sums[i][1] = _mm512_setzero_ps();
	add_products_avx512(sums, n_rows, a, b, head);
	gemm_fetch(c, c_row, (size_t)n_rows, COLUMNS_AVX512);
	add_products_avx512(sums, n_rows, a + head * ROWS_AVX512, b + head * COLUMNS_AVX512,
			    n_groups - head);
#pragma GCC unroll 14
	for (int i = 0; i < n_rows; i++) {
		float *to = c + (size_t)i * c_row;
		__m512 old0 = is_adding ? _mm512_loadu_ps(to) : _mm512_setzero_ps();
		__m512 old1 = is_adding ? _mm512_loadu_ps(to + 16) : _mm512_setzero_ps();
		_mm512_storeu_ps(to, _mm512_add_ps(old0, sums[i][0]));
		_mm512_storeu_ps(to + 16, _mm512_add_ps(old1, sums[i][1]));
	}
}

__attribute__((target("avx512f"))) void gemm_multiply_f32_avx512(size_t n_groups,
								 const void *packed_a,
								 const void *packed_b, void *c,
								 size_t c_row, bool is_adding)
{
	struct gemm_operands from = { packed_a, packed_b };
	multiply_avx512(ROWS_AVX512, n_groups, &from, c, c_row, is_adding);
}

__attribute__((target("avx512f"))) static void multiply_few_avx512(size_t n_groups,
								   const void *packed_a,
								   const void *packed_b, void *c,
								   size_t c_row, bool is_adding)
{
	struct gemm_operands from = { packed_a, packed_b };
	multiply_avx512(FEW_AVX512, n_groups, &from, c, c_row, is_adding);
}

static void pack_14(void *to, const struct gemm_strip *strip)
{
	pack(to, strip, 14);
}

static void pack_32(void *to, const struct gemm_strip *strip)
{
	pack(to, strip, 32);
}

/*
 * Blocks of the wide tiles, by measurement on Zen 4 (1024 to 4096): the depth trades reads and
 * writes of C against a strip of B that still comes from L2 in time; 168 rows x 512 x 4 bytes of A
 * are a third of 1 MiB of L2. Twice or half of either costs one to four in a hundred.
 */
const struct gemm_tile gemm_tile_f32_avx2 = {
	.rows = 6,
	.columns = 16,
	.group = 1,
	.element_bytes = 4,
	.packed_bytes = 4,
	.rows_most = 168,
	.columns_most = 4096,
	.depth = 256,
	.strips_at_once = STRIPS,
	.pack_rows = pack_6,
	.pack_columns = pack_16,
	.multiply = gemm_multiply_f32_avx2,
};

const struct gemm_tile gemm_tile_f32_avx512 = {
	.rows = 14,
	.columns = 32,
	.group = 1,
	.element_bytes = 4,
	.packed_bytes = 4,
	.rows_most = 168,
	.columns_most = 4096,
	.depth = 512,
	.strips_at_once = STRIPS,
	.pack_rows = pack_14,
	.pack_columns = pack_32,
	.multiply = gemm_multiply_f32_avx512,
	.few_rows = FEW_AVX512,
	.multiply_few = multiply_few_avx512,
};
#endif
