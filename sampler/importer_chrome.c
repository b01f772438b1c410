/*
 * Chrome's trace format as a recording: complete and paired events are boxes on threads, counters
 * readings, asynchronous pairs spans. stoke's own traces say in each box how many samples end in
 * it; in others a box stands for its time.
 * Source: Trace Event Format, Google, 2016.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/hash_map.h"
#include "sampler/import_boxes.h"
#include "sampler/import_frames.h"
#include "sampler/import_json.h"
#include "sampler/import_samples.h"
#include "sampler/importer.h"
#include "sampler/recording.h"

static const char source_name[] = "chrome";

enum { MOST_NAME_BYTES = 1024 };

/* A thread of the trace. */
struct lane {
	uint32_t pid, tid;
	uint32_t name; /* strings; 0 = not said */
	uint32_t row;  /* TABLE_THREADS; 0 = not yet written */
};

struct reading {
	struct recording *recording;
	struct import_frames *frames;
	struct import_samples samples;
	struct import_boxes boxes;
	struct hash_map by_thread; /* place in lanes, from 1 */
	struct hash_map processes; /* pid + 1 -> strings, its name */
	struct lane *lanes;
	uint32_t n_lanes, capacity;
	struct hash_map open_spans; /* of asynchronous events: place in spans, from 1 */
	struct span_row *spans;
	uint32_t n_spans, span_capacity;
	uint32_t module;
	uint16_t series;
	bool is_ours;
	uint64_t n_skipped;
};

static uint32_t add_text(struct reading *reading, const char *text)
{
	char clean[MOST_NAME_BYTES];
	return recording_add_string(reading->recording, text_clean(clean, sizeof clean, text));
}

/* Numbers as they are; some tools write words instead, which become numbers above all pids. */
static uint32_t number_of(struct reading *reading, const struct json_object *value)
{
	double number = import_json_number(value);
	if (number >= 0 && number < (double)INT32_MAX)
		return (uint32_t)number;
	return add_text(reading, import_json_text(value)) | 1u << 31;
}

static bool is_word(uint32_t number)
{
	return number >> 31;
}

static struct lane *lane_of(struct reading *reading, const struct json_object *event)
{
	uint32_t pid = number_of(reading, import_json_get(event, "pid"));
	uint32_t tid = number_of(reading, import_json_get(event, "tid"));
	uint32_t *place = hash_map_at(&reading->by_thread, ((uint64_t)pid << 32 | tid) + 1);
	if (*place)
		return &reading->lanes[*place - 1];
	if (reading->n_lanes == reading->capacity) {
		reading->capacity = reading->capacity ? reading->capacity * 2 : 64;
		reading->lanes =
			reallocate(reading->lanes, reading->capacity, sizeof *reading->lanes);
	}
	struct lane *lane = &reading->lanes[reading->n_lanes++];
	*lane = (struct lane){ .pid = pid, .tid = tid };
	*place = reading->n_lanes;
	return lane;
}

static void take_name(struct reading *reading, const struct json_object *event)
{
	const char *what = import_json_text(import_json_get(event, "name"));
	const char *name =
		import_json_text(import_json_get(import_json_get(event, "args"), "name"));
	if (!name[0])
		return;
	if (strcmp(what, "thread_name") == 0) {
		lane_of(reading, event)->name = add_text(reading, name);
	} else if (strcmp(what, "process_name") == 0) {
		uint32_t pid = number_of(reading, import_json_get(event, "pid"));
		*hash_map_at(&reading->processes, (uint64_t)pid + 1) = add_text(reading, name);
	}
}

/* Written at the thread's first event, when all names are known. */
static uint32_t thread_of(struct reading *reading, const struct json_object *event)
{
	struct lane *lane = lane_of(reading, event);
	if (lane->row)
		return lane->row;
	char text[64];
	const uint32_t word = ~(1u << 31);
	uint32_t process = hash_map_get(&reading->processes, (uint64_t)lane->pid + 1);
	if (!process && is_word(lane->pid))
		process = lane->pid & word;
	if (!lane->name && is_word(lane->tid))
		lane->name = lane->tid & word;
	if (!lane->name) {
		snprintf(text, sizeof text, "thread %u", lane->tid & word);
		lane->name = process ? process : add_text(reading, text);
	}
	struct thread_row row = {
		.pid = is_word(lane->pid) ? 0 : lane->pid,
		.tid = is_word(lane->tid) ? 0 : lane->tid,
		.name = lane->name,
		.process_name = process ? process : lane->name,
	};
	return lane->row = recording_add_thread(reading->recording, &row);
}

/* Microseconds as ns; false if they are none. */
static bool time_of(const struct json_object *value, uint64_t *out_ns)
{
	double us = import_json_number(value);
	/* 2^63 ns; a double has no nanoseconds left long before. */
	if (!(us >= 0) || us > 9.2e15)
		return false;
	*out_ns = (uint64_t)llround(us * 1e3);
	return true;
}

static uint32_t frame_of(struct reading *reading, const struct json_object *event)
{
	const char *category = import_json_text(import_json_get(event, "cat"));
	struct import_place place = { .name = import_json_text(import_json_get(event, "name")) };
	bool is_kernel = reading->is_ours && strcmp(category, "kernel") == 0;
	return import_frame(reading->frames, &place, 1, reading->module,
			    is_kernel ? FRAME_KERNEL : 0);
}

static bool take_box(struct reading *reading, const struct json_object *event, uint32_t kind)
{
	uint64_t duration_ns = 0;
	struct import_box box = { .kind = kind };
	if (!time_of(import_json_get(event, "ts"), &box.from_ns))
		return false;
	if (kind == IMPORT_BOX_WHOLE && !time_of(import_json_get(event, "dur"), &duration_ns))
		return false;
	box.to_ns = box.from_ns + duration_ns;
	box.thread = thread_of(reading, event);
	if (kind != IMPORT_BOX_END)
		box.frame = frame_of(reading, event);
	const struct json_object *arguments = import_json_get(event, "args");
	double count = import_json_number(import_json_get(arguments, "self samples"));
	double weight = import_json_number(import_json_get(arguments, "self weight"));
	if (count > 0 && count < UINT32_MAX && weight >= 0 && weight < 1.8e19) {
		box.count = (uint64_t)count;
		box.weight = (uint64_t)weight;
	}
	import_boxes_add(&reading->boxes, &box);
	return true;
}

/* ---- counters */

struct counter {
	struct reading *reading;
	const char *name;
	uint64_t time_ns;
	enum origin origin;
	bool is_only;
};

static enum origin origin_of(const char *name)
{
	for (int i = 0; i < N_ORIGINS; i++)
		if (strcmp(origin_name(i), name) == 0)
			return i;
	return ORIGIN_SOFTWARE;
}

static void take_count(void *opaque, const char *key, struct json_object *value)
{
	const struct counter *counter = opaque;
	struct reading *reading = counter->reading;
	char name[MOST_NAME_BYTES];
	double number = import_json_number(value);
	if (isnan(number))
		return;
	if (counter->is_only)
		snprintf(name, sizeof name, "%s", counter->name);
	else
		snprintf(name, sizeof name, "%s %s", counter->name, key);
	bool has_unit = reading->is_ours && strcmp(key, "value") != 0;
	struct series_row series = {
		.name = add_text(reading, name),
		.unit = has_unit ? add_text(reading, key) : 0,
		.source = add_text(reading, source_name),
		.origin = counter->origin,
	};
	struct reading_row row = {
		.time_ns = counter->time_ns,
		.value = number,
		.series = recording_add_series(reading->recording, &series),
		.running_ratio = 1,
		.origin = counter->origin,
	};
	recording_add_reading(reading->recording, &row);
}

static void count_member(void *opaque, const char *key, struct json_object *value)
{
	(void)key, (void)value;
	++*(size_t *)opaque;
}

static bool take_counter(struct reading *reading, const struct json_object *event)
{
	const struct json_object *values = import_json_get(event, "args");
	size_t n = 0;
	struct counter counter = {
		.reading = reading,
		.name = import_json_text(import_json_get(event, "name")),
		.origin = origin_of(import_json_text(import_json_get(event, "cat"))),
	};
	if (!time_of(import_json_get(event, "ts"), &counter.time_ns))
		return false;
	import_json_each(values, count_member, &n);
	counter.is_only = n == 1;
	import_json_each(values, take_count, &counter);
	return true;
}

/* ---- asynchronous events */

static uint64_t span_key(struct reading *reading, const struct json_object *event)
{
	const struct json_object *id = import_json_get(event, "id");
	const struct json_object *local = import_json_get(import_json_get(event, "id2"), "local");
	uint64_t name = add_text(reading, import_json_text(import_json_get(event, "name")));
	uint64_t category = add_text(reading, import_json_text(import_json_get(event, "cat")));
	uint64_t number = number_of(reading, id ? id : local);
	return (name << 32 | number) ^ category * 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
}

static bool begin_span(struct reading *reading, const struct json_object *event)
{
	const struct json_object *work = import_json_get(event, "args");
	const char *category = import_json_text(import_json_get(event, "cat"));
	struct series_row series = {
		.name = add_text(reading, category[0] ? category : "spans"),
		.unit = add_text(reading, "ns"),
		.source = add_text(reading, source_name),
		.origin = ORIGIN_SOFTWARE,
		.flags = SERIES_SPANS,
	};
	struct span_row row = {
		.flops = import_json_number(import_json_get(work, "flops")),
		.bytes = import_json_number(import_json_get(work, "bytes")),
		.items = import_json_number(import_json_get(work, "items")),
		.name = add_text(reading, import_json_text(import_json_get(event, "name"))),
	};
	if (!time_of(import_json_get(event, "ts"), &row.start_ns))
		return false;
	row.series = recording_add_series(reading->recording, &series);
	row.thread = thread_of(reading, event);
	if (reading->n_spans == reading->span_capacity) {
		reading->span_capacity = reading->span_capacity ? reading->span_capacity * 2 : 256;
		reading->spans =
			reallocate(reading->spans, reading->span_capacity, sizeof *reading->spans);
	}
	reading->spans[reading->n_spans++] = row;
	*hash_map_at(&reading->open_spans, span_key(reading, event)) = reading->n_spans;
	return true;
}

static bool end_span(struct reading *reading, const struct json_object *event)
{
	uint64_t at_ns;
	uint32_t *place = hash_map_at(&reading->open_spans, span_key(reading, event));
	if (!*place || !time_of(import_json_get(event, "ts"), &at_ns))
		return false;
	struct span_row *span = &reading->spans[*place - 1];
	*place = 0;
	if (at_ns < span->start_ns)
		return false;
	span->duration_ns = at_ns - span->start_ns;
	recording_add_span(reading->recording, span);
	return true;
}

/* ---- work of GPUs in our own traces */

static bool take_work(struct reading *reading, const struct json_object *event)
{
	const struct json_object *said = import_json_get(event, "args");
	const struct json_object *thread = import_json_get(said, "launched by");
	const char *origin = import_json_text(import_json_get(said, "provenance"));
	uint32_t process = hash_map_get(&reading->processes,
					number_of(reading, import_json_get(event, "pid")) + 1ULL);
	struct series_row series = {
		.name = add_text(reading, import_json_text(import_json_get(said, "stream"))),
		.unit = add_text(reading, "ns"),
		.source = add_text(reading, source_name),
		.device = process ? process : add_text(reading, "GPU"),
		.origin = origin_of(origin),
		.flags = SERIES_SPANS,
	};
	struct span_row row = {
		.flops = import_json_number(import_json_get(said, "flops")),
		.bytes = import_json_number(import_json_get(said, "bytes")),
		.items = import_json_number(import_json_get(said, "items")),
		.name = add_text(reading, import_json_text(import_json_get(event, "name"))),
	};
	if (!time_of(import_json_get(event, "ts"), &row.start_ns) ||
	    !time_of(import_json_get(event, "dur"), &row.duration_ns))
		return false;
	if (!time_of(import_json_get(said, "launched at"), &row.launch_ns) ||
	    row.launch_ns > row.start_ns)
		row.launch_ns = 0;
	if (!time_of(import_json_get(said, "launch took"), &row.launch_duration_ns))
		row.launch_duration_ns = 0;
	row.thread = thread ? thread_of(reading, thread) : 0;
	row.series = recording_add_series(reading->recording, &series);
	recording_add_span(reading->recording, &row);
	return true;
}

/* ---- the file */

static bool take_whole(struct reading *reading, const struct json_object *event)
{
	const char *category = import_json_text(import_json_get(event, "cat"));
	if (reading->is_ours && strcmp(category, "gpu") == 0)
		return take_work(reading, event);
	/* The mark an arrow begins at: the work itself says when it was launched. */
	if (reading->is_ours && strcmp(category, "launch") == 0)
		return true;
	return take_box(reading, event, IMPORT_BOX_WHOLE);
}

static bool take_event(struct reading *reading, const struct json_object *event)
{
	const char *phase = import_json_text(import_json_get(event, "ph"));
	switch (phase[0]) {
	case 'X':
		return take_whole(reading, event);
	case 'B':
		return take_box(reading, event, IMPORT_BOX_BEGIN);
	case 'E':
		return take_box(reading, event, IMPORT_BOX_END);
	case 'C':
		return take_counter(reading, event);
	case 'b':
		return begin_span(reading, event);
	case 'e':
		return end_span(reading, event);
	default: /* names were taken before; marks and arrows have no length */
		return phase[0] != '\0';
	}
}

static void read_events(struct reading *reading, const struct json_object *events)
{
	for (size_t i = 0; i < import_json_length(events); i++) {
		const struct json_object *event = import_json_at(events, i);
		if (strcmp(import_json_text(import_json_get(event, "ph")), "M") == 0)
			take_name(reading, event);
	}
	for (size_t i = 0; i < import_json_length(events); i++) {
		const struct json_object *event = import_json_at(events, i);
		const char *phase = import_json_text(import_json_get(event, "ph"));
		if (phase[0] != 'M' && !take_event(reading, event))
			reading->n_skipped++;
	}
}

static void take_fact(void *opaque, const char *key, struct json_object *value)
{
	struct reading *reading = opaque;
	char name[256], text[4096];
	const char *said = import_json_text(value);
	if (said[0] && strcmp(key, "samples of") != 0 && strcmp(key, "provenance") != 0)
		recording_add_fact(reading->recording, text_clean(name, sizeof name, key),
				   text_clean(text, sizeof text, said));
}

/* What boxes count: their time, or in our own traces the event that was sampled. */
static void add_series(struct reading *reading, const struct json_object *other)
{
	const char *name = import_json_text(import_json_get(other, "samples of"));
	const char *origin = import_json_text(import_json_get(other, "provenance"));
	reading->is_ours = name[0] != '\0';
	bool is_clock = !reading->is_ours || strstr(name, "clock") != NULL;
	struct series_row row = {
		.name = add_text(reading, reading->is_ours ? name : "time"),
		.unit = add_text(reading, is_clock ? "ns" : "events"),
		.source = add_text(reading, source_name),
		.origin = origin_of(origin),
		.flags = SERIES_SAMPLES | (reading->is_ours ? 0 : SERIES_VALUES),
	};
	reading->series = (uint16_t)recording_add_series(reading->recording, &row);
	if (reading->is_ours)
		import_json_each(other, take_fact, reading);
}

static void add_notes(const struct reading *reading, bool is_cut)
{
	char text[160];
	struct recording *recording = reading->recording;
	recording_add_fact(recording, "imported_from", source_name);
	recording_note(recording, SEVERITY_INFO, source_name,
		       reading->is_ours
			       ? "A trace holds merged samples: modules and lines are not "
				 "available."
			       : "A trace holds functions by their beginning and end: one "
				 "sample is one call, weighted by its time; modules and lines "
				 "are not available.",
		       "");
	if (is_cut)
		recording_note(recording, SEVERITY_WARNING, source_name,
			       "The file ends early; what comes before is shown.", "");
	uint64_t n = reading->n_skipped + reading->boxes.n_unmatched;
	if (n == 0)
		return;
	snprintf(text, sizeof text,
		 "%llu events make no sense, or begin or end alone, and were left out or closed.",
		 (unsigned long long)n);
	recording_note(recording, SEVERITY_WARNING, source_name, text, "");
}

/* Readings and spans may be the first thing in a trace. */
static void find_start(const struct reading *reading)
{
	struct recording *recording = reading->recording;
	uint64_t first = recording->start_ns;
	bool has_any = recording->tables[TABLE_SAMPLES].n_rows > 1;
	for (uint64_t i = 1; i < recording->tables[TABLE_READINGS].n_rows; i++, has_any = true)
		if (!has_any || recording_reading(recording, i)->time_ns < first)
			first = recording_reading(recording, i)->time_ns;
	for (uint64_t i = 1; i < recording->tables[TABLE_SPANS].n_rows; i++, has_any = true)
		if (!has_any || recording_span(recording, i)->start_ns < first)
			first = recording_span(recording, i)->start_ns;
	recording->start_ns = first;
}

static void read_root(struct reading *reading, const struct json_object *root, bool is_cut)
{
	bool is_list = import_json_is_array(root);
	reading->module = import_module(reading->frames, "[trace]", NULL, "");
	add_series(reading, import_json_get(root, "otherData"));
	read_events(reading, is_list ? root : import_json_get(root, "traceEvents"));
	import_boxes_end(&reading->boxes, reading->recording, &reading->samples, reading->series,
			 reading->is_ours);
	import_samples_end(&reading->samples, reading->recording);
	find_start(reading);
	add_notes(reading, is_cut);
	recording_publish(reading->recording);
}

static struct recording *chrome_read(const char *path, struct why *why)
{
	bool is_cut;
	char clean[256];
	struct json_object *root = import_json_read(path, &is_cut, why);
	if (!root)
		return NULL;
	if (!import_json_is_array(root) &&
	    !import_json_is_array(import_json_get(root, "traceEvents"))) {
		import_json_free(root);
		why_fail(why, "%s is JSON, but no trace: it is no list of events and has none.",
			 text_clean(clean, sizeof clean, path));
		return NULL;
	}
	struct reading *reading = allocate(1, sizeof *reading);
	struct recording *recording = recording_new();
	reading->recording = recording;
	reading->frames = import_frames_new(recording);
	recording->start_ns = recording->start_epoch_ns = 0;
	read_root(reading, root, is_cut);
	import_frames_free(reading->frames);
	import_json_free(root);
	hash_map_free(&reading->by_thread);
	hash_map_free(&reading->processes);
	hash_map_free(&reading->open_spans);
	free(reading->lanes);
	free(reading->spans);
	free(reading);
	return recording;
}

static bool chrome_looks_like(const unsigned char *head, size_t n_bytes)
{
	size_t at = 0;
	while (at < n_bytes && (head[at] == ' ' || head[at] == '\n' || head[at] == '\t'))
		at++;
	if (at == n_bytes)
		return false;
	if (head[at] == '{')
		return import_json_mentions(head, n_bytes, "\"traceEvents\"");
	return head[at] == '[' && import_json_mentions(head, n_bytes, "\"ph\"");
}

const struct importer importer_chrome = {
	.name = "chrome",
	.suffix = ".trace.json",
	.summary = "traces of Chrome, Perfetto's JSON, PyTorch and others",
	.looks_like = chrome_looks_like,
	.unusable = import_json_unusable,
	.read = chrome_read,
};
