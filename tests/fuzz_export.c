/*
 * Recordings of any shape, built row by row from the input, written in every format: names of any
 * bytes, any times, weights and addresses, chains of any order. What is JSON must parse.
 */
#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/exporter.h"
#include "sampler/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
	struct recording *recording;
};

static uint64_t take(struct input *input, size_t bytes)
{
	uint64_t value = 0;
	for (size_t i = 0; i < bytes && input->at < input->end; i++)
		value = value << 8 | *input->at++;
	return value;
}

/* An id of a row that is there; 0 is always. */
static uint32_t any(struct input *input, enum table_id table)
{
	return (uint32_t)(take(input, 2) % input->recording->tables[table].n_rows);
}

static uint32_t add_text(struct input *input)
{
	char text[32];
	size_t n = take(input, 1) % sizeof text;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)take(input, 1);
	text[n] = '\0';
	return recording_add_string(input->recording, text);
}

static double add_number(struct input *input)
{
	uint64_t bits = take(input, 8);
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static void add_frame(struct input *input)
{
	struct recording *recording = input->recording;
	struct frame_row row = { .address = take(input, 8),
				 .module = any(input, TABLE_MODULES),
				 .flags = (uint32_t)take(input, 1) };
	if (row.module == 0)
		row.address = add_text(input);
	uint32_t id = recording_add_frame(recording, &row);
	struct location_row location = { .function = any(input, TABLE_FUNCTIONS),
					 .file = add_text(input),
					 .line = (uint32_t)take(input, 4),
					 .inlined_into = any(input, TABLE_INLINES) };
	if (id >= recording->tables[TABLE_LOCATIONS].n_rows)
		recording_add_location(recording, &location);
}

static void add_code(struct input *input, unsigned what)
{
	struct recording *recording = input->recording;
	if (what == 0) {
		struct module_row row = { .path = add_text(input),
					  .build_id = add_text(input),
					  .kind = (uint32_t)take(input, 1) %
						  (MODULE_ANONYMOUS + 1) };
		recording_add_module(recording, &row);
	} else if (what == 1) {
		struct function_row row = { .name = add_text(input),
					    .linkage_name = add_text(input),
					    .module = any(input, TABLE_MODULES),
					    .flags = (uint32_t)take(input, 1),
					    .address = take(input, 8) };
		recording_add_function(recording, &row);
	} else if (what == 2) {
		struct inline_row row = { .function = any(input, TABLE_FUNCTIONS),
					  .file = add_text(input),
					  .line = (uint32_t)take(input, 4),
					  .inlined_into = any(input, TABLE_INLINES) };
		recording_add_inline(recording, &row);
	} else if (what == 3) {
		add_frame(input);
	} else {
		recording_add_stack(recording, any(input, TABLE_STACKS), any(input, TABLE_FRAMES));
	}
}

static void add_data(struct input *input, unsigned what)
{
	struct recording *recording = input->recording;
	if (what == 0) {
		struct sample_row row = { .time_ns = take(input, 8),
					  .weight = take(input, 8),
					  .stack = any(input, TABLE_STACKS),
					  .thread = any(input, TABLE_THREADS),
					  .count = (uint32_t)take(input, 4),
					  .series = (uint16_t)any(input, TABLE_SERIES) };
		recording_add_sample(recording, &row);
	} else if (what == 1) {
		struct reading_row row = { .time_ns = take(input, 8),
					   .value = add_number(input),
					   .series = any(input, TABLE_SERIES),
					   .thread = any(input, TABLE_THREADS),
					   .running_ratio = (float)add_number(input),
					   .origin = (uint32_t)take(input, 1) % N_ORIGINS };
		recording_add_reading(recording, &row);
	} else if (what == 2) {
		struct span_row row = { .start_ns = take(input, 8),
					.duration_ns = take(input, 8),
					.flops = add_number(input),
					.bytes = add_number(input),
					.items = add_number(input),
					.series = any(input, TABLE_SERIES),
					.name = add_text(input),
					.stack = any(input, TABLE_STACKS),
					.thread = any(input, TABLE_THREADS),
					.launch_ns = take(input, 8),
					.launch_duration_ns = take(input, 4) };
		recording_add_span(recording, &row);
	}
}

static void add_names(struct input *input, unsigned what)
{
	struct recording *recording = input->recording;
	if (what == 0) {
		struct thread_row row = { .pid = (uint32_t)take(input, 4),
					  .tid = (uint32_t)take(input, 4),
					  .name = add_text(input),
					  .process_name = add_text(input),
					  .start_ns = take(input, 8) };
		recording_add_thread(recording, &row);
	} else if (what == 1) {
		struct series_row row = { .name = take(input, 1) % 2 ? add_text(input)
								     : recording_add_string(
									       recording, "phases"),
					  .unit = add_text(input),
					  .device = add_text(input),
					  .origin = (uint32_t)take(input, 1) % N_ORIGINS,
					  .reason = add_text(input),
					  .flags = (uint32_t)take(input, 1) };
		/* As many as a profile's columns may be. */
		if (recording->tables[TABLE_SERIES].n_rows < 100)
			recording_add_series(recording, &row);
	} else {
		const char *keys[] = { "command_line", "sampling.frequency_hz", "host" };
		const char *value = recording_string_at(recording, add_text(input));
		char copy[32];
		snprintf(copy, sizeof copy, "%s", value);
		recording_add_fact(recording, keys[take(input, 1) % 3], copy);
		recording_note(recording, SEVERITY_WARNING, copy, copy, copy);
	}
}

/* Whether every document in the text is JSON. */
static void check_json(const char *text, size_t n)
{
	struct json_tokener *tokener = json_tokener_new();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
						JSON_TOKENER_ALLOW_TRAILING_CHARS);
	for (size_t at = 0; at < n;) {
		struct json_object *value =
			json_tokener_parse_ex(tokener, text + at, (int)(n - at));
		if (json_tokener_get_error(tokener) != json_tokener_success || !value) {
			fprintf(stderr, "not JSON: %.200s\n",
				text + at + json_tokener_get_parse_end(tokener));
			abort();
		}
		at += json_tokener_get_parse_end(tokener);
		json_object_put(value);
		json_tokener_reset(tokener);
		while (at < n && text[at] == '\n')
			at++;
	}
	json_tokener_free(tokener);
}

static void write_all(const struct recording *recording, const struct export_options *options)
{
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++) {
		char *text = NULL;
		size_t n = 0;
		struct why why;
		const char *suffix = (*exporter)->suffix;
		FILE *out = open_memstream(&text, &n);
		bool is_written = (*exporter)->write(recording, options, out, &why);
		fclose(out);
		if (!is_written && (!(*exporter)->unusable || !(*exporter)->unusable()))
			abort();
		if (is_written && strstr(suffix, ".json"))
			check_json(text, n);
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size, recording_new() };
	unsigned first_level = (unsigned)take(&input, 1);
	struct export_options options = { .no_inline = take(&input, 1) % 2,
					  .per_thread = first_level % 2,
					  .per_phase = first_level & 2,
					  .from_ns = take(&input, 1) % 4 ? 0 : take(&input, 8),
					  .to_ns = take(&input, 1) % 4 ? 0 : take(&input, 8) };
	input.recording->start_ns = take(&input, 1) % 2 ? take(&input, 8) : 0;
	while (input.at < input.end) {
		unsigned what = (unsigned)take(&input, 1) % 11;
		if (what < 5)
			add_code(&input, what);
		else if (what < 8)
			add_data(&input, what - 5);
		else
			add_names(&input, what - 8);
	}
	recording_flush_samples(input.recording, UINT64_MAX);
	recording_publish(input.recording);
	options.series = any(&input, TABLE_SERIES);
	write_all(input.recording, &options);
	recording_free(input.recording);
	return 0;
}
