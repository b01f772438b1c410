/*
 * How long one load takes whose address is the last one's result, by how much memory is chased
 * through: the steps of the curve are the levels.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/ceiling.h"
#include "tui/bench.h"

enum {
	PIECE_STEPS = 1000, /* 1 to 150 us */
	LEAST_BYTES = 4096,
	LATENCY_REPEATS = 15, /* sizes next to each other check one another */
};

static const uint64_t MOST_BYTES = 1 << 30, LEAST_LAST_BYTES = 64 << 20;

struct chase {
	char *memory, *at;
};

static void *prepare(void *argument)
{
	const uint64_t *bytes = argument;
	struct chase *chase = allocate(1, sizeof *chase);
	chase->memory = ceiling_take(*bytes);
	if (!chase->memory) {
		free(chase);
		return NULL;
	}
	ceiling_chase_lay(chase->memory, *bytes);
	chase->at = chase->memory;
	return chase;
}

static double run(void *state, unsigned step, uint64_t turn)
{
	struct chase *chase = state;
	(void)step;
	(void)turn;
	chase->at = ceiling_chase(chase->at, PIECE_STEPS);
	return PIECE_STEPS;
}

static void finish(void *state)
{
	struct chase *chase = state;
	free(chase->memory);
	free(chase);
}

static bool measure(struct bench *bench, uint64_t bytes, struct why *why)
{
	struct ceiling_crew crew = bench->crew;
	struct ceiling row = { .unit = "ns", .n_threads = 1, .set_bytes = bytes };
	const struct ceiling_loop loop = {
		.prepare = prepare, .run = run, .finish = finish, .argument = &bytes, .n_steps = 1
	};
	double values[LATENCY_REPEATS];
	crew.n_threads = 1;
	crew.n_repeats = LATENCY_REPEATS;
	if (!ceiling_run(&loop, &crew, values, why))
		return false;
	bench->crew.wall_ns = crew.wall_ns;
	bench->crew.cpu_ns = crew.cpu_ns;
	for (unsigned i = 0; i < LATENCY_REPEATS; i++)
		values[i] = 1e9 / values[i];
	snprintf(row.name, sizeof row.name, "latency.%" PRIu64, bytes);
	ceilings_summarize(&row, values, LATENCY_REPEATS);
	ceilings_add(bench->ceilings, &row);
	return true;
}

bool bench_latency(struct bench *bench, struct why *why)
{
	uint64_t last = bench_last_cache(bench, 1) * 4;
	last = last < LEAST_LAST_BYTES ? LEAST_LAST_BYTES : last > MOST_BYTES ? MOST_BYTES : last;
	last = last > bench->memory_bytes ? bench->memory_bytes : last;
	if (bench->say)
		bench->say("latency");
	for (uint64_t bytes = LEAST_BYTES; bytes <= last; bytes *= 2)
		if (!measure(bench, bytes, why))
			return false;
	return true;
}
