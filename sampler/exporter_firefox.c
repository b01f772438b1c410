/*
 * The Firefox Profiler's processed profile, version 48: a thread each with its own tables of
 * functions, frames and stacks, samples in order of time, phases as markers. The page upgrades
 * older versions itself; this one is the last whose every field its change log describes.
 * Source: firefox-devtools/profiler, docs-developer/CHANGELOG-formats.md and src/types/profile.js.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/export_paths.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/firefox_meta.h"
#include "sampler/json.h"
#include "sampler/recording.h"

struct output {
	const struct recording *recording;
	const struct export_options *options;
	const struct export_paths *paths;
	const struct export_rows *rows;
	struct moment moment;
	uint32_t *place_of_path;     /* in the thread's tables, + 1 */
	uint32_t *place_of_function; /* the same */
	uint32_t *place_of_module;   /* the same, among its resources */
	uint32_t *library;           /* module -> place in "libs" + 1 */
	uint32_t *used_paths, *used_functions, *used_modules;
	uint32_t n_paths, n_functions, n_modules;
	bool *has_samples; /* threads that are written */
	struct json json;
};

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static const struct function_row *function_at(const struct output *output, uint32_t i)
{
	return recording_function(output->recording, output->used_functions[i]);
}

static uint32_t function_of_path(const struct output *output, uint32_t i)
{
	return output->paths->paths[output->used_paths[i]].function;
}

static enum firefox_category category_of(const struct output *output, uint32_t i)
{
	const struct function_row *row =
		recording_function(output->recording, function_of_path(output, i));
	if (row->flags & FUNCTION_KERNEL)
		return FIREFOX_KERNEL;
	if (row->flags & FUNCTION_SPECIAL)
		return FIREFOX_OTHER;
	return row->flags & FUNCTION_JIT ? FIREFOX_JIT : FIREFOX_USER;
}

static void add_function(struct output *output, uint32_t function)
{
	uint32_t module = recording_function(output->recording, function)->module;
	if (output->place_of_function[function])
		return;
	output->used_functions[output->n_functions++] = function;
	output->place_of_function[function] = output->n_functions;
	if (module && output->library[module] && !output->place_of_module[module]) {
		output->used_modules[output->n_modules++] = module;
		output->place_of_module[module] = output->n_modules;
	}
}

static int lower(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;
	return *left < *right ? -1 : *left > *right;
}

/* The paths a thread's samples need, parents first. */
static void begin_thread(struct output *output, const struct export_thread *thread)
{
	const struct export_path *paths = output->paths->paths;
	output->n_paths = output->n_functions = output->n_modules = 0;
	for (size_t i = 0; i < thread->n; i++) {
		uint32_t id = output->rows->samples[thread->first + i];
		uint32_t stack = recording_sample(output->recording, id)->stack;
		for (uint32_t at = output->paths->of_stack[stack]; at && !output->place_of_path[at];
		     at = paths[at].parent) {
			output->used_paths[output->n_paths++] = at;
			output->place_of_path[at] = UINT32_MAX;
		}
	}
	if (output->n_paths)
		qsort(output->used_paths, output->n_paths, sizeof(uint32_t), lower);
	for (uint32_t i = 0; i < output->n_paths; i++) {
		output->place_of_path[output->used_paths[i]] = i + 1;
		add_function(output, function_of_path(output, i));
	}
}

static void end_thread(struct output *output)
{
	for (uint32_t i = 0; i < output->n_paths; i++)
		output->place_of_path[output->used_paths[i]] = 0;
	for (uint32_t i = 0; i < output->n_functions; i++)
		output->place_of_function[output->used_functions[i]] = 0;
	for (uint32_t i = 0; i < output->n_modules; i++)
		output->place_of_module[output->used_modules[i]] = 0;
}

/* A column of n values, one a row; NULL takes `constant` for all of them. */
static void write_column(struct output *output, const char *name, uint32_t n,
			 void (*value)(struct output *output, uint32_t i), const char *constant)
{
	json_key(&output->json, name);
	json_open(&output->json, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (value)
			value(output, i);
		else
			json_literal(&output->json, constant);
	}
	json_close(&output->json, ']');
}

static void open_table(struct output *output, const char *name, uint64_t length)
{
	json_key(&output->json, name);
	json_open(&output->json, '{');
	json_unsigned_at(&output->json, "length", length);
}

static void write_number(struct output *output, uint32_t i)
{
	json_unsigned(&output->json, i);
}

static void write_category(struct output *output, uint32_t i)
{
	json_unsigned(&output->json, category_of(output, i));
}

static void write_path_function(struct output *output, uint32_t i)
{
	json_unsigned(&output->json, output->place_of_function[function_of_path(output, i)] - 1);
}

static void write_inline_depth(struct output *output, uint32_t i)
{
	uint32_t path = output->used_paths[i], depth = 0;
	for (; output->paths->paths[path].is_inlined; path = output->paths->paths[path].parent)
		depth++;
	json_unsigned(&output->json, depth);
}

static void write_prefix(struct output *output, uint32_t i)
{
	uint32_t parent = output->paths->paths[output->used_paths[i]].parent;
	if (parent)
		json_unsigned(&output->json, output->place_of_path[parent] - 1);
	else
		json_literal(&output->json, "null");
}

/* Frames and stacks have one row a path. */
static void write_stacks(struct output *output)
{
	uint32_t n = output->n_paths;
	open_table(output, "frameTable", n);
	write_column(output, "address", n, NULL, "-1");
	write_column(output, "inlineDepth", n, write_inline_depth, NULL);
	write_column(output, "category", n, write_category, NULL);
	write_column(output, "subcategory", n, NULL, "0");
	write_column(output, "func", n, write_path_function, NULL);
	write_column(output, "nativeSymbol", n, NULL, "null");
	write_column(output, "innerWindowID", n, NULL, "0");
	write_column(output, "implementation", n, NULL, "null");
	write_column(output, "line", n, NULL, "null");
	write_column(output, "column", n, NULL, "null");
	json_close(&output->json, '}');
	json_line(&output->json, false);
	open_table(output, "stackTable", n);
	write_column(output, "frame", n, write_number, NULL);
	write_column(output, "category", n, write_category, NULL);
	write_column(output, "subcategory", n, NULL, "0");
	write_column(output, "prefix", n, write_prefix, NULL);
	json_close(&output->json, '}');
	json_line(&output->json, false);
}

/* Strings: names of functions, their files, names of modules, names of markers. */
static void write_resource(struct output *output, uint32_t i)
{
	uint32_t place = output->place_of_module[function_at(output, i)->module];
	if (place)
		json_unsigned(&output->json, place - 1);
	else
		json_literal(&output->json, "-1");
}

static void write_file(struct output *output, uint32_t i)
{
	if (output->paths->files[output->used_functions[i]])
		json_unsigned(&output->json, output->n_functions + i);
	else
		json_literal(&output->json, "null");
}

static void write_functions(struct output *output)
{
	uint32_t n = output->n_functions;
	open_table(output, "funcTable", n);
	write_column(output, "name", n, write_number, NULL);
	write_column(output, "isJS", n, NULL, "false");
	write_column(output, "relevantForJS", n, NULL, "false");
	write_column(output, "resource", n, write_resource, NULL);
	write_column(output, "fileName", n, write_file, NULL);
	write_column(output, "lineNumber", n, NULL, "null");
	write_column(output, "columnNumber", n, NULL, "null");
	json_close(&output->json, '}');
	json_line(&output->json, false);
	open_table(output, "nativeSymbols", 0);
	write_column(output, "address", 0, NULL, "");
	write_column(output, "functionSize", 0, NULL, "");
	write_column(output, "libIndex", 0, NULL, "");
	write_column(output, "name", 0, NULL, "");
	json_close(&output->json, '}');
}

static void write_library(struct output *output, uint32_t i)
{
	json_unsigned(&output->json, output->library[output->used_modules[i]] - 1);
}

static void write_module_name(struct output *output, uint32_t i)
{
	json_unsigned(&output->json, 2 * output->n_functions + i);
}

static void write_resources(struct output *output)
{
	uint32_t n = output->n_modules;
	open_table(output, "resourceTable", n);
	write_column(output, "lib", n, write_library, NULL);
	write_column(output, "name", n, write_module_name, NULL);
	write_column(output, "host", n, NULL, "null");
	write_column(output, "type", n, NULL, "1"); /* a library */
	json_close(&output->json, '}');
	json_line(&output->json, false);
}

static void write_samples(struct output *output, const struct export_thread *thread)
{
	struct json *json = &output->json;
	const struct recording *recording = output->recording;
	const uint32_t *ids = output->rows->samples + thread->first;
	open_table(output, "samples", thread->n);
	json_string_at(json, "weightType", "samples");
	json_key(json, "stack");
	json_open(json, '[');
	for (size_t i = 0; i < thread->n && !ferror(json->out); i++) {
		uint32_t stack = recording_sample(recording, ids[i])->stack;
		uint32_t place = output->place_of_path[output->paths->of_stack[stack]];
		if (place)
			json_unsigned(json, place - 1);
		else
			json_literal(json, "null");
	}
	json_close(json, ']');
	json_key(json, "time");
	json_open(json, '[');
	for (size_t i = 0; i < thread->n && !ferror(json->out); i++)
		json_number(json,
			    ms(export_relative_ns(recording,
						  recording_sample(recording, ids[i])->time_ns)));
	json_close(json, ']');
	json_key(json, "weight");
	json_open(json, '[');
	for (size_t i = 0; i < thread->n; i++)
		json_unsigned(json, recording_sample(recording, ids[i])->count);
	json_close(json, ']');
	json_close(json, '}');
	json_line(json, false);
}

/* Which of the spans are the thread's: its own, and for the first thread those of nobody, or of a
 * thread that has no samples and so is not written. */
static bool is_marker(const struct output *output, uint64_t id, uint32_t thread, bool is_first)
{
	const struct span_row *span = recording_span(output->recording, id);
	return export_span_is_in(output->options, span) &&
	       (span->thread == thread ||
		(is_first && (span->thread == 0 || !output->has_samples[span->thread])));
}

enum marker_column {
	MARKER_NAME,
	MARKER_START,
	MARKER_END,
	MARKER_PHASE,
	MARKER_CATEGORY,
	MARKER_DATA
};

static void write_marker(struct output *output, uint64_t id, enum marker_column column, uint32_t i)
{
	struct json *json = &output->json;
	const struct span_row *span = recording_span(output->recording, id);
	const struct series_row *series = recording_series(output->recording, span->series);
	uint64_t from_ns = export_relative_ns(output->recording, span->start_ns);
	switch (column) {
	case MARKER_NAME:
		json_unsigned(json, 2 * output->n_functions + output->n_modules + i);
		break;
	case MARKER_START:
		json_number(json, ms(from_ns));
		break;
	case MARKER_END:
		json_number(json, ms(from_ns + span->duration_ns));
		break;
	case MARKER_PHASE:
		json_unsigned(json, 1); /* an interval */
		break;
	case MARKER_CATEGORY:
		json_unsigned(json, FIREFOX_OTHER);
		break;
	case MARKER_DATA:
		json_open(json, '{');
		json_string_at(json, "type", "Text");
		json_string_at(json, "name", recording_string_at(output->recording, series->name));
		json_close(json, '}');
		break;
	}
}

static uint32_t write_markers(struct output *output, uint32_t thread, bool is_first)
{
	static const char *const names[] = { "name",  "startTime", "endTime",
					     "phase", "category",  "data" };
	uint32_t n = 0;
	for (uint64_t id = 1; id < output->moment.n[TABLE_SPANS]; id++)
		n += is_marker(output, id, thread, is_first);
	open_table(output, "markers", n);
	for (int column = MARKER_NAME; column <= MARKER_DATA; column++) {
		uint32_t i = 0;
		json_key(&output->json, names[column]);
		json_open(&output->json, '[');
		for (uint64_t id = 1; n && id < output->moment.n[TABLE_SPANS]; id++)
			if (is_marker(output, id, thread, is_first))
				write_marker(output, id, (enum marker_column)column, i++);
		json_close(&output->json, ']');
	}
	json_close(&output->json, '}');
	json_line(&output->json, false);
	return n;
}

static void write_strings(struct output *output, uint32_t thread, bool is_first)
{
	struct json *json = &output->json;
	const struct recording *recording = output->recording;
	json_key(json, "stringArray");
	json_open(json, '[');
	for (uint32_t i = 0; i < output->n_functions; i++)
		json_string(json, recording_string_at(recording, function_at(output, i)->name));
	for (uint32_t i = 0; i < output->n_functions; i++)
		json_string(json,
			    recording_string_at(recording,
						output->paths->files[output->used_functions[i]]));
	for (uint32_t i = 0; i < output->n_modules; i++) {
		const struct module_row *module =
			recording_module(recording, output->used_modules[i]);
		json_string(json, recording_string_at(recording, module->path));
	}
	for (uint64_t id = 1; id < output->moment.n[TABLE_SPANS]; id++)
		if (is_marker(output, id, thread, is_first))
			json_string(json, recording_string_at(recording,
							      recording_span(recording, id)->name));
	json_close(json, ']');
}

static void write_thread(struct output *output, const struct export_thread *part, bool is_first)
{
	struct json *json = &output->json;
	const struct recording *recording = output->recording;
	const struct thread_row *thread = recording_thread(recording, part->thread);
	char text[16];
	begin_thread(output, part);
	json_open(json, '{');
	json_string_at(json, "name", recording_string_at(recording, thread->name));
	json_string_at(json, "processName", recording_string_at(recording, thread->process_name));
	json_string_at(json, "processType", "default");
	snprintf(text, sizeof text, "%u", thread->pid);
	json_string_at(json, "pid", text);
	json_unsigned_at(json, "tid", thread->tid);
	json_key(json, "isMainThread");
	json_literal(json, thread->tid == thread->pid ? "true" : "false");
	json_unsigned_at(json, "processStartupTime", 0);
	json_key(json, "processShutdownTime");
	json_literal(json, "null");
	json_number_at(json, "registerTime", ms(export_relative_ns(recording, thread->start_ns)));
	json_key(json, "unregisterTime");
	json_literal(json, "null");
	write_column(output, "pausedRanges", 0, NULL, "");
	write_stacks(output);
	write_functions(output);
	write_resources(output);
	write_samples(output, part);
	write_markers(output, part->thread, is_first);
	write_strings(output, part->thread, is_first);
	json_close(json, '}');
	json_line(json, false);
	end_thread(output);
}

static void write_libraries(struct output *output)
{
	struct json *json = &output->json;
	uint32_t n = 0;
	json_key(json, "libs");
	json_open(json, '[');
	for (uint32_t id = 1; id < output->moment.n[TABLE_MODULES]; id++) {
		const struct module_row *module = recording_module(output->recording, id);
		const char *path = recording_string_at(output->recording, module->path);
		const char *build_id = recording_string_at(output->recording, module->build_id);
		output->library[id] = ++n;
		json_open(json, '{');
		json_string_at(json, "arch", "");
		json_string_at(json, "name", text_base_name(path));
		json_string_at(json, "path", path);
		json_string_at(json, "debugName", text_base_name(path));
		json_string_at(json, "debugPath", path);
		json_string_at(json, "breakpadId", "");
		json_key(json, "codeId");
		if (*build_id)
			json_string(json, build_id);
		else
			json_literal(json, "null");
		json_close(json, '}');
	}
	json_close(json, ']');
	json_line(json, false);
}

/* Phases of a window in which nothing was sampled still need a thread to be shown in. */
static bool has_spans(const struct output *output)
{
	for (uint64_t id = 1; id < output->moment.n[TABLE_SPANS]; id++)
		if (export_span_is_in(output->options, recording_span(output->recording, id)))
			return true;
	return false;
}

static void write_profile(struct output *output)
{
	struct json *json = &output->json;
	json_open(json, '{');
	firefox_write_meta(output->recording, json);
	write_libraries(output);
	write_column(output, "pages", 0, NULL, "");
	json_key(json, "threads");
	json_open(json, '[');
	for (size_t i = 0; i < output->rows->n_threads; i++)
		output->has_samples[output->rows->threads[i].thread] = true;
	for (size_t i = 0; i < output->rows->n_threads; i++)
		write_thread(output, &output->rows->threads[i], i == 0);
	const struct export_thread nobody = { .thread = output->moment.n[TABLE_THREADS] > 1 };
	if (output->rows->n_threads == 0 && has_spans(output))
		write_thread(output, &nobody, true);
	json_close(json, ']');
	json_close(json, '}');
	json_line(json, true);
}

static bool firefox_write(const struct recording *recording, const struct export_options *options,
			  FILE *out, struct why *why)
{
	struct moment moment = recording_moment(recording);
	struct export_paths *paths = export_paths_open(recording, options->no_inline);
	struct export_rows *rows = export_rows_open(recording, options);
	uint64_t n_functions = moment.n[TABLE_FUNCTIONS], n_modules = moment.n[TABLE_MODULES];
	/* One piece: six lists of numbers. */
	uint32_t *lists =
		allocate(2 * (paths->n_paths + n_functions) + 3 * n_modules, sizeof *lists);
	struct output output = { .recording = recording,
				 .options = options,
				 .paths = paths,
				 .rows = rows,
				 .moment = moment,
				 .json = { .out = out } };
	output.place_of_path = lists;
	output.used_paths = output.place_of_path + paths->n_paths;
	output.place_of_function = output.used_paths + paths->n_paths;
	output.used_functions = output.place_of_function + n_functions;
	output.place_of_module = output.used_functions + n_functions;
	output.used_modules = output.place_of_module + n_modules;
	output.library = output.used_modules + n_modules;
	output.has_samples = allocate(moment.n[TABLE_THREADS], sizeof *output.has_samples);
	write_profile(&output);
	free(output.has_samples);
	free(lists);
	export_rows_close(rows);
	export_paths_close(paths);
	return exporter_finish(out, "a Firefox profile", why);
}

const struct exporter exporter_firefox = {
	.name = "firefox",
	.suffix = ".firefox.json",
	.summary = "JSON for profiler.firefox.com: threads, libraries, phases as markers",
	.write = firefox_write,
};
