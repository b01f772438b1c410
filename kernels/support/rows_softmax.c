/*
 * Row by row, memory would be read while exponentials are taken and written while they are scaled,
 * one after the other, and each alone is slower than both together. So three rows are under way: a
 * chunk of one is scaled and stored, then its place in `wait` takes the next row's exponentials,
 * then the greatest of the row behind is looked for and the one behind that is fetched.
 */
#include "kernels/support/rows_softmax.h"

#include <math.h>

#include "kernels/support/exponential.h"
#include "kernels/support/rows_avx512.h"

#if defined(__x86_64__)
/* Elements that rows take turns with, by measurement on Zen 4: 64 or 256 are a tenth slower. */
enum { ROWS_CHUNK = 128 };

struct way {
	__m512 factor;        /* of the row being stored */
	__m512 away, sums[2]; /* of the row whose exponentials are taken: its greatest */
	__m512 most[2];       /* of the row behind */
};

/* Meanwhile the row behind all is fetched. */
__attribute__((target("avx512f"), always_inline)) static inline size_t
store_whole(float *y, const float *wait, const float *fetched, size_t n, __m512 factor)
{
	size_t j = 0;
	for (; j + 16 <= n; j += 16) {
		rows_fetch(fetched + j);
		_mm512_stream_ps(y + j, _mm512_mul_ps(_mm512_loadu_ps(wait + j), factor));
	}
	return j;
}

/* Any y, any n. A masked store of nothing would still fetch the line. */
__attribute__((target("avx512f"), always_inline)) static inline void
store_any(float *y, const float *wait, const float *fetched, size_t n, __m512 factor)
{
	size_t head = rows_head(y, n);
	__mmask16 lanes = rows_lanes(0, head);
	if (head > 0)
		rows_store(y, _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, wait), factor), lanes,
			   false);
	size_t j = head + store_whole(y + head, wait + head, fetched + head, n - head, factor);
	lanes = rows_lanes(j, n);
	if (j < n)
		rows_store(y + j, _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, wait + j), factor),
			   lanes, false);
}

__attribute__((target("avx512f"), always_inline)) static inline void
take(float *wait, const float *x, size_t n, struct way *way)
{
	size_t j = 0;
#pragma GCC unroll 4
	for (; j + 32 <= n; j += 32) {
#pragma GCC unroll 2
		for (size_t s = 0; s < 2; s++) {
			__m512 value = _mm512_loadu_ps(x + j + 16 * s);
			value = exponential_sixteen(_mm512_sub_ps(value, way->away));
			_mm512_storeu_ps(wait + j + 16 * s, value);
			way->sums[s] = _mm512_add_ps(way->sums[s], value);
		}
	}
	for (; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		__m512 value = _mm512_maskz_loadu_ps(lanes, x + j);
		value = exponential_sixteen(_mm512_sub_ps(value, way->away));
		_mm512_mask_storeu_ps(wait + j, lanes, value);
		way->sums[0] = _mm512_mask_add_ps(way->sums[0], lanes, way->sums[0], value);
	}
}

__attribute__((target("avx512f"), always_inline)) static inline void look(const float *x, size_t n,
									  struct way *way)
{
	size_t j = 0;
#pragma GCC unroll 4
	for (; j + 32 <= n; j += 32) {
#pragma GCC unroll 2
		for (size_t s = 0; s < 2; s++) {
			way->most[s] = _mm512_max_ps(way->most[s], _mm512_loadu_ps(x + j + 16 * s));
		}
	}
	for (; j < n; j += 16) {
		__mmask16 lanes = rows_lanes(j, n);
		way->most[0] = _mm512_mask_max_ps(way->most[0], lanes, way->most[0],
						  _mm512_maskz_loadu_ps(lanes, x + j));
	}
}

/* A chunk of each row under way: `row` is looked at. */
__attribute__((target("avx512f"), always_inline)) static inline void
turn(struct rows_softmax task, size_t row, size_t j, size_t part, bool is_even, struct way *way)
{
	size_t n = task.n, rows = task.rows;
	const float *x = task.x + row * n + j, *fetched = row + 1 < rows ? x + n : x;
	float *y = task.y + (row - 2) * n + j;
	if (row >= 2 && is_even)
		store_whole(y, task.wait + j, fetched, part, way->factor);
	else if (row >= 2)
		store_any(y, task.wait + j, fetched, part, way->factor);
	if (row >= 1 && row <= rows)
		take(task.wait + j, x - n, part, way);
	if (row < rows)
		look(x, part, way);
}

/* Between rows: what was summed is divided by, what was looked for is taken away. */
__attribute__((target("avx512f"), always_inline)) static inline void
step(struct rows_softmax task, size_t row, struct way *way)
{
	float sum = _mm512_reduce_add_ps(_mm512_add_ps(way->sums[0], way->sums[1]));
	if (row > 0 && row <= task.rows && task.targets) {
		size_t target = task.targets[row - 1];
		float most = _mm512_cvtss_f32(way->away);
		task.losses[row - 1] = logf(sum) + (most - task.x[(row - 1) * task.n + target]);
		task.wait[target] -= sum;
	}
	way->factor = _mm512_set1_ps(1 / sum);
	way->away = _mm512_set1_ps(_mm512_reduce_max_ps(_mm512_max_ps(way->most[0], way->most[1])));
	way->sums[0] = way->sums[1] = _mm512_setzero_ps();
	way->most[0] = way->most[1] = _mm512_set1_ps(-INFINITY);
}

/* Even: whole chunks, and y is aligned. Compiled for itself, or its constants and sums would not
 * stay in registers, nor without a copy of the task: a tenth slower. So is a chunk whose loops are
 * not unrolled whole. */
__attribute__((target("avx512f"), always_inline)) static inline void
all_rows(struct rows_softmax task, bool is_even)
{
	size_t n = task.n;
	struct way way = { .sums = { _mm512_set1_ps(1), _mm512_setzero_ps() } };
	way.most[0] = way.most[1] = _mm512_set1_ps(-INFINITY);
	for (size_t row = 0; row < task.rows + 2; row++) {
		for (size_t j = 0; j < n; j += ROWS_CHUNK) {
			size_t part = is_even || n - j >= ROWS_CHUNK ? ROWS_CHUNK : n - j;
			turn(task, row, j, part, is_even, &way);
		}
		step(task, row, &way);
	}
	_mm_sfence();
}

__attribute__((target("avx512f"))) static void even_rows(const struct rows_softmax *task)
{
	all_rows(*task, true);
}

__attribute__((target("avx512f"))) static void odd_rows(const struct rows_softmax *task)
{
	all_rows(*task, false);
}

void rows_softmax_nontemporal(const struct rows_softmax *task)
{
	if (task->n % ROWS_CHUNK == 0 && (uintptr_t)task->y % 64 == 0)
		even_rows(task);
	else
		odd_rows(task);
}
#endif
