/*
 * The values stream; x is looked up wherever a column says. Gathering is no faster than as many
 * loads: what vectors save is the rest. Short rows waste most of a vector.
 */
#include "kernels/spmv.h"

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx2.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static void spmv_one(const struct spmv_task *task, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		float sum = 0;
		for (uint32_t k = task->starts[i]; k < task->starts[i + 1]; k++)
			sum += task->values[k] * task->x[task->columns[k]];
		task->y[i] = sum;
	}
}

/* Four chains of additions instead of one. */
static void spmv_four(const struct spmv_task *task, size_t from, size_t to)
{
	const uint32_t *columns = task->columns;
	const float *values = task->values, *x = task->x;
	for (size_t i = from; i < to; i++) {
		uint32_t k = task->starts[i], end = task->starts[i + 1];
		float a = 0, b = 0, c = 0, d = 0;
		for (; end - k >= 4; k += 4) {
			a += values[k] * x[columns[k]];
			b += values[k + 1] * x[columns[k + 1]];
			c += values[k + 2] * x[columns[k + 2]];
			d += values[k + 3] * x[columns[k + 3]];
		}
		for (; k < end; k++)
			a += values[k] * x[columns[k]];
		task->y[i] = (a + b) + (c + d);
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void spmv_avx2(const struct spmv_task *task, size_t from,
							  size_t to)
{
	for (size_t i = from; i < to; i++) {
		uint32_t k = task->starts[i], end = task->starts[i + 1];
		__m256 sums = _mm256_setzero_ps();
		float rest = 0;
		for (; end - k >= 8; k += 8) {
			__m256i columns = _mm256_loadu_si256((const __m256i *)(task->columns + k));
			sums = _mm256_fmadd_ps(_mm256_loadu_ps(task->values + k),
					       _mm256_i32gather_ps(task->x, columns, 4), sums);
		}
		for (; k < end; k++)
			rest += task->values[k] * task->x[task->columns[k]];
		task->y[i] = rest + rows_total_avx2(sums);
	}
}

__attribute__((target("avx512f"))) static void spmv_avx512(const struct spmv_task *task,
							   size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		uint32_t k = task->starts[i], end = task->starts[i + 1];
		__m512 sums = _mm512_setzero_ps();
		for (; k < end; k += 16) {
			__mmask16 lanes = end - k < 16 ? (__mmask16)((1u << (end - k)) - 1)
						       : (__mmask16)0xffff;
			__m512i columns = _mm512_maskz_loadu_epi32(lanes, task->columns + k);
			__m512 x = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), lanes, columns,
							    task->x, 4);
			sums = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, task->values + k), x,
					       sums);
		}
		task->y[i] = _mm512_reduce_add_ps(sums);
	}
}
#endif

/* The first row whose values begin at or behind the share's part of all. */
size_t spmv_cut(const struct spmv_task *task, unsigned share, unsigned n_shares)
{
	size_t n_values = task->starts[task->m], low = 0, high = task->m;
	size_t wanted = n_values * share / n_shares;
	if (share == n_shares)
		return task->m;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (task->starts[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

double spmv_flops(const struct spmv_task *task)
{
	return 2.0 * (double)task->starts[task->m];
}

double spmv_bytes(const struct spmv_task *task)
{
	return 8.0 * (double)task->starts[task->m] + 8.0 * (double)task->m + 4 +
	       4.0 * (double)task->n;
}

/* n rows of 16 in a square. */
static double rows_flops(size_t n)
{
	return 32.0 * (double)n;
}

static double rows_bytes(size_t n)
{
	return (128.0 + 12) * (double)n + 4;
}

static const struct variant variants[] = {
	{ "one", "one sum a row", NULL, (void (*)(void))spmv_one },
	{ "four", "four sums a row", NULL, (void (*)(void))spmv_four },
#if defined(__x86_64__)
	{ "avx2", "eight values, eight places of x gathered", cpu_has_avx2,
	  (void (*)(void))spmv_avx2 },
	{ "avx512", "sixteen values, sixteen places of x gathered", cpu_has_avx512,
	  (void (*)(void))spmv_avx512 },
#endif
	{ 0 },
};

spmv_function *spmv_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (spmv_function *)variant->function : NULL;
}

const struct kernel kernel_spmv = {
	.name = "spmv",
	.summary = "y = A x of a sparse A: values stream, x is looked up",
	.source = "Saad, Iterative Methods for Sparse Linear Systems (2003)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = rows_flops,
	.bytes = rows_bytes,
};
