/* One loop over an array of a page's stride and one that stays in the cache; see fixture_model.h.
 */
#include "tests/fixture_model.h"

#include <stddef.h>
#include <stdio.h>

#include "sampler/recording.h"
#include "tests/fixture_frames.h"

static const uint64_t START_NS = 1000000000000;
enum { N_EVENTS = 4, N_LINES = 4, N_PASSES = 10 };

static const char *const events[N_EVENTS] = { "memory-accesses", "L1-misses", "L2-misses",
					      "TLB-misses" };

/* What a line of a function counts in one pass, and on which array. */
struct place {
	const char *function;
	uint32_t line;
	const char *array;
	uint64_t counts[N_EVENTS];
};

static const struct place places[N_LINES] = {
	{ "take_turn", 6, "[stack]", { 4000, 0, 0, 0 } },
	{ "take_turn", 7, "[2.00 MiB from main:14]", { 8000, 2000, 500, 800 } },
	{ "main", 14, "[stack]", { 1000, 10, 10, 0 } },
	{ "main", 13, "[weights, global, 64.0 KiB]", { 2000, 100, 50, 20 } },
};

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

static uint32_t series_of(struct recording *recording, const char *name, const char *end,
			  uint32_t group)
{
	char whole[64];
	snprintf(whole, sizeof whole, "%s%s", name, end);
	struct series_row row = { .name = text(recording, whole),
				  .unit = text(recording, "events"),
				  .source = text(recording, "model"),
				  .origin = ORIGIN_MODELLED,
				  .flags = SERIES_SAMPLES | group << SERIES_GROUP_SHIFT };
	return recording_add_series(recording, &row);
}

static uint32_t stack_of(struct recording *recording, uint32_t parent, const char *name,
			 uint32_t line)
{
	const struct fixture_frame frame = { .name = name,
					     .module = "/usr/bin/turns",
					     .file = "tests/data/turns.txt",
					     .line = line };
	return fixture_stack(recording, parent, &frame);
}

/* A frame that is a sentence, with what stands for it. */
static uint32_t array_of(struct recording *recording, const char *name)
{
	uint32_t frame = recording_add_special_frame(recording, name, 0);
	if (frame >= recording->tables[TABLE_LOCATIONS].n_rows) {
		struct function_row function = { .name = text(recording, name),
						 .linkage_name = text(recording, name),
						 .flags = FUNCTION_SPECIAL };
		struct location_row location = { .function = recording_add_function(recording,
										    &function) };
		recording_add_location(recording, &location);
	}
	return recording_add_stack(recording, 0, frame);
}

static void add_samples(struct recording *recording, const uint32_t *by_line,
			const uint32_t *by_array)
{
	struct thread_row thread = { .pid = 400,
				     .tid = 400,
				     .name = text(recording, "turns"),
				     .process_name = text(recording, "turns"),
				     .start_ns = START_NS };
	struct sample_row row = { .thread = recording_add_thread(recording, &thread),
				  .cpu = SAMPLE_CPU_UNKNOWN };
	uint32_t stacks[N_LINES], arrays[N_LINES], call = stack_of(recording, 0, "main", 14);
	for (int i = 0; i < N_LINES; i++) {
		uint32_t parent = places[i].line < 10 ? call : 0;
		stacks[i] = stack_of(recording, parent, places[i].function, places[i].line);
		arrays[i] = array_of(recording, places[i].array);
	}
	for (uint64_t pass = 0; pass < N_PASSES; pass++)
		for (int i = 0; i < N_LINES * N_EVENTS; i++) {
			const struct place *place = &places[i / N_EVENTS];
			row.weight = place->counts[i % N_EVENTS];
			row.count = (uint32_t)row.weight;
			row.time_ns = START_NS + pass * 100000000;
			if (row.weight == 0)
				continue;
			row.stack = stacks[i / N_EVENTS];
			row.series = (uint16_t)by_line[i % N_EVENTS];
			recording_add_sample(recording, &row);
			row.stack = arrays[i / N_EVENTS];
			row.series = (uint16_t)by_array[i % N_EVENTS];
			recording_add_sample(recording, &row);
		}
}

struct recording *fixture_model(void)
{
	struct recording *recording = recording_new();
	uint32_t by_line[N_EVENTS], by_array[N_EVENTS];
	recording->start_ns = START_NS;
	recording->start_epoch_ns = 1700000000000000000;
	for (int i = 0; i < N_EVENTS; i++)
		by_line[i] = series_of(recording, events[i], "", 1);
	for (int i = 0; i < N_EVENTS; i++)
		by_array[i] = series_of(recording, events[i], "-by-array", 2);
	add_samples(recording, by_line, by_array);
	recording_add_fact(recording, "command_line", "turns");
	recording_add_fact(recording, "exit_status", "0");
	recording_add_fact(recording, "model.caches", "l1=32K/8,l2=1M/16");
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}
