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
#include "tui/face.h"
#include "tui/keymap.h"
#include "tui/list.h"
#include "tui/list_keys.h"
#include "tui/preferences.h"
#include "tui/view.h"

struct screen {
	struct recording *recording;
	struct face *face;
	struct canvas canvas;
	char *text;
};

static void draw(struct screen *screen)
{
	size_t n;
	free(screen->text);
	face_draw(screen->face, &screen->canvas, screen->recording->start_ns);
	FILE *out = open_memstream(&screen->text, &n);
	canvas_write(&screen->canvas, out, true, NULL);
	fclose(out);
}

static struct screen open_screen(const char *view, int width, int height)
{
	struct screen screen = { .recording = fixture_known() };
	struct face_settings settings = { .recording = screen.recording,
					  .command = "train",
					  .view = view };
	screen.face = face_new(&settings);
	screen.canvas = canvas_new(width, height);
	draw(&screen);
	return screen;
}

static void close_screen(struct screen *screen)
{
	free(screen->text);
	face_free(screen->face);
	canvas_free(&screen->canvas);
	recording_free(screen->recording);
}

static void press(struct screen *screen, const char *keys)
{
	face_keys(screen->face, keys);
	draw(screen);
}

static void shows(const struct screen *screen, const char *text)
{
	if (!strstr(screen->text, text))
		fail_msg("no \"%s\" on\n%s", text, screen->text);
}

static void shows_not(const struct screen *screen, const char *text)
{
	if (strstr(screen->text, text))
		fail_msg("\"%s\" is on\n%s", text, screen->text);
}

/* On the first such text; the screen is in ASCII, so bytes are columns. */
static enum face_outcome click_on(struct screen *screen, const char *text, int key)
{
	const char *at = strstr(screen->text, text);
	int x = 0, y = 0;
	if (!at)
		fail_msg("no \"%s\" on\n%s", text, screen->text);
	for (const char *byte = screen->text; byte < at; byte++) {
		x = *byte == '\n' ? 0 : x + 1;
		y += *byte == '\n';
	}
	enum face_outcome outcome =
		face_key(screen->face, (struct input){ .key = key, .x = x, .y = y });
	draw(screen);
	return outcome;
}

/* Text a stands above text b. */
static void stands_above(const struct screen *screen, const char *a, const char *b)
{
	const char *first = strstr(screen->text, a), *second = strstr(screen->text, b);
	if (!first || !second || first > second)
		fail_msg("%s is not above %s on\n%s", a, b, screen->text);
}

static void functions_are_sorted_by_keys_clicks_and_commands(void **state)
{
	struct screen screen = open_screen("functions", 80, 24);
	(void)state;
	shows(&screen, "  self v     with    samples function");
	stands_above(&screen, "build_histogram", "train_model");
	press(&screen, ">");
	shows(&screen, "  with v");
	stands_above(&screen, "train_model", "build_histogram");
	press(&screen, "<");
	shows(&screen, "  self v");
	press(&screen, "I");
	shows(&screen, "  self ^");
	stands_above(&screen, "[lost]", "build_histogram");
	click_on(&screen, "function (", KEY_CLICK);
	shows(&screen, "function (with = with callees^ module");
	stands_above(&screen, "copy_user", "gradients");
	click_on(&screen, "function (", KEY_CLICK);
	shows(&screen, "function (with = with calleesv module");
	stands_above(&screen, "gradients", "copy_user");
	press(&screen, ":sort samples\\r");
	shows(&screen, " samples v");
	press(&screen, ":sort! with\\r");
	shows(&screen, "  with ^");
	press(&screen, ":sort -module\\r");
	shows(&screen, "module v");
	stands_above(&screen, "train_model", "js:");
	press(&screen, ":sort sampls\\r");
	shows(&screen, "There is no column sampls here; did you mean samples?");
	press(&screen, ":sort mod\\t\\r");
	shows(&screen, "module ^");
	close_screen(&screen);
}

/* In ASCII, so that rows can be told from each other by what stands before the name. */
static void calls_open_and_close(void **state)
{
	struct screen screen = open_screen("functions", 100, 30);
	(void)state;
	press(&screen, "t");
	shows(&screen, "with v    samples calls");
	shows(&screen, " - train\n");
	shows(&screen, "   - train_model"); /* train, main, train_model */
	stands_above(&screen, "build_histogram", "gradients");
	press(&screen, "jj-"); /* on train_model: closed, then on to main, which closes too */
	shows(&screen, "   + train_model");
	shows_not(&screen, "gradients");
	press(&screen, "--");
	shows(&screen, "  + main");
	shows_not(&screen, "   + train_model");
	press(&screen, "++");
	shows(&screen, "   + train_model"); /* as it was left */
	press(&screen, " ");
	shows(&screen, "     build_histogram");
	press(&screen, "C");
	shows(&screen, " + train\n");
	shows_not(&screen, "main");
	press(&screen, "E");
	shows(&screen, "      sigmoid"); /* the deepest */
	press(&screen, ":sort name\\r");
	stands_above(&screen, "pool-1", "- train\n");
	press(&screen, "I");
	stands_above(&screen, "- train\n", "pool-1");
	press(&screen, ":sort with\\r/sigm\\r");
	shows(&screen, "gradients"); /* what is above what is found */
	shows_not(&screen, "pool-1");
	press(&screen, "/nothing here\\r");
	shows(&screen, "Nothing matches the search");
	press(&screen, "/\\rt");
	shows(&screen, "function (with"); /* flat again */
	press(&screen, "tCt");
	click_on(&screen, "sigmoid", KEY_CLICK);
	press(&screen, "t"); /* it stays selected, and what is around it opens */
	shows(&screen, "- gradients");
	press(&screen, "c");
	shows(&screen, "itself, o  sigmoid");
	press(&screen, "3t");
	shows(&screen, "function (with");
	press(&screen, "c");
	shows(&screen, "itself, o  sigmoid");
	close_screen(&screen);
}

static void one_module_and_other_roots(void **state)
{
	struct screen screen = open_screen("functions", 100, 30);
	(void)state;
	press(&screen, ":sort name\\r/ksys_read\\rM");
	shows(&screen, "function of [kernel]");
	press(&screen, "/\\r");
	shows(&screen, "copy_user");
	shows_not(&screen, "train_model");
	press(&screen, "M");
	shows(&screen, "train_model");
	press(&screen, "ppp"); /* nobody has told phases */
	shows(&screen, "[no phase]");
	press(&screen, "g");
	press(&screen, "a"); /* a phase has no lines */
	shows(&screen, "[3 Functions]");
	press(&screen, "e");
	shows(&screen, "[no phase]");
	close_screen(&screen);
}

/* What htop, perf, less and vim have taught fingers. */
static void habits_are_met(void **state)
{
	struct screen screen = open_screen("functions", 100, 12);
	(void)state;
	face_key(screen.face, (struct input){ .key = KEY_FUNCTION_5 });
	press(&screen, "");
	shows(&screen, "with v    samples calls");
	face_key(screen.face, (struct input){ .key = KEY_FUNCTION_5 });
	press(&screen, "c"); /* of the first */
	shows(&screen, "build_histogram");
	press(&screen, "3");
	face_key(screen.face, (struct input){ .key = 6 }); /* Ctrl-F: a page */
	press(&screen, "");
	shows_not(&screen, "build_histogram");
	face_key(screen.face, (struct input){ .key = 2 }); /* Ctrl-B: back */
	press(&screen, "");
	shows(&screen, "build_histogram");
	face_key(screen.face, (struct input){ .key = KEY_FUNCTION_3 });
	press(&screen, "grad\\r");
	shows(&screen, "gradients");
	shows_not(&screen, "sigmoid");
	face_key(screen.face, (struct input){ .key = KEY_DELETE });
	press(&screen, "");
	shows(&screen, "sigmoid");
	press(&screen, "Z");
	shows(&screen, "Nothing more comes: this is a recording.");
	press(&screen, "+"); /* as perf report opens */
	shows(&screen, "with v    samples calls");
	close_screen(&screen);
}

static void columns_are_chosen(void **state)
{
	struct screen screen = open_screen("functions", 80, 24);
	(void)state;
	press(&screen, ":columns name,time,self\\r");
	shows(&screen, "\nfunction (with = with callees)");
	shows(&screen, " self time   self v\n");
	shows(&screen, "Columns of functions: name,time,self.");
	shows_not(&screen, "samples");
	press(&screen, ":columns name,tim,self\\r");
	shows(&screen, "no column tim here; did you mean time?");
	press(&screen, ":columns default\\r");
	shows(&screen, "  self v     with    samples function");
	press(&screen, "O");
	shows(&screen, "[x] self                  v");
	shows(&screen, "[ ] time");
	press(&screen, "jj x"); /* samples go and come back behind the others */
	shows(&screen, "Enter sort by it  Space show or hide  < left  > right");
	press(&screen, "x<<\\e");
	shows(&screen, "Columns of functions: ");
	shows_not(&screen, "[x]");
	press(&screen, ":columns\\r");
	click_on(&screen, "[ ] time", KEY_CLICK);
	shows(&screen, "[x] time");
	click_on(&screen, "total ", KEY_DOUBLE_CLICK);
	shows_not(&screen, "[x]");
	press(&screen, ":columns self\\rO "); /* the last one stays */
	shows(&screen, "[x] self");
	press(&screen, "r");
	shows(&screen, "[x] with");
	close_screen(&screen);
	screen = open_screen("flame", 80, 24);
	press(&screen, ":sort self\\r");
	shows(&screen, ":sort is for lists");
	close_screen(&screen);
}

static void the_mouse_does_what_keys_do(void **state)
{
	struct screen screen = open_screen("functions", 80, 24);
	(void)state;
	click_on(&screen, "gradients", KEY_CLICK);
	click_on(&screen, " callers ", KEY_CLICK); /* a hint */
	shows(&screen, "called by");
	shows(&screen, "gradients");
	click_on(&screen, "3 F", KEY_CLICK); /* a tab */
	shows(&screen, "[3 Functions]");
	click_on(&screen, "self", KEY_DOUBLE_CLICK); /* a header is not opened */
	shows(&screen, "[3 Functions]");
	click_on(&screen, "sigmoid", KEY_DOUBLE_CLICK); /* what is clicked, not what was selected */
	shows(&screen, "[2 Flame]");
	shows(&screen, "sigmoid");
	press(&screen, "\\e3");
	click_on(&screen, " help", KEY_CLICK);
	shows(&screen, "Functions: functions by their own time");
	click_on(&screen, "F6 sort", KEY_CLICK);
	shows(&screen, "Columns of functions");
	click_on(&screen, " back", KEY_CLICK);
	shows_not(&screen, "Columns of functions");
	assert_int_equal(click_on(&screen, " quit", KEY_CLICK), FACE_QUITS);
	close_screen(&screen);
}

static void the_overview_has_a_cursor(void **state)
{
	struct screen screen = open_screen("overview", 80, 40);
	(void)state;
	shows(&screen, "Hottest   self v     with function");
	press(&screen, "e"); /* the hottest, until somebody moves */
	shows(&screen, "build_histogram");
	press(&screen, "\\e>");
	shows(&screen, "   with v");
	stands_above(&screen, "train_model", "build_histogram");
	click_on(&screen, "self ", KEY_CLICK); /* behind the columns of the header's word */
	shows(&screen, "self v");
	click_on(&screen, "sigmoid", KEY_CLICK);
	press(&screen, "c");
	shows(&screen, "gradients");
	press(&screen, "1");
	click_on(&screen, "gradients", KEY_DOUBLE_CLICK);
	shows(&screen, "[2 Flame]");
	close_screen(&screen);
}

static void callers_and_callees_are_one_list(void **state)
{
	struct screen screen = open_screen("functions", 80, 24);
	(void)state;
	click_on(&screen, "train_model", KEY_CLICK);
	press(&screen, "c");
	shows(&screen, "  of it v    of all          called by");
	stands_above(&screen, "main", "train_model");
	press(&screen, ":sort name\\r");
	stands_above(&screen, "called by ^", "main");
	stands_above(&screen, "build_histogram", "gradients");
	click_on(&screen, "calls ^", KEY_CLICK);
	stands_above(&screen, "gradients", "build_histogram");
	click_on(&screen, "gradients", KEY_DOUBLE_CLICK);
	stands_above(&screen, "train_model", "gradients");
	shows(&screen, "sigmoid");
	close_screen(&screen);
}

static void notes_are_sorted_and_selected(void **state)
{
	struct screen screen = open_screen("notes", 80, 24);
	(void)state;
	stands_above(&screen, "stacks", "symbols");
	press(&screen, "I"); /* the newest first */
	stands_above(&screen, "symbols", "stacks");
	click_on(&screen, "source", KEY_CLICK);
	stands_above(&screen, "stacks", "symbols");
	press(&screen, "I");
	stands_above(&screen, "symbols", "stacks");
	click_on(&screen, "symbols", KEY_CLICK);
	press(&screen, "e");
	shows(&screen, "symbols (note)");
	close_screen(&screen);
	screen = open_screen("notes", 40, 6); /* longer than the screen: its end can be reached */
	shows(&screen, "stacks");
	press(&screen, "jjj");
	shows(&screen, "Sample less");
	shows_not(&screen, "stacks");
	press(&screen, "jjjjjj");
	shows(&screen, "symbols");
	close_screen(&screen);
}

/* Every view with a list takes every column, alone and sorted by it, both ways round. */
static void every_list_takes_every_column(void **state)
{
	(void)state;
	for (const struct view *const *view = views; *view; view++) {
		if (!(*view)->list)
			continue;
		struct screen screen = open_screen((*view)->name, 100, 30);
		press(&screen, "O");
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
			press(&screen, line);
			snprintf(line, sizeof line, "[x] %s", name);
			shows(&screen, line);
			press(&screen, "r");
		}
		press(&screen, "\\e");
		close_screen(&screen);
	}
}

/* While samples come in, the cursor stays on the function it is on. */
static void live_lists_keep_the_row(void **state)
{
	struct screen screen = open_screen("functions", 80, 24);
	struct sample_row sample;
	(void)state;
	click_on(&screen, "sigmoid", KEY_CLICK);
	uint64_t n = recording_moment(screen.recording).n[TABLE_SAMPLES];
	for (uint64_t i = 1; i < n; i++) { /* all other stacks become ten times as heavy */
		sample = *recording_sample(screen.recording, i);
		sample.weight *= i % 7 * 10;
		recording_add_sample(screen.recording, &sample);
	}
	recording_flush_samples(screen.recording, UINT64_MAX);
	recording_publish(screen.recording);
	draw(&screen);
	press(&screen, "c");
	shows(&screen, "sigmoid");
	close_screen(&screen);
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
	struct screen screen = { .recording = recording,
				 .face = face_new(&settings),
				 .canvas = canvas_new(80, 24) };
	draw(&screen);
	shows(&screen, "\nfunction (with = with callees)");
	close_screen(&screen);
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
	struct screen still = open_screen("functions", 80, 24);
	struct screen usual = open_screen("functions", 80, 24);
	struct screen mapped = open_screen("functions", 80, 24);
	(void)state;
	press(&still, "\r");
	press(&usual, "j\r");
	press(&mapped, ":map J down\r");
	press(&mapped, "J\r");
	assert_string_not_equal(still.text, usual.text);
	assert_string_equal(mapped.text, usual.text);
	close_screen(&still);
	close_screen(&usual);
	close_screen(&mapped);
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
