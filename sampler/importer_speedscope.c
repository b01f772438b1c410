/*
 * speedscope's own format: shared frames, and profiles that are lists of stacks with weights or of
 * functions opened and closed. A profile is a thread.
 * Source: speedscope, src/lib/file-format-spec.ts.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/import_frames.h"
#include "sampler/import_json.h"
#include "sampler/import_samples.h"
#include "sampler/importer.h"
#include "sampler/recording.h"

static const char source_name[] = "speedscope";

enum { MOST_DEPTH = 4000, MOST_NAME_BYTES = 1024 };

struct unit {
	const char *name; /* in the file */
	const char *ours;
	const char *series;
	double scale; /* to ours */
};

static const struct unit units[] = {
	{ "nanoseconds", "ns", "time", 1 },    { "microseconds", "ns", "time", 1e3 },
	{ "milliseconds", "ns", "time", 1e6 }, { "seconds", "ns", "time", 1e9 },
	{ "bytes", "B", "memory", 1 },         { "none", "samples", "samples", 1 },
};

struct reading {
	struct recording *recording;
	struct import_frames *frames;
	struct import_samples samples;
	uint32_t *ids; /* frame ids by index in the file */
	size_t n_ids;
	uint64_t n_skipped;
	/* the profile being read */
	const struct unit *unit;
	struct sample_row row;
	uint32_t open[MOST_DEPTH]; /* outermost first */
	uint32_t stacks[MOST_DEPTH];
	size_t depth;
};

static void read_frames(struct reading *reading, const struct json_object *frames)
{
	reading->n_ids = import_json_length(frames);
	reading->ids = allocate(reading->n_ids + 1, sizeof *reading->ids);
	uint32_t module = import_module(reading->frames, "[speedscope]", NULL, "");
	for (size_t i = 0; i < reading->n_ids; i++) {
		const struct json_object *frame = import_json_at(frames, i);
		double line = import_json_number(import_json_get(frame, "line"));
		struct import_place place = {
			.name = import_json_text(import_json_get(frame, "name")),
			.file = import_json_text(import_json_get(frame, "file")),
			.line = line > 0 && line < UINT32_MAX ? (uint32_t)line : 0,
		};
		reading->ids[i] = import_frame(reading->frames, &place, 1, module, 0);
	}
}

/* The frame that a number in the file stands for; 0 if there is none. */
static uint32_t frame_of(const struct reading *reading, const struct json_object *value)
{
	double index = import_json_number(value);
	return index >= 0 && index < (double)reading->n_ids ? reading->ids[(size_t)index] : 0;
}

/* A value of the profile in our unit; 0 for what is no number or below 0. */
static uint64_t value_of(const struct reading *reading, double value)
{
	value *= reading->unit->scale;
	/* 2^63: beyond it a double has no whole nanoseconds anyway. */
	return value > 0 && value < 9.2e18 ? (uint64_t)llround(value) : 0;
}

static bool is_time(const struct reading *reading)
{
	return strcmp(reading->unit->ours, "ns") == 0;
}

static void add(struct reading *reading, uint32_t stack, uint64_t weight, uint64_t time_ns)
{
	reading->row.stack = stack;
	reading->row.weight = weight;
	/* Without a unit the weights are how often. */
	bool is_count = strcmp(reading->unit->ours, "samples") == 0 && weight <= UINT32_MAX;
	reading->row.count = is_count ? (uint32_t)weight : 1;
	reading->row.time_ns = is_time(reading) ? time_ns : 0;
	import_samples_add(&reading->samples, &reading->row);
}

static void read_sampled(struct reading *reading, const struct json_object *profile, uint64_t now)
{
	const struct json_object *samples = import_json_get(profile, "samples");
	const struct json_object *weights = import_json_get(profile, "weights");
	for (size_t i = 0; i < import_json_length(samples); i++) {
		const struct json_object *sample = import_json_at(samples, i);
		uint32_t stack = 0;
		size_t n = import_json_length(sample);
		bool is_good = n <= MOST_DEPTH;
		for (size_t k = 0; k < n && is_good; k++) {
			uint32_t frame = frame_of(reading, import_json_at(sample, k));
			is_good = frame != 0;
			if (frame)
				stack = recording_add_stack(reading->recording, stack, frame);
		}
		uint64_t weight =
			weights ? value_of(reading, import_json_number(import_json_at(weights, i)))
				: 1;
		if (is_good && weight > 0)
			add(reading, stack, weight, now);
		else if (!is_good)
			reading->n_skipped++;
		now += weight;
	}
}

static bool take_event(struct reading *reading, const struct json_object *event)
{
	uint32_t frame = frame_of(reading, import_json_get(event, "frame"));
	const char *type = import_json_text(import_json_get(event, "type"));
	size_t depth = reading->depth;
	if (!frame)
		return false;
	if (strcmp(type, "O") == 0 && depth < MOST_DEPTH) {
		uint32_t parent = depth ? reading->stacks[depth - 1] : 0;
		reading->open[depth] = frame;
		reading->stacks[depth] = recording_add_stack(reading->recording, parent, frame);
		reading->depth++;
		return true;
	}
	if (strcmp(type, "C") != 0 || depth == 0 || reading->open[depth - 1] != frame)
		return false;
	reading->depth--;
	return true;
}

/* Between two events the time is the innermost open function's. */
static void read_evented(struct reading *reading, const struct json_object *profile, uint64_t now)
{
	const struct json_object *events = import_json_get(profile, "events");
	reading->depth = 0;
	for (size_t i = 0; i < import_json_length(events); i++) {
		const struct json_object *event = import_json_at(events, i);
		uint64_t at = value_of(reading, import_json_number(import_json_get(event, "at")));
		if (at > now && reading->depth > 0)
			add(reading, reading->stacks[reading->depth - 1], at - now, now);
		now = at > now ? at : now;
		if (!take_event(reading, event))
			reading->n_skipped++;
	}
}

static uint16_t series_of(struct reading *reading)
{
	struct recording *recording = reading->recording;
	struct series_row row = {
		.name = recording_add_string(recording, reading->unit->series),
		.unit = recording_add_string(recording, reading->unit->ours),
		.source = recording_add_string(recording, source_name),
		.origin = ORIGIN_SOFTWARE,
		.flags = SERIES_SAMPLES | SERIES_VALUES, /* weights are all there is */
	};
	return (uint16_t)recording_add_series(recording, &row);
}

/* "name-12/13", as stoke writes it, is a thread's name and numbers. */
static uint32_t thread_of(struct reading *reading, const char *text)
{
	char name[MOST_NAME_BYTES];
	unsigned pid = 0, tid = 0;
	int end = 0;
	text_clean(name, sizeof name, text[0] ? text : "[unnamed]");
	char *dash = strrchr(name, '-');
	if (dash && dash > name && sscanf(dash, "-%9u/%9u%n", &pid, &tid, &end) == 2 &&
	    dash[end] == '\0')
		*dash = '\0';
	else
		pid = tid = 0;
	uint32_t id = recording_add_string(reading->recording, name);
	struct thread_row row = { .pid = pid, .tid = tid, .name = id, .process_name = id };
	return recording_add_thread(reading->recording, &row);
}

static void read_profile(struct reading *reading, const struct json_object *profile)
{
	const char *unit = import_json_text(import_json_get(profile, "unit"));
	size_t i = 0, last = sizeof units / sizeof units[0] - 1;
	while (i < last && strcmp(units[i].name, unit) != 0)
		i++;
	reading->unit = &units[i];
	reading->row = (struct sample_row){
		.thread = thread_of(reading, import_json_text(import_json_get(profile, "name"))),
		.count = 1,
		.series = series_of(reading),
		.cpu = SAMPLE_CPU_UNKNOWN,
	};
	uint64_t start =
		value_of(reading, import_json_number(import_json_get(profile, "startValue")));
	const char *type = import_json_text(import_json_get(profile, "type"));
	if (strcmp(type, "sampled") == 0)
		read_sampled(reading, profile, start);
	else if (strcmp(type, "evented") == 0)
		read_evented(reading, profile, start);
	else
		reading->n_skipped++;
}

static void read_root(struct reading *reading, const struct json_object *root, bool is_cut)
{
	char clean[MOST_NAME_BYTES], text[160];
	struct recording *recording = reading->recording;
	const struct json_object *profiles = import_json_get(root, "profiles");
	const char *name = import_json_text(import_json_get(root, "name"));
	read_frames(reading, import_json_get(import_json_get(root, "shared"), "frames"));
	for (size_t i = 0; i < import_json_length(profiles); i++)
		read_profile(reading, import_json_at(profiles, i));
	if (name[0] && strcmp(name, "stoke") != 0) /* which we write when we do not know */
		recording_add_fact(recording, "command_line",
				   text_clean(clean, sizeof clean, name));
	recording_add_fact(recording, "imported_from", source_name);
	recording_note(recording, SEVERITY_INFO, source_name,
		       "A speedscope file holds weighted stacks: how often each was sampled, "
		       "modules and readings are not available.",
		       "Record with stoke to have them.");
	if (is_cut)
		recording_note(recording, SEVERITY_WARNING, source_name,
			       "The file ends early; what comes before is shown.", "");
	if (reading->n_skipped == 0)
		return;
	snprintf(text, sizeof text, "%llu samples or events make no sense and were left out.",
		 (unsigned long long)reading->n_skipped);
	recording_note(recording, SEVERITY_WARNING, source_name, text, "");
}

static struct recording *speedscope_read(const char *path, struct why *why)
{
	bool is_cut;
	char clean[256];
	struct json_object *root = import_json_read(path, &is_cut, why);
	if (!root)
		return NULL;
	if (!import_json_is_array(import_json_get(root, "profiles"))) {
		import_json_free(root);
		why_fail(why, "%s is JSON, but no speedscope file: it has no list of profiles.",
			 text_clean(clean, sizeof clean, path));
		return NULL;
	}
	struct reading *reading = allocate(1, sizeof *reading);
	struct recording *recording = recording_new();
	reading->recording = recording;
	reading->frames = import_frames_new(recording);
	recording->start_ns = recording->start_epoch_ns = 0;
	read_root(reading, root, is_cut);
	import_samples_end(&reading->samples, recording);
	recording_publish(recording);
	import_frames_free(reading->frames);
	import_json_free(root);
	free(reading->ids);
	free(reading);
	return recording;
}

static bool speedscope_looks_like(const unsigned char *head, size_t n_bytes)
{
	size_t at = 0;
	while (at < n_bytes && (head[at] == ' ' || head[at] == '\n' || head[at] == '\t'))
		at++;
	if (at == n_bytes || head[at] != '{')
		return false;
	return import_json_mentions(head, n_bytes, "speedscope.app/file-format-schema.json") ||
	       (import_json_mentions(head, n_bytes, "\"profiles\"") &&
		import_json_mentions(head, n_bytes, "\"shared\""));
}

const struct importer importer_speedscope = {
	.name = "speedscope",
	.suffix = ".speedscope.json",
	.summary = "profiles of speedscope.app, sampled and evented",
	.looks_like = speedscope_looks_like,
	.unusable = import_json_unusable,
	.read = speedscope_read,
};
