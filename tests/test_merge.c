/* Merged recordings hold what their parts hold: stacks together, threads and counts apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/merge.h"
#include "sampler/recording.h"
#include "sampler/recording_check.h"
#include "sampler/recording_file.h"
#include "tests/fixture.h"
#include "tests/fixture_growing.h"
#include "tui/output_path.h"

static uint64_t sum_samples(const struct recording *recording)
{
	uint64_t sum = 0;
	for (uint64_t id = 1; id < recording_moment(recording).n[TABLE_SAMPLES]; id++)
		sum += recording_sample(recording, id)->count;
	return sum;
}

static char *folded(const struct recording *recording, bool per_process)
{
	const struct export_options options = { .per_process = per_process };
	char *text = NULL;
	size_t n;
	struct why why;
	FILE *out = open_memstream(&text, &n);
	assert_true(exporter_find("folded")->write(recording, &options, out, &why));
	fclose(out);
	return text;
}

static struct recording *merge_two(const struct recording *a, const struct recording *b)
{
	struct merge_input inputs[] = { { a, "one" }, { b, "two" } };
	struct why why;
	struct recording *merged = merge_recordings(inputs, 2, &why);
	if (!merged)
		fail_msg("%s", why.text);
	assert_true(recording_check(merged, "merged", &why));
	return merged;
}

static void folds_equal_stacks_together(void **state)
{
	(void)state;
	struct growing a, b;
	growing_start(&a, 1, 3);
	growing_start(&b, 1, 3);
	growing_add(&a, 5000);
	growing_add(&b, 5000);
	struct recording *merged = merge_two(a.recording, b.recording);
	struct moment one = recording_moment(a.recording), both = recording_moment(merged);
	assert_int_equal(both.n[TABLE_STACKS], one.n[TABLE_STACKS]);
	assert_int_equal(both.n[TABLE_FRAMES], one.n[TABLE_FRAMES]);
	assert_int_equal(both.n[TABLE_FUNCTIONS], one.n[TABLE_FUNCTIONS]);
	assert_int_equal(both.n[TABLE_LOCATIONS], both.n[TABLE_FRAMES]);
	assert_int_equal(sum_samples(merged), 10000);
	assert_int_equal(both.n[TABLE_THREADS] - 1, (size_t)2 * GROWING_THREADS);
	/* Twice the counts on equal lines. */
	char *single = folded(a.recording, false), *twice = folded(merged, false);
	char *at = twice;
	for (char *line = strtok(single, "\n"); line; line = strtok(NULL, "\n")) {
		char *blank = strrchr(line, ' ');
		size_t n = (size_t)(blank - line);
		assert_memory_equal(at, line, n + 1);
		assert_int_equal(strtoull(at + n, &at, 10), 2 * strtoull(blank, NULL, 10));
		assert_int_equal(*at++, '\n');
	}
	assert_int_equal(*at, '\0');
	free(single);
	free(twice);
	recording_free(merged);
	recording_free(a.recording);
	recording_free(b.recording);
}

static void tells_processes_apart(void **state)
{
	(void)state;
	struct growing a, b;
	growing_start(&a, 1, 3);
	growing_start(&b, 2, 3);
	growing_add(&a, 100);
	growing_add(&b, 100);
	struct recording *merged = merge_two(a.recording, b.recording);
	char *text = folded(merged, true);
	assert_non_null(strstr(text, "one:prog-7;"));
	assert_non_null(strstr(text, "two:prog-4194311;"));
	assert_null(strstr(text, "two:prog-7;"));
	free(text);
	recording_free(merged);
	recording_free(a.recording);
	recording_free(b.recording);
}

/* A frame of one address that is another function in the other recording. */
static struct recording *one_frame(const char *name, uint32_t flags)
{
	struct recording *recording = recording_new();
	struct module_row module = { .path = recording_add_string(recording, "[kernel]"),
				     .kind = MODULE_KERNEL };
	struct function_row function = { .name = recording_add_string(recording, name) };
	function.module = recording_add_module(recording, &module);
	struct frame_row frame = { .address = 4096, .module = function.module, .flags = flags };
	uint32_t id = recording_add_frame(recording, &frame);
	struct location_row location = { .function = recording_add_function(recording, &function) };
	recording_add_location(recording, &location);
	struct series_row series = { .name = recording_add_string(recording, "cycles"),
				     .origin = ORIGIN_MEASURED,
				     .flags = SERIES_SAMPLES };
	struct sample_row sample = { .time_ns = recording->start_ns,
				     .weight = 1,
				     .stack = recording_add_stack(recording, 0, id),
				     .count = 1,
				     .series = (uint16_t)recording_add_series(recording, &series) };
	recording_add_sample(recording, &sample);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static void keeps_functions_of_one_address(void **state)
{
	(void)state;
	for (uint32_t flags = 0; flags <= FRAME_NAMED; flags += FRAME_NAMED) {
		struct recording *a = one_frame("schedule", flags), *b = one_frame("idle", flags);
		struct recording *merged = merge_two(a, b), *again = merge_two(merged, b);
		char *text = folded(merged, false);
		assert_non_null(strstr(text, "schedule 1\n"));
		assert_non_null(strstr(text, "idle 1\n"));
		assert_int_equal(recording_moment(merged).n[TABLE_FRAMES], 3);
		free(text);
		text = folded(again, false);
		assert_non_null(strstr(text, "schedule 1\n"));
		assert_non_null(strstr(text, "idle 2\n"));
		free(text);
		recording_free(again);
		recording_free(merged);
		recording_free(a);
		recording_free(b);
	}
}

static void add_reading(struct recording *recording, double value)
{
	struct series_row series = { .name = recording_add_string(recording, "work.flops"),
				     .origin = ORIGIN_MODELLED,
				     .flags = SERIES_WORK };
	struct reading_row row = { .time_ns = recording->start_ns,
				   .value = value,
				   .series = recording_add_series(recording, &series),
				   .running_ratio = 1,
				   .origin = ORIGIN_MODELLED };
	recording_add_reading(recording, &row);
	recording_publish(recording);
}

static void keeps_counts_and_facts_by_label(void **state)
{
	(void)state;
	struct recording *a = one_frame("work", 0), *b = one_frame("work", 0);
	add_reading(a, 5);
	add_reading(b, 7);
	recording_add_fact(a, "host", "left");
	recording_add_fact(b, "host", "right");
	recording_add_fact(a, "sampling.lost", "3");
	recording_add_fact(b, "sampling.lost", "4");
	recording_add_fact(a, "exit_status", "0");
	recording_add_fact(b, "exit_status", "9");
	recording_publish(a);
	recording_publish(b);
	struct recording *merged = merge_two(a, b);
	assert_int_equal(recording_moment(merged).n[TABLE_READINGS], 3);
	for (uint64_t id = 1; id < 3; id++) {
		const struct reading_row *row = recording_reading(merged, id);
		const struct series_row *series = recording_series(merged, row->series);
		assert_string_equal(recording_string_at(merged, series->device),
				    row->value == 5 ? "one" : "two");
	}
	assert_string_equal(export_fact(merged, "host"), "left, right");
	assert_string_equal(export_fact(merged, "two.host"), "right");
	assert_string_equal(export_fact(merged, "sampling.lost"), "7");
	assert_string_equal(export_fact(merged, "exit_status"), "9");
	recording_free(merged);
	recording_free(a);
	recording_free(b);
}

static void lays_times_over_each_other(void **state)
{
	(void)state;
	struct recording *a = one_frame("work", 0), *b = one_frame("work", 0);
	/* The clock of another host: it began 5 ms later, after an hour of uptime. */
	uint64_t began_ns = 3600000000000;
	struct sample_row late = *recording_sample(a, 1);
	late.time_ns = a->start_ns + 50000000;
	recording_add_sample(a, &late);
	recording_flush_samples(a, UINT64_MAX);
	recording_publish(a);
	b->start_epoch_ns = a->start_epoch_ns + 5000000;
	b->start_ns = began_ns;
	late.time_ns = began_ns + 30000000;
	recording_add_sample(b, &late);
	recording_flush_samples(b, UINT64_MAX);
	recording_publish(b);
	struct recording *merged = merge_two(a, b);
	bool has_it = false;
	for (uint64_t id = 1; id < recording_moment(merged).n[TABLE_SAMPLES]; id++)
		has_it = has_it ||
			 recording_sample(merged, id)->time_ns == merged->start_ns + 35000000;
	assert_true(has_it);
	assert_int_equal(merged->start_epoch_ns, a->start_epoch_ns);
	recording_free(merged);
	recording_free(a);
	recording_free(b);
}

static void merges_a_file_as_it_was(void **state)
{
	(void)state;
	struct recording *recording = fixture_hostile();
	struct merge_input input = { recording, "only" };
	struct recording *merged = merge_recordings(&input, 1, NULL);
	char *before = folded(recording, false), *after = folded(merged, false);
	assert_string_equal(before, after);
	for (int table = TABLE_MODULES; table <= TABLE_SERIES; table++)
		assert_int_equal(recording_moment(recording).n[table],
				 recording_moment(merged).n[table]);
	free(before);
	free(after);
	recording_free(merged);
	recording_free(recording);
}

static void names_files_by_rank(void **state)
{
	(void)state;
	char path[256];
	struct why why;
	static const char *const variables[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
						 "SLURM_PROCID" };
	for (int i = 0; i < 4; i++)
		unsetenv(variables[i]);
	assert_false(output_path_expand("a.%r.stoke", path, sizeof path, &why));
	assert_non_null(strstr(why.text, "no rank"));
	for (int i = 4; i-- > 0;) {
		char text[2] = { (char)('0' + i), '\0' }, expected[16];
		setenv(variables[i], text, 1);
		snprintf(expected, sizeof expected, "a.%d.stoke", i);
		assert_true(output_path_expand("a.%r.stoke", path, sizeof path, &why));
		assert_string_equal(path, expected);
	}
	for (int i = 0; i < 4; i++)
		setenv(variables[i], "../3", 1);
	assert_false(output_path_expand("a.%r.stoke", path, sizeof path, &why));
	assert_true(output_path_expand("100%%.%x%", path, sizeof path, &why));
	assert_string_equal(path, "100%.%x%");
	assert_true(output_path_expand("%h.%p", path, sizeof path, &why));
	assert_null(strchr(path, '%'));
	assert_false(output_path_expand("abcdef", path, 6, &why));
	assert_true(output_path_expand("abcde", path, 6, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_equal_stacks_together),
		cmocka_unit_test(tells_processes_apart),
		cmocka_unit_test(keeps_functions_of_one_address),
		cmocka_unit_test(keeps_counts_and_facts_by_label),
		cmocka_unit_test(lays_times_over_each_other),
		cmocka_unit_test(merges_a_file_as_it_was),
		cmocka_unit_test(names_files_by_rank),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
