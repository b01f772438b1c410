/* Every format read back by a parser that is not ours: what it holds is what the recording holds,
 * whatever the names are; a full disk and a closed pipe are sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/json.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_export.h"
#include "tests/fixture_stacks.h"

static void writes_json(void **state)
{
	(void)state;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	struct json json = { .out = out };
	json_open(&json, '{');
	json_string_at(&json, "a\"\n", "\x01\x1f\x7f\xff\xed\xa0\x80\xf0\x9f\x94\xa5");
	json_number_at(&json, "nan", NAN);
	json_number_at(&json, "inf", -INFINITY);
	json_number_at(&json, "third", 1.0 / 3);
	json_number_at(&json, "tenth", 0.1);
	json_unsigned_at(&json, "most", UINT64_MAX);
	json_key(&json, "list");
	json_open(&json, '[');
	json_literal(&json, "true");
	json_open(&json, '[');
	json_close(&json, ']');
	json_unsigned(&json, 0);
	json_close(&json, ']');
	json_close(&json, '}');
	json_line(&json, true);
	json.is_in_html = true;
	json_string(&json, "</script>&");
	fclose(out);
	assert_string_equal(text, "{\"a\\u0022\\u000a\":\"\\u0001\\u001f\\u007f\xef\xbf\xbd\xef\xbf"
				  "\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x94\xa5\",\"nan\":null,"
				  "\"inf\":null,\"third\":0.33333333333333331,\"tenth\":0.1,"
				  "\"most\":18446744073709551615,\"list\":[true,[],0]}\n"
				  "\"\\u003c/script\\u003e\\u0026\"");
	free(text);
}

static void read_speedscope_profile(struct json_object *profile, struct json_object *frames,
				    struct stack_lines *lines)
{
	struct json_object *samples = json_at(profile, "samples"),
			   *weights = json_at(profile, "weights");
	const char *names[4096];
	uint64_t total = 0;
	assert_string_equal(json_text(profile, "type"), "sampled");
	assert_int_equal(json_object_array_length(samples), json_object_array_length(weights));
	for (size_t i = 0; i < json_object_array_length(samples); i++) {
		struct json_object *stack = json_object_array_get_idx(samples, i);
		size_t n = json_object_array_length(stack);
		for (size_t k = 0; k < n; k++) {
			int frame = json_object_get_int(json_object_array_get_idx(stack, k));
			assert_true(frame >= 0 && frame < (int)json_object_array_length(frames));
			names[n - 1 - k] =
				json_text(json_object_array_get_idx(frames, (size_t)frame), "name");
		}
		uint64_t weight = json_object_get_uint64(json_object_array_get_idx(weights, i));
		char *text = stack_text(names, n);
		stack_lines_add(lines, text, weight, 0);
		total += weight;
		free(text);
	}
	assert_int_equal(json_object_get_uint64(json_at(profile, "endValue")), total);
}

static void speedscope_holds_all(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		struct stack_lines lines = { 0 };
		struct json_object *file = export_json(recording, "speedscope");
		struct json_object *profiles = json_at(file, "profiles");
		assert_string_equal(json_text(file, "$schema"),
				    "https://www.speedscope.app/file-format-schema.json");
		assert_true(json_object_array_length(profiles) > 0);
		for (size_t k = 0; k < json_object_array_length(profiles); k++)
			read_speedscope_profile(json_object_array_get_idx(profiles, k),
						json_at(json_at(file, "shared"), "frames"), &lines);
		assert_same_stacks(recording, &lines, 'w', "speedscope");
		json_object_put(file);
		recording_free(recording);
	}
}

/* A disk that is full from the first byte, and a pipe whose reader has gone. */
static void failures_are_sentences(void **state)
{
	(void)state;
	struct recording *recording = fixture_random(3, 500);
	signal(SIGPIPE, SIG_IGN);
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++) {
		struct export_options options = { 0 };
		struct why why = { "" };
		if ((*exporter)->unusable && (*exporter)->unusable())
			continue;
		FILE *full = fopen("/dev/full", "w");
		errno = 0;
		assert_false((*exporter)->write(recording, &options, full, &why));
		assert_non_null(strstr(why.text, "No space left"));
		assert_int_equal(errno, ENOSPC);
		fclose(full);
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		close(ends[0]);
		FILE *closed = fdopen(ends[1], "w");
		errno = 0;
		assert_false((*exporter)->write(recording, &options, closed, &why));
		assert_int_equal(errno, EPIPE);
		assert_true(strncmp(why.text, "Cannot write ", 13) == 0);
		fclose(closed);
	}
	recording_free(recording);
}

/* A window of time, one thread's root, no inline frames: totals follow. */
static void options_are_kept(void **state)
{
	(void)state;
	struct recording *recording = fixture_hostile();
	/* Samples are at 0, 30, 60, 90 and 200 ms; the second series has those at 30 and 90. */
	const struct export_options window = { .from_ns = recording->start_ns + 50000000,
					       .to_ns = recording->start_ns + 100000000,
					       .series = 2 };
	const struct export_options nothing = { .from_ns = UINT64_MAX };
	size_t n;
	char *text = export_with(recording, "folded", &window, &n);
	uint64_t count = 0;
	for (char *at = text, *end; *at; at = end + 1) {
		end = strchr(at, '\n');
		*end = '\0';
		count += strtoull(strrchr(at, ' '), NULL, 10);
	}
	free(text);
	text = export_with(recording, "speedscope", &window, &n);
	struct json_object *file = parse_json(text, n), *profiles = json_at(file, "profiles");
	uint64_t weight = 0;
	for (size_t i = 0; i < json_object_array_length(profiles); i++)
		weight += json_object_get_uint64(json_at(json_element(profiles, i), "endValue"));
	/* 1,000 of weight a sample; count i + 1 for each name i. */
	assert_true(count == 19 * 20 / 2 && weight == count * 1000);
	json_object_put(file);
	free(text);
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++) {
		if ((*exporter)->unusable && (*exporter)->unusable())
			continue;
		free(export_with(recording, (*exporter)->name, &window, &n));
		free(export_with(recording, (*exporter)->name, &nothing, &n));
	}
	recording_free(recording);
}

/* Of two events that have samples, the one that was asked for first, whichever came first. */
static void the_first_event_is_written(void **state)
{
	(void)state;
	struct recording *recording = recording_new();
	uint32_t ids[2];
	for (int i = 0; i < 2; i++) {
		struct series_row row = { .name = recording_add_string(recording,
								       i ? "second" : "first"),
					  .flags = SERIES_SAMPLES };
		ids[i] = recording_add_series(recording, &row);
	}
	for (int i = 0; i < 2; i++) {
		struct sample_row row = { .time_ns = recording->start_ns + i,
					  .weight = i ? 10 : 77,
					  .count = 1,
					  .series = (uint16_t)ids[i ? 0 : 1] };
		recording_add_sample(recording, &row);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	struct json_object *file = export_json(recording, "speedscope");
	struct json_object *profile = json_element(json_at(file, "profiles"), 0);
	assert_true(json_object_get_uint64(json_at(profile, "endValue")) == 10);
	json_object_put(file);
	recording_free(recording);
}

static void formats_are_chosen_by_extension(void **state)
{
	(void)state;
	for (const struct exporter *const *exporter = exporters; *exporter; exporter++) {
		char path[128];
		snprintf(path, sizeof path, "/tmp/some.where%s", (*exporter)->suffix);
		assert_ptr_equal(exporter_for_path(path), *exporter);
		assert_ptr_equal(exporter_find((*exporter)->name), *exporter);
		assert_non_null((*exporter)->summary);
	}
	assert_null(exporter_for_path("/tmp/x.unknown"));
	assert_null(exporter_for_path("/tmp/x"));
	struct why why;
	assert_true(exporter_almost("/tmp/x.json", &why));
	assert_non_null(strstr(why.text, ".speedscope.json (speedscope)"));
	assert_non_null(strstr(why.text, ".trace.json (chrome)"));
	assert_true(exporter_almost("x.gz", &why));
	assert_false(exporter_almost("/tmp.json/x", &why));
	assert_false(exporter_almost("x.svg", &why));
	assert_false(exporter_almost("x", &why));
	assert_false(exporter_almost("x.txt", &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_json),
		cmocka_unit_test(speedscope_holds_all),
		cmocka_unit_test(failures_are_sentences),
		cmocka_unit_test(options_are_kept),
		cmocka_unit_test(the_first_event_is_written),
		cmocka_unit_test(formats_are_chosen_by_extension),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
