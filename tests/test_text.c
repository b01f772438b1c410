/* Numbers and UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "sampler/base/text.h"

static void numbers_have_units(void **state)
{
	char text[TEXT_BYTES];
	(void)state;
	assert_string_equal(text_ratio(text, sizeof text, 0.345), "34.5 %");
	assert_string_equal(text_ratio(text, sizeof text, NAN), TEXT_UNKNOWN);
	assert_string_equal(text_rate(text, sizeof text, 1.2e9, "B/s"), "1.20 GB/s");
	assert_string_equal(text_rate(text, sizeof text, 12, "Hz"), "12 Hz");
	assert_string_equal(text_rate(text, sizeof text, 999.6, "B"), "1.00 kB");
	assert_string_equal(text_rate(text, sizeof text, INFINITY, "B"), TEXT_UNKNOWN);
	assert_string_equal(text_memory(text, sizeof text, 1536), "1.50 KiB");
	assert_string_equal(text_memory(text, sizeof text, 1 << 20), "1.00 MiB");
	assert_string_equal(text_duration(text, sizeof text, 850), "850 ns");
	assert_string_equal(text_duration(text, sizeof text, 4.2e9), "4.20 s");
	assert_string_equal(text_duration(text, sizeof text, 192e9), "3 m 12 s");
	assert_string_equal(text_duration(text, sizeof text, 7500e9), "2 h 05 m");
	assert_string_equal(text_count(text, sizeof text, 1234567), "1,234,567");
	assert_string_equal(text_count(text, sizeof text, 999), "999");
	assert_string_equal(text_count(text, sizeof text, 0), "0");
	/* 152,855,732 in ten columns must not become 152,855,73. */
	assert_string_equal(text_count_within(text, sizeof text, 10, 152855732), "153 M");
	assert_string_equal(text_count_within(text, sizeof text, 11, 152855732), "152,855,732");
}

static void outputs_never_overflow(void **state)
{
	char text[TEXT_BYTES];
	(void)state;
	for (size_t bytes = 1; bytes < 8; bytes++) {
		memset(text, 'x', sizeof text);
		text_count(text, bytes, UINT64_MAX);
		assert_true(strlen(text) < bytes);
		memset(text, 'x', sizeof text);
		text_clean(text, bytes, "\xc3\xa4\xc3\xb6\xe4\xb8\xad");
		assert_true(strlen(text) < bytes);
		assert_int_equal(text[bytes], 'x');
	}
}

static void widths_follow_unicode(void **state)
{
	int used;
	(void)state;
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\xe4\xb8\xad\xe6\x96\x87"), 4); /* two wide */
	assert_int_equal(text_width("e\xcc\x81"), 1);                /* combining acute */
	assert_int_equal(text_width("\xf0\x9f\x94\xa5"), 2);         /* emoji */
	assert_int_equal(text_fit("a\xe4\xb8\xad", 2, &used), 1);
	assert_int_equal(used, 1);
	assert_int_equal(text_fit("e\xcc\x81x", 1, &used), 3);
}

static void broken_utf8_is_one_character_a_byte(void **state)
{
	static const char *const broken[] = { "\x80",         "\xc0\xaf",
					      "\xed\xa0\x80", "\xf5\x80\x80\x80",
					      "\xe4\xb8",     "\xf0\x9f\x94" };
	uint32_t code_point;
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		assert_int_equal(text_decode(broken[i], &code_point), 1);
		assert_int_equal(code_point, 0xfffd);
	}
}

static void escapes_of_a_target_are_cleaned(void **state)
{
	char text[64];
	(void)state;
	assert_string_equal(text_clean(text, sizeof text, "a\033[31mb\n"), "a?[31mb?");
	assert_string_equal(text_clean(text, sizeof text,
				       "\xe2\x80\xae"
				       "x"),
			    "?x"); /* bidi */
	assert_string_equal(text_clean(text, sizeof text, "gr\xc3\xbc\xc3\x9f"),
			    "gr\xc3\xbc\xc3\x9f");
}

static void durations_and_sizes_are_parsed(void **state)
{
	(void)state;
	assert_true(text_parse_duration_ns("5s") == 5000000000u);
	assert_true(text_parse_duration_ns("500ms") == 500000000u);
	assert_true(text_parse_duration_ns("1.5") == 1500000000u);
	assert_true(text_parse_duration_ns("2m") == 120000000000u);
	static const char *const bad[] = {
		"", "s", "-1", "5x", "1e99", "nan", "inf", "0x5", "5 5"
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_true(text_parse_duration_ns(bad[i]) == UINT64_MAX);
	assert_true(text_parse_bytes("8k") == 8192);
	assert_true(text_parse_bytes("4MiB") == 4194304);
	assert_true(text_parse_bytes("many") == UINT64_MAX);
}

static void long_names_keep_both_ends(void **state)
{
	char text[64], small[8];
	(void)state;
	assert_string_equal(text_shorten(text, sizeof text, 9, "libc.so.6"), "libc.so.6");
	assert_string_equal(text_shorten(text, sizeof text, 8, "libc.so.6"), "libc\u2026o.6");
	assert_string_equal(text_shorten(text, sizeof text, 2, "libc.so.6"), "l\u2026");
	assert_string_equal(text_shorten(text, sizeof text, 1, "libc.so.6"), "\u2026");
	assert_string_equal(text_shorten(text, sizeof text, 0, "libc.so.6"), "");
	/* Wide characters are kept whole or not at all. */
	for (int columns = 0; columns < 12; columns++) {
		text_shorten(text, sizeof text, columns, "\u6f22\u5b57ab\u6f22\u5b57");
		assert_true(text_width(text) <= columns);
		assert_null(strstr(text, "?"));
	}
	assert_string_equal(text_shorten(small, sizeof small, 40, "much too long"), "much to");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_names_keep_both_ends),
		cmocka_unit_test(numbers_have_units),
		cmocka_unit_test(outputs_never_overflow),
		cmocka_unit_test(widths_follow_unicode),
		cmocka_unit_test(broken_utf8_is_one_character_a_byte),
		cmocka_unit_test(escapes_of_a_target_are_cleaned),
		cmocka_unit_test(durations_and_sizes_are_parsed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
