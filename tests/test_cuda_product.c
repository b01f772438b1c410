/*
 * The tensor engine's matrix products, attention, sums down columns, rotations and tables on the
 * emulated device, against fp64: every tile, transposed and batched, lengths on and off a tile's
 * edge, scores that leave one key; and results made wrong, which must be refused.
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
#include "workloads/support/random.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const double ROUNDING = 0x1p-24;

static float *numbers(size_t n, double size, uint64_t seed)
{
	struct random random = { seed };
	float *values = calloc(n + 1, sizeof *values);
	for (size_t i = 0; i < n; i++)
		values[i] = i % 10 == 9 ? 0 : (float)(size * (2 * random_unit(&random) - 1));
	return values;
}

static void launch(const char *family, const void *task)
{
	fixture_cuda_launch(fixture_cuda_kernels(family), task);
}

/* ---- products */

struct product_case {
	size_t m, n, k, n_batch;
	bool turns_a, turns_b, is_adding;
};

static struct cuda_product_task product_task(const struct product_case *c)
{
	struct cuda_product_task task = { .n_outer = c->n_batch, .n_inner = 2 };
	task.first = gemm_task_plain(c->m, c->n, c->k, NULL, NULL, NULL);
	task.first.is_adding = c->is_adding;
	if (c->turns_a) {
		task.first.a_row = 1;
		task.first.a_column = c->m;
	}
	if (c->turns_b) {
		task.first.b_row = 1;
		task.first.b_column = c->k;
	}
	task.inner = (struct cuda_steps){ c->m * c->k, c->k * c->n, c->m * c->n };
	task.outer = (struct cuda_steps){ 2 * task.inner.a, 2 * task.inner.b, 2 * task.inner.c };
	return task;
}

static bool cell_is_right(const struct cuda_product_task *task, const float *a, const float *b,
			  float old, float found)
{
	const struct gemm_task *one = &task->first;
	double sum = one->is_adding ? (double)old : 0, scale = fabs(sum);
	for (size_t p = 0; p < one->k; p++) {
		double term = (double)a[p * one->a_column] * (double)b[p * one->b_row];
		sum += term;
		scale += fabs(term);
	}
	return fabs((double)found - sum) <= ((double)one->k + 2) * ROUNDING * scale;
}

static bool products_are_right(const struct cuda_product_task *task, const float *a, const float *b,
			       const float *old, const float *found)
{
	const struct gemm_task *one = &task->first;
	size_t cells = one->m * one->n;
	bool is_right = true;
	for (size_t i = 0; i < task->n_outer * 2 * cells; i++) {
		size_t row = i % cells / one->n, column = i % one->n, at = i / cells;
		is_right &= cell_is_right(task, a + at * task->inner.a + row * one->a_row,
					  b + at * task->inner.b + column * one->b_column, old[i],
					  found[i]);
	}
	return is_right;
}

static bool multiplies(const struct cuda_kernel *kernel, const struct product_case *c, float wrong)
{
	struct cuda_product_task host = product_task(c), task = host;
	size_t n_a = c->n_batch * host.outer.a, n_b = c->n_batch * host.outer.b;
	size_t n_c = c->n_batch * host.outer.c;
	float *a = numbers(n_a, 40, 1), *b = numbers(n_b, 1, 2), *old = numbers(n_c, 9, 3);
	float *found = malloc(n_c * sizeof *found);
	task.first.a = fixture_cuda_give(a, n_a * sizeof *a);
	task.first.b = fixture_cuda_give(b, n_b * sizeof *b);
	task.first.c = fixture_cuda_give(old, n_c * sizeof *old);
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(found, task.first.c, n_c * sizeof *found);
	found[0] = found[0] * wrong + (wrong - 1);
	bool is_right = products_are_right(&host, a, b, old, found);
	fixture_cuda_free();
	free(a);
	free(b);
	free(old);
	free(found);
	return is_right;
}

static void every_tile_multiplies(void **state)
{
	static const struct product_case cases[] = {
		{ 1, 1, 1, 1, false, false, false },   { 5, 33, 17, 1, true, false, true },
		{ 33, 7, 40, 2, false, true, false },  { 65, 34, 16, 1, true, true, true },
		{ 32, 32, 32, 1, true, false, false },
	};
	(void)state;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("tensor_product"); at;
	     at = fixture_cuda_next(at))
		for (size_t i = 0; i < COUNT(cases); i++)
			if (!multiplies(at, &cases[i], 1))
				fail_msg("%s is wrong in case %zu", at->name, i);
}

/* Sizes at which the fitting one takes each of the others: 34 x 4 tiles of 32, 64 or 128. */
static void the_fitting_tile_is_found(void **state)
{
	static const struct product_case cases[] = {
		{ 34 * 64, 120, 2, 1, true, false, false },  /* 64 */
		{ 34 * 128, 250, 1, 1, true, false, false }, /* 128 */
		{ 66 * 128, 120, 1, 1, false, false, true }, /* 128, batched */
	};
	const struct cuda_kernel *kernel = fixture_cuda_kernels("tensor_product");
	(void)state;
	while (fixture_cuda_next(kernel))
		kernel = fixture_cuda_next(kernel);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_true(multiplies(kernel, &cases[i], 1));
}

/* One large product of plain rows: the last step of the ladder does it. */
static void a_large_product_goes_to_the_ladder(void **state)
{
	enum { M = 133 * 128, N = 3, K = 2 };
	const struct cuda_kernel *kernel = fixture_cuda_kernels("tensor_product");
	float *a = numbers(M * K, 1, 1), *b = numbers(K * N, 1, 2), *c = calloc(M * N, 4);
	struct cuda_product_task task = { .n_outer = 1, .n_inner = 1 };
	(void)state;
	while (fixture_cuda_next(kernel))
		kernel = fixture_cuda_next(kernel);
	task.first = gemm_task_plain(M, N, K, fixture_cuda_give(a, M * K * 4),
				     fixture_cuda_give(b, K * N * 4),
				     fixture_cuda_give(NULL, M * N * 4));
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(c, task.first.c, M * N * 4);
	for (size_t i = 0; i < M * N; i++)
		assert_true(cell_is_right(&task, a + i / N * K, b + i % N, 0, c[i]));
	fixture_cuda_free();
	free(a);
	free(b);
	free(c);
}

static void wrong_products_are_refused(void **state)
{
	const struct product_case c = { 5, 7, 9, 1, false, true, false };
	struct cuda_product_task triangle = { .n_outer = 1, .n_inner = 1, .reach = REACH_LOWER };
	const struct cuda_kernel *large;
	(void)state;
	assert_true(multiplies(fixture_cuda_kernels("tensor_product"), &c, 1));
	assert_false(multiplies(fixture_cuda_kernels("tensor_product"), &c, 1.001F));
	triangle.first = gemm_task_plain(4, 4, 4, NULL, NULL, NULL);
	large = fixture_cuda_next(fixture_cuda_kernels("tensor_product"));
	assert_non_null(strstr(large->launch(&triangle), "side-32"));
}

/* ---- attention: each head of each sequence by its definition, and by its gradient's */

struct attention_case {
	size_t n_sequences, n_heads, length, width;
	double size; /* of queries and keys */
};

struct arrays {
	size_t n;
	float *q, *k, *v, *gradient;                       /* given */
	float *out, *q_gradient, *k_gradient, *v_gradient; /* found */
};

/* One head: distances between tokens, and where it begins. */
struct head {
	size_t step, at, length, width;
	double scale;
	double *weights, *slopes; /* (length): of one query */
};

static double dot(const struct head *head, const float *a, size_t i, const float *b, size_t j,
		  double *size)
{
	double sum = 0;
	*size = 0;
	for (size_t p = 0; p < head->width; p++) {
		double term = (double)a[head->at + i * head->step + p] *
			      (double)b[head->at + j * head->step + p];
		sum += term;
		*size += fabs(term);
	}
	return sum;
}

/* Softmax of a query's scores; returns how far a rounding of the scores moves a weight. */
static double find_weights(const struct head *head, const struct arrays *with, size_t query)
{
	double most = -INFINITY, total = 0, largest = 0, size;
	for (size_t j = 0; j <= query; j++) {
		head->weights[j] = head->scale * dot(head, with->q, query, with->k, j, &size);
		most = fmax(most, head->weights[j]);
		largest = fmax(largest, head->scale * size);
	}
	for (size_t j = 0; j <= query; j++)
		total += head->weights[j] = exp(head->weights[j] - most);
	for (size_t j = 0; j <= query; j++)
		head->weights[j] /= total;
	return ((double)(head->width + head->length) + 16) * ROUNDING * (1 + 2 * largest);
}

/* Adds to doubles what the query gives, and to `bounds` what it may be off by. */
static void add_query(const struct head *head, const struct arrays *with, size_t query,
		      double *right[4], double *bounds[4])
{
	double error = find_weights(head, with, query), mean = 0, mean_size = 0, size;
	size_t q = head->at + query * head->step;
	for (size_t j = 0; j <= query; j++) {
		head->slopes[j] = dot(head, with->gradient, query, with->v, j, &size);
		mean += head->weights[j] * head->slopes[j];
		mean_size += head->weights[j] * size;
	}
	for (size_t j = 0; j <= query; j++) {
		size_t k = head->at + j * head->step;
		double weight = head->weights[j];
		dot(head, with->gradient, query, with->v, j, &size);
		double slope = head->scale * weight * (head->slopes[j] - mean);
		double slope_size = 4 * head->scale * weight * (size + mean_size);
		for (size_t p = 0; p < head->width; p++) {
			double terms[] = { weight * (double)with->v[k + p],
					   slope * (double)with->k[k + p],
					   slope * (double)with->q[q + p],
					   weight * (double)with->gradient[q + p] };
			double sizes[] = { fabs(terms[0]),
					   slope_size * fabs((double)with->k[k + p]),
					   slope_size * fabs((double)with->q[q + p]),
					   fabs(terms[3]) };
			size_t places[] = { q + p, q + p, k + p, k + p };
			for (int i = 0; i < 4; i++) {
				right[i][places[i]] += terms[i];
				bounds[i][places[i]] += error * sizes[i] + 1e-30;
			}
		}
	}
}

static bool arrays_are_right(const struct attention_case *c, const struct arrays *with)
{
	const float *found[] = { with->out, with->q_gradient, with->k_gradient, with->v_gradient };
	double *right[4], *bounds[4];
	bool is_right = true;
	struct head head = { .step = c->n_heads * c->width,
			     .length = c->length,
			     .width = c->width,
			     .scale = (double)(float)(1 / sqrt((double)c->width)),
			     .weights = calloc(c->length, sizeof(double)),
			     .slopes = calloc(c->length, sizeof(double)) };
	for (int i = 0; i < 4; i++) {
		right[i] = calloc(with->n, sizeof **right);
		bounds[i] = calloc(with->n, sizeof **bounds);
	}
	for (size_t i = 0; i < c->n_sequences * c->n_heads * c->length; i++) {
		size_t which = i / c->length, sequence = which / c->n_heads;
		head.at = sequence * c->length * head.step + which % c->n_heads * c->width;
		add_query(&head, with, i % c->length, right, bounds);
	}
	/* gradients are added to ones */
	for (size_t i = 0; i < 4 * with->n; i++) {
		double value = right[i / with->n][i % with->n] + (i >= with->n);
		double bound = bounds[i / with->n][i % with->n] + 4 * ROUNDING * (fabs(value) + 1);
		is_right &= fabs((double)found[i / with->n][i % with->n] - value) <= bound;
	}
	for (int i = 0; i < 4; i++) {
		free(right[i]);
		free(bounds[i]);
	}
	free(head.weights);
	free(head.slopes);
	return is_right;
}

static float *ones(size_t n)
{
	float *values = malloc(n * sizeof *values);
	for (size_t i = 0; i < n; i++)
		values[i] = 1;
	return values;
}

static void run_attention(const struct attention_case *c, struct arrays *with)
{
	size_t bytes = with->n * sizeof(float);
	size_t square = c->n_sequences * c->n_heads * c->length * c->length * sizeof(float);
	struct cuda_heads_task task = { .n_sequences = c->n_sequences,
					.n_heads = c->n_heads,
					.length = c->length,
					.width = c->width,
					.scale = (float)(1 / sqrt((double)c->width)),
					.q = fixture_cuda_give(with->q, bytes),
					.k = fixture_cuda_give(with->k, bytes),
					.v = fixture_cuda_give(with->v, bytes),
					.out = fixture_cuda_give(NULL, bytes),
					.weights = fixture_cuda_give(NULL, square) };
	launch("tensor_attention", &task);
	task.out_gradient = fixture_cuda_give(with->gradient, bytes);
	task.scores = fixture_cuda_give(NULL, square);
	task.q_gradient = fixture_cuda_give(with->q_gradient, bytes);
	task.k_gradient = fixture_cuda_give(with->k_gradient, bytes);
	task.v_gradient = fixture_cuda_give(with->v_gradient, bytes);
	launch("tensor_attention_back", &task);
	fixture_cuda_fetch(with->out, task.out, bytes);
	fixture_cuda_fetch(with->q_gradient, task.q_gradient, bytes);
	fixture_cuda_fetch(with->k_gradient, task.k_gradient, bytes);
	fixture_cuda_fetch(with->v_gradient, task.v_gradient, bytes);
	fixture_cuda_free();
}

/* wrong: which of the four results is made so; -1 = none */
static bool attends(const struct attention_case *c, int wrong)
{
	size_t n = c->n_sequences * c->n_heads * c->length * c->width;
	struct arrays with = { .n = n,
			       .q = numbers(n, c->size, 1),
			       .k = numbers(n, c->size, 2),
			       .v = numbers(n, 2, 3),
			       .gradient = numbers(n, 1, 4),
			       .out = ones(n),
			       .q_gradient = ones(n),
			       .k_gradient = ones(n),
			       .v_gradient = ones(n) };
	run_attention(c, &with);
	float *all[] = { with.q,   with.k,          with.v,          with.gradient,
			 with.out, with.q_gradient, with.k_gradient, with.v_gradient };
	if (wrong >= 0)
		all[4 + wrong][n / 2] = all[4 + wrong][n / 2] * 1.01F + 0.01F;
	bool is_right = arrays_are_right(c, &with);
	for (size_t i = 0; i < COUNT(all); i++)
		free(all[i]);
	return is_right;
}

static void attention_and_its_gradients_agree_with_fp64(void **state)
{
	static const struct attention_case
		cases[] = {
			{ 1, 1, 1, 2, 1 },   { 2, 2, 5, 6, 2 },  { 1, 2, 31, 4, 1 },
			{ 1, 1, 32, 8, 1 },  { 2, 1, 33, 4, 1 }, { 1, 1, 70, 34, 1 },
			{ 1, 1, 33, 4, 40 }, /* scores in the thousands: a weight of 1 and zeros */
		};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (!attends(&cases[i], -1))
			fail_msg("attention of %zu tokens is wrong (case %zu)", cases[i].length, i);
}

static void wrong_attention_is_refused(void **state)
{
	const struct attention_case c = { 1, 2, 9, 4, 1 };
	(void)state;
	for (int wrong = 0; wrong < 4; wrong++)
		assert_false(attends(&c, wrong));
}

/* ---- columns, rotations, tables: few roundings, or none */

static bool columns_add_up(size_t rows, size_t n, bool is_norm, float wrong)
{
	float *a = numbers(rows * n, 4, 1), *b = numbers(rows * n, 4, 2), *out = ones(n);
	float *kept = numbers(2 * rows, 1, 3);
	struct columns task = { .n_rows = rows, .n_columns = n };
	bool is_right = true;
	task.a = fixture_cuda_give(a, rows * n * 4);
	task.out = fixture_cuda_give(out, n * 4);
	if (is_norm) {
		task.b = fixture_cuda_give(b, rows * n * 4);
		task.shift = fixture_cuda_give(kept, 2 * rows * 4);
		task.scale = task.shift + 1;
		task.saved_step = 2;
	}
	launch("tensor_columns", &task);
	fixture_cuda_fetch(out, task.out, n * 4);
	out[n / 2] *= wrong;
	for (size_t j = 0; j < n; j++) {
		double sum = 1, size = 1;
		for (size_t i = 0; i < rows; i++) {
			double x = (double)b[i * n + j], shift = (double)kept[2 * i];
			double scale = (double)kept[2 * i + 1], term = (double)a[i * n + j];
			sum += is_norm ? term * (x - shift) * scale : term;
			size += fabs(term) * (is_norm ? (fabs(x) + fabs(shift)) * fabs(scale) : 1);
		}
		is_right &= fabs((double)out[j] - sum) <= ((double)rows + 4) * ROUNDING * size;
	}
	fixture_cuda_free();
	free(a);
	free(b);
	free(out);
	free(kept);
	return is_right;
}

static void columns_agree_with_fp64(void **state)
{
	static const size_t sizes[][2] = { { 1, 1 }, { 3, 31 }, { 33, 33 }, { 100, 70 } };
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(sizes); i++)
		assert_true(columns_add_up(sizes[i / 2][0], sizes[i / 2][1], i % 2, 1));
	assert_false(columns_add_up(3, 31, false, 1.001F));
}

static void rotations_turn_and_turn_back(void **state)
{
	enum { TOKENS = 7, HEADS = 2, HALF = 3, POSITIONS = 4, N = TOKENS * HEADS * 2 * HALF };
	float *a = numbers(N, 2, 1), cosine[POSITIONS * HALF], sine[POSITIONS * HALF];
	float turned[N], back[N];
	(void)state;
	for (size_t i = 0; i < POSITIONS * HALF; i++) {
		cosine[i] = cosf((float)i);
		sine[i] = sinf((float)i);
	}
	struct rotation task = { TOKENS,
				 HEADS,
				 HALF,
				 POSITIONS,
				 fixture_cuda_give(NULL, sizeof turned),
				 fixture_cuda_give(a, sizeof turned),
				 fixture_cuda_give(cosine, sizeof cosine),
				 fixture_cuda_give(sine, sizeof sine),
				 1,
				 false };
	launch("tensor_rotate", &task);
	fixture_cuda_fetch(turned, task.out, sizeof turned);
	for (size_t i = 0; i < N; i++) {
		size_t column = i % (2 * HALF), position = i / (2 * HALF * HEADS) % POSITIONS;
		double angle = (double)(float)(position * HALF + column % HALF);
		double other = (double)(column < HALF ? -a[i + HALF] : a[i - HALF]);
		double right = (double)a[i] * cos(angle) + other * sin(angle);
		assert_true(fabs((double)turned[i] - right) <= 8 * ROUNDING * 4);
	}
	task.a = task.out;
	task.out = fixture_cuda_give(a, sizeof turned);
	task.direction = -1;
	task.adds = true;
	launch("tensor_rotate", &task);
	fixture_cuda_fetch(back, task.out, sizeof back);
	for (size_t i = 0; i < N; i++)
		assert_true(fabsf(back[i] - 2 * a[i]) <= 1e-5F);
	fixture_cuda_free();
	free(a);
}

static void tables_are_read_and_added_to(void **state)
{
	static const int32_t indices[] = { 4, 0, 4, 1, 4 };
	enum { ROWS = 5, WIDTH = 33, N = 5 };
	float *values = numbers(ROWS * WIDTH, 1, 1), out[N * WIDTH], table[ROWS * WIDTH];
	(void)state;
	struct cuda_embedding_task task = { N,
					    ROWS,
					    WIDTH,
					    fixture_cuda_give(values, sizeof table),
					    fixture_cuda_give(NULL, sizeof out),
					    fixture_cuda_give(indices, sizeof indices) };
	launch("tensor_gather", &task);
	fixture_cuda_fetch(out, task.out, sizeof out);
	for (size_t i = 0; i < N * WIDTH; i++)
		assert_true(out[i] == values[(size_t)indices[i / WIDTH] * WIDTH + i % WIDTH]);
	launch("tensor_scatter", &task);
	fixture_cuda_fetch(table, task.table, sizeof table);
	for (size_t i = 0; i < ROWS * WIDTH; i++) {
		float times = i / WIDTH == 4 ? 4 : i / WIDTH < 2 ? 2 : 1;
		assert_true(fabsf(table[i] - times * values[i]) <= 1e-6F);
	}
	fixture_cuda_free();
	free(values);
}

static void gradients_of_entropy_are_softmax_less_one(void **state)
{
	static const int32_t targets[] = { 2, 0, 1 };
	enum { ROWS = 3, N = 5 };
	float *softmax = numbers(ROWS * N, 1, 1), *gradient = ones(ROWS * N), found[ROWS * N];
	const float out_gradient = 6;
	(void)state;
	struct cuda_entropy_task task = { ROWS,
					  N,
					  fixture_cuda_give(gradient, sizeof found),
					  fixture_cuda_give(softmax, sizeof found),
					  fixture_cuda_give(&out_gradient, sizeof out_gradient),
					  fixture_cuda_give(targets, sizeof targets) };
	launch("tensor_entropy_back", &task);
	fixture_cuda_fetch(found, task.gradient, sizeof found);
	for (size_t i = 0; i < ROWS * N; i++) {
		float less = i % N == (size_t)targets[i / N] ? 1 : 0;
		assert_true(fabsf(found[i] - (1 + 2 * (softmax[i] - less))) <= 1e-6F);
	}
	fixture_cuda_free();
	free(softmax);
	free(gradient);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tile_multiplies),
		cmocka_unit_test(wrong_products_are_refused),
		cmocka_unit_test(attention_and_its_gradients_agree_with_fp64),
		cmocka_unit_test(wrong_attention_is_refused),
		cmocka_unit_test(columns_agree_with_fp64),
		cmocka_unit_test(rotations_turn_and_turn_back),
		cmocka_unit_test(tables_are_read_and_added_to),
		cmocka_unit_test(gradients_of_entropy_are_softmax_less_one),
	};
	const struct CMUnitTest large[] = {
		cmocka_unit_test(the_fitting_tile_is_found),
		cmocka_unit_test(a_large_product_goes_to_the_ladder),
	};
	if (!fixture_cuda_open())
		return 1;
	int failed = fixture_cuda_both_orders(tests, sizeof tests / sizeof tests[0]);
	failed += cmocka_run_group_tests_name("large, from the last thread", large, NULL, NULL);
	fixture_cuda_close();
	return failed;
}
