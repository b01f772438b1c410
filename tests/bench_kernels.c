/*
 * Every kernel that has no bench of its own beside the ceiling that binds it, measured in the same
 * minute: ceiling and variants take turns. Medians of the rounds, one thread.
 * Usage: bench_kernels [KERNEL]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/attention.h"
#include "kernels/branches.h"
#include "kernels/ceiling.h"
#include "kernels/cross_entropy.h"
#include "kernels/gemm.h"
#include "kernels/hadamard.h"
#include "kernels/histogram.h"
#include "kernels/kernel.h"
#include "kernels/page_touch.h"
#include "kernels/reduction.h"
#include "kernels/rope.h"
#include "kernels/scan.h"
#include "kernels/sharing.h"
#include "kernels/spmv.h"
#include "kernels/support/dispatch.h"
#include "kernels/swiglu.h"
#include "kernels/transpose.h"
#include "tests/fixture_bench.h"
#include "workloads/support/crew.h"

extern const struct kernel kernel_attention, kernel_branches, kernel_cross_entropy, kernel_hadamard,
	kernel_histogram, kernel_page_touch, kernel_reduction, kernel_rope, kernel_scan,
	kernel_sharing, kernel_spmv, kernel_swiglu, kernel_transpose;

/* Arrays of 128 MiB: several times a usual cache of 32 MiB. What is slow runs only once. */
enum { LEAST_RUNS_A_SECOND = 5 };
enum { ROUNDS = 5, MOST_VARIANTS = 12, BYTES = 128 << 20, FLOATS = BYTES / 4 };

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

/* Runs a second, 10 ms of them at least; 0 = not here. */
static double rate_of(const struct bench *bench, const char *variant)
{
	double start = bench_seconds();
	int n = 0;
	do {
		if (!bench->run(bench->state, variant))
			return 0;
		n++;
	} while (bench_seconds() - start < 0.01);
	return n / (bench_seconds() - start);
}

static const char *wanted; /* only this kernel; NULL = all */

static void measure(const struct bench *bench)
{
	const struct variant *at = bench->kernel->variants;
	double ceiling[ROUNDS], rates[MOST_VARIANTS][ROUNDS];
	if (wanted && strcmp(wanted, bench->kernel->name) != 0)
		return;
	for (int round = 0; round < ROUNDS; round++) {
		ceiling[round] = bench->ceiling_rate(bench->state);
		for (int i = 0; at[i].name && i < MOST_VARIANTS; i++) {
			bool is_slow = round > 0 && rates[i][0] < LEAST_RUNS_A_SECOND;
			rates[i][round] = is_slow ? rates[i][0] : rate_of(bench, at[i].name);
		}
	}
	double top = bench_median(ceiling, ROUNDS);
	printf("%s %s: %s %.1f %s\n", bench->kernel->name, bench->what, bench->ceiling, top,
	       bench->unit);
	for (int i = 0; at[i].name && i < MOST_VARIANTS; i++) {
		double rate = bench_median(rates[i], ROUNDS) * bench->work;
		if (rate > 0)
			printf("  %-14s %8.2f %s %6.1f %%\n", at[i].name, rate, bench->unit,
			       100 * rate / top);
	}
}

static void *take(size_t bytes)
{
	char *memory = aligned_take(bytes);
	if (!memory)
		exit(1);
	memset(memory, 0, bytes);
	return memory;
}

static float *random_floats(size_t n)
{
	float *x = take(n * sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(i * 7919 % 10007) / 5000 - 1;
	return x;
}

/* ---- ceilings */

/* What the packed product reaches at the size its own target is stated for. */
static double gemm_rate(void *opaque)
{
	enum { N = 1024 };
	static struct gemm_task task;
	(void)opaque;
	if (!task.workspace) {
		task = gemm_task_plain(N, N, N, random_floats((size_t)N * N),
				       random_floats((size_t)N * N), random_floats((size_t)N * N));
		task.workspace = take(GEMM_WORKSPACE_BYTES);
	}
	double start = bench_seconds();
	gemm_variant("auto")(&task);
	return gemm_flops(&task) / (bench_seconds() - start) * 1e-9;
}

/* Loops over two arrays that no cache holds; bytes as the program asks for them. */
static double stream_rate(const char *name, const char *other, unsigned n_moved)
{
	static char *a, *b;
	const struct ceiling_stream *stream = ceiling_stream_find(name);
	a = a ? a : take(BYTES);
	b = b ? b : take(BYTES);
	stream = stream ? stream : ceiling_stream_find(other);
	double start = bench_seconds();
	stream->run(a, b, b, BYTES);
	return n_moved * (double)BYTES / (bench_seconds() - start) * 1e-9;
}

static double copy_rate(void *opaque)
{
	(void)opaque;
	return stream_rate("copy-nt", "copy", 2);
}

static double read_rate(void *opaque)
{
	(void)opaque;
	return stream_rate("read", "read", 1);
}

static double write_rate(void *opaque)
{
	(void)opaque;
	return stream_rate("write-nt", "write", 1);
}

/* ---- cases */

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
	task.workspace = take(attention_workspace_bytes("naive", TOKENS, N, 1));
	measure(&(struct bench){ &kernel_attention, is_causal ? "2048 x 64 causal" : "2048 x 64",
				 "product of 1024", "GFLOP/s", attention_flops(&task) * 1e-9,
				 gemm_rate, run_attention, &task });
	free(memory);
	free(task.workspace);
}

static bool run_rope(void *opaque, const char *variant)
{
	const struct rope_task *task = opaque;
	rope_function *function = rope_variant(variant);
	if (function)
		function(task, 0, task->n_tokens);
	return function != NULL;
}

static bool run_swiglu(void *opaque, const char *variant)
{
	swiglu_function *function = swiglu_variant(variant);
	if (function)
		function(opaque);
	return function != NULL;
}

static bool run_cross_entropy(void *opaque, const char *variant)
{
	cross_entropy_function *function = cross_entropy_variant(variant);
	if (function)
		function(opaque);
	return function != NULL;
}

static void measure_decoder(float *x, float *y, float *z)
{
	enum { HEADS = 32, HALF = 64, TOKENS = FLOATS / HEADS / HALF / 2, VOCABULARY = 32000 };
	struct rope_task rope = { TOKENS, HEADS, HALF, 0, 10000, x, y, z, z };
	struct swiglu_task swiglu = { FLOATS, x, y, z, take(BYTES) };
	struct cross_entropy_task loss = { .rows = FLOATS / VOCABULARY, .n = VOCABULARY };
	loss.x = x;
	loss.gradient = y;
	loss.scratch = z;
	loss.targets = take(loss.rows * 4);
	loss.losses = take(loss.rows * 4);
	measure(&(struct bench){ &kernel_rope, "32 heads of 128, 256 MiB", "copy past the caches",
				 "GB/s", rope_bytes(&rope) * 1e-9, copy_rate, run_rope, &rope });
	measure(&(struct bench){ &kernel_swiglu, "384 MiB", "copy past the caches", "GB/s",
				 kernel_swiglu.bytes(FLOATS) * 1e-9, copy_rate, run_swiglu,
				 &swiglu });
	measure(&(struct bench){
		&kernel_cross_entropy, "rows of 32000, 256 MiB", "copy past the caches", "GB/s",
		8.0 * (double)loss.rows * VOCABULARY * 1e-9, copy_rate, run_cross_entropy, &loss });
	free(swiglu.scratch);
	free((void *)loss.targets);
	free(loss.losses);
}

static bool run_transpose(void *opaque, const char *variant)
{
	transpose_function *function = transpose_variant(variant);
	if (function)
		function(opaque);
	return function != NULL;
}

static bool run_hadamard(void *opaque, const char *variant)
{
	hadamard_function *function = hadamard_variant(variant);
	if (strcmp(variant, "definition") == 0)
		return false; /* 137 thousand million additions */
	if (function)
		function(opaque);
	return function != NULL;
}

/* Sums over an array: x as numbers of either kind. */
struct array {
	float *x, *y;
	int32_t *whole;
	size_t n;
};

static bool run_scan(void *opaque, const char *variant)
{
	const struct array *array = opaque;
	scan_function *function = scan_variant(variant);
	if (function)
		function(array->x, array->y, array->n, 0);
	return function != NULL;
}

static bool run_reduction(void *opaque, const char *variant)
{
	const struct array *array = opaque;
	reduction_function *function = reduction_variant(variant);
	volatile float sum = function ? function(array->x, array->n) : 0;
	(void)sum;
	return function != NULL;
}

static bool run_branches(void *opaque, const char *variant)
{
	const struct array *array = opaque;
	branches_function *function = branches_variant(variant);
	volatile struct branches_sum sum;
	if (function)
		sum = function(array->whole, array->n, INT32_MAX / 2);
	(void)sum;
	return function != NULL;
}

/* Shuffled as good as any, or in order. */
static void measure_branches(struct array *array, bool is_sorted)
{
	for (size_t i = 0; i < array->n; i++) {
		uint32_t scattered = (uint32_t)i * 2654435761u; /* Knuth's multiplier */
		scattered ^= scattered >> 15;
		scattered *= 2246822519u;
		size_t ordered = i * (INT32_MAX / array->n);
		array->whole[i] = (int32_t)(is_sorted ? ordered : scattered >> 1);
	}
	measure(&(struct bench){
		&kernel_branches, is_sorted ? "sorted, 128 MiB" : "random, 128 MiB", "read", "GB/s",
		kernel_branches.bytes(array->n) * 1e-9, read_rate, run_branches, array });
}

static void measure_arrays(float *x, float *y)
{
	enum { SIDE = 5792 /* squared FLOATS, nearly */, ROW = 4096 };
	struct array array = { x, y, (int32_t *)(void *)y, FLOATS };
	struct transpose_task transpose = { SIDE, SIDE, x, SIDE, y, SIDE };
	struct hadamard_task hadamard = { FLOATS / ROW, ROW, x, y };
	measure(&(struct bench){ &kernel_transpose, "5792 x 5792", "copy past the caches", "GB/s",
				 kernel_transpose.bytes(SIDE) * 1e-9, copy_rate, run_transpose,
				 &transpose });
	measure(&(struct bench){ &kernel_hadamard, "rows of 4096, 256 MiB", "copy past the caches",
				 "GB/s", hadamard_bytes(&hadamard) * 1e-9, copy_rate, run_hadamard,
				 &hadamard });
	measure(&(struct bench){ &kernel_scan, "256 MiB", "copy past the caches", "GB/s",
				 kernel_scan.bytes(FLOATS) * 1e-9, copy_rate, run_scan, &array });
	measure(&(struct bench){ &kernel_reduction, "128 MiB", "read", "GB/s",
				 kernel_reduction.bytes(FLOATS) * 1e-9, read_rate, run_reduction,
				 &array });
	measure_branches(&array, false);
	measure_branches(&array, true);
}

static bool run_histogram(void *opaque, const char *variant)
{
	histogram_function *function = histogram_variant(variant);
	if (function)
		function(opaque);
	return function != NULL;
}

static void measure_histogram(float *memory, unsigned same)
{
	enum { BINS = 256 };
	uint32_t *values = (uint32_t *)(void *)memory, tables[HISTOGRAM_COPIES * BINS] = { 0 };
	struct histogram_task task = { values, FLOATS, BINS, tables, tables + BINS };
	char what[64];
	for (size_t i = 0; i < FLOATS; i++) {
		uint32_t scattered = (uint32_t)i * 2654435761u;
		values[i] = (scattered >> 8) % 100 < same ? 0 : scattered >> 24;
	}
	snprintf(what, sizeof what, "256 bins, %u %% the same", same);
	measure(&(struct bench){ &kernel_histogram, what, "read", "GB/s",
				 kernel_histogram.bytes(FLOATS) * 1e-9, read_rate, run_histogram,
				 &task });
}

static bool run_spmv(void *opaque, const char *variant)
{
	const struct spmv_task *task = opaque;
	spmv_function *function = spmv_variant(variant);
	if (function)
		function(task, 0, task->m);
	return function != NULL;
}

static void measure_spmv(float *x, float *y, float *values, bool is_near)
{
	enum { EACH = 16, ROWS = FLOATS / EACH / 2 };
	uint32_t *columns = take((size_t)ROWS * EACH * 4), *starts = take((ROWS + 1) * 4);
	for (size_t k = 0; k < (size_t)ROWS * EACH; k++) {
		uint32_t scattered = (uint32_t)k * 2654435761u;
		scattered ^= scattered >> 15;
		columns[k] =
			is_near ? (uint32_t)(k / EACH + scattered % 1024) % ROWS : scattered % ROWS;
	}
	for (size_t row = 0; row <= ROWS; row++)
		starts[row] = (uint32_t)(row * EACH);
	struct spmv_task task = { ROWS, ROWS, starts, columns, values, x, y };
	measure(&(struct bench){ &kernel_spmv, is_near ? "16 a row, near" : "16 a row, random",
				 "read", "GB/s", spmv_bytes(&task) * 1e-9, read_rate, run_spmv,
				 &task });
	free(columns);
	free(starts);
}

static bool run_pages(void *opaque, const char *variant)
{
	page_touch_function *function = page_touch_variant(variant);
	return function && function(opaque);
}

/* ---- sharing: two threads, by the clock on the wall */

struct counting {
	uint64_t *counters;
	size_t apart;
	sharing_function *count;
};

enum { ADDITIONS = 2000000 };

static void count_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct counting *counting = opaque;
	(void)n_shares;
	counting->count(counting->counters + share * counting->apart, ADDITIONS);
}

static double wall_ns(struct crew *crew, struct counting *counting)
{
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);
	crew_run(crew, count_share, counting);
	clock_gettime(CLOCK_MONOTONIC, &after);
	return ((double)(after.tv_sec - before.tv_sec) * 1e9 +
		(double)(after.tv_nsec - before.tv_nsec)) /
	       ADDITIONS;
}

static void measure_sharing(void)
{
	struct crew *crew = crew_new(2, "bench");
	struct counting counting = { .counters = take(2 * (size_t)SHARING_APART_BYTES) };
	printf("sharing, two threads: ns an addition\n");
	for (const struct variant *at = kernel_sharing.variants; at->name; at++) {
		double together[ROUNDS], apart[ROUNDS];
		counting.count = sharing_variant(at->name);
		for (int round = 0; round < ROUNDS; round++) {
			counting.apart = 1;
			together[round] = wall_ns(crew, &counting);
			counting.apart = SHARING_APART_BYTES / sizeof *counting.counters;
			apart[round] = wall_ns(crew, &counting);
		}
		printf("  %-14s %8.2f in one line %8.2f apart\n", at->name,
		       bench_median(together, ROUNDS), bench_median(apart, ROUNDS));
	}
	free(counting.counters);
	crew_free(crew);
}

int main(int argc, char **argv)
{
	struct page_touch touch = { .bytes = BYTES };
	setvbuf(stdout, NULL, _IOLBF, 0);
	float *x = random_floats(FLOATS), *y = random_floats(FLOATS), *z = random_floats(FLOATS);
	wanted = argc > 1 ? argv[1] : NULL;
	measure_attention(true);
	measure_attention(false);
	measure_decoder(x, y, z);
	measure_arrays(x, y);
	measure_spmv(x, y, z, true);
	measure_spmv(x, y, z, false);
	measure_histogram(z, 0);
	measure_histogram(z, 90);
	measure(&(struct bench){ &kernel_page_touch, "128 MiB", "write past the caches", "GB/s",
				 (double)BYTES * 1e-9, write_rate, run_pages, &touch });
	if (!wanted || strcmp(wanted, "sharing") == 0)
		measure_sharing();
	free(x);
	free(y);
	free(z);
	return 0;
}
