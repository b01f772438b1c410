/*
 * CPU call stacks: kernel records in, rows out. Records are taken in time order over all CPUs, so
 * a mapping is known before the first sample in it. Nothing is dropped in silence: lost records,
 * cut stacks and code without unwind information become frames with a width of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/address_space.h"
#include "sampler/attach.h"
#include "sampler/base/text.h"
#include "sampler/ladder.h"
#include "sampler/perf_replay.h"
#include "sampler/recording.h"
#include "sampler/sample_reads.h"
#include "sampler/source.h"
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
	struct perf_replay replay;
	struct symbols *symbols;
	uint16_t series[MAX_SAMPLED_EVENTS];
	struct sample_reads reads;
	bool is_shared; /* the counters, by turns; and it has been said */
	uint32_t frame_lost;
	uint64_t enable_at_ns; /* --delay; 0 = already on */
	bool is_off;           /* paused */
	uint64_t n_samples, n_lost, n_throttled, n_malformed;
};

static void add_series(struct state *state, struct recording *recording)
{
	uint32_t group = 0, n = state->rung.n_events;
	for (uint32_t i = 0; i < n; i++) {
		const struct sampled_event *event = &state->rung.events[i];
		if (!event->is_read)
			group = i + 1 < n && state->rung.events[i + 1].is_read ? i + 1 : 0;
		struct series_row row = {
			.name = recording_add_string(recording, event->name),
			.unit = recording_add_string(recording, event->unit),
			.source = recording_add_string(recording, "stacks"),
			.origin = ladder_origin(event),
			.flags = SERIES_SAMPLES | group << SERIES_GROUP_SHIFT,
		};
		state->series[i] = (uint16_t)recording_add_series(recording, &row);
	}
	for (uint32_t i = 0; i < state->rung.n_missing; i++) {
		struct series_row row = {
			.name = recording_add_string(recording, state->rung.missing[i].name),
			.unit = recording_add_string(recording, state->rung.missing[i].unit),
			.source = recording_add_string(recording, "stacks"),
			.origin = ORIGIN_UNAVAILABLE,
			.reason = recording_add_string(recording, state->rung.reasons[i].text),
			.flags = SERIES_SAMPLES,
		};
		recording_add_series(recording, &row);
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

/* Under the cache model time is the model's, and source_model has the stacks; where perf_event_open
 * is forbidden source_timer has them. */
static bool stacks_wanted(const struct target *target)
{
	return target->model_fd <= 0 && target->timer_fd <= 0;
}

static void name_process(struct state *state, pid_t pid, const char *name)
{
	struct process *process = address_space_process(state->replay.space, pid);
	snprintf(process->name, sizeof process->name, "%s", name);
}

/* Number 0 is an idle CPU; in a container also whatever runs outside. */
static void name_nobody(struct state *state)
{
	static const char first_namespace[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO */
	char link[64] = "";
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof link - 1);
	link[n > 0 ? n : 0] = '\0';
	name_process(state, 0, strcmp(link, first_namespace) == 0 ? "[idle]" : "[outside]");
	name_process(state, (pid_t)STACK_THREAD_NONE, "[ended or lost]");
}

/* What runs already has mapped its code before: what it maps from here on comes in records. */
static void read_processes(struct state *state, struct recording *recording)
{
	pid_t *processes;
	uint32_t n = attach_list_processes(state->target, &processes), n_refused = 0;
	char text[160];
	name_nobody(state);
	for (uint32_t i = 0; i < n; i++)
		n_refused += !perf_replay_read_proc(&state->replay, processes[i]);
	free(processes);
	if (n_refused == 0)
		return;
	snprintf(text, sizeof text,
		 "The mappings of %u of %u processes may not be read: their code has no names.",
		 n_refused, n);
	recording_note(recording, SEVERITY_WARNING, "stacks", text,
		       "Run as root, or with CAP_SYS_PTRACE as well.");
}

/* A few processes are read while the rings fill already, so that no mapping falls between; of the
 * whole machine a side band tells what happens meanwhile. */
static void take_over(struct state *state, struct recording *recording)
{
	bool is_on = !state->enable_at_ns && !state->is_off;
	bool is_first = is_on && !state->target->is_whole_machine;
	state->replay.is_attached = true;
	if (is_first)
		cpu_rings_enable(&state->rings, true);
	read_processes(state, recording);
	if (is_on && !is_first)
		cpu_rings_enable(&state->rings, true);
}

static bool stacks_open(void *opaque, const struct target *target, struct recording *recording,
			struct why *why)
{
	struct state *state = opaque;
	state->target = target;
	if (!ladder_open(target, recording, &state->rings, &state->rung, why))
		return false;
	perf_replay_open(&state->replay, recording, (int)target->sampling->unwinder);
	state->symbols = symbols_new(recording, state->replay.space, target->sampling->no_inline);
	if (target->is_whole_machine) /* there are large programs, and rings that fill meanwhile */
		symbols_use_worker(state->symbols, true);
	state->is_off = target->sampling->starts_paused;
	if (target->sampling->delay_ns)
		state->enable_at_ns = now_ns() + target->sampling->delay_ns;
	state->reads.is_of_cpus = target->is_whole_machine;
	add_series(state, recording);
	add_facts(state, recording);
	if (!target->is_launched || target_is_attached(target))
		take_over(state, recording);
	return true;
}

static int stacks_fds(void *opaque, struct pollfd *out, int max)
{
	return cpu_rings_pollfds(&((struct state *)opaque)->rings, out, max);
}

/* Multiplexing is part of where a value comes from; once it shows, it is told. */
static void tell_turns(struct state *state, struct recording *recording)
{
	char text[32];
	if (state->is_shared || !sample_reads_shared(&state->reads))
		return;
	state->is_shared = true;
	snprintf(text, sizeof text, "%.3f", sample_reads_ran(&state->reads));
	recording_add_fact(recording, "sampling.group_ran", text);
}

/* What each event of the group has counted since the last sample happened on the way to this one:
 * its stack gets it. */
static void add_reads(struct state *state, struct recording *recording,
		      const struct perf_sample *sample, const struct sample_row *first)
{
	bool is_inherited = !state->target->sampling->no_inherit &&
			    !state->rung.is_first_thread_only && !state->target->is_whole_machine;
	sample_reads_begin(&state->reads, sample, &state->rings.layout, first->series,
			   is_inherited);
	for (size_t i = 0; i < sample->n_counts; i++) {
		struct sample_row row = *first;
		uint64_t id;
		row.weight =
			sample_reads_grown(&state->reads, sample, &state->rings.layout, i, &id);
		row.series = state->series[cpu_rings_event(&state->rings, id)];
		if (row.weight > 0)
			recording_add_sample(recording, &row);
	}
	tell_turns(state, recording);
}

static void take_sample(struct state *state, struct recording *recording,
			const struct perf_event_header *header)
{
	struct perf_sample sample;
	if (!perf_record_sample(header, &state->rings.layout, &sample)) {
		state->n_malformed++;
		return;
	}
	uint32_t event = state->rung.n_events > 1 ? cpu_rings_event(&state->rings, sample.id) : 0;
	struct sample_row row = {
		.time_ns = sample.time_ns,
		.weight = sample.period,
		.stack = perf_replay_stack(&state->replay, header, &sample,
					   state->rung.call_graph == CALL_GRAPH_DWARF),
		.thread =
			perf_replay_thread(&state->replay, sample.pid, sample.tid, sample.time_ns),
		.count = 1,
		.series = state->series[event],
		.cpu = sample.cpu < SAMPLE_CPU_UNKNOWN ? (uint16_t)sample.cpu : SAMPLE_CPU_UNKNOWN,
	};
	if (state->rung.has_reads)
		add_reads(state, recording, &sample, &row);
	else
		recording_add_sample(recording, &row);
	state->n_samples++;
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
	const struct target *target = state->target;
	uint32_t pid = target->n_processes        ? (uint32_t)target->processes[0]
		       : target->is_whole_machine ? STACK_THREAD_NONE
						  : (uint32_t)target->pid;
	bool is_clock = strcmp(state->rung.events[0].unit, "ns") == 0;
	uint64_t period = state->rung.frequency_hz && is_clock
				  ? 1000000000u / state->rung.frequency_hz
				  : state->target->sampling->period;
	struct sample_row row = {
		.time_ns = time_ns,
		.weight = n * (period ? period : 1),
		.stack = recording_add_stack(recording, 0, state->frame_lost),
		.thread = perf_replay_thread(&state->replay, pid, pid, time_ns),
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
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		take_lost(state, recording, header);
		break;
	case PERF_RECORD_THROTTLE:
		state->n_throttled++;
		break;
	default:
		if (!perf_replay_task(&state->replay, header, &state->rings.layout))
			state->n_malformed++;
		break;
	}
}

static void note_unwinding(const struct state *state, struct recording *recording)
{
	const struct unwind_statistics *statistics = unwinder_statistics(state->replay.unwinder);
	uint64_t n_cut = statistics->n_by_end[UNWIND_TRUNCATED];
	if (n_cut * 100 >= statistics->n_stacks && n_cut > 0)
		recording_note_count(recording, SEVERITY_INFO, "stacks", n_cut,
				     "stacks are longer than the part that is copied; they end in "
				     "[truncated].",
				     "Copy more with --call-graph dwarf,BYTES (at most 65528).");
	char text[480];
	snprintf(text, sizeof text,
		 "stacks checked against libunwind came out different; the first at %s.",
		 statistics->difference);
	recording_note_count(recording, SEVERITY_WARNING, "stacks",
			     statistics->n_checked - statistics->n_agreed - statistics->n_prefix,
			     text, "Use --unwinder=libunwind and report the program.");
}

static void note_reads(const struct state *state, struct recording *recording)
{
	char text[192], ratio[TEXT_BYTES];
	double ran = sample_reads_ran(&state->reads);
	if (!sample_reads_shared(&state->reads))
		return;
	snprintf(text, sizeof text, "%.3f", ran);
	recording_add_fact(recording, "sampling.group_ran", text);
	snprintf(text, sizeof text,
		 "Events that were read together had the counters for about %s of the time: their "
		 "ratios hold, their sums are of that time.",
		 text_ratio(ratio, sizeof ratio, ran));
	recording_note(recording, SEVERITY_WARNING, "stacks", text, "Read fewer events together.");
}

static void note_end(const struct state *state, struct recording *recording)
{
	char text[96];
	const struct unwind_statistics *statistics = unwinder_statistics(state->replay.unwinder);
	recording_note_count(
		recording, SEVERITY_WARNING, "stacks", state->n_lost,
		"records were lost because the ring was full; they are the width of [lost].",
		"Sample less often (-F) or copy less stack (--call-graph dwarf,4096).");
	recording_note_count(recording, SEVERITY_WARNING, "stacks", state->n_throttled,
			     "times the kernel throttled sampling because it took too long.",
			     "Sample less often (-F) or raise kernel.perf_cpu_time_max_percent.");
	recording_note_count(recording, SEVERITY_WARNING, "stacks", state->n_malformed,
			     "records made no sense and were left out.", "");
	note_unwinding(state, recording);
	note_reads(state, recording);
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
		state->enable_at_ns = 0;
		cpu_rings_enable(&state->rings, !state->is_off);
	}
	const struct perf_event_header *header;
	cpu_rings_begin(&state->rings);
	while ((header = cpu_rings_next(&state->rings, is_last ? EVERYTHING : start_ns))) {
		take_record(state, recording, header);
		cpu_rings_consume(&state->rings);
	}
	cpu_rings_end(&state->rings);
	if (is_last)
		symbols_use_worker(state->symbols, false);
	symbols_resolve(state->symbols, now_ns() + (is_last ? RESOLVE_LAST_NS : RESOLVE_NS));
	if (state->rings.is_broken)
		recording_note(recording, SEVERITY_ERROR, "stacks",
			       "A ring held a record of an impossible size; what it held is lost.",
			       "");
	if (is_last)
		note_end(state, recording);
}

static void stacks_enable(void *opaque, bool is_on)
{
	struct state *state = opaque;
	state->is_off = !is_on;
	if (!state->enable_at_ns) /* else the delay is not over yet */
		cpu_rings_enable(&state->rings, is_on);
}

static void stacks_close(void *opaque)
{
	struct state *state = opaque;
	cpu_rings_close(&state->rings);
	sample_reads_free(&state->reads);
	symbols_free(state->symbols);
	perf_replay_close(&state->replay);
}

const struct source source_stacks = {
	.name = "stacks",
	.summary = "CPU call stacks from perf_event_open",
	.state_bytes = sizeof(struct state),
	.interval_ns = 20 * 1000 * 1000,
	.wanted = stacks_wanted,
	.open = stacks_open,
	.is_essential = true,
	.fds = stacks_fds,
	.drain = stacks_drain,
	.enable = stacks_enable,
	.close = stacks_close,
};
