/*
 * Softmax, RMSNorm and LayerNorm of a matrix no cache holds, beside the machine's measured speed of
 * copying it past the caches, in one run: copies and variants take turns. Medians of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"
#include "kernels/softmax.h"
#include "kernels/stream.h"
#include "kernels/support/dispatch.h"
#include "tests/fixture_bench.h"

extern const struct kernel kernel_softmax, kernel_rmsnorm, kernel_layernorm;

enum { ROUNDS = 5, MOST_VARIANTS = 8, ROWS = 32768, COLUMNS = 4096 /* 512 MiB */ };

static const struct {
	const struct kernel *kernel;
	rows_function *(*variant)(const char *name);
} kinds[] = {
	{ &kernel_softmax, softmax_variant },
	{ &kernel_rmsnorm, rmsnorm_variant },
	{ &kernel_layernorm, layernorm_variant },
};

static double copy_seconds(const struct rows_task *task)
{
	stream_function *copy = stream_variant("nontemporal");
	double start = bench_seconds();
	(copy ? copy : stream_variant("scalar"))(STREAM_COPY, (double *)(void *)task->y,
						 (const double *)(const void *)task->x, NULL, 0,
						 task->rows * task->n / 2);
	return bench_seconds() - start;
}

static void measure(size_t kind, const struct rows_task *task)
{
	const struct variant *at = kinds[kind].kernel->variants;
	double copy[ROUNDS], seconds[MOST_VARIANTS][ROUNDS], unfused = 0;
	for (int round = 0; round < ROUNDS; round++) {
		copy[round] = copy_seconds(task);
		for (int i = 0; at[i].name && i < MOST_VARIANTS; i++) {
			rows_function *function = kinds[kind].variant(at[i].name);
			double start = bench_seconds();
			if (function)
				function(task);
			seconds[i][round] = bench_seconds() - start;
		}
	}
	double bytes = 8.0 * (double)task->rows * (double)task->n,
	       ceiling = bench_median(copy, ROUNDS);
	for (int i = 0; at[i].name && i < MOST_VARIANTS; i++) {
		double taken = bench_median(seconds[i], ROUNDS);
		unfused = i == 0 ? taken : unfused;
		if (kinds[kind].variant(at[i].name))
			printf("%-10s %-14s %6.1f GB/s %6.1f %% of copy %5.1f, %5.2f x unfused\n",
			       kinds[kind].kernel->name, at[i].name, bytes / taken * 1e-9,
			       100 * ceiling / taken, bytes / ceiling * 1e-9, unfused / taken);
	}
}

int main(void)
{
	size_t n = (size_t)ROWS * COLUMNS;
	float *x = aligned_take(n * 4), *y = aligned_take(n * 4), *scratch = aligned_take(n * 4);
	float weight[COLUMNS], bias[COLUMNS];
	if (!x || !y || !scratch)
		return 1;
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(i * 7919 % 10007) / 1000 - 5;
	for (size_t j = 0; j < COLUMNS; j++) {
		weight[j] = 1 + (float)j / COLUMNS;
		bias[j] = (float)j / COLUMNS;
	}
	memset(y, 0, n * 4);
	memset(scratch, 0, n * 4);
	struct rows_task task = { ROWS, COLUMNS, x, y, weight, bias, 1e-5f, scratch };
	for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
		measure(kind, &task);
	free(x);
	free(y);
	free(scratch);
	return 0;
}
