/*
 * Matrix products of bf16 and of bytes: bf16 against fp64, bytes exactly, in sizes that fit no
 * tile, with wrong controls. AMX's packing is tested on any CPU, through a model of what its
 * instructions do with the tiles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemm_bf16.h"
#include "kernels/gemm_int8.h"
#include "kernels/kernel.h"
#include "kernels/support/gemm_tiles_dot.h"
#include "kernels/support/gemv_weights.h"
#include "tests/fixture_stride.h"
#include "workloads/support/random.h"

extern const struct kernel kernel_gemm_bf16, kernel_gemm_int8;

enum type { BF16, INT8 };
enum layout { PLAIN, A_TRANSPOSED, B_TRANSPOSED, ADDING, LAYOUTS };
enum { SPARE = 3, SENTINEL = 12345 };

struct problem {
	enum type type;
	struct gemm_task task;
	void *a, *b;
	uint32_t *before; /* cells of C, as bits */
	double *right, *scale;
};

static size_t element_bytes(enum type type)
{
	return type == BF16 ? 2 : 1;
}

/* bf16: a tenth zeros, 40 binary orders. Bytes: all values, the extremes often. */
static void fill(enum type type, bool is_signed, void *values, size_t n, struct random *random)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t bits = random_bits(random);
		double value = ldexp(random_unit(random) - 0.5, (int)(bits % 40) - 20);
		uint8_t byte = (uint8_t)(bits >> 32);
		if (bits % 7 == 0)
			byte = is_signed ? (bits >> 40 & 1 ? 0x80 : 0x7f) : 0xff;
		if (type == BF16)
			((uint16_t *)values)[i] = bf16_from_f32(bits % 10 ? (float)value : 0);
		else
			((uint8_t *)values)[i] = byte;
	}
}

static double a_of(const struct problem *problem, size_t i, size_t p)
{
	size_t at = i * problem->task.a_row + p * problem->task.a_column;
	return problem->type == BF16 ? f32_from_bf16(((uint16_t *)problem->a)[at])
				     : ((uint8_t *)problem->a)[at];
}

static double b_of(const struct problem *problem, size_t p, size_t j)
{
	size_t at = p * problem->task.b_row + j * problem->task.b_column;
	return problem->type == BF16 ? f32_from_bf16(((uint16_t *)problem->b)[at])
				     : ((int8_t *)problem->b)[at];
}

static double c_of(enum type type, const uint32_t *cell)
{
	float f32;
	int32_t int32;
	memcpy(&f32, cell, sizeof f32);
	memcpy(&int32, cell, sizeof int32);
	return type == BF16 ? f32 : int32;
}

static void set_cell(enum type type, uint32_t *cell, double value)
{
	float f32 = (float)value;
	int32_t int32 = (int32_t)value;
	if (type == BF16)
		memcpy(cell, &f32, sizeof *cell);
	else
		memcpy(cell, &int32, sizeof *cell);
}

static void problem_right(struct problem *problem)
{
	const struct gemm_task *t = &problem->task;
	for (size_t i = 0; i < t->m; i++) {
		for (size_t j = 0; j < t->n; j++) {
			const uint32_t *cell = &problem->before[i * t->c_row + j];
			double sum = t->is_adding ? c_of(problem->type, cell) : 0;
			double scale = fabs(sum);
			for (size_t p = 0; p < t->k; p++) {
				double term = a_of(problem, i, p) * b_of(problem, p, j);
				sum += term;
				scale += fabs(term);
			}
			problem->right[i * t->n + j] = sum;
			problem->scale[i * t->n + j] = scale;
		}
	}
}

static void problem_make(struct problem *problem, enum type type, const size_t sides[3],
			 enum layout layout)
{
	size_t m = sides[0], n = sides[1], k = sides[2];
	struct random random = { m * 10007 + n * 101 + k };
	struct gemm_task *task = &problem->task;
	problem->type = type;
	problem->a = malloc((m * k + 1) * element_bytes(type));
	problem->b = malloc((k * n + 1) * element_bytes(type));
	problem->before = malloc(m * (n + SPARE) * sizeof *problem->before);
	problem->right = calloc(m * n + 1, sizeof(double));
	problem->scale = calloc(m * n + 1, sizeof(double));
	fill(type, false, problem->a, m * k, &random);
	fill(type, true, problem->b, k * n, &random);
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
	for (size_t i = 0; i < m * (n + SPARE); i++)
		set_cell(type, &problem->before[i],
			 i % (n + SPARE) < n ? 1000 * (random_unit(&random) - 0.5) : SENTINEL);
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

static bool is_right(const struct problem *problem, const uint32_t *c)
{
	const struct gemm_task *t = &problem->task;
	double unit = problem->type == BF16 ? ((double)t->k + 2) * 0x1p-24 : 0;
	for (size_t i = 0; i < t->m; i++) {
		for (size_t j = 0; j < t->c_row; j++) {
			double got = c_of(problem->type, &c[i * t->c_row + j]);
			double right = j < t->n ? problem->right[i * t->n + j] : SENTINEL;
			double allowed = j < t->n ? unit * problem->scale[i * t->n + j] : 0;
			if (!(fabs(got - right) <= allowed))
				return false;
		}
	}
	return true;
}

static bool solves(const struct problem *problem, gemm_function *gemm)
{
	struct gemm_task task = problem->task;
	size_t bytes = task.m * task.c_row * sizeof(uint32_t);
	uint32_t *c = malloc(bytes);
	memcpy(c, problem->before, bytes);
	task.c = c;
	gemm(&task);
	bool is_good = is_right(problem, c);
	free(c);
	return is_good;
}

#if defined(__x86_64__)
/* What TDPBF16PS makes of two by two tiles: B's row holds a pair of each column. */
static void model_bf16(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
		       bool is_adding)
{
	const uint16_t *x = a, *y = b;
	for (size_t cell = 0; cell < 32 * 32; cell++) {
		size_t i = cell / 32, j = cell % 32;
		float sum = is_adding ? ((float *)c)[i * c_row + j] : 0;
		for (size_t q = 0; q < n_groups * 32; q++)
			sum += f32_from_bf16(x[q / 32 * 1024 + i * 32 + q % 32]) *
			       f32_from_bf16(y[q / 32 * 1024 + q % 32 / 2 * 64 + j * 2 + q % 2]);
		((float *)c)[i * c_row + j] = sum;
	}
}

/* And TDPBUSD: four of each column. */
static void model_int8(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
		       bool is_adding)
{
	const uint8_t *x = a;
	const int8_t *y = b;
	for (size_t cell = 0; cell < 32 * 32; cell++) {
		size_t i = cell / 32, j = cell % 32;
		int32_t sum = is_adding ? ((int32_t *)c)[i * c_row + j] : 0;
		for (size_t q = 0; q < n_groups * 64; q++)
			sum += x[q / 64 * 2048 + i * 64 + q % 64] *
			       y[q / 64 * 2048 + q % 64 / 4 * 128 + j * 4 + q % 4];
		((int32_t *)c)[i * c_row + j] = sum;
	}
}

static void amx_bf16_model(const struct gemm_task *task)
{
	struct gemm_tile tile = gemm_tile_bf16_amx;
	tile.multiply = model_bf16;
	tile.begin = tile.end = NULL;
	gemm_blocks(&tile, task);
}

static void amx_int8_model(const struct gemm_task *task)
{
	struct gemm_tile tile = gemm_tile_int8_amx;
	tile.multiply = model_int8;
	tile.begin = tile.end = NULL;
	gemm_blocks(&tile, task);
}
#endif

static void all_variants_solve(enum type type, size_t m, size_t n, size_t k, enum layout layout)
{
	const struct kernel *kernel = type == BF16 ? &kernel_gemm_bf16 : &kernel_gemm_int8;
	struct problem problem;
	problem_make(&problem, type, (size_t[]){ m, n, k }, layout);
	for (const struct variant *at = kernel->variants; at->name; at++) {
		gemm_function *gemm =
			type == BF16 ? gemm_bf16_variant(at->name) : gemm_int8_variant(at->name);
		if (gemm && !solves(&problem, gemm))
			fail_msg("%s %s is wrong at m=%zu n=%zu k=%zu layout %d", kernel->name,
				 at->name, m, n, k, (int)layout);
	}
#if defined(__x86_64__)
	if (!solves(&problem, type == BF16 ? amx_bf16_model : amx_int8_model))
		fail_msg("%s: AMX's packing is wrong at m=%zu n=%zu k=%zu layout %d", kernel->name,
			 m, n, k, (int)layout);
#endif
	problem_free(&problem);
}

/* Around the sides of tiles and groups (2, 4, 6, 8, 14, 16, 32, 64) and in between. */
static const size_t SIZES[] = { 1, 2, 3, 5, 7, 13, 15, 17, 31, 33, 47, 63, 65, 70 };

enum { N_SIZES = sizeof SIZES / sizeof SIZES[0] };

static void try_all_sizes(enum type type)
{
	for (size_t i = 0; i < (size_t)N_SIZES * N_SIZES * N_SIZES; i += FIXTURE_STRIDE) {
		size_t m = i / N_SIZES / N_SIZES, n = i / N_SIZES % N_SIZES, k = i % N_SIZES;
		all_variants_solve(type, SIZES[m], SIZES[n], SIZES[k],
				   (enum layout)((m + n + k) % LAYOUTS));
	}
}

static void bf16_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_gemm_bf16.variants; at->name; at++)
		if (!gemm_bf16_variant(at->name))
			print_message("SKIP gemm_bf16 %s: this CPU cannot run it\n", at->name);
	try_all_sizes(BF16);
	assert_null(gemm_bf16_variant("nonsense"));
}

static void int8_is_exact(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_gemm_int8.variants; at->name; at++)
		if (!gemm_int8_variant(at->name))
			print_message("SKIP gemm_int8 %s: this CPU cannot run it\n", at->name);
	try_all_sizes(INT8);
	assert_null(gemm_int8_variant("nonsense"));
}

/* More than one packed block in each direction, and empty ones. */
static void products_cross_their_blocks(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * LAYOUTS; i += FIXTURE_LENGTH(1, 3)) {
		enum type type = i < LAYOUTS ? BF16 : INT8;
		enum layout layout = (enum layout)(i % LAYOUTS);
		all_variants_solve(type, 263, 37, 1101, layout);
		all_variants_solve(type, 15, 4133, 11, layout);
		all_variants_solve(type, 3, 5, 0, layout);
		all_variants_solve(type, 1, 1, 4099, layout);
	}
}

static const struct problem *asked; /* by the controls, which see only the task */

static void control(const struct gemm_task *t, size_t k, double factor)
{
	for (size_t i = 0; i < t->m; i++) {
		for (size_t j = 0; j < t->n; j++) {
			double sum = 0;
			for (size_t p = 0; p < k; p++)
				sum += a_of(asked, i, p) * b_of(asked, p, j);
			set_cell(asked->type, (uint32_t *)t->c + i * t->c_row + j, factor * sum);
		}
	}
}

static void right_gemm(const struct gemm_task *t)
{
	control(t, t->k, 1);
}

static void short_gemm(const struct gemm_task *t)
{
	control(t, t->k - 1, 1);
}

static void zero_gemm(const struct gemm_task *t)
{
	control(t, 0, 1);
}

static void scaled_gemm(const struct gemm_task *t)
{
	control(t, t->k, 1.05);
}

/* C rounded to the type of A: eight bits, as a kernel that keeps its sums in it would. */
static void rounded_gemm(const struct gemm_task *t)
{
	control(t, t->k, 1);
	for (size_t i = 0; i < t->m * t->c_row; i++)
		((uint32_t *)t->c)[i] &= i % t->c_row < t->n ? 0xffff0000 : 0xffffffff;
}

static void overrunning_gemm(const struct gemm_task *t)
{
	control(t, t->k, 1);
	((uint32_t *)t->c)[t->n] = 0;
}

static void wrong_products_are_refused(void **state)
{
	gemm_function *const wrong[] = { short_gemm, zero_gemm, scaled_gemm, rounded_gemm,
					 overrunning_gemm };
	(void)state;
	for (int type = BF16; type <= INT8; type++) {
		struct problem problem;
		problem_make(&problem, (enum type)type, (size_t[]){ 33, 17, 70 }, PLAIN);
		asked = &problem;
		assert_true(solves(&problem, right_gemm));
		for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
			if (solves(&problem, wrong[i]))
				fail_msg("wrong control %zu passed", i);
		problem_free(&problem);
	}
}

static void products_count_their_work(void **state)
{
	struct gemm_task task = gemm_task_plain(10, 10, 10, NULL, NULL, NULL);
	(void)state;
	assert_float_equal(gemm_bytes(&task, 2), kernel_gemm_bf16.bytes(10), 0);
	assert_float_equal(gemm_bytes(&task, 1), kernel_gemm_int8.bytes(10), 0);
	assert_float_equal(gemm_flops(&task), kernel_gemm_bf16.flops(10), 0);
	assert_float_equal(gemm_flops(&task), kernel_gemm_int8.flops(10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bf16_agrees_with_fp64),
		cmocka_unit_test(int8_is_exact),
		cmocka_unit_test(products_cross_their_blocks),
		cmocka_unit_test(wrong_products_are_refused),
		cmocka_unit_test(products_count_their_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
