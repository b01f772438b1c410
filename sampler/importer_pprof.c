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
#include "sampler/hash_map.h"
#include "sampler/import_bytes.h"
#include "sampler/import_frames.h"
#include "sampler/import_samples.h"
#include "sampler/importer.h"
#include "sampler/protobuf_wire.h"
#include "sampler/recording.h"

static const char source_name[] = "pprof";
static const size_t MOST_BYTES = (size_t)2 << 30;

/* Fields of the messages. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME = 9,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,
	PROFILE_LAST = 15,
	TYPE_NAME = 1,
	TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_TEXT = 2,
	LABEL_NUMBER = 3,
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_OFFSET = 4,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID = 6,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_NUMBER = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILE = 4,
};

enum {
	MOST_TYPES = 64,
	MOST_PLACES = 64, /* functions inlined into each other */
	MOST_DEPTH = 8192,
	MOST_NAME_BYTES = 1024,
};

struct function {
	uint32_t name, system_name, file; /* places in strings */
};

struct mapping {
	uint64_t start, offset;
	uint32_t file, build_id, module;
};

struct type {
	uint32_t name, unit;
	uint16_t series;
	int32_t count; /* the type that counts its samples; -1 = none does */
	bool is_count; /* counts the samples of another */
};

/* Ids of the file, which are any numbers, to places in an array. */
struct list {
	void *rows;
	uint32_t n, capacity;
	size_t row_bytes;
	struct hash_map by_id; /* id + 1 -> place + 1 */
};

struct reading {
	struct recording *recording;
	struct import_frames *frames;
	struct import_samples samples;
	struct list strings;   /* char *: into the file's bytes, ended */
	struct list functions; /* struct function */
	struct list mappings;  /* struct mapping */
	struct list locations; /* uint32_t: frame ids */
	struct type types[MOST_TYPES];
	uint32_t n_types, default_type, n_comments;
	uint32_t comments[8];
	uint64_t time_ns, n_bad, n_deep;
	uint32_t ids[MOST_DEPTH];
};

/* What a sample's labels say. */
struct labels {
	uint32_t thread, origin; /* places in strings */
	uint32_t pid, tid;
};

static void *add(struct list *list, uint64_t id)
{
	if (list->n == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 1024;
		list->rows = reallocate(list->rows, list->capacity, list->row_bytes);
	}
	void *row = (char *)list->rows + (size_t)list->n * list->row_bytes;
	memset(row, 0, list->row_bytes);
	list->n++;
	if (id + 1 != 0)
		*hash_map_at(&list->by_id, id + 1) = list->n;
	return row;
}

static void *find(const struct list *list, uint64_t id)
{
	uint32_t place = id + 1 != 0 ? hash_map_get(&list->by_id, id + 1) : 0;
	return place ? (char *)list->rows + (size_t)(place - 1) * list->row_bytes : NULL;
}

static void list_free(struct list *list)
{
	free(list->rows);
	hash_map_free(&list->by_id);
}

static const char *string_at(const struct reading *reading, uint64_t place)
{
	char *const *strings = reading->strings.rows;
	return place < reading->strings.n ? strings[place] : "";
}

static uint32_t place_of(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* ---- tables */

/* Texts are copied out: in the file none of them has an end. */
static void take_string(struct reading *reading, const struct protobuf_message *bytes)
{
	size_t n = (size_t)(bytes->end - bytes->at);
	char **row = add(&reading->strings, reading->strings.n);
	*row = allocate(n + 1, 1);
	memcpy(*row, bytes->at, n);
}

static void take_type(struct reading *reading, struct protobuf_message message)
{
	struct protobuf_field field;
	struct type type = { .count = -1 };
	if (reading->n_types == MOST_TYPES) {
		reading->n_bad++;
		return;
	}
	while (protobuf_next(&message, &field)) {
		if (field.number == TYPE_NAME)
			type.name = place_of(field.value);
		else if (field.number == TYPE_UNIT)
			type.unit = place_of(field.value);
	}
	reading->types[reading->n_types++] = type;
}

static void take_function(struct reading *reading, struct protobuf_message message)
{
	struct protobuf_field field;
	struct function function = { 0 };
	uint64_t id = 0;
	while (protobuf_next(&message, &field)) {
		if (field.number == FUNCTION_ID)
			id = field.value;
		else if (field.number == FUNCTION_NAME)
			function.name = place_of(field.value);
		else if (field.number == FUNCTION_SYSTEM_NAME)
			function.system_name = place_of(field.value);
		else if (field.number == FUNCTION_FILE)
			function.file = place_of(field.value);
	}
	*(struct function *)add(&reading->functions, id) = function;
}

static void take_mapping(struct reading *reading, struct protobuf_message message)
{
	struct protobuf_field field;
	struct mapping mapping = { 0 };
	uint64_t id = 0;
	while (protobuf_next(&message, &field)) {
		if (field.number == MAPPING_ID)
			id = field.value;
		else if (field.number == MAPPING_START)
			mapping.start = field.value;
		else if (field.number == MAPPING_OFFSET)
			mapping.offset = field.value;
		else if (field.number == MAPPING_FILE)
			mapping.file = place_of(field.value);
		else if (field.number == MAPPING_BUILD_ID)
			mapping.build_id = place_of(field.value);
	}
	*(struct mapping *)add(&reading->mappings, id) = mapping;
}

static void take_table(struct reading *reading, const struct protobuf_field *field)
{
	switch (field->number) {
	case PROFILE_SAMPLE_TYPE:
		take_type(reading, field->bytes);
		break;
	case PROFILE_MAPPING:
		take_mapping(reading, field->bytes);
		break;
	case PROFILE_FUNCTION:
		take_function(reading, field->bytes);
		break;
	case PROFILE_STRING:
		take_string(reading, &field->bytes);
		break;
	case PROFILE_TIME:
		reading->time_ns = field->value;
		break;
	case PROFILE_DEFAULT_TYPE:
		reading->default_type = place_of(field->value);
		break;
	case PROFILE_COMMENT:
		if (reading->n_comments < sizeof reading->comments / sizeof reading->comments[0])
			reading->comments[reading->n_comments++] = place_of(field->value);
		break;
	default:
		break;
	}
}

/* ---- series */

static bool counts(const struct reading *reading, const struct type *type)
{
	return strcmp(string_at(reading, type->unit), "count") == 0;
}

/* "samples/count" before "cpu/nanoseconds" says how many samples those are. */
static void pair_types(struct reading *reading)
{
	for (uint32_t i = 1; i < reading->n_types; i++) {
		if (counts(reading, &reading->types[i]) || !counts(reading, &reading->types[i - 1]))
			continue;
		reading->types[i].count = (int32_t)i - 1;
		reading->types[i - 1].is_count = true;
	}
	/* Of several counts one after the other, as stoke writes them, two by two. */
	for (uint32_t i = 0; i + 1 < reading->n_types; i++) {
		const char *name = string_at(reading, reading->types[i + 1].name);
		const char *count = string_at(reading, reading->types[i].name);
		size_t n = strlen(name);
		bool is_pair =
			i == 0 ? strcmp(count, "samples") == 0
			       : strncmp(count, name, n) == 0 && strcmp(count + n, ".samples") == 0;
		if (!is_pair || reading->types[i].is_count || reading->types[i].count >= 0)
			continue;
		reading->types[i + 1].count = (int32_t)i;
		reading->types[i].is_count = true;
	}
}

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

static void add_series(struct reading *reading, struct type *type, enum origin origin)
{
	struct series_row row = {
		.name = add_text(reading, string_at(reading, type->name)),
		.unit = add_text(reading, unit_of(string_at(reading, type->unit))),
		.source = add_text(reading, source_name),
		.origin = origin,
		.flags = SERIES_SAMPLES,
	};
	type->series = (uint16_t)recording_add_series(reading->recording, &row);
}

static bool is_wanted_first(const struct reading *reading, const struct type *type)
{
	return reading->default_type ? strcmp(string_at(reading, type->name),
					      string_at(reading, reading->default_type)) == 0
				     : type == &reading->types[reading->n_types - 1];
}

/* The type that pprof shows unless asked comes first here too. */
static void add_all_series(struct reading *reading)
{
	for (int turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < reading->n_types; i++) {
			struct type *type = &reading->types[i];
			if (!type->is_count && is_wanted_first(reading, type) == (turn == 0))
				add_series(reading, type, ORIGIN_SOFTWARE);
		}
}

/* ---- frames */

static uint32_t module_of(struct reading *reading, uint64_t id, const struct mapping **found)
{
	struct mapping *mapping = find(&reading->mappings, id);
	*found = mapping;
	if (!mapping)
		return import_module(reading->frames, "", NULL, "[pprof]");
	if (!mapping->module)
		mapping->module = import_module(reading->frames, string_at(reading, mapping->file),
						string_at(reading, mapping->build_id), "[pprof]");
	return mapping->module;
}

static void take_line(const struct reading *reading, struct protobuf_message message,
		      struct import_place *place)
{
	struct protobuf_field field;
	const struct function *function = NULL;
	*place = (struct import_place){ .name = "" };
	while (protobuf_next(&message, &field)) {
		if (field.number == LINE_FUNCTION)
			function = find(&reading->functions, field.value);
		else if (field.number == LINE_NUMBER && field.value <= UINT32_MAX)
			place->line = (uint32_t)field.value;
	}
	if (!function)
		return;
	place->name = string_at(reading, function->name);
	place->linkage_name = string_at(reading, function->system_name);
	place->file = string_at(reading, function->file);
}

/* Without a function: the file and where in it. */
static void name_address(const struct reading *reading, const struct mapping *mapping,
			 uint64_t address, char *out, size_t bytes)
{
	const char *file = mapping ? string_at(reading, mapping->file) : "";
	const char *slash = strrchr(file, '/');
	snprintf(out, bytes, "[%.150s+0x%llx]",
		 slash     ? slash + 1
		 : file[0] ? file
			   : "pprof",
		 (unsigned long long)address);
}

static void take_location(struct reading *reading, struct protobuf_message message)
{
	struct protobuf_field field;
	struct import_place places[MOST_PLACES];
	const struct mapping *mapping;
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
	const char *file = mapping ? string_at(reading, mapping->file) : "";
	uint32_t flags = strncmp(file, "[kernel", 7) == 0 ? FRAME_KERNEL : 0;
	uint32_t frame =
		address ? import_frame_at(reading->frames, places, n, module, flags, address)
			: import_frame(reading->frames, places, n, module, flags);
	*(uint32_t *)add(&reading->locations, id) = frame;
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
	const char *name = string_at(reading, key);
	if (strcmp(name, "thread") == 0 || strcmp(name, "thread_name") == 0 ||
	    strcmp(name, "comm") == 0)
		labels->thread = place_of(text);
	else if (strcmp(name, "pid") == 0)
		labels->pid = small(number);
	else if (strcmp(name, "tid") == 0 || strcmp(name, "thread_id") == 0)
		labels->tid = small(number);
	else if (strcmp(name, "provenance") == 0)
		labels->origin = place_of(text);
}

/* The first mapping is the program's own. */
static const char *program_of(const struct reading *reading)
{
	const struct mapping *mappings = reading->mappings.rows;
	const char *file = reading->mappings.n ? string_at(reading, mappings[0].file) : "";
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	return name[0] ? name : "[unnamed]";
}

static uint32_t thread_of(struct reading *reading, const struct labels *labels)
{
	const char *name = string_at(reading, labels->thread);
	if (!name[0])
		name = program_of(reading);
	uint32_t text = add_text(reading, name);
	struct thread_row row = {
		.pid = labels->pid, .tid = labels->tid, .name = text, .process_name = text
	};
	return recording_add_thread(reading->recording, &row);
}

/* The origin is the series', which is written at its first sample then. */
static uint16_t series_of(struct reading *reading, struct type *type, const struct labels *labels)
{
	const char *name = string_at(reading, labels->origin);
	for (int i = 0; i < N_ORIGINS && name[0]; i++)
		if (strcmp(origin_name(i), name) == 0)
			add_series(reading, type, i);
	return type->series;
}

static void add_rows(struct reading *reading, struct sample_row row, const uint64_t *values,
		     const struct labels *labels)
{
	for (uint32_t i = 0; i < reading->n_types; i++) {
		struct type *type = &reading->types[i];
		if (type->is_count)
			continue;
		uint64_t count = type->count >= 0 ? values[type->count] : 1;
		if (counts(reading, type) && type->count < 0)
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
	uint64_t values[MOST_TYPES] = { 0 }, value;
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
			if (field.number == SAMPLE_VALUE && n_values < MOST_TYPES)
				values[n_values++] = value;
			else if (field.number == SAMPLE_LOCATION)
				frame = find(&reading->locations, value);
			if (frame && n_ids < MOST_DEPTH)
				reading->ids[n_ids++] = *frame;
			else if (field.number == SAMPLE_LOCATION)
				reading->n_deep++;
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
	for (uint32_t i = 0; i < reading->n_comments; i++) {
		const char *comment = string_at(reading, reading->comments[i]);
		const char *colon = strstr(comment, ": ");
		if (strncmp(comment, "command_line: ", 14) == 0 ||
		    strncmp(comment, "host: ", 6) == 0 || strncmp(comment, "cpu: ", 5) == 0) {
			snprintf(text, sizeof text, "%.*s", (int)(colon - comment), comment);
			recording_add_fact(recording, text,
					   text_clean(clean, sizeof clean, colon + 2));
		} else {
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
	if (reading->n_bad + reading->n_deep == 0)
		return;
	snprintf(text, sizeof text,
		 "%llu values or frames make no sense, or are negative, and were left out.",
		 (unsigned long long)(reading->n_bad + reading->n_deep));
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
			take_table(reading, &field);
	pair_types(reading);
	add_all_series(reading);
	take_all(reading, *whole, PROFILE_LOCATION, take_location);
	take_all(reading, *whole, PROFILE_SAMPLE, take_sample);
	return !at.is_bad;
}

static void free_reading(struct reading *reading)
{
	char **strings = reading->strings.rows;
	for (uint32_t i = 0; i < reading->strings.n; i++)
		free(strings[i]);
	list_free(&reading->strings);
	list_free(&reading->functions);
	list_free(&reading->mappings);
	list_free(&reading->locations);
	import_frames_free(reading->frames);
	free(reading);
}

static struct reading *new_reading(struct recording *recording)
{
	struct reading *reading = allocate(1, sizeof *reading);
	reading->recording = recording;
	reading->frames = import_frames_new(recording);
	reading->strings.row_bytes = sizeof(char *);
	reading->functions.row_bytes = sizeof(struct function);
	reading->mappings.row_bytes = sizeof(struct mapping);
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
	bool is_profile = reading->n_types > 0 && reading->strings.n > 0;
	import_samples_end(&reading->samples, recording);
	if ((int64_t)reading->time_ns > 0)
		recording->start_epoch_ns = reading->time_ns;
	add_notes(reading, is_cut || !is_whole);
	recording_publish(recording);
	free_reading(reading);
	free(bytes);
	if (is_profile)
		return recording;
	recording_free(recording);
	why_fail(why, "%s is no pprof file: it names no sample types.",
		 text_clean(clean, sizeof clean, path));
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
