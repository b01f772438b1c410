/* Lists in the views: keys, clicks, commands, the chooser of columns, and what is kept. */
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

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_shown.h"
#include "tui/face.h"
#include "tui/keymap.h"
#include "tui/list.h"
#include "tui/list_keys.h"
#include "tui/preferences.h"
#include "tui/view.h"

static struct shown open_screen(const char *view, int width, int height)
{
	return shown_open(fixture_known(), view, width, height);
}

static void functions_are_sorted_by_keys_clicks_and_commands(void **state)
{
	struct shown screen = open_screen("functions", 80, 24);
	(void)state;
	shown_has(&screen, "  self v     with    samples function");
	shown_stands_above(&screen, "build_histogram", "train_model");
	shown_press(&screen, ">");
	shown_has(&screen, "  with v");
	shown_stands_above(&screen, "train_model", "build_histogram");
	shown_press(&screen, "<");
	shown_has(&screen, "  self v");
	shown_press(&screen, "I");
	shown_has(&screen, "  self ^");
	shown_stands_above(&screen, "[lost]", "build_histogram");
	shown_click(&screen, "function (", KEY_CLICK);
	shown_has(&screen, "function (with = with callees^ module");
	shown_stands_above(&screen, "copy_user", "gradients");
	shown_click(&screen, "function (", KEY_CLICK);
	shown_has(&screen, "function (with = with calleesv module");
	shown_stands_above(&screen, "gradients", "copy_user");
	shown_press(&screen, ":sort samples\\r");
	shown_has(&screen, " samples v");
	shown_press(&screen, ":sort! with\\r");
	shown_has(&screen, "  with ^");
	shown_press(&screen, ":sort -module\\r");
	shown_has(&screen, "module v");
	shown_stands_above(&screen, "train_model", "js:");
	shown_press(&screen, ":sort sampls\\r");
	shown_has(&screen, "There is no column sampls here; did you mean samples?");
	shown_press(&screen, ":sort mod\\t\\r");
	shown_has(&screen, "module ^");
	shown_close(&screen);
}

/* In ASCII, so that rows can be told from each other by what stands before the name. */
static void calls_open_and_close(void **state)
{
	struct shown screen = open_screen("functions", 100, 30);
	(void)state;
	shown_press(&screen, "t");
	shown_has(&screen, "with v    samples calls");
	shown_has(&screen, " - train\n");
	shown_has(&screen, "   - train_model"); /* train, main, train_model */
	shown_stands_above(&screen, "build_histogram", "gradients");
	shown_press(&screen, "jj-"); /* on train_model: closed, then on to main, which closes too */
	shown_has(&screen, "   + train_model");
	shown_not(&screen, "gradients");
	shown_press(&screen, "--");
	shown_has(&screen, "  + main");
	shown_not(&screen, "   + train_model");
	shown_press(&screen, "++");
	shown_has(&screen, "   + train_model"); /* as it was left */
	shown_press(&screen, " ");
	shown_has(&screen, "     build_histogram");
	shown_press(&screen, "C");
	shown_has(&screen, " + train\n");
	shown_not(&screen, "main");
	shown_press(&screen, "E");
	shown_has(&screen, "      sigmoid"); /* the deepest */
	shown_press(&screen, ":sort name\\r");
	shown_stands_above(&screen, "pool-1", "- train\n");
	shown_press(&screen, "I");
	shown_stands_above(&screen, "- train\n", "pool-1");
	shown_press(&screen, ":sort with\\r/sigm\\r");
	shown_has(&screen, "gradients"); /* what is above what is found */
	shown_not(&screen, "pool-1");
	shown_press(&screen, "/nothing here\\r");
	shown_has(&screen, "Nothing matches the search");
	shown_press(&screen, "/\\rt");
	shown_has(&screen, "function (with"); /* flat again */
	shown_press(&screen, "tCt");
	shown_click(&screen, "sigmoid", KEY_CLICK);
	shown_press(&screen, "t"); /* it stays selected, and what is around it opens */
	shown_has(&screen, "- gradients");
	shown_press(&screen, "c");
	shown_has(&screen, "itself, o  sigmoid");
	shown_press(&screen, "3t");
	shown_has(&screen, "function (with");
	shown_press(&screen, "c");
	shown_has(&screen, "itself, o  sigmoid");
	shown_close(&screen);
}

static void one_module_and_other_roots(void **state)
{
	struct shown screen = open_screen("functions", 100, 30);
	(void)state;
	shown_press(&screen, ":sort name\\r/ksys_read\\rM");
	shown_has(&screen, "function of [kernel]");
	shown_press(&screen, "/\\r");
	shown_has(&screen, "copy_user");
	shown_not(&screen, "train_model");
	shown_press(&screen, "M");
	shown_has(&screen, "train_model");
	shown_press(&screen, "ppp"); /* nobody has told phases */
	shown_has(&screen, "[no phase]");
	shown_press(&screen, "g");
	shown_press(&screen, "a"); /* a phase has no lines */
	shown_has(&screen, "[3 Functions]");
	shown_press(&screen, "e");
	shown_has(&screen, "[no phase]");
	shown_close(&screen);
}

/* What htop, perf, less and vim have taught fingers. */
static void habits_are_met(void **state)
{
	struct shown screen = open_screen("functions", 100, 12);
	(void)state;
	face_key(screen.face, (struct input){ .key = KEY_FUNCTION_5 });
	shown_press(&screen, "");
	shown_has(&screen, "with v    samples calls");
	face_key(screen.face, (struct input){ .key = KEY_FUNCTION_5 });
	shown_press(&screen, "c"); /* of the first */
	shown_has(&screen, "build_histogram");
	shown_press(&screen, "3");
	face_key(screen.face, (struct input){ .key = 6 }); /* Ctrl-F: a page */
	shown_press(&screen, "");
	shown_not(&screen, "build_histogram");
	face_key(screen.face, (struct input){ .key = 2 }); /* Ctrl-B: back */
	shown_press(&screen, "");
	shown_has(&screen, "build_histogram");
	face_key(screen.face, (struct input){ .key = KEY_FUNCTION_3 });
	shown_press(&screen, "grad\\r");
	shown_has(&screen, "gradients");
	shown_not(&screen, "sigmoid");
	face_key(screen.face, (struct input){ .key = KEY_DELETE });
	shown_press(&screen, "");
	shown_has(&screen, "sigmoid");
	shown_press(&screen, "Z");
	shown_has(&screen, "Nothing more comes: this is a recording.");
	shown_press(&screen, "+"); /* as perf report opens */
	shown_has(&screen, "with v    samples calls");
	shown_close(&screen);
}

static void columns_are_chosen(void **state)
{
	struct shown screen = open_screen("functions", 80, 24);
	(void)state;
	shown_press(&screen, ":columns name,time,self\\r");
	shown_has(&screen, "\nfunction (with = with callees)");
	shown_has(&screen, " self time   self v\n");
	shown_has(&screen, "Columns of functions: name,time,self.");
	shown_not(&screen, "samples");
	shown_press(&screen, ":columns name,tim,self\\r");
	shown_has(&screen, "no column tim here; did you mean time?");
	shown_press(&screen, ":columns default\\r");
	shown_has(&screen, "  self v     with    samples function");
	shown_press(&screen, "O");
	shown_has(&screen, "[x] self                  v");
	shown_has(&screen, "[ ] time");
	shown_press(&screen, "jj x"); /* samples go and come back behind the others */
	shown_has(&screen, "Enter sort by it  Space show or hide  < left  > right");
	shown_press(&screen, "x<<\\e");
	shown_has(&screen, "Columns of functions: ");
	shown_not(&screen, "[x]");
	shown_press(&screen, ":columns\\r");
	shown_click(&screen, "[ ] time", KEY_CLICK);
	shown_has(&screen, "[x] time");
	shown_click(&screen, "total ", KEY_DOUBLE_CLICK);
	shown_not(&screen, "[x]");
	shown_press(&screen, ":columns self\\rO "); /* the last one stays */
	shown_has(&screen, "[x] self");
	shown_press(&screen, "r");
	shown_has(&screen, "[x] with");
	shown_close(&screen);
	screen = open_screen("flame", 80, 24);
	shown_press(&screen, ":sort self\\r");
	shown_has(&screen, ":sort is for lists");
	shown_close(&screen);
}

static void the_mouse_does_what_keys_do(void **state)
{
	struct shown screen = open_screen("functions", 80, 24);
	(void)state;
	shown_click(&screen, "gradients", KEY_CLICK);
	shown_click(&screen, " callers ", KEY_CLICK); /* a hint */
	shown_has(&screen, "called by");
	shown_has(&screen, "gradients");
	shown_click(&screen, "3 F", KEY_CLICK); /* a tab */
	shown_has(&screen, "[3 Functions]");
	shown_click(&screen, "self", KEY_DOUBLE_CLICK); /* a header is not opened */
	shown_has(&screen, "[3 Functions]");
	shown_click(&screen, "sigmoid",
		    KEY_DOUBLE_CLICK); /* what is clicked, not what was selected */
	shown_has(&screen, "[2 Flame]");
	shown_has(&screen, "sigmoid");
	shown_press(&screen, "\\e3");
	shown_click(&screen, " help", KEY_CLICK);
	shown_has(&screen, "Functions: functions by their own time");
	shown_click(&screen, "F6 sort", KEY_CLICK);
	shown_has(&screen, "Columns of functions");
	shown_click(&screen, " back", KEY_CLICK);
	shown_not(&screen, "Columns of functions");
	assert_int_equal(shown_click(&screen, " quit", KEY_CLICK), FACE_QUITS);
	shown_close(&screen);
}

static void the_overview_has_a_cursor(void **state)
{
	struct shown screen = open_screen("overview", 80, 40);
	(void)state;
	shown_has(&screen, "Hottest   self v     with function");
	shown_press(&screen, "e"); /* the hottest, until somebody moves */
	shown_has(&screen, "build_histogram");
	shown_press(&screen, "\\e>");
	shown_has(&screen, "   with v");
	shown_stands_above(&screen, "train_model", "build_histogram");
	shown_click(&screen, "self ", KEY_CLICK); /* behind the columns of the header's word */
	shown_has(&screen, "self v");
	shown_click(&screen, "sigmoid", KEY_CLICK);
	shown_press(&screen, "c");
	shown_has(&screen, "gradients");
	shown_press(&screen, "1");
	shown_click(&screen, "gradients", KEY_DOUBLE_CLICK);
	shown_has(&screen, "[2 Flame]");
	shown_close(&screen);
}

static void callers_and_callees_are_one_list(void **state)
{
	struct shown screen = open_screen("functions", 80, 24);
	(void)state;
	shown_click(&screen, "train_model", KEY_CLICK);
	shown_press(&screen, "c");
	shown_has(&screen, "  of it v    of all          called by");
	shown_stands_above(&screen, "main", "train_model");
	shown_press(&screen, ":sort name\\r");
	shown_stands_above(&screen, "called by ^", "main");
	shown_stands_above(&screen, "build_histogram", "gradients");
	shown_click(&screen, "calls ^", KEY_CLICK);
	shown_stands_above(&screen, "gradients", "build_histogram");
	shown_click(&screen, "gradients", KEY_DOUBLE_CLICK);
	shown_stands_above(&screen, "train_model", "gradients");
	shown_has(&screen, "sigmoid");
	shown_close(&screen);
}

static void notes_are_sorted_and_selected(void **state)
{
	struct shown screen = open_screen("notes", 80, 24);
	(void)state;
	shown_stands_above(&screen, "stacks", "symbols");
	shown_press(&screen, "I"); /* the newest first */
	shown_stands_above(&screen, "symbols", "stacks");
	shown_click(&screen, "source", KEY_CLICK);
	shown_stands_above(&screen, "stacks", "symbols");
	shown_press(&screen, "I");
	shown_stands_above(&screen, "symbols", "stacks");
	shown_click(&screen, "symbols", KEY_CLICK);
	shown_press(&screen, "e");
	shown_has(&screen, "symbols (note)");
	shown_close(&screen);
	screen = open_screen("notes", 40, 6); /* longer than the screen: its end can be reached */
	shown_has(&screen, "stacks");
	shown_press(&screen, "jjj");
	shown_has(&screen, "Sample less");
	shown_not(&screen, "stacks");
	shown_press(&screen, "jjjjjj");
	shown_has(&screen, "symbols");
	shown_close(&screen);
}

/* Every view with a list takes every column, alone and sorted by it, both ways round. */
static void every_list_takes_every_column(void **state)
{
	(void)state;
	for (const struct view *const *view = views; *view; view++) {
		if (!(*view)->list)
			continue;
		struct shown screen = open_screen((*view)->name, 100, 30);
		shown_press(&screen, "O");
		for (int i = 0; i < LIST_MOST_COLUMNS; i++) { /* name by name, as the chooser has */
			char line[160], name[LIST_NAME_BYTES];
			const char *at = strstr(screen.text, "[x]");
			for (int row = 0; at && row < i; row++) {
				at = strchr(at, '\n');
				at = at && at[1] == '[' ? at + 1 : NULL;
			}
			if (!at || sscanf(at + 3, " %31s", name) != 1)
				break;
			snprintf(line, sizeof line, "\\e:columns %s\\r:sort %s\\r:sort! %s\\rjGgO",
				 name, name, name);
			shown_press(&screen, line);
			snprintf(line, sizeof line, "[x] %s", name);
			shown_has(&screen, line);
			shown_press(&screen, "r");
		}
		shown_press(&screen, "\\e");
		shown_close(&screen);
	}
}

/* While samples come in, the cursor stays on the function it is on. */
static void live_lists_keep_the_row(void **state)
{
	struct shown screen = open_screen("functions", 80, 24);
	struct sample_row sample;
	(void)state;
	shown_click(&screen, "sigmoid", KEY_CLICK);
	uint64_t n = recording_moment(screen.recording).n[TABLE_SAMPLES];
	for (uint64_t i = 1; i < n; i++) { /* all other stacks become ten times as heavy */
		sample = *recording_sample(screen.recording, i);
		sample.weight *= i % 7 * 10;
		recording_add_sample(screen.recording, &sample);
	}
	recording_flush_samples(screen.recording, UINT64_MAX);
	recording_publish(screen.recording);
	shown_draw(&screen);
	shown_press(&screen, "c");
	shown_has(&screen, "sigmoid");
	shown_close(&screen);
}

/* ---- the configuration */

static char *read_config(const char *path)
{
	static char text[4096];
	FILE *in = fopen(path, "r");
	size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
	text[n] = '\0';
	if (in)
		fclose(in);
	return text;
}

static void columns_are_kept_in_the_configuration(void **state)
{
	char folder[] = "/tmp/stoke-list-XXXXXX", path[128], link[128];
	struct preferences preferences;
	struct preference_problems problems = { 0 };
	struct why why;
	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CONFIG_HOME", folder, 1);
	snprintf(path, sizeof path, "%s/stoke/config", folder);
	assert_true(preferences_keep_columns(view_find("functions"), "self,name", &why));
	assert_string_equal(read_config(path), "columns functions self,name\n");
	FILE *out = fopen(path, "w");
	fputs("# mine\ntheme = light\n  columns functions  with\ncolumns diff a,b\nrate = 99", out);
	fclose(out);
	snprintf(link, sizeof link, "%s/elsewhere", folder);
	assert_int_equal(rename(path, link), 0);
	assert_int_equal(symlink(link, path), 0);
	assert_true(preferences_keep_columns(view_find("functions"), "name,self", &why));
	assert_string_equal(read_config(link),
			    "# mine\ntheme = light\ncolumns diff a,b\nrate = 99\n"
			    "columns functions name,self\n");
	struct stat status;
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	preferences_defaults(&preferences);
	preferences_read(&preferences, read_config(path), strlen(read_config(path)), &problems);
	assert_int_equal(problems.n, 0);
	assert_int_equal(preferences.n_lists, 2);
	assert_true(preferences_line(&preferences, "sort diff -change", &why));
	/* What is read is what the view shows. */
	struct recording *recording = fixture_known();
	struct face_settings settings = { .recording = recording,
					  .command = "x",
					  .view = "functions",
					  .preferences = &preferences };
	struct shown screen = { .recording = recording,
				.face = face_new(&settings),
				.canvas = canvas_new(80, 24) };
	shown_draw(&screen);
	shown_has(&screen, "\nfunction (with = with callees)");
	shown_close(&screen);
	assert_true(preferences_keep_columns(view_find("functions"), "", &why));
	assert_null(strstr(read_config(path), "functions"));
	unlink(path);
	unlink(link);
	assert_int_equal(mkdir(path, 0700), 0); /* no file can be there */
	assert_false(preferences_keep_columns(view_find("functions"), "self", &why));
	assert_non_null(strstr(why.text, "no plain file"));
	rmdir(path);
	snprintf(path, sizeof path, "%s/stoke", folder);
	rmdir(path);
	rmdir(folder);
}

static void wrong_lines_are_explained(void **state)
{
	static const struct {
		const char *line, *sentence;
	} wrong[] = {
		{ "columns functions", "columns are written name,name,name, not nothing." },
		{ "columns flame self", "there is no list in a view flame" },
		{ "columns functions self name", "not self name." },
		{ "sort nowhere self", "there is no list in a view nowhere" },
		{ "sort", "it is neither" },
	};
	struct preferences preferences;
	struct why why;
	(void)state;
	preferences_defaults(&preferences);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_false(preferences_line(&preferences, wrong[i].line, &why));
		if (!strstr(why.text, wrong[i].sentence))
			fail_msg("%s: %s", wrong[i].line, why.text);
	}
	assert_int_equal(preferences.n_lists, 0);
}

/* One function moves by several keys: mapped ones move as theirs do. */
static void mapped_keys_move_too(void **state)
{
	struct shown still = open_screen("functions", 80, 24);
	struct shown usual = open_screen("functions", 80, 24);
	struct shown mapped = open_screen("functions", 80, 24);
	(void)state;
	shown_press(&still, "\r");
	shown_press(&usual, "j\r");
	shown_press(&mapped, ":map J down\r");
	shown_press(&mapped, "J\r");
	assert_string_not_equal(still.text, usual.text);
	assert_string_equal(mapped.text, usual.text);
	shown_close(&still);
	shown_close(&usual);
	shown_close(&mapped);
}

/* Views without a list that move by list_keys take all of its keys. */
static void moving_is_the_same_everywhere(void **state)
{
	int n_views = 0;
	(void)state;
	for (const struct view *const *view = views; *view; view++) {
		const struct binding *up = keymap_usual((*view)->bindings, KEY_PAGE_UP);
		const struct binding *down = keymap_usual((*view)->bindings, KEY_PAGE_DOWN);
		if ((*view)->list || !up || !down || up->act != down->act)
			continue;
		n_views++;
		for (int key = 1; key <= KEY_FINISH; key++) {
			const struct binding *binding = keymap_usual((*view)->bindings, key);
			if (list_step(key, 8) && (!binding || binding->act != up->act))
				fail_msg("%s does not move by key %d", (*view)->name, key);
		}
	}
	assert_int_equal(n_views, 2); /* machine and output */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_sorted_by_keys_clicks_and_commands),
		cmocka_unit_test(calls_open_and_close),
		cmocka_unit_test(one_module_and_other_roots),
		cmocka_unit_test(habits_are_met),
		cmocka_unit_test(columns_are_chosen),
		cmocka_unit_test(the_mouse_does_what_keys_do),
		cmocka_unit_test(the_overview_has_a_cursor),
		cmocka_unit_test(callers_and_callees_are_one_list),
		cmocka_unit_test(notes_are_sorted_and_selected),
		cmocka_unit_test(every_list_takes_every_column),
		cmocka_unit_test(live_lists_keep_the_row),
		cmocka_unit_test(columns_are_kept_in_the_configuration),
		cmocka_unit_test(wrong_lines_are_explained),
		cmocka_unit_test(mapped_keys_move_too),
		cmocka_unit_test(moving_is_the_same_everywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
