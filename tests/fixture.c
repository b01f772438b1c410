/* Recordings built row by row. See fixture.h. */
#include "tests/fixture.h"

#include <stdio.h>
#include <string.h>

#include "sampler/recording.h"
#include "tests/fixture_machine.h"
#include "workloads/support/random.h"

static const uint64_t START_NS = 1000000000000;

static struct recording *start(void)
{
	struct recording *recording = recording_new();
	recording->start_ns = START_NS;
	recording->start_epoch_ns = 1700000000000000000;
	return recording;
}

static uint32_t function(struct recording *recording, const char *name, uint32_t module,
			 uint32_t flags)
{
	struct function_row row = { .name = recording_add_string(recording, name),
				    .linkage_name = recording_add_string(recording, name),
				    .module = module,
				    .flags = flags };
	return recording_add_function(recording, &row);
}

static uint32_t frame(struct recording *recording, const char *name, uint32_t module,
		      uint32_t flags)
{
	struct frame_row row = { .address = recording->tables[TABLE_FRAMES].n_rows * 16,
				 .module = module,
				 .flags = flags & FUNCTION_KERNEL ? FRAME_KERNEL : 0 };
	if (module == 0)
		row.address = recording_add_string(recording, name);
	uint32_t id = recording_add_frame(recording, &row);
	struct location_row location = { .function = function(recording, name, module, flags) };
	if (id >= recording->tables[TABLE_LOCATIONS].n_rows)
		recording_add_location(recording, &location);
	return id;
}

static uint32_t inlined_frame(struct recording *recording, const char *name, const char *around,
			      uint32_t module)
{
	struct frame_row row = { .address = 77777, .module = module };
	uint32_t id = recording_add_frame(recording, &row);
	struct inline_row outer = { .function = function(recording, around, module, 0) };
	struct location_row location = {
		.function = function(recording, name, module, 0),
		.inlined_into = recording_add_inline(recording, &outer),
	};
	recording_add_location(recording, &location);
	return id;
}

static uint32_t module(struct recording *recording, const char *path, uint32_t kind)
{
	struct module_row row = { .path = recording_add_string(recording, path), .kind = kind };
	return recording_add_module(recording, &row);
}

static uint32_t thread(struct recording *recording, uint32_t tid, const char *name)
{
	struct thread_row row = { .pid = 4711,
				  .tid = tid,
				  .name = recording_add_string(recording, name),
				  .process_name = recording_add_string(recording, "train"),
				  .start_ns = START_NS };
	return recording_add_thread(recording, &row);
}

static uint32_t series(struct recording *recording, const char *name, const char *unit,
		       enum origin origin, uint32_t flags)
{
	struct series_row row = { .name = recording_add_string(recording, name),
				  .unit = recording_add_string(recording, unit),
				  .source = recording_add_string(recording, "fixture"),
				  .origin = origin,
				  .flags = flags };
	return recording_add_series(recording, &row);
}

static void samples(struct recording *recording, uint32_t thread_id, uint32_t stack,
		    uint32_t series_id, uint32_t count)
{
	struct sample_row row = { .time_ns = START_NS + 1500000000,
				  .weight = (uint64_t)count * 1000000,
				  .stack = stack,
				  .thread = thread_id,
				  .count = count,
				  .series = (uint16_t)series_id };
	recording_add_sample(recording, &row);
}

static void reading(struct recording *recording, uint32_t series_id, double value,
		    enum origin origin)
{
	struct reading_row row = { .time_ns = START_NS + 1400000000,
				   .value = value,
				   .series = series_id,
				   .running_ratio = 1,
				   .origin = origin };
	recording_add_reading(recording, &row);
}

static uint32_t chain(struct recording *recording, const uint32_t *frames, size_t n)
{
	uint32_t stack = 0;
	for (size_t i = 0; i < n; i++)
		stack = recording_add_stack(recording, stack, frames[i]);
	return stack;
}

static void add_stacks(struct recording *recording, uint32_t clock)
{
	uint32_t program = module(recording, "/usr/bin/train", MODULE_FILE);
	uint32_t kernel = module(recording, "[kernel]", MODULE_KERNEL);
	uint32_t jit = module(recording, "[anonymous code]", MODULE_JIT);
	uint32_t main_frame = frame(recording, "main", program, 0);
	uint32_t train = frame(recording, "train_model", program, 0);
	uint32_t histogram = frame(
		recording, "build_histogram(unsigned char const*, unsigned long)", program, 0);
	uint32_t step = inlined_frame(recording, "sigmoid", "gradients", program);
	uint32_t read = frame(recording, "ksys_read", kernel, FUNCTION_KERNEL);
	uint32_t copy = frame(recording, "copy_user_generic", kernel, FUNCTION_KERNEL);
	uint32_t compiled = frame(recording, "js:\xe8\xae\xa1\xe7\xae\x97", jit, FUNCTION_JIT);
	uint32_t lost = frame(recording, "[lost]", 0, FUNCTION_SPECIAL);
	uint32_t one = thread(recording, 4711, "train"), two = thread(recording, 4712, "pool-1");
	samples(recording, one, chain(recording, (uint32_t[]){ main_frame, train, histogram }, 3),
		clock, 480);
	samples(recording, one, chain(recording, (uint32_t[]){ main_frame, train, step }, 3), clock,
		150);
	samples(recording, one, chain(recording, (uint32_t[]){ main_frame, train }, 2), clock, 25);
	samples(recording, one, chain(recording, (uint32_t[]){ main_frame, read, copy }, 3), clock,
		95);
	samples(recording, two, chain(recording, (uint32_t[]){ train, histogram }, 2), clock, 180);
	samples(recording, two, chain(recording, (uint32_t[]){ compiled }, 1), clock, 60);
	samples(recording, one, chain(recording, &lost, 1), clock, 10);
}

struct recording *fixture_known(void)
{
	struct recording *recording = start();
	uint32_t clock = series(recording, "cpu-clock", "ns", ORIGIN_SOFTWARE, SERIES_SAMPLES);
	uint32_t progress =
		series(recording, "progress", "ratio", ORIGIN_SOFTWARE, SERIES_PROGRESS);
	uint32_t auc = series(recording, "auc", "", ORIGIN_SOFTWARE, SERIES_QUALITY);
	uint32_t work = series(recording, "work.flops", "FLOP", ORIGIN_MODELLED, SERIES_WORK);
	add_stacks(recording, clock);
	reading(recording, progress, 0.42, ORIGIN_SOFTWARE);
	reading(recording, auc, 0.8625, ORIGIN_SOFTWARE);
	reading(recording, work, 3.5e9, ORIGIN_MODELLED);
	recording_add_fact(recording, "command_line",
			   "train --data gr\xc3\xb6\xc3\x9f"
			   "e.csv");
	recording_add_fact(recording, "host", "testhost");
	recording_add_fact(recording, "sampling.frequency_hz", "997");
	recording_add_fact(recording, "sampling.call_graph", "dwarf");
	recording_add_fact(recording, "sampling.lost", "10");
	recording_add_fact(recording, "sampling.truncated", "0");
	recording_add_fact(recording, "exit_status", "0");
	fake_add_facts(recording);
	recording_note(recording, SEVERITY_WARNING, "stacks",
		       "10 records were lost because the ring was full; they are the width of "
		       "[lost].",
		       "Sample less often (-F) or copy less stack.");
	recording_note(recording, SEVERITY_INFO, "symbols",
		       "Inlined functions and lines took 3 s to look up.", "");
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static void random_name(struct random *random, char *name)
{
	static const char *const pieces[] = { "a",
					      "long_name_of_a_function",
					      "\xe4\xb8\xad",
					      "e\xcc\x81",
					      "\xf0\x9f\x94\xa5",
					      "::",
					      "<int>",
					      " ",
					      "\xff\xfe",
					      "operator()",
					      "\033[31m",
					      "\xe2\x80\x8d" };
	size_t n = random_bits(random) % 6;
	name[0] = '\0';
	for (size_t i = 0; i <= n; i++)
		strcat(name, pieces[random_bits(random) % (sizeof pieces / sizeof pieces[0])]);
}

struct recording *fixture_random(uint64_t seed, unsigned n_stacks)
{
	struct random random = { seed };
	struct recording *recording = start();
	uint32_t clock = series(recording, "cpu-clock", "ns", ORIGIN_SOFTWARE, SERIES_SAMPLES);
	uint32_t program = module(recording, "/usr/bin/\xe4\xb8\xad", MODULE_FILE);
	uint32_t frames[200], threads[5];
	char name[256];
	for (int i = 0; i < 200; i++) {
		random_name(&random, name);
		frames[i] = frame(recording, name, program,
				  random_bits(&random) % 5 == 0 ? FUNCTION_KERNEL : 0);
	}
	for (uint32_t i = 0; i < 5; i++) {
		random_name(&random, name);
		threads[i] = thread(recording, 100 + i, name);
	}
	for (unsigned i = 0; i < n_stacks; i++) {
		uint32_t stack = 0, depth = (uint32_t)(random_bits(&random) % 40);
		for (uint32_t d = 0; d < depth; d++)
			stack = recording_add_stack(recording, stack,
						    frames[random_bits(&random) % 200]);
		samples(recording, threads[random_bits(&random) % 5], stack, clock,
			(uint32_t)(random_bits(&random) % 100));
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}
