/* The option parser: spellings, bundles, limits, sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sampler/base/nearest.h"
#include "tui/options.h"
#include "tui/settings.h"

static const struct option_group *const groups[] = { &options_sampling,
						     &options_output,
						     &options_terminal,
						     &options_messages,
						     &options_general,
						     &options_over_time,
						     NULL };

enum { MOST_WORDS = 16 };

struct parsed {
	char storage[MOST_WORDS][64];
	char *argv[MOST_WORDS + 1];
	struct settings settings;
	struct arguments arguments;
	struct why why;
	bool is_good;
};

/* "a b c" as argv, after a program's name. */
static struct parsed *parse(const char *line, enum options_mode mode)
{
	static struct parsed parsed;
	memset(&parsed, 0, sizeof parsed);
	int n = 0;
	parsed.argv[n] = strcpy(parsed.storage[n], "test");
	for (n = 1; *line; n++) {
		size_t length = strcspn(line, " ");
		memcpy(parsed.storage[n], line, length);
		parsed.argv[n] = parsed.storage[n];
		line += length + (line[length] == ' ');
	}
	parsed.is_good = options_parse(groups, mode, parsed.argv, &parsed.settings,
				       &parsed.arguments, &parsed.why);
	return &parsed;
}

static void assert_refused(const char *line, const char *sentence)
{
	struct parsed *parsed = parse(line, OPTIONS_ANYWHERE);
	assert_false(parsed->is_good);
	assert_string_equal(parsed->why.text, sentence);
}

static void test_values_in_every_spelling(void **state)
{
	(void)state;
	const char *const lines[] = { "-F99", "-F 99", "--freq=99", "--freq 99", "--rate 99" };
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct parsed *parsed = parse(lines[i], OPTIONS_ANYWHERE);
		assert_true(parsed->is_good);
		assert_int_equal(parsed->settings.frequency_hz, 99);
		assert_int_equal(parsed->arguments.n_words, 0);
	}
}

static void test_bundles(void **state)
{
	(void)state;
	struct parsed *parsed = parse("-qvvgF4999 -o-", OPTIONS_ANYWHERE);
	assert_true(parsed->is_good);
	assert_true(parsed->settings.is_quiet);
	assert_int_equal(parsed->settings.verbosity, 2);
	assert_int_equal(parsed->settings.frequency_hz, 4999);
	assert_string_equal(parsed->settings.output, "-");
}

static void test_words_keep_their_order(void **state)
{
	(void)state;
	struct parsed *parsed = parse("a -q b --ascii - c", OPTIONS_ANYWHERE);
	assert_true(parsed->is_good);
	assert_int_equal(parsed->arguments.n_words, 4);
	assert_string_equal(parsed->arguments.words[0], "a");
	assert_string_equal(parsed->arguments.words[1], "b");
	assert_string_equal(parsed->arguments.words[2], "-");
	assert_string_equal(parsed->arguments.words[3], "c");
	assert_null(parsed->arguments.words[4]);
	assert_true(parsed->settings.is_ascii);
}

static void test_everything_after_dashes_is_left_alone(void **state)
{
	(void)state;
	struct parsed *parsed = parse("-q -- ls -F --nonsense -- x", OPTIONS_ANYWHERE);
	assert_true(parsed->is_good);
	assert_true(parsed->arguments.has_dashes);
	assert_int_equal(parsed->arguments.n_words, 5);
	assert_string_equal(parsed->arguments.words[1], "-F");
	assert_string_equal(parsed->arguments.words[3], "--");
}

static void test_a_command_ends_the_options(void **state)
{
	(void)state;
	struct parsed *parsed = parse("-q ls -l --color", OPTIONS_UNTIL_WORD);
	assert_true(parsed->is_good);
	assert_false(parsed->arguments.has_dashes);
	assert_int_equal(parsed->arguments.n_words, 3);
	assert_string_equal(parsed->arguments.words[1], "-l");
}

static void test_kinds(void **state)
{
	(void)state;
	struct parsed *parsed =
		parse("--duration 500ms --delay=2s --call-graph dwarf,10k --color never "
		      "--unwinder libunwind --no-inherit",
		      OPTIONS_ANYWHERE);
	assert_true(parsed->is_good);
	assert_int_equal(parsed->settings.duration_ns, 500000000);
	assert_int_equal(parsed->settings.delay_ns, 2000000000);
	assert_int_equal(parsed->settings.call_graph, CALL_GRAPH_DWARF);
	assert_int_equal(parsed->settings.stack_bytes, 10240);
	assert_int_equal(parsed->settings.color, COLOR_NEVER);
	assert_int_equal(parsed->settings.unwinder, UNWINDER_LIBUNWIND);
	assert_true(parsed->settings.no_inherit);
}

static void test_sentences(void **state)
{
	(void)state;
	assert_refused("--frq 99", "There is no option --frq; did you mean --freq?");
	assert_refused("--dur 1s", "There is no option --dur; did you mean --duration?");
	assert_refused("--zzzzzzzz", "There is no option --zzzzzzzz; --help lists the options.");
	assert_refused("-Z", "There is no option -Z; --help lists the options.");
	assert_refused("-F", "-F needs a value: HZ.");
	assert_refused("--quiet=yes", "--quiet takes no value.");
	assert_refused("-F 20001", "-F takes a number from 1 to 20000, not 20001.");
	assert_refused("-F -1", "-F takes a number from 1 to 20000, not -1.");
	assert_refused("-F 99999999999999999999",
		       "-F takes a number from 1 to 20000, not 99999999999999999999.");
	assert_refused("-F 9x", "-F takes a number from 1 to 20000, not 9x.");
	assert_refused("--freq=", "--freq takes a number from 1 to 20000, not .");
	assert_refused("--color red", "--color takes one of auto|always|never, not red.");
	assert_refused("--duration soon",
		       "--duration takes a time such as 5s, 500ms or 2m, not soon.");
	assert_refused("--ring 0", "--ring takes a time above 0, such as 5s, not 0.");
	assert_refused("--=x", "There is no option --; --help lists the options.");
}

static void test_escapes_in_options_are_not_echoed(void **state)
{
	(void)state;
	struct parsed *parsed = parse("--\033[31mred", OPTIONS_ANYWHERE);
	assert_false(parsed->is_good);
	assert_null(strchr(parsed->why.text, '\033'));
}

static void test_sampling_from_settings(void **state)
{
	(void)state;
	struct sampling sampling;
	struct why why;
	struct settings settings = { .period = 5000, .events = "cycles:u,page-faults" };
	assert_true(settings_sampling(&settings, &sampling, &why));
	assert_int_equal(sampling.frequency_hz, 0);
	assert_int_equal(sampling.period, 5000);
	assert_int_equal(sampling.n_events, 2);
	settings.frequency_hz = 99;
	assert_false(settings_sampling(&settings, &sampling, &why));
	settings = (struct settings){ .user_only = true, .kernel_only = true };
	assert_false(settings_sampling(&settings, &sampling, &why));
	settings = (struct settings){ 0 };
	assert_true(settings_sampling(&settings, &sampling, &why));
	assert_int_equal(sampling.n_events, 0);
	assert_true(sampling.frequency_hz > 0);
}

static void test_sizes(void **state)
{
	(void)state;
	int columns, rows;
	struct settings good = { .size = "120x40" };
	assert_true(settings_size(&good, &columns, &rows, NULL));
	assert_int_equal(columns, 120);
	assert_int_equal(rows, 40);
	const char *const bad[] = { "",         "120",  "120x",
				    "x40",      "0x5",  "5x0",
				    "120x40x1", "-1x5", "99999999999999999999x1",
				    "2001x1",   "12 x4" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct settings settings = { .size = bad[i] };
		assert_false(settings_size(&settings, &columns, &rows, NULL));
	}
	struct settings none = { 0 };
	assert_int_equal(setenv("COLUMNS", "33", 1), 0);
	assert_int_equal(setenv("LINES", "4x", 1), 0);
	assert_true(settings_size(&none, &columns, &rows, NULL));
	assert_int_equal(columns, 33);
	assert_int_equal(rows, 24);
}

static void test_colour_rules(void **state)
{
	(void)state;
	struct settings settings = { 0 };
	unsetenv("CLICOLOR");
	unsetenv("FORCE_COLOR");
	setenv("NO_COLOR", "1", 1);
	setenv("CLICOLOR_FORCE", "1", 1);
	assert_false(settings_use_color(&settings, -1));
	settings.color = COLOR_ALWAYS;
	assert_true(settings_use_color(&settings, -1));
	settings.color = COLOR_AUTO;
	setenv("NO_COLOR", "", 1); /* empty is not set */
	assert_true(settings_use_color(&settings, -1));
	unsetenv("CLICOLOR_FORCE");
	assert_false(settings_use_color(&settings, -1)); /* no terminal */
	settings.color = COLOR_NEVER;
	setenv("FORCE_COLOR", "1", 1);
	assert_false(settings_use_color(&settings, -1));
}

static void test_nearest(void **state)
{
	(void)state;
	struct nearest nearest;
	nearest_start(&nearest, "reocrd");
	nearest_offer(&nearest, "report");
	nearest_offer(&nearest, "record");
	assert_string_equal(nearest.best, "record");
	nearest_start(&nearest, "x");
	nearest_offer(&nearest, "record");
	assert_null(nearest.best);
	nearest_start(&nearest, "");
	nearest_offer(&nearest, "a");
	assert_null(nearest.best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_in_every_spelling),
		cmocka_unit_test(test_bundles),
		cmocka_unit_test(test_words_keep_their_order),
		cmocka_unit_test(test_everything_after_dashes_is_left_alone),
		cmocka_unit_test(test_a_command_ends_the_options),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_escapes_in_options_are_not_echoed),
		cmocka_unit_test(test_sampling_from_settings),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_colour_rules),
		cmocka_unit_test(test_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
