/*
 * Kernels over one array: counts, transpositions, sums, prefix sums, chosen sums; exactly or
 * against fp64, for lengths that fit no vector, at any address, with adversarial data and wrong
 * controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/branches.h"
#include "kernels/histogram.h"
#include "kernels/kernel.h"
#include "kernels/reduction.h"
#include "kernels/scan.h"
#include "kernels/transpose.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

extern const struct kernel kernel_branches, kernel_histogram, kernel_reduction, kernel_scan,
	kernel_transpose;

enum { SENTINEL = 12345, SPARE = 20 };

static void tell_skipped(const struct kernel *kernel, const char *variant)
{
	print_message("SKIP %s %s: this CPU cannot run it\n", kernel->name, variant);
}

/* ---- histogram */

/* Of a hundred values, `same` are one; the last bin is always used. */
static bool counts_rightly(histogram_function *function, size_t n, size_t n_bins, unsigned same)
{
	struct random random = { n * 31 + n_bins + same };
	uint32_t *values = calloc(n + 1, sizeof *values), *right = calloc(n_bins, sizeof *right);
	uint32_t *counts = calloc(n_bins + SPARE, sizeof *counts);
	uint32_t *scratch = malloc((HISTOGRAM_COPIES - 1) * n_bins * sizeof *scratch);
	bool is_good = true;
	memset(scratch, 0xa5, (HISTOGRAM_COPIES - 1) * n_bins * sizeof *scratch);
	for (size_t i = 0; i < n; i++) {
		bool is_same = random_bits(&random) % 100 < same;
		values[i] = (uint32_t)(is_same ? n_bins / 2 : random_bits(&random) % n_bins);
		values[i] = i + 1 == n ? (uint32_t)n_bins - 1 : values[i];
		right[values[i]]++;
	}
	for (size_t bin = 0; bin < n_bins + SPARE; bin++)
		counts[bin] = SENTINEL; /* it adds to what is there */
	function(&(struct histogram_task){ values, n, n_bins, counts, scratch });
	for (size_t bin = 0; bin < n_bins + SPARE; bin++)
		is_good &= counts[bin] == SENTINEL + (bin < n_bins ? right[bin] : 0);
	free(values);
	free(right);
	free(counts);
	free(scratch);
	return is_good;
}

static void every_count_is_exact(void **state)
{
	static const size_t bins[] = { 1, 2, 16, 17, 256, 5000 };
	static const unsigned same[] = { 0, 10, 40, 90, 100 };
	(void)state;
	for (const struct variant *at = kernel_histogram.variants; at->name; at++) {
		histogram_function *function = histogram_variant(at->name);
		if (!function)
			tell_skipped(&kernel_histogram, at->name);
		for (size_t n = 0; function && n < 3000; n = n < 40 ? n + 1 : n * 2 + 1)
			for (size_t i = 0; i < 30; i++)
				if (!counts_rightly(function, n, bins[i % 6], same[i / 6]))
					fail_msg("histogram %s is wrong at n=%zu, %zu bins",
						 at->name, n, bins[i % 6]);
	}
	assert_null(histogram_variant("nonsense"));
}

static void forgetful_histogram(const struct histogram_task *task)
{
	for (size_t i = 0; i + 1 < task->n; i++)
		task->counts[task->values[i]]++;
}

/* What gathering without looking for conflicts does: of equal neighbours one is counted. */
static void conflicting_histogram(const struct histogram_task *task)
{
	for (size_t i = 0; i < task->n; i++)
		task->counts[task->values[i]] +=
			i % 16 == 0 || task->values[i] != task->values[i - 1];
}

static void setting_histogram(const struct histogram_task *task)
{
	memset(task->counts, 0, task->n_bins * sizeof *task->counts);
	for (size_t i = 0; i < task->n; i++)
		task->counts[task->values[i]]++;
}

static void wrong_counts_are_refused(void **state)
{
	(void)state;
	assert_true(counts_rightly(histogram_variant("one"), 100, 16, 40));
	assert_false(counts_rightly(forgetful_histogram, 100, 16, 40));
	assert_false(counts_rightly(conflicting_histogram, 100, 16, 40));
	assert_false(counts_rightly(setting_histogram, 100, 16, 40));
}

/* ---- transpose */

struct shape {
	size_t m, n, x_pad, y_pad, shift;
};

/* In shares of columns; nothing between and behind the rows of y may change. */
static bool transposes_rightly(transpose_function *function, struct shape s, unsigned n_shares)
{
	size_t x_row = s.n + s.x_pad, y_row = s.m + s.y_pad, n_cells = s.n * y_row;
	float *x = calloc(s.m * x_row + 1, sizeof *x);
	float *y = aligned_alloc(64, (n_cells + s.shift + SPARE + 16) * 4 / 64 * 64);
	bool is_good = true;
	for (size_t i = 0; i < s.m * x_row; i++)
		x[i] = (float)(i + 1);
	for (size_t i = 0; i < n_cells + s.shift + SPARE; i++)
		y[i] = -SENTINEL;
	struct transpose_task task = { s.m, s.n, x, x_row, y + s.shift, y_row };
	for (unsigned share = 0; share < n_shares; share++) {
		struct transpose_task part = transpose_share(&task, share, n_shares);
		if (part.n > 0)
			function(&part);
	}
	for (size_t i = 0; i < n_cells + s.shift + SPARE; i++) {
		size_t at = i - s.shift, row = at / y_row, column = at % y_row;
		bool is_cell = i >= s.shift && at < n_cells && column < s.m;
		is_good &= y[i] == (is_cell ? x[column * x_row + row] : -SENTINEL);
	}
	free(x);
	free(y);
	return is_good;
}

static void every_transposition_is_exact(void **state)
{
	static const size_t sizes[] = { 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 65, 100 };
	enum { SIZES = sizeof sizes / sizeof sizes[0] };
	(void)state;
	for (const struct variant *at = kernel_transpose.variants; at->name; at++) {
		transpose_function *function = transpose_variant(at->name);
		if (!function)
			tell_skipped(&kernel_transpose, at->name);
		for (size_t i = 0; function && i < (size_t)SIZES * SIZES * 3; i++) {
			struct shape shape = { sizes[i % SIZES], sizes[i / SIZES % SIZES], i % 3,
					       i % 5, i % 2 };
			if (i / SIZES / SIZES == 0) /* rows of y begin at whole cache lines */
				shape.y_pad = (16 - shape.m % 16) % 16, shape.shift = 0;
			if (!transposes_rightly(function, shape, 1 + i % 3))
				fail_msg("transpose %s is wrong at %zu x %zu", at->name, shape.m,
					 shape.n);
		}
	}
}

static void copying_transpose(const struct transpose_task *task)
{
	for (size_t j = 0; j < task->n; j++)
		for (size_t i = 0; i < task->m; i++)
			task->y[j * task->y_row + i] = task->x[j % task->m * task->x_row + i];
}

static void short_transpose(const struct transpose_task *task)
{
	struct transpose_task part = *task;
	part.m = task->m / 8 * 8;
	transpose_variant("naive")(&part);
}

static void overrunning_transpose(const struct transpose_task *task)
{
	transpose_variant("naive")(task);
	task->y[(task->n - 1) * task->y_row + task->m] = 0;
}

static void wrong_transpositions_are_refused(void **state)
{
	const struct shape shape = { 17, 17, 1, 2, 0 };
	(void)state;
	assert_true(transposes_rightly(transpose_variant("naive"), shape, 1));
	assert_false(transposes_rightly(copying_transpose, shape, 1));
	assert_false(transposes_rightly(short_transpose, shape, 1));
	assert_false(transposes_rightly(overrunning_transpose, shape, 1));
}

/* ---- reduction and scan */

enum data { NORMAL, ZEROS, EQUAL, WIDE, CANCELLING, DATA };

/* WIDE: over 40 binary orders; CANCELLING: each large number is followed by its negative. */
static void fill(float *x, size_t n, enum data data)
{
	struct random random = { n * 5 + data };
	for (size_t i = 0; i < n; i++) {
		double normal = random_normal(&random);
		double wide =
			ldexp(random_unit(&random) - 0.5, (int)(random_bits(&random) % 40) - 20);
		x[i] = data == ZEROS   ? 0
		       : data == EQUAL ? 0.1f
		       : data == WIDE  ? (float)wide
				       : (float)normal;
		if (data == CANCELLING)
			x[i] = i % 2 ? -x[i - 1] : (float)(1e6 * normal);
	}
	if (data == CANCELLING && n > 0)
		x[n - 1] = 1;
}

static bool sums_rightly(reduction_function *function, double roundings, size_t n, enum data data)
{
	float *x = calloc(n + 1, sizeof *x);
	double right = 0, absolute = 0;
	fill(x, n, data);
	for (size_t i = 0; i < n; i++) {
		right += x[i];
		absolute += fabs(x[i]);
	}
	x[n] = 1e9f; /* not to be read */
	double got = function(x, n);
	free(x);
	return fabs(got - right) <= roundings * 0x1p-24 * absolute;
}

static void every_reduction_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_reduction.variants; at->name; at++) {
		reduction_function *function = reduction_variant(at->name);
		if (!function)
			tell_skipped(&kernel_reduction, at->name);
		for (size_t n = 0; function && n < 200000; n = n < 200 ? n + 1 : n * 3 + 1)
			for (int data = 0; data < DATA; data++)
				if (!sums_rightly(function, reduction_roundings(at->name, n), n,
						  (enum data)data))
					fail_msg("reduction %s is wrong at n=%zu", at->name, n);
	}
}

static float short_reduction(const float *x, size_t n)
{
	return reduction_variant("one")(x, n - n % 16);
}

static float long_reduction(const float *x, size_t n)
{
	return reduction_variant("one")(x, n + 1);
}

static float scaled_reduction(const float *x, size_t n)
{
	return 1.0001f * reduction_variant("one")(x, n);
}

/* As good as "one", which is not good enough for "compensated" nor "pairwise". */
static void wrong_reductions_are_refused(void **state)
{
	reduction_function *one = reduction_variant("one");
	(void)state;
	assert_true(sums_rightly(one, reduction_roundings("one", 100), 100, EQUAL));
	assert_false(sums_rightly(short_reduction, reduction_roundings("one", 100), 100, EQUAL));
	assert_false(sums_rightly(long_reduction, reduction_roundings("one", 100), 100, EQUAL));
	assert_false(sums_rightly(scaled_reduction, reduction_roundings("one", 100), 100, EQUAL));
	assert_false(sums_rightly(one, reduction_roundings("compensated", 99999), 99999, EQUAL));
	assert_false(sums_rightly(one, reduction_roundings("pairwise", 99999), 99999, EQUAL));
}

static bool scans_rightly(scan_function *function, size_t n, enum data data, bool is_in_place)
{
	const float before = 2.5f;
	float *x = calloc(n + SPARE, sizeof *x), *y = calloc(n + SPARE, sizeof *y);
	double right = before, absolute = before;
	bool is_good = true;
	fill(x, n, data);
	memcpy(y, x, n * sizeof *y);
	for (size_t i = n; i < n + SPARE; i++)
		y[i] = SENTINEL;
	float last = function(is_in_place ? y : x, y, n, before);
	for (size_t i = 0; i < n; i++) {
		right += x[i];
		absolute += fabs(x[i]);
		is_good &= fabs(y[i] - right) <= ((double)i + 6) * 0x1p-24 * absolute;
	}
	is_good &= n == 0 ? last == before : last == y[n - 1];
	for (size_t i = n; i < n + SPARE; i++)
		is_good &= y[i] == SENTINEL;
	free(x);
	free(y);
	return is_good;
}

static void every_scan_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_scan.variants; at->name; at++) {
		scan_function *function = scan_variant(at->name);
		if (!function)
			tell_skipped(&kernel_scan, at->name);
		for (size_t n = 0; function && n < 100000; n = n < 130 ? n + 1 : n * 3 + 1)
			for (int i = 0; i < 2 * DATA; i++)
				if (!scans_rightly(function, n, (enum data)(i / 2), i % 2))
					fail_msg("scan %s is wrong at n=%zu", at->name, n);
	}
}

/* Exclusive instead of inclusive. */
static float exclusive_scan(const float *x, float *y, size_t n, float before)
{
	for (size_t i = 0; i < n; i++) {
		float value = x[i];
		y[i] = before;
		before += value;
	}
	return before;
}

static float forgetful_scan(const float *x, float *y, size_t n, float before)
{
	(void)before;
	return scan_variant("one")(x, y, n, 0);
}

/* Blocks of sixteen whose carry is lost. */
static float uncarried_scan(const float *x, float *y, size_t n, float before)
{
	float last = before;
	for (size_t i = 0; i < n; i++) {
		last = i % 16 ? last + x[i] : before + x[i];
		y[i] = last;
	}
	return last;
}

static void wrong_scans_are_refused(void **state)
{
	(void)state;
	assert_true(scans_rightly(scan_variant("one"), 50, NORMAL, false));
	assert_false(scans_rightly(exclusive_scan, 50, NORMAL, false));
	assert_false(scans_rightly(forgetful_scan, 50, NORMAL, false));
	assert_false(scans_rightly(uncarried_scan, 50, NORMAL, false));
}

/* ---- branches */

static bool chooses_rightly(branches_function *function, size_t n, int32_t least)
{
	struct random random = { n + (uint32_t)least };
	static const int32_t edges[] = { INT32_MIN, INT32_MAX, 0, -1, 1 };
	int32_t *x = calloc(n + 2, sizeof *x);
	struct branches_sum right = { 0, 0 };
	for (size_t i = 0; i < n; i++) {
		uint64_t bits = random_bits(&random);
		x[i] = bits % 7 == 0   ? edges[bits / 7 % 5]
		       : bits % 7 == 1 ? least
				       : (int32_t)(bits >> 32);
		if (x[i] >= least) {
			right.sum += x[i];
			right.count++;
		}
	}
	x[n] = INT32_MAX; /* not to be read */
	struct branches_sum got = function(x, n, least);
	free(x);
	return got.sum == right.sum && got.count == right.count;
}

static void every_choice_is_exact(void **state)
{
	static const int32_t leasts[] = { INT32_MIN, INT32_MIN + 1, -5, 0, 1, 1000000, INT32_MAX };
	(void)state;
	for (const struct variant *at = kernel_branches.variants; at->name; at++) {
		branches_function *function = branches_variant(at->name);
		if (!function)
			tell_skipped(&kernel_branches, at->name);
		for (size_t n = 0; function && n < 5000; n = n < 70 ? n + 1 : n * 2 + 1)
			for (size_t i = 0; i < 7; i++)
				if (!chooses_rightly(function, n, leasts[i]))
					fail_msg("branches %s is wrong at n=%zu, least=%d",
						 at->name, n, leasts[i]);
	}
}

static struct branches_sum above_branches(const int32_t *x, size_t n, int32_t least)
{
	struct branches_sum result = { 0, 0 };
	for (size_t i = 0; i < n; i++) {
		result.sum += x[i] > least ? x[i] : 0;
		result.count += x[i] > least;
	}
	return result;
}

/* Sums of 32 bits. */
static struct branches_sum narrow_branches(const int32_t *x, size_t n, int32_t least)
{
	struct branches_sum result = branches_variant("branchy")(x, n, least);
	result.sum = (int32_t)(uint32_t)result.sum;
	return result;
}

static struct branches_sum short_branches(const int32_t *x, size_t n, int32_t least)
{
	return branches_variant("branchy")(x, n / 16 * 16, least);
}

static void wrong_choices_are_refused(void **state)
{
	(void)state;
	assert_true(chooses_rightly(branches_variant("branchy"), 1000, 5));
	assert_false(chooses_rightly(above_branches, 1000, 5));
	assert_false(chooses_rightly(narrow_branches, 1000, 5));
	assert_false(chooses_rightly(short_branches, 1000, 5));
}

/* ---- workloads */

static int run(const char *name, const char *const *words)
{
	const char *all[12] = { name };
	int n = 1;
	for (; words[n - 1]; n++)
		all[n] = words[n - 1];
	fflush(NULL);
	return workload_main(n, (char **)all);
}

/* Every variant this CPU has, with three threads and sizes that divide by nothing. */
static void run_variants(const char *name, const struct kernel *kernel, const char *const *others)
{
	for (const struct variant *at = kernel->variants; at->name; at++) {
		char variant[64];
		const char *words[11] = { variant, "threads=3", "repeats=2" };
		if (at->is_usable && !at->is_usable())
			continue;
		for (int i = 0; others[i]; i++)
			words[3 + i] = others[i];
		snprintf(variant, sizeof variant, "variant=%s", at->name);
		if (run(name, words) != 0)
			fail_msg("%s %s fails its own checks", name, variant);
	}
}

static void workloads_pass_their_own_checks(void **state)
{
	(void)state;
	run_variants("histogram", &kernel_histogram,
		     (const char *const[]){ "size=0.3", "bins=1000", "same=40", NULL });
	run_variants(
		"histogram", &kernel_histogram,
		(const char *const[]){ "size=0.1", "bins=7", "same=90", "tables=shared", NULL });
	run_variants("transpose", &kernel_transpose,
		     (const char *const[]){ "n=201", "pad=7", NULL });
	run_variants("transpose", &kernel_transpose, (const char *const[]){ "n=64", NULL });
	run_variants("scan", &kernel_scan, (const char *const[]){ "size=0.7", NULL });
	run_variants("scan", &kernel_scan, (const char *const[]){ "size=0.7", "data=real", NULL });
	run_variants("scan", &kernel_reduction,
		     (const char *const[]){ "kind=sum", "size=0.7", "data=real", NULL });
	run_variants("scan", &kernel_reduction,
		     (const char *const[]){ "kind=sum", "size=0.001", NULL });
	run_variants("branch", &kernel_branches,
		     (const char *const[]){ "size=0.3", "chosen=30", NULL });
	run_variants("branch", &kernel_branches,
		     (const char *const[]){ "size=0.3", "order=sorted", NULL });
	assert_int_equal(run("scan", (const char *const[]){ "variant=pairwise", NULL }), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_count_is_exact),
		cmocka_unit_test(wrong_counts_are_refused),
		cmocka_unit_test(every_transposition_is_exact),
		cmocka_unit_test(wrong_transpositions_are_refused),
		cmocka_unit_test(every_reduction_agrees_with_fp64),
		cmocka_unit_test(wrong_reductions_are_refused),
		cmocka_unit_test(every_scan_agrees_with_fp64),
		cmocka_unit_test(wrong_scans_are_refused),
		cmocka_unit_test(every_choice_is_exact),
		cmocka_unit_test(wrong_choices_are_refused),
		cmocka_unit_test(workloads_pass_their_own_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
