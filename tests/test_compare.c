/* Comparisons of made-up programs whose truth is known: equal ones are found equal, a planted
 * slow-down is named, whatever recordings are divided by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/compare.h"
#include "sampler/compare_statistics.h"
#include "sampler/recording.h"
#include "tests/fixture_stride.h"
#include "workloads/support/random.h"

enum {
	N_FUNCTIONS = 40,
	SLOW = 3,
	SAMPLE_NS = 1000000,
	SECONDS = 60,
	TRIES = FIXTURE_LENGTH(20, 5)
};

/* A program: functions of very different weights, and phases of two seconds that prefer odd or even
 * ones. `slower` is what the function SLOW takes more, as a share of the whole program. */
struct program {
	uint64_t seed;
	double slower, seconds;
	double times;        /* all of it takes so many times as long; 0 = once */
	const char *renamed; /* what function 5 is called */
};

static uint32_t add_frame(struct recording *recording, unsigned i, const char *name)
{
	struct module_row module = { .path = recording_add_string(recording, "/bin/prog"),
				     .kind = MODULE_FILE };
	uint32_t id = recording_add_module(recording, &module);
	struct function_row function = { .name = recording_add_string(recording, name),
					 .module = id,
					 .address = 64ull * i };
	struct frame_row frame = { .address = 64ull * i + 8, .module = id };
	uint32_t row = recording_add_frame(recording, &frame);
	struct location_row location = { .function = recording_add_function(recording, &function) };
	recording_add_location(recording, &location);
	return row;
}

static uint32_t add_series(struct recording *recording, const char *name, const char *unit,
			   uint32_t flags)
{
	struct series_row series = { .name = recording_add_string(recording, name),
				     .unit = recording_add_string(recording, unit),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = flags };
	return recording_add_series(recording, &series);
}

/* Time in each function while the program does a second of its old work. */
static double seconds_in(const struct program *program, unsigned i, bool is_odd_phase)
{
	double sum = 0;
	for (unsigned k = 0; k < N_FUNCTIONS; k++)
		sum += 1.0 / (k + 1);
	double share = 1.0 / (i + 1) / sum;
	if (i == SLOW)
		return share + program->slower;
	return i < 2 ? share : share * ((i % 2 == 1) == is_odd_phase ? 1.6 : 0.4);
}

/* Cumulative shares by phase: even, odd. */
static void add_up(const struct program *program, double shares[2][N_FUNCTIONS])
{
	for (int is_odd = 0; is_odd < 2; is_odd++) {
		double sum = 0;
		for (unsigned i = 0; i < N_FUNCTIONS; i++)
			shares[is_odd][i] = sum += seconds_in(program, i, is_odd);
		for (unsigned i = 0; i < N_FUNCTIONS; i++)
			shares[is_odd][i] /= sum;
	}
}

static unsigned draw_function(const double *shares, struct random *random)
{
	double at = random_unit(random);
	unsigned i = 0;
	while (i + 1 < N_FUNCTIONS && shares[i] < at)
		i++;
	return i;
}

static void add_sample(struct recording *recording, uint32_t stack, uint32_t series, uint64_t ns)
{
	struct sample_row row = { .time_ns = ns,
				  .weight = SAMPLE_NS,
				  .stack = stack,
				  .thread = 0,
				  .count = 1,
				  .series = (uint16_t)series };
	recording_add_sample(recording, &row);
}

static struct recording *run_program(const struct program *program)
{
	struct recording *recording = recording_new();
	struct random random = { program->seed };
	uint32_t stacks[N_FUNCTIONS],
		series = add_series(recording, "cpu-clock", "ns", SERIES_SAMPLES);
	uint32_t main_stack = recording_add_stack(recording, 0, add_frame(recording, 999, "main"));
	for (unsigned i = 0; i < N_FUNCTIONS; i++) {
		char name[32];
		snprintf(name, sizeof name, "function_%u", i);
		uint32_t frame = add_frame(recording, i,
					   i == 5 && program->renamed ? program->renamed : name);
		stacks[i] = recording_add_stack(recording, main_stack, frame);
	}
	double seconds = program->seconds > 0 ? program->seconds : SECONDS;
	seconds *= program->times > 0 ? program->times : 1;
	double shares[2][N_FUNCTIONS];
	add_up(program, shares);
	uint64_t n = (uint64_t)(seconds * (1 + program->slower) * 1e9 / SAMPLE_NS);
	for (uint64_t i = 0; i < n; i++) {
		unsigned function = draw_function(shares[i / 2000 % 2], &random);
		add_sample(recording, stacks[function], series,
			   recording->start_ns + i * SAMPLE_NS);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static void add_work(struct recording *recording, double flops)
{
	struct reading_row row = { .time_ns = recording->start_ns,
				   .value = flops,
				   .series =
					   add_series(recording, "work.flops", "FLOP", SERIES_WORK),
				   .running_ratio = 1,
				   .origin = ORIGIN_MODELLED };
	recording_add_reading(recording, &row);
	recording_publish(recording);
}

static struct compare *compare_two(const struct compare_request *request, const struct recording *a,
				   const struct recording *b)
{
	struct compare_side sides[N_COMPARED] = { { &a, 1 }, { &b, 1 } };
	struct why why;
	struct compare *compare = compare_open(request, sides, &why);
	if (!compare)
		fail_msg("%s", why.text);
	return compare;
}

static const struct compare_row *find_row(const struct compare *compare, const char *name)
{
	for (size_t i = 0; i < compare->n_rows; i++)
		if (strcmp(compare_name(compare, compare->rows[i].key), name) == 0)
			return &compare->rows[i];
	return NULL;
}

/* How many tries of 20 found any regression, and how many named exactly the right function. */
struct score {
	int n_any, n_right;
};

static struct score try_often(enum compare_per per, double slower, double seconds)
{
	struct score score = { 0 };
	const struct compare_request request = { .per = per, .limit_ratio = 0.05 };
	for (uint64_t i = 0; i < TRIES; i++) {
		struct program before = { .seed = 2 * i + 1, .seconds = seconds };
		struct program after = { .seed = 2 * i + 2, .slower = slower, .seconds = seconds };
		struct recording *a = run_program(&before), *b = run_program(&after);
		struct compare *compare = compare_two(&request, a, b);
		const struct compare_row *row = find_row(compare, "function_3");
		bool is_named = row->flags & COMPARE_REGRESSION;
		size_t n_whole = compare->whole.flags & COMPARE_REGRESSION ? 1 : 0;
		score.n_any += compare->n_regressions > 0;
		score.n_right += is_named && compare->n_regressions == 1 + n_whole;
		compare_close(compare);
		recording_free(a);
		recording_free(b);
	}
	return score;
}

static void finds_no_regression_in_equal_programs(void **state)
{
	(void)state;
	assert_int_equal(try_often(COMPARE_PER_TOTAL, 0, SECONDS).n_any, 0);
	/* Short ones differ by more than 5 % in many functions: by chance. */
	assert_int_equal(try_often(COMPARE_PER_TOTAL, 0, 2).n_any, 0);
	assert_int_equal(try_often(COMPARE_PER_RUN, 0, 2).n_any, 0);
}

static void names_the_planted_slow_down(void **state)
{
	(void)state;
	assert_int_equal(try_often(COMPARE_PER_TOTAL, 0.08, SECONDS).n_right, TRIES);
	assert_int_equal(try_often(COMPARE_PER_RUN, 0.08, SECONDS).n_right, TRIES);
}

static void intervals_hold_the_truth(void **state)
{
	(void)state;
	const struct compare_request request = { .per = COMPARE_PER_TOTAL, .limit_ratio = NAN };
	int n_rows = 0, n_hit = 0;
	for (uint64_t i = 0; i < TRIES; i++) {
		struct program before = { .seed = 1000 + i, .seconds = 10 };
		struct program after = { .seed = 2000 + i, .seconds = 10 };
		struct recording *a = run_program(&before), *b = run_program(&after);
		struct compare *compare = compare_two(&request, a, b);
		for (size_t k = 0; k < compare->n_rows; k++) {
			const struct compare_row *row = &compare->rows[k];
			n_rows++;
			n_hit += row->low <= 0 && row->high >= 0;
			assert_true(row->low <= row->change && row->change <= row->high);
		}
		assert_int_equal(compare->n_regressions, 0);
		compare_close(compare);
		recording_free(a);
		recording_free(b);
	}
	/* 800 intervals of 95 %, whose rows are not quite independent. */
	assert_int_equal(n_rows, TRIES * N_FUNCTIONS);
	assert_in_range(n_hit, n_rows * 92 / 100, n_rows * 98 / 100);
}

static void keeps_new_and_vanished_frames(void **state)
{
	(void)state;
	const struct compare_request request = { .per = COMPARE_PER_TOTAL, .limit_ratio = 0.02 };
	struct recording *a = run_program(&(struct program){ .seed = 1, .seconds = 10 });
	struct recording *b =
		run_program(&(struct program){ .seed = 2, .seconds = 10, .renamed = "other" });
	struct compare *compare = compare_two(&request, a, b);
	const struct compare_row *gone = find_row(compare, "function_5");
	const struct compare_row *new = find_row(compare, "other");
	assert_int_equal(gone->flags, COMPARE_GONE | COMPARE_SIGNIFICANT | COMPARE_JUDGED);
	assert_true(gone->cost[COMPARE_B] == 0 && gone->change == -1);
	assert_int_equal(new->flags,
			 COMPARE_NEW | COMPARE_SIGNIFICANT | COMPARE_JUDGED | COMPARE_REGRESSION);
	assert_true(isnan(new->change) && isnan(new->low));
	double sums[N_COMPARED] = { 0 };
	for (size_t i = 0; i < compare->n_rows; i++)
		for (int side = 0; side < N_COMPARED; side++)
			sums[side] += compare->rows[i].cost[side];
	assert_true(fabs(sums[0] - 1) < 1e-9 && fabs(sums[1] - 1) < 1e-9);
	compare_close(compare);
	recording_free(a);
	recording_free(b);
}

static void divides_by_work_and_time(void **state)
{
	(void)state;
	struct recording *a = run_program(&(struct program){ .seed = 1, .seconds = 10 });
	struct recording *b = run_program(&(struct program){ .seed = 2, .seconds = 20 });
	struct compare_request request = { .limit_ratio = 0.05 };
	struct compare *compare = compare_two(&request, a, b);
	assert_int_equal(compare->per, COMPARE_PER_TOTAL);
	compare_close(compare);
	request.per = COMPARE_PER_RUN;
	compare = compare_two(&request, a, b);
	assert_string_equal(compare->unit, "ns");
	assert_true(compare->whole.change == 1 && compare->whole.flags & COMPARE_REGRESSION);
	compare_close(compare);
	request.per = COMPARE_PER_DURATION;
	compare = compare_two(&request, a, b);
	assert_string_equal(compare->unit, "CPUs");
	assert_true(fabs(compare->whole.change) < 0.01 && compare->n_regressions == 0);
	compare_close(compare);
	add_work(a, 5e9);
	request.per = COMPARE_PER_WORK;
	struct why why;
	struct compare_side sides[N_COMPARED] = { { (const struct recording *const *)&a, 1 },
						  { (const struct recording *const *)&b, 1 } };
	assert_null(compare_open(&request, sides, &why));
	assert_non_null(strstr(why.text, "exact work"));
	add_work(b, 10e9);
	request.per = COMPARE_PER_AUTO;
	compare = compare_two(&request, a, b);
	assert_int_equal(compare->per, COMPARE_PER_WORK);
	assert_string_equal(compare->unit, "ns/FLOP");
	assert_true(fabs(compare->whole.cost[COMPARE_A] - 2) < 1e-9);
	assert_true(fabs(compare->whole.change) < 1e-9 && compare->n_regressions == 0);
	compare_close(compare);
	recording_free(a);
	recording_free(b);
}

enum { N_RUNS = 10 };

/* Ten runs of each on a machine whose speed changes by up to 8 % from run to run: all functions of
 * a run together. B's SLOW takes `more` of its own time more, and all of B takes `times`. */
static struct compare *compare_unsteady(uint64_t seed, double more, double times)
{
	double share_of_slow = seconds_in(&(struct program){ 0 }, SLOW, false);
	struct recording *runs[N_COMPARED][N_RUNS];
	struct random random = { seed };
	for (int i = 0; i < 2 * N_RUNS; i++)
		runs[i % 2][i / 2] = run_program(&(struct program){
			.seed = seed * 1000 + (uint64_t)i,
			.slower = i % 2 ? more * share_of_slow : 0,
			.times = (0.92 + 0.16 * random_unit(&random)) * (i % 2 ? times : 1) });
	const struct compare_request request = { .limit_ratio = 0.05 };
	const struct compare_side sides[N_COMPARED] = {
		{ (const struct recording *const *)runs[0], N_RUNS },
		{ (const struct recording *const *)runs[1], N_RUNS },
	};
	struct compare *compare = compare_open(&request, sides, NULL);
	for (int i = 0; i < 2 * N_RUNS; i++)
		recording_free(runs[i % 2][i / 2]);
	return compare;
}

static void tells_a_function_from_the_machine(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= FIXTURE_LENGTH(3, 1); seed++) {
		struct compare *equal = compare_unsteady(seed, 0, 1);
		assert_int_equal(equal->n_regressions, 0);
		assert_true(isfinite(equal->common));
		compare_close(equal);
		struct compare *planted = compare_unsteady(seed, 0.08, 1);
		const struct compare_row *row = find_row(planted, "function_3");
		assert_true(row->flags & COMPARE_BEYOND && row->flags & COMPARE_REGRESSION);
		assert_int_equal(planted->n_regressions, 1);
		/* One per cent is the error of such a try. */
		assert_true(fabs(row->beyond - 0.08) < 0.035);
		assert_true(row->beyond_low < row->beyond && row->beyond < row->beyond_high);
		/* Nearer than what the runs say of it alone. */
		assert_true(row->beyond_high - row->beyond_low < (row->high - row->low) * 3 / 4);
		compare_close(planted);
	}
}

/* What stayed as it was while all the rest got faster has not grown. */
static void blames_nothing_for_what_others_gained(void **state)
{
	(void)state;
	struct compare *compare = compare_unsteady(4, 0.25, 0.8);
	const struct compare_row *row = find_row(compare, "function_3");
	assert_true(compare->whole.flags & COMPARE_SIGNIFICANT && compare->whole.change < -0.1);
	assert_true(isnan(compare->common) && isnan(row->beyond));
	assert_int_equal(compare->n_regressions, 0);
	compare_close(compare);
}

/* Runs that differ by 10 % among themselves: one pair says nothing, eight of each do. */
static void repeats_hold_what_differs_from_run_to_run(void **state)
{
	(void)state;
	enum { N = 8 };
	struct recording *runs[N_COMPARED][N];
	struct random random = { 7 };
	for (int i = 0; i < N; i++)
		for (int side = 0; side < N_COMPARED; side++)
			runs[side][i] = run_program(&(struct program){
				.seed = (uint64_t)(100 + 2 * i + side),
				.slower = side ? 0.5 : 0,
				.seconds = 3 * (0.9 + 0.2 * random_unit(&random)) });
	struct compare_request request = { .limit_ratio = 0.05 };
	struct compare_side sides[N_COMPARED] = { { (const struct recording *const *)runs[0], N },
						  { (const struct recording *const *)runs[1], N } };
	struct compare *compare = compare_open(&request, sides, NULL);
	assert_int_equal(compare->per, COMPARE_PER_RUN);
	assert_true(compare->draws_recordings && compare->n_units[COMPARE_A] == N);
	assert_true(find_row(compare, "function_3")->flags & COMPARE_REGRESSION);
	assert_true(compare->whole.flags & COMPARE_REGRESSION);
	assert_int_equal(compare->n_regressions, 2);
	assert_true(compare->whole.low > 0.3 && compare->whole.high < 0.7);
	compare_close(compare);
	for (int i = 0; i < N; i++)
		for (int side = 0; side < N_COMPARED; side++)
			recording_free(runs[side][i]);
}

static void compares_stacks(void **state)
{
	(void)state;
	const struct compare_request request = { .by = COMPARE_STACKS, .limit_ratio = 0.05 };
	struct recording *a = run_program(&(struct program){ .seed = 1, .seconds = 10 });
	struct compare *compare = compare_two(&request, a, a);
	const struct compare_row *row = find_row(compare, "function_0");
	uint32_t parent = compare_parent(compare, row->key);
	assert_string_equal(compare_name(compare, parent), "main");
	assert_int_equal(compare_parent(compare, parent), 0);
	assert_true(row->change == 0 && compare->n_regressions == 0);
	compare_close(compare);
	recording_free(a);
}

static void knows_students_quantiles(void **state)
{
	(void)state;
	/* Abramowitz and Stegun, table 26.10 */
	assert_true(fabs(compare_critical(0.025, 1e9) - 1.960) < 0.002);
	assert_true(fabs(compare_critical(0.025, 10) - 2.228) < 0.005);
	assert_true(fabs(compare_critical(0.005, 4) - 4.604) < 0.06);
	assert_true(fabs(compare_critical(0.0005, 60) - 3.460) < 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_no_regression_in_equal_programs),
		cmocka_unit_test(names_the_planted_slow_down),
		cmocka_unit_test(intervals_hold_the_truth),
		cmocka_unit_test(keeps_new_and_vanished_frames),
		cmocka_unit_test(divides_by_work_and_time),
		cmocka_unit_test(repeats_hold_what_differs_from_run_to_run),
		cmocka_unit_test(tells_a_function_from_the_machine),
		cmocka_unit_test(blames_nothing_for_what_others_gained),
		cmocka_unit_test(compares_stacks),
		cmocka_unit_test(knows_students_quantiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
