/* Formats with time: Chrome traces and Firefox profiles, read back by json-c and put together
 * again from their events and tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_paths.h"
#include "sampler/export_trace.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_export.h"
#include "tests/fixture_gpu.h"
#include "tests/fixture_stacks.h"

enum { MOST_DEPTH = 512 };

struct open_event {
	const char *name;
	int64_t end_ns;
};

struct lane {
	int64_t pid, tid, last_ns;
	struct open_event open[MOST_DEPTH];
	size_t n_open;
};

static int64_t ns_at(struct json_object *event, const char *key)
{
	return llround(json_object_get_double(json_at(event, key)) * 1000);
}

static int64_t integer_at(struct json_object *event, const char *key)
{
	return json_object_get_int64(json_at(event, key));
}

/* One complete event: within the one that is open, or after it. */
static void take_event(struct json_object *event, struct lane *lane, struct stack_lines *lines)
{
	int64_t start_ns = ns_at(event, "ts"), end_ns = start_ns + ns_at(event, "dur");
	struct json_object *args;
	if (lane->pid != integer_at(event, "pid") || lane->tid != integer_at(event, "tid")) {
		*lane = (struct lane){ .pid = integer_at(event, "pid"),
				       .tid = integer_at(event, "tid") };
	}
	assert_true(start_ns >= lane->last_ns);
	lane->last_ns = start_ns;
	/* A box of no length at its parent's end is inside by its place in the file. */
	while (lane->n_open && (lane->open[lane->n_open - 1].end_ns < end_ns ||
				lane->open[lane->n_open - 1].end_ns <= start_ns))
		lane->n_open--;
	assert_true(lane->n_open < MOST_DEPTH);
	lane->open[lane->n_open++] = (struct open_event){ json_text(event, "name"), end_ns };
	if (!json_object_object_get_ex(event, "args", &args))
		return;
	const char *names[MOST_DEPTH];
	size_t n = 0;
	for (size_t i = lane->n_open; i-- > 0;)
		if (strcmp(lane->open[i].name, "[no stack]") != 0)
			names[n++] = lane->open[i].name;
	char *text = stack_text(names, n);
	stack_lines_add(lines, text, (uint64_t)integer_at(args, "self weight"),
			(uint64_t)integer_at(args, "self samples"));
	free(text);
}

static void chrome_events_nest(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		struct json_object *file = export_json(recording, "chrome");
		struct json_object *events = json_at(file, "traceEvents");
		struct stack_lines lines = { 0 };
		static struct lane lane;
		lane = (struct lane){ .pid = -1 };
		for (size_t k = 0; k < json_object_array_length(events); k++) {
			struct json_object *event = json_element(events, k);
			if (strcmp(json_text(event, "ph"), "X") == 0)
				take_event(event, &lane, &lines);
		}
		assert_same_stacks(recording, &lines, 'b', "chrome");
		json_object_put(file);
		recording_free(recording);
	}
}

/* Slots are 20 ms; weights are time: 480 samples of 1 ms are 480 ms. */
static void chrome_boxes_are_where_they_were(void **state)
{
	(void)state;
	struct recording *recording = fixture_known();
	struct json_object *file = export_json(recording, "chrome");
	struct json_object *events = json_at(file, "traceEvents");
	size_t n_main = 0;
	for (size_t k = 0; k < json_object_array_length(events); k++) {
		struct json_object *event = json_element(events, k);
		if (strcmp(json_text(event, "ph"), "X") != 0)
			continue;
		int64_t start_ns = ns_at(event, "ts");
		assert_true(start_ns >= 1500000000 && start_ns < 2260000000);
		if (strcmp(json_text(event, "name"), "main") != 0)
			continue;
		n_main++;
		assert_int_equal(start_ns, 1500000000);
		assert_int_equal(ns_at(event, "dur"), 750000000);
		assert_string_equal(json_text(event, "cat"), "user");
	}
	assert_int_equal(n_main, 1);
	json_object_put(file);
	recording_free(recording);
}

static void chrome_has_counters_and_spans(void **state)
{
	(void)state;
	struct recording *recording = fixture_hostile();
	struct json_object *file = export_json(recording, "chrome");
	struct json_object *events = json_at(file, "traceEvents");
	size_t n_points = 0, n_begun = 0, n_ended = 0;
	for (size_t k = 0; k < json_object_array_length(events); k++) {
		struct json_object *event = json_element(events, k);
		const char *phase = json_text(event, "ph");
		n_points += phase[0] == 'C';
		n_begun += phase[0] == 'b';
		n_ended += phase[0] == 'e';
		if (phase[0] == 'C')
			assert_true(isfinite(
				json_object_get_double(json_at(json_at(event, "args"), "value"))));
	}
	/* Of eight readings, three are not finite and one is not available. */
	assert_int_equal(n_points, 4);
	assert_int_equal(n_begun, 3);
	assert_int_equal(n_ended, 3);
	assert_string_equal(json_text(json_at(file, "otherData"), "provenance"), "software");
	json_object_put(file);
	recording_free(recording);
}

/* ---- work of GPUs */

enum { N_WORKS = 91, N_UNHEARD = 5, MOST_EVENTS = 1000 };

struct gpu_event {
	const char *phase, *category, *name;
	int64_t pid, tid, start_ns, end_ns, id;
};

static size_t gpu_events(struct json_object *events, struct gpu_event *out)
{
	size_t n = 0;
	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *event = json_element(events, i), *value;
		if (!json_object_object_get_ex(event, "cat", &value))
			continue;
		const char *category = json_object_get_string(value);
		if (strcmp(category, "gpu") != 0 && strcmp(category, "launch") != 0)
			continue;
		assert_true(n < MOST_EVENTS);
		out[n] = (struct gpu_event){ .phase = json_text(event, "ph"),
					     .category = category,
					     .name = json_text(event, "name"),
					     .pid = integer_at(event, "pid"),
					     .tid = integer_at(event, "tid"),
					     .start_ns = ns_at(event, "ts") };
		out[n].end_ns = out[n].start_ns;
		if (out[n].phase[0] == 'X')
			out[n].end_ns += ns_at(event, "dur");
		else
			out[n].id = integer_at(event, "id");
		n++;
	}
	return n;
}

/* The one event of the track that an arrow's end lies in: arrows bind to it. */
static const struct gpu_event *holder(const struct gpu_event *events, size_t n,
				      const struct gpu_event *arrow, const char *category)
{
	const struct gpu_event *found = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct gpu_event *at = &events[i];
		if (at->phase[0] != 'X' || strcmp(at->category, category) != 0 ||
		    at->pid != arrow->pid || at->tid != arrow->tid ||
		    arrow->start_ns < at->start_ns || arrow->start_ns >= at->end_ns)
			continue;
		assert_null(found);
		found = at;
	}
	assert_non_null(found);
	return found;
}

static void chrome_has_arrows_to_work_of_gpus(void **state)
{
	(void)state;
	static struct gpu_event events[MOST_EVENTS];
	struct recording *recording = fixture_gpu();
	struct json_object *file = export_json(recording, "chrome");
	size_t n = gpu_events(json_at(file, "traceEvents"), events);
	size_t n_works = 0, n_launches = 0, n_arrows = 0;
	for (size_t i = 0; i < n; i++) {
		const struct gpu_event *at = &events[i];
		n_works += at->phase[0] == 'X' && strcmp(at->category, "gpu") == 0;
		n_launches += at->phase[0] == 'X' && strcmp(at->category, "launch") == 0;
		if (at->phase[0] != 's')
			continue;
		const struct gpu_event *end = NULL;
		for (size_t k = 0; k < n; k++)
			if (events[k].phase[0] == 'f' && events[k].id == at->id) {
				assert_null(end);
				end = &events[k];
			}
		assert_non_null(end);
		const struct gpu_event *launch = holder(events, n, at, "launch");
		const struct gpu_event *work = holder(events, n, end, "gpu");
		assert_string_equal(launch->name, work->name);
		assert_int_equal(launch->pid, 4711);
		if (strncmp(work->name, "copy", 4) != 0) /* as long as its call took */
			assert_int_equal(launch->end_ns - launch->start_ns, 5000);
		assert_true(work->pid > 1 << 22 && work->start_ns == end->start_ns);
		if (strncmp(work->name, "copy", 4) != 0)
			assert_int_equal(end->start_ns - at->start_ns, FIXTURE_GPU_QUEUED_NS);
		n_arrows++;
	}
	assert_int_equal(n_works, N_WORKS);
	assert_int_equal(n_launches, N_WORKS - N_UNHEARD);
	assert_int_equal(n_arrows, N_WORKS - N_UNHEARD);
	json_object_put(file);
	recording_free(recording);
}

/* A process a GPU, a track a stream; a second one where work overlaps. */
static void chrome_has_a_track_a_stream(void **state)
{
	(void)state;
	static const char *const names[] = { "GPU 0", "stream 7", "stream 13", "stream 14" };
	size_t n_found[4] = { 0 };
	struct recording *recording = fixture_gpu();
	struct json_object *file = export_json(recording, "chrome");
	struct json_object *events = json_at(file, "traceEvents");
	for (size_t i = 0; i < json_object_array_length(events); i++) {
		struct json_object *event = json_element(events, i);
		if (strcmp(json_text(event, "ph"), "M") != 0)
			continue;
		for (size_t k = 0; k < 4; k++)
			n_found[k] +=
				strcmp(json_text(json_at(event, "args"), "name"), names[k]) == 0;
	}
	assert_true(n_found[0] == 3 && n_found[1] == 1 && n_found[2] == 1 && n_found[3] == 1);
	json_object_put(file);
	recording_free(recording);
}

/* However few boxes there may be, no sample is lost without being counted. */
static void traces_are_bounded(void **state)
{
	(void)state;
	const size_t limits[] = { 100000, 5000, 500, 50 };
	struct recording *recording = fixture_random(11, 2000);
	struct export_paths *paths = export_paths_open(recording, false);
	struct stack_lines held = stack_lines_of(recording, 0);
	uint64_t all = 0;
	size_t whole = 0;
	for (size_t i = 0; i < held.n; i++)
		all += held.lines[i].count;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct export_trace *trace = export_trace_open(
			recording, &(struct export_options){ 0 }, paths, limits[i]);
		uint64_t n = 0, weight = 0;
		assert_true(trace->n_boxes <= limits[i]);
		for (size_t k = 0; k < trace->n_boxes; k++) {
			n += trace->boxes[k].n_samples;
			weight += trace->boxes[k].weight;
		}
		assert_true(n + trace->n_samples_left_out == all && weight == n * 1000000);
		whole = i == 0 ? trace->n_boxes : whole;
		assert_true((trace->least_ns > 0) == (limits[i] < whole));
		export_trace_close(trace);
	}
	stack_lines_free(&held);
	export_paths_close(paths);
	recording_free(recording);
}

static void assert_columns(struct json_object *table)
{
	size_t length = (size_t)integer_at(table, "length");
	json_object_object_foreach(table, key, value)
	{
		(void)key;
		if (json_object_is_type(value, json_type_array))
			assert_int_equal(json_object_array_length(value), length);
	}
}

static size_t index_at(struct json_object *table, const char *column, size_t i)
{
	return (size_t)json_element_number(json_at(table, column), i);
}

static void read_stack(struct json_object *thread, size_t stack, struct stack_lines *lines,
		       uint64_t count)
{
	struct json_object *stacks = json_at(thread, "stackTable");
	struct json_object *frames = json_at(thread, "frameTable");
	struct json_object *functions = json_at(thread, "funcTable");
	struct json_object *strings = json_at(thread, "stringArray");
	const char *names[4096];
	size_t n = 0;
	for (size_t at = stack;;) {
		size_t function = index_at(frames, "func", index_at(stacks, "frame", at));
		names[n++] = json_object_get_string(
			json_element(strings, index_at(functions, "name", function)));
		struct json_object *prefix = json_element(json_at(stacks, "prefix"), at);
		if (!prefix)
			break;
		assert_true((size_t)json_object_get_int64(prefix) < at);
		at = (size_t)json_object_get_int64(prefix);
	}
	char *text = stack_text(names, n);
	stack_lines_add(lines, text, 0, count);
	free(text);
}

static void read_thread(struct json_object *thread, struct stack_lines *lines)
{
	static const char *const tables[] = { "frameTable",   "stackTable", "funcTable",
					      "samples",      "markers",    "resourceTable",
					      "nativeSymbols" };
	struct json_object *samples = json_at(thread, "samples");
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		assert_columns(json_at(thread, tables[i]));
	double last = 0;
	for (size_t i = 0; i < (size_t)integer_at(samples, "length"); i++) {
		struct json_object *stack = json_element(json_at(samples, "stack"), i);
		uint64_t count = (uint64_t)json_element_number(json_at(samples, "weight"), i);
		double time = json_element_number(json_at(samples, "time"), i);
		assert_true(time >= last);
		last = time;
		if (stack)
			read_stack(thread, (size_t)json_object_get_int64(stack), lines, count);
		else
			stack_lines_add(lines, "", 0, count);
	}
}

static void firefox_tables_hold_all(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		struct json_object *file = export_json(recording, "firefox");
		struct json_object *threads = json_at(file, "threads");
		struct stack_lines lines = { 0 };
		for (size_t k = 0; k < json_object_array_length(threads); k++)
			read_thread(json_element(threads, k), &lines);
		assert_int_equal(integer_at(json_at(file, "meta"), "preprocessedProfileVersion"),
				 48);
		assert_same_stacks(recording, &lines, 'c', "firefox");
		json_object_put(file);
		recording_free(recording);
	}
}

static void firefox_has_markers_and_libraries(void **state)
{
	(void)state;
	struct recording *recording = fixture_hostile();
	struct json_object *file = export_json(recording, "firefox");
	struct json_object *thread = json_element(json_at(file, "threads"), 0);
	struct json_object *markers = json_at(thread, "markers");
	assert_int_equal(integer_at(markers, "length"), 3);
	assert_string_equal(json_object_get_string(json_element(json_at(thread, "stringArray"),
								index_at(markers, "name", 1))),
			    "</script>");
	assert_true(json_element_number(json_at(markers, "endTime"), 1) == 80);
	assert_string_equal(json_text(json_element(json_at(file, "libs"), 0), "codeId"), "00ff12");
	json_object_put(file);
	recording_free(recording);
}

/* Spans of threads that were not sampled, and of a window without samples, are in the file. */
static void firefox_keeps_spans_without_samples(void **state)
{
	(void)state;
	struct recording *recording = fixture_hostile();
	/* Samples are at 0, 30, 60, 90 ms; phases from 0 to 40 and from 40 to 80 ms. */
	const struct export_options options = { .from_ns = recording->start_ns + 65000000,
						.to_ns = recording->start_ns + 66000000 };
	size_t n;
	char *text = export_with(recording, "firefox", &options, &n);
	struct json_object *file = parse_json(text, n);
	struct json_object *threads = json_at(file, "threads");
	assert_int_equal(json_object_array_length(threads), 1);
	struct json_object *thread = json_element(threads, 0);
	assert_int_equal(integer_at(json_at(thread, "samples"), "length"), 0);
	assert_int_equal(integer_at(json_at(thread, "markers"), "length"), 1);
	free(text);
	json_object_put(file);
	recording_free(recording);
	recording = fixture_gpu();
	file = export_json(recording, "firefox");
	threads = json_at(file, "threads");
	size_t n_markers = 0;
	for (size_t i = 0; i < json_object_array_length(threads); i++)
		n_markers +=
			(size_t)integer_at(json_at(json_element(threads, i), "markers"), "length");
	assert_int_equal(n_markers + 1, recording_moment(recording).n[TABLE_SPANS]);
	json_object_put(file);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chrome_events_nest),
		cmocka_unit_test(chrome_boxes_are_where_they_were),
		cmocka_unit_test(chrome_has_counters_and_spans),
		cmocka_unit_test(chrome_has_arrows_to_work_of_gpus),
		cmocka_unit_test(chrome_has_a_track_a_stream),
		cmocka_unit_test(traces_are_bounded),
		cmocka_unit_test(firefox_tables_hold_all),
		cmocka_unit_test(firefox_has_markers_and_libraries),
		cmocka_unit_test(firefox_keeps_spans_without_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
