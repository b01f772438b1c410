/* Tracks are found first, by stream and time; then launches, by thread and time. */
#include "sampler/chrome_gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/json.h"
#include "sampler/recording.h"

/* The first number that no process can have (Linux: PID_MAX_LIMIT is 2^22). */
enum { FIRST_NUMBER = (1 << 22) + 1 };

/* More at once on one stream is no work of a GPU; then events of the last track overlap. */
enum { MOST_TRACKS = 64 };

/* An event must have some length to hold an arrow's end. */
static const uint64_t MARK_NS = 1000;

struct track {
	uint64_t end_ns;
	uint32_t series, nth; /* nth track of its stream, from 0 */
};

struct output {
	const struct recording *recording;
	struct json *json;
	uint32_t *spans; /* ids, by stream and start */
	size_t n;
	uint32_t *track_of; /* by place in spans */
	struct track *tracks;
	uint32_t n_tracks, capacity;
};

bool chrome_gpu_has(const struct recording *recording, const struct span_row *span)
{
	const struct series_row *series = recording_series(recording, span->series);
	const char *device = recording_string_at(recording, series->device);
	return series->flags & SERIES_SPANS && strncmp(device, "GPU", 3) == 0;
}

static void collect(struct output *output, const struct export_options *options, uint64_t least_ns)
{
	uint64_t n = recording_moment(output->recording).n[TABLE_SPANS];
	output->spans = allocate(n, sizeof *output->spans);
	for (uint64_t id = 1; id < n; id++) {
		const struct span_row *span = recording_span(output->recording, id);
		if (chrome_gpu_has(output->recording, span) && export_span_is_in(options, span) &&
		    span->duration_ns >= least_ns)
			output->spans[output->n++] = (uint32_t)id;
	}
}

static int by_stream(const void *a, const void *b, void *opaque)
{
	const uint32_t *one = a, *other = b;
	const struct span_row *left = recording_span(opaque, *one);
	const struct span_row *right = recording_span(opaque, *other);
	if (left->series != right->series)
		return left->series < right->series ? -1 : 1;
	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	return *one < *other ? -1 : *one > *other;
}

static int by_launch(const void *a, const void *b, void *opaque)
{
	const uint32_t *one = a, *other = b;
	const struct span_row *left = recording_span(opaque, *one);
	const struct span_row *right = recording_span(opaque, *other);
	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	if (left->launch_ns != right->launch_ns)
		return left->launch_ns < right->launch_ns ? -1 : 1;
	return *one < *other ? -1 : *one > *other;
}

static void sort(struct output *output, int (*order)(const void *, const void *, void *))
{
	if (output->n > 1)
		qsort_r(output->spans, output->n, sizeof *output->spans, order,
			(void *)output->recording);
}

/* ---- tracks */

static uint32_t add_track(struct output *output, uint32_t series, uint32_t nth)
{
	if (output->n_tracks == output->capacity) {
		output->capacity = output->capacity ? output->capacity * 2 : 16;
		output->tracks =
			reallocate(output->tracks, output->capacity, sizeof *output->tracks);
	}
	output->tracks[output->n_tracks] = (struct track){ .series = series, .nth = nth };
	return output->n_tracks++;
}

/* The first track of the stream that is free by then. */
static uint32_t track_for(struct output *output, const struct span_row *span, uint32_t first)
{
	uint32_t i = first;
	while (i < output->n_tracks && i - first < MOST_TRACKS - 1 &&
	       output->tracks[i].end_ns > span->start_ns)
		i++;
	if (i == output->n_tracks)
		i = add_track(output, span->series, i - first);
	output->tracks[i].end_ns = span->start_ns + span->duration_ns;
	return i;
}

static void find_tracks(struct output *output)
{
	uint32_t first = 0, series = 0;
	output->track_of = allocate(output->n + 1, sizeof *output->track_of);
	sort(output, by_stream);
	for (size_t i = 0; i < output->n; i++) {
		const struct span_row *span = recording_span(output->recording, output->spans[i]);
		if (span->series != series)
			first = output->n_tracks;
		series = span->series;
		output->track_of[i] = track_for(output, span, first);
	}
}

/* ---- events */

static uint64_t relative(const struct output *output, uint64_t time_ns)
{
	return export_relative_ns(output->recording, time_ns);
}

/* Nanoseconds matter here: kernels take few microseconds. */
static void put_time(struct json *json, const char *key, uint64_t ns)
{
	char text[40];
	snprintf(text, sizeof text, "%llu.%03u", (unsigned long long)(ns / 1000),
		 (unsigned)(ns % 1000));
	json_key(json, key);
	json_literal(json, text);
}

static void open_event(struct json *json, const char *name, const char *category, const char *phase)
{
	json_open(json, '{');
	json_string_at(json, "name", name);
	json_string_at(json, "cat", category);
	json_string_at(json, "ph", phase);
}

static void put_place(struct json *json, uint32_t pid, uint32_t tid)
{
	json_unsigned_at(json, "pid", pid);
	json_unsigned_at(json, "tid", tid);
}

static void close_event(struct json *json)
{
	json_close(json, '}');
	json_line(json, false);
}

static void put_name(struct json *json, const char *what, uint32_t pid, uint32_t tid,
		     const char *name)
{
	json_open(json, '{');
	json_string_at(json, "name", what);
	json_string_at(json, "ph", "M");
	put_place(json, pid, tid);
	json_key(json, "args");
	json_open(json, '{');
	json_string_at(json, "name", name);
	json_close(json, '}');
	close_event(json);
}

/* A device is one process, of the number of its name's first series. */
static uint32_t process_of(const struct output *output, uint32_t series)
{
	uint32_t device = recording_series(output->recording, series)->device;
	uint32_t first = 1;
	while (recording_series(output->recording, first)->device != device)
		first++;
	return FIRST_NUMBER + first;
}

/* Above those of all processes, so that no number is twice anywhere. */
static uint32_t number_above(const struct output *output, uint64_t i)
{
	uint64_t n_series = recording_moment(output->recording).n[TABLE_SERIES];
	return (uint32_t)(FIRST_NUMBER + n_series + i);
}

static void put_tracks(const struct output *output)
{
	const struct recording *recording = output->recording;
	char name[160];
	for (uint32_t i = 0; i < output->n_tracks; i++) {
		const struct track *track = &output->tracks[i];
		const struct series_row *series = recording_series(recording, track->series);
		const char *text = recording_string_at(recording, series->name);
		uint32_t pid = process_of(output, track->series), tid = number_above(output, i);
		if (track->nth)
			snprintf(name, sizeof name, "%.120s (%u)", text, track->nth + 1);
		else
			snprintf(name, sizeof name, "%.120s", text);
		put_name(output->json, "process_name", pid, tid,
			 recording_string_at(recording, series->device));
		put_name(output->json, "thread_name", pid, tid, name);
	}
}

/* Who launched it is in the arguments too: one who reads them needs no arrows. */
static void put_arguments(const struct output *output, const struct span_row *span)
{
	struct json *json = output->json;
	const struct recording *recording = output->recording;
	const struct series_row *series = recording_series(recording, span->series);
	const struct thread_row *thread = recording_thread(recording, span->thread);
	json_key(json, "args");
	json_open(json, '{');
	json_string_at(json, "stream", recording_string_at(recording, series->name));
	json_string_at(json, "provenance", origin_name(series->origin));
	if (span->thread) {
		json_key(json, "launched by");
		json_open(json, '{');
		put_place(json, thread->pid, thread->tid);
		json_close(json, '}');
	}
	if (span->launch_ns)
		put_time(json, "launched at", relative(output, span->launch_ns));
	if (span->launch_duration_ns)
		put_time(json, "launch took", span->launch_duration_ns);
	json_number_at(json, "flops", span->flops);
	json_number_at(json, "bytes", span->bytes);
	json_number_at(json, "items", span->items);
	json_close(json, '}');
}

static void put_span(const struct output *output, size_t i)
{
	struct json *json = output->json;
	const struct span_row *span = recording_span(output->recording, output->spans[i]);
	uint32_t pid = process_of(output, span->series);
	uint32_t tid = number_above(output, output->track_of[i]);
	uint64_t start_ns = relative(output, span->start_ns);
	open_event(json, recording_string_at(output->recording, span->name), "gpu", "X");
	put_time(json, "ts", start_ns);
	put_time(json, "dur", span->duration_ns);
	put_place(json, pid, tid);
	put_arguments(output, span);
	close_event(json);
	if (!span->launch_ns)
		return;
	open_event(json, "launch", "gpu", "f");
	json_string_at(json, "bp", "e");
	json_unsigned_at(json, "id", output->spans[i]);
	put_time(json, "ts", start_ns);
	put_place(json, pid, tid);
	close_event(json);
}

/* The mark ends where the next one of the thread begins. */
static void put_launch(const struct output *output, size_t i)
{
	struct json *json = output->json;
	const struct recording *recording = output->recording;
	const struct span_row *span = recording_span(recording, output->spans[i]);
	const struct thread_row *thread = recording_thread(recording, span->thread);
	uint32_t tid = number_above(output, output->n_tracks + (uint64_t)span->thread);
	uint64_t at_ns = relative(output, span->launch_ns);
	uint64_t length_ns = span->launch_duration_ns ? span->launch_duration_ns : MARK_NS;
	if (i + 1 < output->n) {
		const struct span_row *next = recording_span(recording, output->spans[i + 1]);
		if (next->thread == span->thread && next->launch_ns - span->launch_ns < length_ns)
			length_ns = next->launch_ns - span->launch_ns;
	}
	open_event(json, recording_string_at(recording, span->name), "launch", "X");
	put_time(json, "ts", at_ns);
	put_time(json, "dur", length_ns);
	put_place(json, thread->pid, tid);
	close_event(json);
	open_event(json, "launch", "gpu", "s");
	json_unsigned_at(json, "id", output->spans[i]);
	put_time(json, "ts", at_ns);
	put_place(json, thread->pid, tid);
	close_event(json);
}

static void put_launches(struct output *output)
{
	char name[160];
	uint32_t last = UINT32_MAX;
	sort(output, by_launch);
	for (size_t i = 0; i < output->n; i++) {
		const struct span_row *span = recording_span(output->recording, output->spans[i]);
		const struct thread_row *thread = recording_thread(output->recording, span->thread);
		if (!span->launch_ns)
			continue;
		if (span->thread != last) {
			snprintf(name, sizeof name, "%.120s: launches",
				 recording_string_at(output->recording, thread->name));
			put_name(output->json, "thread_name", thread->pid,
				 number_above(output, output->n_tracks + (uint64_t)span->thread),
				 name);
		}
		last = span->thread;
		put_launch(output, i);
	}
}

void chrome_gpu_write(const struct recording *recording, const struct export_options *options,
		      uint64_t least_ns, struct json *json)
{
	struct output output = { .recording = recording, .json = json };
	collect(&output, options, least_ns);
	find_tracks(&output);
	put_tracks(&output);
	for (size_t i = 0; i < output.n && !ferror(json->out); i++)
		put_span(&output, i);
	put_launches(&output);
	free(output.spans);
	free(output.track_of);
	free(output.tracks);
}
