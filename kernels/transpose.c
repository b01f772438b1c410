/*
 * One side is walked along its rows, the other down its columns: a line of 64 bytes fetched for
 * four of them, and with rows a power of two apart all of a column's lines in the same few places
 * of the cache. A block small enough for L1 uses its lines whole; in registers, a square of the
 * vector's width is turned by shuffles and needs no second look at memory.
 */
#include "kernels/transpose.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx512.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* 32 x 32 floats of x and of y are 8 KiB; 32 lines of y one power of two apart still fit L1. */
enum { TILE = 32, LINE_FLOATS = 16 };

struct transpose_task transpose_share(const struct transpose_task *whole, unsigned share,
				      unsigned n_shares)
{
	struct transpose_task part = *whole;
	size_t n_lines = (whole->n + LINE_FLOATS - 1) / LINE_FLOATS;
	size_t from = n_lines * share / n_shares * LINE_FLOATS;
	size_t to = n_lines * (share + 1) / n_shares * LINE_FLOATS;
	from = from < whole->n ? from : whole->n;
	part.n = (to < whole->n ? to : whole->n) - from;
	part.x += from;
	part.y += from * whole->y_row;
	return part;
}

/* Rows [i0, i1) of columns [j0, j1) of x. */
static void turn(const struct transpose_task *task, size_t i0, size_t i1, size_t j0, size_t j1)
{
	for (size_t i = i0; i < i1; i++)
		for (size_t j = j0; j < j1; j++)
			task->y[j * task->y_row + i] = task->x[i * task->x_row + j];
}

static void transpose_naive(const struct transpose_task *task)
{
	turn(task, 0, task->m, 0, task->n);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A square of x, side x side, at its place in y. */
typedef void square_function(const float *x, size_t x_row, float *y, size_t y_row);

/*
 * Squares where they are whole, the rest one by one. Along the rows of x, which are fetched ahead
 * that way, within a FIELD whose rows of x and of y lie in no more pages than the processor keeps
 * addresses of: 512 of each. (On Zen 4, of 3072; 256 and 1024 are slower.)
 */
enum { FIELD = 512 };

struct field {
	size_t i0, i1, j0, j1;
};

static inline __attribute__((always_inline)) void
turn_field(const struct transpose_task *task, struct field f, size_t side, square_function *square)
{
	for (size_t i = f.i0; i < f.i1; i += side)
		for (size_t j = f.j0; j < f.j1; j += side)
			square(task->x + i * task->x_row + j, task->x_row,
			       task->y + j * task->y_row + i, task->y_row);
}

static inline __attribute__((always_inline)) void turn_squares(const struct transpose_task *task,
							       size_t side, square_function *square)
{
	size_t m = task->m / side * side, n = task->n / side * side;
	for (size_t i = 0; i < m; i += FIELD)
		for (size_t j = 0; j < n; j += FIELD)
			turn_field(task,
				   (struct field){ i, least(i + FIELD, m), j, least(j + FIELD, n) },
				   side, square);
	turn(task, m, task->m, 0, n);
	turn(task, 0, task->m, n, task->n);
}

/* Down the columns of x: loads that miss the cache wait side by side, stores would not. */
static void square_tile(const float *x, size_t x_row, float *y, size_t y_row)
{
	for (size_t j = 0; j < TILE; j++)
		for (size_t i = 0; i < TILE; i++)
			y[j * y_row + i] = x[i * x_row + j];
}

static void transpose_tiled(const struct transpose_task *task)
{
	turn_squares(task, TILE, square_tile);
}

#if defined(__x86_64__)
__attribute__((target("avx2"), always_inline)) static inline __m256d pair_avx2(__m256 a, __m256 b,
									       bool is_high)
{
	return _mm256_castps_pd(is_high ? _mm256_unpackhi_ps(a, b) : _mm256_unpacklo_ps(a, b));
}

__attribute__((target("avx2"))) static void square_avx2(const float *x, size_t x_row, float *y,
							size_t y_row)
{
	__m256d pairs[8];
	__m256 fours[8];
#pragma GCC unroll 4
	for (size_t i = 0; i < 8; i += 2) {
		__m256 a = _mm256_loadu_ps(x + i * x_row);
		__m256 b = _mm256_loadu_ps(x + (i + 1) * x_row);
		pairs[i] = pair_avx2(a, b, false);
		pairs[i + 1] = pair_avx2(a, b, true);
	}
	/* fours[4 half + c]: rows 4 half to 4 half + 3 of columns c and c + 4 */
#pragma GCC unroll 4
	for (size_t i = 0; i < 4; i++) {
		size_t at = i / 2 * 4 + i % 2;
		fours[i / 2 * 4 + i % 2 * 2] =
			_mm256_castpd_ps(_mm256_unpacklo_pd(pairs[at], pairs[at + 2]));
		fours[i / 2 * 4 + i % 2 * 2 + 1] =
			_mm256_castpd_ps(_mm256_unpackhi_pd(pairs[at], pairs[at + 2]));
	}
#pragma GCC unroll 4
	for (size_t c = 0; c < 4; c++) {
		_mm256_storeu_ps(y + c * y_row,
				 _mm256_permute2f128_ps(fours[c], fours[c + 4], 0x20));
		_mm256_storeu_ps(y + (c + 4) * y_row,
				 _mm256_permute2f128_ps(fours[c], fours[c + 4], 0x31));
	}
}

static void transpose_avx2(const struct transpose_task *task)
{
	turn_squares(task, 8, square_avx2);
}

/* fours[4 g + c]: rows 4 g to 4 g + 3 of columns c, c + 4, c + 8, c + 12. */
__attribute__((target("avx512f"), always_inline)) static inline void
fours_avx512(const float *x, size_t x_row, __m512 fours[16])
{
#pragma GCC unroll 4
	for (size_t i = 0; i < 16; i += 4) {
		__m512 a = _mm512_loadu_ps(x + i * x_row), b = _mm512_loadu_ps(x + (i + 1) * x_row);
		__m512 c = _mm512_loadu_ps(x + (i + 2) * x_row);
		__m512 d = _mm512_loadu_ps(x + (i + 3) * x_row);
		__m512d ab0 = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
		__m512d ab2 = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
		__m512d cd0 = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
		__m512d cd2 = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
		fours[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab0, cd0));
		fours[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab0, cd0));
		fours[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab2, cd2));
		fours[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab2, cd2));
	}
}

__attribute__((target("avx512f"), always_inline)) static inline void
turn_sixteen(const float *x, size_t x_row, float *y, size_t y_row, bool is_past_caches)
{
	__m512 fours[16];
	fours_avx512(x, x_row, fours);
#pragma GCC unroll 4
	for (size_t c = 0; c < 4; c++) {
		__m512 even0 = _mm512_shuffle_f32x4(fours[c], fours[c + 4], 0x88);
		__m512 odd0 = _mm512_shuffle_f32x4(fours[c], fours[c + 4], 0xdd);
		__m512 even1 = _mm512_shuffle_f32x4(fours[c + 8], fours[c + 12], 0x88);
		__m512 odd1 = _mm512_shuffle_f32x4(fours[c + 8], fours[c + 12], 0xdd);
		rows_store_whole(y + c * y_row, _mm512_shuffle_f32x4(even0, even1, 0x88),
				 is_past_caches);
		rows_store_whole(y + (c + 4) * y_row, _mm512_shuffle_f32x4(odd0, odd1, 0x88),
				 is_past_caches);
		rows_store_whole(y + (c + 8) * y_row, _mm512_shuffle_f32x4(even0, even1, 0xdd),
				 is_past_caches);
		rows_store_whole(y + (c + 12) * y_row, _mm512_shuffle_f32x4(odd0, odd1, 0xdd),
				 is_past_caches);
	}
}

__attribute__((target("avx512f"))) static void square_avx512(const float *x, size_t x_row, float *y,
							     size_t y_row)
{
	turn_sixteen(x, x_row, y, y_row, false);
}

__attribute__((target("avx512f"))) static void square_nontemporal(const float *x, size_t x_row,
								  float *y, size_t y_row)
{
	turn_sixteen(x, x_row, y, y_row, true);
}

static void transpose_avx512(const struct transpose_task *task)
{
	turn_squares(task, 16, square_avx512);
}

/* Only whole lines can be stored past the caches. */
static void transpose_nontemporal(const struct transpose_task *task)
{
	if ((uintptr_t)task->y % 64 != 0 || task->y_row % LINE_FLOATS != 0) {
		transpose_avx512(task);
		return;
	}
	turn_squares(task, 16, square_nontemporal);
	_mm_sfence();
}
#elif defined(__aarch64__)
static void square_neon(const float *x, size_t x_row, float *y, size_t y_row)
{
	float32x4_t a = vld1q_f32(x), b = vld1q_f32(x + x_row);
	float32x4_t c = vld1q_f32(x + 2 * x_row), d = vld1q_f32(x + 3 * x_row);
	float32x4x2_t ab = vtrnq_f32(a, b), cd = vtrnq_f32(c, d);
	vst1q_f32(y, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0])));
	vst1q_f32(y + y_row, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1])));
	vst1q_f32(y + 2 * y_row, vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0])));
	vst1q_f32(y + 3 * y_row, vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1])));
}

static void transpose_neon(const struct transpose_task *task)
{
	turn_squares(task, 4, square_neon);
}
#endif

static double transpose_flops(size_t n)
{
	(void)n;
	return 0;
}

static double transpose_bytes(size_t n)
{
	return 8.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "naive", "along the rows of x, down the columns of y", NULL,
	  (void (*)(void))transpose_naive },
	{ "tiled", "in blocks of 32 x 32, whose lines stay in L1", NULL,
	  (void (*)(void))transpose_tiled },
#if defined(__x86_64__)
	{ "avx2", "8 x 8 in registers", cpu_has_avx2, (void (*)(void))transpose_avx2 },
	{ "avx512", "16 x 16 in registers", cpu_has_avx512, (void (*)(void))transpose_avx512 },
	{ "nontemporal", "and stored past the caches: no line is fetched to be overwritten",
	  cpu_has_avx512, (void (*)(void))transpose_nontemporal },
#elif defined(__aarch64__)
	{ "neon", "4 x 4 in registers", NULL, (void (*)(void))transpose_neon },
#endif
	{ 0 },
};

transpose_function *transpose_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (transpose_function *)variant->function : NULL;
}

const struct kernel kernel_transpose = {
	.name = "transpose",
	.summary = "rows become columns: one side of memory is walked against its grain",
	.source = "Lam, Rothberg, Wolf, The cache performance of blocked algorithms (1991)",
	.variants = variants,
	.tolerance = 0,
	.flops = transpose_flops,
	.bytes = transpose_bytes,
};
