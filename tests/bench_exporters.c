/* How long every format takes for 1,000,000 rows of samples, and how much memory beyond the
 * recording's own. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "workloads/support/random.h"

enum { N_ROWS = 1000000, N_FUNCTIONS = 5000, N_STACKS = 20000, N_THREADS = 8, DEPTH = 30 };

static uint32_t add_frame(struct recording *recording, uint32_t module, uint32_t i)
{
	char name[96];
	snprintf(name, sizeof name, "library::some_module::function_number_%u(int, char const*)",
		 i);
	struct function_row function = { .name = recording_add_string(recording, name),
					 .module = module,
					 .address = i * 64 };
	struct frame_row frame = { .address = i * 64 + 8, .module = module };
	uint32_t id = recording_add_frame(recording, &frame);
	struct location_row location = { .function = recording_add_function(recording, &function),
					 .file = recording_add_string(recording, "/src/file.cc"),
					 .line = i };
	recording_add_location(recording, &location);
	return id;
}

/* Stacks share their outer frames, as those of programs do. */
static uint32_t add_stack(struct recording *recording, struct random *random,
			  const uint32_t *frames)
{
	uint32_t stack = 0, depth = 5 + (uint32_t)(random_bits(random) % DEPTH);
	for (uint32_t d = 0; d < depth; d++) {
		uint32_t choices = d < 20 ? 2 : N_FUNCTIONS / 50;
		uint32_t at = d * 50 + (uint32_t)(random_bits(random) % choices);
		stack = recording_add_stack(recording, stack, frames[at % N_FUNCTIONS]);
	}
	return stack;
}

static struct recording *make(void)
{
	struct recording *recording = recording_new();
	struct random random = { 1 };
	struct module_row module = { .path = recording_add_string(recording, "/usr/bin/program"),
				     .kind = MODULE_FILE };
	struct series_row series = { .name = recording_add_string(recording, "cpu-clock"),
				     .unit = recording_add_string(recording, "ns"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SAMPLES };
	static uint32_t frames[N_FUNCTIONS], stacks[N_STACKS], threads[N_THREADS];
	uint32_t of_module = recording_add_module(recording, &module);
	uint32_t of_series = recording_add_series(recording, &series);
	recording->start_ns = 0;
	for (uint32_t i = 0; i < N_FUNCTIONS; i++)
		frames[i] = add_frame(recording, of_module, i);
	for (uint32_t i = 0; i < N_STACKS; i++)
		stacks[i] = add_stack(recording, &random, frames);
	for (uint32_t i = 0; i < N_THREADS; i++) {
		struct thread_row row = { .pid = 100,
					  .tid = 100 + i,
					  .name = recording_add_string(recording, "worker"),
					  .process_name = recording_add_string(recording, "p") };
		threads[i] = recording_add_thread(recording, &row);
	}
	for (uint32_t i = 0; i < N_ROWS; i++) {
		/* 1 ms a sample of each thread; no two in one slot of 20 ms are merged. */
		struct sample_row row = { .time_ns = (uint64_t)(i / N_THREADS) * 1000000,
					  .weight = 1000000,
					  .stack = stacks[random_bits(&random) % N_STACKS],
					  .thread = threads[i % N_THREADS],
					  .count = 1,
					  .series = (uint16_t)of_series };
		recording_add_sample(recording, &row);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

/* Processor time: what else runs on the machine does not count. */
static double seconds_of(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

/* A child each, so that each one's peak is its own. */
static void measure(const struct recording *recording, const struct exporter *exporter)
{
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		struct why why;
		FILE *out = fopen("build/bench.out", "w");
		bool is_good =
			out && exporter->write(recording, &(struct export_options){ 0 }, out, &why);
		if (!is_good)
			fprintf(stderr, "%s: %s\n", exporter->name, out ? why.text : "no file");
		printf("%-12s %8.1f MB  ", exporter->name, out ? (double)ftell(out) / 1e6 : 0);
		fflush(stdout);
		_exit(!is_good);
	}
	int status;
	wait4(child, &status, 0, &after);
	printf("%5.2f s  %6.1f MB resident, %6.1f MB of it the recording\n", seconds_of(&after),
	       (double)after.ru_maxrss / 1e3, (double)before.ru_maxrss / 1e3);
}

int main(void)
{
	struct recording *recording = make();
	printf("%llu rows of samples\n",
	       (unsigned long long)recording_moment(recording).n[TABLE_SAMPLES] - 1);
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++)
		if (!(*exporter)->unusable || !(*exporter)->unusable())
			measure(recording, *exporter);
	unlink("build/bench.out");
	recording_free(recording);
	return 0;
}
