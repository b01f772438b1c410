/*
 * Products with weights of 32 to 4 bits, bf16 on the tensor cores, attention and many launches,
 * without a GPU (cuda_emulation.hpp), each variant against fp64; and for each the controls that a
 * test must refuse: nothing written, results 5 % off, one of them off, other weights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "kernels/support/gemm_task.h"
#include "kernels/support/gemv_weights.h"
#include "tests/fixture_cuda.h"
#include "workloads/support/random.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum control { NO_CONTROL, ZEROS, SCALED, ONE_OFF, OTHER_WEIGHTS, N_CONTROLS };

static const double ROUNDING = 0x1p-24;

static float *numbers(size_t n, double size, uint64_t seed)
{
	struct random random = { seed };
	float *values = calloc(n + 1, sizeof *values);
	for (size_t i = 0; i < n; i++)
		values[i] = (float)(size * (2 * random_unit(&random) - 1));
	return values;
}

/* What a wrong kernel leaves. */
static void spoil(float *values, size_t n, enum control control)
{
	for (size_t i = 0; i < n; i++) {
		if (control == ZEROS)
			values[i] = 0;
		if (control == SCALED || (control == ONE_OFF && i == n / 2))
			values[i] *= 1.05f;
	}
}

/* Right without a control, refused with each. */
static void check_controls(const struct cuda_kernel *kernel,
			   bool (*is_right)(const struct cuda_kernel *, enum control))
{
	for (int control = NO_CONTROL; control < N_CONTROLS; control++)
		if (is_right(kernel, (enum control)control) != (control == NO_CONTROL))
			fail_msg("%s %s: control %d", kernel->family, kernel->name, control);
}

/* ---- a matrix of weights and a vector */

static const char *const weight_families[] = { "gemv_f32", "gemv_bf16", "gemv_int8", "gemv_int4" };

static enum gemv_type type_of(const struct cuda_kernel *kernel)
{
	int type = 0;
	while (strcmp(weight_families[type], kernel->family) != 0)
		type++;
	return (enum gemv_type)type;
}

static void fill_rows(struct gemv_weights *weights, size_t rows, uint64_t seed)
{
	for (size_t row = 0; row < rows; row++) {
		float *values = numbers(weights->n, 2, seed + row);
		gemv_weights_set_row(weights, row, values);
		free(values);
	}
}

static struct cuda_gemv_task gemv_on_device(const struct gemv_weights *weights,
					    const struct gemv_vector *x)
{
	size_t scales = weights->m * weights->row_scales;
	size_t padded = (x->n + GEMV_PADDING - 1) / GEMV_PADDING * GEMV_PADDING;
	struct cuda_gemv_task task = { .weights = *weights, .x = *x };
	task.weights.values = fixture_cuda_give(weights->values, weights->m * weights->row_bytes);
	if (weights->scales)
		task.weights.scales = fixture_cuda_give(weights->scales, scales * sizeof(float));
	if (weights->group_scales)
		task.weights.group_scales =
			fixture_cuda_give(weights->group_scales, scales * sizeof(uint16_t));
	task.x.values = fixture_cuda_give(x->values, x->n * sizeof(float));
	task.x.quantized = fixture_cuda_give(x->quantized, padded);
	task.y = fixture_cuda_give(NULL, weights->m * sizeof(float));
	return task;
}

static bool dot_is_right(const struct gemv_weights *weights, const struct gemv_vector *x,
			 size_t row, float y)
{
	bool is_whole = weights->type == GEMV_INT8 || weights->type == GEMV_INT4;
	double sum = 0, scale = 0;
	for (size_t j = 0; j < weights->n; j++) {
		double value = is_whole ? (double)x->scale * x->quantized[j] : (double)x->values[j];
		double term = gemv_weight(weights, row, j) * value;
		sum += term;
		scale += fabs(term);
	}
	return fabs((double)y - sum) <= ((double)weights->n + 8) * ROUNDING * scale;
}

static bool gemv_is_right(const struct cuda_kernel *kernel, size_t m, size_t n,
			  enum control control)
{
	struct gemv_weights weights;
	struct gemv_vector x;
	assert_true(gemv_weights_start(&weights, type_of(kernel), m, n));
	assert_true(gemv_vector_start(&x, n));
	float *values = numbers(n, 3, 99), *y = numbers(m, 1, 98);
	bool is_right = true;
	fill_rows(&weights, m, n);
	gemv_vector_set(&x, values);
	struct cuda_gemv_task task = gemv_on_device(&weights, &x);
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(y, task.y, m * sizeof *y);
	spoil(y, m, control);
	if (control == OTHER_WEIGHTS)
		fill_rows(&weights, 1, 12345);
	for (size_t row = 0; row < m; row++)
		is_right &= dot_is_right(&weights, &x, row, y[row]);
	fixture_cuda_free();
	gemv_weights_free(&weights);
	gemv_vector_free(&x);
	free(values);
	free(y);
	return is_right;
}

static bool one_gemv(const struct cuda_kernel *kernel, enum control control)
{
	return gemv_is_right(kernel, 9, 128, control);
}

static void every_width_of_weights_agrees_with_fp64(void **state)
{
	static const size_t shapes[][2] = { { 1, 8 }, { 37, 1000 }, { 300, 72 }, { 5, 4104 } };
	(void)state;
	for (size_t f = 0; f < COUNT(weight_families); f++)
		for (const struct cuda_kernel *at = fixture_cuda_kernels(weight_families[f]); at;
		     at = fixture_cuda_next(at)) {
			for (size_t i = 0; i < COUNT(shapes); i++)
				if (!gemv_is_right(at, shapes[i][0], shapes[i][1], NO_CONTROL))
					fail_msg("%s %s is wrong at %zu x %zu", at->family,
						 at->name, shapes[i][0], shapes[i][1]);
			if (strcmp(at->name, "row") == 0)
				assert_true(gemv_is_right(at, 3, 1001, NO_CONTROL));
			check_controls(at, one_gemv);
		}
}

/* ---- bf16 on the tensor cores */

static uint16_t *halves(const float *values, size_t n)
{
	uint16_t *out = calloc(n, sizeof *out);
	for (size_t i = 0; i < n; i++)
		out[i] = bf16_from_f32(values[i]);
	return out;
}

static bool cell_is_right(const struct gemm_task *task, size_t i, size_t j, double found)
{
	const uint16_t *a = task->a, *b = task->b;
	double sum = 0, scale = 0;
	for (size_t p = 0; p < task->k; p++) {
		double term = (double)f32_from_bf16(a[i * task->a_row + p]) *
			      (double)f32_from_bf16(b[p * task->b_row + j]);
		sum += term;
		scale += fabs(term);
	}
	/* Tensor cores cut where others round. */
	return fabs(found - sum) <= 4 * ((double)task->k + 2) * ROUNDING * scale;
}

static bool bf16_is_right(const struct cuda_kernel *kernel, const size_t shape[3],
			  enum control control)
{
	size_t m = shape[0], n = shape[1], k = shape[2];
	float *x = numbers(m * k, 2, 1), *w = numbers(k * n, 2, 2), *c = numbers(m * n, 2, 3);
	uint16_t *a = halves(x, m * k), *b = halves(w, k * n);
	struct gemm_task host = gemm_task_plain(m, n, k, a, b, c), task = host;
	bool is_right = true;
	task.a = fixture_cuda_give(a, m * k * sizeof *a);
	task.b = fixture_cuda_give(b, k * n * sizeof *b);
	task.c = fixture_cuda_give(c, m * n * sizeof *c);
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(c, task.c, m * n * sizeof *c);
	spoil(c, m * n, control);
	if (control == OTHER_WEIGHTS)
		b[n + 1] = bf16_from_f32(f32_from_bf16(b[n + 1]) + 1);
	for (size_t i = 0; i < m * n; i++)
		is_right &= cell_is_right(&host, i / n, i % n, (double)c[i]);
	fixture_cuda_free();
	free(x);
	free(w);
	free(c);
	free(a);
	free(b);
	return is_right;
}

static bool one_bf16(const struct cuda_kernel *kernel, enum control control)
{
	return bf16_is_right(kernel, (const size_t[]){ 16, 32, 16 }, control);
}

static void tensor_cores_agree_with_fp64(void **state)
{
	static const size_t shapes[][3] = { { 16, 16, 16 }, { 144, 160, 80 }, { 128, 128, 32 } };
	(void)state;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("gemm_bf16"); at;
	     at = fixture_cuda_next(at)) {
		for (size_t i = 0; i < COUNT(shapes); i++)
			if (!bf16_is_right(at, shapes[i], NO_CONTROL))
				fail_msg("gemm_bf16 %s is wrong at shape %zu", at->name, i);
		check_controls(at, one_bf16);
	}
}

/* ---- attention */

struct heads {
	size_t n_heads, n_tokens, n;
	bool is_causal;
};

static double score_of(const struct heads *heads, const float *q, const float *k)
{
	double sum = 0;
	for (size_t p = 0; p < heads->n; p++)
		sum += (double)q[p] * (double)k[p];
	return sum / sqrt((double)heads->n);
}

/* One query of one head; its tokens' keys and values. */
static bool query_is_right(const struct heads *heads, size_t query, const float *q, const float *k,
			   const float *v, const float *y)
{
	size_t n_keys = heads->is_causal ? query + 1 : heads->n_tokens, n = heads->n;
	double *shares = calloc(n_keys, sizeof *shares), most = -INFINITY, total = 0;
	bool is_right = true;
	for (size_t key = 0; key < n_keys; key++)
		most = fmax(most, shares[key] = score_of(heads, q, k + key * n));
	for (size_t key = 0; key < n_keys; key++)
		total += shares[key] = exp(shares[key] - most);
	for (size_t p = 0; p < n; p++) {
		double sum = 0, scale = 0;
		for (size_t key = 0; key < n_keys; key++) {
			sum += shares[key] / total * (double)v[key * n + p];
			scale += shares[key] / total * fabs((double)v[key * n + p]);
		}
		is_right &= fabs((double)y[p] - sum) <=
			    16 * ((double)(n + n_keys) + 16) * ROUNDING * scale;
	}
	free(shares);
	return is_right;
}

static bool attention_is_right(const struct cuda_kernel *kernel, const struct heads *heads,
			       enum control control)
{
	size_t head = heads->n_tokens * heads->n, all = heads->n_heads * head, bytes = all * 4;
	float *q = numbers(all, 2, 1), *k = numbers(all, 2, 2), *v = numbers(all, 2, 3);
	float *y = numbers(all, 2, 4);
	bool is_right = true;
	struct cuda_attention_task task = {
		heads->n_heads,
		heads->n_tokens,
		heads->n,
		fixture_cuda_give(q, bytes),
		fixture_cuda_give(k, bytes),
		fixture_cuda_give(v, bytes),
		fixture_cuda_give(y, bytes),
		fixture_cuda_give(NULL, heads->n_tokens * heads->n_tokens * 4),
		heads->is_causal,
	};
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(y, task.y, bytes);
	spoil(y, all, control);
	if (control == OTHER_WEIGHTS)
		k[0] += 4;
	for (size_t i = 0; i < heads->n_heads * heads->n_tokens; i++) {
		size_t from = i / heads->n_tokens * head;
		is_right &= query_is_right(heads, i % heads->n_tokens, q + i * heads->n, k + from,
					   v + from, y + i * heads->n);
	}
	fixture_cuda_free();
	free(q);
	free(k);
	free(v);
	free(y);
	return is_right;
}

static bool one_attention(const struct cuda_kernel *kernel, enum control control)
{
	return attention_is_right(kernel, &(const struct heads){ 1, 20, 16, false }, control);
}

static void attention_agrees_with_fp64(void **state)
{
	static const struct heads all[] = {
		{ 1, 1, 4, true },    { 2, 50, 40, true },  { 2, 33, 64, false },
		{ 1, 70, 33, false }, { 3, 32, 128, true },
	};
	(void)state;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("attention"); at;
	     at = fixture_cuda_next(at)) {
		for (size_t i = 0; i < COUNT(all); i++)
			if (!attention_is_right(at, &all[i], NO_CONTROL))
				fail_msg("attention %s is wrong at shape %zu", at->name, i);
		check_controls(at, one_attention);
	}
}

/* ---- many launches */

static bool counts(const struct cuda_kernel *kernel, size_t n, size_t n_launches, size_t expected)
{
	uint32_t *x = calloc(n, sizeof *x);
	bool is_right = true;
	for (size_t i = 0; i < n; i++)
		x[i] = (uint32_t)i * 7;
	struct cuda_launches_task task = { fixture_cuda_give(x, n * 4), n, n_launches };
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_launch(kernel, &task); /* a graph is made once */
	fixture_cuda_fetch(x, task.x, n * 4);
	for (size_t i = 0; i < n; i++)
		is_right &= x[i] == i * 7 + 2 * expected;
	fixture_cuda_free();
	free(x);
	return is_right;
}

static void launches_are_all_done(void **state)
{
	(void)state;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("launches"); at;
	     at = fixture_cuda_next(at)) {
		assert_true(counts(at, 1, 1, 1));
		assert_true(counts(at, 300, 17, 17));
		assert_true(counts(at, 513, 40, 40));
		assert_false(counts(at, 513, 40, 39));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_width_of_weights_agrees_with_fp64),
		cmocka_unit_test(tensor_cores_agree_with_fp64),
		cmocka_unit_test(attention_agrees_with_fp64),
		cmocka_unit_test(launches_are_all_done),
	};
	if (!fixture_cuda_open())
		return 1;
	/* It stays open: the library keeps its last graph. */
	return fixture_cuda_both_orders(tests, COUNT(tests));
}
