/* What the cores compute, on registers alone; and their clock, by additions that wait. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/ceiling.h"
#include "kernels/fma_peak.h"
#include "tui/bench.h"

/* The clock is step 0; then every variant of fma_peak. */
enum { MOST_VARIANTS = 32, CLOCK_TICKS = 80000 };

/* A piece of work: long beside reading the clock (30 ns) and setting tiles up. */
static const uint64_t PIECE_NS = 40 * 1000;

struct variant_at {
	const char *name;
	fma_peak_function *run;
	size_t n_units;
};

struct plan {
	struct variant_at variants[MOST_VARIANTS];
	unsigned n;
};

static void *prepare(void *argument)
{
	return argument;
}

static double run(void *state, unsigned step, uint64_t turn)
{
	const struct plan *plan = state;
	(void)turn;
	if (step == 0) {
		ceiling_ticks(CLOCK_TICKS);
		return CLOCK_TICKS;
	}
	const struct variant_at *at = &plan->variants[step - 1];
	volatile double result = at->run(at->n_units);
	(void)result;
	return (double)FMA_PEAK_UNIT_FLOPS * (double)at->n_units;
}

static void finish(void *state)
{
	(void)state;
}

static uint64_t time_ns(const struct variant_at *at)
{
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	volatile double result = at->run(at->n_units);
	(void)result;
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (uint64_t)((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec);
}

static void find_variants(struct plan *plan)
{
	static const char *const types[] = { "f32", "f64", "bf16", "int8" };
	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
		size_t place = 0;
		const char *name;
		for (fma_peak_function *function;
		     plan->n < MOST_VARIANTS &&
		     (function = fma_peak_next(types[t], &place, &name));) {
			struct variant_at *at = &plan->variants[plan->n++];
			*at = (struct variant_at){ name, function, 1 };
			while (time_ns(at) < PIECE_NS && at->n_units < SIZE_MAX / 2)
				at->n_units *= 2;
		}
	}
}

static void add_clock(struct bench *bench, double *rates)
{
	const struct ceiling_crew *crew = &bench->crew;
	struct ceiling row = { .name = "clock", .unit = "Hz", .n_threads = crew->n_threads };
	for (unsigned i = 0; i < crew->n_repeats; i++)
		rates[i] /= crew->n_threads; /* clocks do not add up */
	ceilings_summarize(&row, rates, ceiling_ticks(8) ? crew->n_repeats : 0);
	if (!ceiling_ticks(8))
		snprintf(row.reason, sizeof row.reason,
			 "how many cycles an addition takes is not known for this processor");
	ceilings_add(bench->ceilings, &row);
}

static void add_rows(struct bench *bench, const struct plan *plan, double *rates)
{
	const struct ceiling_crew *crew = &bench->crew;
	add_clock(bench, rates);
	for (unsigned i = 0; i < plan->n; i++) {
		const char *name = plan->variants[i].name;
		struct ceiling row = { .n_threads = crew->n_threads };
		snprintf(row.name, sizeof row.name, "fma.%.27s", name);
		snprintf(row.unit, sizeof row.unit, "%s",
			 strncmp(name, "int", 3) == 0 ? "OP/s" : "FLOP/s");
		ceilings_summarize(&row, rates + (size_t)(i + 1) * crew->n_repeats,
				   crew->n_repeats);
		ceilings_add(bench->ceilings, &row);
	}
}

bool bench_compute(struct bench *bench, struct why *why)
{
	struct plan plan = { .n = 0 };
	struct ceiling_crew *crew = &bench->crew;
	if (bench->say)
		bench->say("arithmetic");
	find_variants(&plan);
	const struct ceiling_loop loop = { .prepare = prepare,
					   .run = run,
					   .finish = finish,
					   .argument = &plan,
					   .n_steps = plan.n + 1 };
	double *rates = allocate((unsigned long)loop.n_steps * crew->n_repeats, sizeof *rates);
	bool is_good = true;
	unsigned last = bench_next_count(bench, 0);
	for (unsigned n = last; n && is_good; n = bench_next_count(bench, n)) {
		/* Units of cores are their own: the first and the last number say it all. */
		bool is_middle = n != last && bench_next_count(bench, n) != 0;
		if (is_middle)
			continue;
		crew->n_threads = n;
		is_good = ceiling_run(&loop, crew, rates, why);
		if (is_good)
			add_rows(bench, &plan, rates);
	}
	free(rates);
	return is_good;
}
