/*
 * What a program says of itself through probe.h: phases become spans with their exact work,
 * progress, quality and work become readings. All of it is the program's word: clocks are software,
 * work is analytic, and names are cleaned.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/attach.h"
#include "sampler/base/shared_ring.h"
#include "sampler/base/text.h"
#include "sampler/hash_map.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

enum {
	MOST_OPEN_PHASES = 256, /* begun and not ended, over all threads */
	MOST_SERIES = 64,
	MOST_A_DRAIN = SHARED_RING_RECORDS * 4, /* a program in a loop must not keep us here */
};

/* A phase that goes on for less is told when it ends, and that is soon enough to look at. */
static const uint64_t TELL_OPEN_NS = 50 * 1000 * 1000;

struct open_phase {
	uint64_t start_ns;
	uint32_t pid, tid, name;
	bool is_told;    /* as open, */
	uint32_t thread; /* of this one */
};

struct state {
	struct shared_ring *ring;
	uint64_t tail, stuck_since_ns, n_dropped, n_unmatched;
	struct open_phase phases[MOST_OPEN_PHASES];
	uint32_t n_phases;
	struct hash_map threads; /* pid, tid -> a row of the thread */
	uint32_t phase_series;
	uint32_t names[MOST_SERIES], series[MOST_SERIES];
	uint32_t n_series;
	/* FLOPs, bytes and items: told last, and done before the last restart. */
	double told[3], done_before[3];
};

static bool probe_wanted(const struct target *target)
{
	return target->probe_fd >= 0;
}

static uint32_t add_series(struct recording *recording, const char *name, const char *unit,
			   enum origin origin, uint32_t flags)
{
	struct series_row row = { .name = recording_add_string(recording, name),
				  .unit = recording_add_string(recording, unit),
				  .source = recording_add_string(recording, "probe"),
				  .origin = origin,
				  .flags = flags };
	return recording_add_series(recording, &row);
}

static bool probe_open(void *opaque, const struct target *target, struct recording *recording,
		       struct why *why)
{
	struct state *state = opaque;
	state->ring = probe_memory_map(target->probe_fd, SHARED_RING_RECORDS, why);
	if (!state->ring)
		return false;
	state->phase_series = add_series(recording, "phases", "ns", ORIGIN_SOFTWARE, SERIES_SPANS);
	return true;
}

static void add_reading(struct recording *recording, const struct shared_record *record,
			uint32_t series, double value, enum origin origin)
{
	struct reading_row row = { .time_ns = record->time_ns,
				   .value = value,
				   .series = series,
				   .running_ratio = 1,
				   .origin = origin };
	recording_add_reading(recording, &row);
}

static void begin_phase(struct state *state, const struct shared_record *record, uint32_t name)
{
	if (state->n_phases == MOST_OPEN_PHASES) {
		state->n_unmatched++;
		return;
	}
	state->phases[state->n_phases++] =
		(struct open_phase){ record->time_ns, record->pid, record->tid, name, false, 0 };
}

/* Its name by the kernel, for a thread that nothing has been sampled in so far; 0 = it is not
 * there. */
static uint32_t name_of_thread(struct recording *recording, uint32_t pid, uint32_t tid)
{
	char name[16], clean[16];
	if (!attach_read_name((pid_t)pid, (pid_t)tid, name))
		return 0;
	return recording_add_string(recording, text_clean(clean, sizeof clean, name));
}

/* Under whatever name: phases belong to the thread. tid 0 = any of the process. */
static uint32_t find_thread(const struct recording *recording, uint32_t pid, uint32_t tid)
{
	for (uint64_t i = recording->tables[TABLE_THREADS].n_rows; i-- > 1;) {
		const struct thread_row *row = recording_thread(recording, i);
		if (row->pid == pid && (row->tid == tid || !tid))
			return (uint32_t)i;
	}
	return 0;
}

/* Of nobody where the number is not known here: another namespace has numbers of its own. */
static uint32_t thread_of(struct state *state, struct recording *recording, uint32_t pid,
			  uint32_t tid)
{
	uint64_t key = (uint64_t)pid << 32 | tid;
	uint32_t *known = key ? hash_map_at(&state->threads, key) : NULL;
	if (!known || *known)
		return known ? *known : 0;
	*known = find_thread(recording, pid, tid);
	if (*known)
		return *known;
	struct thread_row row = { .pid = pid,
				  .tid = tid,
				  .name = name_of_thread(recording, pid, tid),
				  .process_name = name_of_thread(recording, pid, pid),
				  .start_ns = recording->start_ns };
	uint32_t beside = find_thread(recording, pid, 0);
	if (!row.process_name && beside)
		row.process_name = recording_thread(recording, beside)->process_name;
	if (!row.name)
		row.name = row.process_name;
	if (row.name)
		*known = recording_add_thread(recording, &row);
	return *known;
}

/* So that its samples are known to be in it while it goes on, and if it never ends. */
static void tell_open_phases(struct state *state, struct recording *recording, bool is_last)
{
	uint64_t now = state->n_phases ? now_ns() : 0;
	for (uint32_t i = 0; i < state->n_phases; i++) {
		struct open_phase *phase = &state->phases[i];
		if (phase->is_told || (!is_last && now < phase->start_ns + TELL_OPEN_NS))
			continue;
		phase->thread = thread_of(state, recording, phase->pid, phase->tid);
		struct span_row row = { .start_ns = phase->start_ns,
					.flops = NAN,
					.bytes = NAN,
					.items = NAN,
					.series = state->phase_series,
					.name = phase->name,
					.thread = phase->thread,
					.launch_duration_ns = (uint64_t)SPAN_OPEN_LAUNCH };
		recording_add_span(recording, &row);
		phase->is_told = true;
	}
}

/* The latest begun phase of that name in that thread. */
static void end_phase(struct state *state, struct recording *recording,
		      const struct shared_record *record, uint32_t name)
{
	uint32_t at = state->n_phases;
	while (at > 0 &&
	       (state->phases[at - 1].name != name || state->phases[at - 1].tid != record->tid))
		at--;
	if (at == 0 || record->time_ns < state->phases[at - 1].start_ns) {
		state->n_unmatched++;
		return;
	}
	const struct open_phase *phase = &state->phases[at - 1];
	struct span_row row = { .start_ns = phase->start_ns,
				.duration_ns = record->time_ns - phase->start_ns,
				.flops = record->values[0],
				.bytes = record->values[1],
				.items = record->values[2],
				.series = state->phase_series,
				.name = name };
	row.thread = phase->is_told ? phase->thread
				    : thread_of(state, recording, phase->pid, phase->tid);
	recording_add_span(recording, &row);
	memmove(&state->phases[at - 1], &state->phases[at],
		(state->n_phases - at) * sizeof state->phases[0]);
	state->n_phases--;
}

static void add_quality(struct state *state, struct recording *recording,
			const struct shared_record *record, uint32_t name, const char *text)
{
	uint32_t at = 0;
	while (at < state->n_series && state->names[at] != name)
		at++;
	if (at == MOST_SERIES)
		return;
	if (at == state->n_series) {
		state->names[at] = name;
		state->series[at] =
			add_series(recording, text, "", ORIGIN_SOFTWARE, SERIES_QUALITY);
		state->n_series++;
	}
	add_reading(recording, record, state->series[at], record->values[0], ORIGIN_SOFTWARE);
}

static void add_work(struct state *state, struct recording *recording,
		     const struct shared_record *record)
{
	static const char *const names[] = { "work.flops", "work.bytes", "work.items" };
	static const char *const units[] = { "FLOP", "B", "items" };
	for (int i = 0; i < 3; i++) {
		if (isnan(record->values[i]))
			continue;
		uint32_t series =
			add_series(recording, names[i], units[i], ORIGIN_MODELLED, SERIES_WORK);
		state->told[i] = record->values[i];
		add_reading(recording, record, series, state->done_before[i] + record->values[i],
			    ORIGIN_MODELLED);
	}
}

/* Readers of the series see one total that only grows. */
static void restart_work(struct state *state)
{
	for (int i = 0; i < 3; i++) {
		state->done_before[i] += state->told[i];
		state->told[i] = 0;
	}
}

/* GPU work is hung below the phase that launched it while that still goes on. */
static void tell_phase(struct recording *recording, const struct shared_record *record,
		       uint32_t name)
{
	struct phase_event event = { .time_ns = record->time_ns,
				     .pid = record->pid,
				     .tid = record->tid,
				     .name = name,
				     .is_begin = record->type == SHARED_PHASE_BEGIN };
	recording_part_samples(recording, record->time_ns);
	if (recording->watch_phase)
		recording->watch_phase(recording->phase_watcher, &event);
}

static void take(struct state *state, struct recording *recording,
		 const struct shared_record *record)
{
	char text[SHARED_RING_TEXT_BYTES];
	text_clean(text, sizeof text, record->text);
	uint32_t name = recording_add_string(recording, text[0] ? text : "?");
	switch (record->type) {
	case SHARED_PHASE_BEGIN:
		begin_phase(state, record, name);
		tell_phase(recording, record, name);
		break;
	case SHARED_PHASE_END:
		end_phase(state, recording, record, name);
		tell_phase(recording, record, name);
		break;
	case SHARED_PROGRESS:
		if (record->values[0] >= 0 && record->values[0] <= 1)
			add_reading(recording, record,
				    add_series(recording, "progress", "ratio", ORIGIN_SOFTWARE,
					       SERIES_PROGRESS),
				    record->values[0], ORIGIN_SOFTWARE);
		break;
	case SHARED_QUALITY:
		add_quality(state, recording, record, name, text);
		break;
	case SHARED_WORK:
		add_work(state, recording, record);
		break;
	case SHARED_RESTART:
		restart_work(state);
		break;
	default:
		state->n_unmatched++;
	}
}

static void note_end(const struct state *state, struct recording *recording)
{
	recording_note_count(recording, SEVERITY_WARNING, "probe", state->n_dropped,
			     "reports of the program were dropped: it reports faster than they are "
			     "read.",
			     "Report larger phases.");
	recording_note_count(recording, SEVERITY_WARNING, "probe", state->n_unmatched,
			     "reports of the program made no sense.",
			     "End each phase in the thread that began it.");
}

static void probe_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	struct shared_record record;
	for (int n = 0; n < MOST_A_DRAIN; n++) {
		enum shared_ring_read result = shared_ring_take(state->ring, &state->tail, &record);
		if (result == SHARED_RING_EMPTY)
			break;
		if (result == SHARED_RING_READ) {
			state->stuck_since_ns = 0;
			take(state, recording, &record);
		} else if (shared_ring_has_lost_writer(&state->stuck_since_ns, now_ns())) {
			shared_ring_skip(state->ring, &state->tail);
			state->n_unmatched++;
		} else {
			break;
		}
	}
	tell_open_phases(state, recording, is_last);
	state->n_dropped = shared_ring_dropped(state->ring);
	if (is_last)
		note_end(state, recording);
}

static void probe_close(void *opaque)
{
	struct state *state = opaque;
	probe_memory_unmap(state->ring, SHARED_RING_RECORDS);
	hash_map_free(&state->threads);
}

const struct source source_probe = {
	.name = "probe",
	.summary = "phases, progress, quality and exact work that a program reports by probe.h",
	.state_bytes = sizeof(struct state),
	.interval_ns = 1, /* on each wake-up, before samples of the same time: phases part them */
	.wanted = probe_wanted,
	.open = probe_open,
	.drain = probe_drain,
	.close = probe_close,
};
