/*
 * The row's greatest is taken away first, or exp overflows from 89 on. Fused, a row is read three
 * times, twice from the cache.
 */
#include "kernels/softmax.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx512.h"
#include "kernels/support/rows_exponential.h"
#include "kernels/support/rows_neon.h"
#include "kernels/support/rows_softmax.h"

/* Maximum; difference; exponential; sum; quotient: 8 rows n elements move. */
static void softmax_unfused(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++)
		task->scratch[row * n] = rows_greatest(task->x + row * n, n);
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] = task->x[row * n + j] - task->scratch[row * n];
	for (size_t i = 0; i < task->rows * n; i++)
		task->y[i] = expf(task->y[i]);
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += task->y[row * n + j];
		task->scratch[row * n] = (float)sum;
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] /= task->scratch[row * n];
}

static void softmax_fused(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *y = task->y + row * n, most = rows_greatest(x, n);
		double sum = 0;
		for (size_t j = 0; j < n; j++) {
			y[j] = expf(x[j] - most);
			sum += y[j];
		}
		for (size_t j = 0; j < n; j++)
			y[j] = (float)(y[j] / sum);
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void softmax_avx2(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at;
		float *y = task->y + at, most = rows_greatest_avx2(x, n);
		rows_scale_avx2(y, n, 1 / rows_exponentials_avx2(y, x, n, most));
	}
}

__attribute__((target("avx512f"))) static void softmax_avx512(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at;
		float *y = task->y + at, most = rows_greatest_avx512(x, n);
		float sum = rows_exponentials_avx512(y, x, n, most, rows_next(task, at));
		rows_scale_avx512(y, n, 1 / sum);
	}
}

static void softmax_nontemporal(const struct rows_task *task)
{
	rows_softmax_nontemporal(&(struct rows_softmax){ task->rows, task->n, task->x, task->y,
							 task->scratch, NULL, NULL });
}
#elif defined(__aarch64__)
static void softmax_neon(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at;
		float *y = task->y + at, most = rows_greatest_neon(x, n);
		rows_scale_neon(y, n, 1 / rows_exponentials_neon(y, x, n, most));
	}
}
#endif

static double softmax_flops(size_t n)
{
	return 4.0 * (double)n * (double)n;
}

static double softmax_bytes(size_t n)
{
	return 8.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "unfused", "five passes over the matrix, as separate operations make them", NULL,
	  (void (*)(void))softmax_unfused },
	{ "fused", "row by row: all readings but the first are from the cache", NULL,
	  (void (*)(void))softmax_fused },
#if defined(__x86_64__)
	{ "fused-avx2", "eight exponentials at a time", cpu_has_avx2,
	  (void (*)(void))softmax_avx2 },
	{ "fused-avx512", "sixteen exponentials at a time", cpu_has_avx512,
	  (void (*)(void))softmax_avx512 },
	{ "nontemporal", "and stored past the caches: no line is fetched to be overwritten",
	  cpu_has_avx512, (void (*)(void))softmax_nontemporal },
#elif defined(__aarch64__)
	{ "fused-neon", "four exponentials at a time", NULL, (void (*)(void))softmax_neon },
#endif
	{ 0 },
};

rows_function *softmax_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (rows_function *)variant->function : NULL;
}

const struct kernel kernel_softmax = {
	.name = "softmax",
	.summary = "each row's exponentials divided by their sum, in five passes or one",
	.source = "Bridle (1990)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = softmax_flops,
	.bytes = softmax_bytes,
};
