/* Stacks are paths in one fixed random call graph, so that they share callers as real ones do. */
#include "tests/fixture_growing.h"

#include <stdio.h>

#include "sampler/recording.h"

enum { LEAST_DEPTH = 15, MOST_MORE_DEPTH = 20, SAMPLE_NS = 1000000 };

static uint32_t add_frame(struct recording *recording, unsigned i)
{
	char name[64];
	snprintf(name, sizeof name, "function_%u(int, char const*)", i);
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

void growing_start(struct growing *growing, uint64_t seed, unsigned n_branches)
{
	struct recording *recording = recording_new();
	*growing = (struct growing){ .recording = recording,
				     .random = { seed },
				     .time_ns = recording->start_ns,
				     .n_branches = n_branches };
	for (unsigned i = 0; i < GROWING_FUNCTIONS; i++)
		growing->frames[i] = add_frame(recording, i);
	for (uint32_t i = 0; i < GROWING_THREADS; i++) {
		struct thread_row thread = { .pid = 7,
					     .tid = 7 + i,
					     .name = recording_add_string(recording, "prog"),
					     .process_name =
						     recording_add_string(recording, "prog") };
		growing->threads[i] = recording_add_thread(recording, &thread);
	}
	struct series_row series = { .name = recording_add_string(recording, "cpu-clock"),
				     .unit = recording_add_string(recording, "ns"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SAMPLES };
	growing->series = recording_add_series(recording, &series);
	recording_publish(recording);
}

/* Callees are a fixed function of the caller; the squared draw makes some paths hot. */
static uint32_t random_stack(struct growing *growing)
{
	uint32_t stack = 0, function = 0;
	unsigned depth = LEAST_DEPTH + (unsigned)(random_unit(&growing->random) * MOST_MORE_DEPTH);
	for (unsigned i = 0; i < depth; i++) {
		stack = recording_add_stack(growing->recording, stack, growing->frames[function]);
		double draw = random_unit(&growing->random);
		uint32_t branch = (uint32_t)(draw * draw * growing->n_branches);
		function = (function * 31 + branch * 7 + 1) % GROWING_FUNCTIONS;
	}
	return stack;
}

void growing_add(struct growing *growing, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		growing->time_ns += SAMPLE_NS;
		struct sample_row row = {
			.time_ns = growing->time_ns,
			.weight = SAMPLE_NS,
			.stack = random_stack(growing),
			.thread = growing->threads[random_bits(&growing->random) % GROWING_THREADS],
			.count = 1,
			.series = (uint16_t)growing->series,
		};
		recording_add_sample(growing->recording, &row);
	}
	recording_flush_samples(growing->recording, UINT64_MAX);
	recording_publish(growing->recording);
}
