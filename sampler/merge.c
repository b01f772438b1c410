/* One recording after the other is taken in; what has a time waits until the end, to be sorted. */
#include "sampler/merge.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/hash_map.h"
#include "sampler/import_samples.h"
#include "sampler/merge_facts.h"
#include "sampler/merge_frames.h"
#include "sampler/recording.h"

/* PID_MAX_LIMIT of 64-bit Linux: added to a number, it gives one that no process has. */
static const uint32_t PID_STEP = 4194304;

enum { MOST_PID_STEPS = 1000, MOST_SAMPLED_SERIES = UINT16_MAX };

struct merge {
	struct recording *out;
	struct merge_frames *frames;
	struct import_samples samples;
	struct reading_row *readings;
	struct span_row *spans;
	size_t n_readings, n_spans;
	struct hash_map pids; /* pid + 1 -> the input that has it + 1 */
	bool has_moved_pids;
	/* of the input being taken in */
	const struct merge_input *input;
	uint32_t place;
	struct moment moment;
	uint64_t shift_ns;     /* modulo 2^64 */
	struct hash_map moved; /* pid + 1 -> what it is called here + 1 */
	uint32_t *threads, *series;
};

static uint32_t map_string(const struct merge *merge, uint32_t id)
{
	return recording_add_string(merge->out, recording_string_at(merge->input->recording, id));
}

/* The first number of this one's that no other input has taken. */
static uint32_t map_pid(struct merge *merge, uint32_t pid)
{
	uint32_t *known = pid ? hash_map_at(&merge->moved, (uint64_t)pid + 1) : NULL;
	if (!known || *known)
		return known ? *known - 1 : 0;
	uint32_t free_pid = pid;
	for (int i = 0; i < MOST_PID_STEPS; i++, free_pid += PID_STEP) {
		uint32_t owner = hash_map_get(&merge->pids, (uint64_t)free_pid + 1);
		if (owner == 0 || owner == merge->place + 1)
			break;
	}
	merge->has_moved_pids = merge->has_moved_pids || free_pid != pid;
	*hash_map_at(&merge->pids, (uint64_t)free_pid + 1) = merge->place + 1;
	*known = free_pid + 1;
	return free_pid;
}

static void take_threads(struct merge *merge)
{
	const struct recording *from = merge->input->recording;
	uint64_t n = merge->moment.n[TABLE_THREADS];
	merge->threads = allocate(n, sizeof *merge->threads);
	for (uint64_t id = 1; id < n; id++) {
		const struct thread_row *row = recording_thread(from, id);
		char name[512];
		snprintf(name, sizeof name, "%s:%s", merge->input->label,
			 recording_string_at(from, row->process_name));
		uint32_t pid = map_pid(merge, row->pid);
		struct thread_row mapped = {
			.pid = pid,
			.tid = row->tid + (pid - row->pid),
			.name = map_string(merge, row->name),
			.process_name = recording_add_string(merge->out, name),
			.start_ns = row->start_ns ? row->start_ns + merge->shift_ns : 0,
			.parent_pid = map_pid(merge, row->parent_pid),
			.flags = row->flags,
		};
		merge->threads[id] = recording_add_thread(merge->out, &mapped);
	}
}

/* What is counted is counted by each for itself; samples of one event are samples of all. */
static void take_series(struct merge *merge)
{
	const struct recording *from = merge->input->recording;
	uint64_t n = merge->moment.n[TABLE_SERIES];
	merge->series = allocate(n, sizeof *merge->series);
	for (uint64_t id = 1; id < n; id++) {
		const struct series_row *row = recording_series(from, id);
		const char *device = recording_string_at(from, row->device);
		char text[256];
		snprintf(text, sizeof text, "%s%s%s", merge->input->label, device[0] ? " " : "",
			 device);
		struct series_row mapped = *row;
		mapped.name = map_string(merge, row->name);
		mapped.unit = map_string(merge, row->unit);
		mapped.source = map_string(merge, row->source);
		mapped.reason = map_string(merge, row->reason);
		mapped.remedy = map_string(merge, row->remedy);
		mapped.device = row->flags & SERIES_SAMPLES
					? map_string(merge, row->device)
					: recording_add_string(merge->out, text);
		merge->series[id] = recording_add_series(merge->out, &mapped);
	}
}

static bool take_samples(struct merge *merge, struct why *why)
{
	const struct recording *from = merge->input->recording;
	for (uint64_t id = 1; id < merge->moment.n[TABLE_SAMPLES]; id++) {
		struct sample_row row = *recording_sample(from, id);
		uint32_t series = merge->series[row.series];
		if (series > MOST_SAMPLED_SERIES)
			return why_fail(why,
					"These recordings hold more than %d series: merge "
					"fewer of them.",
					MOST_SAMPLED_SERIES);
		row.time_ns += merge->shift_ns;
		row.stack = merge_frames_stack(merge->frames, row.stack);
		row.thread = merge->threads[row.thread];
		row.series = (uint16_t)series;
		import_samples_add(&merge->samples, &row);
	}
	return true;
}

static void take_readings(struct merge *merge)
{
	const struct recording *from = merge->input->recording;
	for (uint64_t id = 1; id < merge->moment.n[TABLE_READINGS]; id++) {
		struct reading_row row = *recording_reading(from, id);
		row.time_ns += merge->shift_ns;
		row.series = merge->series[row.series];
		row.thread = merge->threads[row.thread];
		merge->readings[merge->n_readings++] = row;
	}
	for (uint64_t id = 1; id < merge->moment.n[TABLE_SPANS]; id++) {
		struct span_row row = *recording_span(from, id);
		row.start_ns += merge->shift_ns;
		row.launch_ns += row.launch_ns ? merge->shift_ns : 0;
		row.series = merge->series[row.series];
		row.thread = merge->threads[row.thread];
		row.name = map_string(merge, row.name);
		row.stack = merge_frames_stack(merge->frames, row.stack);
		merge->spans[merge->n_spans++] = row;
	}
}

static void take_notes(struct merge *merge)
{
	const struct recording *from = merge->input->recording;
	for (uint64_t id = 1; id < merge->moment.n[TABLE_NOTES]; id++) {
		const struct note_row *row = recording_note_row(from, id);
		recording_note(merge->out, (enum severity)row->severity,
			       recording_string_at(from, row->source),
			       recording_string_at(from, row->text),
			       recording_string_at(from, row->remedy));
	}
	recording_add_output(merge->out, table_row(&from->tables[TABLE_OUTPUTS], 0),
			     merge->moment.n[TABLE_OUTPUTS]);
}

static uint32_t map_module_pid(void *opaque, uint32_t pid)
{
	return map_pid(opaque, pid);
}

static bool take(struct merge *merge, struct why *why)
{
	take_threads(merge);
	take_series(merge);
	merge_frames_take(merge->frames, merge->input->recording, map_module_pid, merge);
	bool is_good = take_samples(merge, why);
	take_readings(merge);
	take_notes(merge);
	free(merge->threads);
	free(merge->series);
	hash_map_free(&merge->moved);
	merge->moved = (struct hash_map){ 0 };
	return is_good;
}

static uint64_t end_ns(const struct recording *recording)
{
	struct moment moment = recording_moment(recording);
	uint64_t end = recording->start_ns;
	for (uint64_t id = 1; id < moment.n[TABLE_SAMPLES]; id++)
		if (recording_sample(recording, id)->time_ns > end)
			end = recording_sample(recording, id)->time_ns;
	for (uint64_t id = 1; id < moment.n[TABLE_READINGS]; id++)
		if (recording_reading(recording, id)->time_ns > end)
			end = recording_reading(recording, id)->time_ns;
	return end;
}

/* Whether there is an instant of the wall clock at which all of them ran. */
static bool ran_together(const struct merge_input *inputs, size_t n, uint64_t *first_epoch_ns)
{
	uint64_t latest_start = 0, earliest_end = UINT64_MAX;
	*first_epoch_ns = UINT64_MAX;
	for (size_t i = 0; i < n; i++) {
		const struct recording *recording = inputs[i].recording;
		uint64_t start = recording->start_epoch_ns, end = 0;
		if (__builtin_add_overflow(start, end_ns(recording) - recording->start_ns, &end))
			end = UINT64_MAX;
		latest_start = start > latest_start ? start : latest_start;
		earliest_end = end < earliest_end ? end : earliest_end;
		*first_epoch_ns = start < *first_epoch_ns ? start : *first_epoch_ns;
	}
	return latest_start <= earliest_end;
}

static int reading_earlier(const void *a, const void *b)
{
	const struct reading_row *left = a, *right = b;
	return left->time_ns < right->time_ns ? -1 : left->time_ns > right->time_ns;
}

/* Spans come when they end, as in a live recording. */
static int span_earlier(const void *a, const void *b)
{
	const struct span_row *left = a, *right = b;
	uint64_t one = left->start_ns + left->duration_ns;
	uint64_t other = right->start_ns + right->duration_ns;
	return one < other ? -1 : one > other;
}

static void finish(struct merge *merge, uint64_t start_ns, uint64_t start_epoch_ns)
{
	struct recording *out = merge->out;
	import_samples_end(&merge->samples, out);
	out->start_ns = start_ns;
	out->start_epoch_ns = start_epoch_ns;
	if (merge->n_readings)
		qsort(merge->readings, merge->n_readings, sizeof *merge->readings, reading_earlier);
	for (size_t i = 0; i < merge->n_readings; i++)
		recording_add_reading(out, &merge->readings[i]);
	if (merge->n_spans)
		qsort(merge->spans, merge->n_spans, sizeof *merge->spans, span_earlier);
	for (size_t i = 0; i < merge->n_spans; i++)
		recording_add_span(out, &merge->spans[i]);
	if (merge->has_moved_pids)
		recording_note(out, SEVERITY_INFO, "merge",
			       "Some recordings hold processes of the same number; 4,194,304 or a "
			       "multiple was added to tell them apart.",
			       "");
	recording_publish(out);
}

static void make_room(struct merge *merge, const struct merge_input *inputs, size_t n)
{
	size_t n_readings = 0, n_spans = 0;
	for (size_t i = 0; i < n; i++) {
		struct moment moment = recording_moment(inputs[i].recording);
		n_readings += moment.n[TABLE_READINGS];
		n_spans += moment.n[TABLE_SPANS];
	}
	merge->readings = allocate(n_readings, sizeof *merge->readings);
	merge->spans = allocate(n_spans, sizeof *merge->spans);
}

struct recording *merge_recordings(const struct merge_input *inputs, size_t n, struct why *why)
{
	struct merge merge = { .out = recording_new() };
	uint64_t start_ns = inputs[0].recording->start_ns, first_epoch_ns;
	bool are_together = ran_together(inputs, n, &first_epoch_ns), is_good = true;
	merge.frames = merge_frames_new(merge.out);
	make_room(&merge, inputs, n);
	for (size_t i = 0; i < n && is_good; i++) {
		const struct recording *from = inputs[i].recording;
		merge.input = &inputs[i];
		merge.place = (uint32_t)i;
		merge.moment = recording_moment(from);
		merge.shift_ns = start_ns - from->start_ns;
		if (are_together)
			merge.shift_ns += from->start_epoch_ns - first_epoch_ns;
		is_good = take(&merge, why);
	}
	if (!are_together)
		recording_note(merge.out, SEVERITY_INFO, "merge",
			       "The recordings were not made at the same time: all are shown as if "
			       "they began together.",
			       "");
	merge_add_facts(merge.out, inputs, n);
	finish(&merge, start_ns, first_epoch_ns);
	merge_frames_free(merge.frames);
	free(merge.readings);
	free(merge.spans);
	hash_map_free(&merge.pids);
	if (is_good)
		return merge.out;
	recording_free(merge.out);
	return NULL;
}
