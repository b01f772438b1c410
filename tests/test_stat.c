/* What stoke stat makes of readings: statistics, plans, CSV and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "tui/settings.h"
#include "tui/stat.h"

static void add(struct stat_row *row, double value)
{
	stat_row_add(row, value, ORIGIN_MEASURED, 1, NULL);
}

/* 2 4 4 4 5 5 7 9: mean 5, sum of squares 32, sample deviation sqrt(32 / 7). */
static void test_statistics(void **state)
{
	(void)state;
	static const double values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	struct stat_row row = { .running_ratio = NAN };
	for (int i = 0; i < 8; i++) {
		add(&row, values[i]);
		assert_true(i > 0 || isnan(stat_row_deviation(&row)));
	}
	assert_int_equal(row.n, 8);
	assert_true(fabs(row.mean - 5) < 1e-12);
	assert_true(fabs(stat_row_deviation(&row) - sqrt(32.0 / 7)) < 1e-12);
	/* A large offset takes no digits from the deviation. */
	struct stat_row far = { .running_ratio = NAN };
	for (int i = 0; i < 8; i++)
		add(&far, 1e9 + values[i]);
	assert_true(fabs(stat_row_deviation(&far) - sqrt(32.0 / 7)) < 1e-6);
}

static void test_unknown_values(void **state)
{
	(void)state;
	struct stat_row row = { .running_ratio = NAN };
	stat_row_add(&row, NAN, ORIGIN_UNAVAILABLE, NAN, "First.");
	stat_row_add(&row, INFINITY, ORIGIN_MEASURED, 1, "Second.");
	assert_int_equal(row.n, 0);
	assert_string_equal(row.reason.text, "First.");
	assert_int_equal(row.origin, ORIGIN_UNAVAILABLE);
	add(&row, 3);
	assert_int_equal(row.n, 1);
	assert_int_equal(row.origin, ORIGIN_MEASURED);
	stat_row_add(&row, 5, ORIGIN_SCALED, 0.5, NULL);
	assert_int_equal(row.origin, ORIGIN_SCALED);
	assert_true(row.running_ratio == 0.5);
	add(&row, 4);
	assert_int_equal(row.origin, ORIGIN_SCALED); /* one scaled value makes the mean scaled */
	assert_true(row.running_ratio == 0.5);
}

static bool plan(struct stat *stat, struct settings *settings, const char *events,
		 const char *groups, struct why *why)
{
	memset(stat, 0, sizeof *stat);
	settings->events = events;
	settings->groups = groups;
	stat->settings = settings;
	return stat_plan(stat, why);
}

static void test_plans(void **state)
{
	(void)state;
	struct settings settings = { 0 };
	struct stat stat;
	struct why why;
	assert_true(
		plan(&stat, &settings, "cs,{page-faults,minor-faults:u},task-clock", NULL, &why));
	assert_int_equal(stat.n_blocks, 3);
	assert_int_equal(stat.blocks[1].n_events, 2);
	assert_int_equal(stat.n_rows, 3 + 4);
	assert_string_equal(stat.rows[5].name, "minor-faults:u");
	stat_free(&stat);
	assert_true(plan(&stat, &settings, " cs , {page-faults, cycles}:uS,{cs}", NULL, &why));
	assert_int_equal(stat.n_blocks, 3);
	assert_string_equal(stat.rows[3].name, "cs");
	assert_string_equal(stat.rows[4].name, "page-faults:u");
	assert_string_equal(stat.rows[5].name, "cycles:u");
	assert_string_equal(stat.rows[6].name, "cs");
	stat_free(&stat);
	assert_true(plan(&stat, &settings, NULL, "faults,switches", &why));
	assert_int_equal(stat.n_blocks, 2);
	assert_string_equal(stat.rows[3].group, "faults");
	stat_free(&stat);
	assert_true(plan(&stat, &settings, NULL, NULL, &why));
	assert_true(stat.n_blocks > 4);
	stat_free(&stat);
	static const char *const wrong[] = { "",
					     ",",
					     "cs,",
					     "{",
					     "{}",
					     "{cs",
					     "cs}",
					     "{cs}x",
					     "{cs,}",
					     "{{cs}}",
					     "cs,,cs",
					     "nosuch",
					     "{page-faults}:Z",
					     "{cs}:u" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (plan(&stat, &settings, wrong[i], NULL, &why))
			fail_msg("\"%s\" was taken", wrong[i]);
		stat_free(&stat);
	}
	char many[4096] = "cs";
	for (int i = 0; i < 80; i++)
		memcpy(many + 2 + 3 * i, ",cs", 4);
	assert_false(plan(&stat, &settings, many, NULL, &why));
	assert_non_null(strstr(why.text, "At most"));
	stat_free(&stat);
}

static void test_notes_once(void **state)
{
	(void)state;
	struct stat stat = { 0 };
	stat_note(&stat, "a");
	stat_note(&stat, "b");
	stat_note(&stat, "a");
	assert_int_equal(stat.n_notes, 2);
}

/* Times that no tick of the kernel's met: neither 0 s nor a mean without them. */
static void test_times(void **state)
{
	(void)state;
	struct settings settings = { 0 };
	struct stat stat;
	struct why why;
	assert_true(plan(&stat, &settings, "cs", NULL, &why));
	for (int i = 0; i < 2; i++) {
		add(&stat.rows[0], 0.001);
		add(&stat.rows[1], i * 0.002);
		add(&stat.rows[2], 0);
		add(&stat.rows[3], 0);
	}
	stat_check_times(&stat);
	assert_int_equal(stat.rows[0].n, 2);
	assert_true(stat.rows[1].n == 2 && fabs(stat.rows[1].mean - 0.001) < 1e-12);
	assert_int_equal(stat.rows[2].n, 0);
	assert_non_null(strstr(stat.rows[2].reason.text, "No tick of the kernel's clock"));
	assert_int_equal(stat.rows[3].n, 2); /* no switch is no switch */
	/* What is attached to may have done nothing, or less than a step. */
	settings.attach.is_whole_machine = true;
	stat_rows_clear(&stat);
	add(&stat.rows[1], 0);
	add(&stat.rows[2], 0.01);
	stat_check_times(&stat);
	assert_non_null(strstr(stat.rows[1].reason.text, "less than the 10 ms"));
	assert_int_equal(stat.rows[2].n, 1);
	stat_free(&stat);
}

/* Names with separators and quotes; what is unknown is empty or null. */
static void test_data(void **state)
{
	(void)state;
	char *text = NULL, *words[] = { (char *)"a \"b\"", NULL };
	size_t length = 0;
	struct settings settings = { .separator = "," };
	struct stat_row rows[] = {
		{ .kind = STAT_EVENT,
		  .name = "cpu/a=1,b=2/",
		  .unit = "events",
		  .group = "",
		  .core = "",
		  .about = "",
		  .running_ratio = NAN },
		{ .kind = STAT_METRIC,
		  .name = "say \"hi\"",
		  .unit = "ratio",
		  .group = "g",
		  .core = "",
		  .about = "",
		  .running_ratio = NAN },
	};
	add(&rows[0], 12);
	rows[0].trust = 'B';
	stat_row_add(&rows[1], NAN, ORIGIN_UNAVAILABLE, NAN, "Not, here.");
	struct stat stat = {
		.settings = &settings, .words = words, .rows = rows, .n_rows = 2, .n_runs = 1
	};
	stat.out = open_memstream(&text, &length);
	stat_print(&stat, NAN);
	fclose(stat.out);
	assert_string_equal(
		text, "kind,group,core,name,value,unit,deviation,runs,provenance,"
		      "running_ratio,reason,trust\n"
		      "event,,,\"cpu/a=1,b=2/\",12,events,,1,measured,1,,B\n"
		      "metric,g,,\"say \"\"hi\"\"\",,ratio,,0,unavailable,,\"Not, here.\",\n");
	free(text);
	settings.separator = NULL;
	settings.is_json = true;
	stat.out = open_memstream(&text, &length);
	stat_print(&stat, 1.5);
	fclose(stat.out);
	assert_non_null(strstr(text, "\"time_s\":1.5"));
	assert_non_null(strstr(text, "\"name\":\"cpu/a=1,b=2/\",\"value\":12,"));
	assert_non_null(strstr(text, "\"value\":null,\"unit\":\"ratio\",\"deviation\":null"));
	assert_non_null(strstr(text, "\"reason\":\"Not, here.\""));
	assert_non_null(strstr(text, "\"trust\":\"B\""));
	assert_int_equal(text[length - 1], '\n');
	free(text);
	settings.is_json = false;
	stat.out = open_memstream(&text, &length);
	stat_print(&stat, NAN);
	fclose(stat.out);
	assert_non_null(strstr(text, "say \"hi\" [1]\n"));
	assert_non_null(strstr(text, "(trust B)"));
	assert_non_null(strstr(text, "[1] Not, here.\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statistics), cmocka_unit_test(test_unknown_values),
		cmocka_unit_test(test_plans),      cmocka_unit_test(test_notes_once),
		cmocka_unit_test(test_times),      cmocka_unit_test(test_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
