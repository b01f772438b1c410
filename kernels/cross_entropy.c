/*
 * A row of logits is as long as the vocabulary. Fused, it is read twice, the second time from the
 * cache while it fits there, and its softmax becomes the gradient where it stands.
 */
#include "kernels/cross_entropy.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_exponential.h"
#include "kernels/support/rows_neon.h"
#include "kernels/support/rows_softmax.h"

struct cross_entropy_task cross_entropy_share(const struct cross_entropy_task *whole,
					      unsigned share, unsigned n_shares)
{
	struct cross_entropy_task part = *whole;
	size_t from = whole->rows * share / n_shares;
	part.rows = whole->rows * (share + 1) / n_shares - from;
	part.x += from * whole->n;
	part.targets += from;
	part.losses += from;
	part.gradient += from * whole->n;
	part.scratch = whole->scratch ? whole->scratch + from * whole->n : NULL;
	return part;
}

/* Maximum; difference; exponential; sum; quotient; and the loss by the logarithm of the sum, not of
 * the quotient, which may be 0. */
static void cross_entropy_unfused(const struct cross_entropy_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++)
		task->losses[row] = rows_greatest(task->x + row * n, n);
	for (size_t row = 0; row < task->rows; row++)
		for (size_t i = row * n; i < (row + 1) * n; i++)
			task->scratch[i] = task->x[i] - task->losses[row];
	for (size_t i = 0; i < task->rows * n; i++)
		task->gradient[i] = expf(task->scratch[i]);
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += task->gradient[row * n + j];
		task->losses[row] = (float)(log(sum) - task->scratch[row * n + task->targets[row]]);
		task->scratch[row * n] = (float)(1 / sum);
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t i = row * n; i < (row + 1) * n; i++)
			task->gradient[i] *= task->scratch[row * n];
	for (size_t row = 0; row < task->rows; row++)
		task->gradient[row * n + task->targets[row]] -= 1;
}

static void cross_entropy_fused(const struct cross_entropy_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *gradient = task->gradient + row * n, most = rows_greatest(x, n);
		double sum = 0;
		for (size_t j = 0; j < n; j++) {
			gradient[j] = expf(x[j] - most);
			sum += gradient[j];
		}
		task->losses[row] = (float)(log(sum) + most - x[task->targets[row]]);
		float factor = (float)(1 / sum);
		for (size_t j = 0; j < n; j++)
			gradient[j] *= factor;
		gradient[task->targets[row]] -= 1;
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void
cross_entropy_avx2(const struct cross_entropy_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *gradient = task->gradient + row * n, most = rows_greatest_avx2(x, n);
		float sum = rows_exponentials_avx2(gradient, x, n, most);
		task->losses[row] = logf(sum) + (most - x[task->targets[row]]);
		rows_scale_avx2(gradient, n, 1 / sum);
		gradient[task->targets[row]] -= 1;
	}
}

__attribute__((target("avx512f"))) static void
cross_entropy_avx512(const struct cross_entropy_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n, *next = row + 1 < task->rows ? x + n : x;
		float *gradient = task->gradient + row * n, most = rows_greatest_avx512(x, n);
		float sum = rows_exponentials_avx512(gradient, x, n, most, next);
		task->losses[row] = logf(sum) + (most - x[task->targets[row]]);
		rows_scale_avx512(gradient, n, 1 / sum);
		gradient[task->targets[row]] -= 1;
	}
}

static void cross_entropy_nontemporal(const struct cross_entropy_task *task)
{
	rows_softmax_nontemporal(&(struct rows_softmax){ task->rows, task->n, task->x,
							 task->gradient, task->scratch,
							 task->targets, task->losses });
}
#elif defined(__aarch64__)
static void cross_entropy_neon(const struct cross_entropy_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *gradient = task->gradient + row * n, most = rows_greatest_neon(x, n);
		float sum = rows_exponentials_neon(gradient, x, n, most);
		task->losses[row] = logf(sum) + (most - x[task->targets[row]]);
		rows_scale_neon(gradient, n, 1 / sum);
		gradient[task->targets[row]] -= 1;
	}
}
#endif

static double cross_entropy_flops(size_t n)
{
	return 4.0 * (double)n * (double)n + 4.0 * (double)n;
}

static double cross_entropy_bytes(size_t n)
{
	return 8.0 * (double)n * (double)n + 8.0 * (double)n;
}

static const struct variant variants[] = {
	{ "unfused", "five passes over the matrix, as separate operations make them", NULL,
	  (void (*)(void))cross_entropy_unfused },
	{ "fused", "row by row: all readings but the first are from the cache", NULL,
	  (void (*)(void))cross_entropy_fused },
#if defined(__x86_64__)
	{ "fused-avx2", "eight exponentials at a time", cpu_has_avx2,
	  (void (*)(void))cross_entropy_avx2 },
	{ "fused-avx512", "sixteen exponentials at a time", cpu_has_avx512,
	  (void (*)(void))cross_entropy_avx512 },
	{ "nontemporal", "and stored past the caches, three rows under way at once", cpu_has_avx512,
	  (void (*)(void))cross_entropy_nontemporal },
#elif defined(__aarch64__)
	{ "fused-neon", "four exponentials at a time", NULL, (void (*)(void))cross_entropy_neon },
#endif
	{ 0 },
};

cross_entropy_function *cross_entropy_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (cross_entropy_function *)variant->function : NULL;
}

const struct kernel kernel_cross_entropy = {
	.name = "cross_entropy",
	.summary = "the loss of each row of logits, and its gradient",
	.source = "Bridle (1990); Blanchard, Higham, Higham (2021)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = cross_entropy_flops,
	.bytes = cross_entropy_bytes,
};
