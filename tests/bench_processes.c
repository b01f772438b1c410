/*
 * What the view of processes costs: 1,000,000 rows of samples of 500 processes of two threads, with
 * 2,000 functions; then at ten frames a second and 2,000 samples a second. CPU time of bringing it
 * up to date, laying it out and drawing it. Writing to the terminal is not in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sampler/processes.h"
#include "sampler/recording.h"
#include "tui/canvas.h"
#include "tui/face.h"
#include "workloads/support/random.h"

enum {
	PROCESSES = 500,
	FUNCTIONS = 2000,
	SAMPLES = 1000000,
	FRAMES = 50,
	SAMPLES_A_FRAME = 200,
	WIDTH = 200,
	HEIGHT = 60,
	FIRST_PID = 1000,
};
static const uint64_t STEP_NS = 500000; /* 2,000 a second */
static const uint64_t FRAME_NS = 100000000;

struct bench {
	struct recording *recording;
	struct random random;
	uint32_t stacks[FUNCTIONS], threads[2 * PROCESSES];
	uint64_t time_ns;
};

static double cpu_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static uint32_t add_stack(struct recording *recording, unsigned i)
{
	char name[32];
	snprintf(name, sizeof name, "function_%u", i);
	struct module_row module = { .path = recording_add_string(recording, "/bin/prog"),
				     .kind = MODULE_FILE };
	struct function_row function = { .name = recording_add_string(recording, name),
					 .module = recording_add_module(recording, &module) };
	struct frame_row frame = { .address = 16ull * i, .module = function.module };
	struct location_row location = { .function = recording_add_function(recording, &function) };
	uint32_t id = recording_add_frame(recording, &frame);
	recording_add_location(recording, &location);
	return recording_add_stack(recording, 0, id);
}

/* A tree eight wide. */
static void add_threads(struct bench *bench, uint32_t i)
{
	for (uint32_t k = 0; k < 2; k++) {
		struct thread_row row = {
			.pid = FIRST_PID + 2 * i,
			.tid = FIRST_PID + 2 * i + k,
			.name = recording_add_string(bench->recording, "cc1plus"),
			.process_name = recording_add_string(bench->recording, "cc1plus"),
			.parent_pid = i ? FIRST_PID + 2 * ((i - 1) / 8) : 0,
			.flags = THREAD_FOLLOWED,
		};
		bench->threads[2 * i + k] = recording_add_thread(bench->recording, &row);
	}
}

/* Some processes are hotter than others, and some functions. */
static void add_samples(struct bench *bench, unsigned n)
{
	for (unsigned i = 0; i < n; i++, bench->time_ns += STEP_NS) {
		uint64_t bits = random_bits(&bench->random);
		uint32_t thread = (uint32_t)(bits >> 32) % (2 * PROCESSES);
		uint32_t function =
			(uint32_t)bits % FUNCTIONS * (uint32_t)(bits >> 20 & 1023) / 1024;
		struct sample_row row = { .time_ns = bench->time_ns,
					  .weight = 1000000,
					  .stack = bench->stacks[function],
					  .thread = bench->threads[thread],
					  .count = 1,
					  .series = 1 };
		table_append(&bench->recording->tables[TABLE_SAMPLES], &row, 1);
	}
	recording_publish(bench->recording);
}

static void measure(struct bench *bench, const char *keys)
{
	struct face_settings settings = { .recording = bench->recording,
					  .command = "make",
					  .view = "processes",
					  .is_live = true };
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(WIDTH, HEIGHT);
	double start = cpu_ms(), spent = 0, worst = 0;
	face_draw(face, &canvas, bench->time_ns);
	double first = cpu_ms() - start;
	face_keys(face, keys);
	face_draw(face, &canvas, bench->time_ns);
	for (int i = 0; i < FRAMES; i++) {
		add_samples(bench, SAMPLES_A_FRAME);
		start = cpu_ms();
		face_draw(face, &canvas, bench->time_ns);
		double took = cpu_ms() - start;
		spent += took;
		worst = took > worst ? took : worst;
	}
	printf("  %-4s first %8.2f ms, then %6.2f ms a frame (worst %6.2f) = %5.1f %% of a core\n",
	       keys, first, spent / FRAMES, worst, spent / FRAMES / ((double)FRAME_NS / 1e6) * 100);
	canvas_free(&canvas);
	face_free(face);
}

int main(void)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct processes processes = { 0 };
	if (!bench)
		return 1;
	bench->recording = recording_new();
	bench->random = (struct random){ 1 };
	bench->time_ns = bench->recording->start_ns;
	recording_add_series(
		bench->recording,
		&(struct series_row){ .name = recording_add_string(bench->recording, "cpu-clock"),
				      .unit = recording_add_string(bench->recording, "ns"),
				      .origin = ORIGIN_SOFTWARE,
				      .flags = SERIES_SAMPLES });
	for (unsigned i = 0; i < FUNCTIONS; i++)
		bench->stacks[i] = add_stack(bench->recording, i);
	for (uint32_t i = 0; i < PROCESSES; i++)
		add_threads(bench, i);
	add_samples(bench, SAMPLES);
	double start = cpu_ms();
	processes_update(&processes, bench->recording, &(struct processes_part){ 0 });
	double took = cpu_ms() - start;
	printf("%d samples of %zu processes: %.1f ms, %.0f ns a sample, %.1f MiB; then frames of "
	       "%d x %d:\n",
	       SAMPLES, processes.n_rows, took, took * 1e6 / SAMPLES,
	       (double)processes_bytes(&processes) / (1 << 20), WIDTH, HEIGHT);
	measure(bench, "");
	measure(bench, "t");
	measure(bench, "E");
	processes_free(&processes);
	recording_free(bench->recording);
	free(bench);
	return 0;
}
