/*
 * Records in, rows out. Nothing is dropped in silence: cut stacks and code without unwind
 * information become frames with a width of their own.
 */
#include "sampler/perf_replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/address_space.h"
#include "sampler/attach.h"
#include "sampler/base/text.h"
#include "sampler/chain_cache.h"
#include "sampler/module_store.h"
#include "sampler/recording.h"
#include "sampler/unwind.h"

void perf_replay_open(struct perf_replay *replay, struct recording *recording, int unwinder_kind)
{
	*replay = (struct perf_replay){ .recording = recording };
	replay->space = address_space_new(recording);
	replay->unwinder = unwinder_new(unwinder_kind);
	replay->chains = chain_cache_new();
}

void perf_replay_close(struct perf_replay *replay)
{
	stack_threads_free(&replay->threads);
	unwinder_free(replay->unwinder);
	address_space_free(replay->space);
	chain_cache_free(replay->chains);
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

/* A process has as many others above it at most: what is deeper has been made to be. */
enum { MOST_PARENTS = 64 };

/* The user's frames, the kernel's (its own limit is 127 and some markers) and what says why a stack
 * ends. */
enum { MOST_FRAMES = UNWIND_MAX_FRAMES + 160 };

/* Frames of one sample, innermost first. */
struct frames {
	uint32_t ids[MOST_FRAMES];
	size_t n;
};

static void push(struct frames *frames, uint32_t id)
{
	if (frames->n < MOST_FRAMES)
		frames->ids[frames->n++] = id;
}

static void push_address(struct perf_replay *replay, struct process *process, struct frames *frames,
			 uint64_t address, bool is_leaf)
{
	push(frames, address_space_frame(replay->space, process, address, is_leaf, false));
}

static uint32_t truncated_frame(struct perf_replay *replay)
{
	if (!replay->frame_truncated)
		replay->frame_truncated =
			recording_add_special_frame(replay->recording, "[truncated]", 0);
	return replay->frame_truncated;
}

/* What the outermost frame says when the stack does not reach the thread's start. */
static void push_end(struct perf_replay *replay, struct process *process, struct frames *frames,
		     enum unwind_end end, uint64_t last)
{
	char text[192];
	if (end == UNWIND_TRUNCATED) {
		push(frames, truncated_frame(replay));
	} else if (end == UNWIND_NO_RULE) {
		const struct mapping *mapping = process_find(process, last - 1);
		const char *path = mapping ? mapping->module->path : "code";
		char name[128];
		text_clean(name, sizeof name, text_base_name(path));
		snprintf(text, sizeof text, "[unknown: no unwind information in %s]", name);
		push(frames, recording_add_special_frame(replay->recording, text, 0));
	} else if (end == UNWIND_BROKEN) {
		push(frames, recording_add_special_frame(replay->recording,
							 "[unknown: the stack makes no sense]", 0));
	} else if (end == UNWIND_NOT_MAPPED) {
		push(frames,
		     recording_add_special_frame(replay->recording, "[unknown: not mapped]", 0));
	}
}

static void push_unwound(struct perf_replay *replay, const struct unwind_input *input,
			 struct frames *frames, bool is_leaf)
{
	uint64_t addresses[UNWIND_MAX_FRAMES], after_signal[UNWIND_MAX_FRAMES / 64] = { 0 };
	enum unwind_end end;
	size_t n = unwind_stack(replay->unwinder, input, addresses, UNWIND_MAX_FRAMES, after_signal,
				&end);
	for (size_t i = 0; i < n; i++) {
		bool is_exact =
			(i == 0 && is_leaf) || i == 0 || (after_signal[i / 64] >> (i % 64) & 1);
		push(frames, address_space_frame(replay->space, input->process, addresses[i],
						 is_exact, false));
	}
	if (n > 0)
		push_end(replay, input->process, frames, end, addresses[n - 1]);
}

/* Frame pointers: the kernel's chain, and the caller it misses when the leaf set up no frame. */
static void push_chain(struct perf_replay *replay, const struct unwind_input *input,
		       struct frames *frames, bool is_leaf)
{
	if (input->n_chain == 0)
		return;
	push_address(replay, input->process, frames, input->chain[0], true);
	uint64_t missed =
		is_leaf && input->registers ? unwind_repair_leaf(replay->unwinder, input) : 0;
	if (missed)
		push_address(replay, input->process, frames, missed, false);
	for (size_t i = 1; i < input->n_chain; i++)
		push_address(replay, input->process, frames, input->chain[i], false);
}

static void collect_frames(struct perf_replay *replay, const struct perf_sample *sample,
			   struct process *process, bool unwind, struct frames *frames)
{
	const uint64_t *kernel, *user;
	size_t n_kernel, n_user;
	split_chain(sample, &kernel, &n_kernel, &user, &n_user);
	for (size_t i = 0; i < n_kernel; i++)
		push(frames, address_space_frame(replay->space, process, kernel[i], i == 0, true));
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
	if (unwind && sample->registers)
		push_unwound(replay, &input, frames, is_leaf);
	else
		push_chain(replay, &input, frames, is_leaf);
}

/* Outermost first; what the thread's last sample shares is not looked up again. */
static uint32_t intern_stack(struct stack_thread *thread, struct recording *recording,
			     const struct frames *frames)
{
	uint32_t ordered[MOST_FRAMES], stacks[MOST_FRAMES];
	size_t n = frames->n, n_shared = 0;
	for (size_t i = 0; i < n; i++)
		ordered[i] = frames->ids[n - 1 - i];
	while (n_shared < n && n_shared < thread->n_last &&
	       thread->last_frames[n_shared] == ordered[n_shared])
		n_shared++;
	uint32_t parent = n_shared ? thread->last_stacks[n_shared - 1] : 0;
	recording_add_stacks(recording, parent, ordered + n_shared, n - n_shared, stacks);
	uint32_t leaf = n > n_shared ? stacks[n - n_shared - 1] : parent;
	size_t n_kept = n < STACK_THREAD_FRAMES ? n : STACK_THREAD_FRAMES;
	thread->n_last = (uint32_t)n_kept;
	if (n_kept > n_shared) {
		memcpy(thread->last_frames + n_shared, ordered + n_shared,
		       (n_kept - n_shared) * sizeof *ordered);
		memcpy(thread->last_stacks + n_shared, stacks,
		       (n_kept - n_shared) * sizeof *stacks);
	}
	return leaf;
}

static void push_only_address(struct perf_replay *replay, const struct perf_event_header *header,
			      const struct perf_sample *sample, struct process *process,
			      struct frames *frames)
{
	unsigned mode = header->misc & PERF_RECORD_MISC_CPUMODE_MASK;
	push(frames, address_space_frame(replay->space, process, sample->ip, true,
					 mode == PERF_RECORD_MISC_KERNEL));
}

static bool take_map(struct perf_replay *replay, const struct perf_event_header *header,
		     const struct perf_layout *layout)
{
	struct perf_map map;
	if (!perf_record_map(header, layout, &map))
		return false;
	char build_id[BUILD_ID_TEXT] = "";
	if (map.build_id)
		build_id_text(build_id, map.build_id, map.build_id_bytes);
	else if (replay->store)
		snprintf(build_id, sizeof build_id, "%s",
			 module_store_build_id(replay->store, map.path));
	struct mapped_file file = { map.start, map.length, map.file_offset, map.device,
				    map.inode, map.prot,   map.path,        build_id };
	address_space_map(replay->space, (pid_t)map.pid, &file);
	return true;
}

static bool take_comm(struct perf_replay *replay, const struct perf_event_header *header,
		      const struct perf_layout *layout)
{
	struct perf_comm comm;
	if (!perf_record_comm(header, layout, &comm))
		return false;
	if (comm.is_exec)
		address_space_exec(replay->space, (pid_t)comm.pid);
	struct stack_thread *thread = stack_threads_get(&replay->threads, comm.pid, comm.tid);
	stack_thread_rename(thread, comm.name);
	if (comm.pid == comm.tid) {
		struct process *process = address_space_process(replay->space, (pid_t)comm.pid);
		memcpy(process->name, thread->name, sizeof process->name);
	}
	return true;
}

static bool take_fork(struct perf_replay *replay, const struct perf_event_header *header)
{
	struct perf_task task;
	if (!perf_record_task(header, &task))
		return false;
	char name[16];
	memcpy(name, stack_threads_get(&replay->threads, task.parent_pid, task.parent_tid)->name,
	       sizeof name);
	stack_threads_exit(&replay->threads, task.tid); /* a reused number */
	stack_thread_rename(stack_threads_get(&replay->threads, task.pid, task.tid), name);
	if (task.pid != task.parent_pid)
		address_space_fork(replay->space, (pid_t)task.parent_pid, (pid_t)task.pid);
	return true;
}

/* Its first thread may leave before others do: those that come then say that it goes on. What is
 * late of the first one says nothing. */
static struct stack_process about(const struct process *process, uint32_t tid)
{
	bool is_late = process->has_exited && tid == (uint32_t)process->pid;
	return (struct stack_process){ process->name, (uint32_t)process->parent_pid, !is_late };
}

static void end_process(struct perf_replay *replay, const struct perf_task *task)
{
	struct process *process = address_space_process(replay->space, (pid_t)task->pid);
	if (process->is_recorded && !process->has_exited) {
		struct stack_process words = about(process, task->tid);
		stack_thread_end(stack_threads_get(&replay->threads, task->pid, task->tid),
				 replay->recording, &words, task->time_ns);
	}
	address_space_exit(replay->space, (pid_t)task->pid);
}

static bool take_exit(struct perf_replay *replay, const struct perf_event_header *header)
{
	struct perf_task task;
	if (!perf_record_task(header, &task))
		return false;
	if (task.pid == task.tid)
		end_process(replay, &task);
	stack_threads_exit(&replay->threads, task.tid);
	return true;
}

uint32_t perf_replay_stack(struct perf_replay *replay, const struct perf_event_header *header,
			   const struct perf_sample *sample, bool unwind)
{
	struct process *process = address_space_process(replay->space, (pid_t)sample->pid);
	struct stack_thread *thread = stack_threads_get(&replay->threads, sample->pid, sample->tid);
	uint64_t space_id = process->space_id;
	/* With registers the copy of the stack counts too. */
	bool is_all_chain = !sample->registers && sample->n_chain > 0;
	uint32_t *known = !is_all_chain ? NULL
					: chain_cache_at(replay->chains, process->space_id,
							 sample->chain, sample->n_chain);
	if (known && *known)
		return *known;
	struct frames frames;
	frames.n = 0;
	collect_frames(replay, sample, process, unwind, &frames);
	if (frames.n == 0)
		push_only_address(replay, header, sample, process, &frames);
	uint32_t stack = intern_stack(thread, replay->recording, &frames);
	if (known && process->space_id == space_id)
		*known = stack;
	return stack;
}

static uint32_t row_of(struct perf_replay *replay, struct process *process, uint32_t tid,
		       uint64_t time_ns)
{
	struct stack_thread *thread =
		stack_threads_get(&replay->threads, (uint32_t)process->pid, tid);
	char name[16];
	if (replay->is_attached && !thread->row && !thread->name[0] &&
	    attach_read_name(process->pid, (pid_t)tid, name))
		stack_thread_rename(thread, name);
	struct stack_process words = about(process, tid);
	process->is_recorded = true;
	return stack_thread_row(thread, replay->recording, &words, time_ns);
}

/* Of what ran before, no record tells who made it. */
static void find_parent(const struct perf_replay *replay, struct process *process)
{
	if (replay->is_attached && !process->parent_pid && process->pid > 0)
		process->parent_pid = attach_read_parent(process->pid);
}

/* Who waits for others is never sampled, and is what they hang below: make, sh, gcc, cc1. */
static void tell_parents(struct perf_replay *replay, const struct process *process,
			 uint64_t time_ns)
{
	pid_t pid = process->parent_pid;
	for (int i = 0; pid && i < MOST_PARENTS; i++) {
		struct process *parent = address_space_process(replay->space, pid);
		if (parent->is_recorded || !parent->name[0])
			return; /* so are those above; or nothing is known of it */
		find_parent(replay, parent);
		row_of(replay, parent, (uint32_t)pid, time_ns);
		pid = parent->parent_pid;
	}
}

uint32_t perf_replay_thread(struct perf_replay *replay, uint32_t pid, uint32_t tid,
			    uint64_t time_ns)
{
	struct process *process = address_space_process(replay->space, (pid_t)pid);
	if (!process->is_recorded) {
		find_parent(replay, process);
		tell_parents(replay, process, time_ns);
	}
	return row_of(replay, process, tid, time_ns);
}

/* A first thread that has left takes its view of the mappings with it; the others have theirs. */
static void read_others(struct perf_replay *replay, const struct process *process)
{
	pid_t *threads;
	uint32_t n = attach_list_tasks(process->pid, &threads);
	for (uint32_t i = 0; i < n && process->n_mappings == 0; i++)
		address_space_read_proc(replay->space, process->pid, threads[i]);
	free(threads);
}

bool perf_replay_read_proc(struct perf_replay *replay, pid_t pid)
{
	char name[16];
	struct process *process = address_space_process(replay->space, pid);
	if (attach_read_name(pid, pid, name))
		text_clean(process->name, sizeof process->name, name);
	bool is_permitted = address_space_read_proc(replay->space, pid, pid);
	if (is_permitted && process->n_mappings == 0)
		read_others(replay, process);
	return is_permitted;
}

bool perf_replay_task(struct perf_replay *replay, const struct perf_event_header *header,
		      const struct perf_layout *layout)
{
	switch (header->type) {
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
		/* The kernel's own code is one module at its own addresses. */
		if ((header->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL)
			return true;
		return take_map(replay, header, layout);
	case PERF_RECORD_COMM:
		return take_comm(replay, header, layout);
	case PERF_RECORD_FORK:
		return take_fork(replay, header);
	case PERF_RECORD_EXIT:
		return take_exit(replay, header);
	default:
		return true;
	}
}
