/*
 * Chrome's trace format, which Perfetto reads too: merged samples as nested complete events, a
 * thread each; readings as counters; phases and other spans as asynchronous events, as they may
 * overlap; work of a GPU as events on a track a stream, with arrows from its launch. Exact sums are
 * in the events' arguments; a box's length is its samples' own, rounded up where neighbours are
 * joined. Size is bounded: coarser slots of time, fewer points a counter, no spans too short to
 * see; "otherData" says what was done. Source: Trace Event Format, Google, 2016 (complete, counter,
 * nestable async and metadata events).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/chrome_gpu.h"
#include "sampler/export_paths.h"
#include "sampler/export_rows.h"
#include "sampler/export_trace.h"
#include "sampler/exporter.h"
#include "sampler/json.h"
#include "sampler/recording.h"

/* Some 100 bytes each: 35 MB at most, which both viewers open in seconds. */
enum { MOST_BOXES = 200000, MOST_READINGS = 100000, MOST_SPANS = 50000 };

struct output {
	const struct recording *recording;
	const struct export_options *options;
	const struct export_paths *paths;
	const struct export_trace *trace;
	struct moment moment;
	uint32_t pid; /* what has no thread of its own is shown under */
	uint64_t one_reading_of, least_span_ns;
	struct json json;
};

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static void open_event(struct json *json, const char *name, const char *phase, double at_us)
{
	json_open(json, '{');
	json_string_at(json, "name", name);
	json_string_at(json, "ph", phase);
	if (!isnan(at_us))
		json_number_at(json, "ts", at_us);
}

static void close_event(struct json *json)
{
	json_close(json, '}');
	json_line(json, false);
}

static void write_name(struct output *output, const char *what, const struct trace_lane *lane,
		       const char *name)
{
	struct json *json = &output->json;
	open_event(json, what, "M", NAN);
	json_unsigned_at(json, "pid", lane->pid);
	json_unsigned_at(json, "tid", lane->tid);
	json_key(json, "args");
	json_open(json, '{');
	json_string_at(json, "name", name);
	json_close(json, '}');
	close_event(json);
}

static void write_lanes(struct output *output)
{
	for (size_t i = 0; i < output->trace->n_lanes; i++) {
		const struct trace_lane *lane = &output->trace->lanes[i];
		const struct thread_row *thread = recording_thread(output->recording, lane->thread);
		write_name(output, "process_name", lane,
			   recording_string_at(output->recording, thread->process_name));
		write_name(output, "thread_name", lane,
			   recording_string_at(output->recording, thread->name));
	}
}

static const char *kind_of(const struct function_row *function)
{
	if (function->flags & FUNCTION_KERNEL)
		return "kernel";
	if (function->flags & FUNCTION_SPECIAL)
		return "unknown";
	return function->flags & FUNCTION_JIT ? "jit" : "user";
}

static void write_box(struct output *output, const struct trace_box *box)
{
	struct json *json = &output->json;
	/* Whole microseconds: readers add start and length as doubles, and a box has to end where
	 * the one around it does. */
	uint64_t start_us = box->start_ns / 1000;
	uint64_t end_us = (box->start_ns + box->duration_ns) / 1000;
	const struct trace_lane *lane = &output->trace->lanes[box->lane];
	const struct export_path *path = &output->paths->paths[box->path];
	const struct function_row *function = recording_function(output->recording, path->function);
	open_event(json,
		   box->path ? recording_string_at(output->recording, function->name)
			     : "[no stack]",
		   "X", (double)start_us);
	json_unsigned_at(json, "dur", end_us - start_us);
	json_unsigned_at(json, "pid", lane->pid);
	json_unsigned_at(json, "tid", lane->tid);
	json_string_at(json, "cat", path->is_inlined ? "inlined" : kind_of(function));
	if (box->n_samples || box->weight) {
		json_key(json, "args");
		json_open(json, '{');
		json_unsigned_at(json, "self samples", box->n_samples);
		json_unsigned_at(json, "self weight", box->weight);
		json_close(json, '}');
	}
	close_event(json);
}

static bool is_point(const struct output *output, const struct reading_row *row)
{
	/* A counter has no way to say "not known" but to have no point. */
	return export_is_in(output->options, row->time_ns) && row->origin != ORIGIN_UNAVAILABLE &&
	       isfinite(row->value);
}

static void write_reading(struct output *output, const struct reading_row *row)
{
	struct json *json = &output->json;
	const struct recording *recording = output->recording;
	const struct series_row *series = recording_series(recording, row->series);
	const struct thread_row *thread = recording_thread(recording, row->thread);
	const char *unit = recording_string_at(recording, series->unit);
	open_event(json, recording_string_at(recording, series->name), "C",
		   us(export_relative_ns(recording, row->time_ns)));
	json_unsigned_at(json, "pid", row->thread ? thread->pid : output->pid);
	json_string_at(json, "cat", origin_name(row->origin));
	json_key(json, "args");
	json_open(json, '{');
	json_number_at(json, *unit ? unit : "value", row->value);
	json_close(json, '}');
	close_event(json);
}

/* Every so-manieth of each series, so that long recordings stay small. */
static void write_readings(struct output *output)
{
	uint64_t *seen = allocate(output->moment.n[TABLE_SERIES], sizeof *seen), n = 0;
	for (uint64_t id = 1; id < output->moment.n[TABLE_READINGS]; id++)
		n += is_point(output, recording_reading(output->recording, id));
	output->one_reading_of = n / MOST_READINGS + 1;
	for (uint64_t id = 1; id < output->moment.n[TABLE_READINGS]; id++) {
		const struct reading_row *row = recording_reading(output->recording, id);
		if (is_point(output, row) && seen[row->series]++ % output->one_reading_of == 0)
			write_reading(output, row);
	}
	free(seen);
}

static void write_span_end(struct output *output, uint64_t id, bool is_end)
{
	struct json *json = &output->json;
	const struct recording *recording = output->recording;
	const struct span_row *span = recording_span(recording, id);
	const struct thread_row *thread = recording_thread(recording, span->thread);
	const struct series_row *series = recording_series(recording, span->series);
	uint64_t from_ns = export_relative_ns(recording, span->start_ns);
	open_event(json, recording_string_at(recording, span->name), is_end ? "e" : "b",
		   us(from_ns + (is_end ? span->duration_ns : 0)));
	json_string_at(json, "cat", recording_string_at(recording, series->name));
	json_unsigned_at(json, "id", id);
	json_unsigned_at(json, "pid", span->thread ? thread->pid : output->pid);
	json_unsigned_at(json, "tid", span->thread ? thread->tid : output->pid);
	if (!is_end) {
		json_key(json, "args");
		json_open(json, '{');
		json_number_at(json, "flops", span->flops);
		json_number_at(json, "bytes", span->bytes);
		json_number_at(json, "items", span->items);
		json_close(json, '}');
	}
	close_event(json);
}

static bool is_shown(const struct output *output, const struct span_row *span)
{
	return export_span_is_in(output->options, span) &&
	       span->duration_ns >= output->least_span_ns;
}

static uint64_t count_spans(const struct output *output)
{
	uint64_t n = 0;
	for (uint64_t id = 1; id < output->moment.n[TABLE_SPANS]; id++)
		n += is_shown(output, recording_span(output->recording, id));
	return n;
}

static void write_spans(struct output *output)
{
	while (count_spans(output) > MOST_SPANS)
		output->least_span_ns = output->least_span_ns ? output->least_span_ns * 2 : 1000;
	for (uint64_t id = 1; id < output->moment.n[TABLE_SPANS]; id++) {
		const struct span_row *span = recording_span(output->recording, id);
		if (!is_shown(output, span) || chrome_gpu_has(output->recording, span))
			continue;
		write_span_end(output, id, false);
		write_span_end(output, id, true);
	}
	chrome_gpu_write(output->recording, output->options, output->least_span_ns, &output->json);
}

static void write_events(struct output *output)
{
	json_open(&output->json, '[');
	write_lanes(output);
	for (size_t i = 0; i < output->trace->n_boxes && !ferror(output->json.out); i++)
		write_box(output, &output->trace->boxes[i]);
	write_readings(output);
	write_spans(output);
	json_close(&output->json, ']');
	json_line(&output->json, false);
}

/* What the events are of, and what was done to keep them few. */
static void write_rest(struct output *output)
{
	struct json *json = &output->json;
	const struct recording *recording = output->recording;
	uint32_t series_id = export_series(recording, output->options);
	const struct series_row *series = recording_series(recording, series_id);
	json_open(json, '{');
	json_string_at(json, "samples of", recording_string_at(recording, series->name));
	json_string_at(json, "provenance", origin_name(series->origin));
	json_number_at(json, "samples merged within ms", (double)output->trace->slot_ns / 1e6);
	json_number_at(json, "boxes left out below us", us(output->trace->least_ns));
	json_unsigned_at(json, "samples left out", output->trace->n_samples_left_out);
	json_unsigned_at(json, "readings kept, one of", output->one_reading_of);
	json_number_at(json, "spans left out below us", us(output->least_span_ns));
	for (uint64_t id = 1; id < output->moment.n[TABLE_FACTS]; id++) {
		const struct fact_row *fact = recording_fact(recording, id);
		const char *key = recording_string_at(recording, fact->key);
		if (export_fact_is_shown(key))
			json_string_at(json, key, recording_string_at(recording, fact->value));
	}
	json_close(json, '}');
}

static bool chrome_write(const struct recording *recording, const struct export_options *options,
			 FILE *out, struct why *why)
{
	struct export_paths *paths = export_paths_open(recording, options->no_inline);
	struct export_trace *trace = export_trace_open(recording, options, paths, MOST_BOXES);
	struct output output = { .recording = recording,
				 .options = options,
				 .paths = paths,
				 .trace = trace,
				 .moment = recording_moment(recording),
				 .pid = trace->n_lanes ? trace->lanes[0].pid : 0,
				 .json = { .out = out } };
	json_open(&output.json, '{');
	json_string_at(&output.json, "displayTimeUnit", "ms");
	json_key(&output.json, "traceEvents");
	write_events(&output);
	json_key(&output.json, "otherData");
	write_rest(&output);
	json_close(&output.json, '}');
	json_line(&output.json, true);
	export_trace_close(trace);
	export_paths_close(paths);
	return exporter_finish(out, "a trace", why);
}

const struct exporter exporter_chrome = {
	.name = "chrome",
	.suffix = ".trace.json",
	.summary = "JSON for Perfetto and chrome://tracing: samples, counters, phases; bounded",
	.write = chrome_write,
};
