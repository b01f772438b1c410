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

#include "counters/events.h"
#include "counters/grade.h"
#include "counters/grade_kernels.h"
#include "sampler/perf_event.h"
#include "sampler/trust.h"

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
					 .counted = 1040,
					 .code = { PERF_TYPE_HARDWARE, 1, 0 } };
	grades.rows[1] = (struct grade){ .event = "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE:u",
					 .mark = 'A',
					 .origin = ORIGIN_MEASURED,
					 .expected = 10,
					 .counted = 10,
					 .code = { PERF_TYPE_RAW, 0x1c7, 0 } };
	grades.rows[2] = (struct grade){
		.event = "cycles:u", .mark = GRADE_UNKNOWN, .expected = NAN, .counted = NAN
	}; /* its code is 0, as PERF_COUNT_HW_CPU_CYCLES of PERF_TYPE_HARDWARE is */
	return grades;
}

static const struct grade *find(const struct grades *grades, const char *name)
{
	struct counted_event event;
	struct why why;
	if (!event_resolve_counted(name, &event, &why))
		fail_msg("%s", why.text);
	struct grade_code code = grade_code(&event.sampled.attribute);
	return grades_find(grades, &code);
}

static void events_are_found_by_what_they_are(void **state)
{
	struct grades grades = three();
	(void)state;
	assert_ptr_equal(find(&grades, "instructions"), &grades.rows[0]);
	assert_ptr_equal(find(&grades, "instructions:k"), &grades.rows[0]);
	assert_ptr_equal(find(&grades, "r01c7"), &grades.rows[1]);
	assert_ptr_equal(find(&grades, "r1c7:u"), &grades.rows[1]);
#if defined(__x86_64__)
	assert_ptr_equal(find(&grades, "r5301c7"), &grades.rows[1]); /* user, kernel, enabled */
#endif
	assert_null(find(&grades, "r02c7"));
	assert_null(find(&grades, "branches"));
	assert_null(find(&grades, "page-faults"));
	assert_null(find(&grades, "cycles")); /* without a mark */
}

static void reasons_say_how_wrong(void **state)
{
	struct grade grade = { .mark = 'F', .expected = 1000, .counted = 0 };
	struct why why;
	(void)state;
	grade_reason(&grade, &why);
	assert_non_null(strstr(why.text, "stays 0"));
	grade.counted = 4500;
	grade_reason(&grade, &why);
	assert_non_null(strstr(why.text, "counts 4.5 times as much"));
	assert_null(strstr(why.text, "prefetches"));
	snprintf(grade.event, sizeof grade.event, "LONGEST_LAT_CACHE:MISS");
	grade_reason(&grade, &why);
	assert_non_null(strstr(why.text, "prefetches"));
	grade.counted = 20;
	grade_reason(&grade, &why);
	assert_non_null(strstr(why.text, "counts only 0.02 of what"));
	grade = (struct grade){ .mark = 'C', .expected = 1000, .counted = 1100 };
	grade_reason(&grade, &why);
	assert_non_null(strstr(why.text, "Good for comparisons"));
	grade.is_unsteady = true;
	grade_reason(&grade, &why);
	assert_non_null(strstr(why.text, "five runs differ"));
	grade = (struct grade){ .mark = 'B', .expected = 1000, .counted = 1020 };
	grade_reason(&grade, &why);
	assert_string_equal(why.text, "");
}

static void text_comes_back_or_not_at_all(void **state)
{
	static const char *const bad[] = {
		"",
		"grades 1 0000000000001234\n",
		"ceilings 2 0000000000001234\n",
		"grades 2 0000000000001234\nA 0 1 1000 1040 0 1 0 instructions:u\n", /* not its mark
										      */
		"grades 2 0000000000001234\nA 0 9 10 10 0 1 0 instructions:u\n",
		"grades 2 0000000000001234\nA 0 1 10 10 0 1 0\n",
		"grades 2 0000000000001234\nC 0 1 10 10 0 1 0 instructions:u\n", /* too bad a mark
										  */
		"grades 2 0000000000001234\nC 1 1 10 20 0 1 0 instructions:u\n", /* too good */
		"grades 2 0000000000001234\nA 0 1 10 ten 0 1 0 instructions:u\n",
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
	assert_int_equal(back.rows[1].code.type, PERF_TYPE_RAW);
	assert_int_equal(back.rows[1].code.config, 0x1c7);
	assert_true(isnan(back.rows[2].counted));
	free(text);
	assert_true(grades_read_text(
		&back, "grades 2 0000000000001234\nC 1 1 10 10 0 1 0 instructions:u\n"));
	assert_non_null(strstr(back.rows[0].reason.text, "five runs differ"));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(grades_read_text(&back, bad[i]));
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	fputs("grades 2 0000000000001234\n", out);
	for (int i = 0; i < MOST_GRADES + 1; i++)
		fputs("A 0 1 10 10 0 1 0 instructions:u\n", out);
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
	grades_store(&grades.rows[0], grades.rows[0].event, recording);
	grades_store(&grades.rows[1], grades.rows[1].event, recording);
	recording_publish(recording);
	const struct fact_row *fact = recording_fact(recording, 1);
	assert_string_equal(recording_string_at(recording, fact->key),
			    "counter_grade.instructions");
	assert_string_equal(trust_of(recording, "instructions:k"), "B (+4.00 %)");
	assert_string_equal(trust_of(recording, "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE:upp"),
			    "A (+0.00 %)");
	assert_string_equal(trust_of(recording, "cycles"), "");
	assert_string_equal(trust_of(recording, "FP_ARITH_INST_RETIRED"), "");
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

static const struct grade_request request = { .machine = 1, .last_cache_bytes = 4 << 20 };

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
	static struct grades grades;
	(void)state;
	error_of_all = EACCES;
	perf_event_inject(open_instead);
	grades_measure(&grades, &request);
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
	grades_measure(&grades, &request);
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
	assert_float_equal(instructions->expected, 6e6, 0);
	assert_true(instructions->counted < 1000);
	assert_true(strlen(instructions->reason.text) > 20);
	assert_int_equal(row_of(&grades, "cache-misses:u")->mark, 'F');
#else
	assert_int_equal(instructions->mark, GRADE_UNKNOWN);
#endif
}

/* The last cache is larger than any list that misses it may be: no mark, not a bad one. */
static void a_cache_that_is_too_large_is_no_fault_of_the_counter(void **state)
{
	static struct grades grades;
	const struct grade_request large = { .last_cache_bytes = (size_t)1 << 30 };
	(void)state;
	perf_event_inject(open_instead);
	grades_measure(&grades, &large);
	perf_event_inject(NULL);
	const struct grade *misses = row_of(&grades, "cache-misses:u");
	assert_int_equal(misses->mark, GRADE_UNKNOWN);
	assert_true(strlen(misses->reason.text) > 20);
}

/* Every line once, then again from the first; each page before any page again. */
static void lists_go_round(void **state)
{
	struct grade_memory memory = { .first_cache_bytes = 32 << 10 };
	(void)state;
	assert_true(grade_near(&memory) > 0);
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), lines = memory.near.bytes / 64;
	size_t pages = memory.near.bytes / page_bytes;
	unsigned char *seen = test_calloc(lines, 1), *seen_pages = test_calloc(pages, 1);
	void **at = memory.near.block;
	for (size_t i = 0; i < lines; i++, at = *at) {
		size_t offset = (size_t)((char *)at - (char *)memory.near.block);
		assert_int_equal(seen[offset / 64]++, 0);
		assert_int_equal(seen_pages[offset / page_bytes]++, i / pages);
	}
	assert_ptr_equal(at, memory.near.block);
	test_free(seen);
	test_free(seen_pages);
	grade_memory_free(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_have_bounds),
		cmocka_unit_test(events_are_found_by_what_they_are),
		cmocka_unit_test(reasons_say_how_wrong),
		cmocka_unit_test(text_comes_back_or_not_at_all),
		cmocka_unit_test(they_are_kept_for_this_machine),
		cmocka_unit_test(what_cannot_be_counted_has_a_reason),
		cmocka_unit_test(true_counters_pass_and_lying_ones_fail),
		cmocka_unit_test(a_cache_that_is_too_large_is_no_fault_of_the_counter),
		cmocka_unit_test(lists_go_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
