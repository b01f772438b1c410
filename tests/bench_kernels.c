/*
 * Every kernel that has no bench of its own beside the ceiling that binds it, measured in the same
 * minute: ceiling and variants take turns. Medians of the rounds, one thread.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/attention.h"
#include "kernels/gemm.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

extern const struct kernel kernel_attention;

enum { ROUNDS = 5, MOST_VARIANTS = 12 };

/* A case: its variants one by one, and what they are measured against. */
struct bench {
	const struct kernel *kernel;
	const char *what;    /* sizes */
	const char *ceiling; /* "gemm", "copy past the caches" */
	const char *unit;
	double work;                                   /* of one run, in units * 1e9 */
	double (*ceiling_rate)(void *state);           /* in units * 1e9 a second */
	bool (*run)(void *state, const char *variant); /* false = not here */
	void *state;
};

/* Of this thread on a CPU: what others run on a shared machine does not count. */
static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
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

/* Runs a second, 10 ms of them at least; 0 = not here. */
static double rate_of(const struct bench *bench, const char *variant)
{
	double start = now_seconds();
	int n = 0;
	do {
		if (!bench->run(bench->state, variant))
			return 0;
		n++;
	} while (now_seconds() - start < 0.01);
	return n / (now_seconds() - start);
}

static void measure(const struct bench *bench)
{
	const struct variant *at = bench->kernel->variants;
	double ceiling[ROUNDS], rates[MOST_VARIANTS][ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		ceiling[round] = bench->ceiling_rate(bench->state);
		for (int i = 0; at[i].name && i < MOST_VARIANTS; i++)
			rates[i][round] = rate_of(bench, at[i].name);
	}
	double top = median(ceiling);
	printf("%s %s: %s %.1f %s\n", bench->kernel->name, bench->what, bench->ceiling, top,
	       bench->unit);
	for (int i = 0; at[i].name && i < MOST_VARIANTS; i++) {
		double rate = median(rates[i]) * bench->work;
		if (rate > 0)
			printf("  %-14s %8.2f %s %6.1f %%\n", at[i].name, rate, bench->unit,
			       100 * rate / top);
	}
}

static float *random_floats(size_t n)
{
	float *x = aligned_take(n * sizeof *x);
	if (!x)
		exit(1);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(i * 7919 % 10007) / 5000 - 1;
	return x;
}

/* What the packed product reaches at the size its own target is stated for. */
static double gemm_rate(void *opaque)
{
	enum { N = 1024 };
	static struct gemm_task task;
	(void)opaque;
	if (!task.workspace) {
		task = gemm_task_plain(N, N, N, random_floats((size_t)N * N),
				       random_floats((size_t)N * N), random_floats((size_t)N * N));
		task.workspace = aligned_take(GEMM_WORKSPACE_BYTES);
	}
	double start = now_seconds();
	gemm_variant("auto")(&task);
	return gemm_flops(&task) / (now_seconds() - start) * 1e-9;
}

static bool run_attention(void *opaque, const char *variant)
{
	attention_function *function = attention_variant(variant);
	if (function)
		function(opaque, 0, 1);
	return function != NULL;
}

static void measure_attention(bool is_causal)
{
	enum { TOKENS = 2048, N = 64 };
	struct attention_task task = { .n_tokens = TOKENS, .n = N, .is_causal = is_causal };
	float *memory = random_floats((size_t)4 * TOKENS * N);
	task.q = memory;
	task.k = memory + (size_t)TOKENS * N;
	task.v = memory + (size_t)2 * TOKENS * N;
	task.y = memory + (size_t)3 * TOKENS * N;
	task.workspace = random_floats(attention_workspace_bytes("naive", TOKENS, N, 1) / 4);
	measure(&(struct bench){ &kernel_attention, is_causal ? "2048 x 64 causal" : "2048 x 64",
				 "gemm", "GFLOP/s", attention_flops(&task) * 1e-9, gemm_rate,
				 run_attention, &task });
	free(memory);
	free(task.workspace);
}

int main(void)
{
	measure_attention(true);
	measure_attention(false);
	return 0;
}
