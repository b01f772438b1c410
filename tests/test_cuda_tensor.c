/*
 * The tensor engine's kernels for elements, through the emulation of CUDA's threads, against fp64:
 * odd sizes, magnitudes that overflow where a formula is careless; and results made wrong by a
 * thousandth, which must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tensor.h"
#include "tests/fixture_cuda.h"
#include "tests/fixture_right.h"
#include "workloads/support/random.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void launch(const char *family, const void *task)
{
	fixture_cuda_launch(fixture_cuda_kernels(family), task);
}

/* ---- elements */

static double bounded_exp(double x)
{
	return exp(x > 88 ? 88 : x < -87 ? -87 : x);
}

static double sigmoid(double x)
{
	return 1 / (1 + bounded_exp(-x));
}

static struct right gelu(double x)
{
	double inner = 0.7978845608 * (x + 0.044715 * x * x * x);
	return (struct right){ 0.5 * x * (1 + tanh(inner)), fabs(x) };
}

static struct right gelu_slope(double x)
{
	double t = tanh(0.7978845608 * (x + 0.044715 * x * x * x));
	double inner = 0.7978845608 * (1 + 3 * 0.044715 * x * x);
	return (struct right){ 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner, 1 + fabs(x * inner) };
}

static struct right silu_slope(double x)
{
	double at = sigmoid(x);
	return (struct right){ at * (1 + x * (1 - at)), at + fabs(x * at) };
}

static struct right times(double factor, struct right right)
{
	return (struct right){ factor * right.value, fabs(factor) * right.scale };
}

static struct right right_forward(const struct loop *with, double a, double b)
{
	double s = (double)with->s, t = (double)with->t;
	switch (with->kind) {
	case LOOP_ADD:
		return right_exactly(a + b);
	case LOOP_SUBTRACT:
		return right_exactly(a - b);
	case LOOP_MULTIPLY:
		return right_exactly(a * b);
	case LOOP_DIVIDE:
		return right_exactly(a / b);
	case LOOP_SCALE:
		return (struct right){ s * a + t, fabs(s * a) + fabs(t) };
	case LOOP_RELU:
		return right_exactly(fmax(a, 0));
	case LOOP_GELU:
		return gelu(a);
	case LOOP_SILU:
		return right_exactly(a * sigmoid(a));
	case LOOP_TANH:
		return right_exactly(tanh(a));
	case LOOP_SIGMOID:
		return right_exactly(sigmoid(a));
	case LOOP_EXP:
		return right_exactly(bounded_exp(a));
	case LOOP_SQRT:
		return right_exactly(sqrt(fmax(a, 0) + s));
	default:
		return right_exactly(a * sigmoid(a) * b);
	}
}

static struct right right_added(const struct loop *with, double a, double b, double c)
{
	double s = (double)with->s;
	switch (with->kind) {
	case LOOP_ADD_TO:
		return right_exactly(s * a);
	case LOOP_ADD_VALUE:
		return right_exactly(s);
	case LOOP_PRODUCT_TO:
		return right_exactly(s * a * b);
	case LOOP_QUOTIENT_TO:
		return right_exactly(a / b);
	case LOOP_DIVIDE_BACK:
		return right_exactly(-a * b / c);
	case LOOP_RELU_BACK:
		return right_exactly(b > 0 ? a : 0);
	case LOOP_GELU_BACK:
		return times(a, gelu_slope(b));
	case LOOP_SILU_BACK:
		return times(a, silu_slope(b));
	case LOOP_TANH_BACK:
		return (struct right){ a * (1 - b * b), fabs(a) * (1 + b * b) };
	case LOOP_SIGMOID_BACK:
		return (struct right){ a * b * (1 - b), fabs(a * b) * (1 + fabs(b)) };
	case LOOP_SQRT_BACK:
		return right_exactly(c > 0 ? a / (2 * b) : 0);
	case LOOP_SWIGLU_GATE_BACK:
		return times(a * c, silu_slope(b));
	default:
		return right_exactly(a * b * sigmoid(b));
	}
}

static struct right right_loop(const struct loop *with, size_t i, double old)
{
	double a = (double)with->a[i], b = (double)with->b[i], c = (double)with->c[i];
	if (with->kind < LOOP_ADD_TO)
		return right_forward(with, a, b);
	struct right right = right_added(with, a, b, c);
	return (struct right){ old + right.value, fabs(old) + right.scale };
}

/* Divisors and roots, which are not 0. */
static bool divides(enum loop_kind kind)
{
	return kind == LOOP_DIVIDE || kind == LOOP_QUOTIENT_TO || kind == LOOP_DIVIDE_BACK ||
	       kind == LOOP_SQRT_BACK;
}

static bool loops(enum loop_kind kind, size_t n, float wrong)
{
	float *a = right_numbers(n, -6, 6, 1 + n), *old = right_numbers(n, -1, 1, 4),
	      *out = calloc(n, 4);
	float *b = divides(kind) ? right_numbers(n, 0.5, 2, 2) : right_numbers(n, -6, 6, 2);
	float *c =
		kind == LOOP_DIVIDE_BACK ? right_numbers(n, 0.5, 2, 3) : right_numbers(n, -6, 6, 3);
	struct loop host = { kind, NULL, a, b, c, 0.75F, -0.5F, n }, task = host;
	task.out = fixture_cuda_give(old, n * 4);
	task.a = fixture_cuda_give(a, n * 4);
	task.b = fixture_cuda_give(b, n * 4);
	task.c = fixture_cuda_give(c, n * 4);
	launch("tensor_loop", &task);
	fixture_cuda_fetch(out, task.out, n * 4);
	out[n - 1] *= wrong;
	bool is_right = true;
	for (size_t i = 0; i < n; i++)
		is_right &= right_is_near(out[i], right_loop(&host, i, (double)old[i]), 16);
	fixture_cuda_free();
	free(a);
	free(b);
	free(c);
	free(old);
	free(out);
	return is_right;
}

static void loops_agree_with_fp64(void **state)
{
	static const size_t ns[] = { 1, 31, 257, 1001 };
	(void)state;
	for (int kind = 0; kind < LOOP_KINDS; kind++)
		for (size_t i = 0; i < COUNT(ns); i++)
			if (!loops((enum loop_kind)kind, ns[i], 1))
				fail_msg("loop %d is wrong at n=%zu", kind, ns[i]);
}

/* n = 1: the last one is no hard one, so a thousandth shows. */
static void wrong_loops_are_refused(void **state)
{
	static const enum loop_kind kinds[] = { LOOP_ADD, LOOP_EXP, LOOP_SCALE, LOOP_ADD_VALUE };
	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++)
		assert_false(loops(kinds[i], 1, 1.001F));
}

static void second_operands_are_repeated(void **state)
{
	static const enum loop_kind kinds[] = { LOOP_ADD, LOOP_SUBTRACT, LOOP_MULTIPLY,
						LOOP_DIVIDE };
	static const size_t seconds[] = { 1, 5, 7, 35 };
	enum { N = 35 };
	float *a = right_numbers(N, -2, 2, 1), *b = right_numbers(N, 0.5, 2, 2), out[N];
	(void)state;
	for (size_t i = 0; i < COUNT(kinds) * COUNT(seconds); i++) {
		struct loop host = { .kind = kinds[i / COUNT(seconds)] };
		struct cuda_pair_task task = { host.kind,
					       fixture_cuda_give(NULL, sizeof out),
					       fixture_cuda_give(a, sizeof out),
					       fixture_cuda_give(b, sizeof out),
					       N,
					       seconds[i % COUNT(seconds)] };
		launch("tensor_pair", &task);
		fixture_cuda_fetch(out, task.out, sizeof out);
		for (size_t j = 0; j < N; j++)
			assert_true(right_is_near(
				out[j], right_forward(&host, (double)a[j], (double)b[j % task.n_b]),
				2));
		fixture_cuda_free();
	}
	free(a);
	free(b);
}

static bool steps_of_adam(size_t n, float wrong)
{
	float *weights = right_numbers(n, -1, 1, 1), *gradients = right_numbers(n, -1, 1, 2);
	float *mean = right_numbers(n, -0.1, 0.1, 3), *square = right_numbers(n, 0, 1, 4);
	float *out = calloc(n, 4);
	struct adam_loop task = { .gradient_scale = 0.5F,
				  .mean_share = 0.9F,
				  .square_share = 0.95F,
				  .rate = 0.01F,
				  .epsilon = 1e-8F,
				  .keep = 0.999F,
				  .penalty = 0.25F,
				  .n = n };
	bool is_right = true;
	task.weights = fixture_cuda_give(weights, n * 4);
	task.gradients = fixture_cuda_give(gradients, n * 4);
	task.mean = fixture_cuda_give(mean, n * 4);
	task.square = fixture_cuda_give(square, n * 4);
	launch("tensor_adam", &task);
	fixture_cuda_fetch(out, task.weights, n * 4);
	out[n - 1] *= wrong;
	for (size_t i = 0; i < n; i++) {
		double g = (double)gradients[i] * 0.5 + 0.25 * (double)weights[i];
		double m = (double)mean[i] + (1 - (double)0.9F) * (g - (double)mean[i]);
		double s = (double)square[i] + (1 - (double)0.95F) * (g * g - (double)square[i]);
		double step = (double)0.01F * m / (sqrt(s) + (double)1e-8F);
		double kept = (double)0.999F * (double)weights[i];
		struct right right = { kept - step, fabs(kept) + fabs(step) };
		/* 1 - 0.95 loses four bits in single precision, and m may cancel */
		is_right &= right_is_near(out[i], right, 64);
	}
	fixture_cuda_free();
	free(weights);
	free(gradients);
	free(mean);
	free(square);
	free(out);
	return is_right;
}

static void adam_steps_as_written(void **state)
{
	(void)state;
	assert_true(steps_of_adam(1, 1));
	assert_true(steps_of_adam(1000, 1));
	assert_false(steps_of_adam(1, 1.001F));
}

/* Multiples of 1/8: exact in any order. */
static void totals_are_exact(void **state)
{
	static const size_t ns[] = { 1, 2, 255, 256, 257, 5001 };
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(ns); i++) {
		size_t n = ns[i / 2], n_parts = i % 2 ? 7 : 1;
		float *a = calloc(n, 4), *b = calloc(n, 4), mean = NAN;
		double right = 0, sum = 0, squares = 0, parts[7];
		for (size_t j = 0; j < n; j++) {
			a[j] = (float)(j % 100) / 8 - 3;
			b[j] = (float)(j % 3);
			right += (double)a[j] * (double)b[j];
			squares += (double)a[j];
		}
		struct cuda_total_task task = { .a = fixture_cuda_give(a, n * 4),
						.b = fixture_cuda_give(b, n * 4),
						.n = n,
						.n_parts = n_parts,
						.parts = fixture_cuda_give(NULL, sizeof parts) };
		launch("tensor_total", &task);
		fixture_cuda_fetch(parts, task.parts, n_parts * sizeof *parts);
		for (size_t j = 0; j < n_parts; j++)
			sum += parts[j];
		assert_true(sum == right);
		task.b = NULL;
		task.n_parts = 1;
		task.scale = 0.25;
		task.out = fixture_cuda_give(NULL, 4);
		launch("tensor_total", &task);
		fixture_cuda_fetch(&mean, task.out, 4);
		assert_true(mean == (float)(0.25 * squares));
		fixture_cuda_free();
		free(a);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops_agree_with_fp64),
		cmocka_unit_test(wrong_loops_are_refused),
		cmocka_unit_test(second_operands_are_repeated),
		cmocka_unit_test(adam_steps_as_written),
		cmocka_unit_test(totals_are_exact),
	};
	if (!fixture_cuda_open())
		return 1;
	int failed = fixture_cuda_both_orders(tests, sizeof tests / sizeof tests[0]);
	fixture_cuda_close();
	return failed;
}
