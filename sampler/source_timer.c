/*
 * CPU call stacks where perf_event_open is forbidden: drains what libstoke-timer.so writes inside
 * the program that was started, and unwinds it as if perf had sampled it. What stands in the
 * memory is the program's word: every record is copied before it is looked at, and numbers that
 * cannot be are left out and counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/address_space.h"
#include "sampler/base/library.h"
#include "sampler/base/text.h"
#include "sampler/perf_event.h"
#include "sampler/perf_replay.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/symbols.h"
#include "sampler/target.h"
#include "sampler/timer_notes.h"
#include "sampler/timer_processes.h"
#include "sampler/unwind.h"

enum {
	LATE_INTERVALS = 20, /* as a thread's end is judged inside the program */
#if defined(__x86_64__)
	PLACE_OF_IP = 8,
#elif defined(__aarch64__)
	PLACE_OF_IP = 32,
#else
	PLACE_OF_IP = 0,
#endif
};

static const uint64_t USUAL_TICK_NS = 4 * 1000 * 1000; /* of kernels with CONFIG_HZ=250 */
static const uint64_t LOOK_FOR_ENDS_NS = 1000 * 1000 * 1000;
/* As in source_stacks.c. */
static const uint64_t RESOLVE_NS = 5 * 1000 * 1000;
static const uint64_t RESOLVE_LAST_NS = 5ull * 1000 * 1000 * 1000;

struct state {
	const struct target *target;
	struct recording *recording;
	struct timer_control *memory;
	struct timer_shape shape;
	struct perf_replay replay;
	struct symbols *symbols;
	uint64_t *block; /* a copy of one, and a byte for a text's end */
	uint64_t tail, stuck_since_ns, looked_ns, interval_ns;
	uint64_t enable_at_ns; /* --delay; 0 = already on */
	bool is_off;           /* paused */
	uint16_t series;
	uint32_t frame_lost, frame_rest;
	struct timer_processes processes;
	uint64_t lost_ns;
	struct timer_sums sums;
};

static bool timer_wanted(const struct target *target)
{
	return target->timer_fd > 0 && target->model_fd <= 0;
}

static const char *timer_unusable(void)
{
	char *path = library_beside_program("libstoke-timer.so");
	bool is_there = path != NULL;
	free(path);
	return is_there ? NULL
			: "libstoke-timer.so is neither beside stoke nor in ../lib/stoke; run "
			  "`make` or `make install`.";
}

static void add_series(struct state *state, struct recording *recording)
{
	const struct sampling *sampling = state->target->sampling;
	struct series_row row = {
		.name = recording_add_string(recording, "cpu-timer"),
		.unit = recording_add_string(recording, "ns"),
		.source = recording_add_string(recording, "timer"),
		.origin = ORIGIN_SOFTWARE,
		.flags = SERIES_SAMPLES,
	};
	state->series = (uint16_t)recording_add_series(recording, &row);
	for (uint32_t i = 0; i < sampling->n_events; i++) {
		row.name = recording_add_string(recording, sampling->events[i].name);
		row.unit = recording_add_string(recording, sampling->events[i].unit);
		row.origin = ORIGIN_UNAVAILABLE;
		row.reason = recording_add_string(recording, "perf_event_open is forbidden here.");
		recording_add_series(recording, &row);
	}
}

static void set_on(struct state *state)
{
	bool is_on = !state->is_off && !state->enable_at_ns;
	atomic_store(&state->memory->state, is_on ? TIMER_ON : TIMER_OFF);
}

static bool timer_open(void *opaque, const struct target *target, struct recording *recording,
		       struct why *why)
{
	struct state *state = opaque;
	state->target = target;
	state->recording = recording;
	state->memory = timer_memory_map(target->timer_fd, &state->shape, why);
	if (!state->memory)
		return false;
	state->interval_ns = state->memory->interval_ns;
	state->memory->only_pid = target->sampling->no_inherit ? (uint32_t)target->pid : 0;
	state->block = allocate(state->shape.block_bytes / 8 + 1, 8);
	perf_replay_open(&state->replay, recording, (int)target->sampling->unwinder);
	state->replay.is_attached = true;
	state->processes.replay = &state->replay;
	state->symbols = symbols_new(recording, state->replay.space, target->sampling->no_inline);
	state->is_off = target->sampling->starts_paused;
	if (target->sampling->delay_ns)
		state->enable_at_ns = now_ns() + target->sampling->delay_ns;
	state->sums.start_ns = now_ns();
	set_on(state);
	add_series(state, recording);
	timer_notes_start(recording, target->sampling, &state->shape, perf_event_refusal());
	return true;
}

/* ---- samples */

static bool take_maps(struct state *state, const struct shared_record *record)
{
	struct timer_maps maps;
	memcpy(&maps, record->payload, sizeof maps);
	if (!timer_processes_who(&state->processes, record) ||
	    maps.bytes > state->shape.block_bytes)
		return false;
	char *text = (char *)state->block;
	memcpy(text, timer_memory_block(state->memory, &state->shape, state->tail), maps.bytes);
	text[maps.bytes] = '\0';
	address_space_read_text(state->replay.space, (pid_t)record->pid, text);
	return true;
}

/* What was loaded since the program began is found when a stack leads there. */
static uint32_t stack_of(struct state *state, struct timer_seen *seen,
			 const struct perf_sample *sample)
{
	const struct perf_event_header header = { .misc = PERF_RECORD_MISC_USER };
	const struct unwind_statistics *statistics = unwinder_statistics(state->replay.unwinder);
	bool unwind = state->target->sampling->call_graph != CALL_GRAPH_NONE;
	struct process *process = address_space_process(state->replay.space, (pid_t)sample->pid);
	uint64_t n_before = statistics->n_by_end[UNWIND_NOT_MAPPED];
	bool is_known = process_find(process, sample->ip);
	uint32_t stack = 0;
	if (is_known)
		stack = perf_replay_stack(&state->replay, &header, sample, unwind);
	if (is_known && statistics->n_by_end[UNWIND_NOT_MAPPED] == n_before)
		return stack;
	if (!timer_processes_read_again(&state->processes, seen) && is_known)
		return stack;
	n_before = statistics->n_by_end[UNWIND_NOT_MAPPED];
	stack = perf_replay_stack(&state->replay, &header, sample, unwind);
	if (statistics->n_by_end[UNWIND_NOT_MAPPED] == n_before &&
	    process_find(process, sample->ip))
		timer_processes_read_helped(seen);
	return stack;
}

static void add(struct state *state, const struct shared_record *record, uint32_t stack,
		uint64_t weight)
{
	struct sample_row row = {
		.time_ns = record->time_ns,
		.weight = weight,
		.stack = stack,
		.thread = perf_replay_thread(&state->replay, record->pid, record->tid,
					     record->time_ns),
		.count = 1,
		.series = state->series,
		.cpu = SAMPLE_CPU_UNKNOWN,
	};
	recording_add_sample(state->recording, &row);
}

static uint32_t special(struct state *state, uint32_t *frame, const char *name)
{
	if (!*frame)
		*frame = recording_add_special_frame(state->recording, name, 0);
	return recording_add_stack(state->recording, 0, *frame);
}

static void add_rest(struct state *state, const struct shared_record *record, uint64_t rest_ns)
{
	add(state, record,
	    special(state, &state->frame_rest, "[unknown: ended before the next tick]"), rest_ns);
}

/* The last parts of threads become samples as wide as others are, so that numbers of samples hold
 * as well as times. */
static void take_rest(struct state *state, const struct shared_record *record,
		      struct timer_seen *seen, uint64_t rest_ns)
{
	uint64_t usual_ns = state->sums.n_samples ? state->sums.sampled_ns / state->sums.n_samples
						  : USUAL_TICK_NS;
	state->sums.rest_ns += rest_ns;
	seen->rest_ns += rest_ns;
	if (seen->rest_ns >= usual_ns) {
		add_rest(state, record, seen->rest_ns);
		seen->rest_ns = 0;
	}
	if (record->tid != record->pid) /* its number may be another's next */
		stack_threads_exit(&state->replay.threads, record->tid);
}

/* What is left of processes that ended with less is one sample more. */
static void flush_rest(struct state *state)
{
	uint32_t pid = (uint32_t)state->target->pid;
	const struct shared_record record = { .time_ns = now_ns(), .pid = pid, .tid = pid };
	uint64_t rest_ns = 0;
	for (uint32_t i = 0; i < state->processes.n_seen; i++) {
		rest_ns += state->processes.seen[i].rest_ns;
		state->processes.seen[i].rest_ns = 0;
	}
	if (rest_ns)
		add_rest(state, &record, rest_ns);
}

static bool take_sample(struct state *state, const struct shared_record *record)
{
	struct timer_sample said;
	struct timer_seen *seen = timer_processes_who(&state->processes, record);
	memcpy(&said, record->payload, sizeof said);
	/* No thread has used more time than there was. */
	if (!seen || said.stack_bytes > state->shape.stack_bytes ||
	    said.cpu_ns > now_ns() - state->sums.start_ns)
		return false;
	timer_processes_rename(&state->processes, record->pid, record->tid, said.name);
	if (record->type == TIMER_REST) {
		take_rest(state, record, seen, said.cpu_ns);
		return true;
	}
	memcpy(state->block, timer_memory_block(state->memory, &state->shape, state->tail),
	       TIMER_REGISTER_BYTES + said.stack_bytes);
	const struct perf_sample sample = {
		.ip = state->block[PLACE_OF_IP],
		.time_ns = record->time_ns,
		.pid = record->pid,
		.tid = record->tid,
		.registers = state->block,
		.stack = (const uint8_t *)(state->block + UNWIND_N_REGISTERS),
		.stack_bytes = said.stack_bytes,
		.stack_reserved = state->shape.stack_bytes,
	};
	add(state, record, stack_of(state, seen, &sample), said.cpu_ns);
	state->sums.n_samples++;
	state->sums.sampled_ns += said.cpu_ns;
	if (said.cpu_ns > TIMER_LATE_NS && said.cpu_ns / LATE_INTERVALS > state->interval_ns)
		state->sums.late_ns += said.cpu_ns;
	return true;
}

static bool take_problem(struct state *state, const struct shared_record *record)
{
	struct timer_problem problem;
	memcpy(&problem, record->payload, sizeof problem);
	return timer_notes_problem(state->recording, &problem);
}

static void take(struct state *state, struct shared_record *record)
{
	bool is_good = false;
	uint64_t now = now_ns();
	if (record->time_ns > now)
		record->time_ns = now;
	if (record->time_ns < state->sums.start_ns)
		record->time_ns = state->sums.start_ns;
	if (record->type == TIMER_STARTED || record->type == TIMER_FORKED)
		is_good = timer_processes_begin(&state->processes, record);
	else if (record->type == TIMER_MAPS)
		is_good = take_maps(state, record);
	else if (record->type == TIMER_SAMPLE || record->type == TIMER_REST)
		is_good = take_sample(state, record);
	else if (record->type == TIMER_PROBLEM)
		is_good = take_problem(state, record);
	state->sums.n_malformed += !is_good;
}

/* Lost samples keep their width. */
static void take_lost(struct state *state)
{
	uint64_t lost_ns = atomic_load(&state->memory->lost_ns);
	uint64_t n = shared_ring_dropped(timer_memory_ring(state->memory));
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t now = now_ns(),
		 most = (now - state->sums.start_ns) * (n_cpus > 0 ? (uint64_t)n_cpus : 1);
	if (lost_ns <= state->lost_ns || lost_ns > most)
		return;
	uint32_t pid = (uint32_t)state->target->pid;
	const struct shared_record record = { .time_ns = now, .pid = pid, .tid = pid };
	add(state, &record, special(state, &state->frame_lost, "[lost]"), lost_ns - state->lost_ns);
	state->lost_ns = lost_ns;
	state->sums.n_lost = n;
}

/* ---- draining */

/* A program in a loop must not keep us here: twice around is enough. */
static void drain_ring(struct state *state, bool is_last)
{
	struct shared_ring *ring = timer_memory_ring(state->memory);
	struct shared_record record;
	for (uint32_t n = 0; n < 2 * state->shape.n_records; n++) {
		enum shared_ring_read result =
			shared_ring_peek_from(ring, state->shape.n_records, state->tail, &record);
		if (result == SHARED_RING_EMPTY)
			break;
		if (result == SHARED_RING_READ)
			take(state, &record);
		else if (is_last || shared_ring_has_lost_writer(&state->stuck_since_ns, now_ns()))
			state->sums.n_malformed++;
		else
			break;
		state->stuck_since_ns = 0;
		shared_ring_skip(ring, &state->tail);
	}
}

static void timer_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	uint64_t now = now_ns();
	if (state->enable_at_ns && now >= state->enable_at_ns) {
		state->enable_at_ns = 0;
		set_on(state);
	}
	drain_ring(state, is_last);
	take_lost(state);
	if (is_last || now - state->looked_ns > LOOK_FOR_ENDS_NS) {
		state->looked_ns = now;
		timer_processes_look_for_ends(&state->processes, now);
	}
	if (is_last)
		flush_rest(state);
	symbols_resolve(state->symbols, now_ns() + (is_last ? RESOLVE_LAST_NS : RESOLVE_NS));
	state->sums.n_programs = state->processes.n_programs;
	if (is_last)
		timer_notes_end(recording, state->target, &state->sums,
				unwinder_statistics(state->replay.unwinder));
}

static void timer_enable(void *opaque, bool is_on)
{
	struct state *state = opaque;
	state->is_off = !is_on;
	set_on(state);
}

static void timer_close(void *opaque)
{
	struct state *state = opaque;
	atomic_store(&state->memory->state, TIMER_OVER); /* children may outlive the recording */
	symbols_free(state->symbols);
	perf_replay_close(&state->replay);
	timer_memory_unmap(state->memory, &state->shape);
	timer_processes_free(&state->processes);
	free(state->block);
}

const struct source source_timer = {
	.name = "timer",
	.summary = "CPU call stacks by a timer in the program, where perf_event_open is forbidden",
	.state_bytes = sizeof(struct state),
	.interval_ns = 20 * 1000 * 1000,
	.unusable = timer_unusable,
	.wanted = timer_wanted,
	.open = timer_open,
	.is_essential = true,
	.drain = timer_drain,
	.enable = timer_enable,
	.close = timer_close,
};
