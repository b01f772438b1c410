/*
 * Softmax, RMSNorm and LayerNorm: every variant against fp64, for rows that fit no vector and begin
 * at any address, with rows of zeros, of one value, of large and small numbers; and wrong controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"
#include "kernels/softmax.h"
#include "tests/fixture_rows.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

extern const struct kernel kernel_softmax, kernel_rmsnorm, kernel_layernorm;

enum kind { SOFTMAX, RMSNORM, LAYERNORM, KINDS };

enum { ROWS = FIXTURE_ROWS, SPARE = 5, SENTINEL = 12345 };

static const struct kernel *const all_kernels[KINDS] = { &kernel_softmax, &kernel_rmsnorm,
							 &kernel_layernorm };

static rows_function *variant_of(enum kind kind, const char *name)
{
	if (kind == SOFTMAX)
		return softmax_variant(name);
	return kind == RMSNORM ? rmsnorm_variant(name) : layernorm_variant(name);
}

struct problem {
	enum kind kind;
	struct rows_task task;
	float *x, *weight, *bias;
	double *right, *allowed;
};

static void right_softmax(struct problem *p, const float *x, size_t at, size_t n)
{
	double most = x[0], sum = 0;
	for (size_t j = 0; j < n; j++)
		most = fmax(most, x[j]);
	for (size_t j = 0; j < n; j++)
		sum += exp(x[j] - most);
	for (size_t j = 0; j < n; j++) {
		double y = exp(x[j] - most) / sum;
		/* x - most is rounded, and exp makes a relative error of an absolute one. */
		double rounded = fabs(x[j] - most) + (double)n + 16;
		p->right[at + j] = y;
		p->allowed[at + j] = rounded * 0x1p-24 * y + 0x1p-126;
	}
}

static void right_norm(struct problem *p, const float *x, size_t at, size_t n)
{
	double mean = 0, square = 0;
	for (size_t j = 0; j < n && p->kind == LAYERNORM; j++)
		mean += x[j] / (double)n;
	for (size_t j = 0; j < n; j++)
		square += (x[j] - mean) * (x[j] - mean) / (double)n;
	/* What rounding the mean and the sums may do to the divisor, and to the difference. */
	double root = sqrt(square + p->task.epsilon), greatest = 0;
	for (size_t j = 0; j < n; j++)
		greatest = fmax(greatest, fabs(x[j]));
	double shaky = p->kind == LAYERNORM ? greatest : 0;
	for (size_t j = 0; j < n; j++) {
		double scaled = (x[j] - mean) / root * p->weight[j];
		double bias = p->kind == LAYERNORM ? p->bias[j] : 0;
		double part = (fabs(x[j] - mean) + shaky * (1 + fabs(x[j] - mean) / root)) / root;
		p->right[at + j] = scaled + bias;
		p->allowed[at + j] =
			((double)n + 8) * 0x1p-24 * (part * fabs(p->weight[j]) + fabs(bias));
	}
}

static void problem_make(struct problem *p, enum kind kind, size_t n)
{
	struct random random = { n * 7 + kind };
	*p = (struct problem){ .kind = kind };
	p->x = calloc(ROWS * n, sizeof *p->x);
	p->weight = calloc(n, sizeof *p->weight);
	p->bias = calloc(n, sizeof *p->bias);
	p->right = calloc(ROWS * n, sizeof *p->right);
	p->allowed = calloc(ROWS * n, sizeof *p->allowed);
	p->task = (struct rows_task){ .rows = ROWS,
				      .n = n,
				      .x = p->x,
				      .weight = p->weight,
				      .bias = p->bias,
				      .epsilon = 1e-5f };
	for (size_t j = 0; j < n; j++) {
		p->weight[j] = (float)(1 + random_normal(&random) / 2);
		p->bias[j] = (float)random_normal(&random);
	}
	for (size_t i = 0; i < ROWS * n; i++)
		p->x[i] = fixture_element(i / n, &random, i % n);
	for (size_t row = 0; row < ROWS; row++) {
		if (kind == SOFTMAX)
			right_softmax(p, p->x + row * n, row * n, n);
		else
			right_norm(p, p->x + row * n, row * n, n);
	}
}

static void problem_free(struct problem *p)
{
	free(p->x);
	free(p->weight);
	free(p->bias);
	free(p->right);
	free(p->allowed);
}

/* y begins `shift` floats behind an aligned address; nothing around it may change. */
static bool solves(const struct problem *p, rows_function *function, size_t shift)
{
	size_t n = ROWS * p->task.n;
	float *y = aligned_alloc(64, (n + shift + SPARE + 16) * 4 / 64 * 64);
	float *scratch = malloc(n * sizeof *scratch);
	struct rows_task task = p->task;
	bool is_good = true;
	for (size_t i = 0; i < n + shift + SPARE; i++)
		y[i] = SENTINEL;
	task.y = y + shift;
	task.scratch = scratch;
	function(&task);
	for (size_t i = 0; i < n; i++)
		is_good &= fabs(task.y[i] - p->right[i]) <= p->allowed[i];
	for (size_t i = 0; i < shift; i++)
		is_good &= y[i] == SENTINEL;
	for (size_t i = n + shift; i < n + shift + SPARE; i++)
		is_good &= y[i] == SENTINEL;
	free(y);
	free(scratch);
	return is_good;
}

static void every_variant_agrees_with_fp64(void **state)
{
	static const size_t more[] = { 127, 255, 1023, 1024, 1025, 4096 };
	(void)state;
	for (size_t i = 0; i < 70 + sizeof more / sizeof more[0]; i++) {
		size_t n = i < 70 ? i + 1 : more[i - 70];
		for (int kind = 0; kind < KINDS; kind++) {
			struct problem p;
			problem_make(&p, (enum kind)kind, n);
			for (const struct variant *at = all_kernels[kind]->variants; at->name;
			     at++) {
				rows_function *function = variant_of((enum kind)kind, at->name);
				if (!function && n == 1)
					print_message("SKIP %s %s: this CPU cannot run it\n",
						      all_kernels[kind]->name, at->name);
				for (size_t shift = 0; function && shift < 17; shift += 4)
					if (!solves(&p, function, shift))
						fail_msg("%s %s is wrong at n=%zu",
							 all_kernels[kind]->name, at->name, n);
			}
			problem_free(&p);
		}
	}
}

static void shares_are_the_whole(const struct rows_task *task)
{
	for (unsigned share = 0; share < 3; share++) {
		struct rows_task part = rows_task_share(task, share, 3);
		softmax_variant("auto")(&part);
	}
}

static const struct problem *asked; /* by the controls */

static void control(const struct rows_task *task, double factor, double shift, bool has_weight)
{
	for (size_t i = 0; i < task->rows * task->n; i++) {
		double y = factor * asked->right[i] + shift;
		float weight = asked->weight[i % task->n];
		task->y[i] = (float)(has_weight ? y : y / weight);
	}
}

static void right_rows(const struct rows_task *task)
{
	control(task, 1, 0, true);
}

static void zero_rows(const struct rows_task *task)
{
	control(task, 0, 0, true);
}

static void scaled_rows(const struct rows_task *task)
{
	control(task, 1.05, 0, true);
}

static void shifted_rows(const struct rows_task *task)
{
	control(task, 1, 1e-3, true);
}

static void weightless_rows(const struct rows_task *task)
{
	control(task, 1, 0, false);
}

static void short_rows(const struct rows_task *task)
{
	control(task, 1, 0, true);
	task->y[task->n - 1] = 0;
}

static void overrunning_rows(const struct rows_task *task)
{
	control(task, 1, 0, true);
	task->y[task->rows * task->n] = 0;
}

static void wrong_rows_are_refused(void **state)
{
	rows_function *const wrong[] = { zero_rows,       scaled_rows, shifted_rows,
					 weightless_rows, short_rows,  overrunning_rows };
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct problem p;
		problem_make(&p, (enum kind)kind, 37);
		asked = &p;
		assert_true(solves(&p, right_rows, 3));
		for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
			if (solves(&p, wrong[i], 3))
				fail_msg("wrong control %zu passed for %s", i,
					 all_kernels[kind]->name);
		if (kind == SOFTMAX)
			assert_true(solves(&p, shares_are_the_whole, 1));
		problem_free(&p);
	}
}

static void the_workload_passes_its_own_checks(void **state)
{
	static const char *const kinds[] = { "kind=softmax", "kind=rmsnorm", "kind=layernorm" };
	static const char *const others[] = { "n=1000", "n=77" };
	(void)state;
	for (size_t i = 0; i < 3 * 4; i++) {
		const struct variant *at = &kernel_softmax.variants[i / 3];
		char variant[64];
		if (!at->name)
			break;
		snprintf(variant, sizeof variant, "variant=%s", at->name);
		const char *words[] = { "norm",     kinds[i % 3], variant,     others[i % 2],
					"size=1.3", "threads=3",  "repeats=3", NULL };
		fflush(NULL);
		if (softmax_variant(at->name))
			assert_int_equal(workload_main(7, (char **)words), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_variant_agrees_with_fp64),
		cmocka_unit_test(wrong_rows_are_refused),
		cmocka_unit_test(the_workload_passes_its_own_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
