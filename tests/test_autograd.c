/* Every gradient of the tensor engine against differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fixture_stride.h"
#include "workloads/support/autograd.h"
#include "workloads/support/random.h"
#include "workloads/support/tensor_simd.h"

enum { MOST_INPUTS = 4, MOST_CHECKED = 48 };

/* Values of the inputs are drawn from [low, high]. */
struct gradient_case {
	const char *name;
	struct tensor *(*build)(struct tape *tape, struct tensor **inputs);
	int n_inputs;
	struct shape shapes[MOST_INPUTS];
	double low, high;
};

static const int32_t picks[] = { 2, 0, 4, 2, 1, 3 };
static struct rope_table rope;

static struct tensor *add(struct tape *tape, struct tensor **in)
{
	return autograd_add(tape, in[0], in[1]);
}

static struct tensor *subtract(struct tape *tape, struct tensor **in)
{
	return autograd_subtract(tape, in[0], in[1]);
}

static struct tensor *multiply(struct tape *tape, struct tensor **in)
{
	return autograd_multiply(tape, in[0], in[1]);
}

static struct tensor *divide(struct tape *tape, struct tensor **in)
{
	return autograd_divide(tape, in[0], in[1]);
}

static struct tensor *scale(struct tape *tape, struct tensor **in)
{
	return autograd_scale(tape, in[0], -1.7F, 0.3F);
}

static struct tensor *relu(struct tape *tape, struct tensor **in)
{
	return autograd_relu(tape, in[0]);
}

static struct tensor *gelu(struct tape *tape, struct tensor **in)
{
	return autograd_gelu(tape, in[0]);
}

static struct tensor *silu(struct tape *tape, struct tensor **in)
{
	return autograd_silu(tape, in[0]);
}

static struct tensor *tanh_of(struct tape *tape, struct tensor **in)
{
	return autograd_tanh(tape, in[0]);
}

static struct tensor *sigmoid(struct tape *tape, struct tensor **in)
{
	return autograd_sigmoid(tape, in[0]);
}

static struct tensor *exp_of(struct tape *tape, struct tensor **in)
{
	return autograd_exp(tape, in[0]);
}

static struct tensor *sqrt_of(struct tape *tape, struct tensor **in)
{
	return autograd_sqrt(tape, in[0], 1e-3F);
}

static struct tensor *swiglu(struct tape *tape, struct tensor **in)
{
	return autograd_swiglu(tape, in[0], in[1]);
}

static struct tensor *reshape(struct tape *tape, struct tensor **in)
{
	struct tensor *a = autograd_reshape(tape, in[0], shape_2(4, 6));
	return autograd_multiply(tape, a, autograd_reshape(tape, a, shape_2(4, 6)));
}

static struct tensor *transpose_last(struct tape *tape, struct tensor **in)
{
	return autograd_transpose(tape, in[0], 1, 2);
}

static struct tensor *transpose_far(struct tape *tape, struct tensor **in)
{
	return autograd_transpose(tape, in[0], 0, 2);
}

static struct tensor *slice_rows(struct tape *tape, struct tensor **in)
{
	return autograd_slice(tape, in[0], 0, 1, 2);
}

static struct tensor *slice_columns(struct tape *tape, struct tensor **in)
{
	return autograd_slice(tape, in[0], 2, 1, 3);
}

static struct tensor *sum(struct tape *tape, struct tensor **in)
{
	return autograd_sum(tape, in[0]);
}

static struct tensor *mean(struct tape *tape, struct tensor **in)
{
	return autograd_mean(tape, in[0]);
}

static struct tensor *sum_middle(struct tape *tape, struct tensor **in)
{
	return autograd_sum_axis(tape, in[0], 1);
}

static struct tensor *sum_last(struct tape *tape, struct tensor **in)
{
	return autograd_sum_axis(tape, in[0], 2);
}

static struct tensor *embedding(struct tape *tape, struct tensor **in)
{
	return autograd_embedding(tape, in[0], picks, 6);
}

static struct tensor *matmul(struct tape *tape, struct tensor **in)
{
	return autograd_matmul(tape, in[0], in[1]);
}

static struct tensor *matmul_transposed(struct tape *tape, struct tensor **in)
{
	return autograd_matmul_transposed(tape, in[0], in[1]);
}

static struct tensor *softmax(struct tape *tape, struct tensor **in)
{
	return autograd_softmax(tape, in[0]);
}

static struct tensor *cross_entropy(struct tape *tape, struct tensor **in)
{
	return autograd_cross_entropy(tape, in[0], picks);
}

static struct tensor *layernorm(struct tape *tape, struct tensor **in)
{
	return autograd_layernorm(tape, in[0], in[1], in[2], 1e-5F);
}

static struct tensor *rmsnorm(struct tape *tape, struct tensor **in)
{
	return autograd_rmsnorm(tape, in[0], in[1], 1e-5F);
}

static struct tensor *rope_of(struct tape *tape, struct tensor **in)
{
	return autograd_rope(tape, in[0], &rope, 3);
}

static struct tensor *attention(struct tape *tape, struct tensor **in)
{
	return autograd_attention(tape, in[0], in[1], in[2], 5, 2);
}

static struct tensor *long_attention(struct tape *tape, struct tensor **in)
{
	return autograd_attention(tape, in[0], in[1], in[2], 130, 1);
}

/* x x + x: one input used three times. */
static struct tensor *shared(struct tape *tape, struct tensor **in)
{
	return autograd_add(tape, autograd_multiply(tape, in[0], in[0]), in[0]);
}

/* Two ways that meet again. */
static struct tensor *diamond(struct tape *tape, struct tensor **in)
{
	struct tensor *top = autograd_tanh(tape, in[0]);
	struct tensor *left = autograd_exp(tape, top), *right = autograd_scale(tape, top, 2, 1);
	return autograd_multiply(tape, left, autograd_add(tape, right, top));
}

#define S1(a)                                                                                      \
	{                                                                                          \
		1,                                                                                 \
		{                                                                                  \
			a                                                                          \
		}                                                                                  \
	}
#define S2(a, b)                                                                                   \
	{                                                                                          \
		2,                                                                                 \
		{                                                                                  \
			a, b                                                                       \
		}                                                                                  \
	}
#define S3(a, b, c)                                                                                \
	{                                                                                          \
		3,                                                                                 \
		{                                                                                  \
			a, b, c                                                                    \
		}                                                                                  \
	}
#define S4(a, b, c, d)                                                                             \
	{                                                                                          \
		4,                                                                                 \
		{                                                                                  \
			a, b, c, d                                                                 \
		}                                                                                  \
	}

static const struct gradient_case cases[] = {
	{ "add", add, 2, { S2(3, 5), S2(3, 5) }, -2, 2 },
	{ "add row", add, 2, { S3(2, 3, 5), S1(5) }, -2, 2 },
	{ "add column", add, 2, { S2(3, 5), S2(3, 1) }, -2, 2 },
	{ "add value", add, 2, { S2(3, 5), S1(1) }, -2, 2 },
	{ "add to value", add, 2, { S1(1), S2(3, 17) }, -2, 2 },
	{ "add across", add, 2, { S2(4, 1), S2(1, 6) }, -2, 2 },
	{ "add middle", add, 2, { S4(2, 1, 3, 2), S4(1, 4, 1, 2) }, -2, 2 },
	{ "subtract", subtract, 2, { S2(3, 5), S2(3, 5) }, -2, 2 },
	{ "subtract row", subtract, 2, { S2(3, 5), S1(5) }, -2, 2 },
	{ "subtract from row", subtract, 2, { S1(5), S2(3, 5) }, -2, 2 },
	{ "subtract from value", subtract, 2, { S1(1), S2(3, 5) }, -2, 2 },
	{ "multiply", multiply, 2, { S2(3, 17), S2(3, 17) }, -2, 2 },
	{ "multiply row", multiply, 2, { S2(3, 5), S1(5) }, -2, 2 },
	{ "multiply column", multiply, 2, { S2(3, 1), S2(3, 5) }, -2, 2 },
	{ "multiply value", multiply, 2, { S2(3, 40), S1(1) }, -2, 2 },
	{ "divide", divide, 2, { S2(3, 17), S2(3, 17) }, 0.5, 2 },
	{ "divide by row", divide, 2, { S2(3, 5), S1(5) }, 0.5, 2 },
	{ "divide by column", divide, 2, { S2(3, 5), S2(3, 1) }, 0.5, 2 },
	{ "divide value", divide, 2, { S1(1), S2(3, 5) }, 0.5, 2 },
	{ "divide column", divide, 2, { S2(3, 1), S2(3, 5) }, 0.5, 2 },
	{ "scale", scale, 1, { S2(3, 17) }, -2, 2 },
	{ "relu above", relu, 1, { S2(3, 17) }, 0.1, 2 },
	{ "relu below", relu, 1, { S2(3, 17) }, -2, -0.1 },
	{ "gelu", gelu, 1, { S2(3, 17) }, -3, 3 },
	{ "silu", silu, 1, { S2(3, 17) }, -3, 3 },
	{ "tanh", tanh_of, 1, { S2(3, 17) }, -2, 2 },
	{ "sigmoid", sigmoid, 1, { S2(3, 17) }, -4, 4 },
	{ "exp", exp_of, 1, { S2(3, 17) }, -2, 1 },
	{ "sqrt", sqrt_of, 1, { S2(3, 17) }, 0.3, 3 },
	{ "swiglu", swiglu, 2, { S2(3, 17), S2(3, 17) }, -3, 3 },
	{ "reshape", reshape, 1, { S3(2, 3, 4) }, -2, 2 },
	{ "transpose last", transpose_last, 1, { S3(2, 3, 4) }, -2, 2 },
	{ "transpose far", transpose_far, 1, { S4(2, 3, 4, 2) }, -2, 2 },
	{ "slice rows", slice_rows, 1, { S3(4, 3, 2) }, -2, 2 },
	{ "slice columns", slice_columns, 1, { S3(2, 3, 5) }, -2, 2 },
	{ "sum", sum, 1, { S2(3, 17) }, -2, 2 },
	{ "mean", mean, 1, { S2(3, 17) }, -2, 2 },
	{ "sum middle axis", sum_middle, 1, { S3(2, 3, 5) }, -2, 2 },
	{ "sum last axis", sum_last, 1, { S3(2, 3, 5) }, -2, 2 },
	{ "embedding", embedding, 1, { S2(5, 3) }, -2, 2 },
	{ "matmul", matmul, 2, { S2(5, 7), S2(7, 3) }, -1, 1 },
	{ "matmul of three axes", matmul, 2, { S3(2, 3, 7), S2(7, 33) }, -1, 1 },
	{ "matmul transposed", matmul_transposed, 2, { S2(5, 7), S2(13, 7) }, -1, 1 },
	{ "softmax", softmax, 1, { S2(3, 19) }, -2, 2 },
	{ "cross-entropy", cross_entropy, 1, { S2(6, 5) }, -2, 2 },
	{ "layernorm", layernorm, 3, { S2(3, 19), S1(19), S1(19) }, -2, 2 },
	{ "rmsnorm", rmsnorm, 2, { S2(3, 19), S1(19) }, -2, 2 },
	{ "rope", rope_of, 1, { S2(6, 24) }, -2, 2 },
	{ "attention", attention, 3, { S2(10, 12), S2(10, 12), S2(10, 12) }, -1, 1 },
	{ "long attention", long_attention, 3, { S2(130, 8), S2(130, 8), S2(130, 8) }, -1, 1 },
	{ "shared input", shared, 1, { S2(3, 5) }, -2, 2 },
	{ "diamond", diamond, 1, { S2(3, 5) }, -1, 1 },
};

static const struct tape_settings plain_settings = { .n_threads = 1 };

/* The sum of all outputs with fixed weights, in double. */
static double weighted(const struct tensor *out, const float *weights)
{
	double total = 0;
	for (size_t i = 0; i < out->n; i++)
		total += (double)out->data[i] * (double)weights[i];
	return total;
}

struct check {
	const struct gradient_case *what;
	struct tape *tape;
	float *values[MOST_INPUTS], *weights;
};

static struct tensor *build(const struct check *check, struct tensor **inputs, bool needs_gradient)
{
	for (int i = 0; i < check->what->n_inputs; i++) {
		inputs[i] = tape_constant(check->tape, check->what->shapes[i], check->values[i]);
		inputs[i]->needs_gradient = needs_gradient;
	}
	return check->what->build(check->tape, inputs);
}

static double value_at(const struct check *check, float *place, double value)
{
	struct tensor *inputs[MOST_INPUTS];
	float before = *place;
	tape_reset(check->tape);
	*place = (float)value;
	double result = weighted(build(check, inputs, false), check->weights);
	*place = before;
	return result;
}

/*
 * The five-point difference is exact to the fourth order. Its step is a power of two, so that no
 * rounding of the argument adds to that of the result: 1e-7 / 2^-5 is 3e-6 of a value.
 */
static double difference(const struct check *check, float *place)
{
	const double h = 0x1p-5;
	double x = (double)*place;
	return (8 * (value_at(check, place, x + h) - value_at(check, place, x - h)) -
		(value_at(check, place, x + 2 * h) - value_at(check, place, x - 2 * h))) /
	       (12 * h);
}

static void compare_gradients(struct check *check, struct random *random)
{
	const struct gradient_case *what = check->what;
	struct tensor *inputs[MOST_INPUTS];
	float *gradients[MOST_INPUTS];
	tape_reset(check->tape);
	struct tensor *out = build(check, inputs, true);
	check->weights = calloc(out->n, sizeof(float));
	for (size_t i = 0; i < out->n; i++)
		check->weights[i] = (float)(random_unit(random) * 2 - 1);
	tape_backward_from(check->tape, out, check->weights);
	for (int i = 0; i < what->n_inputs; i++) {
		assert_non_null(inputs[i]->gradient);
		gradients[i] = malloc(inputs[i]->n * sizeof(float));
		memcpy(gradients[i], inputs[i]->gradient, inputs[i]->n * sizeof(float));
	}
	for (int i = 0; i < what->n_inputs; i++) {
		size_t n = shape_count(&what->shapes[i]), step = n / MOST_CHECKED + 1;
		for (size_t j = 0; j < n; j += step) {
			double right = difference(check, &check->values[i][j]);
			double found = (double)gradients[i][j];
			if (!(fabs(found - right) <= 2e-4 + 2e-4 * fabs(right)))
				fail_msg("%s: input %d[%zu]: gradient %.7g, difference %.7g",
					 what->name, i, j, found, right);
		}
		free(gradients[i]);
	}
	free(check->weights);
}

static void check_case(const struct gradient_case *what, const struct tape_settings *settings)
{
	struct random random = { 12345 };
	struct check check = { .what = what, .tape = tape_new(settings) };
	for (int i = 0; i < what->n_inputs; i++) {
		size_t n = shape_count(&what->shapes[i]);
		check.values[i] = malloc(n * sizeof(float));
		for (size_t j = 0; j < n; j++) {
			/* 16 bits, so that adding the step is exact. */
			double unit = floor(random_unit(&random) * 65536) / 65536;
			check.values[i][j] = (float)(what->low + (what->high - what->low) * unit);
		}
	}
	compare_gradients(&check, &random);
	for (int i = 0; i < what->n_inputs; i++)
		free(check.values[i]);
	tape_free(check.tape);
}

static void gradients_equal_differences(void **state)
{
	(void)state;
	rope_table_make(&rope, 4, 12);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += FIXTURE_STRIDE)
		check_case(&cases[i], &plain_settings);
	rope_table_free(&rope);
}

/* The loops for older processors too, as far as this one has them. */
static void every_width_gives_the_same_gradients(void **state)
{
	const enum tensor_simd widths[] = { SIMD_PORTABLE, SIMD_AVX2, SIMD_AVX512 };
	(void)state;
	for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
		if (tensor_simd_use(widths[i]))
			gradients_equal_differences(NULL);
		else
			print_message("SKIP width %zu: this CPU cannot run it\n", i);
	}
	tensor_simd_use(SIMD_AUTO);
}

static void slow_modes_give_the_same_gradients(void **state)
{
	const struct tape_settings slow[] = {
		{ .memory = TAPE_MALLOC, .order = TAPE_SCAN, .matmul = MATMUL_IJP, .n_threads = 1 },
		{ .matmul = MATMUL_IPJ, .n_threads = 2 },
		{ .matmul = MATMUL_BLOCKED, .n_threads = 1 },
		{ .n_threads = 3 },
	};
	(void)state;
	rope_table_make(&rope, 4, 12);
	for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++)
		for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j += FIXTURE_STRIDE)
			check_case(&cases[j], &slow[i]);
	rope_table_free(&rope);
}

/* The check itself must be able to fail: a factor of 1.001 is far outside. */
static void wrong_backward(struct tape *tape, struct tensor *out)
{
	float *gradient = tape_gradient(tape, out->parents[0]);
	for (size_t i = 0; i < out->n; i++)
		gradient[i] += out->gradient[i] * 2.002F * out->parents[0]->data[i];
}

static const struct tensor_op op_wrong = { "wrong", wrong_backward };

static struct tensor *wrong_square(struct tape *tape, struct tensor **in)
{
	struct tensor *out = tape_tensor(tape, in[0]->shape);
	for (size_t i = 0; i < out->n; i++)
		out->data[i] = in[0]->data[i] * in[0]->data[i];
	out->parents[0] = in[0];
	return tape_record(tape, out, &op_wrong);
}

static void a_wrong_gradient_is_seen(void **state)
{
	struct tape *tape = tape_new(&plain_settings);
	float value = 1.5F, weight = 1;
	struct gradient_case what = { "wrong", wrong_square, 1, { S1(1) }, 0, 0 };
	struct check check = {
		.what = &what, .tape = tape, .values = { &value }, .weights = &weight
	};
	struct tensor *inputs[MOST_INPUTS];
	(void)state;
	struct tensor *out = build(&check, inputs, true);
	tape_backward(tape, out);
	double found = (double)inputs[0]->gradient[0], right = difference(&check, &value);
	assert_float_equal(right, 3, 1e-5);
	assert_true(fabs(found - right) > 2e-4 + 2e-4 * fabs(right));
	tape_free(tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_equal_differences),
		cmocka_unit_test(every_width_gives_the_same_gradients),
		cmocka_unit_test(slow_modes_give_the_same_gradients),
		cmocka_unit_test(a_wrong_gradient_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
