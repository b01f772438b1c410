/*
 * CPU call stacks: kernel records in, rows out. Records are taken in time order over all CPUs, so
 * a mapping is known before the first sample in it. Nothing is dropped in silence: lost records,
 * cut stacks and code without unwind information become frames with a width of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/address_space.h"
#include "sampler/base/text.h"
#include "sampler/ladder.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/stack_threads.h"
#include "sampler/symbols.h"
#include "sampler/unwind.h"

/* One pass resolves new frames for at most this long, then looks at the rings again. */
static const uint64_t RESOLVE_NS = 5 * 1000 * 1000;
/* At the end nothing is lost by waiting; large debug information gets this long. */
static const uint64_t RESOLVE_LAST_NS = 5ull * 1000 * 1000 * 1000;
/* Records older than this pass's start are complete on every CPU. */
static const uint64_t EVERYTHING = UINT64_MAX;

struct state {
	const struct target *target;
	struct cpu_rings rings;
	struct rung rung;
	struct address_space *space;
	struct unwinder *unwinder;
	struct symbols *symbols;
	struct stack_threads threads;
	uint16_t series[MAX_SAMPLED_EVENTS];
	uint32_t frame_truncated, frame_lost;
	uint64_t enable_at_ns; /* --delay; 0 = already on */
	uint64_t n_samples, n_lost, n_throttled, n_malformed;
};

static void add_series(struct state *state, struct recording *recording)
{
	for (uint32_t i = 0; i < state->rung.n_events; i++) {
		const struct sampled_event *event = &state->rung.events[i];
		struct series_row row = {
			.name = recording_add_string(recording, event->name),
			.unit = recording_add_string(recording, event->unit),
			.source = recording_add_string(recording, "stacks"),
			.origin = ladder_origin(event),
			.flags = SERIES_SAMPLES,
		};
		state->series[i] = (uint16_t)recording_add_series(recording, &row);
	}
}

static void add_facts(const struct state *state, struct recording *recording)
{
	static const char *const names[] = { "auto", "dwarf", "fp", "none" };
	char text[64];
	snprintf(text, sizeof text, "%u", state->rung.frequency_hz);
	if (state->rung.frequency_hz)
		recording_add_fact(recording, "sampling.frequency_hz", text);
	recording_add_fact(recording, "sampling.call_graph", names[state->rung.call_graph]);
	recording_add_fact(recording, "sampling.event", state->rung.events[0].name);
	recording_add_fact(recording, "sampling.user_only",
			   state->rung.is_user_only ? "yes" : "no");
	snprintf(text, sizeof text, "%u", state->rung.stack_bytes);
	recording_add_fact(recording, "sampling.stack_bytes", text);
}

static bool stacks_open(void *opaque, const struct target *target, struct recording *recording,
			struct why *why)
{
	struct state *state = opaque;
	state->target = target;
	if (!ladder_open(target, recording, &state->rings, &state->rung, why))
		return false;
	state->space = address_space_new(recording);
	state->unwinder = unwinder_new((int)target->sampling->unwinder);
	state->symbols = symbols_new(recording, state->space, target->sampling->no_inline);
	if (target->sampling->delay_ns)
		state->enable_at_ns = now_ns() + target->sampling->delay_ns;
	add_series(state, recording);
	add_facts(state, recording);
	if (!target->is_launched) {
		address_space_read_proc(state->space, target->pid);
		if (!state->enable_at_ns)
			cpu_rings_enable(&state->rings, true);
	}
	return true;
}

static int stacks_fds(void *opaque, struct pollfd *out, int max)
{
	return cpu_rings_pollfds(&((struct state *)opaque)->rings, out, max);
}

/* The user's part and the kernel's part of a chain with PERF_CONTEXT_* markers. */
static void split_chain(const struct perf_sample *sample, const uint64_t **kernel, size_t *n_kernel,
			const uint64_t **user, size_t *n_user)
{
	const uint64_t **part = kernel;
	size_t *n_part = n_kernel;
	*kernel = *user = NULL;
	*n_kernel = *n_user = 0;
	for (size_t i = 0; i < sample->n_chain; i++) {
		if (sample->chain[i] >= PERF_CONTEXT_MAX) {
			bool is_user = sample->chain[i] == PERF_CONTEXT_USER;
			part = is_user ? user : kernel;
			n_part = is_user ? n_user : n_kernel;
			*part = sample->chain + i + 1;
			*n_part = 0;
			continue;
		}
		if (!*part)
			*part = sample->chain + i;
		++*n_part;
	}
}

/* Frames of one sample, innermost first. */
struct frames {
	uint32_t ids[UNWIND_MAX_FRAMES + 160];
	size_t n;
};

static void push(struct frames *frames, uint32_t id)
{
	if (frames->n < sizeof frames->ids / sizeof frames->ids[0])
		frames->ids[frames->n++] = id;
}

static void push_address(struct state *state, struct process *process, struct frames *frames,
			 uint64_t address, bool is_leaf)
{
	push(frames, address_space_frame(state->space, process, address, is_leaf, false));
}

static uint32_t truncated_frame(struct state *state, struct recording *recording)
{
	if (!state->frame_truncated)
		state->frame_truncated = recording_add_special_frame(recording, "[truncated]", 0);
	return state->frame_truncated;
}

/* What the outermost frame says when the stack does not reach the thread's start. */
static void push_end(struct state *state, struct recording *recording, struct process *process,
		     struct frames *frames, enum unwind_end end, uint64_t last)
{
	char text[192];
	if (end == UNWIND_TRUNCATED) {
		push(frames, truncated_frame(state, recording));
	} else if (end == UNWIND_NO_RULE) {
		const struct mapping *mapping = process_find(process, last - 1);
		const char *path = mapping ? mapping->module->path : "code";
		const char *slash = strrchr(path, '/');
		char name[128];
		text_clean(name, sizeof name, slash ? slash + 1 : path);
		snprintf(text, sizeof text, "[unknown: no unwind information in %s]", name);
		push(frames, recording_add_special_frame(recording, text, 0));
	} else if (end == UNWIND_BROKEN) {
		push(frames, recording_add_special_frame(recording,
							 "[unknown: the stack makes no sense]", 0));
	} else if (end == UNWIND_NOT_MAPPED) {
		push(frames, recording_add_special_frame(recording, "[unknown: not mapped]", 0));
	}
}

static void push_unwound(struct state *state, struct recording *recording,
			 const struct unwind_input *input, struct frames *frames, bool is_leaf)
{
	uint64_t addresses[UNWIND_MAX_FRAMES], after_signal[UNWIND_MAX_FRAMES / 64] = { 0 };
	enum unwind_end end;
	size_t n = unwind_stack(state->unwinder, input, addresses, UNWIND_MAX_FRAMES, after_signal,
				&end);
	for (size_t i = 0; i < n; i++) {
		bool is_exact =
			(i == 0 && is_leaf) || i == 0 || (after_signal[i / 64] >> (i % 64) & 1);
		push(frames, address_space_frame(state->space, input->process, addresses[i],
						 is_exact, false));
	}
	if (n > 0)
		push_end(state, recording, input->process, frames, end, addresses[n - 1]);
}

/* Frame pointers: the kernel's chain, and the caller it misses when the leaf set up no frame. */
static void push_chain(struct state *state, const struct unwind_input *input, struct frames *frames,
		       bool is_leaf)
{
	if (input->n_chain == 0)
		return;
	push_address(state, input->process, frames, input->chain[0], true);
	uint64_t missed =
		is_leaf && input->registers ? unwind_repair_leaf(state->unwinder, input) : 0;
	if (missed)
		push_address(state, input->process, frames, missed, false);
	for (size_t i = 1; i < input->n_chain; i++)
		push_address(state, input->process, frames, input->chain[i], false);
}

static void collect_frames(struct state *state, struct recording *recording,
			   const struct perf_sample *sample, struct process *process,
			   struct frames *frames)
{
	const uint64_t *kernel, *user;
	size_t n_kernel, n_user;
	split_chain(sample, &kernel, &n_kernel, &user, &n_user);
	for (size_t i = 0; i < n_kernel; i++)
		push(frames, address_space_frame(state->space, process, kernel[i], i == 0, true));
	struct unwind_input input = {
		.process = process,
		.registers = sample->registers,
		.stack = sample->stack,
		.stack_bytes = sample->stack_bytes,
		.is_stack_cut = sample->stack_bytes == sample->stack_reserved,
		.chain = user,
		.n_chain = n_user,
	};
	bool is_leaf = n_kernel == 0;
	if (state->rung.call_graph == CALL_GRAPH_DWARF && sample->registers)
		push_unwound(state, recording, &input, frames, is_leaf);
	else
		push_chain(state, &input, frames, is_leaf);
}

/* Outermost first, so that what the thread's last sample shares is not looked up again. */
static uint32_t intern_stack(struct stack_thread *thread, struct recording *recording,
			     const struct frames *frames)
{
	uint32_t stack = 0, depth = 0;
	bool is_shared = true;
	for (size_t i = frames->n; i-- > 0; depth++) {
		uint32_t frame = frames->ids[i];
		is_shared = is_shared && depth < thread->n_last && depth < STACK_THREAD_FRAMES &&
			    thread->last_frames[depth] == frame;
		if (is_shared) {
			stack = thread->last_stacks[depth];
			continue;
		}
		stack = recording_add_stack(recording, stack, frame);
		if (depth < STACK_THREAD_FRAMES) {
			thread->last_frames[depth] = frame;
			thread->last_stacks[depth] = stack;
			thread->n_last = depth + 1;
		}
	}
	if (depth < thread->n_last)
		thread->n_last = depth;
	return stack;
}

static void push_only_address(struct state *state, const struct perf_event_header *header,
			      const struct perf_sample *sample, struct process *process,
			      struct frames *frames)
{
	unsigned mode = header->misc & PERF_RECORD_MISC_CPUMODE_MASK;
	push(frames, address_space_frame(state->space, process, sample->ip, true,
					 mode == PERF_RECORD_MISC_KERNEL));
}

static void take_sample(struct state *state, struct recording *recording,
			const struct perf_event_header *header)
{
	struct perf_sample sample;
	if (!perf_record_sample(header, &state->rings.layout, &sample)) {
		state->n_malformed++;
		return;
	}
	struct process *process = address_space_process(state->space, (pid_t)sample.pid);
	struct stack_thread *thread = stack_threads_get(&state->threads, sample.pid, sample.tid);
	struct frames frames;
	frames.n = 0;
	collect_frames(state, recording, &sample, process, &frames);
	if (frames.n == 0)
		push_only_address(state, header, &sample, process, &frames);
	uint32_t event = state->rung.n_events > 1 ? cpu_rings_event(&state->rings, sample.id) : 0;
	struct sample_row row = {
		.time_ns = sample.time_ns,
		.weight = sample.period,
		.stack = intern_stack(thread, recording, &frames),
		.thread = stack_thread_row(thread, recording, process->name, sample.time_ns),
		.count = 1,
		.series = state->series[event],
		.cpu = sample.cpu < SAMPLE_CPU_UNKNOWN ? (uint16_t)sample.cpu : SAMPLE_CPU_UNKNOWN,
	};
	recording_add_sample(recording, &row);
	state->n_samples++;
}

static void take_map(struct state *state, const struct perf_event_header *header)
{
	struct perf_map map;
	if (!perf_record_map(header, &state->rings.layout, &map)) {
		state->n_malformed++;
		return;
	}
	struct mapped_file file = { map.start, map.length, map.file_offset, map.device,
				    map.inode, map.prot,   map.path };
	address_space_map(state->space, (pid_t)map.pid, &file);
}

static void take_comm(struct state *state, const struct perf_event_header *header)
{
	struct perf_comm comm;
	if (!perf_record_comm(header, &state->rings.layout, &comm)) {
		state->n_malformed++;
		return;
	}
	if (comm.is_exec)
		address_space_exec(state->space, (pid_t)comm.pid);
	struct stack_thread *thread = stack_threads_get(&state->threads, comm.pid, comm.tid);
	stack_thread_rename(thread, comm.name);
	if (comm.pid == comm.tid) {
		struct process *process = address_space_process(state->space, (pid_t)comm.pid);
		memcpy(process->name, thread->name, sizeof process->name);
	}
}

static void take_fork(struct state *state, const struct perf_event_header *header)
{
	struct perf_task task;
	if (!perf_record_task(header, &task)) {
		state->n_malformed++;
		return;
	}
	char name[16];
	memcpy(name, stack_threads_get(&state->threads, task.parent_pid, task.parent_tid)->name,
	       sizeof name);
	stack_threads_exit(&state->threads, task.tid); /* a reused number */
	stack_thread_rename(stack_threads_get(&state->threads, task.pid, task.tid), name);
	if (task.pid != task.parent_pid)
		address_space_fork(state->space, (pid_t)task.parent_pid, (pid_t)task.pid);
}

static void take_exit(struct state *state, const struct perf_event_header *header)
{
	struct perf_task task;
	if (!perf_record_task(header, &task)) {
		state->n_malformed++;
		return;
	}
	stack_threads_exit(&state->threads, task.tid);
	if (task.pid == task.tid)
		address_space_exit(state->space, (pid_t)task.pid);
}

/* Lost samples keep their width: as many periods as records are missing. */
static void take_lost(struct state *state, struct recording *recording,
		      const struct perf_event_header *header)
{
	uint64_t n = 0, time_ns = 0;
	perf_record_time(header, &state->rings.layout, &time_ns);
	if (!perf_record_lost(header, &n) || n == 0 || n > UINT32_MAX)
		return;
	state->n_lost += n;
	if (!state->frame_lost)
		state->frame_lost = recording_add_special_frame(recording, "[lost]", 0);
	pid_t pid = state->target->pid;
	struct process *process = address_space_process(state->space, pid);
	struct stack_thread *thread =
		stack_threads_get(&state->threads, (uint32_t)pid, (uint32_t)pid);
	bool is_clock = strcmp(state->rung.events[0].unit, "ns") == 0;
	uint64_t period = state->rung.frequency_hz && is_clock
				  ? 1000000000u / state->rung.frequency_hz
				  : state->target->sampling->period;
	struct sample_row row = {
		.time_ns = time_ns,
		.weight = n * (period ? period : 1),
		.stack = recording_add_stack(recording, 0, state->frame_lost),
		.thread = stack_thread_row(thread, recording, process->name, time_ns),
		.count = (uint32_t)n,
		.series = state->series[0],
		.cpu = SAMPLE_CPU_UNKNOWN,
	};
	recording_add_sample(recording, &row);
}

static void take_record(struct state *state, struct recording *recording,
			const struct perf_event_header *header)
{
	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		take_sample(state, recording, header);
		break;
	case PERF_RECORD_MMAP2:
		take_map(state, header);
		break;
	case PERF_RECORD_COMM:
		take_comm(state, header);
		break;
	case PERF_RECORD_FORK:
		take_fork(state, header);
		break;
	case PERF_RECORD_EXIT:
		take_exit(state, header);
		break;
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		take_lost(state, recording, header);
		break;
	case PERF_RECORD_THROTTLE:
		state->n_throttled++;
		break;
	default:
		break;
	}
}

static void note_count(struct recording *recording, enum severity severity, uint64_t n,
		       const char *what, const char *remedy)
{
	char text[192];
	if (n == 0)
		return;
	snprintf(text, sizeof text, "%llu %s", (unsigned long long)n, what);
	recording_note(recording, severity, "stacks", text, remedy);
}

static void note_unwinding(const struct state *state, struct recording *recording)
{
	const struct unwind_statistics *statistics = unwinder_statistics(state->unwinder);
	uint64_t n_cut = statistics->n_by_end[UNWIND_TRUNCATED];
	if (n_cut * 100 >= statistics->n_stacks && n_cut > 0)
		note_count(recording, SEVERITY_INFO, n_cut,
			   "stacks are longer than the part that is copied; they end in "
			   "[truncated].",
			   "Copy more with --call-graph dwarf,BYTES (at most 65528).");
	note_count(recording, SEVERITY_WARNING,
		   statistics->n_checked - statistics->n_agreed - statistics->n_prefix,
		   "stacks checked against libunwind came out different.",
		   "Use --unwinder=libunwind and report the program.");
}

static void note_end(const struct state *state, struct recording *recording)
{
	char text[96];
	const struct unwind_statistics *statistics = unwinder_statistics(state->unwinder);
	note_count(recording, SEVERITY_WARNING, state->n_lost,
		   "records were lost because the ring was full; they are the width of [lost].",
		   "Sample less often (-F) or copy less stack (--call-graph dwarf,4096).");
	note_count(recording, SEVERITY_WARNING, state->n_throttled,
		   "times the kernel throttled sampling because it took too long.",
		   "Sample less often (-F) or raise kernel.perf_cpu_time_max_percent.");
	note_count(recording, SEVERITY_WARNING, state->n_malformed,
		   "records made no sense and were left out.", "");
	note_unwinding(state, recording);
	snprintf(text, sizeof text, "%llu", (unsigned long long)state->n_lost);
	recording_add_fact(recording, "sampling.lost", text);
	snprintf(text, sizeof text, "%llu",
		 (unsigned long long)statistics->n_by_end[UNWIND_TRUNCATED]);
	recording_add_fact(recording, "sampling.truncated", text);
	snprintf(text, sizeof text, "%llu equal, %llu prefixes of %llu checked",
		 (unsigned long long)statistics->n_agreed, (unsigned long long)statistics->n_prefix,
		 (unsigned long long)statistics->n_checked);
	recording_add_fact(recording, "unwinding.agreed_with_libunwind", text);
}

static void stacks_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	uint64_t start_ns = now_ns();
	if (state->enable_at_ns && start_ns >= state->enable_at_ns) {
		cpu_rings_enable(&state->rings, true);
		state->enable_at_ns = 0;
	}
	const struct perf_event_header *header;
	cpu_rings_begin(&state->rings);
	while ((header = cpu_rings_next(&state->rings, is_last ? EVERYTHING : start_ns))) {
		take_record(state, recording, header);
		cpu_rings_consume(&state->rings);
	}
	cpu_rings_end(&state->rings);
	symbols_resolve(state->symbols, now_ns() + (is_last ? RESOLVE_LAST_NS : RESOLVE_NS));
	if (state->rings.is_broken)
		recording_note(recording, SEVERITY_ERROR, "stacks",
			       "A ring held a record of an impossible size; what it held is lost.",
			       "");
	if (is_last)
		note_end(state, recording);
}

static void stacks_close(void *opaque)
{
	struct state *state = opaque;
	cpu_rings_close(&state->rings);
	stack_threads_free(&state->threads);
	symbols_free(state->symbols);
	unwinder_free(state->unwinder);
	address_space_free(state->space);
}

const struct source source_stacks = {
	.name = "stacks",
	.summary = "CPU call stacks from perf_event_open",
	.state_bytes = sizeof(struct state),
	.interval_ns = 20 * 1000 * 1000,
	.open = stacks_open,
	.is_essential = true,
	.fds = stacks_fds,
	.drain = stacks_drain,
	.close = stacks_close,
};
