/* Bounds by hand-worked numbers, phases inside phases, and what of the time is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/ceilings.h"
#include "counters/model_memory.h"
#include "counters/roofline.h"
#include "counters/roofline_phases.h"
#include "sampler/base/arena.h"
#include "sampler/rates.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "sampler/tree_sums.h"
#include "tests/fixture_phases.h"
#include "tui/dots.h"

static const uint64_t MS = 1000000;

static void add_ceiling(struct ceilings *ceilings, const char *name, uint32_t n_threads,
			double best)
{
	struct ceiling row = {
		.n_threads = n_threads, .n_repeats = 1, .best = best, .median = best
	};
	snprintf(row.name, sizeof row.name, "%s", name);
	snprintf(row.unit, sizeof row.unit, "%s", strncmp(name, "fma.", 4) == 0 ? "FLOP/s" : "B/s");
	ceilings_add(ceilings, &row);
}

/* 100 GFLOP/s; 10 GB/s of memory, 40 of L3, no L2, 400 of L1. */
static struct ceilings *some(void)
{
	struct ceilings *ceilings = ceilings_new(1);
	add_ceiling(ceilings, "fma.f32-avx2", 1, 50e9);
	add_ceiling(ceilings, "fma.f32-scalar", 2, 10e9);
	add_ceiling(ceilings, "fma.f32-avx2", 2, 100e9);
	add_ceiling(ceilings, "fma.bf16-avx512", 2, 200e9);
	add_ceiling(ceilings, "read.DRAM", 1, 8e9);
	add_ceiling(ceilings, "read.DRAM", 2, 10e9);
	add_ceiling(ceilings, "write.DRAM", 2, 6e9);
	add_ceiling(ceilings, "triad.L3", 2, 40e9);
	add_ceiling(ceilings, "read.L1", 2, 400e9);
	return ceilings;
}

static struct roofline_verdict judge(const struct roofline *roofline, double seconds, double flops,
				     double bytes)
{
	struct roofline_verdict verdict;
	struct roofline_work work = { seconds, flops, bytes };
	roofline_judge(roofline, &work, &verdict);
	return verdict;
}

static void check(struct roofline_verdict verdict, enum roofline_bound bound, int level,
		  double least, double lost)
{
	assert_int_equal(verdict.bound, bound);
	if (bound == BOUND_MEMORY)
		assert_int_equal(verdict.level, level);
	assert_float_equal(verdict.least_seconds, least, 1e-9);
	assert_float_equal(verdict.lost_seconds, lost, 1e-9);
}

static void bounds_are_those_worked_by_hand(void **state)
{
	struct ceilings *ceilings = some();
	struct roofline roofline;
	(void)state;
	roofline_make(&roofline, ceilings, "f32", 2);
	assert_float_equal(roofline_ridge(&roofline, ROOFLINE_MEMORY), 10, 1e-9);
	assert_float_equal(roofline_ridge(&roofline, ROOFLINE_L3), 2.5, 1e-9);
	assert_true(isnan(roofline_ridge(&roofline, ROOFLINE_L2)));
	assert_float_equal(roofline_attainable(&roofline, ROOFLINE_MEMORY, 1), 10e9, 1);
	assert_float_equal(roofline_attainable(&roofline, ROOFLINE_MEMORY, 1000), 100e9, 1);
	/* 1 GFLOP and 1 GB: 10 ms of arithmetic, 100 ms of memory. */
	struct roofline_verdict verdict = judge(&roofline, 0.2, 1e9, 1e9);
	check(verdict, BOUND_MEMORY, ROOFLINE_MEMORY, 0.1, 0.1);
	assert_float_equal(verdict.attained_ratio, 0.5, 1e-9);
	/* Faster than memory allows: its bytes came from L3, 25 ms; then from L1, 2.5 ms, and then
	 * arithmetic is the longer one. */
	check(judge(&roofline, 0.05, 1e9, 1e9), BOUND_MEMORY, ROOFLINE_L3, 0.025, 0.025);
	check(judge(&roofline, 0.02, 1e9, 1e9), BOUND_COMPUTE, 0, 0.01, 0.01);
	/* 5 ms for 10 ms of arithmetic. */
	verdict = judge(&roofline, 0.005, 1e9, 1e9);
	check(verdict, BOUND_BEATEN, 0, 0.01, 0);
	assert_float_equal(verdict.attained_ratio, 2, 1e-9);
	/* A hundredth faster than the roof is at it. */
	check(judge(&roofline, 0.0099, 1e9, 1e6), BOUND_COMPUTE, 0, 0.01, 0);
	check(judge(&roofline, 0.02, 1e9, 1e6), BOUND_COMPUTE, 0, 0.01, 0.01);
	/* More bytes than L1 gives in that time. */
	check(judge(&roofline, 0.001, 0, 1e9), BOUND_BEATEN, 0, 0.0025, 0);
	ceilings_free(ceilings);
}

static void what_is_unknown_stays_unknown(void **state)
{
	struct ceilings *ceilings = some();
	struct roofline roofline, nothing;
	(void)state;
	roofline_make(&roofline, ceilings, "f32", 2);
	roofline_make(&nothing, NULL, "f32", 2);
	/* One of both: the bound of what is known. */
	check(judge(&roofline, 1, NAN, 1e9), BOUND_MEMORY, ROOFLINE_MEMORY, 0.1, 0.9);
	check(judge(&roofline, 1, 1e9, NAN), BOUND_COMPUTE, 0, 0.01, 0.99);
	check(judge(&roofline, 1, 0, 0), BOUND_COMPUTE, 0, 0, 1);
	const double unknown[][3] = { { 1, NAN, NAN }, { 0, 1, 1 }, { NAN, 1, 1 }, { -1, 1, 1 } };
	for (size_t i = 0; i < 4; i++) {
		struct roofline_verdict verdict =
			judge(&roofline, unknown[i][0], unknown[i][1], unknown[i][2]);
		assert_int_equal(verdict.bound, BOUND_UNKNOWN);
		assert_true(isnan(verdict.least_seconds) && isnan(verdict.lost_seconds));
	}
	assert_int_equal(judge(&nothing, 1, 1e9, 1e9).bound, BOUND_UNKNOWN);
	/* Bytes alone, and no ceiling for bytes: that it takes no arithmetic is no bound. */
	assert_int_equal(judge(&nothing, 1, 0, 1e9).bound, BOUND_UNKNOWN);
	struct roofline_work work = { 1, 1, 0 };
	assert_true(isnan(roofline_intensity(&work)));
	assert_true(isnan(roofline_attainable(&nothing, 0, 1)));
	ceilings_free(ceilings);
}

static void ceilings_are_of_the_type_and_threads(void **state)
{
	struct ceilings *ceilings = some();
	struct roofline roofline;
	(void)state;
	roofline_make(&roofline, ceilings, "f32", 1);
	assert_true(roofline.compute->best == 50e9);
	assert_true(roofline.levels[ROOFLINE_MEMORY]->best == 8e9);
	assert_null(roofline.levels[ROOFLINE_L3]); /* was measured with two threads only */
	roofline_make(&roofline, ceilings, "bf16", 7);
	assert_true(roofline.compute->best == 200e9);
	roofline_make(&roofline, ceilings, "f64", 2);
	assert_null(roofline.compute);
	assert_string_equal(roofline_type_of("gemm f64 128"), "f64");
	assert_string_equal(roofline_type_of("bf16 auto 1x1x1"), "bf16");
	assert_string_equal(roofline_type_of("my_int8_x"), "int8");
	assert_string_equal(roofline_type_of("xf64"), "f32");
	assert_string_equal(roofline_type_of(""), "f32");
	ceilings_free(ceilings);
}

/* ---- phases */

static void add_span(struct recording *recording, const char *name, uint64_t from_ms,
		     uint64_t to_ms, double flops, double bytes)
{
	struct series_row series = { .name = recording_add_string(recording, "phases"),
				     .unit = recording_add_string(recording, "ns"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SPANS };
	struct span_row row = { .start_ns = recording->start_ns + from_ms * MS,
				.duration_ns = (to_ms - from_ms) * MS,
				.flops = flops,
				.bytes = bytes,
				.items = NAN,
				.series = recording_add_series(recording, &series),
				.name = recording_add_string(recording, name) };
	recording_add_span(recording, &row);
}

static const struct roofline_phase *phase_of(const struct roofline_phases *phases,
					     const struct recording *recording, const char *name)
{
	for (size_t i = 0; i < phases->n; i++)
		if (strcmp(recording_string_at(recording, phases->rows[i].name), name) == 0)
			return &phases->rows[i];
	return NULL;
}

/*
 * outer    0 ............................ 1000 ms   20 GFLOP
 *   inner      100 ...... 400                        10 GFLOP
 *     quiet         200 .. 300                       tells nothing
 *   inner                       500 ... 600           5 GFLOP
 */
static void phases_inside_phases(void **state)
{
	struct recording *recording = recording_new();
	struct ceilings *ceilings = some();
	(void)state;
	add_span(recording, "quiet", 200, 300, NAN, NAN);
	add_span(recording, "inner", 100, 400, 10e9, 1e6);
	add_span(recording, "inner", 500, 600, 5e9, 1e6);
	add_span(recording, "outer", 0, 1000, 20e9, 3e6);
	recording_publish(recording);
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, ceilings);
	assert_int_equal(phases->n, 2);
	const struct roofline_phase *outer = phase_of(phases, recording, "outer");
	const struct roofline_phase *inner = phase_of(phases, recording, "inner");
	assert_float_equal(outer->all.seconds, 1, 1e-9);
	assert_float_equal(outer->own.seconds, 0.6, 1e-9);
	assert_float_equal(outer->own.flops, 5e9, 1);
	assert_float_equal(outer->own.bytes, 1e6, 1);
	assert_float_equal(inner->all.seconds, 0.4, 1e-9);
	assert_float_equal(inner->own.seconds, 0.4, 1e-9);
	assert_float_equal(inner->own.flops, 15e9, 1);
	assert_int_equal(inner->n_spans, 2);
	/* By two threads' roof: 150 of 400 ms and 50 of 600 ms were needed. */
	assert_int_equal(inner->n_threads, 2);
	uint64_t start = recording->start_ns;
	assert_float_equal(roofline_lost_ratio(phases, start + 150 * MS), 250.0 / 400, 1e-6);
	assert_float_equal(roofline_lost_ratio(phases, start + 250 * MS), 250.0 / 400, 1e-6);
	assert_float_equal(roofline_lost_ratio(phases, start + 450 * MS), 550.0 / 600, 1e-6);
	assert_true(isnan(roofline_lost_ratio(phases, start + 1000 * MS)));
	assert_true(isnan(roofline_lost_ratio(phases, start - 1)));
	roofline_phases_close(phases);
	/* A window: what begins in it. */
	phases = roofline_phases_open(recording, start + 450 * MS, start + 700 * MS, NULL);
	assert_int_equal(phases->n, 1);
	assert_float_equal(phases->rows[0].all.flops, 5e9, 1);
	assert_int_equal(phases->rows[0].all_verdict.bound, BOUND_UNKNOWN);
	assert_int_equal(phases->rows[0].n_threads, 0);
	roofline_phases_close(phases);
	ceilings_free(ceilings);
	recording_free(recording);
}

/* Work of one thread's phases that end outside those around them, and of a phase in itself. */
static void odd_phases_do_no_harm(void **state)
{
	struct recording *recording = recording_new();
	(void)state;
	add_span(recording, "a", 0, 100, 1e9, 1);
	add_span(recording, "b", 50, 200, 4e9, 1); /* begins inside a, ends behind it */
	add_span(recording, "c", 300, 400, 3e9, 1);
	add_span(recording, "c", 320, 380, 2e9, 1);
	add_span(recording, "d", 500, 500, 1e9, 1); /* no time */
	add_span(recording, "e", 600, 700, -1, 1);
	recording_publish(recording);
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, NULL);
	assert_int_equal(phases->n, 3);
	assert_float_equal(phase_of(phases, recording, "a")->own.seconds, 0.05, 1e-9);
	assert_true(phase_of(phases, recording, "a")->own.flops == 0); /* never negative */
	assert_float_equal(phase_of(phases, recording, "b")->own.seconds, 0.15, 1e-9);
	const struct roofline_phase *c = phase_of(phases, recording, "c");
	assert_float_equal(c->all.seconds, 0.1, 1e-9); /* not twice */
	assert_float_equal(c->all.flops, 3e9, 1);
	assert_float_equal(c->own.seconds, 0.1, 1e-9);
	assert_float_equal(c->own.flops, 3e9, 1);
	for (size_t i = 1; i < phases->n_segments; i++)
		assert_true(phases->segments[i - 1].to_ns <= phases->segments[i].from_ns);
	roofline_phases_close(phases);
	recording_free(recording);
}

/* The fixture's numbers: see there. */
static void phases_of_the_fixture(void **state)
{
	struct recording *recording = fixture_phases();
	struct ceilings *ceilings = ceilings_load(recording);
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, ceilings);
	(void)state;
	const struct roofline_phase *gemm = phase_of(phases, recording, "gemm f32");
	const struct roofline_phase *triad = phase_of(phases, recording, "triad");
	assert_null(phase_of(phases, recording, "set up"));
	assert_int_equal(gemm->n_threads, 6);
	assert_int_equal(gemm->own_verdict.bound, BOUND_COMPUTE);
	assert_float_equal(gemm->own_verdict.attained_ratio, 0.5, 1e-6);
	assert_int_equal(triad->own_verdict.bound, BOUND_MEMORY);
	assert_int_equal(triad->own_verdict.level, ROOFLINE_MEMORY);
	assert_float_equal(triad->own_verdict.attained_ratio, 0.75, 1e-6);
	/* Readings: 6 GB/s over the first 100 ms of each turn, 50 GB/s over the second. */
	assert_float_equal(gemm->measured_bytes, 6e9, 1e3);
	assert_float_equal(triad->measured_bytes, 40e9, 1e3);
	assert_int_equal(triad->measured_origin, ORIGIN_MEASURED);
	roofline_phases_close(phases);
	ceilings_free(ceilings);
	recording_free(recording);
}

/* Under the cache model a program is slower than by itself: nothing is said of its bound. */
static void modelled_times_are_not_judged(void **state)
{
	struct recording *recording = fixture_phases();
	struct ceilings *ceilings = ceilings_load(recording);
	(void)state;
	recording_add_fact(recording, MODEL_CACHES_FACT, "l1=32K/8");
	recording_publish(recording);
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, ceilings);
	assert_true(phases->is_modelled && phases->n > 1);
	for (size_t i = 0; i < phases->n; i++) {
		assert_int_equal(phases->rows[i].all_verdict.bound, BOUND_UNKNOWN);
		assert_true(phases->rows[i].all.flops >= 0); /* its work is its own */
	}
	assert_true(isnan(roofline_lost_ratio(phases, phases->first_ns + 1)));
	roofline_phases_close(phases);
	ceilings_free(ceilings);
	recording_free(recording);
}

/* Milliseconds on a CPU of threads 1 to 3, each 20 ms of a phase. */
static uint32_t threads_that(const double (*turns)[3], int n_turns)
{
	struct recording *recording = recording_new();
	struct ceilings *ceilings = some();
	add_ceiling(ceilings, "read.DRAM", 8, 20e9);
	struct series_row series = { .name = recording_add_string(recording, "cpu-clock"),
				     .unit = recording_add_string(recording, "ns"),
				     .flags = SERIES_SAMPLES };
	uint32_t clock = recording_add_series(recording, &series);
	for (int i = 0; i < 20; i++)
		for (uint32_t thread = 1; thread <= 3; thread++) {
			struct sample_row row = {
				.time_ns = recording->start_ns + ((uint64_t)i * 20 + 2) * MS,
				.weight = (uint64_t)(turns[i % n_turns][thread - 1] * 1e6),
				.count = 1,
				.thread = thread,
				.series = (uint16_t)clock
			};
			if (row.weight > 0)
				recording_add_sample(recording, &row);
		}
	recording_flush_samples(recording, UINT64_MAX);
	add_span(recording, "work", 0, 400, 1, 1);
	recording_publish(recording);
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, ceilings);
	uint32_t n = phases->rows[0].n_threads;
	roofline_phases_close(phases);
	ceilings_free(ceilings);
	recording_free(recording);
	return n;
}

static void threads_are_those_that_work(void **state)
{
	(void)state;
	const double alone[][3] = { { 20, 0, 0 } }, both[][3] = { { 20, 20, 0 } },
		     /* Beside other programs: half a CPU each, then hardly any. */
		contended[][3] = { { 9, 8, 0 } }, starved[][3] = { { 3, 2, 0 } },
		     /* One after the other; a helper that only looks for work. */
		in_turn[][3] = { { 20, 0, 0 }, { 0, 20, 0 }, { 0, 0, 20 } },
		     helped[][3] = { { 18, 1, 1 } };
	assert_int_equal(threads_that(alone, 1), 1);
	assert_int_equal(threads_that(both, 1), 2);
	assert_int_equal(threads_that(contended, 1), 2);
	assert_int_equal(threads_that(starved, 1), 2);
	assert_int_equal(threads_that(in_turn, 3), 1);
	assert_int_equal(threads_that(helped, 1), 1);
}

static uint64_t weigh_lost(const void *phases, const struct sample_row *sample)
{
	double ratio = roofline_lost_ratio(phases, sample->time_ns);
	return isnan(ratio) ? 0 : (uint64_t)llround((double)sample->weight * ratio);
}

/* Six threads, 2 s: half of 6 s in gemm and a quarter of 4.8 s in triad are lost; "turn" states no
 * more work than the phases in it, so the 1.2 s of set-up are lost as a whole. */
static void widths_are_lost_time(void **state)
{
	struct recording *recording = fixture_phases();
	struct ceilings *ceilings = ceilings_load(recording);
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, ceilings);
	struct tree_options options = { .weigh = weigh_lost, .weigh_context = phases };
	struct tree *tree = tree_open(recording, &options);
	struct tree_function functions[8];
	uint32_t n;
	(void)state;
	tree_update(tree);
	assert_float_equal((double)tree_nodes(tree, &n)[0].total, 3e9 + 1.2e9 + 1.2e9, 1e3);
	assert_int_equal(tree_functions(tree, functions, 8), 4);
	for (size_t i = 0; i < 4; i++) {
		const char *name = recording_string_at(recording, functions[i].name);
		double lost = (double)functions[i].exclusive;
		assert_float_equal(lost,
				   strcmp(name, "multiply") == 0 ? 3e9
				   : strcmp(name, "main") == 0   ? 0
								 : 1.2e9,
				   1e3);
	}
	tree_close(tree);
	roofline_phases_close(phases);
	ceilings_free(ceilings);
	recording_free(recording);
}

/* ---- rates of events read together */

static const struct rate *rate_named(const struct rates *rates, const char *name)
{
	for (size_t i = 0; i < rates->n; i++)
		if (strcmp(rates->rows[i].name, name) == 0)
			return &rates->rows[i];
	fail_msg("there is no rate %s", name);
	return NULL;
}

static void rates_of_boxes_and_functions(void **state)
{
	struct recording *recording = fixture_phases();
	struct tree_options options = { .root = TREE_ROOT_NAME };
	struct tree *tree = tree_open(recording, &options);
	struct tree_function functions[8];
	struct rates rates;
	char text[32];
	(void)state;
	tree_update(tree);
	rates_find(&rates, recording, tree_series(tree));
	assert_int_equal(rates.n_sums, 4);
	struct tree_sums *sums = tree_sums_open(recording, tree, rates.sums, rates.n_sums);
	assert_true(tree_sums_update(sums));
	assert_false(tree_sums_update(sums));
	const struct rate *ipc = rate_named(&rates, "IPC");
	assert_true(ipc->is_low_bad);
	assert_int_equal(ipc->origin, ORIGIN_MEASURED);
	size_t n = tree_functions(tree, functions, 8);
	for (size_t i = 0; i < n; i++) {
		const char *name = recording_string_at(recording, functions[i].name);
		const uint64_t *of = tree_sums_of_function(sums, functions[i].function);
		double value = rates_value(ipc, of);
		if (strcmp(name, "multiply") == 0)
			assert_float_equal(value, 2, 1e-9);
		else if (strcmp(name, "triad") == 0)
			assert_float_equal(value, 0.1, 1e-9);
		else if (strcmp(name, "set_up") == 0)
			assert_float_equal(value, 0.5, 1e-9);
		else
			assert_true(isnan(value)); /* main has no time of its own */
		if (strcmp(name, "triad") == 0) {
			/* 40,000 of 470,000 instructions; 64 bytes each, in 1 ms of CPU time */
			assert_float_equal(rates_value(rate_named(&rates, "cache-misses"), of),
					   85.106383, 1e-5);
			assert_float_equal(rates_value(rate_named(&rates, "bytes by misses"), of),
					   2.56e9, 1);
		}
	}
	assert_int_equal(rate_named(&rates, "bytes by misses")->origin, ORIGIN_MODELLED);
	/* The whole: (100 x 9.4 + 80 x 0.47 + 20 x 2.35) / (200 x 4.7) */
	assert_float_equal(rates_value(ipc, tree_sums_of(sums, 0)), 1.09, 1e-9);
	assert_true(isnan(rates_value(ipc, tree_sums_of(sums, UINT32_MAX))));
	assert_string_equal(rates_text(text, sizeof text, ipc, 1.09), "1.09");
	assert_string_equal(rates_text(text, sizeof text, ipc, NAN), "\xe2\x80\x93");
	recording_add_fact(recording, "sampling.group_ran", "0.43");
	recording_publish(recording);
	rates_find(&rates, recording, tree_series(tree));
	assert_int_equal(rate_named(&rates, "IPC")->origin, ORIGIN_SCALED);
	tree_sums_close(sums);
	tree_close(tree);
	recording_free(recording);
}

/* Sums follow the tree's window, threads and shape. */
static void sums_follow_the_tree(void **state)
{
	struct recording *recording = fixture_phases();
	const uint64_t start = recording->start_ns;
	struct tree_options shapes[] = {
		{ .root = TREE_ROOT_THREAD },
		{ .is_inverted = true },
		{ .root = TREE_ROOT_NAME, .from_ns = start, .to_ns = start + 100 * MS },
		{ .only = { .tid = 503 } },
	};
	const uint64_t wanted[] = { 6 * 2000, 6 * 2000, 6 * 100, 2000 }; /* ms */
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct tree *tree = tree_open(recording, &shapes[i]);
		struct rates rates;
		uint32_t n_nodes;
		tree_update(tree);
		rates_find(&rates, recording, tree_series(tree));
		struct tree_sums *sums = tree_sums_open(recording, tree, rates.sums, rates.n_sums);
		tree_sums_update(sums);
		const struct tree_node *nodes = tree_nodes(tree, &n_nodes);
		for (uint32_t node = 0; node < n_nodes; node++) {
			const uint64_t *of = tree_sums_of(sums, node);
			assert_true(of[0] == nodes[node].total); /* the event that is shown */
			assert_true(of[1] * MS == of[0] * 4700000);
		}
		assert_true(tree_sums_of(sums, 0)[0] == wanted[i] * MS);
		tree_sums_close(sums);
		tree_close(tree);
	}
	recording_free(recording);
}

static void dots_are_where_they_belong(void **state)
{
	struct arena arena = { 0 };
	struct canvas canvas = canvas_new(4, 2);
	struct dots dots = dots_new(&arena, 4, 2);
	char *text;
	size_t n;
	(void)state;
	dots_line(&dots, 0, 0, 7, 7);
	dots_set(&dots, -1, 0);
	dots_set(&dots, 8, 0);
	dots_set(&dots, 0, 8);
	dots_line(&dots, NAN, 0, 1, 1);
	dots_line(&dots, 0, 0, 1e300, INFINITY);
	dots_draw(&dots, &canvas, MEANING_TEXT);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	assert_string_equal(text, "  \u2860\u280a\n\u2860\u280a\n");
	free(text);
	canvas_free(&canvas);
	arena_close(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_those_worked_by_hand),
		cmocka_unit_test(what_is_unknown_stays_unknown),
		cmocka_unit_test(ceilings_are_of_the_type_and_threads),
		cmocka_unit_test(phases_inside_phases),
		cmocka_unit_test(odd_phases_do_no_harm),
		cmocka_unit_test(phases_of_the_fixture),
		cmocka_unit_test(modelled_times_are_not_judged),
		cmocka_unit_test(threads_are_those_that_work),
		cmocka_unit_test(widths_are_lost_time),
		cmocka_unit_test(rates_of_boxes_and_functions),
		cmocka_unit_test(sums_follow_the_tree),
		cmocka_unit_test(dots_are_where_they_belong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
