/* Grading of counters: with the kernel's own, which are right, and with those that lie or are not
 * there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "counters/grade.h"
#include "sampler/perf_event.h"

static void marks_have_bounds(void **state)
{
	(void)state;
	assert_int_equal(grade_mark(1000, 1000), 'A');
	assert_int_equal(grade_mark(1000, 1010), 'A');
	assert_int_equal(grade_mark(1000, 989), 'B');
	assert_int_equal(grade_mark(1000, 1050), 'B');
	assert_int_equal(grade_mark(1000, 751), 'C');
	assert_int_equal(grade_mark(1000, 1251), 'F');
	assert_int_equal(grade_mark(1000, 0), 'F');
	assert_int_equal(grade_mark(0, 0), GRADE_UNKNOWN);
	assert_int_equal(grade_mark(0, 5), GRADE_UNKNOWN);
	assert_int_equal(grade_mark(1000, NAN), GRADE_UNKNOWN);
	assert_int_equal(grade_mark(NAN, 1000), GRADE_UNKNOWN);
}

static struct grades three(void)
{
	struct grades grades = { .machine = 0x1234, .n = 3 };
	grades.rows[0] = (struct grade){ .event = "instructions:u",
					 .mark = 'B',
					 .origin = ORIGIN_MEASURED,
					 .expected = 1000,
					 .counted = 1040 };
	grades.rows[1] = (struct grade){ .event = "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE:u",
					 .mark = 'A',
					 .origin = ORIGIN_MEASURED,
					 .expected = 10,
					 .counted = 10 };
	grades.rows[2] = (struct grade){
		.event = "cycles:u", .mark = GRADE_UNKNOWN, .expected = NAN, .counted = NAN
	};
	return grades;
}

static void events_are_found_without_their_modifiers(void **state)
{
	struct grades grades = three();
	(void)state;
	assert_ptr_equal(grades_find(&grades, "instructions"), &grades.rows[0]);
	assert_ptr_equal(grades_find(&grades, "instructions:k"), &grades.rows[0]);
	assert_ptr_equal(grades_find(&grades, "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE"),
			 &grades.rows[1]);
	assert_null(grades_find(&grades, "FP_ARITH_INST_RETIRED"));
	assert_null(grades_find(&grades, "instruction"));
	assert_null(grades_find(&grades, "cycles")); /* without a mark */
}

static void text_comes_back_or_not_at_all(void **state)
{
	static const char *const bad[] = {
		"",
		"grades 2 0000000000001234\n",
		"ceilings 1 0000000000001234\n",
		"grades 1 0000000000001234\nA 1 1000 1040 instructions:u\n", /* not its mark */
		"grades 1 0000000000001234\nA 9 10 10 instructions:u\n",
		"grades 1 0000000000001234\nA 1 10 10\n",
		"grades 1 0000000000001234\nA 1 10 ten instructions:u\n",
	};
	struct grades grades = three(), back;
	(void)state;
	char *text = grades_write_text(&grades);
	assert_true(grades_read_text(&back, text));
	assert_int_equal(back.machine, 0x1234);
	assert_int_equal(back.n, 3);
	assert_string_equal(back.rows[0].event, "instructions:u");
	assert_int_equal(back.rows[0].mark, 'B');
	assert_float_equal(back.rows[0].counted, 1040, 0);
	assert_true(isnan(back.rows[2].counted));
	free(text);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(grades_read_text(&back, bad[i]));
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	fputs("grades 1 0000000000001234\n", out);
	for (int i = 0; i < MOST_GRADES + 1; i++)
		fputs("A 1 10 10 instructions:u\n", out);
	fclose(out);
	assert_false(grades_read_text(&back, text));
	free(text);
}

static void they_are_kept_for_this_machine(void **state)
{
	char folder[] = "/tmp/stoke-grades-XXXXXX", command[64];
	struct grades grades = three(), back;
	struct why why;
	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
	assert_false(grades_cached(&back, 0x1234, &why));
	assert_non_null(strstr(why.text, "stoke doctor --grade"));
	if (!grades_save(&grades, &why))
		fail_msg("%s", why.text);
	assert_true(grades_cached(&back, 0x1234, &why));
	assert_int_equal(back.n, 3);
	assert_false(grades_cached(&back, 0x1235, &why));
	unsetenv("XDG_CACHE_HOME");
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	struct recording *recording = recording_new();
	grades_store(&grades, recording);
	recording_publish(recording);
	const struct fact_row *fact = recording_fact(recording, 1);
	assert_string_equal(recording_string_at(recording, fact->key),
			    "counter_grade.instructions");
	assert_string_equal(recording_string_at(recording, fact->value), "B (+4.00 %)");
	assert_int_equal(recording_moment(recording).n[TABLE_FACTS], 3);
	recording_free(recording);
}

/* ---- counting for real, where the events are what a test makes of them */

static int error_of_all;

/* Hardware events count page faults instead. */
static int open_instead(const struct perf_event_attr *attribute, pid_t pid, int cpu, int leader_fd)
{
	struct perf_event_attr copy = *attribute;
	if (error_of_all)
		return -error_of_all;
	if (copy.type != PERF_TYPE_SOFTWARE) {
		copy.type = PERF_TYPE_SOFTWARE;
		copy.config = PERF_COUNT_SW_PAGE_FAULTS;
		copy.precise_ip = 0;
	}
	long fd = syscall(SYS_perf_event_open, &copy, pid, cpu, leader_fd, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

static const struct grade *row_of(const struct grades *grades, const char *event)
{
	for (uint32_t i = 0; i < grades->n; i++)
		if (strcmp(grades->rows[i].event, event) == 0)
			return &grades->rows[i];
	fail_msg("no row of %s", event);
	return NULL;
}

static void what_cannot_be_counted_has_a_reason(void **state)
{
	struct grades grades;
	(void)state;
	error_of_all = EACCES;
	perf_event_inject(open_instead);
	grades_measure(&grades, 1);
	perf_event_inject(NULL);
	error_of_all = 0;
	assert_true(grades.n >= 10);
	for (uint32_t i = 0; i < grades.n; i++) {
		assert_int_equal(grades.rows[i].mark, GRADE_UNKNOWN);
		assert_true(isnan(grades.rows[i].counted));
		assert_true(strlen(grades.rows[i].reason.text) > 20);
	}
}

static void true_counters_pass_and_lying_ones_fail(void **state)
{
	struct grades grades;
	(void)state;
	perf_event_inject(open_instead);
	grades_measure(&grades, 1);
	perf_event_inject(NULL);
	const struct grade *pages = row_of(&grades, "page-faults:u");
	if (pages->mark == GRADE_UNKNOWN) {
		printf("SKIP counting for real: %s\n", pages->reason.text);
		skip();
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose memory faults too */
	assert_int_equal(pages->mark, 'A');
#endif
	assert_int_equal(pages->origin, ORIGIN_SOFTWARE);
	const struct grade *instructions = row_of(&grades, "instructions:u");
#if defined(__x86_64__) || defined(__aarch64__)
	assert_int_equal(instructions->mark, 'F');
	assert_float_equal(instructions->expected, 60e6, 0);
	assert_true(instructions->counted < 1000);
	assert_true(strlen(instructions->reason.text) > 20);
#else
	assert_int_equal(instructions->mark, GRADE_UNKNOWN);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_have_bounds),
		cmocka_unit_test(events_are_found_without_their_modifiers),
		cmocka_unit_test(text_comes_back_or_not_at_all),
		cmocka_unit_test(they_are_kept_for_this_machine),
		cmocka_unit_test(what_cannot_be_counted_has_a_reason),
		cmocka_unit_test(true_counters_pass_and_lying_ones_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
