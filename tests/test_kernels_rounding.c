/*
 * Rounding to bf16: by every instruction set as by hand, and on the way into a product, which must
 * come out bit for bit as from operands that were rounded before.
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
#include "kernels/kernel.h"
#include "kernels/support/bf16.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/random.h"

extern const struct kernel kernel_gemm_bf16;

enum { N_VALUES = 4096 };

static float float_of(uint32_t bits)
{
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static void rounding_is_to_the_nearest(void **state)
{
	(void)state;
	const struct {
		uint32_t from;
		uint16_t to;
	} cases[] = {
		{ 0x3f800000, 0x3f80 },                         /* 1 */
		{ 0x3f808000, 0x3f80 },                         /* half-way, to even: down */
		{ 0x3f818000, 0x3f82 },                         /* half-way, to even: up */
		{ 0x3f808001, 0x3f81 }, { 0xff7fffff, 0xff80 }, /* the largest becomes infinite */
		{ 0x80000000, 0x8000 }, { 0x7f800000, 0x7f80 },
		{ 0x00000001, 0x0000 }, { 0x7f800001, 0x7fc0 }, /* NaN, whatever is left of it */
		{ 0xffffffff, 0xffff },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(bf16_from_f32(float_of(cases[i].from)), cases[i].to);
}

/* What a width makes of a value; half-way cases and the rest are the same for all. */
static uint16_t expected(float value, bool is_flushing)
{
	if (is_flushing && fpclassify(value) == FP_SUBNORMAL)
		return signbit(value) ? 0x8000 : 0;
	return bf16_from_f32(value);
}

static void every_width_rounds_alike(void **state)
{
	(void)state;
	const struct {
		bf16_round_function *round;
		bool (*is_usable)(void), is_flushing;
	} widths[] = {
		{ bf16_round_portable, NULL, false },
#if defined(__x86_64__)
		{ bf16_round_avx2, cpu_has_avx2, false },
		{ bf16_round_avx512, cpu_has_avx512, false },
		{ bf16_round_dot, cpu_has_avx512_bf16, true },
#endif
	};
	struct random random = { 7 };
	static float from[N_VALUES];
	static uint16_t to[N_VALUES + 1];
	for (size_t i = 0; i < N_VALUES; i++)
		from[i] = float_of((uint32_t)random_bits(&random));
	for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
		if (widths[w].is_usable && !widths[w].is_usable()) {
			print_message("SKIP width %zu: this CPU cannot run it\n", w);
			continue;
		}
		for (size_t n = 0; n <= N_VALUES; n = n < 70 ? n + 1 : n * 2) {
			to[n] = 4711;
			widths[w].round(to, from, n);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(to[i], expected(from[i], widths[w].is_flushing));
			assert_int_equal(to[n], 4711);
		}
	}
}

/* One product of floats and the same of what they are rounded to. */
struct pair {
	struct gemm_task wide, narrow;
	float *a, *b, *c, *c_too;
	uint16_t *narrow_a, *narrow_b;
};

static float *random_floats(size_t n, struct random *random)
{
	float *values = malloc((n + 1) * sizeof *values);
	for (size_t i = 0; i < n; i++)
		values[i] = (float)ldexp(random_unit(random) - 0.5, (int)(random_bits(random) % 9));
	return values;
}

static uint16_t *rounded(const float *values, size_t n)
{
	uint16_t *to = malloc((n + 1) * sizeof *to);
	for (size_t i = 0; i < n; i++)
		to[i] = bf16_from_f32(values[i]);
	return to;
}

/* layout: bit 0, 1: A, B transposed; bit 2: with every second element of both only. */
static void pair_make(struct pair *pair, const size_t sides[3], unsigned layout)
{
	size_t m = sides[0], n = sides[1], k = sides[2], step = layout & 4 ? 2 : 1;
	struct random random = { m + 1000 * n + 1000000 * k };
	pair->a = random_floats(m * k * step, &random);
	pair->b = random_floats(k * n * step, &random);
	pair->c = random_floats(m * n, &random);
	pair->c_too = malloc(m * n * sizeof *pair->c_too);
	memcpy(pair->c_too, pair->c, m * n * sizeof *pair->c_too);
	pair->narrow_a = rounded(pair->a, m * k * step);
	pair->narrow_b = rounded(pair->b, k * n * step);
	struct gemm_task task = gemm_task_plain(m, n, k, pair->a, pair->b, pair->c);
	task.a_row = step * (layout & 1 ? 1 : k);
	task.a_column = step * (layout & 1 ? m : 1);
	task.b_row = step * (layout & 2 ? 1 : n);
	task.b_column = step * (layout & 2 ? k : 1);
	task.is_adding = layout & 1;
	pair->wide = pair->narrow = task;
	pair->wide.is_rounding = true;
	pair->narrow.a = pair->narrow_a;
	pair->narrow.b = pair->narrow_b;
	pair->narrow.c = pair->c_too;
}

static void pair_free(struct pair *pair)
{
	free(pair->a);
	free(pair->b);
	free(pair->c);
	free(pair->c_too);
	free(pair->narrow_a);
	free(pair->narrow_b);
}

static void try_variant(const char *name, const size_t sides[3])
{
	gemm_function *gemm = gemm_bf16_variant(name);
	for (unsigned layout = 0; gemm && layout < 8; layout++) {
		struct pair pair;
		pair_make(&pair, sides, layout);
		gemm(&pair.wide);
		gemm(&pair.narrow);
		if (memcmp(pair.c, pair.c_too, sides[0] * sides[1] * sizeof *pair.c) != 0)
			fail_msg("gemm_bf16 %s rounds wrongly: %zu x %zu x %zu, layout %u", name,
				 sides[0], sides[1], sides[2], layout);
		pair_free(&pair);
	}
}

/* Around tiles (6, 8, 14, 16, 32), groups of strips (4 of 32) and blocks (168 x 1024, 512). */
static void products_round_as_they_pack(void **state)
{
	static const size_t sides[][3] = { { 1, 1, 1 },     { 14, 32, 2 },    { 15, 33, 3 },
					   { 7, 70, 31 },   { 57, 129, 40 },  { 31, 160, 65 },
					   { 170, 37, 11 }, { 29, 35, 1101 }, { 3, 4133, 5 } };
	(void)state;
	for (const struct variant *at = kernel_gemm_bf16.variants; at->name; at++) {
		if (strncmp(at->name, "packed", 6) != 0)
			continue;
		if (!gemm_bf16_variant(at->name))
			print_message("SKIP gemm_bf16 %s: this CPU cannot run it\n", at->name);
		for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
			try_variant(at->name, sides[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounding_is_to_the_nearest),
		cmocka_unit_test(every_width_rounds_alike),
		cmocka_unit_test(products_round_as_they_pack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
