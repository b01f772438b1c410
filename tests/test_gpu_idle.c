/*
 * What the CPU did while a device had nothing to do: crafted records with known gaps through the
 * source, and the same recording of a GPU that the screens are drawn from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu/gpu_idle.h"
#include "gpu/gpu_record.h"
#include "sampler/base/why.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "tests/fixture_gpu.h"
#include "tests/fixture_inject.h"

extern const struct source source_cupti;

enum { PID = 77, TID = 78, LAUNCH_STACK = 21, SYNC_STACK = 22 };

/* One program on its way. */
struct run {
	struct recording *recording;
	struct shared_ring *ring;
	void *state;
	uint64_t base_ns;
	int fd;
};

static struct run begin(void)
{
	static struct sampling sampling;
	struct run run = { .recording = recording_new(), .base_ns = now_ns() };
	struct why why;
	sampling_defaults(&sampling);
	run.fd = probe_memory_create(GPU_RING_RECORDS, &why);
	run.ring = probe_memory_map(run.fd, GPU_RING_RECORDS, &why);
	run.state = allocate(1, source_cupti.state_bytes);
	struct target target = { .sampling = &sampling, .pid = PID, .gpu_fd = run.fd };
	assert_true(source_cupti.open(run.state, &target, run.recording, &why));
	return run;
}

static void finish(struct run *run)
{
	source_cupti.drain(run->state, run->recording, true);
	source_cupti.close(run->state);
	recording_flush_samples(run->recording, UINT64_MAX);
	recording_publish(run->recording);
	free(run->state);
	probe_memory_unmap(run->ring, GPU_RING_RECORDS);
	close(run->fd);
}

static void send(const struct run *run, uint64_t at_ns, uint32_t type, const void *payload,
		 size_t bytes)
{
	struct shared_record record = {
		.type = type, .time_ns = run->base_ns + at_ns, .pid = PID, .tid = TID
	};
	memcpy(record.payload, payload, bytes);
	assert_true(shared_ring_write_to(run->ring, GPU_RING_RECORDS, &record));
}

static void send_call(const struct run *run, uint32_t kind, uint32_t number, uint64_t at_ns,
		      uint64_t duration_ns)
{
	struct gpu_launch call = { .stack = kind == GPU_CALL_SYNC ? SYNC_STACK : LAUNCH_STACK,
				   .duration_ns = duration_ns,
				   .correlation = number,
				   .kind = kind };
	send(run, at_ns, GPU_LAUNCH, &call, sizeof call);
}

static void send_work(const struct run *run, uint32_t stream, uint32_t number, uint64_t from_ns,
		      uint64_t to_ns)
{
	struct gpu_kernel kernel = { .start_ns = run->base_ns + from_ns,
				     .end_ns = run->base_ns + to_ns,
				     .correlation = number,
				     .stream = stream,
				     .context = 1 };
	send(run, 0, GPU_KERNEL, &kernel, sizeof kernel);
}

static void send_names(const struct run *run)
{
	struct gpu_text module = { .id = 1, .total = 14, .text = "/usr/bin/train" };
	struct gpu_frames launch = { .id = LAUNCH_STACK,
				     .total = 3,
				     .frames = { 1ull << 48 | 0x1300, 1ull << 48 | 0x1200,
						 1ull << 48 | 0x1100 } };
	struct gpu_frames sync = { .id = SYNC_STACK,
				   .total = 3,
				   .frames = { 1ull << 48 | 0x1400, 1ull << 48 | 0x1280,
					       1ull << 48 | 0x1100 } };
	send(run, 0, GPU_MODULE, &module, sizeof module);
	send(run, 0, GPU_FRAMES_OF, &launch, sizeof launch);
	send(run, 0, GPU_FRAMES_OF, &sync, sizeof sync);
}

/* Two kernels with a wait and a computation between, then a copy. */
static void send_story(const struct run *run)
{
	send_names(run);
	send_call(run, GPU_CALL_LAUNCH, 1, 1000000, 10000);
	send_work(run, 7, 1, 1020000, 2020000);
	send_call(run, GPU_CALL_SYNC, 2, 1015000, 1035000);
	send_call(run, GPU_CALL_LAUNCH, 3, 3050000, 5000);
	send_work(run, 7, 3, 3060000, 3156000);
	send_call(run, GPU_CALL_COPY, 4, 3056000, 500000);
	send_work(run, 9, 4, 3456000, 3556000);
}

/* Idle time whose stack has the kind at its root and, if asked, the name as its leaf. */
static uint64_t sum(const struct recording *recording, const char *kind, const char *leaf)
{
	uint64_t total = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SAMPLES]; i++) {
		const struct sample_row *sample = recording_sample(recording, i);
		const struct series_row *series = recording_series(recording, sample->series);
		if (strcmp(recording_string_at(recording, series->name), "gpu-idle") != 0)
			continue;
		uint32_t stack = sample->stack, frame = recording_stack(recording, stack)->frame;
		if (leaf &&
		    strcmp(recording_string_at(
				   recording, (uint32_t)recording_frame(recording, frame)->address),
			   leaf) != 0)
			continue;
		while (recording_stack(recording, stack)->parent)
			stack = recording_stack(recording, stack)->parent;
		frame = recording_stack(recording, stack)->frame;
		if (!kind ||
		    strcmp(recording_string_at(
				   recording, (uint32_t)recording_frame(recording, frame)->address),
			   kind) == 0)
			total += sample->weight;
	}
	return total;
}

static void gaps_are_split(void **state)
{
	struct run run = begin();
	(void)state;
	send_story(&run);
	finish(&run);
	assert_int_equal(sum(run.recording, "[GPU idle: launch]", NULL), 20000 + 10000);
	assert_int_equal(sum(run.recording, "[GPU idle: sync]", NULL), 30000);
	assert_int_equal(sum(run.recording, "[GPU idle: copy]", NULL), 300000);
	assert_int_equal(sum(run.recording, "[GPU idle: host compute]", NULL), 1000000);
	assert_int_equal(sum(run.recording, NULL, NULL), 1360000);
	assert_int_equal(sum(run.recording, NULL, "[between CUDA calls]"), 1000000);
	recording_free(run.recording);
}

/* Nobody sampled: the function that both calls were made in. */
static void host_time_is_in_the_common_function(void **state)
{
	struct run run = begin();
	uint32_t depth = 0;
	(void)state;
	send_story(&run);
	finish(&run);
	for (uint64_t i = 1; i < recording_moment(run.recording).n[TABLE_SAMPLES]; i++) {
		const struct sample_row *sample = recording_sample(run.recording, i);
		if (sample->weight != 1000000 ||
		    recording_series(run.recording, sample->series)->flags == 0 ||
		    sample->time_ns != run.base_ns + 2050000)
			continue;
		for (uint32_t at = sample->stack; at;
		     at = recording_stack(run.recording, at)->parent)
			depth++;
	}
	/* the kind, main, the function in main, and that no sample fell there */
	assert_int_equal(depth, 4);
	recording_free(run.recording);
}

static void add_sample(struct recording *recording, uint32_t series, uint64_t time_ns,
		       uint64_t weight, const char *function)
{
	struct thread_row thread = { .pid = PID, .tid = TID };
	struct sample_row row = {
		.time_ns = time_ns,
		.weight = weight,
		.stack = recording_add_stack(recording, 0,
					     recording_add_special_frame(recording, function, 0)),
		.thread = recording_add_thread(recording, &thread),
		.count = 1,
		.series = (uint16_t)series,
	};
	recording_add_sample(recording, &row);
}

static struct recording *sampled(const char *unit, uint64_t weight)
{
	struct run run = begin();
	struct recording *recording = run.recording;
	struct series_row row = { .name = recording_add_string(recording, "a clock"),
				  .unit = recording_add_string(recording, unit),
				  .flags = SERIES_SAMPLES };
	uint32_t series = recording_add_series(recording, &row);
	send_story(&run);
	source_cupti.drain(run.state, recording, false);
	/* Rings of two CPUs: not in order. One of before, one of after. */
	add_sample(recording, series, run.base_ns + 2700000, weight, "[second]");
	add_sample(recording, series, run.base_ns + 2100000, weight, "[first]");
	add_sample(recording, series, run.base_ns + 2049999, weight, "[waiting]");
	add_sample(recording, series, run.base_ns + 3050000, weight, "[launching]");
	finish(&run);
	return recording;
}

static void samples_say_what_was_computed(void **state)
{
	struct recording *recording = sampled("ns", 400000);
	(void)state;
	assert_int_equal(sum(recording, "[GPU idle: host compute]", "[first]"), 400000);
	assert_int_equal(sum(recording, "[GPU idle: host compute]", "[second]"), 400000);
	assert_int_equal(sum(recording, NULL, "[between CUDA calls]"), 200000); /* off the CPU */
	assert_int_equal(sum(recording, NULL, "[waiting]") + sum(recording, NULL, "[launching]"),
			 0);
	assert_int_equal(sum(recording, NULL, NULL), 1360000);
	recording_free(recording);
	recording = sampled("ns", 999999); /* they stand for more than there was */
	assert_int_equal(sum(recording, NULL, "[first]"), 500000);
	assert_int_equal(sum(recording, NULL, "[second]"), 500000);
	recording_free(recording);
	recording = sampled("events", 3); /* cycles say nothing of time */
	assert_int_equal(sum(recording, NULL, "[first]"), 500000);
	assert_int_equal(sum(recording, NULL, NULL), 1360000);
	recording_free(recording);
}

/* Work on two streams at once is busy once; a launch that nobody heard of still counts. */
static void streams_overlap(void **state)
{
	struct run run = begin();
	(void)state;
	send_names(&run);
	send_call(&run, GPU_CALL_LAUNCH, 1, 100, 10);
	send_work(&run, 7, 1, 200, 1000);
	send_work(&run, 8, 1, 300, 1500);
	send_work(&run, 7, 1, 1100, 1400);
	send_work(&run, 9, 99, 2000, 2100);
	finish(&run);
	assert_int_equal(sum(run.recording, "[GPU idle: launch]", NULL), 100);
	assert_int_equal(sum(run.recording, "[GPU idle: unknown]", NULL), 500);
	assert_int_equal(sum(run.recording, NULL, NULL), 600);
	recording_free(run.recording);
}

/* More calls than are kept between two pieces of work, and calls out of order. */
static void old_calls_are_forgotten(void **state)
{
	struct run run = begin();
	(void)state;
	send_names(&run);
	send_call(&run, GPU_CALL_LAUNCH, 1, 100, 10);
	send_work(&run, 7, 1, 200, 300);
	for (uint32_t i = 0; i < 10000; i++)
		send_call(&run, GPU_CALL_SYNC, 10 + i, 1000 + i * 10ull, 5);
	send_call(&run, GPU_CALL_SYNC, 9, 500, 5);
	send_call(&run, GPU_CALL_LAUNCH, 2, 200000, 10);
	send_work(&run, 7, 2, 200100, 200200);
	finish(&run);
	assert_int_equal(sum(run.recording, NULL, NULL), 100 + 199800);
	assert_int_equal(sum(run.recording, "[GPU idle: launch]", NULL), 100 + 100);
	assert_in_range(sum(run.recording, "[GPU idle: sync]", NULL), 8000 * 5, 8192 * 5);
	recording_free(run.recording);
}

static void tell_phase(struct run *run, uint32_t tid, bool is_begin, uint64_t at_ns,
		       const char *name)
{
	struct phase_event event = { .time_ns = run->base_ns + at_ns,
				     .pid = PID,
				     .tid = tid,
				     .name = recording_add_string(run->recording, name),
				     .is_begin = is_begin };
	run->recording->watch_phase(run->recording->phase_watcher, &event);
}

/* The frame so many levels above the kernel, of the n-th piece of work. */
static const char *frame_above(const struct recording *recording, uint64_t span, int levels)
{
	uint32_t stack = recording_span(recording, span)->stack;
	while (levels-- > 0)
		stack = recording_stack(recording, stack)->parent;
	const struct frame_row *frame =
		recording_frame(recording, recording_stack(recording, stack)->frame);
	const char *path =
		recording_string_at(recording, recording_module(recording, frame->module)->path);
	return strcmp(path, "[phase]") == 0
		       ? recording_string_at(recording, (uint32_t)frame->address)
		       : path;
}

/* Between the launching stack and the kernel, whether they still go on or not. */
static void phases_are_frames(void **state)
{
	struct run run = begin();
	(void)state;
	send_names(&run);
	tell_phase(&run, TID, true, 50, "epoch");
	tell_phase(&run, TID + 1, true, 60, "another thread's");
	for (uint32_t i = 0; i < 3; i++) {
		const char *name = i == 1 ? "backward" : "forward";
		uint64_t at = i * 1000ull;
		tell_phase(&run, TID, true, at + 100, name);
		send_call(&run, GPU_CALL_LAUNCH, i + 1, at + 200, 10);
		send_work(&run, 7, i + 1, at + 300, at + 900);
		tell_phase(&run, TID, false, at + 950, name);
	}
	tell_phase(&run, TID, false, 5000, "never begun");
	send_call(&run, GPU_CALL_LAUNCH, 9, 3960, 10);
	send_work(&run, 7, 9, 4000, 4100);
	finish(&run);
	assert_string_equal(frame_above(run.recording, 1, 1), "forward");
	assert_string_equal(frame_above(run.recording, 1, 2), "epoch");
	assert_string_equal(frame_above(run.recording, 1, 3), "/usr/bin/train");
	assert_string_equal(frame_above(run.recording, 2, 1), "backward");
	assert_string_equal(frame_above(run.recording, 4, 1), "epoch");
	assert_string_equal(frame_above(run.recording, 4, 2), "/usr/bin/train");
	recording_free(run.recording);
}

/* Work that comes after its time was given away is told; on another device it is not late. */
static void late_work_is_counted(void **state)
{
	struct recording *recording = recording_new();
	struct gpu_tables *tables = gpu_tables_new(recording);
	struct gpu_idle *idle = gpu_idle_new(recording, tables);
	(void)state;
	gpu_idle_add_work(idle, 0, NULL, 100, 200);
	gpu_idle_add_work(idle, 0, NULL, 300, 400);
	gpu_idle_add_work(idle, 1, NULL, 220, 250);
	assert_int_equal(gpu_idle_n_late(idle), 0);
	gpu_idle_add_work(idle, 0, NULL, 220, 250);
	assert_int_equal(gpu_idle_n_late(idle), 1);
	gpu_idle_add_work(idle, 0, NULL, 350, 390); /* while it was busy anyway */
	gpu_idle_add_work(idle, 4000000000, NULL, 1, 2);
	gpu_idle_add_work(idle, 0, NULL, 500, 600);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	assert_int_equal(sum(recording, "[GPU idle: unknown]", NULL), 100 + 100);
	assert_int_equal(gpu_idle_n_late(idle), 1);
	gpu_idle_free(idle);
	gpu_tables_free(tables);
	recording_free(recording);
}

/* Everything between the first call and the last work is either busy or idle. */
static void a_recording_adds_up(void **state)
{
	struct recording *recording = fixture_gpu();
	uint64_t first = UINT64_MAX, until = 0, busy = 0;
	(void)state;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SPANS]; i++) {
		const struct span_row *span = recording_span(recording, i);
		uint64_t end = span->start_ns + span->duration_ns;
		if (!recording_series(recording, span->series)->device)
			continue;
		first = span->start_ns < first ? span->start_ns : first;
		if (end > until)
			busy += end - (span->start_ns > until ? span->start_ns : until);
		until = end > until ? end : until;
	}
	uint64_t idle = sum(recording, NULL, NULL);
	assert_true(busy > 0 && idle > 0);
	assert_int_equal(busy + idle, until - first);
	assert_true(sum(recording, "[GPU idle: launch]", NULL) > 0);
	assert_true(sum(recording, "[GPU idle: host compute]", NULL) > 0);
	assert_true(sum(recording, "[GPU idle: unknown]", NULL) > 0); /* some launches are lost */
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_are_split),
		cmocka_unit_test(host_time_is_in_the_common_function),
		cmocka_unit_test(samples_say_what_was_computed),
		cmocka_unit_test(streams_overlap),
		cmocka_unit_test(old_calls_are_forgotten),
		cmocka_unit_test(phases_are_frames),
		cmocka_unit_test(late_work_is_counted),
		cmocka_unit_test(a_recording_adds_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
