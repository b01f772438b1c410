/*
 * Two seconds in ten turns: each 200 ms are 100 ms of gemm, 80 ms of triad and 20 ms of set-up that
 * tells no work. Six threads; the ceilings are 780 GFLOP/s and 61 GB/s.
 */
#include "tests/fixture_phases.h"

#include <math.h>
#include <stddef.h>

#include "sampler/recording.h"
#include "tests/fixture_frames.h"
#include "tests/fixture_machine.h"

static const uint64_t START_NS = 1000000000000;
static const uint64_t MS = 1000000;
enum { N_TURNS = 10, N_THREADS = 6, TURN_MS = 200 };

/* What a sample of 1 ms counts of each event, by what runs. */
struct part {
	const char *function;
	uint64_t from_ms, to_ms;
	uint64_t instructions, misses;
};

static const struct part parts[] = {
	{ "multiply", 0, 100, 9400000, 200 },
	{ "triad", 100, 180, 470000, 40000 },
	{ "set_up", 180, 200, 2350000, 1000 },
};
enum { N_PARTS = 3, CYCLES_A_MS = 4700000 };

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

static uint32_t series_of(struct recording *recording, const char *name, const char *unit,
			  enum origin origin, uint32_t flags)
{
	struct series_row row = { .name = text(recording, name),
				  .unit = text(recording, unit),
				  .source = text(recording, "fixture"),
				  .origin = origin,
				  .flags = flags };
	return recording_add_series(recording, &row);
}

static uint32_t stack_of(struct recording *recording, uint32_t parent, const char *name)
{
	const struct fixture_frame frame = {
		.name = name, .module = "/usr/bin/phases", .file = "tests/data/turns.txt", .line = 7
	};
	return fixture_stack(recording, parent, &frame);
}

enum { TOGETHER = SERIES_SAMPLES | 1 << SERIES_GROUP_SHIFT };

struct made {
	uint32_t series[4]; /* cpu-clock, cycles, instructions, cache-misses */
	uint32_t threads[N_THREADS], stacks[N_PARTS];
};

static void add_samples(struct recording *recording, const struct made *made)
{
	for (uint64_t ms = 0; ms < N_TURNS * TURN_MS; ms += 20)
		for (size_t i = 0; i < N_THREADS * N_PARTS; i++) {
			const struct part *part = &parts[i % N_PARTS];
			uint64_t at = ms % TURN_MS;
			const uint64_t weights[] = { 20 * MS, 20ull * CYCLES_A_MS,
						     20 * part->instructions, 20 * part->misses };
			if (at < part->from_ms || at >= part->to_ms)
				continue;
			for (int event = 0; event < 4; event++) {
				struct sample_row row = {
					.time_ns = START_NS + ms * MS + MS,
					.weight = weights[event],
					.stack = made->stacks[i % N_PARTS],
					.thread = made->threads[i / N_PARTS],
					.count = 20,
					.series = (uint16_t)made->series[event],
				};
				recording_add_sample(recording, &row);
			}
		}
}

struct work {
	double flops, bytes;
};

static void add_span(struct recording *recording, uint32_t series, const char *name, uint64_t ms,
		     uint64_t length_ms, struct work work)
{
	struct span_row row = { .start_ns = START_NS + ms * MS,
				.duration_ns = length_ms * MS,
				.flops = work.flops,
				.bytes = work.bytes,
				.items = NAN,
				.series = series,
				.name = text(recording, name) };
	recording_add_span(recording, &row);
}

/* gemm at 390 GFLOP/s, half of the roof; triad at 45.75 GB/s, three quarters of the memory. */
static void add_spans(struct recording *recording)
{
	uint32_t series = series_of(recording, "phases", "ns", ORIGIN_SOFTWARE, SERIES_SPANS);
	for (uint64_t i = 0; i < N_TURNS; i++) {
		add_span(recording, series, "gemm f32", i * TURN_MS, 100,
			 (struct work){ 39e9, 0.39e9 });
		add_span(recording, series, "triad", i * TURN_MS + 100, 80,
			 (struct work){ 0.305e9, 3.66e9 });
		add_span(recording, series, "set up", i * TURN_MS + 180, 20,
			 (struct work){ NAN, NAN });
		add_span(recording, series, "turn", i * TURN_MS, TURN_MS,
			 (struct work){ 39.305e9, 4.05e9 });
	}
}

/* Ten times a second: what the controllers moved: 6 GB/s, then 50 GB/s. */
static void add_readings(struct recording *recording)
{
	uint32_t rate = series_of(recording, "memory.bandwidth", "B/s", ORIGIN_MEASURED, 0);
	uint32_t ratio = series_of(recording, "memory.of_ceiling", "ratio", ORIGIN_MEASURED, 0);
	for (uint64_t i = 1; i <= N_TURNS * 2; i++) {
		double value = i % 2 ? 6e9 : 50e9;
		struct reading_row row = { .time_ns = START_NS + i * 100 * MS,
					   .value = value,
					   .series = rate,
					   .running_ratio = 1,
					   .origin = ORIGIN_MEASURED };
		recording_add_reading(recording, &row);
		row.series = ratio;
		row.value = value / 61e9;
		recording_add_reading(recording, &row);
	}
}

struct recording *fixture_phases(void)
{
	struct recording *recording = recording_new();
	struct made made;
	recording->start_ns = START_NS;
	recording->start_epoch_ns = 1700000000000000000;
	made.series[0] = series_of(recording, "cpu-clock", "ns", ORIGIN_SOFTWARE, TOGETHER);
	made.series[1] = series_of(recording, "cycles", "events", ORIGIN_MEASURED, TOGETHER);
	made.series[2] = series_of(recording, "instructions", "events", ORIGIN_MEASURED, TOGETHER);
	made.series[3] = series_of(recording, "cache-misses", "events", ORIGIN_MEASURED, TOGETHER);
	for (uint32_t i = 0; i < N_THREADS; i++) {
		struct thread_row row = { .pid = 500,
					  .tid = 500 + i,
					  .name = text(recording, "phases"),
					  .process_name = text(recording, "phases"),
					  .start_ns = START_NS };
		made.threads[i] = recording_add_thread(recording, &row);
	}
	uint32_t top = stack_of(recording, 0, "main");
	for (size_t i = 0; i < N_PARTS; i++)
		made.stacks[i] = stack_of(recording, top, parts[i].function);
	add_samples(recording, &made);
	add_spans(recording);
	add_readings(recording);
	recording_add_fact(recording, "command_line", "phases --turns 10");
	recording_add_fact(recording, "exit_status", "0");
	fake_add_facts(recording);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}
