/* The start screen's list: what it holds, how it answers keys, and that it fits any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/canvas.h"
#include "tui/form.h"
#include "tui/keymap.h"
#include "tui/start_list.h"
#include "tui/words.h"
#include "workloads/workload.h"

static char folder[] = "/tmp/stoke-test-XXXXXX";

static void touch(const char *name, time_t time)
{
	char path[128], command[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	snprintf(command, sizeof command, "printf x >'%s' && touch -d @%ld '%s'", path, (long)time,
		 path);
	assert_int_equal(system(command), 0);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static char *text_of(struct start_list *list, int width, int height)
{
	char *text;
	size_t n;
	struct canvas canvas = canvas_new(width, height);
	start_list_draw(list, &canvas);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	canvas_free(&canvas);
	return text;
}

static enum start_outcome press(struct start_list *list, int key)
{
	return start_list_key(list, (struct input){ .key = key });
}

static void workloads_come_first_then_the_newest_recordings(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	touch("old.stoke", 1000);
	touch("new.stoke", 2000);
	touch("other.txt", 3000);
	start_list_fill(&list, folder, NULL);
	assert_ptr_equal(list.items[0].workload, workloads[0]);
	assert_int_equal(list.n_items, list.n_workloads + 2);
	assert_string_equal(list.items[list.n_workloads].path, "new.stoke");
	assert_string_equal(list.items[list.n_workloads + 1].path, "old.stoke");
	char *text = text_of(&list, 120, 40);
	assert_non_null(strstr(text, "gbdt"));
	assert_non_null(strstr(text, "new.stoke"));
	free(text);
	start_list_free(&list);
	start_list_fill(&list, "/nonexistent", "triad");
	assert_string_equal((*start_list_selected(&list)).workload->name, "triad");
	start_list_free(&list);
}

static void keys_move_open_and_leave(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	start_list_fill(&list, folder, NULL);
	free(text_of(&list, 80, 24));
	assert_int_equal(press(&list, KEY_ARROW_UP), START_GOES_ON);
	assert_int_equal(list.list.selected, 0);
	press(&list, 'j');
	assert_int_equal(list.list.selected, 1);
	press(&list, 'G');
	assert_int_equal(list.list.selected, list.n_items - 1);
	press(&list, KEY_ARROW_DOWN);
	assert_int_equal(list.list.selected, list.n_items - 1);
	press(&list, 'g');
	assert_int_equal(press(&list, KEY_RETURN), START_OPENS);
	assert_int_equal(press(&list, '?'), START_GOES_ON);
	assert_true(list.has_help);
	assert_int_equal(press(&list, 'q'), START_GOES_ON); /* leaves the help */
	assert_int_equal(press(&list, 'q'), START_QUITS);
	/* The first click chooses, the second opens. */
	struct input at = { .key = KEY_CLICK, .x = 3, .y = list.list.frame.top_y + 2 };
	assert_int_equal(start_list_key(&list, at), START_GOES_ON);
	assert_int_equal(list.list.selected, 2);
	assert_int_equal(start_list_key(&list, at), START_OPENS);
	at.y = 0;
	assert_int_equal(start_list_key(&list, at), START_GOES_ON);
	start_list_free(&list);
}

static void it_is_a_list_like_all_others(void **state)
{
	struct start_list list = { 0 };
	char *text;
	(void)state;
	start_list_fill(&list, folder, NULL);
	free(text_of(&list, 120, 40));
	list_select(&list.list, 4);
	const char *name = start_list_selected(&list)->workload->name;
	press(&list, '>'); /* by name, which is how they come */
	press(&list, 'I');
	assert_string_equal(start_list_selected(&list)->workload->name, name);
	assert_int_equal(list.list.selected, list.n_workloads - 1 - 4);
	text = text_of(&list, 120, 40);
	assert_non_null(strstr(text, "name \u25bc"));
	free(text);
	/* Recordings stay below, the newest or the greatest first. */
	press(&list, 'G');
	assert_null(start_list_selected(&list)->workload);
	struct input header = { .key = KEY_CLICK, .x = 3, .y = list.list.frame.header_y };
	assert_int_equal(start_list_key(&list, header), START_GOES_ON);
	assert_false(list.list.is_inverted);
	press(&list, KEY_WHEEL_UP);
	start_list_free(&list);
}

static void what_does_not_match_is_left_out(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	start_list_fill(&list, folder, NULL);
	press(&list, '/');
	for (const char *at = "(triad"; *at; at++) /* no pattern before the end */
		press(&list, *at);
	assert_int_equal(list.n_shown, list.n_items);
	press(&list, ')');
	assert_string_equal(start_list_selected(&list)->workload->name, "triad");
	assert_int_equal(list.n_shown, 1);
	assert_int_equal(press(&list, KEY_RETURN), START_GOES_ON); /* takes the filter */
	char *text = text_of(&list, 80, 24);
	assert_non_null(strstr(text, "/(triad)  1 of"));
	assert_null(strstr(text, "gbdt "));
	free(text);
	assert_int_equal(press(&list, KEY_RETURN), START_OPENS);
	press(&list, KEY_ESCAPE);
	assert_int_equal(list.n_shown, list.n_items);
	press(&list, '/');
	for (const char *at = "nothing at all"; *at; at++)
		press(&list, *at);
	assert_null(start_list_selected(&list));
	assert_int_equal(press(&list, KEY_RETURN), START_GOES_ON);
	assert_int_equal(press(&list, KEY_RETURN), START_GOES_ON);
	assert_int_equal(press(&list, 'p'), START_GOES_ON);
	text = text_of(&list, 80, 24);
	assert_non_null(strstr(text, "nothing matches"));
	free(text);
	start_list_free(&list);
}

static void type_text(struct start_list *list, const char *text)
{
	for (; *text; text++)
		press(list, *text);
}

static size_t row_of(const struct form *form, const char *name)
{
	size_t row = 0;
	while (strcmp(form->workload->parameters[row].name, name) != 0)
		row++;
	return row;
}

static void settings_are_typed_and_kept(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	start_list_fill(&list, folder, "gbdt");
	struct start_item *item = start_list_selected(&list);
	press(&list, 'p');
	assert_true(list.has_form);
	free(text_of(&list, 80, 24)); /* a page is what is seen */
	while (list.form.selected < row_of(&list.form, "rows"))
		press(&list, KEY_ARROW_DOWN);
	type_text(&list, "9kq"); /* the first letter replaces what was there */
	press(&list, KEY_DELETE_BACK);
	char *text = text_of(&list, 80, 24);
	assert_non_null(strstr(text, "9k_"));
	free(text);
	press(&list, KEY_FINISH); /* the last action: take, do not run */
	assert_int_equal(press(&list, KEY_RETURN), START_GOES_ON);
	assert_string_equal(item->words[0], "rows=9k");
	assert_null(item->words[1]);
	press(&list, 'p');
	type_text(&list, "x");
	press(&list, KEY_ESCAPE);
	assert_string_equal(item->words[0], "rows=9k");
	assert_int_equal(press(&list, 'p'), START_GOES_ON);
	assert_int_equal(press(&list, KEY_RETURN), START_OPENS);
	press(&list, 'G'); /* a recording has no settings */
	press(&list, 'p');
	assert_false(list.has_form);
	start_list_free(&list);
}

static void open_form(struct form *form, char *const *words)
{
	static const struct form_action actions[] = { { "go on", FORM_APPLIES },
						      { "again", FORM_RESTARTS },
						      { "stop", FORM_STOPS } };
	const struct form_action most[] = {
		actions[0], actions[1], actions[2], { NULL, FORM_CLOSES }
	};
	const struct workload *const *at = workloads;
	while (strcmp((*at)->name, "gemm") != 0)
		at++;
	form_open(form, *at, words, most);
}

static enum form_outcome press_form(struct form *form, int key)
{
	return form_key(form, &(struct input){ .key = key });
}

static void a_form_refuses_what_the_workload_refuses(void **state)
{
	struct form form;
	(void)state;
	open_form(&form, NULL);
	assert_null(form_words(&form)[0]);
	while (form.selected < row_of(&form, "n"))
		press_form(&form, KEY_ARROW_DOWN);
	press_form(&form, 'x');
	assert_int_equal(press_form(&form, KEY_RETURN), FORM_GOES_ON);
	assert_non_null(strstr(form.message.text, "n=x is not a number"));
	press_form(&form, 21); /* Ctrl-U */
	for (int i = 0; i < 2 * FORM_VALUE_BYTES; i++)
		press_form(&form, '1');
	assert_int_equal(strlen(form.values[form.selected]), FORM_VALUE_BYTES - 1);
	assert_int_equal(press_form(&form, KEY_RETURN), FORM_GOES_ON);
	/* To stop needs no good settings. */
	press_form(&form, KEY_FINISH);
	assert_int_equal(press_form(&form, KEY_RETURN), FORM_STOPS);
}

static void left_and_right_turn_numbers_and_choices(void **state)
{
	struct form form;
	char *words[] = { (char[]){ "n=1024" }, NULL };
	(void)state;
	open_form(&form, words);
	size_t row = row_of(&form, "n");
	while (form.selected < row)
		press_form(&form, KEY_ARROW_DOWN);
	press_form(&form, KEY_ARROW_RIGHT);
	assert_string_equal(form.values[row], "2048");
	for (int i = 0; i < 40; i++)
		press_form(&form, KEY_ARROW_RIGHT);
	assert_true(strtod(form.values[row], NULL) == form.workload->parameters[row].most);
	while (form.workload->parameters[form.selected].kind != PARAMETER_CHOICE)
		press_form(&form, KEY_ARROW_UP);
	row = form.selected;
	char before[FORM_VALUE_BYTES];
	memcpy(before, form.values[row], sizeof before);
	press_form(&form, KEY_ARROW_RIGHT);
	assert_string_not_equal(form.values[row], before);
	press_form(&form, KEY_ARROW_LEFT);
	assert_string_equal(form.values[row], before);
	assert_int_equal(press_form(&form, KEY_ESCAPE), FORM_CLOSES);
}

static void words_are_split_and_joined(void **state)
{
	char text[32], small[6];
	(void)state;
	char **words = words_split("\na b\n\nc=d", '\n');
	assert_int_equal(words_count(words), 2);
	assert_string_equal(words[0], "a b");
	assert_string_equal(words_join(text, sizeof text, '|', words), "a b|c=d");
	assert_string_equal(words_join(small, sizeof small, '|', words), "a b|c");
	char **copy = words_copy(words);
	words_free(words);
	assert_string_equal(copy[1], "c=d");
	words_free(copy);
	words_free(words_copy(NULL));
}

static void it_fits_any_size(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	start_list_fill(&list, folder, NULL);
	for (int width = 1; width < 130; width += 3)
		for (int height = 1; height < 50; height++) {
			list_select(&list.list, (size_t)(width + height) % list.n_items);
			free(text_of(&list, width, height));
			assert_true(height < 3 ||
				    (list.list.selected >= list.list.first &&
				     list.list.selected <
					     list.list.first + (size_t)list.list.frame.n_rows));
		}
	start_list_free(&list);
}

static void keys_can_be_given_other_meanings(void **state)
{
	static const char *const lines[] = { "x quit", "Ctrl-N down", "s start.sort" };
	struct keymap keymap = { .n = 0 };
	struct start_list list = { .keymap = &keymap };
	struct why why;
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		assert_true(keymap_map(&keymap, lines[i], &why));
	assert_true(keymap_unmap(&keymap, "q start", &why));
	assert_true(keymap_map(&keymap, "z flame.undo", &why));
	start_list_fill(&list, folder, NULL);
	assert_int_equal(press(&list, 'q'), START_GOES_ON);
	assert_int_equal(press(&list, 'z'), START_GOES_ON);
	assert_int_equal(press(&list, 'N' & 31), START_GOES_ON);
	assert_int_equal(list.list.selected, 1);
	char *text = text_of(&list, 100, 30);
	assert_non_null(strstr(text, " x quit"));
	assert_non_null(strstr(text, " s sort "));
	free(text);
	assert_int_equal(press(&list, 's'), START_GOES_ON);
	assert_true(list.list.sorted >= 0);
	assert_int_equal(press(&list, 'x'), START_QUITS);
	start_list_free(&list);
}

/* The column of the bottom line that a text begins at. */
static int column_of(const char *screen, const char *text)
{
	const char *line = screen;
	for (const char *next; (next = strchr(line, '\n')) && next[1];)
		line = next + 1;
	const char *at = strstr(line, text);
	if (!at)
		fail_msg("no %s on\n%s", text, line);
	return (int)(at - line);
}

/* Whatever has no room, a click does what stands under it, and nothing where no hint stands. */
static void hints_are_where_they_are_drawn(void **state)
{
	struct start_list list = { 0 };
	struct input click = { .key = KEY_CLICK, .y = 9 };
	(void)state;
	start_list_fill(&list, "/nonexistent", NULL);
	char *text = text_of(&list, 41, 10);
	assert_null(strstr(text, "F6 sort")); /* one cell too long, and the next is shorter */
	click.x = column_of(text, "? help");
	free(text);
	start_list_key(&list, click);
	assert_true(list.has_help);
	start_list_free(&list);
	start_list_fill(&list, "/nonexistent", NULL);
	press(&list, '/');
	press(&list, 'a');
	press(&list, KEY_RETURN);
	free(text_of(&list, 80, 10));
	for (click.x = 0; click.x < 80; click.x++)
		assert_int_equal(start_list_key(&list, click), START_GOES_ON);
	assert_false(list.has_help || list.has_form || list.is_typing);
	start_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workloads_come_first_then_the_newest_recordings),
		cmocka_unit_test(keys_move_open_and_leave),
		cmocka_unit_test(it_is_a_list_like_all_others),
		cmocka_unit_test(what_does_not_match_is_left_out),
		cmocka_unit_test(settings_are_typed_and_kept),
		cmocka_unit_test(a_form_refuses_what_the_workload_refuses),
		cmocka_unit_test(left_and_right_turn_numbers_and_choices),
		cmocka_unit_test(words_are_split_and_joined),
		cmocka_unit_test(it_fits_any_size),
		cmocka_unit_test(keys_can_be_given_other_meanings),
		cmocka_unit_test(hints_are_where_they_are_drawn),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
