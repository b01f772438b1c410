/*
 * The dense kernels: every variant against fp64 on sizes that fit no tile, with magnitudes forty
 * binary orders apart, with zeros and with sums that cancel; and controls that are nearly right,
 * which the same checks must refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fma_peak.h"
#include "kernels/gemm.h"
#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "tests/fixture_stride.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

extern const struct kernel kernel_gemm, kernel_fma_peak;

/* One product with its answer in fp64. C has spare columns, which nothing may touch. */
struct problem {
	struct gemm_task task;
	float *a, *b, *before;
	double *right, *scale; /* sum of products; of their absolute values */
};

enum { SPARE = 3 };

static const float SENTINEL = 12345;

/* A tenth zeros; the rest between 2^-20 and 2^20, every other one cancelling its neighbour. */
static void fill(float *values, size_t n, struct random *random)
{
	for (size_t i = 0; i < n; i++) {
		int exponent = (int)(random_bits(random) % 40) - 20;
		values[i] = (float)ldexp(random_unit(random) - 0.5, exponent);
		if (random_bits(random) % 10 == 0)
			values[i] = 0;
		else if (i % 2 && random_bits(random) % 2)
			values[i] = -values[i - 1];
	}
}

enum layout { PLAIN, A_TRANSPOSED, B_TRANSPOSED, ADDING, LAYOUTS };

static void problem_right(struct problem *problem)
{
	const struct gemm_task *t = &problem->task;
	for (size_t i = 0; i < t->m; i++) {
		for (size_t j = 0; j < t->n; j++) {
			double sum = t->is_adding ? problem->before[i * t->c_row + j] : 0;
			double scale = fabs(sum);
			for (size_t p = 0; p < t->k; p++) {
				double x = problem->a[i * t->a_row + p * t->a_column];
				double y = problem->b[p * t->b_row + j * t->b_column];
				sum += x * y;
				scale += fabs(x * y);
			}
			problem->right[i * t->n + j] = sum;
			problem->scale[i * t->n + j] = scale;
		}
	}
}

static void problem_make(struct problem *problem, size_t m, size_t n, size_t k, enum layout layout)
{
	struct random random = { m * 10007 + n * 101 + k };
	struct gemm_task *task = &problem->task;
	problem->a = malloc((m * k + 1) * sizeof(float));
	problem->b = malloc((k * n + 1) * sizeof(float));
	problem->before = malloc(m * (n + SPARE) * sizeof(float));
	problem->right = calloc(m * n + 1, sizeof(double));
	problem->scale = calloc(m * n + 1, sizeof(double));
	fill(problem->a, m * k, &random);
	fill(problem->b, k * n, &random);
	fill(problem->before, m * (n + SPARE), &random);
	*task = gemm_task_plain(m, n, k, problem->a, problem->b, NULL);
	task->c_row = n + SPARE;
	task->is_adding = layout == ADDING;
	if (layout == A_TRANSPOSED) {
		task->a_row = 1;
		task->a_column = m;
	}
	if (layout == B_TRANSPOSED) {
		task->b_row = 1;
		task->b_column = k;
	}
	for (size_t i = 0; i < m; i++)
		for (size_t j = n; j < n + SPARE; j++)
			problem->before[i * (n + SPARE) + j] = SENTINEL;
	problem_right(problem);
}

static void problem_free(struct problem *problem)
{
	free(problem->a);
	free(problem->b);
	free(problem->before);
	free(problem->right);
	free(problem->scale);
}

/* k + 1 roundings, of each 2^-24, and nothing behind the rows touched. */
static bool is_right(const struct problem *problem, const float *c)
{
	const struct gemm_task *t = &problem->task;
	double unit = ((double)t->k + 1) * 0x1p-24;
	for (size_t i = 0; i < t->m; i++) {
		for (size_t j = 0; j < t->n; j++) {
			double difference = c[i * t->c_row + j] - problem->right[i * t->n + j];
			if (!(fabs(difference) <= unit * problem->scale[i * t->n + j]))
				return false;
		}
		for (size_t j = t->n; j < t->c_row; j++)
			if (c[i * t->c_row + j] != SENTINEL)
				return false;
	}
	return true;
}

static bool solves(const struct problem *problem, gemm_function *gemm)
{
	struct gemm_task task = problem->task;
	size_t bytes = task.m * task.c_row * sizeof(float);
	float *c = malloc(bytes);
	memcpy(c, problem->before, bytes);
	task.c = c;
	gemm(&task);
	bool is_good = is_right(problem, c);
	free(c);
	return is_good;
}

static void all_variants_solve(size_t m, size_t n, size_t k, enum layout layout)
{
	struct problem problem;
	problem_make(&problem, m, n, k, layout);
	for (const struct variant *at = kernel_gemm.variants; at->name; at++) {
		gemm_function *gemm = gemm_variant(at->name);
		if (gemm && !solves(&problem, gemm))
			fail_msg("%s is wrong at m=%zu n=%zu k=%zu layout %d", at->name, m, n, k,
				 (int)layout);
	}
	problem_free(&problem);
}

/* Around every tile's sides (6, 8, 14, 16, 32) and in between. */
static const size_t SIZES[] = { 1, 2, 3, 5, 7, 9, 13, 15, 17, 29, 31, 33, 47, 65, 70 };

enum { N_SIZES = sizeof SIZES / sizeof SIZES[0] };

static void every_gemm_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_gemm.variants; at->name; at++)
		if (!gemm_variant(at->name))
			print_message("SKIP gemm %s: this CPU cannot run it\n", at->name);
	for (size_t i = 0; i < (size_t)N_SIZES * N_SIZES * N_SIZES; i += FIXTURE_STRIDE) {
		size_t m = i / N_SIZES / N_SIZES, n = i / N_SIZES % N_SIZES, k = i % N_SIZES;
		all_variants_solve(SIZES[m], SIZES[n], SIZES[k],
				   (enum layout)((m + n + k) % LAYOUTS));
	}
	assert_null(gemm_variant("nonsense"));
}

/* More than one packed block in each direction, and empty ones. */
static void gemm_crosses_its_blocks(void **state)
{
	(void)state;
	for (int layout = 0; layout < LAYOUTS; layout++) {
		all_variants_solve(373, 37, 801, (enum layout)layout);
		all_variants_solve(15, 4133, 11, (enum layout)layout);
		all_variants_solve(3, 5, 0, (enum layout)layout);
		all_variants_solve(1, 1, 4097, (enum layout)layout);
	}
}

static void in_three_shares(const struct gemm_task *task)
{
	for (unsigned share = 0; share < 3; share++) {
		struct gemm_task part = gemm_task_share(task, sizeof(float), share, 3);
		gemm_variant("auto")(&part);
	}
}

static void with_a_workspace(const struct gemm_task *task)
{
	struct gemm_task with = *task;
	with.workspace = aligned_take(GEMM_WORKSPACE_BYTES);
	memset(with.workspace, 0xff, GEMM_WORKSPACE_BYTES); /* NaNs, were any used */
	gemm_variant("auto")(&with);
	free(with.workspace);
}

static void shares_make_a_whole(void **state)
{
	static const size_t shapes[][3] = {
		{ 1, 1, 3 }, { 31, 200, 9 }, { 200, 31, 9 }, { 97, 97, 40 }
	};
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i += FIXTURE_LENGTH(1, 2)) {
		for (int layout = 0; layout < LAYOUTS; layout++) {
			struct problem problem;
			problem_make(&problem, shapes[i][0], shapes[i][1], shapes[i][2],
				     (enum layout)layout);
			assert_true(solves(&problem, in_three_shares));
			assert_true(solves(&problem, with_a_workspace));
			problem_free(&problem);
		}
	}
}

static float control(const struct gemm_task *t, size_t i, size_t j, size_t k)
{
	const float *a = t->a, *b = t->b;
	float sum = t->is_adding ? ((float *)t->c)[i * t->c_row + j] : 0;
	for (size_t p = 0; p < k; p++)
		sum += a[i * t->a_row + p * t->a_column] * b[p * t->b_row + j * t->b_column];
	return sum;
}

static void for_each_cell(const struct gemm_task *t,
			  float (*cell)(const struct gemm_task *, size_t, size_t))
{
	for (size_t i = 0; i < t->m; i++)
		for (size_t j = 0; j < t->n; j++)
			((float *)t->c)[i * t->c_row + j] = cell(t, i, j);
}

static float right_cell(const struct gemm_task *t, size_t i, size_t j)
{
	return control(t, i, j, t->k);
}

static float short_cell(const struct gemm_task *t, size_t i, size_t j)
{
	return control(t, i, j, t->k - 1);
}

static float zero_cell(const struct gemm_task *t, size_t i, size_t j)
{
	(void)t, (void)i, (void)j;
	return 0;
}

static float scaled_cell(const struct gemm_task *t, size_t i, size_t j)
{
	return 1.05f * control(t, i, j, t->k);
}

/* As if C were bf16: eight bits fewer... of an f32's 24. */
static float rounded_cell(const struct gemm_task *t, size_t i, size_t j)
{
	float sum = control(t, i, j, t->k);
	uint32_t bits;
	memcpy(&bits, &sum, sizeof bits);
	bits = (bits + 0x8000) & 0xffff0000;
	memcpy(&sum, &bits, sizeof sum);
	return sum;
}

static float forgets_last_row_cell(const struct gemm_task *t, size_t i, size_t j)
{
	return i + 1 < t->m ? control(t, i, j, t->k) : ((float *)t->c)[i * t->c_row + j];
}

static float transposed_cell(const struct gemm_task *t, size_t i, size_t j)
{
	return control(t, j % t->m, i % t->n, t->k);
}

static void right_gemm(const struct gemm_task *t)
{
	for_each_cell(t, right_cell);
}

static void short_gemm(const struct gemm_task *t)
{
	for_each_cell(t, short_cell);
}

static void zero_gemm(const struct gemm_task *t)
{
	for_each_cell(t, zero_cell);
}

static void scaled_gemm(const struct gemm_task *t)
{
	for_each_cell(t, scaled_cell);
}

static void rounded_gemm(const struct gemm_task *t)
{
	for_each_cell(t, rounded_cell);
}

static void forgetful_gemm(const struct gemm_task *t)
{
	for_each_cell(t, forgets_last_row_cell);
}

static void transposed_gemm(const struct gemm_task *t)
{
	for_each_cell(t, transposed_cell);
}

static void overrunning_gemm(const struct gemm_task *t)
{
	for_each_cell(t, right_cell);
	((float *)t->c)[t->n] = 0;
}

static void wrong_gemms_are_refused(void **state)
{
	gemm_function *const wrong[] = { short_gemm,      zero_gemm,      scaled_gemm,
					 rounded_gemm,    forgetful_gemm, transposed_gemm,
					 overrunning_gemm };
	struct problem problem;
	(void)state;
	problem_make(&problem, 33, 17, 70, PLAIN);
	assert_true(solves(&problem, right_gemm));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (solves(&problem, wrong[i]))
			fail_msg("wrong control %zu passed", i);
	problem_free(&problem);
}

static void gemm_counts_its_work(void **state)
{
	struct gemm_task task = gemm_task_plain(3, 5, 7, NULL, NULL, NULL);
	(void)state;
	assert_float_equal(gemm_flops(&task), 210, 0);
	assert_float_equal(gemm_bytes(&task, 4), 4 * (21 + 35 + 15), 0);
	task.is_adding = true;
	assert_float_equal(gemm_bytes(&task, 4), 4 * (21 + 35 + 30), 0);
	assert_float_equal(kernel_gemm.flops(10), 2000, 0);
	assert_float_equal(kernel_gemm.bytes(10), 1200, 0);
}

static double peak_right(const char *name, double passes)
{
	bool is_amx = strstr(name, "amx") != NULL;
	bool is_wide = strstr(name, "avx512") || strstr(name, "neon");
	double mean_start = is_wide ? 23 / 2.0 : 11 / 2.0; /* of 0, 1, ... chains - 1 */
	if (strncmp(name, "bf16", 4) == 0)
		return is_amx ? 12 * passes : mean_start + 0.75 * passes;
	if (strncmp(name, "int8", 4) == 0)
		return passes * -603 * (is_amx ? 64 : 4);
	if (strstr(name, "neon"))
		return mean_start / 64 + 0x1p-12 * passes;
	return 1 + (mean_start / 64 - 1) * pow(1 - 0x1p-12, passes);
}

/* The value at the end says how many passes were made; passes x FLOPs a pass is what is claimed. */
static void peaks_do_the_work_they_claim(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_fma_peak.variants; at->name; at++) {
		fma_peak_function *peak = fma_peak_variant(at->name);
		size_t flops = fma_peak_pass_flops(at->name);
		if (flops == 0 || FMA_PEAK_UNIT_FLOPS % flops != 0)
			fail_msg("%s: %zu FLOPs a pass", at->name, flops);
		if (!peak) {
			print_message("SKIP fma_peak %s: this CPU cannot run it\n", at->name);
			continue;
		}
		for (size_t n = 1; n <= 3; n++) {
			double passes = kernel_fma_peak.flops(n) / (double)flops;
			assert_float_equal(peak(n), peak_right(at->name, passes), 5e-4);
		}
	}
	assert_null(fma_peak_variant("f32-nonsense"));
}

static void peaks_are_listed_by_type(void **state)
{
	size_t place = 0, n = 0;
	const char *name;
	(void)state;
	for (; fma_peak_next("f32", &place, &name); n++)
		assert_memory_equal(name, "f32-", 4);
	assert_true(n >= 1);
	place = 0;
	assert_null(fma_peak_next("f3", &place, &name));
}

static void aligned_memory_is_aligned(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 65, 1 << 20, (4 << 20) - 1, (4 << 20) + 1 };
	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		char *memory = aligned_take(sizes[i]);
		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % 64, 0);
		memset(memory, 1, sizes[i]);
		free(memory);
	}
	assert_null(aligned_take(SIZE_MAX));
}

static int run(const char *a, const char *b, const char *c, const char *d)
{
	const char *words[] = { "gemm", a, b, c, d, NULL };
	fflush(NULL);
	return workload_main(5, (char **)words);
}

/* The same loops and threads in a tenth of the time. */
#define WORKLOAD_N    FIXTURE_LENGTH("n=301", "n=99")
#define WORKLOAD_SIZE FIXTURE_LENGTH("size=S", "n=65")
#define REPEATED_N    FIXTURE_LENGTH("n=99", "n=17") /* five hundred times */

static void the_workload_passes_its_own_checks(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_gemm.variants; at->name; at++) {
		char variant[64];
		snprintf(variant, sizeof variant, "variant=%s", at->name);
		if (!gemm_variant(at->name))
			continue;
		assert_int_equal(run(variant, WORKLOAD_N, "repeats=2", "threads=2"), 0);
		assert_int_equal(run(variant, WORKLOAD_SIZE, "repeats=1", "layout=columns"), 0);
	}
	assert_int_equal(run(WORKLOAD_SIZE, "repeats=20", "threads=3", "seed=5"), 0);
	assert_int_equal(run("type=bf16", WORKLOAD_N, "repeats=2", "threads=2"), 0);
	assert_int_equal(run("type=int8", WORKLOAD_N, "repeats=2", "threads=2"), 0);
	assert_int_equal(run("type=bf16", REPEATED_N, "variant=ipj", "layout=columns"), 0);
	assert_int_equal(run("type=int8", "n=99", "variant=ijp", "repeats=3"), 0);
	assert_int_equal(run("type=int8", "n=99", "variant=blocked", "repeats=3"), 0);
	assert_int_equal(run("type=int8", "n=99", "variant=packed", "repeats=3"), 0);
	assert_int_equal(run("type=bf16", "n=99", "variant=blocked", "repeats=3"), 0);
	assert_int_equal(run("type=int8", "n=99", "variant=naive", "repeats=3"), 1);
	assert_int_equal(run("n=1", "m=1", "k=1", "repeats=3"), 0);
	assert_int_equal(run("n=-1", "m=1", "k=1", "repeats=3"), 2);
	assert_int_equal(run("variant=fast", "m=1", "k=1", "repeats=3"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_gemm_agrees_with_fp64),
		cmocka_unit_test(gemm_crosses_its_blocks),
		cmocka_unit_test(shares_make_a_whole),
		cmocka_unit_test(wrong_gemms_are_refused),
		cmocka_unit_test(gemm_counts_its_work),
		cmocka_unit_test(peaks_do_the_work_they_claim),
		cmocka_unit_test(peaks_are_listed_by_type),
		cmocka_unit_test(aligned_memory_is_aligned),
		cmocka_unit_test(the_workload_passes_its_own_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
