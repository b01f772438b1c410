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
#include "tui/start_list.h"
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
	assert_string_equal(list.items[list.selected].workload->name, "triad");
	start_list_free(&list);
}

static void keys_move_open_and_leave(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	start_list_fill(&list, folder, NULL);
	free(text_of(&list, 80, 24));
	assert_int_equal(press(&list, KEY_ARROW_UP), START_GOES_ON);
	assert_int_equal(list.selected, 0);
	press(&list, 'j');
	assert_int_equal(list.selected, 1);
	press(&list, 'G');
	assert_int_equal(list.selected, list.n_items - 1);
	press(&list, KEY_ARROW_DOWN);
	assert_int_equal(list.selected, list.n_items - 1);
	press(&list, 'g');
	assert_int_equal(press(&list, KEY_RETURN), START_OPENS);
	assert_int_equal(press(&list, '?'), START_GOES_ON);
	assert_true(list.has_help);
	assert_int_equal(press(&list, 'q'), START_GOES_ON); /* leaves the help */
	assert_int_equal(press(&list, 'q'), START_QUITS);
	/* The first click chooses, the second opens. */
	struct input at = { .key = KEY_CLICK, .x = 3, .y = list.first_row + 2 };
	assert_int_equal(start_list_key(&list, at), START_GOES_ON);
	assert_int_equal(list.selected, 2);
	assert_int_equal(start_list_key(&list, at), START_OPENS);
	at.y = 0;
	assert_int_equal(start_list_key(&list, at), START_GOES_ON);
	start_list_free(&list);
}

static void settings_are_typed_and_kept(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	start_list_fill(&list, folder, "gbdt");
	struct start_item *item = &list.items[list.selected];
	press(&list, 'p');
	assert_true(list.is_editing);
	for (const char *key = "rows=9kq"; *key; key++)
		press(&list, *key);
	press(&list, KEY_DELETE_BACK);
	assert_string_equal(list.edited, "rows=9k");
	char *text = text_of(&list, 80, 24);
	assert_non_null(strstr(text, "settings: rows=9k"));
	free(text);
	press(&list, KEY_RETURN);
	assert_string_equal(item->typed, "rows=9k");
	press(&list, 'p');
	press(&list, 'x');
	press(&list, KEY_ESCAPE);
	assert_string_equal(item->typed, "rows=9k");
	press(&list, 'p');
	for (int i = 0; i < 2 * START_TEXT_BYTES; i++)
		press(&list, 'x');
	assert_int_equal(strlen(list.edited), START_TEXT_BYTES - 1);
	press(&list, KEY_ESCAPE);
	press(&list, 'G'); /* a recording has no settings */
	press(&list, 'p');
	assert_false(list.is_editing);
	start_list_free(&list);
}

static void it_fits_any_size(void **state)
{
	struct start_list list = { 0 };
	(void)state;
	start_list_fill(&list, folder, NULL);
	for (int width = 1; width < 130; width += 3)
		for (int height = 1; height < 50; height++) {
			list.selected = (size_t)(width + height) % list.n_items;
			free(text_of(&list, width, height));
			assert_true(height < 3 ||
				    (list.selected >= list.scroll &&
				     list.selected < list.scroll + (size_t)list.rows));
		}
	start_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workloads_come_first_then_the_newest_recordings),
		cmocka_unit_test(keys_move_open_and_leave),
		cmocka_unit_test(settings_are_typed_and_kept),
		cmocka_unit_test(it_fits_any_size),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
