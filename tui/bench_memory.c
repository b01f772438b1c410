/*
 * What each level delivers. A thread's arrays fill half of its share of the level (three quarters
 * of a first level), and are at least twice as large as the level before, so that little comes
 * from there. Main memory: four times the last cache, as STREAM asks.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ceiling.h"
#include "sampler/base/text.h"
#include "tui/bench.h"

enum {
	MOST_STREAMS = 8,
	PIECE_BYTES = 2 << 20, /* moved between two looks at the clock: 7 us at 300 GB/s */
	/* Arrays one behind the other at multiples of 4 KiB would make loads wait for stores that
	 * only look as if they were to the same place (Intel Optimization Manual, 4-KB aliasing).
	 */
	SKEW_BYTES = 1088,
	MOST_ARRAYS = 3,
	/* Beyond eight times the level before, a larger part only meets other users of the level.
	 */
	MOST_TIMES_BELOW = 8,
	LEAST_TIMES_BELOW = 2,
};

static const uint64_t LEAST_DRAM_BYTES = 256 << 20; /* for machines whose caches are not known */

/* A core's time for all of its arrays at 30 GB/s, as a pass of STREAM: memory is shared with
 * others, and what it does for a moment between their accesses is not what it delivers. */
static const uint64_t DRAM_REPEAT_NS = 8 * 1000 * 1000;

/* What all threads share, and each one's arrays. */
struct plan {
	const struct ceiling_stream *streams[MOST_STREAMS];
	unsigned n_streams;
	uint64_t set_bytes; /* of one thread */
};

struct arrays {
	const struct plan *plan;
	char *memory;
};

static void *prepare(void *argument)
{
	const struct plan *plan = argument;
	struct arrays *arrays = allocate(1, sizeof *arrays);
	arrays->plan = plan;
	arrays->memory = ceiling_take(plan->set_bytes + (size_t)MOST_ARRAYS * SKEW_BYTES);
	if (arrays->memory)
		return arrays;
	free(arrays);
	return NULL;
}

static void finish(void *state)
{
	struct arrays *arrays = state;
	free(arrays->memory);
	free(arrays);
}

/* The length of each array, whole blocks. */
static size_t array_bytes(const struct plan *plan, unsigned n_arrays)
{
	return plan->set_bytes / n_arrays / CEILING_BLOCK_BYTES * CEILING_BLOCK_BYTES;
}

static double run(void *state, unsigned step, uint64_t turn)
{
	const struct arrays *arrays = state;
	const struct ceiling_stream *stream = arrays->plan->streams[step];
	size_t length = array_bytes(arrays->plan, stream->n_arrays);
	size_t piece = PIECE_BYTES / stream->n_arrays / CEILING_BLOCK_BYTES * CEILING_BLOCK_BYTES;
	size_t stride = length + SKEW_BYTES, at = 0, n_passes = 1;
	if (piece < length) {
		size_t n_pieces = length / piece;
		at = turn % n_pieces * piece;
	} else {
		n_passes = piece / length;
		piece = length;
	}
	char *a = arrays->memory + at;
	const char *b = a + stride, *c = b + stride;
	for (size_t pass = 0; pass < n_passes; pass++)
		stream->run(a, b, c, piece);
	return (double)n_passes * (double)piece * stream->n_arrays;
}

static void find_streams(struct plan *plan, bool is_memory)
{
	const struct ceiling_stream *stream;
	for (size_t i = 0; (stream = ceiling_stream_at(i)) && plan->n_streams < MOST_STREAMS; i++)
		if (is_memory || !stream->is_for_memory)
			plan->streams[plan->n_streams++] = stream;
}

static void add_row(struct bench *bench, const struct plan *plan, const char *level, unsigned i,
		    double *rates)
{
	struct ceiling row = { .unit = "B/s",
			       .n_threads = bench->crew.n_threads,
			       .set_bytes = plan->set_bytes };
	snprintf(row.name, sizeof row.name, "%.20s.%.8s", plan->streams[i]->name, level);
	ceilings_summarize(&row, rates, bench->crew.n_repeats);
	ceilings_add(bench->ceilings, &row);
}

static void add_gap(struct bench *bench, const struct plan *plan, const char *level,
		    const char *reason)
{
	for (unsigned i = 0; i < plan->n_streams; i++) {
		struct ceiling row = { .unit = "B/s",
				       .n_threads = bench->crew.n_threads,
				       .best = NAN,
				       .median = NAN };
		snprintf(row.name, sizeof row.name, "%.20s.%.8s", plan->streams[i]->name, level);
		snprintf(row.reason, sizeof row.reason, "%s", reason);
		ceilings_add(bench->ceilings, &row);
	}
}

static bool measure(struct bench *bench, struct plan *plan, const char *level, struct why *why)
{
	const struct ceiling_loop loop = { .prepare = prepare,
					   .run = run,
					   .finish = finish,
					   .argument = plan,
					   .n_steps = plan->n_streams };
	unsigned n_repeats = bench->crew.n_repeats;
	double *rates = allocate((unsigned long)plan->n_streams * n_repeats, sizeof *rates);
	bool is_good = ceiling_run(&loop, &bench->crew, rates, why);
	for (unsigned i = 0; i < plan->n_streams && is_good; i++)
		add_row(bench, plan, level, i, rates + (size_t)i * n_repeats);
	free(rates);
	return is_good;
}

/* How many of the first n threads share the cache of the first one. */
static unsigned count_sharers(const struct bench *bench, const struct machine_cache *cache,
			      unsigned n)
{
	unsigned n_sharers = 0;
	for (unsigned i = 0; i < n; i++)
		n_sharers += cpu_mask_has(&cache->cpus, bench->cpus[i]);
	return n_sharers ? n_sharers : 1;
}

static uint64_t size_of(const struct bench *bench, unsigned level)
{
	const struct machine_cache *cache = machine_cache_of(bench->machine, level, bench->cpus[0]);
	return cache ? cache->size_bytes : 0;
}

/* 0 and a reason when the level has no room for it. */
static uint64_t choose_set(const struct bench *bench, unsigned level, char *reason, size_t bytes)
{
	const struct machine_cache *cache = machine_cache_of(bench->machine, level, bench->cpus[0]);
	uint64_t below = level > 1 ? size_of(bench, level - 1) : 0;
	char text[TEXT_BYTES];
	if (!cache || cache->size_bytes == 0) {
		snprintf(reason, bytes, "the size of the cache is not known");
		return 0;
	}
	uint64_t share = cache->size_bytes / count_sharers(bench, cache, bench->crew.n_threads);
	uint64_t set = level == 1 ? share / 4 * 3 : share / 2;
	if (below && set > below * MOST_TIMES_BELOW)
		set = below * MOST_TIMES_BELOW;
	if (set < below * LEAST_TIMES_BELOW) {
		snprintf(reason, bytes,
			 "a thread's share, %s, is hardly larger than its L%u, so most would come "
			 "from there",
			 machine_print_size(text, sizeof text, share), level - 1);
		return 0;
	}
	return set;
}

static bool measure_cache(struct bench *bench, unsigned level, struct why *why)
{
	char name[8], reason[sizeof((struct ceiling *)0)->reason];
	struct plan plan = { .n_streams = 0 };
	find_streams(&plan, false);
	snprintf(name, sizeof name, "L%u", level);
	plan.set_bytes = choose_set(bench, level, reason, sizeof reason);
	if (plan.set_bytes < (uint64_t)MOST_ARRAYS * CEILING_BLOCK_BYTES) {
		add_gap(bench, &plan, name, reason);
		return true;
	}
	return measure(bench, &plan, name, why);
}

static bool measure_dram(struct bench *bench, struct why *why)
{
	struct plan plan = { .n_streams = 0 };
	unsigned n = bench->crew.n_threads;
	uint64_t caches = bench_last_cache(bench, n), whole = caches * 4;
	find_streams(&plan, true);
	whole = whole < LEAST_DRAM_BYTES ? LEAST_DRAM_BYTES : whole;
	whole = whole > bench->memory_bytes ? bench->memory_bytes : whole;
	plan.set_bytes = whole / n;
	if (whole < caches * 2 || plan.set_bytes < PIECE_BYTES) {
		add_gap(bench, &plan, "DRAM",
			"a quarter of the free memory is not twice the last cache");
		return true;
	}
	uint64_t usual_ns = bench->crew.repeat_ns;
	bench->crew.repeat_ns = DRAM_REPEAT_NS;
	bool is_good = measure(bench, &plan, "DRAM", why);
	bench->crew.repeat_ns = usual_ns;
	return is_good;
}

bool bench_memory(struct bench *bench, struct why *why)
{
	unsigned first = bench_next_count(bench, 0);
	for (unsigned n = first; n; n = bench_next_count(bench, n)) {
		bool is_middle = n != first && bench_next_count(bench, n) != 0;
		char text[64];
		snprintf(text, sizeof text, "memory with %u thread%s", n, n == 1 ? "" : "s");
		if (bench->say)
			bench->say(text);
		bench->crew.n_threads = n;
		for (unsigned level = 1; level <= machine_last_level(bench->machine); level++) {
			/* Caches of one's own add up; shared ones are worth every number. */
			const struct machine_cache *cache =
				machine_cache_of(bench->machine, level, bench->cpus[0]);
			if (is_middle && (!cache || count_sharers(bench, cache, n) == 1))
				continue;
			if (!measure_cache(bench, level, why))
				return false;
		}
		if (!measure_dram(bench, why))
			return false;
	}
	return true;
}
