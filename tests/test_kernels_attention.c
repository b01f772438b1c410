/*
 * Attention: every variant against fp64, for numbers of tokens and sizes of heads that fit no
 * block, with large, equal and zero scores, in shares; and wrong controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/kernel.h"
#include "tests/fixture_stride.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

extern const struct kernel kernel_attention;

enum { SENTINEL = 12345, SPARE = 5 };

enum magnitude { NORMAL, LARGE, ZEROS, EQUAL, ONE_FAR, MAGNITUDES };

struct problem {
	struct attention_task task;
	float *q, *k, *v;
	double *right, *allowed;
};

/* What a control gets wrong. */
struct mistake {
	bool sees_all, sees_next, forgets_scale, forgets_last, forgets_greatest, shifts_values;
	double factor;
};

static float element(enum magnitude magnitude, struct random *random, size_t token)
{
	double normal = random_normal(random);
	switch (magnitude) {
	case LARGE:
		return (float)(40 * normal);
	case ZEROS:
		return 0;
	case EQUAL:
		return 1.5f;
	case ONE_FAR:
		return (float)(token == 3 ? 100 * normal : normal / 100);
	default:
		return (float)normal;
	}
}

static size_t n_seen(const struct attention_task *task, size_t i, const struct mistake *mistake)
{
	size_t n = task->is_causal && !mistake->sees_all ? i + 1 : task->n_tokens;
	n += mistake->sees_next && n < task->n_tokens;
	return n - (mistake->forgets_last && n > 1);
}

/* Row i of y in fp64, and what roundings may do to it. */
static void right_row(const struct attention_task *task, size_t i, const struct mistake *mistake,
		      double *y, double *allowed)
{
	size_t n = task->n, seen = n_seen(task, i, mistake);
	double *score = calloc(seen, sizeof *score), most = -INFINITY, total = 0, shaky = 0;
	double scale = mistake->forgets_scale ? 1 : 1 / sqrt((double)n);
	for (size_t j = 0; j < seen; j++) {
		double absolute = 0;
		for (size_t p = 0; p < n; p++) {
			score[j] += (double)task->q[i * n + p] * task->k[j * n + p] * scale;
			absolute += fabs((double)task->q[i * n + p] * task->k[j * n + p]) * scale;
		}
		most = fmax(most, score[j]);
		shaky = fmax(shaky, absolute * ((double)n + 4) * 0x1p-24);
	}
	most = mistake->forgets_greatest ? 0 : most;
	for (size_t j = 0; j < seen; j++)
		total += exp(score[j] - most);
	double mean_error = 0;
	for (size_t p = 0; p < n; p++)
		y[p] = allowed[p] = 0;
	for (size_t j = 0; j < seen; j++) {
		double weight = exp(score[j] - most) / total;
		double error = expm1(2 * shaky) + (3 * fabs(score[j] - most) + 16) * 0x1p-24 +
			       (double)seen * 0x1p-23;
		const float *v = task->v + (mistake->shifts_values ? (j + 1) % seen : j) * n;
		mean_error += weight * error;
		for (size_t p = 0; p < n; p++) {
			y[p] += weight * v[p] * mistake->factor;
			allowed[p] += (weight * error + 0x1p-120) * fabs(v[p]);
		}
	}
	for (size_t p = 0; p < n; p++)
		allowed[p] += fabs(y[p]) * mean_error;
	free(score);
}

static void problem_make(struct problem *p, size_t n_tokens, size_t n, bool is_causal,
			 enum magnitude magnitude)
{
	static const struct mistake none = { .factor = 1 };
	struct random random = { n_tokens * 131 + n * 7 + magnitude };
	size_t cells = n_tokens * n;
	p->q = calloc(cells, sizeof *p->q);
	p->k = calloc(cells, sizeof *p->k);
	p->v = calloc(cells, sizeof *p->v);
	p->right = calloc(cells, sizeof *p->right);
	p->allowed = calloc(cells, sizeof *p->allowed);
	for (size_t i = 0; i < cells; i++) {
		p->q[i] = element(magnitude, &random, i / n);
		p->k[i] = element(magnitude, &random, i / n);
		p->v[i] = (float)random_normal(&random);
	}
	p->task = (struct attention_task){ .n_tokens = n_tokens,
					   .n = n,
					   .q = p->q,
					   .k = p->k,
					   .v = p->v,
					   .is_causal = is_causal };
	for (size_t i = 0; i < n_tokens; i++)
		right_row(&p->task, i, &none, p->right + i * n, p->allowed + i * n);
}

static void problem_free(struct problem *p)
{
	free(p->q);
	free(p->k);
	free(p->v);
	free(p->right);
	free(p->allowed);
}

static bool solves(const struct problem *p, attention_function *function, const char *name,
		   unsigned n_shares)
{
	struct attention_task task = p->task;
	size_t cells = task.n_tokens * task.n;
	float *y = malloc((cells + SPARE) * sizeof *y);
	bool is_good = true;
	task.workspace = malloc(attention_workspace_bytes(name, task.n_tokens, task.n, n_shares));
	for (size_t i = 0; i < cells + SPARE; i++)
		y[i] = SENTINEL;
	task.y = y;
	for (unsigned share = 0; share < n_shares; share++)
		function(&task, share, n_shares);
	for (size_t i = 0; i < cells; i++)
		is_good &= fabs(y[i] - p->right[i]) <= p->allowed[i];
	for (size_t i = cells; i < cells + SPARE; i++)
		is_good &= y[i] == SENTINEL;
	free(y);
	free(task.workspace);
	return is_good;
}

static void every_variant_agrees_with_fp64(void **state)
{
	static const size_t tokens[] = { 1,  2,  5,  6,  7,  13, 14,  15,  16,  31, 33,
					 63, 83, 84, 85, 96, 97, 127, 128, 129, 257 };
	static const size_t ns[] = { 1, 3, 8, 15, 16, 17, 32, 33, 64, 80, 100 };
	enum { N_TOKENS = sizeof tokens / sizeof tokens[0], N_NS = sizeof ns / sizeof ns[0] };
	(void)state;
	for (size_t i = 0; i < (size_t)N_TOKENS * MAGNITUDES * 2; i += FIXTURE_STRIDE) {
		size_t n_tokens = tokens[i / 2 / MAGNITUDES], n = ns[i % N_NS];
		struct problem p;
		problem_make(&p, n_tokens, n, i % 2, (enum magnitude)(i / 2 % MAGNITUDES));
		for (const struct variant *at = kernel_attention.variants; at->name; at++) {
			attention_function *function = attention_variant(at->name);
			if (!function && i == 0)
				print_message("SKIP attention %s: this CPU cannot run it\n",
					      at->name);
			for (unsigned n_shares = 1; function && n_shares <= 3; n_shares += 2)
				if (!solves(&p, function, at->name, n_shares))
					fail_msg("%s is wrong for %zu tokens of %zu, magnitude %zu",
						 at->name, n_tokens, n, i / 2 % MAGNITUDES);
		}
		problem_free(&p);
	}
	assert_null(attention_variant("nonsense"));
}

static struct mistake mistake; /* of wrong_attention */

static void wrong_attention(const struct attention_task *task, unsigned share, unsigned n_shares)
{
	double *y = calloc(2 * task->n, sizeof *y);
	for (size_t i = share; i < task->n_tokens; i += n_shares) {
		right_row(task, i, &mistake, y, y + task->n);
		for (size_t p = 0; p < task->n; p++)
			task->y[i * task->n + p] = (float)y[p];
	}
	free(y);
}

static void overrunning_attention(const struct attention_task *task, unsigned share,
				  unsigned n_shares)
{
	mistake = (struct mistake){ .factor = 1 };
	wrong_attention(task, share, n_shares);
	task->y[task->n_tokens * task->n] = 0;
}

static void wrong_attentions_are_refused(void **state)
{
	static const struct mistake wrong[] = {
		{ .factor = 1, .sees_all = true },
		{ .factor = 1, .sees_next = true },
		{ .factor = 1, .forgets_scale = true },
		{ .factor = 1, .forgets_last = true },
		{ .factor = 1, .shifts_values = true },
		{ .factor = 0 },
		{ .factor = 1.001 },
	};
	struct problem p;
	(void)state;
	problem_make(&p, 77, 33, true, NORMAL);
	mistake = (struct mistake){ .factor = 1 };
	assert_true(solves(&p, wrong_attention, "naive", 3));
	assert_false(solves(&p, overrunning_attention, "naive", 1));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		mistake = wrong[i];
		if (solves(&p, wrong_attention, "naive", 1))
			fail_msg("wrong control %zu passed", i);
	}
	problem_free(&p);
	/* Without the greatest taken away, scores of 40 x 40 overflow even in fp64. */
	problem_make(&p, 77, 33, true, LARGE);
	mistake = (struct mistake){ .factor = 1, .forgets_greatest = true };
	assert_false(solves(&p, wrong_attention, "naive", 1));
	problem_free(&p);
}

static void work_is_counted_pair_by_pair(void **state)
{
	struct attention_task task = { .n_tokens = 5, .n = 3, .is_causal = true };
	(void)state;
	assert_float_equal(attention_flops(&task), 15 * 16 + 15, 0);
	task.is_causal = false;
	assert_float_equal(attention_flops(&task), 25 * 16 + 15, 0);
	assert_float_equal(attention_bytes(&task), 4 * 4 * 15, 0);
	assert_float_equal(kernel_attention.flops(2048), 2048.0 * 2049 / 2 * 260 + 2048 * 64, 0);
}

static void the_workload_passes_its_own_checks(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_attention.variants; at->name; at++) {
		char variant[64];
		snprintf(variant, sizeof variant, "variant=%s", at->name);
		const char *words[] = { "attention", variant,     "tokens=150", "n=20",
					"heads=2",   "threads=3", "repeats=2",  NULL };
		fflush(NULL);
		if (attention_variant(at->name))
			assert_int_equal(workload_main(7, (char **)words), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_variant_agrees_with_fp64),
		cmocka_unit_test(wrong_attentions_are_refused),
		cmocka_unit_test(work_is_counted_pair_by_pair),
		cmocka_unit_test(the_workload_passes_its_own_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
