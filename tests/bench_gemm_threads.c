/*
 * f32 products of 1024, 2048 and 4096 with one thread and two, beside the multiply-add units'
 * ceiling of as many threads and OpenBLAS, if it is here, all three in turns. One thread is
 * measured in CPU time, two by the clock on the wall: what others run on the machine slows them.
 * OpenBLAS does not know every CPU, so it is given the kernels it does best with here.
 *
 * Usage: bench_gemm_threads [N...]
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernels/fma_peak.h"
#include "kernels/gemm.h"
#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "tests/fixture_bench.h"
#include "workloads/support/crew.h"

enum { ROUNDS = 7, MOST_THREADS = 2, PROBE_UNITS = 8000 /* 3 GFLOP: some 30 ms */ };

/* As cblas.h has it: row-major, no transposition. */
typedef void sgemm_function(int order, int transpose_a, int transpose_b, int m, int n, int k,
			    float alpha, const float *a, int a_row, const float *b, int b_row,
			    float beta, float *c, int c_row);
enum { ROW_MAJOR = 101, AS_IT_IS = 111 };

static struct {
	sgemm_function *multiply; /* NULL: not here */
	void (*set_threads)(int n);
	const char *(*name)(void);
} blas;

static void find_blas(void)
{
	void *library = dlopen("libopenblas.so.0", RTLD_NOW);
	if (!library)
		return;
	*(void **)&blas.multiply = dlsym(library, "cblas_sgemm");
	*(void **)&blas.set_threads = dlsym(library, "openblas_set_num_threads");
	*(void **)&blas.name = dlsym(library, "openblas_get_corename");
	if (!blas.set_threads || !blas.name)
		blas.multiply = NULL;
}

struct bench {
	struct gemm_task task;
	struct crew *crew;
	unsigned n_threads;
	void *workspaces[MOST_THREADS];
};

/* Their threads wait for more work in a loop for some 25 ms. */
static void rest(void)
{
	nanosleep(&(struct timespec){ 0, 60000000 }, NULL);
}

static double seconds_of(const struct bench *bench)
{
	struct timespec now;
	clock_gettime(bench->n_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void peak_share(void *opaque, unsigned share, unsigned n_shares)
{
	fma_peak_function *peak = *(fma_peak_function **)opaque;
	(void)share, (void)n_shares;
	volatile double result = peak(PROBE_UNITS);
	(void)result;
}

/* The fastest width: wider is not faster everywhere. */
static double ceiling_flops(const struct bench *bench)
{
	double best = 0;
	size_t place = 0;
	const char *name;
	fma_peak_function *peak;
	while ((peak = fma_peak_next("f32", &place, &name))) {
		double start = seconds_of(bench);
		crew_run(bench->crew, peak_share, &peak);
		double rate = (double)FMA_PEAK_UNIT_FLOPS * PROBE_UNITS * bench->n_threads /
			      (seconds_of(bench) - start);
		best = rate > best ? rate : best;
	}
	return best;
}

static void multiply_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct bench *bench = opaque;
	struct gemm_task part = gemm_task_share(&bench->task, sizeof(float), share, n_shares);
	part.workspace = bench->workspaces[share];
	gemm_variant("auto")(&part);
}

static void multiply_once(struct bench *bench, bool is_ours)
{
	const struct gemm_task *task = &bench->task;
	int n = (int)task->n;
	if (is_ours)
		crew_run(bench->crew, multiply_share, bench);
	else
		blas.multiply(ROW_MAJOR, AS_IT_IS, AS_IT_IS, n, n, n, 1, task->a, n, task->b, n, 0,
			      task->c, n);
}

static double rate_of(struct bench *bench, bool is_ours)
{
	const double least_seconds = 0.1;
	multiply_once(bench, is_ours); /* wakes the threads */
	double start = seconds_of(bench);
	int n = 0;
	do {
		multiply_once(bench, is_ours);
		n++;
	} while (seconds_of(bench) - start < least_seconds);
	double rate = n * gemm_flops(&bench->task) / (seconds_of(bench) - start);
	if (!is_ours && bench->n_threads > 1)
		rest();
	return rate;
}

static void print_line(const struct bench *bench, double rates[3][ROUNDS])
{
	double shares[ROUNDS], ratios[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		shares[round] = rates[1][round] / rates[0][round];
		ratios[round] = blas.multiply ? rates[1][round] / rates[2][round] : 0;
	}
	double ratio = bench_median(ratios, ROUNDS); /* sorts them */
	printf("n = %-5zu %u thread%s ceiling %6.1f GFLOP/s, stoke %6.1f: %5.1f %%", bench->task.n,
	       bench->n_threads, bench->n_threads > 1 ? "s" : " ",
	       bench_median(rates[0], ROUNDS) * 1e-9, bench_median(rates[1], ROUNDS) * 1e-9,
	       100 * bench_median(shares, ROUNDS));
	if (blas.multiply)
		printf("; OpenBLAS %6.1f: %.3f times as fast, %.3f to %.3f",
		       bench_median(rates[2], ROUNDS) * 1e-9, ratio, ratios[0], ratios[ROUNDS - 1]);
	printf("\n");
}

static struct bench bench_make(size_t n, unsigned n_threads)
{
	struct bench bench = { .n_threads = n_threads, .crew = crew_new(n_threads, "bench") };
	float *arrays[3];
	for (int array = 0; array < 3; array++) {
		arrays[array] = aligned_take(n * n * sizeof(float));
		if (!arrays[array])
			die("no memory for products of %zu", n);
		for (size_t i = 0; i < n * n; i++)
			arrays[array][i] = (float)(i * 7919 % 1021) / 1021 - 0.5f;
	}
	bench.task = gemm_task_plain(n, n, n, arrays[0], arrays[1], arrays[2]);
	for (unsigned i = 0; i < n_threads; i++)
		bench.workspaces[i] = aligned_take(GEMM_WORKSPACE_BYTES);
	if (blas.multiply)
		blas.set_threads((int)n_threads);
	return bench;
}

static void bench_free(struct bench *bench)
{
	free((void *)bench->task.a);
	free((void *)bench->task.b);
	free(bench->task.c);
	for (unsigned i = 0; i < bench->n_threads; i++)
		free(bench->workspaces[i]);
	crew_free(bench->crew);
}

static void measure(size_t n, unsigned n_threads)
{
	struct bench bench = bench_make(n, n_threads);
	double rates[3][ROUNDS] = { { 0 } };
	for (int round = 0; round < ROUNDS; round++) {
		rates[0][round] = ceiling_flops(&bench);
		for (int turn = 0; turn < 2; turn++) { /* who is first changes */
			bool is_ours = (turn + round) % 2 == 0;
			if (is_ours || blas.multiply)
				rates[is_ours ? 1 : 2][round] = rate_of(&bench, is_ours);
		}
	}
	print_line(&bench, rates);
	bench_free(&bench);
}

/* "": what it finds out by itself. */
static void find_blas_with(const char *core)
{
	if (core[0])
		setenv("OPENBLAS_CORETYPE", core, 1);
	else
		unsetenv("OPENBLAS_CORETYPE");
	find_blas();
}

/* In a child: the library reads its environment once. 0 = it is not here. */
static double rate_with(const char *core)
{
	int ends[2];
	double rate = 0;
	if (pipe(ends) != 0)
		die("no pipe");
	pid_t pid = fork();
	if (pid == 0) {
		find_blas_with(core);
		struct bench bench = bench_make(1024, 1);
		for (int turn = 0; blas.multiply && turn < 3; turn++) {
			double at = rate_of(&bench, false);
			rate = at > rate ? at : rate;
		}
		_exit(write(ends[1], &rate, sizeof rate) != sizeof rate);
	}
	close(ends[1]);
	if (read(ends[0], &rate, sizeof rate) != sizeof rate)
		rate = 0;
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return rate;
}

/* Its own choice, unless another is clearly better. */
static void find_best_blas(void)
{
	static const char *const cores[] = { "", "SkylakeX", "Cooperlake", "Zen", "Haswell" };
	const double clearly = 1.02;
	double best = 0;
	const char *core = "";
	for (size_t i = 0; i < sizeof cores / sizeof cores[0]; i++) {
		double rate = rate_with(cores[i]);
		if (rate <= clearly * best)
			continue;
		best = rate;
		core = cores[i];
	}
	find_blas_with(core);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = { 1024, 2048, 4096 };
	find_best_blas();
	printf("%s%s\n", blas.multiply ? "OpenBLAS's kernels: " : "SKIP OpenBLAS is not here; ",
	       blas.multiply ? blas.name() : "apt-get install libopenblas0-pthread");
	for (unsigned n_threads = 1; n_threads <= MOST_THREADS; n_threads++) {
		for (int i = 1; i < argc; i++)
			measure((size_t)strtoul(argv[i], NULL, 10), n_threads);
		for (size_t i = 0; argc < 2 && i < sizeof sizes / sizeof sizes[0]; i++)
			measure(sizes[i], n_threads);
	}
	return 0;
}
