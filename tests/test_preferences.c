/* The configuration: what is taken, what is said about the rest, keys and their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/recording.h"
#include "tui/completion.h"
#include "tui/key_names.h"
#include "tui/preferences.h"
#include "tui/theme.h"
#include "workloads/support/random.h"

static struct preferences preferences;
static struct preference_problems problems;

static void take(const char *text)
{
	preferences_defaults(&preferences);
	problems = (struct preference_problems){ 0 };
	preferences_read(&preferences, text, strlen(text), &problems);
}

static void settings_are_taken(void **state)
{
	char text[128];
	(void)state;
	take("# mine\n\n theme =light\nview= flame\r\ncolors = 256\nglyphs = ascii\nrate = 99\n"
	     "refresh = 30\nmouse = off");
	assert_int_equal(problems.n, 0);
	assert_string_equal(preferences.theme->name, "light");
	assert_string_equal(preferences.view->name, "flame");
	assert_int_equal(preferences.colors, COLORS_256);
	assert_int_equal(preferences.glyphs, GLYPHS_ASCII);
	assert_int_equal(preferences.rate_hz, 99);
	assert_int_equal(preferences.refresh_hz, 30);
	assert_true(preferences.no_mouse);
	/* What is printed reads back as the same. */
	for (const struct preference *at = preference_table; at->name; at++) {
		struct preferences again = preferences;
		struct why why;
		preferences_print(&preferences, at->name, text, sizeof text);
		assert_true(preferences_line(&again, text, &why));
		assert_memory_equal(&again, &preferences, offsetof(struct preferences, keymap));
	}
}

static void wrong_lines_are_explained_with_their_number(void **state)
{
	static const struct {
		const char *line, *sentence;
	} wrong[] = {
		{ "colour = red", "there is no setting colour; did you mean colors?" },
		{ "theme = purple", "theme takes one of dark  light  contrast  mono, not purple." },
		{ "theme =", "not nothing." },
		{ "view = fame", "view takes one of" },
		{ "rate = -1", "rate takes (1 to 20000), not -1." },
		{ "rate = 99999999999999999999", "rate takes" },
		{ "refresh = 0", "refresh takes (1 to 60), not 0." },
		{ "hello", "it is neither" },
		{ "= 1", "there is no setting" },
		{ "map", "it is neither" },
		{ "map x", "map needs a key and what it does" },
		{ "map Hyper-x quit", "there is no key Hyper-x" },
		{ "map x fly", "no key does fly" },
		{ "map x flame.sort-by", "no key does sort-by" },
		{ "map x fame.quit", "there is no view fame" },
		{ "map x sandwitch", "did you mean sandwich?" },
		{ "unmap x fame", "there is no view fame" },
		{ "theme = \033[31mred", "not ?[31mred." },
	};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		char text[256];
		snprintf(text, sizeof text, "# one\nmouse = on\n%s\nrate = 77\n", wrong[i].line);
		take(text);
		assert_int_equal(problems.n, 1);
		assert_ptr_equal(strstr(problems.text[0], "Line 3: "), problems.text[0]);
		if (!strstr(problems.text[0], wrong[i].sentence))
			fail_msg("%s: %s", wrong[i].line, problems.text[0]);
		assert_int_equal(preferences.rate_hz, 77); /* what follows is taken */
	}
}

static void hostile_files_cost_notes_only(void **state)
{
	struct random random = { 11 };
	static char text[100000];
	(void)state;
	for (int round = 0; round < 40; round++) {
		size_t n = random_bits(&random) % sizeof text;
		for (size_t i = 0; i < n; i++) {
			uint64_t bits = random_bits(&random);
			text[i] = bits % 9 == 0   ? '\n'
				  : bits % 9 == 1 ? "=map theme.#"[bits / 9 % 12]
						  : (char)(bits >> 8);
		}
		preferences_defaults(&preferences);
		problems = (struct preference_problems){ 0 };
		preferences_read(&preferences, text, n, &problems);
		assert_true(problems.n <= PREFERENCE_MOST_PROBLEMS);
		assert_non_null(preferences.theme);
		assert_true(preferences.refresh_hz >= 1);
		for (int i = 0; i < problems.n; i++)
			for (const char *at = problems.text[i]; *at; at++)
				assert_true((unsigned char)*at >= ' ');
	}
	memset(text, 'x', sizeof text); /* one long line */
	preferences_read(&preferences, text, sizeof text, &problems);
	for (int i = 0; i < 2 * KEYMAP_MOST_ROWS; i++) {
		struct why why;
		bool is_taken = preferences_line(&preferences, "map x quit", &why);
		assert_true(is_taken == (i < KEYMAP_MOST_ROWS) || !is_taken);
	}
	assert_int_equal(preferences.keymap.n, KEYMAP_MOST_ROWS);
}

static void keys_have_names_both_ways(void **state)
{
	static const char *const same[] = { "x",         "Ctrl-R", "Enter", "PgUp",     "F5",
					    "Shift-Tab", "Space",  "#",     "\xc3\xa4", "F10" };
	char text[32];
	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		assert_int_not_equal(key_parse(same[i]), KEY_NONE_PRESSED);
		assert_string_equal(key_print(key_parse(same[i]), text, sizeof text), same[i]);
	}
	assert_int_equal(key_parse("ctrl+a"), 1);
	assert_int_equal(key_parse(""), KEY_NONE_PRESSED);
	assert_int_equal(key_parse("ab"), KEY_NONE_PRESSED);
	assert_int_equal(key_parse("\xff"), KEY_NONE_PRESSED);
	assert_int_equal(key_parse("Ctrl-"), KEY_NONE_PRESSED);
}

/* Each action can be named, and naming it finds the binding it came from. */
static void check_action(void *into, const struct view *view, const struct binding *binding,
			 const char *action)
{
	char line[256];
	struct why why;
	struct preferences *own = into;
	(void)binding;
	own->keymap.n = 0;
	snprintf(line, sizeof line, "map Ctrl-G %s%s%s", view ? view->name : "", view ? "." : "",
		 action);
	if (!preferences_line(own, line, &why))
		fail_msg("%s: %s", line, why.text);
	assert_true(strlen(action) > 1);
	const struct keymap_row *row = keymap_find(&own->keymap, view, 'G' & 31);
	assert_non_null(row);
	assert_string_equal(row->action, action);
}

static void every_action_can_be_mapped(void **state)
{
	(void)state;
	preferences_defaults(&preferences);
	keymap_offer_actions(check_action, &preferences);
}

static void later_rows_win_and_views_keep_their_own(void **state)
{
	struct why why;
	(void)state;
	preferences_defaults(&preferences);
	assert_true(preferences_line(&preferences, "map x flame.undo", &why));
	assert_null(keymap_find(&preferences.keymap, view_find("notes"), 'x'));
	assert_non_null(keymap_find(&preferences.keymap, view_find("flame"), 'x'));
	assert_true(preferences_line(&preferences, "unmap x", &why));
	assert_string_equal(keymap_find(&preferences.keymap, view_find("flame"), 'x')->action, "");
}

static void completion_knows_what_is_shared(void **state)
{
	struct completion completion;
	(void)state;
	completion_start(&completion, "co");
	preferences_complete(NULL, &completion);
	assert_int_equal(completion.n, 1);
	assert_string_equal(completion.common, "colors");
	completion_start(&completion, "");
	completion_offer_each(&completion, "unicorn|unicode|uni");
	assert_int_equal(completion.n, 3);
	assert_string_equal(completion.common, "uni");
	completion_start(&completion, "");
	completion_offer(&completion, "\xc3\xa4");
	completion_offer(&completion, "\xc3\xb6"); /* they share half a character */
	assert_string_equal(completion.common, "");
}

/* The file itself, through the environment; read once a process, so this test is the only one. */
static void the_file_is_found_and_its_problems_are_notes(void **state)
{
	char folder[] = "/tmp/stoke-config-XXXXXX", path[64];
	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CONFIG_HOME", folder, 1);
	snprintf(path, sizeof path, "%s/stoke", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/stoke/config", folder);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs("theme = contrast\nspeed = 9\n", out);
	fclose(out);
	assert_string_equal(preferences_get()->theme->name, "contrast");
	struct recording *recording = recording_new();
	preferences_note(recording);
	assert_int_equal(recording_moment(recording).n[TABLE_NOTES], 2);
	const char *text = recording_string_at(recording, recording_note_row(recording, 1)->text);
	assert_non_null(strstr(text, "Line 2: there is no setting speed"));
	assert_non_null(strstr(text, path));
	recording_free(recording);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_taken),
		cmocka_unit_test(wrong_lines_are_explained_with_their_number),
		cmocka_unit_test(hostile_files_cost_notes_only),
		cmocka_unit_test(keys_have_names_both_ways),
		cmocka_unit_test(every_action_can_be_mapped),
		cmocka_unit_test(later_rows_win_and_views_keep_their_own),
		cmocka_unit_test(completion_knows_what_is_shared),
		cmocka_unit_test(the_file_is_found_and_its_problems_are_notes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
