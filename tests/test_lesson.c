/* Lessons: that each can be read and run as it stands, and what is made of numbers and guesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tui/lesson.h"
#include "tui/words.h"
#include "workloads/support/runner.h"
#include "workloads/support/workload_settings.h"
#include "workloads/workload.h"

static void check_side(const char *name, const char *side)
{
	struct why why = { "" };
	char **words = words_split(side, ' ');
	const struct workload *workload = workload_find(words[0]);
	if (!workload)
		fail_msg("%s: there is no workload %s", name, words[0]);
	if (!workload_settings_check(workload, words + 1, &why))
		fail_msg("%s: %s: %s", name, side, why.text);
	words_free(words);
}

static void every_lesson_can_be_taken(void **state)
{
	struct lesson lesson;
	struct why why = { "" };
	size_t n = 0;
	(void)state;
	for (const struct lesson_text *at = lesson_texts; at->name; at++, n++) {
		if (!lesson_read(&lesson, at, &why))
			fail_msg("%s", why.text);
		check_side(at->name, lesson.a);
		check_side(at->name, lesson.b);
		if (!strstr(lesson.why, "{ratio}"))
			fail_msg("%s does not say what was measured", at->name);
	}
	assert_true(n >= 8);
}

static void wrong_files_are_told(void **state)
{
	static const char whole[] = "title t\nabout x\na xor\nb xor\nask ?\nwhy w\nsee s\n";
	const struct lesson_text good = { "good", whole };
	const struct lesson_text bad[] = { { "empty", "" },
					   { "short", "title t\nabout x\n" },
					   { "twice", "title t\ntitle u\n" },
					   { "strange", "title t\nspeed 9\n" },
					   { "blank", "title \n" } };
	struct lesson lesson;
	struct why why;
	(void)state;
	assert_true(lesson_read(&lesson, &good, &why));
	assert_string_equal(lesson.see, "s");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why.text[0] = '\0';
		assert_false(lesson_read(&lesson, &bad[i], &why));
		assert_non_null(strstr(why.text, bad[i].name));
	}
}

static double rate_of(const char *output)
{
	struct lesson_rate rate;
	return lesson_parse_rate(output, &rate) ? rate.value : NAN;
}

static void rates_are_read(void **state)
{
	struct lesson_rate rate;
	(void)state;
	assert_true(rate_of("chase: 403 ms, 20.8 GB/s by exact work, checks passed\n") == 20.8e9);
	assert_true(rate_of("x: 1 s, 837 MFLOP/s by exact work, checks passed\nx: 10 GB/s of\n") ==
		    837e6);
	assert_true(rate_of("x: 1 s, 12 items/s by exact work\n") == 12);
	assert_true(isnan(rate_of("")));
	assert_true(isnan(rate_of("x: 1 s, checks passed\n")));
	assert_true(isnan(rate_of(" by exact work")));
	assert_true(isnan(rate_of("x: 1 s, 0 B/s by exact work")));
	assert_true(isnan(rate_of("x: 1 s, inf B/s by exact work")));
	assert_true(lesson_parse_rate("x: 1 s, 20.8 GB/s by exact work", &rate));
	assert_string_equal(rate.text, "20.8 GB/s");
}

static void guesses_are_judged(void **state)
{
	const struct lesson_rate a = { 30e9, "30.0 GB/s" }, b = { 2e9, "2.00 GB/s" };
	char text[128], small[12];
	(void)state;
	assert_string_equal(lesson_fill("{a} / {b} = {ratio} {c}", &a, &b, text, sizeof text),
			    "30.0 GB/s / 2.00 GB/s = 15 {c}");
	assert_string_equal(lesson_fill("{a} and more", &a, &b, small, sizeof small),
			    "30.0 GB/s a");
	assert_string_equal(lesson_verdict(12, 15, text, sizeof text), "your guess of 12 is close");
	assert_string_equal(lesson_verdict(60, 15, text, sizeof text),
			    "your guess of 60 is 4 times too much");
	assert_string_equal(lesson_verdict(1, 15, text, sizeof text),
			    "your guess of 1 is 15 times too little");
	assert_string_equal(lesson_verdict(NAN, 15, text, sizeof text), "no guess");
	assert_string_equal(lesson_verdict(0, 15, text, sizeof text), "no guess");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_lesson_can_be_taken),
		cmocka_unit_test(wrong_files_are_told),
		cmocka_unit_test(rates_are_read),
		cmocka_unit_test(guesses_are_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
