/* Rows as the replay of perf's records writes them. See fixture_processes.h. */
#include "tests/fixture_processes.h"

#include <stddef.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

static const uint64_t START_NS = 1000000000000;
static const uint64_t MS = 1000000;

enum { MOST_SAMPLES = 1000, SLOT_MS = 20, STEP_MS = 5 };

struct maker {
	struct recording *recording;
	uint32_t program, kernel, clock, faults;
	struct sample_row *samples; /* until they are written in order of time */
	size_t n_samples;
};

static uint32_t text(const struct maker *maker, const char *words)
{
	return recording_add_string(maker->recording, words);
}

static uint32_t stack_of(const struct maker *maker, uint32_t parent, const char *name,
			 bool is_kernel)
{
	struct recording *recording = maker->recording;
	struct function_row function = { .name = text(maker, name),
					 .linkage_name = text(maker, name),
					 .module = is_kernel ? maker->kernel : maker->program,
					 .flags = is_kernel ? FUNCTION_KERNEL : 0 };
	struct frame_row row = { .address = recording->tables[TABLE_FRAMES].n_rows * 16,
				 .module = function.module,
				 .flags = is_kernel ? FRAME_KERNEL : 0 };
	uint32_t frame = recording_add_frame(recording, &row);
	struct location_row location = { .function = recording_add_function(recording, &function),
					 .file = text(maker, "tests/data/turns.txt"),
					 .line = 2 };
	recording_add_location(recording, &location);
	return recording_add_stack(recording, parent, frame);
}

/* A thread of a process, as it is at a time. */
struct who {
	uint32_t pid, tid, parent;
	const char *name, *process;
	unsigned at_ms, flags;
};

static uint32_t thread(const struct maker *maker, const struct who *who)
{
	struct thread_row row = { .pid = who->pid,
				  .tid = who->tid,
				  .name = text(maker, who->name),
				  .process_name = text(maker, who->process),
				  .start_ns = START_NS + who->at_ms * MS,
				  .parent_pid = who->parent,
				  .flags = who->flags };
	return recording_add_thread(maker->recording, &row);
}

static void add(struct maker *maker, const struct sample_row *row)
{
	if (maker->n_samples < MOST_SAMPLES)
		maker->samples[maker->n_samples++] = *row;
}

/* A sample each 5 ms, from at_ms on. */
static void samples(struct maker *maker, uint32_t thread_id, uint32_t stack, unsigned at_ms,
		    unsigned ms)
{
	for (unsigned i = 0; i < ms; i += STEP_MS)
		add(maker, &(struct sample_row){ .time_ns = START_NS + (at_ms + i) * MS,
						 .weight = STEP_MS * MS,
						 .stack = stack,
						 .thread = thread_id,
						 .count = 1,
						 .series = (uint16_t)maker->clock });
}

static void faults(struct maker *maker, uint32_t thread_id, uint32_t stack, unsigned at_ms,
		   uint32_t n)
{
	add(maker, &(struct sample_row){ .time_ns = START_NS + at_ms * MS,
					 .weight = n,
					 .stack = stack,
					 .thread = thread_id,
					 .count = n,
					 .series = (uint16_t)maker->faults });
}

static int earlier(const void *a, const void *b)
{
	const struct sample_row *left = a, *right = b;
	return left->time_ns < right->time_ns ? -1 : left->time_ns > right->time_ns;
}

/* Slot by slot, as a collector does. */
static struct recording *finish(struct maker *maker)
{
	qsort(maker->samples, maker->n_samples, sizeof *maker->samples, earlier);
	for (size_t i = 0; i < maker->n_samples; i++) {
		uint64_t slot = maker->samples[i].time_ns / (SLOT_MS * MS);
		if (i > 0 && slot != maker->samples[i - 1].time_ns / (SLOT_MS * MS))
			recording_flush_samples(maker->recording, UINT64_MAX);
		recording_add_sample(maker->recording, &maker->samples[i]);
	}
	recording_flush_samples(maker->recording, UINT64_MAX);
	recording_publish(maker->recording);
	free(maker->samples);
	return maker->recording;
}

static uint32_t series(const struct maker *maker, const char *name, const char *unit)
{
	struct series_row row = { .name = text(maker, name),
				  .unit = text(maker, unit),
				  .source = text(maker, "fixture"),
				  .origin = ORIGIN_SOFTWARE,
				  .flags = SERIES_SAMPLES };
	return recording_add_series(maker->recording, &row);
}

static struct maker begin(void)
{
	struct maker maker = { .recording = recording_new() };
	maker.samples = allocate(MOST_SAMPLES, sizeof *maker.samples);
	maker.recording->start_ns = START_NS;
	maker.recording->start_epoch_ns = 1700000000000000000;
	struct module_row program = { .path = text(&maker, "/usr/bin/build"), .kind = MODULE_FILE };
	struct module_row kernel = { .path = text(&maker, "[kernel]"), .kind = MODULE_KERNEL };
	maker.program = recording_add_module(maker.recording, &program);
	maker.kernel = recording_add_module(maker.recording, &kernel);
	maker.clock = series(&maker, "cpu-clock", "ns");
	maker.faults = series(&maker, "page-faults", "");
	recording_add_fact(maker.recording, "command_line", "make -j3");
	recording_add_fact(maker.recording, "sampling.frequency_hz", "200");
	recording_add_fact(maker.recording, "sampling.user_only", "no");
	return maker;
}

static void add_compilers(struct maker *maker, uint32_t main_stack, uint32_t fault)
{
	enum { F = THREAD_FOLLOWED, E = THREAD_FOLLOWED | THREAD_ENDED };
	uint32_t parse = stack_of(maker, main_stack, "parse", false);
	uint32_t optimize = stack_of(maker, main_stack, "optimize", false);
	uint32_t assemble = stack_of(maker, main_stack, "assemble", false);
	uint32_t forked = thread(maker, &(struct who){ 111, 111, 110, "sh", "sh", 100, F });
	samples(maker, forked, main_stack, 100, 5);
	uint32_t cc1 = thread(maker, &(struct who){ 111, 111, 110, "cc1", "cc1", 105, F });
	samples(maker, cc1, parse, 105, 700);
	samples(maker, cc1, fault, 805, 200);
	faults(maker, cc1, fault, 805, 3);
	uint32_t plus = thread(maker, &(struct who){ 112, 112, 110, "cc1plus", "cc1plus", 200, F });
	uint32_t worker =
		thread(maker, &(struct who){ 112, 113, 110, "w\xc3\xb6rker", "cc1plus", 300, F });
	samples(maker, plus, parse, 200, 600);
	samples(maker, worker, optimize, 300, 300);
	thread(maker, &(struct who){ 112, 112, 110, "cc1plus", "cc1plus", 900, E });
	thread(maker, &(struct who){ 111, 111, 110, "cc1", "cc1", 1005, E });
	uint32_t again = thread(maker, &(struct who){ 111, 111, 110, "as", "as", 3000, F });
	samples(maker, again, assemble, 3000, 40);
	thread(maker, &(struct who){ 110, 110, 100, "sh", "sh", 3100, E });
}

struct recording *fixture_processes(void)
{
	struct maker maker = begin();
	uint32_t main_stack = stack_of(&maker, 0, "main", false);
	uint32_t link = stack_of(&maker, main_stack, "link", false);
	uint32_t fault = stack_of(&maker, main_stack, "page_fault", true);
	uint32_t idle = stack_of(&maker, 0, "cpu_idle", true);
	uint32_t make =
		thread(&maker, &(struct who){ 100, 100, 0, "make", "make", 0, THREAD_FOLLOWED });
	samples(&maker, make, main_stack, 0, 10);
	samples(&maker, make, fault, 10, 20);
	thread(&maker, &(struct who){ 110, 110, 100, "sh", "sh", 50, THREAD_FOLLOWED });
	add_compilers(&maker, main_stack, fault);
	uint32_t ld =
		thread(&maker, &(struct who){ 120, 120, 100, "ld", "ld", 3200, THREAD_FOLLOWED });
	samples(&maker, ld, link, 3200, 400);
	faults(&maker, ld, fault, 3200, 1);
	uint32_t swapper = thread(&maker, &(struct who){ 0, 0, 0, "swapper", "swapper", 3700, 0 });
	samples(&maker, swapper, idle, 3700, 50);
	samples(&maker, 0, main_stack, 3985, 15);
	return finish(&maker);
}

struct recording *fixture_processes_ring(void)
{
	struct maker maker = begin();
	uint32_t stack = stack_of(&maker, 0, "main", false);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t pid = 10 + i, parent = i < 2 ? 11 - i : 10;
		uint32_t id = thread(&maker, &(struct who){ pid, pid, parent, "a", "a", 0, 0 });
		samples(&maker, id, stack, 0, 10);
	}
	return finish(&maker);
}
