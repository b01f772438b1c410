/*
 * The device's ceilings without a GPU: the kernels do the work they are timed for, what is measured
 * on the emulated device becomes ceilings, and every call that fails is a reason and nothing more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "tests/fixture_cuda.h"
#include "tui/bench.h"
#include "workloads/support/cuda_ceilings.h"

/* A small device, so that it goes quickly. */
#define SMALL "memory=4194304,l2=65536"

enum { N_CEILINGS = 6 };
static const char *const names[N_CEILINGS] = { "copy.DRAM",    "memcpy.DRAM",  "copy.L2",
					       "fma.f32-cuda", "fma.bf16-mma", "fma.bf16-wgmma" };

static struct ceilings *measure(const char *script, struct why *why)
{
	static const struct bench_wish wish = { .n_repeats = 1, .device_repeat_ns = 1 };
	struct machine *machine = machine_read("");
	setenv("MOCK_SCRIPT", script, 1);
	struct ceilings *ceilings = bench_device(machine, &wish, NULL, why);
	machine_free(machine);
	return ceilings;
}

static const struct cuda_kernel *kernel(const char *name)
{
	for (const struct cuda_kernel *at = fixture_cuda_kernels("ceiling"); at;
	     at = fixture_cuda_next(at))
		if (strcmp(at->name, name) == 0)
			return at;
	fail_msg("there is no %s", name);
	return NULL;
}

/* ---- the kernels */

static void copies_are_whole(void **state)
{
	static const size_t ns[] = { 2, 6, 510, 512, 2048, 2050, 9000 };
	static const char *const kernels[] = { "copy", "memcpy" };
	(void)state;
	for (size_t i = 0; i < 2 * sizeof ns / sizeof ns[0]; i++) {
		size_t n = ns[i / 2];
		double *b = calloc(n, sizeof *b), *a = calloc(n + 1, sizeof *a);
		for (size_t k = 0; k < n; k++)
			b[k] = (double)k + 1;
		a[n] = -7;
		struct cuda_ceiling_task task = {
			.a = fixture_cuda_give(a, (n + 1) * sizeof *a),
			.b = fixture_cuda_give(b, n * sizeof *b),
			.n = n,
			.n_blocks = 2,
			.n_steps = 1 + (unsigned)(i % 3),
		};
		fixture_cuda_launch(kernel(kernels[i % 2]), &task);
		fixture_cuda_fetch(a, task.a, (n + 1) * sizeof *a);
		for (size_t k = 0; k < n; k++)
			assert_true(a[k] == (double)k + 1);
		assert_true(a[n] == -7);
		fixture_cuda_free();
		free(a);
		free(b);
	}
}

/* What each leaves, by hand: 3 steps of 32 additions of one; of products of 16 ones; of 8 such. */
static void sums_tell_how_often(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		float each;
	} all[] = {
		{ "fma", 2 * 256, 96 },
		{ "mma", 2 * 8 * 4 * 256, 48 },
		{ "wgmma", 2 * 256, 384 },
	};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		float *out = calloc(all[i].n, sizeof *out);
		struct cuda_ceiling_task task = {
			.out = fixture_cuda_give(NULL, all[i].n * sizeof *out),
			.n_blocks = 2,
			.n_steps = 3,
			.major = 9,
		};
		fixture_cuda_launch(kernel(all[i].name), &task);
		fixture_cuda_fetch(out, task.out, all[i].n * sizeof *out);
		for (size_t k = 0; k < all[i].n; k++)
			if (out[k] != all[i].each)
				fail_msg("%s: number %zu is %g, not %g", all[i].name, k,
					 (double)out[k], (double)all[i].each);
		fixture_cuda_free();
		free(out);
	}
}

/* ---- what is made of them */

static void without_the_library_the_reason_is_its_own(void **state)
{
	struct why why;
	(void)state;
	char *path = strdup(getenv("STOKE_CUDA_LIBRARY"));
	setenv("STOKE_CUDA_LIBRARY", "/nowhere/libstoke-cuda.so", 1);
	assert_null(measure(SMALL, &why));
	assert_non_null(strstr(why.text, "libstoke-cuda.so"));
	assert_non_null(strstr(why.text, "(CUDA 13)."));
	assert_null(strstr(why.text, "device=cpu")); /* no choice here */
	setenv("STOKE_CUDA_LIBRARY", path, 1);
	free(path);
}

static void a_device_has_all_ceilings(void **state)
{
	struct why why;
	struct ceilings *ceilings = measure(SMALL, &why);
	(void)state;
	assert_non_null(ceilings);
	assert_string_equal(ceilings->device, "emulated GPU");
	assert_string_equal(ceilings->uuid, "GPU-e0e1e2e3-e4e5-e6e7-e8e9-eaebecedeeef");
	assert_true(ceilings->epoch_s > 0);
	assert_int_equal(ceilings->n, N_CEILINGS);
	for (size_t i = 0; i < N_CEILINGS; i++) {
		const struct ceiling *row = &ceilings->rows[i];
		assert_string_equal(row->name, names[i]);
		assert_string_equal(row->unit, i < 3 ? "B/s" : "FLOP/s");
		assert_int_equal(row->n_threads, 1);
		assert_int_equal(row->n_repeats, 1);
		assert_true(row->best > 0 && isfinite(row->best));
	}
	/* An eighth of the memory and of L2, twice. */
	assert_int_equal(ceilings->rows[0].set_bytes, 4194304 / 8 * 2);
	assert_int_equal(ceilings->rows[2].set_bytes, 65536 / 8 * 2);
	assert_int_equal(ceilings->rows[3].set_bytes, 0);
	ceilings_free(ceilings);
}

struct failure {
	const char *script, *says;
	const char *of; /* whose reason it is; NULL = there is no device */
};

static void every_failing_call_is_a_reason(void **state)
{
	static const struct failure failures[] = {
		{ "driver=0", "no NVIDIA driver", NULL },
		{ "driver=12040", "update the driver.", NULL },
		{ "devices=0", "no GPU that CUDA may use", NULL },
		{ "cudaGetDeviceCount=999", "refused to be found", NULL },
		{ "cudaGetDeviceProperties=999", "refused to be described", NULL },
		{ "cudaSetDevice=46", "refused to be opened", NULL },
		{ "major=7", "need 8.0 or later", NULL },
		/* Of all, so that nothing is left. */
		{ "cudaMalloc=2", "has no memory", NULL },
		{ "cudaGetLastError=9", "refused to start a kernel", NULL },
		{ "cudaEventSynchronize=700", "refused to finish a kernel", NULL },
		{ "cudaEventElapsedTime=600", "refused to finish a kernel", NULL },
		{ "copy_out=700", "refused to give a copy", NULL },
		{ "corrupt=1", "result was wrong", NULL },
		/* Of some. */
		{ "copy_in=1", "refused to take a copy", "copy.DRAM" },
		{ "cudaMemcpyAsync=1", "refused to copy within its memory", "memcpy.DRAM" },
		{ "major=8", "Only devices of compute capability 9", "fma.bf16-wgmma" },
		{ "memory=262144", "four times its L2", "copy.DRAM" },
		{ "l2=0", "how large its L2 is", "copy.L2" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		char script[128];
		struct why why = { "" };
		snprintf(script, sizeof script, "%s," SMALL, failures[i].script);
		struct ceilings *ceilings = measure(script, &why);
		const char *said = why.text;
		if (failures[i].of && ceilings)
			said = ceilings_find(ceilings, failures[i].of, 1)->reason;
		if ((ceilings != NULL) != (failures[i].of != NULL) ||
		    !strstr(said, failures[i].says) || strstr(said, "device=cpu"))
			fail_msg("%s: %s, \"%s\"", failures[i].script,
				 ceilings ? "measured" : "nothing measured", said);
		for (size_t k = 0; ceilings && k < ceilings->n; k++) {
			const struct ceiling *row = &ceilings->rows[k];
			assert_true(isnan(row->best) == (row->reason[0] != '\0'));
		}
		if (ceilings) /* arithmetic needs none of what failed */
			assert_true(ceilings_find(ceilings, "fma.f32-cuda", 1)->best > 0);
		ceilings_free(ceilings);
	}
}

int main(void)
{
	const struct CMUnitTest missing[] = {
		cmocka_unit_test(without_the_library_the_reason_is_its_own),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_whole),
		cmocka_unit_test(sums_tell_how_often),
		cmocka_unit_test(a_device_has_all_ceilings),
		cmocka_unit_test(every_failing_call_is_a_reason),
	};
	if (!fixture_cuda_open())
		return 1;
	/* Before anything has opened it. */
	int failed = cmocka_run_group_tests_name("no library", missing, NULL, NULL);
	failed += cmocka_run_group_tests(tests, NULL, NULL);
	fixture_cuda_close();
	return failed;
}
