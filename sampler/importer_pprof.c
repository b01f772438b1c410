/*
 * pprof's protobuf as a recording: sample types are series, a mapping a module, a location a frame
 * with all that is inlined into it. Tables may come after what refers to them, so the file is gone
 * through three times. A type that counts the samples of the next one is no series of its own.
 * Source: google/pprof, proto/profile.proto.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/import_bytes.h"
#include "sampler/import_frames.h"
#include "sampler/import_samples.h"
#include "sampler/importer.h"
#include "sampler/pprof_tables.h"
#include "sampler/protobuf_wire.h"
#include "sampler/recording.h"

static const char source_name[] = "pprof";
static const size_t MOST_BYTES = (size_t)2 << 30;

enum {
	MOST_PLACES = 64, /* functions inlined into each other */
	MOST_DEPTH = 8192,
	MOST_NAME_BYTES = 1024,
};

struct reading {
	struct recording *recording;
	struct import_frames *frames;
	struct import_samples samples;
	struct pprof_tables tables;
	struct pprof_list locations; /* uint32_t: frame ids */
	uint64_t n_bad;
	uint32_t ids[MOST_DEPTH];
};

/* What a sample's labels say. */
struct labels {
	uint32_t thread, origin; /* places in strings */
	uint32_t pid, tid;
};

/* ---- series */

static const char *unit_of(const char *unit)
{
	static const char *const units[][2] = {
		{ "nanoseconds", "ns" }, { "microseconds", "us" }, { "milliseconds", "ms" },
		{ "seconds", "s" },      { "bytes", "B" },         { "count", "samples" },
	};
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(unit, units[i][0]) == 0)
			return units[i][1];
	return unit;
}

static uint32_t add_text(struct reading *reading, const char *text)
{
	char clean[MOST_NAME_BYTES];
	return recording_add_string(reading->recording, text_clean(clean, sizeof clean, text));
}

static void add_series(struct reading *reading, struct pprof_type *type, enum origin origin)
{
	struct series_row row = {
		.name = add_text(reading, pprof_text(&reading->tables, type->name)),
		.unit = add_text(reading, unit_of(pprof_text(&reading->tables, type->unit))),
		.source = add_text(reading, source_name),
		.origin = origin,
		/* Bytes, or times, of which the file does not say how often. */
		.flags = SERIES_SAMPLES |
			 (type->count < 0 && !pprof_is_counting(&reading->tables, type)
				  ? SERIES_VALUES
				  : 0),
	};
	type->series = (uint16_t)recording_add_series(reading->recording, &row);
}

static bool is_wanted_first(const struct reading *reading, const struct pprof_type *type)
{
	return reading->tables.default_type
		       ? strcmp(pprof_text(&reading->tables, type->name),
				pprof_text(&reading->tables, reading->tables.default_type)) == 0
		       : type == &reading->tables.types[reading->tables.n_types - 1];
}

/* The type that pprof shows unless asked comes first here too. */
static void add_all_series(struct reading *reading)
{
	for (int turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < reading->tables.n_types; i++) {
			struct pprof_type *type = &reading->tables.types[i];
			if (!type->is_count && is_wanted_first(reading, type) == (turn == 0))
				add_series(reading, type, ORIGIN_SOFTWARE);
		}
}

/* ---- frames */

static uint32_t module_of(struct reading *reading, uint64_t id, const struct pprof_mapping **found)
{
	struct pprof_mapping *mapping = pprof_list_find(&reading->tables.mappings, id);
	*found = mapping;
	if (!mapping)
		return import_module(reading->frames, "", NULL, "[pprof]");
	if (!mapping->module)
		mapping->module =
			import_module(reading->frames, pprof_text(&reading->tables, mapping->file),
				      pprof_text(&reading->tables, mapping->build_id), "[pprof]");
	return mapping->module;
}

static void take_line(const struct reading *reading, struct protobuf_message message,
		      struct import_place *place)
{
	struct protobuf_field field;
	const struct pprof_function *function = NULL;
	*place = (struct import_place){ .name = "" };
	while (protobuf_next(&message, &field)) {
		if (field.number == LINE_FUNCTION)
			function = pprof_list_find(&reading->tables.functions, field.value);
		else if (field.number == LINE_NUMBER && field.value <= UINT32_MAX)
			place->line = (uint32_t)field.value;
	}
	if (!function)
		return;
	place->name = pprof_text(&reading->tables, function->name);
	place->linkage_name = pprof_text(&reading->tables, function->system_name);
	place->file = pprof_text(&reading->tables, function->file);
}

/* Without a function: the file and where in it. */
static void name_address(const struct reading *reading, const struct pprof_mapping *mapping,
			 uint64_t address, char *out, size_t bytes)
{
	const char *file = mapping ? pprof_text(&reading->tables, mapping->file) : "";
	snprintf(out, bytes, "[%.150s+0x%llx]", file[0] ? text_base_name(file) : "pprof",
		 (unsigned long long)address);
}

static void take_location(struct reading *reading, struct protobuf_message message)
{
	struct protobuf_field field;
	struct import_place places[MOST_PLACES];
	const struct pprof_mapping *mapping;
	char unnamed[192];
	uint64_t id = 0, mapping_id = 0, address = 0;
	size_t n = 0;
	while (protobuf_next(&message, &field)) {
		if (field.number == LOCATION_ID)
			id = field.value;
		else if (field.number == LOCATION_MAPPING)
			mapping_id = field.value;
		else if (field.number == LOCATION_ADDRESS)
			address = field.value;
		else if (field.number == LOCATION_LINE && n < MOST_PLACES)
			take_line(reading, field.bytes, &places[n++]);
	}
	uint32_t module = module_of(reading, mapping_id, &mapping);
	if (mapping && address >= mapping->start)
		address = address - mapping->start + mapping->offset;
	if (n == 0 || !places[0].name[0]) {
		name_address(reading, mapping, address, unnamed, sizeof unnamed);
		places[n ? 0 : n++] = (struct import_place){ .name = unnamed };
	}
	const char *file = mapping ? pprof_text(&reading->tables, mapping->file) : "";
	uint32_t flags = strncmp(file, "[kernel", 7) == 0 ? FRAME_KERNEL : 0;
	uint32_t frame =
		address ? import_frame_at(reading->frames, places, n, module, flags, address)
			: import_frame(reading->frames, places, n, module, flags);
	*(uint32_t *)pprof_list_add(&reading->locations, id) = frame;
}

/* ---- samples */

static uint32_t small(uint64_t value)
{
	return value <= UINT32_MAX ? (uint32_t)value : 0;
}

static void take_label(const struct reading *reading, struct protobuf_message message,
		       struct labels *labels)
{
	struct protobuf_field field;
	uint64_t key = 0, text = 0, number = 0;
	while (protobuf_next(&message, &field)) {
		if (field.number == LABEL_KEY)
			key = field.value;
		else if (field.number == LABEL_TEXT)
			text = field.value;
		else if (field.number == LABEL_NUMBER)
			number = field.value;
	}
	const char *name = pprof_text(&reading->tables, key);
	if (strcmp(name, "thread") == 0 || strcmp(name, "thread_name") == 0 ||
	    strcmp(name, "comm") == 0)
		labels->thread = pprof_place(text);
	else if (strcmp(name, "pid") == 0)
		labels->pid = small(number);
	else if (strcmp(name, "tid") == 0 || strcmp(name, "thread_id") == 0)
		labels->tid = small(number);
	else if (strcmp(name, "provenance") == 0)
		labels->origin = pprof_place(text);
}

/* The first mapping is the program's own. */
static const char *program_of(const struct reading *reading)
{
	const struct pprof_mapping *mappings = reading->tables.mappings.rows;
	const char *file =
		reading->tables.mappings.n ? pprof_text(&reading->tables, mappings[0].file) : "";
	const char *name = text_base_name(file);
	return name[0] ? name : "[unnamed]";
}

static uint32_t thread_of(struct reading *reading, const struct labels *labels)
{
	const char *name = pprof_text(&reading->tables, labels->thread);
	if (!name[0])
		name = program_of(reading);
	uint32_t text = add_text(reading, name);
	struct thread_row row = {
		.pid = labels->pid, .tid = labels->tid, .name = text, .process_name = text
	};
	return recording_add_thread(reading->recording, &row);
}

/* The origin is the series', which is written at its first sample then. */
static uint16_t series_of(struct reading *reading, struct pprof_type *type,
			  const struct labels *labels)
{
	const char *name = pprof_text(&reading->tables, labels->origin);
	for (int i = 0; i < N_ORIGINS && name[0]; i++)
		if (strcmp(origin_name(i), name) == 0)
			add_series(reading, type, i);
	return type->series;
}

static void add_rows(struct reading *reading, struct sample_row row, const uint64_t *values,
		     const struct labels *labels)
{
	for (uint32_t i = 0; i < reading->tables.n_types; i++) {
		struct pprof_type *type = &reading->tables.types[i];
		if (type->is_count)
			continue;
		uint64_t count = type->count >= 0 ? values[type->count] : 1;
		if (pprof_is_counting(&reading->tables, type) && type->count < 0)
			count = values[i];
		row.weight = values[i];
		row.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
		/* 2^63 and more are negative: a difference of two profiles. */
		if ((int64_t)row.weight < 0 || (int64_t)count < 0)
			reading->n_bad++;
		else if (row.weight > 0 || row.count > 0)
			row.series = series_of(reading, type, labels),
			import_samples_add(&reading->samples, &row);
	}
}

static void take_sample(struct reading *reading, struct protobuf_message message)
{
	struct protobuf_field field;
	struct protobuf_message rest;
	struct labels labels = { .origin = UINT32_MAX, .thread = UINT32_MAX };
	uint64_t values[PPROF_MOST_TYPES] = { 0 }, value;
	size_t n_ids = 0, n_values = 0;
	while (protobuf_next(&message, &field)) {
		bool is_begun = false;
		if (field.number == SAMPLE_LABEL) {
			take_label(reading, field.bytes, &labels);
			continue;
		}
		if (field.number != SAMPLE_LOCATION && field.number != SAMPLE_VALUE)
			continue;
		while (protobuf_number(&field, &rest, &is_begun, &value)) {
			const uint32_t *frame = NULL;
			if (field.number == SAMPLE_VALUE && n_values < PPROF_MOST_TYPES)
				values[n_values++] = value;
			else if (field.number == SAMPLE_LOCATION)
				frame = pprof_list_find(&reading->locations, value);
			if (frame && n_ids < MOST_DEPTH)
				reading->ids[n_ids++] = *frame;
			else if (field.number == SAMPLE_LOCATION)
				reading->n_bad++;
		}
	}
	struct sample_row row = {
		.time_ns = 0,
		.stack = import_stack(reading->frames, reading->ids, n_ids),
		.thread = thread_of(reading, &labels),
		.cpu = SAMPLE_CPU_UNKNOWN,
	};
	add_rows(reading, row, values, &labels);
}

/* ---- the file */

static void add_notes(struct reading *reading, bool is_cut)
{
	char text[160], clean[MOST_NAME_BYTES];
	struct recording *recording = reading->recording;
	for (uint32_t i = 0; i < reading->tables.n_comments; i++) {
		const char *comment = pprof_text(&reading->tables, reading->tables.comments[i]);
		const char *colon = strstr(comment, ": ");
		if (strncmp(comment, "command_line: ", 14) == 0 ||
		    strncmp(comment, "host: ", 6) == 0 || strncmp(comment, "cpu: ", 5) == 0) {
			snprintf(text, sizeof text, "%.*s", (int)(colon - comment), comment);
			recording_add_fact(recording, text,
					   text_clean(clean, sizeof clean, colon + 2));
		} else if (comment[0]) {
			recording_note(recording, SEVERITY_INFO, source_name,
				       text_clean(clean, sizeof clean, comment), "");
		}
	}
	recording_add_fact(recording, "imported_from", source_name);
	recording_note(recording, SEVERITY_INFO, source_name,
		       "A pprof file holds sums by stack: times and readings are not available.",
		       "Record with stoke to have them.");
	if (is_cut)
		recording_note(recording, SEVERITY_WARNING, source_name,
			       "The file is damaged or ends early; what comes before is shown.",
			       "");
	unsigned long long n_bad = reading->n_bad + reading->tables.n_bad;
	if (n_bad == 0)
		return;
	snprintf(text, sizeof text,
		 "%llu values or frames make no sense, or are negative, and were left out.", n_bad);
	recording_note(recording, SEVERITY_WARNING, source_name, text, "");
}

static void take_all(struct reading *reading, struct protobuf_message message, uint32_t number,
		     void (*take)(struct reading *, struct protobuf_message))
{
	struct protobuf_field field;
	while (protobuf_next(&message, &field))
		if (field.number == number && field.type == PROTOBUF_BYTES)
			take(reading, field.bytes);
}

/* Tables, then frames, then samples: each needs those before it. */
static bool read_profile(struct reading *reading, const struct protobuf_message *whole)
{
	struct protobuf_field field;
	struct protobuf_message at = *whole;
	while (protobuf_next(&at, &field))
		if (field.type == PROTOBUF_BYTES || field.type == PROTOBUF_VARINT)
			pprof_tables_take(&reading->tables, &field);
	pprof_tables_pair(&reading->tables);
	add_all_series(reading);
	take_all(reading, *whole, PROFILE_LOCATION, take_location);
	take_all(reading, *whole, PROFILE_SAMPLE, take_sample);
	return !at.is_bad;
}

static void free_reading(struct reading *reading)
{
	pprof_tables_close(&reading->tables);
	pprof_list_free(&reading->locations);
	import_frames_free(reading->frames);
	free(reading);
}

static struct reading *new_reading(struct recording *recording)
{
	struct reading *reading = allocate(1, sizeof *reading);
	reading->recording = recording;
	reading->frames = import_frames_new(recording);
	pprof_tables_open(&reading->tables);
	reading->locations.row_bytes = sizeof(uint32_t);
	return reading;
}

static struct recording *pprof_read(const char *path, struct why *why)
{
	size_t n_bytes;
	bool is_cut;
	char clean[256];
	char *bytes = import_bytes(path, MOST_BYTES, &n_bytes, &is_cut, why);
	if (!bytes)
		return NULL;
	struct recording *recording = recording_new();
	struct reading *reading = new_reading(recording);
	const uint8_t *start = (const uint8_t *)bytes;
	struct protobuf_message whole = { start, start + n_bytes, false };
	recording->start_ns = recording->start_epoch_ns = 0;
	bool is_whole = read_profile(reading, &whole);
	bool is_profile = reading->tables.n_types > 0 && reading->tables.texts.n > 0;
	import_samples_end(&reading->samples, recording);
	if ((int64_t)reading->tables.time_ns > 0)
		recording->start_epoch_ns = reading->tables.time_ns;
	add_notes(reading, is_cut || !is_whole);
	recording_publish(recording);
	free_reading(reading);
	free(bytes);
	if (is_profile)
		return recording;
	recording_free(recording);
	text_clean(clean, sizeof clean, path);
	if (is_cut)
		why_fail(why, "%s is damaged or cut after %zu unpacked bytes: too early to read.",
			 clean, n_bytes);
	else
		why_fail(why, "%s is no pprof file: it names no sample types.", clean);
	return NULL;
}

/* A sample type: two small numbers, the places of its name and unit. */
static bool is_type(struct protobuf_message type)
{
	struct protobuf_field field;
	int n = 0;
	while (protobuf_next(&type, &field)) {
		if (field.number > TYPE_UNIT || field.type != PROTOBUF_VARINT)
			return false;
		n++;
	}
	return n > 0 && !type.is_bad;
}

/* Sound fields of a profile up to a sample type, which comes first, or after its texts. */
static bool pprof_looks_like(const unsigned char *head, size_t n_bytes)
{
	struct protobuf_message message = { head, head + n_bytes, false };
	struct protobuf_field field;
	while (protobuf_next(&message, &field)) {
		bool is_message =
			field.number <= PROFILE_STRING || field.number == PROFILE_PERIOD_TYPE;
		if (field.number > PROFILE_LAST || (is_message && field.type != PROTOBUF_BYTES))
			return false;
		if (field.number == PROFILE_SAMPLE_TYPE)
			return is_type(field.bytes);
	}
	return false;
}

const struct importer importer_pprof = {
	.name = "pprof",
	.suffix = ".pb.gz",
	.summary = "pprof's protobuf, gzipped or not",
	.looks_like = pprof_looks_like,
	.read = pprof_read,
};
