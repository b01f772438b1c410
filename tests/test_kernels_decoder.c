/*
 * RoPE, SwiGLU and cross-entropy against fp64, for lengths that fit no vector, at any address, with
 * large, small, equal and zero numbers; and wrong controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cross_entropy.h"
#include "kernels/kernel.h"
#include "kernels/rope.h"
#include "kernels/swiglu.h"
#include "tests/fixture_rows.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

extern const struct kernel kernel_cross_entropy, kernel_rope, kernel_swiglu;

enum { SENTINEL = 12345, SPARE = 20, ROWS = FIXTURE_ROWS };

static float *filled(size_t rows, size_t n, uint64_t seed)
{
	struct random random = { seed };
	float *x = calloc(rows * n + 1, sizeof *x);
	for (size_t i = 0; i < rows * n; i++)
		x[i] = fixture_element(i / n, &random, i % n);
	return x;
}

/* An output of n behind `shift` floats that must stay what they are, as must those behind. */
struct output {
	float *memory, *y;
	size_t n, shift;
};

static struct output output_make(size_t n, size_t shift)
{
	float *memory = aligned_alloc(64, (n + shift + SPARE + 16) * 4 / 64 * 64);
	for (size_t i = 0; i < n + shift + SPARE; i++)
		memory[i] = SENTINEL;
	return (struct output){ memory, memory + shift, n, shift };
}

static bool output_close(const struct output *output)
{
	bool is_good = true;
	for (size_t i = 0; i < output->shift; i++)
		is_good &= output->memory[i] == SENTINEL;
	for (size_t i = 0; i < SPARE; i++)
		is_good &= output->y[output->n + i] == SENTINEL;
	free(output->memory);
	return is_good;
}

static void tell_skipped(const struct kernel *kernel, const char *variant)
{
	print_message("SKIP %s %s: this CPU cannot run it\n", kernel->name, variant);
}

/* ---- rope: ROWS tokens of three heads */

enum { HEADS = 3, FIRST = 100000 };

static bool turns_rightly(rope_function *function, size_t half, size_t shift)
{
	size_t n = (size_t)ROWS * HEADS * 2 * half;
	float *x = filled((size_t)ROWS * HEADS, 2 * half, half);
	float *table = calloc(2 * ROWS * half, sizeof *table);
	struct output out = output_make(n, shift);
	struct rope_task task = { ROWS,  HEADS, half,
				  FIRST, 10000, x,
				  out.y, table, table + ROWS * half };
	bool is_good = true;
	rope_fill(&task, table, table + ROWS * half);
	function(&task, 0, 2);
	is_good &= out.y[(size_t)2 * HEADS * 2 * half] == SENTINEL; /* not asked for yet */
	function(&task, 2, ROWS);
	for (size_t i = 0; i < n; i++) {
		size_t token = i / (2 * half) / HEADS, j = i % (2 * half);
		double angle =
			(double)(FIRST + token) * pow(10000, -(double)(j % half) / (double)half);
		double other = j < half ? -x[i + half] : x[i - half];
		double right = x[i] * cos(angle) + other * sin(angle);
		is_good &= fabs(out.y[i] - right) <= 3 * 0x1p-24 * (fabs(x[i]) + fabs(other));
	}
	free(x);
	free(table);
	return output_close(&out) && is_good;
}

static void every_rope_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_rope.variants; at->name; at++) {
		rope_function *function = rope_variant(at->name);
		if (!function)
			tell_skipped(&kernel_rope, at->name);
		for (size_t half = 1; function && half < 140; half += half < 40 ? 1 : 23)
			for (size_t shift = 0; shift < 4; shift += 3)
				if (!turns_rightly(function, half, shift))
					fail_msg("rope %s is wrong at %zu pairs", at->name, half);
	}
	struct rope_task task = { .n_tokens = 2, .n_heads = 3, .half = 5 };
	assert_float_equal(rope_flops(&task), 2 * 3 * 5 * 6, 0);
	assert_float_equal(rope_bytes(&task), 8 * 2 * 3 * 10 + 8 * 2 * 5, 0);
}

static void backward_rope(const struct rope_task *task, size_t from, size_t to)
{
	struct rope_task other = *task;
	float *sines = calloc(task->n_tokens * task->half, sizeof *sines);
	for (size_t i = 0; i < task->n_tokens * task->half; i++)
		sines[i] = -task->sines[i];
	other.sines = sines;
	rope_variant("table")(&other, from, to);
	free(sines);
}

/* A position too far. */
static void late_rope(const struct rope_task *task, size_t from, size_t to)
{
	struct rope_task other = *task;
	other.first_position++;
	rope_variant("computed")(&other, from, to);
}

/* Angles in f32: of position 100,000 little is left of them. */
static void rough_rope(const struct rope_task *task, size_t from, size_t to)
{
	size_t cells = task->n_tokens * task->half;
	float *table = calloc(2 * cells, sizeof *table);
	struct rope_task other = *task;
	for (size_t i = 0; i < cells; i++) {
		float position = (float)(task->first_position + i / task->half);
		float frequency = powf(10000, -(float)(i % task->half) / (float)task->half);
		table[i] = cosf(position * frequency);
		table[cells + i] = sinf(position * frequency);
	}
	other.cosines = table;
	other.sines = table + cells;
	rope_variant("table")(&other, from, to);
	free(table);
}

static void wrong_ropes_are_refused(void **state)
{
	(void)state;
	assert_true(turns_rightly(rope_variant("table"), 20, 1));
	assert_false(turns_rightly(backward_rope, 20, 1));
	assert_false(turns_rightly(late_rope, 20, 1));
	assert_false(turns_rightly(rough_rope, 20, 1));
}

/* ---- swiglu */

static bool gates_rightly(swiglu_function *function, size_t n, size_t shift)
{
	size_t cells = ROWS * n;
	float *gate = filled(ROWS, n, n), *up = filled(ROWS, n, n + 1);
	float *scratch = calloc(cells, sizeof *scratch);
	struct output out = output_make(cells, shift);
	bool is_good = true;
	function(&(struct swiglu_task){ cells, gate, up, out.y, scratch });
	for (size_t i = 0; i < cells; i++) {
		double right = gate[i] / (1 + exp(-(double)gate[i])) * up[i];
		double allowed = 16 * 0x1p-24 * fabs(right) + 0x1p-100;
		is_good &= fabs(out.y[i] - right) <= allowed;
	}
	free(gate);
	free(up);
	free(scratch);
	return output_close(&out) && is_good;
}

static void every_swiglu_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_swiglu.variants; at->name; at++) {
		swiglu_function *function = swiglu_variant(at->name);
		if (!function)
			tell_skipped(&kernel_swiglu, at->name);
		for (size_t n = 1; function && n < 1200; n = n < 40 ? n + 1 : n * 2 + 1)
			for (size_t shift = 0; shift < 17; shift += 4)
				if (!gates_rightly(function, n, shift))
					fail_msg("swiglu %s is wrong at n=%zu", at->name, n);
	}
}

static void ungated_swiglu(const struct swiglu_task *task)
{
	for (size_t i = 0; i < task->n; i++)
		task->y[i] = task->gate[i] / (1 + expf(-task->gate[i]));
}

/* exp(g) / (1 + exp(g)) overflows for large g. */
static void overflowing_swiglu(const struct swiglu_task *task)
{
	for (size_t i = 0; i < task->n; i++) {
		float e = expf(task->gate[i]);
		task->y[i] = task->gate[i] * (e / (1 + e)) * task->up[i];
	}
}

static void exchanged_swiglu(const struct swiglu_task *task)
{
	struct swiglu_task other = *task;
	other.gate = task->up;
	other.up = task->gate;
	swiglu_variant("fused")(&other);
}

static void wrong_swiglus_are_refused(void **state)
{
	(void)state;
	assert_true(gates_rightly(swiglu_variant("fused"), 33, 1));
	assert_false(gates_rightly(ungated_swiglu, 33, 1));
	assert_false(gates_rightly(overflowing_swiglu, 33, 1));
	assert_false(gates_rightly(exchanged_swiglu, 33, 1));
}

/* ---- cross-entropy */

static bool row_is_right(const struct cross_entropy_task *task, size_t row)
{
	size_t n = task->n, target = task->targets[row];
	const float *x = task->x + row * n;
	double most = x[0], sum = 0;
	bool is_good = true;
	for (size_t j = 0; j < n; j++)
		most = fmax(most, x[j]);
	for (size_t j = 0; j < n; j++)
		sum += exp(x[j] - most);
	for (size_t j = 0; j < n; j++) {
		double softmax = exp(x[j] - most) / sum, right = softmax - (j == target);
		double rounded = fabs(x[j] - most) + (double)n + 16;
		double allowed = rounded * 0x1p-24 * softmax + 0x1p-22 * (j == target) + 0x1p-120;
		is_good &= fabs(task->gradient[row * n + j] - right) <= allowed;
	}
	double loss = log(sum) + most - x[target];
	double allowed = ((double)n + 16 + 4 * fmax(fabs(most), fabs(x[target]))) * 0x1p-24;
	return is_good && fabs(task->losses[row] - loss) <= allowed;
}

static bool loses_rightly(cross_entropy_function *function, size_t n, size_t shift)
{
	float *x = filled(ROWS, n, n), *scratch = calloc(ROWS * n, sizeof *scratch);
	uint32_t targets[ROWS];
	struct output gradient = output_make(ROWS * n, shift), losses = output_make(ROWS, 3);
	bool is_good = true;
	for (size_t row = 0; row < ROWS; row++)
		targets[row] = (uint32_t)(row % 3 == 0 ? 0 : row % 3 == 1 ? n - 1 : n / 2);
	struct cross_entropy_task task = { ROWS, n, x, targets, losses.y, gradient.y, scratch };
	for (unsigned share = 0; share < 3; share++) {
		struct cross_entropy_task part = cross_entropy_share(&task, share, 3);
		function(&part);
	}
	for (size_t row = 0; row < ROWS; row++)
		is_good &= row_is_right(&task, row);
	free(x);
	free(scratch);
	is_good &= output_close(&gradient);
	return output_close(&losses) && is_good;
}

static void every_cross_entropy_agrees_with_fp64(void **state)
{
	(void)state;
	for (const struct variant *at = kernel_cross_entropy.variants; at->name; at++) {
		cross_entropy_function *function = cross_entropy_variant(at->name);
		if (!function)
			tell_skipped(&kernel_cross_entropy, at->name);
		for (size_t n = 1; function && n < 5000; n = n < 40 ? n + 1 : n * 2 + 1)
			for (size_t shift = 0; shift < 17; shift += 4)
				if (!loses_rightly(function, n, shift))
					fail_msg("cross_entropy %s is wrong at n=%zu", at->name, n);
	}
}

static void softmax_only(const struct cross_entropy_task *task)
{
	cross_entropy_variant("fused")(task);
	for (size_t row = 0; row < task->rows; row++)
		task->gradient[row * task->n + task->targets[row]] += 1;
}

/* The loss of the neighbour's target. */
static void wrong_target(const struct cross_entropy_task *task)
{
	cross_entropy_variant("fused")(task);
	for (size_t row = 0; row < task->rows; row++) {
		size_t at = row * task->n + task->targets[row];
		size_t other = row * task->n + (task->targets[row] + 1) % task->n;
		task->losses[row] += task->x[at] - task->x[other];
	}
}

/* -log of a softmax that has become 0. */
static void underflowing_loss(const struct cross_entropy_task *task)
{
	cross_entropy_variant("fused")(task);
	for (size_t row = 0; row < task->rows; row++)
		task->losses[row] = -logf(task->gradient[row * task->n + task->targets[row]] + 1);
}

static void wrong_cross_entropies_are_refused(void **state)
{
	(void)state;
	assert_true(loses_rightly(cross_entropy_variant("fused"), 77, 1));
	assert_false(loses_rightly(softmax_only, 77, 1));
	assert_false(loses_rightly(wrong_target, 77, 1));
	assert_false(loses_rightly(underflowing_loss, 77, 1));
}

/* ---- the workload */

static void run_variants(const char *kind, const struct kernel *kernel)
{
	for (const struct variant *at = kernel->variants; at->name; at++) {
		char variant[64];
		const char *words[] = { "decoder", kind,        variant,     "size=0.4",
					"n=77",    "threads=3", "repeats=2", NULL };
		if (at->is_usable && !at->is_usable())
			continue;
		snprintf(variant, sizeof variant, "variant=%s", at->name);
		fflush(NULL);
		if (workload_main(7, (char **)words) != 0)
			fail_msg("decoder %s %s fails its own checks", kind, variant);
	}
}

static void the_workload_passes_its_own_checks(void **state)
{
	(void)state;
	run_variants("kind=rope", &kernel_rope);
	run_variants("kind=swiglu", &kernel_swiglu);
	run_variants("kind=cross-entropy", &kernel_cross_entropy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rope_agrees_with_fp64),
		cmocka_unit_test(wrong_ropes_are_refused),
		cmocka_unit_test(every_swiglu_agrees_with_fp64),
		cmocka_unit_test(wrong_swiglus_are_refused),
		cmocka_unit_test(every_cross_entropy_agrees_with_fp64),
		cmocka_unit_test(wrong_cross_entropies_are_refused),
		cmocka_unit_test(the_workload_passes_its_own_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
