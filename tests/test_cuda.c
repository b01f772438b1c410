/*
 * The CUDA kernels without a GPU: the same sources, compiled for this processor
 * (cuda_emulation.hpp), against fp64, with threads started from the first and from the last; what
 * workloads do with device=cuda; and every call of the runtime failing in turn.
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
#include "tests/fixture_cuda.h"

/* ---- stream */

static double right_stream(enum cuda_stream_loop loop, double b, double c)
{
	return loop == CUDA_COPY    ? b
	       : loop == CUDA_SCALE ? 3 * b
	       : loop == CUDA_ADD   ? b + c
				    : b + 3 * c;
}

static bool streams(const struct cuda_kernel *kernel, enum cuda_stream_loop loop, size_t n)
{
	double *a = calloc(n, sizeof *a), *b = calloc(n, sizeof *b), *c = calloc(n, sizeof *c);
	bool is_good = true;
	for (size_t i = 0; i < n; i++) {
		b[i] = (double)(i % 1000) / 8;
		c[i] = -(double)(i % 77) / 4;
	}
	struct cuda_stream_task task = { .loop = loop,
					 .a = fixture_cuda_give(a, n * sizeof *a),
					 .b = fixture_cuda_give(b, n * sizeof *b),
					 .c = fixture_cuda_give(c, n * sizeof *c),
					 .scale = 3,
					 .n = n };
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(a, task.a, n * sizeof *a);
	for (size_t i = 0; i < n; i++)
		is_good &= a[i] == right_stream(loop, b[i], c[i]);
	fixture_cuda_free();
	free(a);
	free(b);
	free(c);
	return is_good;
}

static void streams_are_exact(void **state)
{
	static const size_t ns[] = { 1, 2, 3, 255, 256, 513, 5001 };
	(void)state;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("stream"); at;
	     at = fixture_cuda_next(at))
		for (int loop = 0; loop < CUDA_STREAM_LOOPS; loop++)
			for (size_t i = 0; i < sizeof ns / sizeof ns[0]; i++)
				if (!streams(at, (enum cuda_stream_loop)loop, ns[i]))
					fail_msg("stream %s: loop %d is wrong at n=%zu", at->name,
						 loop, ns[i]);
}

/* ---- gemm */

struct shape {
	size_t m, n, k, pad; /* pad: of each row, so that rows are not aligned */
};

/* A tenth zeros, the rest over 24 binary orders. */
static void fill(float *values, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		float unit = (float)(seed >> 8) * 0x1p-24f - 0.5f;
		values[i] = seed % 10 ? ldexpf(unit, (int)(seed >> 4) % 24 - 12) : 0;
	}
}

static bool product_is_right(const struct gemm_task *host, const float *old, const float *c)
{
	const float *a = host->a, *b = host->b;
	for (size_t i = 0; i < host->m; i++) {
		for (size_t j = 0; j < host->n; j++) {
			size_t at = i * host->c_row + j;
			double sum = host->is_adding ? old[at] : 0, scale = fabs(sum);
			for (size_t p = 0; p < host->k; p++) {
				double x = (double)a[i * host->a_row + p] * b[p * host->b_row + j];
				sum += x;
				scale += fabs(x);
			}
			if (!(fabs(c[at] - sum) <= ((double)host->k + 2) * 0x1p-24 * scale))
				return false;
		}
	}
	for (size_t i = 0; i < host->m; i++) /* behind a row nothing is touched */
		for (size_t j = host->n; j < host->c_row; j++)
			if (c[i * host->c_row + j] != old[i * host->c_row + j])
				return false;
	return true;
}

enum control { NO_CONTROL, ONE_CELL_OFF, ALL_ZERO };

static bool multiplies(const struct cuda_kernel *kernel, const struct shape *shape, bool is_adding,
		       enum control control)
{
	size_t a_row = shape->k + shape->pad, row = shape->n + shape->pad;
	size_t a_n = shape->m * a_row, b_n = shape->k * row, c_n = shape->m * row;
	float *a = calloc(a_n, 4), *b = calloc(b_n, 4), *c = calloc(c_n, 4), *old = calloc(c_n, 4);
	fill(a, a_n, 1);
	fill(b, b_n, 2);
	fill(old, c_n, 3);
	struct gemm_task host = gemm_task_plain(shape->m, shape->n, shape->k, a, b, c), task;
	host.a_row = a_row;
	host.b_row = host.c_row = row;
	host.is_adding = is_adding;
	task = host;
	task.a = fixture_cuda_give(a, a_n * 4);
	task.b = fixture_cuda_give(b, b_n * 4);
	task.c = fixture_cuda_give(old, c_n * 4);
	fixture_cuda_launch(kernel, &task);
	fixture_cuda_fetch(c, task.c, c_n * 4);
	if (control == ONE_CELL_OFF)
		c[c_n - 1 - shape->pad] += 0.01f * (1 + fabsf(c[c_n - 1 - shape->pad]));
	if (control == ALL_ZERO)
		memset(c, 0, c_n * 4);
	bool is_right = product_is_right(&host, old, c);
	fixture_cuda_free();
	free(a);
	free(b);
	free(c);
	free(old);
	return is_right;
}

static void every_step_of_the_ladder_agrees_with_fp64(void **state)
{
	static const struct shape shapes[] = {
		{ 1, 1, 1, 0 },      { 33, 17, 5, 1 },    { 64, 32, 32, 0 },
		{ 128, 128, 16, 0 }, { 131, 140, 37, 3 }, { 132, 260, 36, 0 },
	};
	(void)state;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("gemm"); at;
	     at = fixture_cuda_next(at))
		for (size_t i = 0; i < 2 * sizeof shapes / sizeof shapes[0]; i++)
			if (!multiplies(at, &shapes[i / 2], i % 2, NO_CONTROL))
				fail_msg("gemm %s is wrong at %zu x %zu x %zu", at->name,
					 shapes[i / 2].m, shapes[i / 2].n, shapes[i / 2].k);
}

static void wrong_products_are_refused(void **state)
{
	const struct shape shape = { 33, 17, 5, 1 };
	(void)state;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("gemm"); at;
	     at = fixture_cuda_next(at)) {
		assert_true(multiplies(at, &shape, false, NO_CONTROL));
		assert_false(multiplies(at, &shape, false, ONE_CELL_OFF));
		assert_false(multiplies(at, &shape, false, ALL_ZERO));
	}
}

static void strides_the_kernels_do_not_take_are_refused(void **state)
{
	struct gemm_task task = gemm_task_plain(4, 4, 4, NULL, NULL, NULL);
	(void)state;
	task.b_row = 1;
	task.b_column = 4;
	for (const struct cuda_kernel *at = fixture_cuda_kernels("gemm"); at;
	     at = fixture_cuda_next(at))
		assert_non_null(strstr(at->launch(&task), "layout=rows"));
}

/* ---- workloads */

static void workloads_pass_their_checks_on_the_device(void **state)
{
	static const char *const lines[] = {
		"gemm device=cuda n=96 k=40 repeats=2",
		"gemm device=cuda variant=naive n=40 repeats=2 threads=1",
		"gemm device=cuda type=bf16 m=144 n=160 k=80 repeats=2",
		"gemm device=cuda type=bf16 variant=fragments m=32 n=144 k=48 repeats=1",
		"triad device=cuda size=0.01 repeats=3",
		"triad device=cuda loop=copy variant=one size=0.01 repeats=3",
		"triad device=cuda loop=scale size=0.01 repeats=3",
		"triad device=cuda loop=add size=0.01 repeats=3",
		"triad loop=add size=0.01 repeats=3",
		"launches device=cuda launches=20 n=300 repeats=3",
		"launches device=cuda variant=each launches=20 n=300 repeats=3",
		"launches launches=20 n=300 repeats=3 threads=2",
		"launches variant=each launches=20 n=300 repeats=3 threads=2",
	};
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (fixture_cuda_workload(lines[i]) != 0)
			fail_msg("%s failed", lines[i]);
	assert_int_equal(fixture_cuda_workload("gemm device=cuda variant=ijp n=8"), 1);
	assert_int_equal(fixture_cuda_workload("gemm variant=warps n=8"), 1);
	assert_int_equal(fixture_cuda_workload("gemm device=cuda layout=columns n=8"), 1);
	assert_int_equal(fixture_cuda_workload("gemm device=cuda type=int8 n=8"), 1);
	assert_int_equal(fixture_cuda_workload("gemm device=cuda type=bf16 n=40"), 1);
	assert_int_equal(fixture_cuda_workload("launches variant=graph"), 1);
	assert_int_equal(fixture_cuda_workload("gemm device=gpu n=8"), 2);
}

/* ---- what may be missing or fail; MOCK_SCRIPT as cuda_emulation.cpp reads it */

static const char GEMM[] = "gemm device=cuda n=8 repeats=1 threads=1";

struct failure {
	const char *script, *says;
	int status;
};

static void every_failure_is_a_sentence(void **state)
{
	static const struct failure failures[] = {
		{ "driver=0", "no NVIDIA driver", 3 },
		{ "driver=12040", "update the driver", 3 },
		{ "devices=0", "no GPU", 3 },
		{ "cudaGetDeviceCount=100", "no GPU", 3 },
		{ "cudaGetDeviceCount=999", "refused to be found", 3 },
		{ "cudaGetDeviceProperties=999", "refused to be described", 3 },
		{ "major=7", "need 8.0 or later", 3 },
		{ "cudaSetDevice=46", "refused to be opened", 3 },
		{ "cudaMalloc=2", "has no memory", 1 },
		{ "copy_in=1", "refused to take a copy", 1 },
		{ "copy_out=700", "refused to give a copy", 1 },
		{ "cudaGetLastError=9", "refused to start a kernel", 1 },
		{ "cudaEventSynchronize=700", "refused to finish a kernel", 1 },
		{ "cudaEventElapsedTime=600", "refused to finish a kernel", 1 },
	};
	(void)state;
	fixture_cuda_needs_script();
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		char text[1024];
		int status = fixture_cuda_failing(GEMM, failures[i].script, text, sizeof text);
		if (status != failures[i].status || !strstr(text, failures[i].says) ||
		    !strstr(text, "stoke: ") || strchr(text, '\n') != text + strlen(text) - 1)
			fail_msg("%s: status %d, \"%s\"", failures[i].script, status, text);
	}
}

static void without_the_library_it_says_what_to_do(void **state)
{
	char text[1024];
	(void)state;
	int status = fixture_cuda_failing(GEMM, NULL, text, sizeof text);
	assert_int_equal(status, 3);
	assert_non_null(strstr(text, "libstoke-cuda.so, which is neither beside stoke"));
	assert_non_null(strstr(text, "or use device=cpu.\n"));
}

int main(void)
{
	const struct CMUnitTest missing[] = {
		cmocka_unit_test(without_the_library_it_says_what_to_do),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_exact),
		cmocka_unit_test(every_step_of_the_ladder_agrees_with_fp64),
		cmocka_unit_test(wrong_products_are_refused),
		cmocka_unit_test(strides_the_kernels_do_not_take_are_refused),
		cmocka_unit_test(workloads_pass_their_checks_on_the_device),
		cmocka_unit_test(every_failure_is_a_sentence),
	};
	int failed = 0;
	if (!fixture_cuda_open())
		return 1;
	/* Before a workload has opened it. */
	failed += cmocka_run_group_tests_name("no library", missing, NULL, NULL);
	failed += fixture_cuda_both_orders(tests, sizeof tests / sizeof tests[0]);
	fixture_cuda_close();
	return failed;
}
