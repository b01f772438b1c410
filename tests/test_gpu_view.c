/* Occupancy, and what the GPU view adds up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/occupancy.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_gpu.h"
#include "tui/gpu_summary.h"

/* GH100: 64 warps, 32 blocks, 228 KiB, 65,536 registers. */
static const struct gpu_limits hopper = { 64, 32, 233472, 65536, 9 };

static double occupancy(uint32_t threads, uint32_t registers, uint32_t shared_bytes)
{
	struct gpu_shape shape = { .block = { threads, 1, 1 },
				   .registers = registers,
				   .shared_static_bytes = shared_bytes };
	return gpu_occupancy(&shape, &hopper);
}

/* Expected by cuda_occupancy.h of CUDA 13.0; over all of 1.6 million shapes it says the same. */
static void occupancy_is_nvidias(void **state)
{
	(void)state;
	assert_float_equal(occupancy(256, 32, 0), 1, 0);
	assert_float_equal(occupancy(256, 64, 0), 0.5, 0);
	assert_float_equal(occupancy(1024, 64, 0), 0.5, 0);
	assert_float_equal(occupancy(1024, 65, 0), 0, 0); /* does not fit */
	assert_float_equal(occupancy(32, 16, 0), 0.5, 0); /* 32 blocks of a warp */
	assert_float_equal(occupancy(33, 16, 0), 1, 0);
	assert_float_equal(occupancy(128, 255, 0), 8 / 64.0, 0);
	assert_float_equal(occupancy(256, 32, 48 << 10), 32 / 64.0, 0);
	assert_float_equal(occupancy(96, 40, 0), 48 / 64.0, 0);
}

static void unknown_limits_are_unknown(void **state)
{
	struct gpu_shape shape = { .block = { 256, 1, 1 }, .registers = 32 };
	struct gpu_limits none = { 0 }, old = { 64, 32, 98304, 65536, 6 };
	(void)state;
	assert_true(isnan(gpu_occupancy(&shape, &none)));
	assert_true(isnan(gpu_occupancy(&shape, &old)));
	shape.block[2] = 0;
	assert_true(isnan(gpu_occupancy(&shape, &hopper)));
	shape = (struct gpu_shape){ .block = { 4294967295, 4294967295, 4294967295 } };
	assert_true(isnan(gpu_occupancy(&shape, &hopper)));
}

static const struct gpu_work *find(const struct gpu_summary *summary,
				   const struct recording *recording, const char *name)
{
	for (uint32_t i = 0; i < summary->n_work; i++)
		if (strncmp(recording_string_at(recording, summary->work[i].name), name,
			    strlen(name)) == 0)
			return &summary->work[i];
	fail_msg("no %s", name);
	return NULL;
}

static void sums_are_exact(void **state)
{
	struct recording *recording = fixture_gpu();
	struct gpu_summary *summary = calloc(1, sizeof *summary);
	(void)state;
	gpu_summary_read(summary, recording, 0, 0, 100);
	const struct gpu_work *gemm = find(summary, recording, "gemm_tiled");
	assert_int_equal(gemm->n, 30);
	assert_int_equal(gemm->total_ns, 30 * 410000);
	assert_int_equal(gemm->n_shapes, 1);
	assert_int_equal(gemm->shape.grid[1], 64);
	assert_int_equal(gemm->shape.registers, 96);
	assert_true(isnan(gemm->bytes));
	/* 29 of 30 launches were alone in their phase. */
	assert_int_equal(gemm->exact_ns, 29 * 410000);
	assert_float_equal(gemm->exact_flops, 29 * 2.0 * 1024 * 1024 * 1024, 1);
	assert_float_equal(gemm->exact_bytes, 29 * 12.0 * 1024 * 1024, 1);
	assert_int_equal(find(summary, recording, "softmax")->exact_ns, 0);
	assert_true(isnan(find(summary, recording, "softmax")->exact_flops));
	assert_int_equal(find(summary, recording, "void at::")->n_shapes, 3);
	assert_float_equal(find(summary, recording, "copy")->bytes, 5e7, 0);
	assert_int_equal(summary->n_lanes, 4); /* three streams and the waits */
	assert_int_equal(summary->devices[0].limits.warps, 64);
	assert_string_equal(summary->devices[0].name, "NVIDIA H200");
	uint64_t whole = summary->to_ns - summary->from_ns;
	for (uint32_t i = 0; i < summary->n_lanes; i++) {
		double columns = 0;
		for (int column = 0; column < 100; column++)
			columns += (double)summary->lanes[i].share[column];
		/* Nothing is lost between the columns. */
		assert_float_equal(columns / 100, (double)summary->lanes[i].busy_ns / (double)whole,
				   1e-3);
	}
	free(summary);
	recording_free(recording);
}

static void a_window_cuts(void **state)
{
	struct recording *recording = fixture_gpu();
	struct gpu_summary *summary = calloc(1, sizeof *summary);
	(void)state;
	uint64_t start = recording->start_ns;
	gpu_summary_read(summary, recording, start + 2000000, start + 2600000, 100000);
	assert_int_equal(find(summary, recording, "gemm_tiled")->n, 1);
	gpu_summary_read(summary, recording, start + 3600000000, start + 3700000000, -5);
	assert_int_equal(summary->n_work, 0);
	free(summary);
	recording_free(recording);
}

static void no_gpu_is_nothing(void **state)
{
	struct recording *recording = fixture_hostile();
	struct gpu_summary *summary = calloc(1, sizeof *summary);
	(void)state;
	gpu_summary_read(summary, recording, 0, 0, 80);
	assert_int_equal(summary->n_lanes + summary->n_work, 0);
	recording_add_fact(recording, "gpu.0.limits", "multiprocessors 99999999999999999999 1");
	recording_add_fact(recording, "gpu.99999999999.limits", "1 2 3 4 5 6 7 8 9 10 11 12");
	recording_add_fact(recording, "gpu.", "1 2 3 4 5 6 7 8 9 10 11 12");
	recording_add_fact(recording, "gpu.3.limits", "1 99999999999 3 4 5 6 7 8 9 10 11 12");
	recording_publish(recording);
	gpu_summary_read(summary, recording, 0, 0, 80);
	assert_int_equal(summary->devices[3].limits.warps, UINT32_MAX);
	free(summary);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(occupancy_is_nvidias),
		cmocka_unit_test(unknown_limits_are_unknown),
		cmocka_unit_test(sums_are_exact),
		cmocka_unit_test(a_window_cuts),
		cmocka_unit_test(no_gpu_is_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
