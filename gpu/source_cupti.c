/*
 * GPU work of the target: drains what libstoke-cupti.so writes inside it, and says at the end what
 * was lost on the way. A program that never uses CUDA costs one look at an empty ring a tick.
 * Programs that ran before are asked for it (attach_gpu.h).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/attach_gpu.h"
#include "gpu/cupti.h"
#include "gpu/cupti_codes.h"
#include "gpu/gpu_activity.h"
#include "gpu/gpu_idle.h"
#include "gpu/gpu_phases.h"
#include "gpu/gpu_record.h"
#include "gpu/gpu_stalls.h"
#include "gpu/gpu_tables.h"
#include "sampler/base/text.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

enum {
	MOST_A_DRAIN = GPU_RING_RECORDS * 2, /* a program in a loop must not keep us here */
	MOST_DEVICES = 64,
	MOST_READERS = 32, /* the program's that was started, and one of each user of others */
};

struct reader {
	struct shared_ring *ring;
	uint64_t tail, stuck_since_ns;
};

struct state {
	struct shared_ring *own;   /* of the program that was started; NULL = none */
	struct gpu_attach *attach; /* of those that ran before; NULL = none */
	struct reader readers[MOST_READERS];
	uint32_t n_readers, n_attached;
	struct gpu_tables *tables;
	struct gpu_activities *activities;
	struct gpu_idle *idle;
	struct gpu_phases *phases;
	struct gpu_stalls *stalls;
	struct recording *recording;
	uint64_t n_malformed, n_cupti_dropped, n_external, n_ranges, known_devices;
	bool has_started, has_failed, wants_stalls;
};

static bool cupti_wanted(const struct target *target)
{
	return (target->gpu_fd > 0 && !target->sampling->no_gpu) || gpu_attach_is_for(target);
}

static void watch_samples(void *idle, const struct sample_row *row)
{
	gpu_idle_add_sample(idle, row);
}

static void watch_phases(void *phases, const struct phase_event *event)
{
	gpu_phases_add(phases, event);
}

static bool cupti_open(void *opaque, const struct target *target, struct recording *recording,
		       struct why *why)
{
	struct state *state = opaque;
	if (target->gpu_fd > 0) {
		state->own = probe_memory_map(target->gpu_fd, GPU_RING_RECORDS, why);
		if (!state->own)
			return false;
		state->readers[state->n_readers++].ring = state->own;
	}
	if (gpu_attach_is_for(target))
		state->attach = gpu_attach_new(target, recording);
	state->tables = gpu_tables_new(recording);
	state->idle = gpu_idle_new(recording, state->tables);
	state->phases = gpu_phases_new(recording);
	state->stalls = gpu_stalls_new(recording, state->tables);
	state->activities = gpu_activities_new(recording, state->tables, state->idle, state->phases,
					       state->stalls);
	state->wants_stalls = target->sampling->gpu_stalls;
	state->recording = recording;
	recording->watch = watch_samples;
	recording->watcher = state->idle;
	recording->watch_phase = watch_phases;
	recording->phase_watcher = state->phases;
	/* So that --require knows. */
	if (state->attach)
		gpu_attach_look(state->attach, now_ns());
	return true;
}

static void take_problem(struct state *state, struct recording *recording,
			 const struct gpu_problem *problem)
{
	char text[256], clean[GPU_TEXT_BYTES];
	char raw[GPU_TEXT_BYTES];
	memcpy(raw, problem->text, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	text_clean(clean, sizeof clean, raw);
	if (problem->code == GPU_FORKED)
		snprintf(
			text, sizeof text,
			"A process that was forked off after the program began to use CUDA uses it "
			"as well: CUDA does not work there, and nothing of it is recorded.");
	else if (problem->code == GPU_NO_CUPTI)
		snprintf(text, sizeof text,
			 "The program uses CUDA, but its GPU work is not recorded: there is no "
			 "%s for it.",
			 clean);
	else if (problem->code == CUPTI_TAKEN)
		snprintf(text, sizeof text,
			 "GPU work is not recorded: CUPTI is already used in the program by %s.",
			 clean);
	else
		snprintf(text, sizeof text, "GPU work is %s: %s failed with code %u.",
			 problem->is_fatal ? "not recorded" : "recorded in part", clean,
			 problem->code);
	state->has_failed |= problem->is_fatal != 0;
	if (problem->is_fatal)
		recording_add_fact(recording, "gpu.unavailable", text);
	recording_note(recording, SEVERITY_WARNING, "cupti", text, cupti_remedy(problem->code));
}

/* "GPU-", 8-4-4-4-12, as NVML and nvidia-smi write it. */
static void add_uuid(struct recording *recording, const struct gpu_device *device)
{
	char key[32], text[64] = "GPU";
	size_t n = strlen(text);
	unsigned any = 0;
	for (size_t i = 0; i < sizeof device->uuid; i++) {
		bool has_dash = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%02x", has_dash ? "-" : "",
				      device->uuid[i]);
		any |= device->uuid[i];
	}
	snprintf(key, sizeof key, "gpu.%u.uuid", device->id);
	if (any)
		recording_add_fact(recording, key, text);
}

static void take_device(struct state *state, struct recording *recording, uint32_t pid,
			const struct gpu_device *device)
{
	char key[32], text[256];
	if (device->id >= MOST_DEVICES || state->known_devices & 1ull << device->id)
		return;
	state->known_devices |= 1ull << device->id;
	snprintf(key, sizeof key, "gpu.%u.limits", device->id);
	snprintf(text, sizeof text,
		 "multiprocessors %u warps %u blocks %u shared %u registers %u capability %u %u "
		 "clock_khz %u l2 %u memory %llu bandwidth %llu",
		 device->multiprocessors, device->warps, device->blocks, device->shared_bytes,
		 device->registers, device->major, device->minor, device->clock_khz,
		 device->l2_bytes, (unsigned long long)device->memory_bytes,
		 (unsigned long long)device->memory_bytes_per_s);
	recording_add_fact(recording, key, text);
	uint32_t name = gpu_tables_name(state->tables, pid, device->name);
	snprintf(key, sizeof key, "gpu.%u.device", device->id);
	if (name)
		recording_add_fact(recording, key, recording_string_at(recording, name));
	add_uuid(recording, device);
}

static void take_launch(struct state *state, const struct shared_record *record)
{
	struct gpu_launch launch;
	memcpy(&launch, record->payload, sizeof launch);
	struct gpu_call call = { .pid = record->pid,
				 .tid = record->tid,
				 .correlation = launch.correlation,
				 .kind = launch.kind < N_GPU_CALL_KINDS ? launch.kind
									: GPU_CALL_LAUNCH,
				 .stack = launch.stack,
				 .ranges = launch.ranges,
				 .start_ns = record->time_ns,
				 .duration_ns = launch.duration_ns };
	gpu_tables_add_launch(state->tables, &call);
	gpu_idle_add_call(state->idle, &call);
}

/* The range that contains others ends after them, so its row comes after theirs. */
static void take_range(struct state *state, struct recording *recording,
		       const struct shared_record *record)
{
	struct gpu_range range;
	char name[GPU_MOST_TEXT_BYTES + 16] = "ranges";
	memcpy(&range, record->payload, sizeof range);
	if (range.start_ns == 0 || range.end_ns < range.start_ns) {
		state->n_malformed++;
		return;
	}
	uint32_t domain = gpu_tables_name(state->tables, record->pid, range.domain);
	if (domain)
		snprintf(name, sizeof name, "ranges of %s", recording_string_at(recording, domain));
	struct series_row series = { .name = recording_add_string(recording, name),
				     .unit = recording_add_string(recording, "ns"),
				     .source = recording_add_string(recording, "nvtx"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SPANS };
	uint32_t text = gpu_tables_name(state->tables, record->pid, range.name);
	struct span_row row = {
		.start_ns = range.start_ns,
		.duration_ns = range.end_ns - range.start_ns,
		.flops = NAN,
		.bytes = NAN,
		.items = NAN,
		.series = recording_add_series(recording, &series),
		.name = text ? text : recording_add_string(recording, "[range without name]"),
		.thread = gpu_tables_thread(state->tables, record->pid, record->tid),
	};
	recording_add_span(recording, &row);
	state->n_ranges++;
}

static void take_pieces(struct state *state, const struct shared_record *record)
{
	bool is_good;
	if (record->type == GPU_RANGE_IN) {
		struct gpu_range_in in;
		memcpy(&in, record->payload, sizeof in);
		is_good = gpu_tables_add_range(state->tables, record->pid, &in);
	} else if (record->type == GPU_FRAMES_OF) {
		struct gpu_frames frames;
		memcpy(&frames, record->payload, sizeof frames);
		is_good = gpu_tables_add_frames(state->tables, record->pid, &frames);
	} else {
		struct gpu_text text;
		memcpy(&text, record->payload, sizeof text);
		is_good = record->type == GPU_NAME
				  ? gpu_tables_add_name(state->tables, record->pid, &text)
				  : gpu_tables_add_module(state->tables, record->pid, &text);
	}
	state->n_malformed += !is_good;
}

/* Calls of CUDA's that launch nothing have such numbers as well: they are just not joined. */
static void take_external(struct state *state, const struct shared_record *record)
{
	struct gpu_external external;
	memcpy(&external, record->payload, sizeof external);
	state->n_external++;
	gpu_tables_add_external(state->tables, record->pid, &external);
}

static void take_stalls(struct state *state, const struct shared_record *record)
{
	struct gpu_stall_count count;
	struct gpu_problem problem;
	if (record->type == GPU_STALLS) {
		state->n_malformed += !gpu_stalls_add(state->stalls, record);
	} else if (record->type == GPU_STALL_COUNT) {
		memcpy(&count, record->payload, sizeof count);
		gpu_stalls_count(state->stalls, &count);
	} else {
		memcpy(&problem, record->payload, sizeof problem);
		gpu_stalls_refused(state->stalls, &problem);
	}
}

static void take_rare(struct state *state, struct recording *recording,
		      const struct shared_record *record)
{
	struct gpu_problem problem;
	struct gpu_device device;
	struct gpu_count count;
	switch (record->type) {
	case GPU_DEVICE:
		memcpy(&device, record->payload, sizeof device);
		take_device(state, recording, record->pid, &device);
		break;
	case GPU_DROPPED:
		memcpy(&count, record->payload, sizeof count);
		state->n_cupti_dropped += count.n;
		break;
	case GPU_PROBLEM:
		memcpy(&problem, record->payload, sizeof problem);
		take_problem(state, recording, &problem);
		break;
	case GPU_STARTED:
		memcpy(&problem, record->payload, sizeof problem);
		problem.text[sizeof problem.text - 1] = '\0';
		char clean[GPU_TEXT_BYTES];
		if (!state->has_started)
			recording_add_fact(recording, "gpu.cupti",
					   text_clean(clean, sizeof clean, problem.text));
		state->has_started = true;
		break;
	case GPU_ANEW:
		gpu_tables_forget_modules(state->tables, record->pid);
		break;
	default:
		state->n_malformed++;
	}
}

static void take(struct state *state, struct recording *recording,
		 const struct shared_record *record)
{
	switch (record->type) {
	case GPU_NAME:
	case GPU_MODULE:
	case GPU_FRAMES_OF:
	case GPU_RANGE_IN:
		take_pieces(state, record);
		break;
	case GPU_RANGE:
		take_range(state, recording, record);
		break;
	case GPU_LAUNCH:
		take_launch(state, record);
		break;
	case GPU_KERNEL:
	case GPU_COPY:
	case GPU_FILL:
	case GPU_SYNC:
	case GPU_OVERHEAD:
		gpu_activities_add(state->activities, record);
		break;
	case GPU_EXTERNAL:
		take_external(state, record);
		break;
	case GPU_STALLS:
	case GPU_STALL_COUNT:
	case GPU_STALL_PROBLEM:
		take_stalls(state, record);
		break;
	default:
		take_rare(state, recording, record);
	}
}

static void add_count(struct recording *recording, const char *key, uint64_t n)
{
	char text[32];
	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	recording_add_fact(recording, key, text);
}

static void note_end(const struct state *state, struct recording *recording)
{
	struct gpu_counts counts = gpu_activities_counts(state->activities);
	uint64_t n_dropped = 0;
	for (uint32_t i = 0; i < state->n_readers; i++)
		n_dropped += shared_ring_dropped(state->readers[i].ring);
	recording_note_count(
		recording, SEVERITY_WARNING, "cupti", n_dropped,
		"GPU records were dropped: the program makes them faster than they are read.",
		"Launch fewer, larger kernels, or graphs.");
	recording_note_count(recording, SEVERITY_WARNING, "cupti", state->n_cupti_dropped,
			     "GPU records found no room in CUPTI.", "");
	recording_note_count(
		recording, SEVERITY_WARNING, "cupti", counts.n_unmatched,
		"pieces of GPU work came without a known launch; they are [unmatched gpu].", "");
	recording_note_count(
		recording, SEVERITY_WARNING, "cupti", gpu_idle_n_late(state->idle),
		"pieces of GPU work came after the time around them was counted as idle.", "");
	recording_note_count(
		recording, SEVERITY_WARNING, "cupti", gpu_tables_n_idle_calls(state->tables),
		"calls that launch or copy have no record of their work: they failed or had "
		"nothing to do, or the program ended before CUPTI gave it out.",
		"Let the program end by itself; a killed one loses its last 0.2 s.");
	recording_note_count(recording, SEVERITY_WARNING, "cupti", counts.n_duplicates,
			     "GPU records came twice and count once.", "");
	recording_note_count(recording, SEVERITY_WARNING, "cupti",
			     counts.n_malformed + state->n_malformed,
			     "GPU records made no sense and were left out.", "");
	if (state->n_ranges)
		add_count(recording, "gpu.ranges", state->n_ranges);
	if (!state->has_started && counts.n_spans == 0)
		return; /* a program without CUDA says nothing of GPUs */
	add_count(recording, "gpu.spans", counts.n_spans);
	add_count(recording, "gpu.matched", counts.n_matched);
	add_count(recording, "gpu.unmatched", counts.n_unmatched);
	add_count(recording, "gpu.dropped", n_dropped + state->n_cupti_dropped);
	add_count(recording, "gpu.external_correlations", state->n_external);
}

/* At the end nobody writes any more: what is unfinished stays so. */
static void drain_ring(struct state *state, struct reader *reader, struct recording *recording,
		       bool is_last)
{
	struct shared_record record;
	for (int n = 0; n < MOST_A_DRAIN; n++) {
		enum shared_ring_read result = shared_ring_take_from(reader->ring, GPU_RING_RECORDS,
								     &reader->tail, &record);
		if (result == SHARED_RING_EMPTY)
			break;
		if (result == SHARED_RING_READ) {
			reader->stuck_since_ns = 0;
			take(state, recording, &record);
		} else if (is_last ||
			   shared_ring_has_lost_writer(&reader->stuck_since_ns, now_ns())) {
			shared_ring_skip(reader->ring, &reader->tail);
			state->n_malformed++;
		} else {
			break;
		}
	}
}

/* Rings of users come as their programs are found. */
static void look_at_attached(struct state *state, bool is_last)
{
	struct shared_ring *ring;
	if (is_last)
		gpu_attach_let_go(state->attach);
	else
		gpu_attach_look(state->attach, now_ns());
	while (state->n_readers < MOST_READERS &&
	       (ring = gpu_attach_ring(state->attach, state->n_attached))) {
		state->readers[state->n_readers++].ring = ring;
		state->n_attached++;
	}
}

static void cupti_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	if (state->attach)
		look_at_attached(state, is_last);
	for (uint32_t i = 0; i < state->n_readers; i++)
		drain_ring(state, &state->readers[i], recording, is_last);
	gpu_activities_emit(state->activities, now_ns(), is_last);
	const struct gpu_stalls_end end = { is_last, state->wants_stalls, state->has_started };
	gpu_stalls_emit(state->stalls, now_ns(), &end);
	if (is_last)
		note_end(state, recording);
}

static void cupti_close(void *opaque)
{
	struct state *state = opaque;
	if (state->recording->watcher == state->idle)
		state->recording->watch = NULL;
	if (state->recording->phase_watcher == state->phases)
		state->recording->watch_phase = NULL;
	gpu_phases_free(state->phases);
	gpu_activities_free(state->activities);
	gpu_stalls_free(state->stalls);
	gpu_idle_free(state->idle);
	gpu_tables_free(state->tables);
	gpu_attach_free(state->attach);
	probe_memory_unmap(state->own, GPU_RING_RECORDS);
}

const struct source source_cupti = {
	.name = "cupti",
	.summary = "GPU kernels, copies and waits of CUDA programs, below the stacks that "
		   "launched them",
	.state_bytes = sizeof(struct state),
	.interval_ns = 50 * 1000 * 1000,
	.wanted = cupti_wanted,
	.open = cupti_open,
	.drain = cupti_drain,
	.close = cupti_close,
};
