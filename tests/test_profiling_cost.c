/* What profiling costs: from work that is known, and once for real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "sampler/recording.h"
#include "tui/profiling_cost.h"

enum { N = 12 };
static const uint64_t MS = 1000000;

/* Slices of 100 ms; in those that are profiled the program does `slow` times the work. drift: of
 * its speed, from slice to slice. */
static struct recording *made(struct cost_slice *slices, double slow, double drift)
{
	struct recording *recording = recording_new();
	struct series_row series = { .name = recording_add_string(recording, "work.items"),
				     .unit = recording_add_string(recording, "items"),
				     .origin = ORIGIN_MODELLED,
				     .flags = SERIES_WORK };
	uint32_t id = recording_add_series(recording, &series);
	double work = 0;
	for (int i = 0; i < N; i++) {
		uint64_t from = recording->start_ns + (uint64_t)i * 100 * MS;
		slices[i] = (struct cost_slice){ .from_ns = from,
						 .to_ns = from + 100 * MS,
						 .cpu_s = 0.1,
						 .is_profiled = i % 4 == 1 || i % 4 == 2 };
		for (int report = 0; report <= 10; report++) {
			struct reading_row row = { .time_ns = from + (uint64_t)report * 10 * MS,
						   .value = work,
						   .series = id,
						   .running_ratio = 1,
						   .origin = ORIGIN_MODELLED };
			recording_add_reading(recording, &row);
			if (report < 10)
				work += (1 + drift * i) * (slices[i].is_profiled ? slow : 1);
		}
	}
	recording_publish(recording);
	return recording;
}

static void the_ratio_is_that_of_the_work(void **state)
{
	struct cost_slice slices[N];
	struct profiling_cost cost = { 0 };
	struct why why;
	(void)state;
	struct recording *recording = made(slices, 0.8, 0);
	/* The last report is at the last slice's end: nothing is beyond it. */
	assert_true(profiling_cost_evaluate(&cost, recording, slices, N, &why));
	assert_int_equal(cost.n_pairs, N / 2);
	assert_float_equal(cost.ratio, 0.25, 1e-9);
	assert_float_equal(cost.low, 0.25, 1e-9);
	assert_float_equal(cost.high, 0.25, 1e-9);
	recording_free(recording);
}

static void drift_is_in_the_interval(void **state)
{
	struct cost_slice slices[N];
	struct profiling_cost cost = { 0 };
	struct why why;
	(void)state;
	struct recording *recording = made(slices, 1, 0.02);
	assert_true(profiling_cost_evaluate(&cost, recording, slices, N, &why));
	assert_true(fabs(cost.ratio) < 0.005);
	assert_true(cost.low < 0 && cost.high > 0);
	recording_free(recording);
}

static void no_work_is_no_number(void **state)
{
	struct cost_slice slices[N];
	struct profiling_cost cost = { 0 };
	struct why why;
	(void)state;
	struct recording *recording = made(slices, 1, 0);
	for (int i = 0; i < N; i++)
		slices[i].cpu_s = 0;
	assert_false(profiling_cost_evaluate(&cost, recording, slices, N, &why));
	assert_false(profiling_cost_evaluate(&cost, recording, slices, 0, &why));
	recording_free(recording);
	recording = recording_new();
	recording_publish(recording);
	assert_false(profiling_cost_evaluate(&cost, recording, slices, N, &why));
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ratio_is_that_of_the_work),
		cmocka_unit_test(drift_is_in_the_interval),
		cmocka_unit_test(no_work_is_no_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
