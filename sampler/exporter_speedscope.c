/*
 * speedscope's own format: one sampled profile a thread, in order of time, so that its time-order
 * view shows what followed what to the length of a slot of time (20 ms), and its left-heavy view
 * the merged stacks. Weights are the series' own.
 * Source: speedscope, src/lib/file-format-spec.ts and its JSON schema.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_paths.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/json.h"
#include "sampler/recording.h"

struct output {
	const struct recording *recording;
	const struct export_paths *paths;
	const struct export_rows *rows;
	uint32_t *frames;  /* function id -> index in the file + 1 */
	uint32_t *pending; /* a stack's frames, leaf first */
	struct json json;
};

/* The schema knows six units and no more. */
static const char *unit_of(const struct recording *recording, uint32_t series)
{
	static const char *const units[][2] = {
		{ "ns", "nanoseconds" }, { "us", "microseconds" }, { "ms", "milliseconds" },
		{ "s", "seconds" },      { "B", "bytes" },
	};
	const char *unit =
		recording_string_at(recording, recording_series(recording, series)->unit);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(unit, units[i][0]) == 0)
			return units[i][1];
	return "none";
}

static void write_frame(struct output *output, uint32_t function)
{
	struct json *json = &output->json;
	const struct function_row *row = recording_function(output->recording, function);
	uint32_t file = output->paths->files[function];
	json_open(json, '{');
	json_string_at(json, "name", recording_string_at(output->recording, row->name));
	if (file)
		json_string_at(json, "file", recording_string_at(output->recording, file));
	json_close(json, '}');
	json_line(json, false);
}

static void write_frames(struct output *output)
{
	uint32_t n = 0;
	json_open(&output->json, '[');
	for (uint32_t i = 1; i < output->paths->n_paths; i++) {
		uint32_t function = output->paths->paths[i].function;
		if (output->frames[function])
			continue;
		output->frames[function] = ++n;
		write_frame(output, function);
	}
	json_close(&output->json, ']');
}

static void write_stack(struct output *output, uint32_t stack)
{
	size_t n = 0;
	const struct export_path *paths = output->paths->paths;
	for (uint32_t at = output->paths->of_stack[stack]; at; at = paths[at].parent)
		output->pending[n++] = output->frames[paths[at].function] - 1;
	json_open(&output->json, '[');
	while (n > 0)
		json_unsigned(&output->json, output->pending[--n]);
	json_close(&output->json, ']');
}

static void open_profile(struct output *output, const char *name, uint64_t weight)
{
	struct json *json = &output->json;
	json_open(json, '{');
	json_string_at(json, "type", "sampled");
	json_string_at(json, "name", name);
	json_string_at(json, "unit", unit_of(output->recording, output->rows->series));
	json_unsigned_at(json, "startValue", 0);
	json_unsigned_at(json, "endValue", weight);
}

static void write_profile(struct output *output, const struct export_thread *thread)
{
	struct json *json = &output->json;
	const uint32_t *samples = output->rows->samples + thread->first;
	char name[128];
	open_profile(output,
		     export_thread_name(output->recording, thread->thread, name, sizeof name),
		     thread->weight);
	json_key(json, "samples");
	json_open(json, '[');
	for (size_t i = 0; i < thread->n && !ferror(json->out); i++)
		write_stack(output, recording_sample(output->recording, samples[i])->stack);
	json_close(json, ']');
	json_key(json, "weights");
	json_open(json, '[');
	for (size_t i = 0; i < thread->n; i++)
		json_unsigned(json, recording_sample(output->recording, samples[i])->weight);
	json_close(json, ']');
	json_close(json, '}');
	json_line(json, false);
}

/* The schema allows no profiles at all, the page does not. */
static void write_empty_profile(struct output *output)
{
	open_profile(output, "no samples", 0);
	json_key(&output->json, "samples");
	json_open(&output->json, '[');
	json_close(&output->json, ']');
	json_key(&output->json, "weights");
	json_open(&output->json, '[');
	json_close(&output->json, ']');
	json_close(&output->json, '}');
}

/* What the page shows first: the thread that did most. */
static size_t heaviest(const struct export_rows *rows)
{
	size_t best = 0;
	for (size_t i = 1; i < rows->n_threads; i++)
		if (rows->threads[i].weight > rows->threads[best].weight)
			best = i;
	return best;
}

static void write_file(struct output *output)
{
	struct json *json = &output->json;
	const char *command = export_fact(output->recording, "command_line");
	json_open(json, '{');
	json_string_at(json, "$schema", "https://www.speedscope.app/file-format-schema.json");
	json_string_at(json, "exporter", "stoke");
	json_string_at(json, "name", command ? command : "stoke");
	json_unsigned_at(json, "activeProfileIndex", heaviest(output->rows));
	json_key(json, "shared");
	json_open(json, '{');
	json_key(json, "frames");
	write_frames(output);
	json_close(json, '}');
	json_key(json, "profiles");
	json_open(json, '[');
	for (size_t i = 0; i < output->rows->n_threads; i++)
		write_profile(output, &output->rows->threads[i]);
	if (output->rows->n_threads == 0)
		write_empty_profile(output);
	json_close(json, ']');
	json_close(json, '}');
	json_line(json, true);
}

static bool speedscope_write(const struct recording *recording,
			     const struct export_options *options, FILE *out, struct why *why)
{
	struct export_paths *paths = export_paths_open(recording, options->no_inline);
	struct export_rows *rows = export_rows_open(recording, options);
	struct output output = {
		.recording = recording, .paths = paths, .rows = rows, .json = { .out = out }
	};
	output.frames = allocate(paths->n_functions, sizeof *output.frames);
	output.pending = allocate(paths->n_paths, sizeof *output.pending);
	write_file(&output);
	free(output.frames);
	free(output.pending);
	export_rows_close(rows);
	export_paths_close(paths);
	return exporter_finish(out, "a speedscope profile", why);
}

const struct exporter exporter_speedscope = {
	.name = "speedscope",
	.suffix = ".speedscope.json",
	.summary = "JSON for speedscope.app: one profile a thread, in order of time",
	.write = speedscope_write,
};
