/*
 * Eight rows are read while the eight before them are scaled and stored and the eight behind are
 * fetched, a chunk of each in turn: memory is read and written at the same time. Mean and variance
 * are taken in one reading, by chunks, whose second reading is from L1.
 */
#include "kernels/support/rows_layernorm.h"

#include <math.h>

#include "kernels/support/rows_avx512.h"

#if defined(__x86_64__)
/*
 * Elements that rows take turns with, by measurement on Zen 4: 64 or 256 are a tenth slower. Weight
 * and bias of 4096 columns are all of L1, and from L2 they cost a sixth of the whole: so eight rows
 * are stored by pieces of 1024 columns, which meet the same 8 KiB of them.
 */
enum { CHUNK = 128, CHUNK_VECTORS = CHUNK / 16, PIECE_CHUNKS = 8, BLOCK_ROWS = 8 };

/* Of sixteen columns of a row: of each the mean, and the sum of squared differences from it. */
struct moments {
	__m512 means, squares;
	float n_each;
};

/* One more chunk, whose second reading is from L1. Chan, Golub, LeVeque (1979): two parts' squares
 * are those about their own means, and what their means are apart. */
__attribute__((target("avx512f"), always_inline)) static inline struct moments
moments_with(struct moments old, const float *x)
{
	const float n_new = old.n_each + CHUNK_VECTORS;
	__m512 sums[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
	__m512 squares[2] = { old.squares, _mm512_setzero_ps() };
#pragma GCC unroll 8
	for (int v = 0; v < CHUNK_VECTORS; v++)
		sums[v % 2] = _mm512_add_ps(sums[v % 2], _mm512_loadu_ps(x + (ptrdiff_t)16 * v));
	__m512 mean = _mm512_mul_ps(_mm512_add_ps(sums[0], sums[1]),
				    _mm512_set1_ps(1.0f / CHUNK_VECTORS));
#pragma GCC unroll 8
	for (int v = 0; v < CHUNK_VECTORS; v++) {
		__m512 away = _mm512_sub_ps(_mm512_loadu_ps(x + (ptrdiff_t)16 * v), mean);
		squares[v % 2] = _mm512_fmadd_ps(away, away, squares[v % 2]);
	}
	__m512 apart = _mm512_sub_ps(mean, old.means);
	__m512 step = _mm512_mul_ps(apart, _mm512_set1_ps(CHUNK_VECTORS / n_new));
	return (struct moments){ _mm512_add_ps(old.means, step),
				 _mm512_fmadd_ps(_mm512_mul_ps(step, apart),
						 _mm512_set1_ps(old.n_each),
						 _mm512_add_ps(squares[0], squares[1])),
				 n_new };
}

struct middle {
	float mean, squares; /* of n elements */
	size_t n;
};

static inline struct middle middle_of_both(struct middle a, struct middle b)
{
	float share = (float)b.n / (float)(a.n + b.n), apart = b.mean - a.mean;
	return (struct middle){ a.mean + apart * share,
				a.squares + b.squares + apart * apart * share * (float)a.n,
				a.n + b.n };
}

__attribute__((target("avx512f"), always_inline)) static inline struct middle
middle_of_lanes(struct moments lanes)
{
	float mean = _mm512_reduce_add_ps(lanes.means) / 16;
	__m512 apart = _mm512_sub_ps(lanes.means, _mm512_set1_ps(mean));
	__m512 squares = _mm512_fmadd_ps(_mm512_mul_ps(apart, apart), _mm512_set1_ps(lanes.n_each),
					 lanes.squares);
	return (struct middle){ mean, _mm512_reduce_add_ps(squares), (size_t)lanes.n_each * 16 };
}

/* The end of a row, less than a chunk. */
__attribute__((target("avx512f"), noinline)) static struct middle middle_of_rest(const float *x,
										 size_t n)
{
	__m512 sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
	for (size_t j = 0; j < n; j += 16)
		sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(rows_lanes(j, n), x + j));
	float mean = _mm512_reduce_add_ps(sum) / (float)n;
	for (size_t j = 0; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		__m512 value = _mm512_maskz_loadu_ps(lanes, x + j);
		value = _mm512_maskz_sub_ps(lanes, value, _mm512_set1_ps(mean));
		squares = _mm512_fmadd_ps(value, value, squares);
	}
	return (struct middle){ mean, _mm512_reduce_add_ps(squares), n };
}

struct scaling {
	__m512 mean, factor;
};

/* What rows of a block are scaled by. */
struct block {
	float means[BLOCK_ROWS], factors[BLOCK_ROWS];
};

/* Where the reading of a block is: its rows one after the other. */
struct reading {
	const float *x; /* the row */
	size_t row, chunk;
	struct moments moments; /* of the row so far */
};

__attribute__((target("avx512f"), always_inline)) static inline struct reading
start_of_row(const float *x, size_t row)
{
	return (struct reading){ x, row, 0, { _mm512_setzero_ps(), _mm512_setzero_ps(), 0 } };
}

/* One chunk more; with a row's last, what it is scaled by. */
__attribute__((target("avx512f"), always_inline)) static inline struct reading
read_on(struct reading at, size_t n, float epsilon, struct block *block, bool is_even)
{
	size_t j = at.chunk * CHUNK, n_rest = is_even ? 0 : n % CHUNK;
	if (is_even || n - j >= CHUNK)
		at.moments = moments_with(at.moments, at.x + j);
	at.chunk++;
	if (at.chunk * CHUNK < n)
		return at;
	struct middle middle = middle_of_lanes(at.moments);
	if (n_rest > 0) {
		struct middle rest = middle_of_rest(at.x + n - n_rest, n_rest);
		middle = middle.n ? middle_of_both(middle, rest) : rest;
	}
	block->means[at.row] = middle.mean;
	block->factors[at.row] = 1 / sqrtf(middle.squares / (float)n + epsilon);
	return start_of_row(at.x + n, at.row + 1);
}

/* Even: whole chunks, and y is aligned. */
enum { EVEN = 1, PAST_CACHES = 2 };

/* A part of a row, and the same part of the row that is fetched meanwhile. */
struct part {
	const float *x, *weight, *bias, *fetched;
	float *y;
};

/* Elements [j, end), at most sixteen. */
__attribute__((target("avx512f"), always_inline)) static inline void
scale_some(struct part part, size_t j, size_t end, struct scaling scaling)
{
	__mmask16 lanes = rows_lanes(j, end);
	__m512 value = _mm512_maskz_loadu_ps(lanes, part.x + j);
	__m512 weight = _mm512_maskz_loadu_ps(lanes, part.weight + j);
	__m512 bias = _mm512_maskz_loadu_ps(lanes, part.bias + j);
	value = _mm512_mul_ps(_mm512_sub_ps(value, scaling.mean), scaling.factor);
	_mm512_mask_storeu_ps(part.y + j, lanes, _mm512_fmadd_ps(value, weight, bias));
}

/* Whole vectors of [from, end), where y is aligned; returns where they end. */
__attribute__((target("avx512f"), always_inline)) static inline size_t
scale_whole(struct part part, size_t from, size_t end, struct scaling scaling, bool is_past_caches)
{
	size_t j = from;
#pragma GCC unroll 2
	for (; j + 16 <= end; j += 16) {
		__m512 value = _mm512_sub_ps(_mm512_loadu_ps(part.x + j), scaling.mean);
		value = _mm512_fmadd_ps(_mm512_mul_ps(value, scaling.factor),
					_mm512_loadu_ps(part.weight + j),
					_mm512_loadu_ps(part.bias + j));
		rows_fetch(part.fetched + j);
		rows_store_whole(part.y + j, value, is_past_caches);
	}
	return j;
}

/* Any y, any n. A masked store of nothing would still fetch the line. */
__attribute__((target("avx512f"), always_inline)) static inline void
scale_any(struct part part, size_t n, struct scaling scaling, bool is_past_caches)
{
	size_t head = rows_head(part.y, n);
	if (head > 0)
		scale_some(part, 0, head, scaling);
	size_t j = scale_whole(part, head, n, scaling, is_past_caches);
	if (j < n)
		scale_some(part, j, n, scaling);
}

/* A chunk of the row at `at` is scaled and stored. */
__attribute__((target("avx512f"), always_inline)) static inline void
store_chunk(struct rows_task task, size_t at, size_t j, const float *fetched,
	    struct scaling scaling, int how)
{
	size_t n = task.n - j < CHUNK ? task.n - j : CHUNK;
	struct part part = { task.x + at + j, task.weight + j, task.bias + j, fetched,
			     task.y + at + j };
	if (how & EVEN)
		scale_whole(part, 0, CHUNK, scaling, how & PAST_CACHES);
	else
		scale_any(part, n, scaling, how & PAST_CACHES);
}

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Eight rows from `first` on are read, the eight before them stored, the eight behind fetched. */
__attribute__((target("avx512f"), always_inline)) static inline void
turn(struct rows_task task, size_t first, struct block *block, int how)
{
	const struct block old = *block;
	size_t n = task.n, n_chunks = (n + CHUNK - 1) / CHUNK;
	size_t n_read = least(BLOCK_ROWS, task.rows > first ? task.rows - first : 0);
	size_t n_stored = first ? least(BLOCK_ROWS, task.rows + BLOCK_ROWS - first) : 0;
	size_t behind = first + 2 * (size_t)BLOCK_ROWS <= task.rows ? BLOCK_ROWS * n : 0;
	struct reading reading = start_of_row(task.x + first * n, 0);
	for (size_t piece = 0; piece < n_chunks; piece += PIECE_CHUNKS) {
		for (size_t row = 0; row < BLOCK_ROWS; row++) {
			size_t at = (first + row - BLOCK_ROWS) * n;
			struct scaling scaling = { _mm512_set1_ps(old.means[row]),
						   _mm512_set1_ps(old.factors[row]) };
			for (size_t c = piece; c < least(n_chunks, piece + PIECE_CHUNKS); c++) {
				const float *x = reading.x + reading.chunk * CHUNK;
				if (row < n_stored)
					store_chunk(task, at, c * CHUNK, x + behind, scaling, how);
				if (reading.row < n_read)
					reading = read_on(reading, n, task.epsilon, block,
							  how & EVEN);
			}
		}
	}
}

/* Memory is to be read and written at the same time, so a chunk is stored, then one is read. Each
 * way is compiled for itself, and the task is a copy, or sums and addresses would not stay in
 * registers: a tenth slower. */
__attribute__((target("avx512f"), always_inline)) static inline void all_rows(struct rows_task task,
									      int how)
{
	struct block block = { { 0 }, { 0 } };
	for (size_t first = 0; first < task.rows + BLOCK_ROWS; first += BLOCK_ROWS)
		turn(task, first, &block, how);
	if (how & PAST_CACHES)
		_mm_sfence();
}

__attribute__((target("avx512f"))) static void even_rows(const struct rows_task *task)
{
	all_rows(*task, EVEN);
}

__attribute__((target("avx512f"))) static void odd_rows(const struct rows_task *task)
{
	all_rows(*task, 0);
}

__attribute__((target("avx512f"))) static void even_rows_past(const struct rows_task *task)
{
	all_rows(*task, EVEN | PAST_CACHES);
}

__attribute__((target("avx512f"))) static void odd_rows_past(const struct rows_task *task)
{
	all_rows(*task, PAST_CACHES);
}

void rows_layernorm(const struct rows_task *task, bool is_past_caches)
{
	bool is_even = task->n % CHUNK == 0 && (uintptr_t)task->y % 64 == 0;
	if (is_past_caches)
		(is_even ? even_rows_past : odd_rows_past)(task);
	else
		(is_even ? even_rows : odd_rows)(task);
}
#endif
