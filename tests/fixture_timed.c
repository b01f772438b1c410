/* A recording with a course over time: threads that take turns, counters that rise and fall. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_frames.h"

static const uint64_t START_NS = 1000000000000;
static const uint64_t SLOT_NS = 20000000;
enum { N_SLOTS = 310, N_THREADS = 3 }; /* 6.2 s */

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

static uint32_t stack_of(struct recording *recording, const char *name, uint32_t line)
{
	const struct fixture_frame frame = { .name = name,
					     .module = "/usr/bin/turns",
					     .file = "tests/data/turns.txt",
					     .line = line };
	return fixture_stack(recording, 0, &frame);
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

/* Busy a third of the time each, in turns of half a second; the first never rests at the end. */
static int is_busy(int thread, int slot)
{
	return slot / 25 % N_THREADS == thread || (thread == 0 && slot > 250 && slot % 5);
}

static void add_samples(struct recording *recording, uint32_t series)
{
	static const char *const names[N_THREADS] = { "main", "w\xc3\xb6rker",
						      "\xe4\xb8\xad\xe6\x96\x87" };
	uint32_t threads[N_THREADS], stacks[N_THREADS];
	for (uint32_t i = 0; i < N_THREADS; i++) {
		struct thread_row row = { .pid = 300,
					  .tid = 300 + i,
					  .name = text(recording, names[i]),
					  .process_name = text(recording, "turns"),
					  .start_ns = START_NS };
		threads[i] = recording_add_thread(recording, &row);
		stacks[i] = stack_of(recording,
				     i == 0   ? "first"
				     : i == 1 ? "second"
					      : "third",
				     i == 0 ? 7 : 12 + i);
	}
	for (int slot = 0; slot < N_SLOTS; slot++)
		for (int i = 0; i < N_THREADS; i++) {
			struct sample_row row = { .time_ns = START_NS + (uint64_t)slot * SLOT_NS,
						  .weight = SLOT_NS - (uint64_t)i * 5000000,
						  .stack = stacks[i],
						  .thread = threads[i],
						  .count = 20,
						  .series = (uint16_t)series };
			if (is_busy(i, slot))
				recording_add_sample(recording, &row);
		}
}

static void add_reading(struct recording *recording, uint32_t series, int at, double value,
			enum origin origin)
{
	struct reading_row row = { .time_ns = START_NS + (uint64_t)at * 100000000,
				   .value = value,
				   .series = series,
				   .running_ratio = origin == ORIGIN_SCALED ? 0.25F : 1,
				   .origin = origin };
	recording_add_reading(recording, &row);
}

static void add_readings(struct recording *recording)
{
	uint32_t ipc = series_of(recording, "ipc", "", ORIGIN_SCALED, 0);
	uint32_t bytes = series_of(recording, "memory.bandwidth", "B/s", ORIGIN_MEASURED, 0);
	uint32_t flops = series_of(recording, "work.flops", "FLOP", ORIGIN_MODELLED, SERIES_WORK);
	uint32_t done = series_of(recording, "progress", "ratio", ORIGIN_SOFTWARE, SERIES_PROGRESS);
	struct series_row energy = {
		.name = text(recording, "energy.package"),
		.unit = text(recording, "J"),
		.source = text(recording, "fixture"),
		.origin = ORIGIN_UNAVAILABLE,
		.reason = text(recording, "This machine has no energy counters (RAPL)."),
		.remedy = text(recording, "Measure on a machine with /sys/class/powercap."),
	};
	recording_add_series(recording, &energy);
	for (int i = 1; i <= 62; i++) {
		add_reading(recording, ipc, i, 1.5 + sin(i * 0.3), ORIGIN_SCALED);
		if (i < 20 || i > 30)
			add_reading(recording, bytes, i, 1e9 * (i % 16), ORIGIN_MEASURED);
		add_reading(recording, flops, i, 2e8 * i * i, ORIGIN_MODELLED);
		add_reading(recording, done, i, i / 62.0, ORIGIN_SOFTWARE);
	}
	add_reading(recording, ipc, 63, NAN, ORIGIN_UNAVAILABLE);
}

struct recording *fixture_timed(void)
{
	/* A title, colours, a progress line that begins anew, tabs, a character erased. */
	static const char output[] =
		"\033]0;turns\007\033[1;32mtaking turns\033[0m\r\n"
		"0 %\r50 %\r100 % gr\xc3\xb6\xc3\x9f"
		"er\r\n"
		"thread\tturns\r\n1\t\xe4\xb8\xad\xe6\x96\x87x\b\xff\r\nno newline";
	struct recording *recording = recording_new();
	recording->start_ns = START_NS;
	recording->start_epoch_ns = 1700000000000000000;
	uint32_t clock = series_of(recording, "cpu-clock", "ns", ORIGIN_SOFTWARE, SERIES_SAMPLES);
	add_samples(recording, clock);
	add_readings(recording);
	recording_add_output(recording, output, strlen(output));
	recording_add_fact(recording, "command_line", "turns");
	recording_add_fact(recording, "exit_status", "0");
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}
