/*
 * The packed way follows Goto and van de Geijn, "Anatomy of high-performance matrix
 * multiplication" (ACM TOMS 34, 2008): a block of A lies in the second-level cache, a panel of B in
 * the first, and a tile of C in registers for the whole of a panel's depth. The other ways are
 * there to be looked at.
 */
#include "workloads/support/tensor_matmul.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/tensor_loops.h"
#include "workloads/support/tensor_simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
	/* 256 deep, a B panel of 32 columns is 32 KiB and an A panel of 12 rows is 12 KiB: the
	 * first streams from the second-level cache at 5 bytes a cycle, which hides behind the
	 * arithmetic. Measured flat between 192 and 384. */
	DEPTH = 256,
	ROWS = 144,     /* of A at a time: 144 KiB of the second-level cache */
	COLUMNS = 1024, /* of B at a time: 1 MiB of the third level */
	MOST_TILE_ROWS = 12,
	MOST_TILE_COLUMNS = 32,
	LINE_BYTES = 64,
	/* i-p-j blocks: 64 x 256 floats of B are 64 KiB. */
	BLOCK_DEPTH = 64,
	BLOCK_COLUMNS = 256,
};

/* Waking a sleeping thread takes about 10 us; a core does this many FLOPs in 30 us. */
static const double LEAST_FLOPS_TO_SHARE = 2e6;

/* One tile: the full k of packed panels, written to or added to c. */
typedef void tile_function(const float *a, const float *b, size_t k, float *c, size_t c_step,
			   bool accumulates);

struct tiling {
	size_t rows, columns;
	tile_function *tile;
};

struct matmul_room {
	struct crew *crew;
	enum matmul_order order;
	const struct tiling *tiling;
	float **a_blocks, **b_blocks; /* one a share */
};

static void tile_portable(const float *a, const float *b, size_t k, float *c, size_t c_step,
			  bool accumulates)
{
	enum { TILE_ROWS = 4, TILE_COLUMNS = 8 };
	float sum[TILE_ROWS][TILE_COLUMNS] = { 0 };
	for (size_t p = 0; p < k; p++, a += TILE_ROWS, b += TILE_COLUMNS)
		for (size_t i = 0; i < TILE_ROWS; i++)
			for (size_t j = 0; j < TILE_COLUMNS; j++)
				sum[i][j] += a[i] * b[j];
	for (size_t i = 0; i < TILE_ROWS; i++)
		for (size_t j = 0; j < TILE_COLUMNS; j++)
			c[i * c_step + j] = sum[i][j] + (accumulates ? c[i * c_step + j] : 0);
}

static const struct tiling tiling_portable = { 4, 8, tile_portable };

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void
tile_avx512(const float *a, const float *b, size_t k, float *c, size_t c_step, bool accumulates)
{
	enum { TILE_ROWS = 12 };
	__m512 sum[TILE_ROWS][2];
#pragma GCC unroll 12
	for (int i = 0; i < TILE_ROWS; i++)
		sum[i][0] = sum[i][1] = _mm512_setzero_ps();
	for (size_t p = 0; p < k; p++, a += TILE_ROWS, b += 32) {
		__m512 left = _mm512_load_ps(b), right = _mm512_load_ps(b + 16);
#pragma GCC unroll 12
		for (int i = 0; i < TILE_ROWS; i++) {
			__m512 factor = _mm512_set1_ps(a[i]);
			sum[i][0] = _mm512_fmadd_ps(factor, left, sum[i][0]);
			sum[i][1] = _mm512_fmadd_ps(factor, right, sum[i][1]);
		}
	}
#pragma GCC unroll 12
	for (int i = 0; i < TILE_ROWS; i++, c += c_step) {
		if (accumulates) {
			sum[i][0] = _mm512_add_ps(sum[i][0], _mm512_loadu_ps(c));
			sum[i][1] = _mm512_add_ps(sum[i][1], _mm512_loadu_ps(c + 16));
		}
		_mm512_storeu_ps(c, sum[i][0]);
		_mm512_storeu_ps(c + 16, sum[i][1]);
	}
}

__attribute__((target("avx2,fma"))) static void tile_avx2(const float *a, const float *b, size_t k,
							  float *c, size_t c_step, bool accumulates)
{
	enum { TILE_ROWS = 6 };
	__m256 sum[TILE_ROWS][2];
#pragma GCC unroll 6
	for (int i = 0; i < TILE_ROWS; i++)
		sum[i][0] = sum[i][1] = _mm256_setzero_ps();
	for (size_t p = 0; p < k; p++, a += TILE_ROWS, b += 16) {
		__m256 left = _mm256_load_ps(b), right = _mm256_load_ps(b + 8);
#pragma GCC unroll 6
		for (int i = 0; i < TILE_ROWS; i++) {
			__m256 factor = _mm256_broadcast_ss(&a[i]);
			sum[i][0] = _mm256_fmadd_ps(factor, left, sum[i][0]);
			sum[i][1] = _mm256_fmadd_ps(factor, right, sum[i][1]);
		}
	}
#pragma GCC unroll 6
	for (int i = 0; i < TILE_ROWS; i++, c += c_step) {
		if (accumulates) {
			sum[i][0] = _mm256_add_ps(sum[i][0], _mm256_loadu_ps(c));
			sum[i][1] = _mm256_add_ps(sum[i][1], _mm256_loadu_ps(c + 8));
		}
		_mm256_storeu_ps(c, sum[i][0]);
		_mm256_storeu_ps(c + 8, sum[i][1]);
	}
}

static const struct tiling tiling_avx512 = { 12, 32, tile_avx512 };
static const struct tiling tiling_avx2 = { 6, 16, tile_avx2 };
#endif

static const struct tiling *choose_tiling(void)
{
#if defined(__x86_64__)
	if (tensor_simd() == SIMD_AVX512)
		return &tiling_avx512;
	if (tensor_simd() == SIMD_AVX2)
		return &tiling_avx2;
#endif
	return &tiling_portable;
}

/*
 * Copy n lines of k elements into panels of `width` lines, in which the elements of one depth lie
 * together; the last panel is filled up with zeros.
 */
__attribute__((noinline)) static void pack_panels(float *out, struct matmul_operand from,
						  bool is_by_columns, size_t n, size_t k,
						  size_t width)
{
	size_t line_step = is_by_columns ? from.column_step : from.row_step;
	size_t depth_step = is_by_columns ? from.row_step : from.column_step;
	for (size_t first = 0; first < n; first += width, out += width * k) {
		size_t n_lines = n - first < width ? n - first : width;
		const float *at = from.at + first * line_step;
		if (n_lines < width)
			memset(out, 0, width * k * sizeof *out);
		if (line_step == 1) {
			for (size_t p = 0; p < k; p++)
				memcpy(out + p * width, at + p * depth_step, n_lines * sizeof *out);
			continue;
		}
		/* Eight depths at a time: whole lines of cache are read and written. */
		for (size_t p = 0; p < k; p += 8)
			for (size_t line = 0; line < n_lines; line++)
				for (size_t q = p; q < k && q < p + 8; q++)
					out[q * width + line] =
						at[line * line_step + q * depth_step];
	}
}

/* A tile that reaches over the edge of C is computed beside it. */
static void tile_at_edge(const struct tiling *tiling, const float *a, const float *b,
			 const struct matmul *part, size_t n_rows, size_t n_columns)
{
	_Alignas(LINE_BYTES) float whole[MOST_TILE_ROWS * MOST_TILE_COLUMNS];
	tiling->tile(a, b, part->k, whole, tiling->columns, false);
	for (size_t i = 0; i < n_rows; i++) {
		float *c = part->c + i * part->c_step;
		for (size_t j = 0; j < n_columns; j++)
			c[j] = whole[i * tiling->columns + j] + (part->accumulates ? c[j] : 0);
	}
}

/* All tiles of one packed block of A with one of B. */
static void multiply_packed(const struct tiling *tiling, const float *a, const float *b,
			    const struct matmul *block)
{
	for (size_t j = 0; j < block->n; j += tiling->columns, b += tiling->columns * block->k) {
		size_t n_columns = block->n - j < tiling->columns ? block->n - j : tiling->columns;
		const float *panel = a;
		for (size_t i = 0; i < block->m;
		     i += tiling->rows, panel += tiling->rows * block->k) {
			size_t n_rows = block->m - i < tiling->rows ? block->m - i : tiling->rows;
			struct matmul part = *block;
			part.c = block->c + i * block->c_step + j;
			if (n_rows == tiling->rows && n_columns == tiling->columns)
				tiling->tile(panel, b, block->k, part.c, part.c_step,
					     part.accumulates);
			else
				tile_at_edge(tiling, panel, b, &part, n_rows, n_columns);
		}
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static struct matmul_operand moved(struct matmul_operand operand, size_t row, size_t column)
{
	operand.at += row * operand.row_step + column * operand.column_step;
	return operand;
}

__attribute__((noinline)) static void matmul_packed(const struct tiling *tiling, float *a_block,
						    float *b_block, const struct matmul *matmul)
{
	for (size_t j = 0; j < matmul->n; j += COLUMNS)
		for (size_t p = 0; p < matmul->k; p += DEPTH) {
			struct matmul block = *matmul;
			block.n = least(COLUMNS, matmul->n - j);
			block.k = least(DEPTH, matmul->k - p);
			block.accumulates = matmul->accumulates || p > 0;
			pack_panels(b_block, moved(matmul->b, p, j), true, block.n, block.k,
				    tiling->columns);
			for (size_t i = 0; i < matmul->m; i += ROWS) {
				block.m = least(ROWS, matmul->m - i);
				block.c = matmul->c + i * matmul->c_step + j;
				pack_panels(a_block, moved(matmul->a, i, p), false, block.m,
					    block.k, tiling->rows);
				multiply_packed(tiling, a_block, b_block, &block);
			}
		}
}

static void clear(const struct matmul *matmul)
{
	if (!matmul->accumulates)
		for (size_t i = 0; i < matmul->m; i++)
			memset(matmul->c + i * matmul->c_step, 0, matmul->n * sizeof(float));
}

static void add_row(float *c, const float *b, size_t step, float factor, size_t n)
{
	struct loop loop = { .kind = LOOP_ADD_TO, .out = c, .a = b, .s = factor, .n = n };
	if (step == 1) {
		tensor_loop(NULL, &loop);
		return;
	}
	for (size_t i = 0; i < n; i++)
		c[i] += factor * b[i * step];
}

/* What is added row by row: [from, to) of the columns and of the depth. */
static void multiply_ipj(const struct matmul *matmul, size_t j, size_t n, size_t p_from,
			 size_t p_to)
{
	size_t step = matmul->b.column_step;
	for (size_t i = 0; i < matmul->m; i++)
		for (size_t p = p_from; p < p_to; p++) {
			float factor =
				matmul->a.at[i * matmul->a.row_step + p * matmul->a.column_step];
			const float *b = matmul->b.at + p * matmul->b.row_step + j * step;
			float *c = matmul->c + i * matmul->c_step + j;
			add_row(c, b, step, factor, n);
		}
}

__attribute__((noinline)) static void matmul_ipj(const struct matmul *matmul)
{
	clear(matmul);
	multiply_ipj(matmul, 0, matmul->n, 0, matmul->k);
}

__attribute__((noinline)) static void matmul_blocked(const struct matmul *matmul)
{
	clear(matmul);
	for (size_t j = 0; j < matmul->n; j += BLOCK_COLUMNS)
		for (size_t p = 0; p < matmul->k; p += BLOCK_DEPTH)
			multiply_ipj(matmul, j, least(BLOCK_COLUMNS, matmul->n - j), p,
				     least(p + BLOCK_DEPTH, matmul->k));
}

__attribute__((noinline)) static void matmul_ijp(const struct matmul *matmul)
{
	for (size_t i = 0; i < matmul->m; i++)
		for (size_t j = 0; j < matmul->n; j++) {
			const float *a = matmul->a.at + i * matmul->a.row_step;
			const float *b = matmul->b.at + j * matmul->b.column_step;
			float *c = &matmul->c[i * matmul->c_step + j];
			float sum = 0;
			for (size_t p = 0; p < matmul->k; p++)
				sum += a[p * matmul->a.column_step] * b[p * matmul->b.row_step];
			*c = sum + (matmul->accumulates ? *c : 0);
		}
}

static float *take_block(size_t n)
{
	float *block = aligned_alloc(LINE_BYTES, n * sizeof *block);
	if (!block)
		die("no memory for a block of %zu floats", n);
	return block;
}

struct matmul_room *matmul_room_new(struct crew *crew, enum matmul_order order)
{
	struct matmul_room *room = allocate(1, sizeof *room);
	unsigned n = crew_size(crew);
	room->crew = crew;
	room->order = order;
	room->tiling = choose_tiling();
	room->a_blocks = allocate(n, sizeof *room->a_blocks);
	room->b_blocks = allocate(n, sizeof *room->b_blocks);
	for (unsigned i = 0; i < n && order == MATMUL_PACKED; i++) {
		room->a_blocks[i] = take_block((size_t)ROWS * DEPTH);
		room->b_blocks[i] = take_block((size_t)COLUMNS * DEPTH);
	}
	return room;
}

void matmul_room_free(struct matmul_room *room)
{
	if (!room)
		return;
	for (unsigned i = 0; i < crew_size(room->crew); i++) {
		free(room->a_blocks[i]);
		free(room->b_blocks[i]);
	}
	free(room->a_blocks);
	free(room->b_blocks);
	free(room);
}

void tensor_matmul_share(struct matmul_room *room, unsigned share, const struct matmul *matmul)
{
	switch (room->order) {
	case MATMUL_PACKED:
		matmul_packed(room->tiling, room->a_blocks[share], room->b_blocks[share], matmul);
		break;
	case MATMUL_BLOCKED:
		matmul_blocked(matmul);
		break;
	case MATMUL_IPJ:
		matmul_ipj(matmul);
		break;
	case MATMUL_IJP:
		matmul_ijp(matmul);
		break;
	}
}

struct job {
	struct matmul_room *room;
	const struct matmul *matmul;
};

/* Whole tiles of the longer side of C, so that no thread's work ends in a ragged edge. */
static void matmul_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct job *job = opaque;
	const struct tiling *tiling = job->room->tiling;
	struct matmul part = *job->matmul;
	bool is_wide = part.n / tiling->columns >= part.m / tiling->rows;
	size_t width = is_wide ? tiling->columns : tiling->rows;
	size_t n = is_wide ? part.n : part.m, from, to;
	crew_part((n + width - 1) / width, share, n_shares, &from, &to);
	from = least(from * width, n);
	to = least(to * width, n);
	part.c += is_wide ? from : from * part.c_step;
	part.n = is_wide ? to - from : part.n;
	part.m = is_wide ? part.m : to - from;
	part.a = is_wide ? part.a : moved(part.a, from, 0);
	part.b = is_wide ? moved(part.b, 0, from) : part.b;
	if (to > from)
		tensor_matmul_share(job->room, share, &part);
}

void tensor_matmul_f32(struct matmul_room *room, const struct matmul *matmul)
{
	struct job job = { room, matmul };
	double flops = 2.0 * (double)matmul->m * (double)matmul->n * (double)matmul->k;
	if (crew_size(room->crew) > 1 && flops >= LEAST_FLOPS_TO_SHARE)
		crew_run(room->crew, matmul_job, &job);
	else
		tensor_matmul_share(room, 0, matmul);
}
