/* The program's own terminal: what is drawn, what is typed, what may follow after the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/face.h"
#include "tui/output_text.h"
#include "tui/theme.h"
#include "workloads/support/random.h"

static struct recording *recording;
static struct face *face;
static struct canvas canvas;
static char typed[256];
static int columns, rows;

static bool type(void *into, const char *bytes, size_t n)
{
	(void)into;
	snprintf(typed + strlen(typed), sizeof typed - strlen(typed), "%.*s", (int)n, bytes);
	return true;
}

static void resize(void *into, int wanted_columns, int wanted_rows)
{
	(void)into;
	columns = wanted_columns;
	rows = wanted_rows;
}

static const struct view_child child = { NULL, type, resize };

static void add(const char *bytes)
{
	recording_add_output(recording, bytes, strlen(bytes));
	recording_publish(recording);
}

static int begin_as(bool is_live)
{
	struct face_settings settings = {
		.command = "x", .view = "output", .is_live = is_live, .child = &child
	};
	recording = recording_new();
	settings.recording = recording;
	face = face_new(&settings);
	canvas = canvas_new(80, 12);
	typed[0] = '\0';
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_as(true);
}

static int begin_saved(void **state)
{
	(void)state;
	return begin_as(false);
}

static int end(void **state)
{
	(void)state;
	canvas_free(&canvas);
	face_free(face);
	recording_free(recording);
	return 0;
}

static const char *screen(void)
{
	static char text[1 << 16];
	face_draw(face, &canvas, recording->start_ns);
	FILE *out = fmemopen(text, sizeof text, "w");
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	return text;
}

static void shows(const char *text)
{
	if (!strstr(screen(), text))
		fail_msg("no \"%s\" on\n%s", text, screen());
}

static void press(int key)
{
	face_key(face, (struct input){ .key = key });
}

#if HAVE_VTERM
static const struct cell *cell_at(int x, int y)
{
	return &canvas.cells[y * canvas.stride + x];
}

static void colours_and_movements_are_drawn(void **state)
{
	(void)state;
	add("one\r\n\033[31;1mred\033[0m plain\r\nabc\033[2DX\033[K\r\n");
	shows("\none\n");
	shows("red plain");
	shows("\naX\n");
	const struct cell *red = cell_at(0, 4);
	assert_int_equal(red->meaning, MEANING_OWN);
	assert_int_equal(red->foreground, OWN_INDEX | 1);
	assert_int_equal(red->attributes, THEME_BOLD);
	assert_int_equal(cell_at(4, 4)->meaning, MEANING_TEXT);
	add("\033[38;2;1;2;3mx");
	screen();
	assert_int_equal(cell_at(0, 6)->foreground, OWN_RGB | 0x010203);
}

static void sizes_are_those_of_the_recording(void **state)
{
	(void)state;
	recording_add_fact(recording, "terminal:size", "0 10x5");
	add("0123456789abcde\r\n");
	recording_add_fact(recording, "terminal:size", "17 20x5");
	recording_add_fact(recording, "terminal:size", "17 99999x5"); /* nonsense is left out */
	add("0123456789abcde\r\n");
	shows("\n0123456789\nabcde\n0123456789abcde\n");
}

static void a_full_screen_replaces_the_lines(void **state)
{
	(void)state;
	recording_add_fact(recording, "terminal:size", "0 80x8");
	add("before\r\n\033[?1049h\033[2J\033[3;5Hmiddle");
	shows("middle");
	assert_null(strstr(screen(), "before"));
	add("\033[?1049l");
	shows("before");
	assert_null(strstr(screen(), "middle"));
}

static void lines_that_scrolled_away_are_kept(void **state)
{
	char line[32];
	(void)state;
	for (int i = 0; i < 6000; i++) {
		snprintf(line, sizeof line, "line %d\r\n", i);
		add(line);
	}
	shows("line 5999");
	shows("older lines are not kept");
	press('g');
	shows("line 1977\n"); /* the oldest of those kept */
	press('G');
	shows("line 5999");
}

static void questions_are_answered_while_it_runs(void **state)
{
	(void)state;
	face_keys(face, "1"); /* another view is shown */
	add("\r\n\033[6n");
	screen();
	assert_string_equal(typed, "\033[2;1R");
}

static void what_is_old_is_not_answered(void **state)
{
	(void)state;
	add("\033[6n");
	screen();
	assert_string_equal(typed, "");
}

static void arrows_follow_the_program_s_mode(void **state)
{
	(void)state;
	add("\033[?1h");
	screen();
	press(KEY_RETURN);
	press(KEY_ARROW_UP);
	assert_string_equal(typed, "\033OA");
}
static void point(int key, int x, int y, int button)
{
	face_key(face, (struct input){ .key = key, .x = x, .y = y, .button = button });
}

/* The view begins on the third row of the screen, the program's terminal below its header. */
enum { TOP = 3 };

static void the_mouse_is_the_program_s_once_it_asks_for_it(void **state)
{
	(void)state;
	recording_add_fact(recording, "terminal:size", "0 80x8"); /* as the view asks for */
	add("\033[?1049h\033[?1002h\033[?1006h"); /* movements with a button, in decimals */
	screen();
	assert_false(face_takes_mouse(face)); /* nobody types into it yet */
	point(KEY_CLICK, 4, TOP + 2, 0);      /* focuses, and is a click of its own */
	assert_true(face_is_typed_into(face));
	assert_true(face_takes_mouse(face));
	assert_string_equal(typed, "\033[<0;5;3M\033[<0;5;3m");
	typed[0] = '\0';
	point(KEY_MOUSE_PRESSED, 0, TOP, 3);
	point(KEY_MOUSE_MOVED, 1, TOP + 1, 0);
	point(KEY_MOUSE_RELEASED, 1, TOP + 1, 3);
	assert_string_equal(typed, "\033[<2;1;1M\033[<34;2;2M\033[<2;2;2m");
	typed[0] = '\0';
	point(KEY_WHEEL_DOWN, 2, TOP + 3, 0);
	assert_string_equal(typed, "\033[<65;3;4M");
	typed[0] = '\0';
	point(KEY_MOUSE_PRESSED, 2, TOP - 1, 1); /* the view's header */
	point(KEY_MOUSE_PRESSED, 79, 11, 1);     /* the last row has our hints */
	point(KEY_MOUSE_PRESSED, 500, TOP, 1);
	point(KEY_MOUSE_PRESSED, -3, -3, 1);
	assert_string_equal(typed, "");
	add("\033[?1002l");
	screen();
	assert_false(face_takes_mouse(face));
	point(KEY_CLICK, 4, TOP + 2, 0);
	assert_string_equal(typed, "");
}

static void a_click_on_a_tab_leaves_a_program_with_the_mouse(void **state)
{
	(void)state;
	add("\033[?1000h");
	screen();
	press(KEY_RETURN);
	assert_true(face_takes_mouse(face));
	const char *tab = strstr(screen(), "1 ");
	assert_non_null(tab);
	int x = 0;
	for (const char *at = screen(); at < tab; at++)
		x += ((unsigned char)*at & 0xc0) != 0x80;
	point(KEY_MOUSE_PRESSED, x, 0, 1);
	assert_string_equal(face_view_name(face), "overview");
	assert_string_equal(typed, "");
}

static void the_wheel_looks_back_where_the_program_has_no_mouse(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		add("line\r\n");
	screen();
	press(KEY_RETURN);
	point(KEY_WHEEL_UP, 3, TOP + 1, 0);
	shows("G follows the end");
	press('x');
	assert_string_equal(typed, "x");
	assert_null(strstr(screen(), "G follows the end"));
}
#endif

static void keys_go_to_the_program_until_the_way_out(void **state)
{
	(void)state;
	add("what? ");
	screen();
	assert_int_equal(columns, 80);
	assert_int_equal(rows, 8); /* less title, blank row, header and keys */
	assert_false(face_is_typed_into(face));
	press(KEY_RETURN);
	assert_true(face_is_typed_into(face));
	shows("Ctrl-] comes back to stoke");
	press('q');
	press('\t');
	press(3);
	press(0xe4);
	press(KEY_RETURN);
	assert_string_equal(typed, "q\t\003\xc3\xa4\r");
	press(']' & 31);
	assert_false(face_is_typed_into(face));
	shows("q quit");
}

static void the_end_of_the_program_ends_typing(void **state)
{
	(void)state;
	add("x");
	screen();
	press(KEY_RETURN);
	assert_true(face_is_typed_into(face));
	face_set_ended(face, 0);
	screen();
	assert_false(face_is_typed_into(face));
	press(KEY_RETURN); /* nobody is there */
	assert_false(face_is_typed_into(face));
}

static void a_saved_recording_is_not_typed_into(void **state)
{
	(void)state;
	add("hello\r\n");
	shows("hello");
	press(KEY_RETURN);
	assert_false(face_is_typed_into(face));
}

static void any_bytes_are_drawn(void **state)
{
	struct random random = { 17 };
	(void)state;
	for (int round = 0; round < 60; round++) {
		char bytes[2000];
		for (size_t i = 0; i < sizeof bytes; i++) {
			uint64_t bits = random_bits(&random);
			bytes[i] = bits % 5 ? (char)(bits >> 8)
					    : "\033[;?0123456789HJKmhlABCDr\xe4"[bits / 5 % 26];
		}
		recording_add_output(recording, bytes, sizeof bytes);
		recording_publish(recording);
		screen();
		press("gGkj"[round % 4]);
	}
}

static void prints(const char *bytes, const char *expected)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	output_print(out, bytes, strlen(bytes));
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void only_what_is_safe_follows_after_the_end(void **state)
{
	(void)state;
	prints("a\r\n\tb\x07", "a\r\n\tb");
	prints("\033[1;31mred\033[0m", "\033[1;31mred\033[0m\033[0m");
	prints("x\033[6ny\033[cz\033]0;title\007!", "xyz!"); /* questions would be answered */
	prints("x\033[2J\033[5;5Hy", "xy");
	prints("a\033[?1049h full \033[31m screen \033[?1049lb", "ab");
	prints("\xc3\xa4 \xc2\xa0 \xc2\x9b"
	       "6n",
	       "\xc3\xa4 \xc2\xa0 6n"); /* U+009B is a CSI */
	prints("cut \033[", "cut ");
	prints("\033P$q\033\\ok", "ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if HAVE_VTERM
		cmocka_unit_test_setup_teardown(colours_and_movements_are_drawn, begin, end),
		cmocka_unit_test_setup_teardown(sizes_are_those_of_the_recording, begin_saved, end),
		cmocka_unit_test_setup_teardown(a_full_screen_replaces_the_lines, begin, end),
		cmocka_unit_test_setup_teardown(lines_that_scrolled_away_are_kept, begin, end),
		cmocka_unit_test_setup_teardown(questions_are_answered_while_it_runs, begin, end),
		cmocka_unit_test_setup_teardown(what_is_old_is_not_answered, begin_saved, end),
		cmocka_unit_test_setup_teardown(arrows_follow_the_program_s_mode, begin, end),
		cmocka_unit_test_setup_teardown(the_mouse_is_the_program_s_once_it_asks_for_it,
						begin, end),
		cmocka_unit_test_setup_teardown(a_click_on_a_tab_leaves_a_program_with_the_mouse,
						begin, end),
		cmocka_unit_test_setup_teardown(the_wheel_looks_back_where_the_program_has_no_mouse,
						begin, end),
#endif
		cmocka_unit_test_setup_teardown(keys_go_to_the_program_until_the_way_out, begin,
						end),
		cmocka_unit_test_setup_teardown(the_end_of_the_program_ends_typing, begin, end),
		cmocka_unit_test_setup_teardown(a_saved_recording_is_not_typed_into, begin_saved,
						end),
		cmocka_unit_test_setup_teardown(any_bytes_are_drawn, begin, end),
		cmocka_unit_test(only_what_is_safe_follows_after_the_end),
	};
#if !HAVE_VTERM
	puts("SKIP colours and cursor: built without libvterm");
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
