/*
 * GFLOP/s of every matrix product beside the measured ceiling of its type, in one run: the probes
 * and the variants take turns, so that a clock that drifts drifts for both. Medians of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fma_peak.h"
#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"
#include "kernels/gemm_int8.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemv_weights.h"
#include "tests/fixture_bench.h"

extern const struct kernel kernel_gemm, kernel_gemm_bf16, kernel_gemm_int8;

static const struct type {
	const char *name;
	const struct kernel *kernel;
	gemm_function *(*variant)(const char *name);
	size_t element_bytes;
} types[] = {
	{ "f32", &kernel_gemm, gemm_variant, 4 },
	{ "bf16", &kernel_gemm_bf16, gemm_bf16_variant, 2 },
	{ "int8", &kernel_gemm_int8, gemm_int8_variant, 1 },
};

enum { ROUNDS = 5, MOST_VARIANTS = 16, PROBE_UNITS = 8000 /* 3 GFLOP: some 30 ms */ };

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
		double start = bench_seconds();
		volatile double result = peak(PROBE_UNITS);
		(void)result;
		double rate = (double)FMA_PEAK_UNIT_FLOPS * PROBE_UNITS / (bench_seconds() - start);
		best = rate > best ? rate : best;
	}
	return best;
}

static double rate_of(gemm_function *gemm, const struct gemm_task *task)
{
	double start = bench_seconds();
	int n = 0;
	do { /* 30 ms at least, as the probe */
		gemm(task);
		n++;
	} while (bench_seconds() - start < 0.03);
	return n * gemm_flops(task) / (bench_seconds() - start);
}

/* The loops without packing take minutes where the packed ones take a second. */
static bool is_measured(const struct type *type, const char *name, size_t n)
{
	return type->variant(name) && (n <= 512 || strncmp(name, "packed-", 7) == 0);
}

/* Normal numbers of either sign; all bytes. */
static void fill(const struct type *type, void *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float value = (float)(i * 7919 % 1021) / 1021 - 0.5f;
		if (type->element_bytes == 4)
			((float *)to)[i] = value;
		else if (type->element_bytes == 2)
			((uint16_t *)to)[i] = bf16_from_f32(value);
		else
			((uint8_t *)to)[i] = (uint8_t)(i * 7919 % 251);
	}
}

static void print_rates(const struct type *type, size_t n, double *ceiling,
			double rates[MOST_VARIANTS][ROUNDS])
{
	double top = bench_median(ceiling, ROUNDS);
	printf("n = %-5zu %-5s ceiling        %8.1f GFLOP/s\n", n, type->name, top * 1e-9);
	for (int i = 0; type->kernel->variants[i].name && i < MOST_VARIANTS; i++) {
		const char *name = type->kernel->variants[i].name;
		if (!is_measured(type, name, n))
			continue;
		double rate = bench_median(rates[i], ROUNDS);
		printf("          %-5s %-14s %8.2f GFLOP/s %6.1f %%\n", type->name, name,
		       rate * 1e-9, 100 * rate / top);
	}
}

static void measure(const struct type *type, size_t n)
{
	double ceiling[ROUNDS], rates[MOST_VARIANTS][ROUNDS];
	const struct variant *at = type->kernel->variants;
	void *a = aligned_take(n * n * type->element_bytes);
	void *b = aligned_take(n * n * type->element_bytes), *c = aligned_take(n * n * 4);
	struct gemm_task task = gemm_task_plain(n, n, n, a, b, c);
	task.workspace = aligned_take(GEMM_WORKSPACE_BYTES);
	fill(type, a, n * n);
	fill(type, b, n * n);
	memset(c, 0, n * n * 4);
	for (int round = 0; round < ROUNDS; round++) {
		ceiling[round] = ceiling_flops(type->name);
		for (int i = 0; at[i].name && i < MOST_VARIANTS; i++)
			if (is_measured(type, at[i].name, n))
				rates[i][round] = rate_of(type->variant(at[i].name), &task);
	}
	print_rates(type, n, ceiling, rates);
	free(a);
	free(b);
	free(c);
	free(task.workspace);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 256, 1024, 2048 };
	for (size_t type = 0; type < sizeof types / sizeof types[0]; type++) {
		for (int i = 1; i < argc; i++)
			measure(&types[type], (size_t)strtoul(argv[i], NULL, 10));
		for (size_t i = 0; argc < 2 && i < sizeof sizes / sizeof sizes[0]; i++)
			measure(&types[type], sizes[i]);
	}
	return 0;
}
