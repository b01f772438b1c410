/*
 * The tensor engine's kernels for rows (softmax, norms, cross-entropy and their gradients), through
 * the emulation of CUDA's threads, against fp64: odd lengths, exponentials that overflow or vanish,
 * rows all the same; and results made wrong by a thousandth, which must be refused.
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

/* ---- rows: hosts' arrays, and what they should become */

enum { MOST_ROWS = 3 };

struct rows_case {
	struct rows host;
	float *out, *a, *b, *weights, *bias, *saved;
	int32_t targets[MOST_ROWS];
};

static struct rows_case rows_case(enum rows_kind kind, size_t n)
{
	size_t all = MOST_ROWS * n;
	struct rows_case c = { .a = right_numbers(all, -4, 4, 1 + n),
			       .b = right_numbers(all, -4, 4, 2),
			       .weights = right_numbers(n, 0.5, 1.5, 3),
			       .bias = right_numbers(n, -0.5, 0.5, 4),
			       .out = right_numbers(all, -1, 1, 5),
			       .saved = calloc(2 * MOST_ROWS, sizeof(float)),
			       .targets = { 0, (int32_t)(n / 2), (int32_t)n - 1 } };
	for (size_t j = 0; j < n; j++) {
		c.a[n + j] = 3;                      /* all the same */
		c.a[2 * n + j] = c.a[j] * 40 - 1000; /* large: exponentials that vanish */
		if (kind == ROWS_SOFTMAX_BACK)
			for (size_t row = 0; row < MOST_ROWS; row++)
				c.b[row * n + j] = 1 / (float)n;
	}
	c.host = (struct rows){ .kind = kind,
				.n_rows = MOST_ROWS,
				.n_columns = n,
				.out = c.out,
				.a = c.a,
				.b = c.b,
				.weights = c.weights,
				.bias = c.bias,
				.saved = c.saved,
				.targets = c.targets,
				.s = kind < ROWS_CROSS_ENTROPY ? 0.5F : 1e-5F,
				.adds = true };
	return c;
}

static void rows_case_free(struct rows_case *c)
{
	fixture_cuda_free();
	free(c->out);
	free(c->a);
	free(c->b);
	free(c->weights);
	free(c->bias);
	free(c->saved);
}

/* What forward keeps of a row of the input: mean and 1 / deviation, or 1 / root mean square. */
static void keep_row(struct rows_case *c, size_t row)
{
	size_t n = c->host.n_columns;
	const float *x =
		(c->host.kind == ROWS_RMSNORM_BACK || c->host.kind == ROWS_LAYERNORM_BACK ? c->b
											  : c->a) +
		row * n;
	bool is_layer = c->host.kind >= ROWS_LAYERNORM;
	double mean = 0, square = 0;
	for (size_t j = 0; j < n && is_layer; j++)
		mean += (double)x[j] / (double)n;
	for (size_t j = 0; j < n; j++)
		square += ((double)x[j] - mean) * ((double)x[j] - mean) / (double)n;
	if (is_layer)
		c->saved[2 * row] = (float)mean;
	c->saved[is_layer ? 2 * row + 1 : row] = (float)(1 / sqrt(square + (double)1e-5F));
}

/* The whole row's part of a formula, in double, and its size. */
struct row_sums {
	double most, sum, sum_size, product, product_size;
};

static struct row_sums sum_row(const struct rows_case *c, size_t row)
{
	const struct rows *with = &c->host;
	size_t n = with->n_columns;
	const float *a = c->a + row * n, *b = c->b + row * n;
	double s = with->kind == ROWS_SOFTMAX ? (double)with->s : 1;
	struct row_sums sums = { .most = -INFINITY };
	bool is_layer = with->kind == ROWS_LAYERNORM_BACK;
	double mean = is_layer ? (double)c->saved[2 * row] : 0;
	double scale = is_layer ? (double)c->saved[2 * row + 1] : 1;
	for (size_t j = 0; j < n; j++)
		sums.most = fmax(sums.most, s * (double)a[j]);
	for (size_t j = 0; j < n; j++) {
		bool is_softmax = with->kind == ROWS_SOFTMAX || with->kind == ROWS_CROSS_ENTROPY;
		double weight = with->kind == ROWS_SOFTMAX_BACK ? 1 : (double)c->weights[j];
		double term =
			is_softmax ? exp(s * (double)a[j] - sums.most) : (double)a[j] * weight;
		double product = (double)a[j] * weight * ((double)b[j] - mean) * scale;
		sums.sum += term;
		sums.sum_size += fabs(term);
		sums.product += product;
		sums.product_size +=
			fabs((double)a[j] * weight * scale) * (fabs((double)b[j]) + fabs(mean));
	}
	return sums;
}

static struct right right_norm(const struct rows_case *c, size_t row, size_t j)
{
	size_t n = c->host.n_columns;
	bool is_layer = c->host.kind == ROWS_LAYERNORM;
	double x = (double)c->a[row * n + j], weight = (double)c->weights[j];
	double mean = is_layer ? (double)c->saved[2 * row] : 0;
	double bias = is_layer ? (double)c->bias[j] : 0;
	double scale = (double)c->saved[is_layer ? 2 * row + 1 : row];
	return (struct right){ (x - mean) * scale * weight + bias,
			       (fabs(x) + fabs(mean)) * scale * fabs(weight) + fabs(bias) };
}

static struct right right_norm_back(const struct rows_case *c, size_t row, size_t j,
				    const struct row_sums *sums)
{
	size_t n = c->host.n_columns;
	double x = (double)c->b[row * n + j], a = (double)c->a[row * n + j];
	double weighted = a * (double)c->weights[j], count = (double)n;
	if (c->host.kind == ROWS_RMSNORM_BACK) {
		double scale = (double)c->saved[row], share = scale * scale / count * x;
		return (struct right){ scale * (weighted - share * sums->product),
				       scale * (fabs(weighted) +
						fabs(share) * sums->product_size) };
	}
	double mean = (double)c->saved[2 * row], scale = (double)c->saved[2 * row + 1];
	double hat = (x - mean) * scale, hat_size = (fabs(x) + fabs(mean)) * scale;
	return (struct right){ scale * (weighted - sums->sum / count - sums->product / count * hat),
			       scale * (fabs(weighted) + sums->sum_size / count +
					sums->product_size / count * hat_size) };
}

static struct right right_row(const struct rows_case *c, size_t row, size_t j, double old)
{
	size_t n = c->host.n_columns;
	struct row_sums sums = sum_row(c, row);
	double a = (double)c->a[row * n + j], b = (double)c->b[row * n + j];
	struct right right;
	switch (c->host.kind) {
	case ROWS_SOFTMAX:
	case ROWS_CROSS_ENTROPY:
		a *= c->host.kind == ROWS_SOFTMAX ? (double)c->host.s : 1;
		right.value = exp(a - sums.most) / sums.sum;
		/* a - most is rounded: what it loses is a relative error of its exponential */
		right.scale = right.value * (1 + fabs(a) + fabs(sums.most));
		return right;
	case ROWS_SOFTMAX_BACK:
		right.value = 0.5 * b * (a - sums.product);
		right.scale = 0.5 * fabs(b) * (fabs(a) + sums.product_size);
		break;
	case ROWS_RMSNORM:
	case ROWS_LAYERNORM:
		return right_norm(c, row, j);
	default:
		right = right_norm_back(c, row, j, &sums);
	}
	return (struct right){ old + right.value, fabs(old) + right.scale };
}

static bool saved_is_right(const struct rows_case *c, const float *found)
{
	size_t n = c->host.n_columns;
	bool is_good = true;
	for (size_t row = 0; row < MOST_ROWS && c->host.kind == ROWS_CROSS_ENTROPY; row++) {
		struct row_sums sums = sum_row(c, row);
		double target = (double)c->a[row * n + (size_t)c->targets[row]];
		struct right right = { sums.most + log(sums.sum) - target,
				       1 + fabs(sums.most) + fabs(target) };
		is_good &= right_is_near(found[row], right, (double)n + 16);
	}
	for (size_t i = 0; i < MOST_ROWS && c->host.kind == ROWS_RMSNORM; i++)
		is_good &=
			right_is_near(found[i], right_exactly((double)c->saved[i]), (double)n + 16);
	return is_good;
}

static bool rows_are_right(enum rows_kind kind, size_t n, float wrong)
{
	struct rows_case c = rows_case(kind, n);
	struct rows task = c.host;
	size_t bytes = MOST_ROWS * n * sizeof(float);
	bool is_back = kind == ROWS_RMSNORM_BACK || kind == ROWS_LAYERNORM_BACK, is_right = true;
	float *out = malloc(bytes), saved[2 * MOST_ROWS];
	for (size_t row = 0; row < MOST_ROWS && kind >= ROWS_RMSNORM; row++)
		keep_row(&c, row);
	task.out = fixture_cuda_give(c.out, bytes);
	task.a = fixture_cuda_give(c.a, bytes);
	task.b = fixture_cuda_give(c.b, bytes);
	task.weights = fixture_cuda_give(c.weights, n * sizeof(float));
	task.bias = fixture_cuda_give(c.bias, n * sizeof(float));
	task.saved = fixture_cuda_give(is_back ? c.saved : NULL, sizeof saved);
	task.targets = fixture_cuda_give(c.targets, sizeof c.targets);
	launch("tensor_rows", &task);
	fixture_cuda_fetch(out, task.out, bytes);
	fixture_cuda_fetch(saved, task.saved, sizeof saved);
	out[n / 3] *= wrong;
	for (size_t i = 0; i < MOST_ROWS * n; i++)
		is_right &= right_is_near(out[i], right_row(&c, i / n, i % n, (double)c.out[i]),
					  2 * (double)n + 32);
	is_right &= saved_is_right(&c, saved);
	rows_case_free(&c);
	free(out);
	return is_right;
}

static void rows_agree_with_fp64(void **state)
{
	static const size_t ns[] = { 1, 3, 33, 129 };
	(void)state;
	for (int kind = ROWS_SOFTMAX; kind <= ROWS_LAYERNORM_BACK; kind++)
		for (size_t i = 0; i < COUNT(ns); i++)
			if (!rows_are_right((enum rows_kind)kind, ns[i], 1))
				fail_msg("rows %d are wrong at n=%zu", kind, ns[i]);
}

static void wrong_rows_are_refused(void **state)
{
	(void)state;
	for (int kind = ROWS_SOFTMAX; kind <= ROWS_LAYERNORM_BACK; kind++)
		assert_false(rows_are_right((enum rows_kind)kind, 3, 1.001F));
}

/* Rows of a triangle, further apart than they are long. */
static void triangles_end_in_zeros(void **state)
{
	enum { N = 5, STEP = 7 };
	float a[N * STEP], out[N * STEP];
	struct rows task = { .kind = ROWS_SOFTMAX,
			     .n_rows = N,
			     .n_columns = N,
			     .row_step = STEP,
			     .s = 1,
			     .triangle = 2 };
	(void)state;
	for (size_t i = 0; i < N * STEP; i++)
		a[i] = 2;
	task.a = fixture_cuda_give(a, sizeof a);
	task.out = fixture_cuda_give(a, sizeof a);
	launch("tensor_rows", &task);
	fixture_cuda_fetch(out, task.out, sizeof out);
	for (size_t row = 0; row < N; row++)
		for (size_t j = 0; j < STEP; j++) {
			size_t seen = row + 2 < N ? row + 2 : N;
			float right = j >= N ? 2 : j < seen ? 1 / (float)seen : 0;
			assert_true(fabsf(out[row * STEP + j] - right) <= 1e-6F);
		}
	fixture_cuda_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_agree_with_fp64),
		cmocka_unit_test(wrong_rows_are_refused),
		cmocka_unit_test(triangles_end_in_zeros),
	};
	if (!fixture_cuda_open())
		return 1;
	int failed = fixture_cuda_both_orders(tests, sizeof tests / sizeof tests[0]);
	fixture_cuda_close();
	return failed;
}
