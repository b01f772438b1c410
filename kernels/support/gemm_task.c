/* Shares are cut between tiles: half a tile costs as much as a whole one. */
#include "kernels/support/gemm_task.h"

#include <string.h>

/* Columns: the widest tile. Rows: the least common multiple of the f32 tiles' 14 and 6. */
enum { COLUMN_STEP = 32, ROW_STEP = 42, C_BYTES = 4 };

struct gemm_task gemm_task_plain(size_t m, size_t n, size_t k, const void *a, const void *b,
				 void *c)
{
	return (struct gemm_task){
		.m = m,
		.n = n,
		.k = k,
		.a = a,
		.a_row = k,
		.a_column = 1,
		.b = b,
		.b_row = n,
		.b_column = 1,
		.c = c,
		.c_row = n,
	};
}

static size_t cut(size_t n, size_t step, unsigned share, unsigned n_shares)
{
	size_t n_steps = (n + step - 1) / step, at = n_steps * share / n_shares * step;
	return at < n ? at : n;
}

struct gemm_task gemm_task_share(const struct gemm_task *whole, size_t element_bytes,
				 unsigned share, unsigned n_shares)
{
	struct gemm_task part = *whole;
	part.workspace = NULL;
	if (whole->n >= whole->m) {
		size_t from = cut(whole->n, COLUMN_STEP, share, n_shares);
		part.n = cut(whole->n, COLUMN_STEP, share + 1, n_shares) - from;
		part.b = (const char *)whole->b + from * whole->b_column * element_bytes;
		part.c = (char *)whole->c + from * C_BYTES;
	} else {
		size_t from = cut(whole->m, ROW_STEP, share, n_shares);
		part.m = cut(whole->m, ROW_STEP, share + 1, n_shares) - from;
		part.a = (const char *)whole->a + from * whole->a_row * element_bytes;
		part.c = (char *)whole->c + from * whole->c_row * C_BYTES;
	}
	return part;
}

void gemm_task_clear(const struct gemm_task *task)
{
	if (task->is_adding)
		return;
	for (size_t i = 0; i < task->m; i++)
		memset((char *)task->c + i * task->c_row * C_BYTES, 0, task->n * C_BYTES);
}

static size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

void gemm_task_blocked(const struct gemm_task *whole, size_t depth, size_t columns,
		       size_t element_bytes, gemm_function *add)
{
	gemm_task_clear(whole);
	for (size_t j = 0; j < whole->n; j += columns) {
		for (size_t p = 0; p < whole->k; p += depth) {
			struct gemm_task part = *whole;
			size_t in_b = p * whole->b_row + j * whole->b_column;
			part.n = at_most(whole->n - j, columns);
			part.k = at_most(whole->k - p, depth);
			part.a = (const char *)whole->a + p * whole->a_column * element_bytes;
			part.b = (const char *)whole->b + in_b * element_bytes;
			part.c = (char *)whole->c + j * C_BYTES;
			add(&part);
		}
	}
}

double gemm_flops(const struct gemm_task *task)
{
	return 2.0 * (double)task->m * (double)task->n * (double)task->k;
}

double gemm_bytes(const struct gemm_task *task, size_t element_bytes)
{
	double m = (double)task->m, n = (double)task->n, k = (double)task->k;
	return (double)element_bytes * (m * k + k * n) +
	       C_BYTES * m * n * (task->is_adding ? 2 : 1);
}
