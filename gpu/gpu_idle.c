/*
 * Each thread that calls CUDA keeps its latest calls and samples, in order of time; a gap is
 * walked backwards from its end. What is older than these rings is host compute without a stack.
 */
#include "gpu/gpu_idle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"

enum {
	MOST_DEVICES = 64,
	MOST_THREADS = 256,
	N_CALLS = 1 << 13,   /* of a thread: 0.8 s of 10,000 a second; records come 0.25 s late */
	N_SAMPLES = 1 << 12, /* of a thread: 0.8 s at 4,999 Hz */
	MOST_FRAMES = 1024,  /* of a stack that is moved below another frame */
	N_KINDS = N_GPU_CALL_KINDS + 2,
	HOST = N_GPU_CALL_KINDS, /* kinds of idleness beyond those of calls */
	UNKNOWN,
};

static const char *const kind_names[N_KINDS] = {
	[GPU_CALL_LAUNCH] = "[GPU idle: launch]", [GPU_CALL_COPY] = "[GPU idle: copy]",
	[GPU_CALL_SYNC] = "[GPU idle: sync]",     [HOST] = "[GPU idle: host compute]",
	[UNKNOWN] = "[GPU idle: unknown]",
};

struct sample {
	uint64_t time_ns, weight;
	uint32_t stack;
};

struct thread {
	uint32_t pid, tid;
	uint64_t n_calls, n_samples; /* ever; the latest are kept */
	struct gpu_call *calls;
	struct sample *samples;
};

struct device {
	uint64_t busy_until_ns, idle_until_ns;
};

struct gpu_idle {
	struct recording *recording;
	const struct gpu_tables *tables;
	struct thread threads[MOST_THREADS];
	struct device devices[MOST_DEVICES];
	uint32_t n_threads, series, sampled_series;
	struct hash_map thread_index, moved; /* moved: kind and stack to the stack below the kind */
	uint64_t first_call_ns, n_late;
	bool is_sampled_in_ns;
};

/* A part of a gap, and whom the time goes to. */
struct part {
	uint64_t from_ns, to_ns;
	uint32_t thread; /* row */
};

struct gpu_idle *gpu_idle_new(struct recording *recording, const struct gpu_tables *tables)
{
	struct gpu_idle *idle = allocate(1, sizeof *idle);
	idle->recording = recording;
	idle->tables = tables;
	return idle;
}

void gpu_idle_free(struct gpu_idle *idle)
{
	if (!idle)
		return;
	for (uint32_t i = 0; i < idle->n_threads; i++) {
		free(idle->threads[i].calls);
		free(idle->threads[i].samples);
	}
	hash_map_free(&idle->thread_index);
	hash_map_free(&idle->moved);
	free(idle);
}

uint64_t gpu_idle_n_late(const struct gpu_idle *idle)
{
	return idle->n_late;
}

/* ---- what threads did */

static uint64_t key_of(uint32_t pid, uint32_t tid)
{
	uint64_t key = (uint64_t)pid << 32 | tid;
	return key ? key : UINT64_MAX;
}

/* 1 + the thread's index; 0 if it made no call yet. */
static uint32_t find_thread(const struct gpu_idle *idle, uint32_t pid, uint32_t tid)
{
	return hash_map_get(&idle->thread_index, key_of(pid, tid));
}

static struct thread *thread_at(struct gpu_idle *idle, uint32_t pid, uint32_t tid)
{
	uint32_t known = find_thread(idle, pid, tid);
	if (known)
		return &idle->threads[known - 1];
	if (idle->n_threads == MOST_THREADS)
		return NULL;
	struct thread *thread = &idle->threads[idle->n_threads++];
	*hash_map_at(&idle->thread_index, key_of(pid, tid)) = idle->n_threads;
	thread->pid = pid;
	thread->tid = tid;
	thread->calls = allocate(N_CALLS, sizeof *thread->calls);
	thread->samples = allocate(N_SAMPLES, sizeof *thread->samples);
	return thread;
}

static struct gpu_call *call_at(const struct thread *thread, uint64_t i)
{
	return &thread->calls[i % N_CALLS];
}

static struct sample *sample_at(const struct thread *thread, uint64_t i)
{
	return &thread->samples[i % N_SAMPLES];
}

static uint64_t first_kept(uint64_t n, uint64_t most)
{
	return n > most ? n - most : 0;
}

void gpu_idle_add_call(struct gpu_idle *idle, const struct gpu_call *call)
{
	struct thread *thread = thread_at(idle, call->pid, call->tid);
	if (!idle->first_call_ns || call->start_ns < idle->first_call_ns)
		idle->first_call_ns = call->start_ns;
	if (!thread)
		return;
	struct gpu_call *last = thread->n_calls ? call_at(thread, thread->n_calls - 1) : NULL;
	/* Times are the program's word: what is out of order would not be found. */
	if (last && call->start_ns < last->start_ns)
		return;
	*call_at(thread, thread->n_calls++) = *call;
}

static bool is_time(const struct gpu_idle *idle, uint32_t series)
{
	uint32_t flags = recording_series(idle->recording, series)->flags;
	return flags & SERIES_SAMPLES && !(flags & SERIES_VALUES);
}

static void choose_series(struct gpu_idle *idle, uint32_t series)
{
	uint32_t unit = recording_series(idle->recording, series)->unit;
	idle->sampled_series = series;
	idle->is_sampled_in_ns = strcmp(recording_string_at(idle->recording, unit), "ns") == 0;
}

void gpu_idle_add_sample(struct gpu_idle *idle, const struct sample_row *row)
{
	if (!idle->n_threads || row->series == idle->series)
		return;
	if (!idle->sampled_series && is_time(idle, row->series))
		choose_series(idle, row->series);
	if (row->series != idle->sampled_series)
		return;
	const struct thread_row *owner = recording_thread(idle->recording, row->thread);
	uint32_t known = find_thread(idle, owner->pid, owner->tid);
	if (!known)
		return;
	struct thread *thread = &idle->threads[known - 1];
	/* Rings of several CPUs are read one after the other. */
	uint64_t at = thread->n_samples++;
	uint64_t first = first_kept(thread->n_samples, N_SAMPLES);
	for (; at > first && sample_at(thread, at - 1)->time_ns > row->time_ns; at--)
		*sample_at(thread, at) = *sample_at(thread, at - 1);
	*sample_at(thread, at) = (struct sample){ row->time_ns, row->weight, row->stack };
}

/* ---- stacks */

/* The stack again, below a frame that says what it stands for. */
static uint32_t move_below(struct gpu_idle *idle, uint32_t kind, uint32_t stack)
{
	uint32_t frames[MOST_FRAMES], stacks[MOST_FRAMES];
	uint32_t *known = hash_map_at(&idle->moved, ((uint64_t)kind << 32 | stack) + 1);
	size_t n = MOST_FRAMES;
	if (*known)
		return *known;
	struct recording *recording = idle->recording;
	uint32_t root = recording_add_stack(
		recording, 0, recording_add_special_frame(recording, kind_names[kind], 0));
	for (uint32_t at = stack; at && n > 0; at = recording_stack(recording, at)->parent)
		frames[--n] = recording_stack(recording, at)->frame;
	if (n < MOST_FRAMES)
		recording_add_stacks(recording, root, frames + n, MOST_FRAMES - n, stacks);
	*known = n < MOST_FRAMES ? stacks[MOST_FRAMES - n - 1] : root;
	return *known;
}

static uint32_t depth_of(const struct recording *recording, uint32_t stack)
{
	uint32_t n = 0;
	for (; stack; stack = recording_stack(recording, stack)->parent)
		n++;
	return n;
}

static uint32_t cut_to(const struct recording *recording, uint32_t stack, uint32_t n,
		       uint32_t depth)
{
	for (; n > depth; n--)
		stack = recording_stack(recording, stack)->parent;
	return stack;
}

/*
 * The innermost function that both stacks are in. One return address calls one function, so
 * where they part, both are still in the same one, at different places.
 */
static uint32_t common_stack(const struct recording *recording, uint32_t before, uint32_t after)
{
	uint32_t n_before = depth_of(recording, before), n_after = depth_of(recording, after);
	uint32_t depth = n_before < n_after ? n_before : n_after;
	if (!before || !after)
		return before ? before : after;
	while (depth > 0 && cut_to(recording, before, n_before, depth) !=
				    cut_to(recording, after, n_after, depth))
		depth--;
	bool is_longer = n_before > depth && n_after > depth && depth > 0;
	return cut_to(recording, after, n_after, depth + is_longer);
}

static uint32_t stack_of(const struct gpu_idle *idle, const struct gpu_call *call)
{
	return call ? gpu_tables_stack(idle->tables, call) : 0;
}

/* ---- gaps */

static void add(struct gpu_idle *idle, uint32_t kind, uint32_t stack, const struct part *part)
{
	struct recording *recording = idle->recording;
	if (part->to_ns <= part->from_ns)
		return;
	if (!idle->series) {
		struct series_row row = { .name = recording_add_string(recording, "gpu-idle"),
					  .unit = recording_add_string(recording, "ns"),
					  .source = recording_add_string(recording, "cupti"),
					  .origin = ORIGIN_MEASURED,
					  .flags = SERIES_SAMPLES | SERIES_VALUES };
		idle->series = recording_add_series(recording, &row);
	}
	struct sample_row row = { .time_ns = part->from_ns,
				  .weight = part->to_ns - part->from_ns,
				  .stack = move_below(idle, kind, stack),
				  .thread = part->thread,
				  .count = 1,
				  .series = (uint16_t)idle->series,
				  .cpu = SAMPLE_CPU_UNKNOWN };
	recording_add_sample(recording, &row);
}

/*
 * The part shared out among what was sampled in it, by weight. Samples of time stand for no more
 * than they weigh: the rest was not on a CPU. Returns what is left.
 */
static struct part add_sampled(struct gpu_idle *idle, const struct thread *thread, struct part part)
{
	uint64_t first = first_kept(thread->n_samples, N_SAMPLES), end = thread->n_samples, at;
	double whole = 0, length = (double)(part.to_ns - part.from_ns);
	while (end > first && sample_at(thread, end - 1)->time_ns >= part.to_ns)
		end--;
	for (at = end; at > first && sample_at(thread, at - 1)->time_ns >= part.from_ns; at--)
		whole += (double)sample_at(thread, at - 1)->weight;
	double share = whole > length || !idle->is_sampled_in_ns ? length / whole : 1;
	uint64_t to_ns = part.to_ns, start_ns = part.from_ns;
	for (double sum = 0; whole > 0 && at < end; at++) {
		sum += (double)sample_at(thread, at)->weight;
		/* From the sum, so that rounding loses nothing. */
		uint64_t n = (uint64_t)(sum * share + 0.5);
		part.to_ns = n < to_ns - start_ns ? start_ns + n : to_ns;
		add(idle, HOST, sample_at(thread, at)->stack, &part);
		part.from_ns = part.to_ns;
	}
	part.to_ns = to_ns;
	return part;
}

static void add_host(struct gpu_idle *idle, const struct thread *thread, struct part part,
		     const struct gpu_call *before, const struct gpu_call *after)
{
	struct recording *recording = idle->recording;
	if (part.to_ns > part.from_ns)
		part = add_sampled(idle, thread, part);
	if (part.to_ns <= part.from_ns)
		return;
	uint32_t stack = common_stack(recording, stack_of(idle, before), stack_of(idle, after));
	stack = recording_add_stack(
		recording, stack,
		recording_add_special_frame(recording, "[between CUDA calls]", 0));
	add(idle, HOST, stack, &part);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t end_of(const struct gpu_call *call)
{
	uint64_t end = call->start_ns + call->duration_ns;
	return end < call->start_ns ? UINT64_MAX : end;
}

/* Backwards from the call that ended the gap. */
static void walk(struct gpu_idle *idle, const struct thread *thread, struct part gap,
		 const struct gpu_call *after)
{
	uint64_t first = first_kept(thread->n_calls, N_CALLS), i = thread->n_calls;
	const struct gpu_call *before = NULL;
	while (i > first && call_at(thread, i - 1)->start_ns >= gap.to_ns)
		i--;
	while (gap.to_ns > gap.from_ns) {
		struct part part = gap;
		before = i > first ? call_at(thread, --i) : NULL;
		part.from_ns = before ? later(gap.from_ns, end_of(before)) : gap.from_ns;
		add_host(idle, thread, part, before, after);
		if (!before)
			return;
		part.to_ns = part.from_ns < gap.to_ns ? part.from_ns : gap.to_ns;
		part.from_ns = later(gap.from_ns, before->start_ns);
		add(idle, before->kind, stack_of(idle, before), &part);
		gap.to_ns = part.from_ns;
		after = before;
	}
}

static void add_gap(struct gpu_idle *idle, struct part gap, const struct gpu_call *call)
{
	uint32_t known = call ? find_thread(idle, call->pid, call->tid) : 0;
	if (!known) {
		add(idle, UNKNOWN, 0, &gap);
		return;
	}
	gap.thread = gpu_tables_thread(idle->tables, call->pid, call->tid);
	struct part launch = gap;
	launch.from_ns = later(gap.from_ns, call->start_ns);
	add(idle, call->kind == GPU_CALL_SYNC ? GPU_CALL_LAUNCH : call->kind, stack_of(idle, call),
	    &launch);
	gap.to_ns = launch.from_ns < gap.to_ns ? launch.from_ns : gap.to_ns;
	walk(idle, &idle->threads[known - 1], gap, call);
}

void gpu_idle_add_work(struct gpu_idle *idle, uint32_t device, const struct gpu_call *call,
		       uint64_t start_ns, uint64_t end_ns)
{
	if (device >= MOST_DEVICES)
		return;
	struct device *at = &idle->devices[device];
	uint64_t from = at->busy_until_ns ? at->busy_until_ns : idle->first_call_ns;
	if (start_ns < at->idle_until_ns) {
		idle->n_late++;
	} else if (from && start_ns > from) {
		struct part gap = { from, start_ns, 0 };
		add_gap(idle, gap, call);
		at->idle_until_ns = start_ns;
	}
	at->busy_until_ns = later(at->busy_until_ns, end_ns);
}
