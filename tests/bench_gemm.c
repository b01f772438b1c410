/*
 * GFLOP/s of every matrix product beside the measured ceiling of its type, in one run: the probes
 * and the variants take turns, so that a clock that drifts drifts for both. Medians of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/fma_peak.h"
#include "kernels/gemm.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

extern const struct kernel kernel_gemm;

enum { ROUNDS = 5, MOST_VARIANTS = 16, PROBE_UNITS = 8000 /* 3 GFLOP: some 30 ms */ };

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof *values, by_value);
	return values[ROUNDS / 2];
}

/* The fastest width of a type: wider is not faster everywhere. */
static double ceiling_flops(const char *type)
{
	double best = 0;
	size_t place = 0;
	const char *name;
	fma_peak_function *peak;
	while ((peak = fma_peak_next(type, &place, &name))) {
		if (strstr(name, "scalar"))
			continue;
		double start = now_seconds();
		volatile double result = peak(PROBE_UNITS);
		(void)result;
		double rate = (double)FMA_PEAK_UNIT_FLOPS * PROBE_UNITS / (now_seconds() - start);
		best = rate > best ? rate : best;
	}
	return best;
}

static double rate_of(gemm_function *gemm, const struct gemm_task *task)
{
	double start = now_seconds();
	int n = 0;
	do { /* 30 ms at least, as the probe */
		gemm(task);
		n++;
	} while (now_seconds() - start < 0.03);
	return n * gemm_flops(task) / (now_seconds() - start);
}

/* The loops without packing take minutes where the packed ones take a second. */
static bool is_too_slow(const char *name, size_t n)
{
	return n > 512 && strncmp(name, "packed-", 7) != 0;
}

static void measure(size_t n)
{
	double ceiling[ROUNDS], rates[MOST_VARIANTS][ROUNDS];
	float *a = aligned_take(n * n * 4), *b = aligned_take(n * n * 4),
	      *c = aligned_take(n * n * 4);
	struct gemm_task task = gemm_task_plain(n, n, n, a, b, c);
	task.workspace = aligned_take(GEMM_WORKSPACE_BYTES);
	for (size_t i = 0; i < n * n; i++) {
		a[i] = (float)(i % 1021) / 1021 - 0.5f;
		b[i] = (float)(i % 1031) / 1031 - 0.5f;
	}
	memset(c, 0, n * n * 4);
	for (int round = 0; round < ROUNDS; round++) {
		ceiling[round] = ceiling_flops("f32");
		const struct variant *at = kernel_gemm.variants;
		for (int i = 0; at[i].name && i < MOST_VARIANTS; i++)
			if (gemm_variant(at[i].name) && !is_too_slow(at[i].name, n))
				rates[i][round] = rate_of(gemm_variant(at[i].name), &task);
	}
	double top = median(ceiling);
	printf("n = %-5zu f32 ceiling      %8.1f GFLOP/s\n", n, top * 1e-9);
	for (int i = 0; kernel_gemm.variants[i].name && i < MOST_VARIANTS; i++) {
		const char *name = kernel_gemm.variants[i].name;
		if (gemm_variant(name) && !is_too_slow(name, n)) {
			double rate = median(rates[i]);
			printf("          gemm %-14s %9.2f GFLOP/s %6.1f %%\n", name, rate * 1e-9,
			       100 * rate / top);
		}
	}
	free(a);
	free(b);
	free(c);
	free(task.workspace);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 256, 512, 1024, 2048 };
	for (int i = 1; i < argc; i++)
		measure((size_t)strtoul(argv[i], NULL, 10));
	for (size_t i = 0; argc < 2 && i < sizeof sizes / sizeof sizes[0]; i++)
		measure(sizes[i]);
	return 0;
}
