/*
 * Sparse products and Walsh-Hadamard transforms against fp64; counters of several threads and first
 * touches of pages exactly; with adversarial data, sizes that fit no vector, and wrong controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/hadamard.h"
#include "kernels/kernel.h"
#include "kernels/page_touch.h"
#include "kernels/sharing.h"
#include "kernels/spmv.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

extern const struct kernel kernel_hadamard, kernel_page_touch, kernel_sharing, kernel_spmv;

enum { SENTINEL = 12345, SPARE = 20 };

/* A tenth zeros, the rest over 24 binary orders. */
static float adversarial(struct random *random)
{
	float value = (float)ldexp(random_unit(random) - 0.5, (int)(random_bits(random) % 24) - 12);
	return random_bits(random) % 10 ? value : 0;
}

/* ---- spmv */

struct sparse {
	struct spmv_task task;
	uint32_t *starts, *columns;
	float *values, *x, *y;
	double *right, *allowed;
};

/* Rows of 0, 1, 2, ... values, one of all columns, one of the same column many times. */
static void sparse_make(struct sparse *s, size_t m, size_t n)
{
	struct random random = { m * 1009 + n };
	size_t most = m * (n + 40);
	s->starts = calloc(m + 1, sizeof *s->starts);
	s->columns = calloc(most, sizeof *s->columns);
	s->values = calloc(most, sizeof *s->values);
	s->x = calloc(n, sizeof *s->x);
	s->y = calloc(m + SPARE, sizeof *s->y);
	s->right = calloc(m, sizeof *s->right);
	s->allowed = calloc(m, sizeof *s->allowed);
	for (size_t j = 0; j < n; j++)
		s->x[j] = adversarial(&random);
	for (size_t row = 0; row < m; row++) {
		size_t length = row == 3 ? n : row % 40;
		uint32_t at = s->starts[row];
		double absolute = 0;
		for (size_t k = 0; k < length; k++, at++) {
			s->columns[at] = (uint32_t)(row == 3   ? k
						    : row == 7 ? n - 1
							       : random_bits(&random) % n);
			s->values[at] = adversarial(&random);
			double term = (double)s->values[at] * s->x[s->columns[at]];
			s->right[row] += term;
			absolute += fabs(term);
		}
		s->starts[row + 1] = at;
		s->allowed[row] = ((double)length + 1) * 0x1p-24 * absolute;
	}
	s->task = (struct spmv_task){ m, n, s->starts, s->columns, s->values, s->x, s->y };
}

static void sparse_free(struct sparse *s)
{
	free(s->starts);
	free(s->columns);
	free(s->values);
	free(s->x);
	free(s->y);
	free(s->right);
	free(s->allowed);
}

static bool multiplies_rightly(const struct sparse *s, spmv_function *function)
{
	size_t m = s->task.m, cut = m / 3;
	bool is_good = true;
	for (size_t i = 0; i < m + SPARE; i++)
		s->y[i] = SENTINEL;
	function(&s->task, 0, cut);
	for (size_t i = cut; i < m + SPARE; i++)
		is_good &= s->y[i] == SENTINEL; /* rows that were not asked for */
	function(&s->task, cut, m);
	for (size_t i = 0; i < m; i++)
		is_good &= fabs(s->y[i] - s->right[i]) <= s->allowed[i];
	for (size_t i = m; i < m + SPARE; i++)
		is_good &= s->y[i] == SENTINEL;
	return is_good;
}

static void every_spmv_agrees_with_fp64(void **state)
{
	static const size_t sizes[] = { 1, 2, 8, 41, 100, 257 };
	(void)state;
	for (size_t i = 0; i < 36; i++) {
		struct sparse s;
		sparse_make(&s, sizes[i % 6], sizes[i / 6]);
		for (const struct variant *at = kernel_spmv.variants; at->name; at++) {
			spmv_function *function = spmv_variant(at->name);
			if (!function && i == 0)
				print_message("SKIP spmv %s: this CPU cannot run it\n", at->name);
			if (function && !multiplies_rightly(&s, function))
				fail_msg("spmv %s is wrong at %zu x %zu", at->name, sizes[i % 6],
					 sizes[i / 6]);
		}
		sparse_free(&s);
	}
}

static void short_spmv(const struct spmv_task *task, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		uint32_t length = task->starts[i + 1] - task->starts[i];
		task->y[i] = 0;
		for (uint32_t k = 0; k < length / 8 * 8; k++)
			task->y[i] += task->values[task->starts[i] + k] *
				      task->x[task->columns[task->starts[i] + k]];
	}
}

static void dense_spmv(const struct spmv_task *task, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		task->y[i] = 0;
		for (uint32_t k = task->starts[i]; k < task->starts[i + 1]; k++)
			task->y[i] += task->values[k] * task->x[(k - task->starts[i]) % task->n];
	}
}

static void scaled_spmv(const struct spmv_task *task, size_t from, size_t to)
{
	spmv_variant("one")(task, from, to);
	for (size_t i = from; i < to; i++)
		task->y[i] *= 1.001f;
}

static void wrong_spmvs_are_refused(void **state)
{
	struct sparse s;
	(void)state;
	sparse_make(&s, 77, 50);
	assert_true(multiplies_rightly(&s, spmv_variant("one")));
	assert_false(multiplies_rightly(&s, short_spmv));
	assert_false(multiplies_rightly(&s, dense_spmv));
	assert_false(multiplies_rightly(&s, scaled_spmv));
	sparse_free(&s);
}

/* Shares are all rows in order, and none has more values than its part and one row. */
static void shares_have_as_many_values(void **state)
{
	struct sparse s;
	(void)state;
	sparse_make(&s, 257, 100);
	for (unsigned n_shares = 1; n_shares < 9; n_shares++) {
		size_t part = s.starts[257] / n_shares, before = 0;
		assert_int_equal(spmv_cut(&s.task, 0, n_shares), 0);
		for (unsigned share = 1; share <= n_shares; share++) {
			size_t at = spmv_cut(&s.task, share, n_shares);
			assert_true(at >= before && at <= 257);
			assert_true(s.starts[at] - s.starts[before] <= part + 101);
			before = at;
		}
		assert_int_equal(before, 257);
	}
	sparse_free(&s);
}

/* ---- hadamard */

enum { MOST_ROWS = 4 };

/* Rows: adversarial; zeros; one value; one spike. In shares. */
static bool transforms_rightly(hadamard_function *function, double roundings, size_t n,
			       unsigned n_shares)
{
	struct random random = { n };
	float *x = calloc(MOST_ROWS * n, sizeof *x);
	float *y = calloc(MOST_ROWS * n + SPARE, sizeof *y);
	bool is_good = true;
	for (size_t i = 0; i < MOST_ROWS * n; i++) {
		size_t row = i / n;
		x[i] = row == 0   ? adversarial(&random)
		       : row == 1 ? 0
		       : row == 2 ? -7.25f
				  : (i % n == n / 2 ? 1e6f : 0);
	}
	for (size_t i = 0; i < MOST_ROWS * n + SPARE; i++)
		y[i] = SENTINEL;
	struct hadamard_task task = { MOST_ROWS, n, x, y };
	for (unsigned share = 0; share < n_shares; share++) {
		struct hadamard_task part = hadamard_share(&task, share, n_shares);
		function(&part);
	}
	for (size_t i = 0; i < MOST_ROWS * n; i++) {
		double right = 0, absolute = 0;
		for (size_t j = 0; j < n; j++) {
			double value = x[i / n * n + j];
			right += __builtin_popcountll(i % n & j) % 2 ? -value : value;
			absolute += fabs(value);
		}
		is_good &= fabs(y[i] - right) <= roundings * 0x1p-24 * absolute;
	}
	for (size_t i = MOST_ROWS * n; i < MOST_ROWS * n + SPARE; i++)
		is_good &= y[i] == SENTINEL;
	free(x);
	free(y);
	return is_good;
}

static void every_hadamard_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_hadamard.variants; at->name; at++) {
		hadamard_function *function = hadamard_variant(at->name);
		bool is_definition = strcmp(at->name, "definition") == 0;
		if (!function)
			print_message("SKIP hadamard %s: this CPU cannot run it\n", at->name);
		for (unsigned k = 0; function && k <= 11; k++)
			if (!transforms_rightly(function, is_definition ? 1u << k : k,
						(size_t)1 << k, 1 + k % 3))
				fail_msg("hadamard %s is wrong at n=%u", at->name, 1u << k);
	}
}

/* One step is missing. */
static void short_hadamard(const struct hadamard_task *task)
{
	struct hadamard_task half = { task->rows * 2, task->n / 2, task->x, task->y };
	hadamard_variant("steps")(&half);
}

/* Ordered by sign changes ("Walsh order") is another matrix: here two rows are exchanged. */
static void exchanged_hadamard(const struct hadamard_task *task)
{
	hadamard_variant("steps")(task);
	float kept = task->y[1];
	task->y[1] = task->y[2];
	task->y[2] = kept;
}

static void scaled_hadamard(const struct hadamard_task *task)
{
	hadamard_variant("steps")(task);
	for (size_t i = 0; i < task->rows * task->n; i++)
		task->y[i] *= 1.00001f;
}

static void wrong_hadamards_are_refused(void **state)
{
	(void)state;
	assert_true(transforms_rightly(hadamard_variant("steps"), 6, 64, 1));
	assert_false(transforms_rightly(short_hadamard, 6, 64, 1));
	assert_false(transforms_rightly(exchanged_hadamard, 6, 64, 1));
	assert_false(transforms_rightly(scaled_hadamard, 6, 64, 1));
}

static void work_is_counted(void **state)
{
	struct hadamard_task hadamard = { 3, 8, NULL, NULL };
	uint32_t starts[] = { 0, 2, 2, 5 };
	struct spmv_task spmv = { .m = 3, .n = 4, .starts = starts };
	(void)state;
	assert_float_equal(hadamard_flops(&hadamard), 3 * 8 * 3, 0);
	assert_float_equal(hadamard_bytes(&hadamard), 3 * 8 * 8, 0);
	assert_float_equal(spmv_flops(&spmv), 10, 0);
	assert_float_equal(spmv_bytes(&spmv), 5 * 8 + 4 * 4 + 3 * 4 + 4 * 4, 0);
}

/* ---- sharing and pages */

static void every_counter_counts(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_sharing.variants; at->name; at++) {
		uint64_t counters[3] = { 7, UINT64_MAX - 2, 7 };
		sharing_variant(at->name)(&counters[1], 1000);
		assert_true(counters[0] == 7 && counters[1] == 997 && counters[2] == 7);
		sharing_variant(at->name)(&counters[1], 0);
		assert_true(counters[1] == 997);
	}
	assert_null(sharing_variant("nonsense"));
}

static void every_page_keeps_what_is_written(void **state)
{
	uint64_t faults[3] = { 0 };
	int n = 0;
	(void)state;
	for (const struct variant *at = kernel_page_touch.variants; at->name; at++) {
		for (size_t pages = 1; pages < 3000; pages = pages * 3 + 1) {
			struct page_touch touch = { .bytes = pages * PAGE_TOUCH_STEP,
						    .seed = 0xfedcba9876543210u };
			uint64_t right = 0;
			for (size_t i = 0; i < pages; i++)
				right += touch.seed + i;
			assert_true(page_touch_variant(at->name)(&touch));
			assert_true(touch.sum == right);
			assert_true(page_touch_sum(&touch) == right);
			faults[n] = touch.n_faults;
		}
		n++;
	}
	print_message("faults of 1093 pages: %llu small, %llu populated, %llu huge\n",
		      (unsigned long long)faults[0], (unsigned long long)faults[1],
		      (unsigned long long)faults[2]);
	/* Whether huge pages are given is not ours to say; that there are no more faults is. */
	assert_true(faults[2] <= faults[0] + 16);
	assert_true(faults[0] > 0);
	assert_float_equal(kernel_page_touch.bytes(3), 3 * 4096, 0);
}

static int run(const char *name, const char *a, const char *b, const char *c)
{
	const char *words[] = { name, a, b, c, "repeats=2", "threads=3", NULL };
	fflush(NULL);
	return workload_main(6, (char **)words);
}

static void workloads_pass_their_own_checks(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_spmv.variants; at->name; at++) {
		char variant[64];
		snprintf(variant, sizeof variant, "variant=%s", at->name);
		if (!spmv_variant(at->name))
			continue;
		assert_int_equal(run("spmv", variant, "rows=3001", "lengths=skewed"), 0);
		assert_int_equal(run("spmv", variant, "rows=50", "columns=near"), 0);
	}
	assert_int_equal(run("spmv", "rows=1", "lengths=skewed", "shares=rows"), 0);
	for (const struct variant *at = kernel_hadamard.variants; at->name; at++) {
		char variant[64];
		snprintf(variant, sizeof variant, "variant=%s", at->name);
		if (!hadamard_variant(at->name))
			continue;
		assert_int_equal(run("hadamard", variant, "size=0.1", "steps=10"), 0);
		assert_int_equal(run("hadamard", variant, "size=0.001", "steps=1"), 0);
	}
	for (int i = 0; i < 3; i++) {
		char variant[64];
		snprintf(variant, sizeof variant, "variant=%s", kernel_sharing.variants[i].name);
		assert_int_equal(run("sharing", variant, "n=1000", "layout=together"), 0);
		assert_int_equal(run("sharing", variant, "n=1000", "layout=apart"), 0);
		snprintf(variant, sizeof variant, "variant=%s", kernel_page_touch.variants[i].name);
		assert_int_equal(run("pages", variant, "size=9", "seed=3"), 0);
		assert_int_equal(run("pages", variant, "size=0.004", "seed=3"), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spmv_agrees_with_fp64),
		cmocka_unit_test(wrong_spmvs_are_refused),
		cmocka_unit_test(shares_have_as_many_values),
		cmocka_unit_test(every_hadamard_agrees_with_fp64),
		cmocka_unit_test(wrong_hadamards_are_refused),
		cmocka_unit_test(work_is_counted),
		cmocka_unit_test(every_counter_counts),
		cmocka_unit_test(every_page_keeps_what_is_written),
		cmocka_unit_test(workloads_pass_their_own_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
