/*
 * What is sent to a terminal, read back by a terminal as simple as can be: whatever was shown
 * before, the picture is the canvas, in the colours of its cells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/paint.h"
#include "workloads/support/random.h"

enum { COLUMNS = 40, ROWS = 12 };

static struct {
	char text[ROWS][COLUMNS][CELL_TEXT_BYTES];
	char style[ROWS][COLUMNS][THEME_ESCAPE_BYTES];
	char current[THEME_ESCAPE_BYTES];
	int x, y;
	bool is_synchronized;
} terminal;

static void clear(void)
{
	for (int y = 0; y < ROWS; y++)
		for (int x = 0; x < COLUMNS; x++) {
			strcpy(terminal.text[y][x], " ");
			strcpy(terminal.style[y][x], "\033[0m");
		}
}

static size_t take_sequence(const char *at)
{
	size_t n = 2 + strspn(at + 2, "?0123456789;");
	char kind = at[n++];
	int first = 1, second = 1;
	switch (kind) {
	case 'H':
		sscanf(at, "\033[%d;%d", &first, &second);
		terminal.y = first - 1;
		terminal.x = second - 1;
		break;
	case 'J':
		clear();
		break;
	case 'm':
		assert_true(n < THEME_ESCAPE_BYTES);
		snprintf(terminal.current, sizeof terminal.current, "%.*s", (int)n, at);
		break;
	case 'h':
	case 'l':
		assert_memory_equal(at, "\033[?2026", 7);
		terminal.is_synchronized = kind == 'h';
		break;
	default:
		fail_msg("an unknown sequence: %s", at + 1);
	}
	return n;
}

static void put(const char *text, size_t n, int width)
{
	assert_in_range(terminal.y, 0, ROWS - 1);
	assert_in_range(terminal.x, 0, COLUMNS - 1);
	assert_true(terminal.x + width <= COLUMNS);
	assert_false(terminal.x + width == COLUMNS && terminal.y == ROWS - 1); /* would scroll */
	snprintf(terminal.text[terminal.y][terminal.x], CELL_TEXT_BYTES, "%.*s", (int)n, text);
	memcpy(terminal.style[terminal.y][terminal.x], terminal.current, THEME_ESCAPE_BYTES);
	if (width == 2)
		terminal.text[terminal.y][terminal.x + 1][0] = '\0';
	terminal.x += width;
}

static void combine(const char *text, size_t n)
{
	char *cell = terminal.text[terminal.y][terminal.x - 1];
	if (!*cell)
		cell = terminal.text[terminal.y][terminal.x - 2];
	size_t used = strlen(cell);
	snprintf(cell + used, CELL_TEXT_BYTES - used, "%.*s", (int)n, text);
}

static void receive(const char *bytes, size_t n_bytes)
{
	char *text = strndup(bytes ? bytes : "", n_bytes);
	for (const char *at = text; *at;) {
		uint32_t code_point;
		size_t n = text_decode(at, &code_point);
		if (code_point == 0x1b)
			n = take_sequence(at);
		else if (text_columns(code_point) == 0)
			combine(at, n);
		else
			put(at, n, text_columns(code_point));
		at += n;
	}
	assert_false(terminal.is_synchronized);
	free(text);
}

static void check(const struct canvas *canvas, const struct paint_look *look)
{
	char style[THEME_ESCAPE_BYTES];
	for (int y = 0; y < ROWS; y++)
		for (int x = 0; x < COLUMNS - (y == ROWS - 1 ? 2 : 0); x++) {
			const struct cell *cell = &canvas->cells[y * canvas->stride + x];
			assert_string_equal(terminal.text[y][x], cell->text);
			theme_cell_escape(look->theme, cell, look->depth, style);
			if (cell->text[0])
				assert_string_equal(terminal.style[y][x], style);
		}
}

static void scribble(const struct canvas *canvas, struct random *random)
{
	static const char *const words[] = { "abc",
					     " ",
					     "\xe4\xb8\xad\xe6\x96\x87",
					     "e\xcc\x81x",
					     "\xe2\x96\x88",
					     "long words that are cut" };
	int n = (int)(random_bits(random) % 12);
	for (int i = 0; i < n; i++) {
		struct cell look = { .attributes = (uint8_t)(random_bits(random) % 32),
				     .foreground = OWN_RGB | (uint32_t)(random_bits(random) % 4096),
				     .background =
					     OWN_INDEX | (uint32_t)(random_bits(random) % 256) };
		const char *text = words[random_bits(random) % 6];
		int x = (int)(random_bits(random) % COLUMNS), y = (int)(random_bits(random) % ROWS);
		if (random_bits(random) % 3 == 0)
			canvas_own(canvas, x, y, COLUMNS, &look, text);
		else
			canvas_text(canvas, x, y, COLUMNS,
				    (enum meaning)(random_bits(random) % MEANING_OWN), text);
	}
}

static void frames_arrive_whatever_was_there(void **state)
{
	struct random random = { 5 };
	(void)state;
	for (int depth = THEME_MONO; depth <= THEME_TRUE; depth++) {
		struct paint paint = { 0 };
		struct canvas canvas = canvas_new(COLUMNS, ROWS);
		struct paint_look look = { .theme = themes[0],
					   .depth = (enum theme_depth)depth,
					   .is_synchronized = depth % 2 };
		for (int i = 0; i < 300; i++) {
			size_t n;
			scribble(&canvas, &random);
			if (i % 50 == 49) {
				paint_forget(&paint);
				memset(&terminal, 0, sizeof terminal); /* garbage */
			}
			const char *bytes = paint_frame(&paint, &canvas, &look, &n);
			receive(bytes, n);
			check(&canvas, &look);
			paint_frame(&paint, &canvas, &look, &n);
			assert_int_equal(n, 0); /* nothing differs, nothing is sent */
			if (random_bits(&random) % 20 == 0)
				canvas_clear(&canvas);
		}
		canvas_free(&canvas);
		paint_free(&paint);
	}
}

static void a_changed_letter_costs_a_few_bytes(void **state)
{
	struct paint paint = { 0 };
	struct canvas canvas = canvas_new(200, 60);
	struct paint_look look = { .theme = themes[0], .depth = THEME_TRUE };
	size_t n;
	(void)state;
	paint_frame(&paint, &canvas, &look, &n);
	canvas_text(&canvas, 100, 30, 1, MEANING_TEXT, "x");
	const char *bytes = paint_frame(&paint, &canvas, &look, &n);
	assert_int_equal(n, strlen("\033[31;101H\033[0mx\033[0m"));
	assert_memory_equal(bytes, "\033[31;101H\033[0mx\033[0m", n);
	canvas_free(&canvas);
	paint_free(&paint);
}

static void ascii_keeps_the_columns(void **state)
{
	struct paint paint = { 0 };
	struct canvas canvas = canvas_new(COLUMNS, ROWS);
	struct paint_look look = { .theme = themes[0], .depth = THEME_8, .is_ascii = true };
	size_t n;
	(void)state;
	canvas_text(&canvas, 0, 0, COLUMNS, MEANING_TEXT, "\xe4\xb8\xad|\xe2\x96\x88");
	const char *bytes = paint_frame(&paint, &canvas, &look, &n);
	receive(bytes, n);
	assert_string_equal(terminal.text[0][2], "|");
	assert_string_equal(terminal.text[0][3], "#");
	canvas_free(&canvas);
	paint_free(&paint);
}

static void each_depth_has_its_colours(void **state)
{
	static const struct {
		enum theme_depth depth;
		uint32_t foreground;
		const char *escape;
	} known[] = {
		{ THEME_TRUE, OWN_RGB | 0x102030, "\033[0;38;2;16;32;48m" },
		{ THEME_256, OWN_RGB | 0xff0000, "\033[0;38;5;196m" },
		{ THEME_8, OWN_RGB | 0xff0000, "\033[0;31m" },
		{ THEME_MONO, OWN_RGB | 0xff0000, "\033[0m" },
		{ THEME_TRUE, OWN_INDEX | 208, "\033[0;38;2;255;135;0m" },
		{ THEME_256, OWN_INDEX | 9, "\033[0;38;5;9m" },
		{ THEME_8, OWN_INDEX | 9, "\033[0;31m" },
		{ THEME_8, OWN_INDEX | 46, "\033[0;32m" },
		{ THEME_TRUE, OWN_DEFAULT, "\033[0m" },
	};
	char escape[THEME_ESCAPE_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct cell cell = { .meaning = MEANING_OWN, .foreground = known[i].foreground };
		theme_cell_escape(themes[0], &cell, known[i].depth, escape);
		assert_string_equal(escape, known[i].escape);
	}
	/* The longest there is fits. */
	struct cell cell = { .meaning = MEANING_OWN,
			     .attributes = 31,
			     .foreground = OWN_RGB | 0xffffff,
			     .background = OWN_RGB | 0xffffff };
	theme_cell_escape(themes[0], &cell, THEME_TRUE, escape);
	assert_int_equal(escape[strlen(escape) - 1], 'm');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_whatever_was_there),
		cmocka_unit_test(a_changed_letter_costs_a_few_bytes),
		cmocka_unit_test(ascii_keeps_the_columns),
		cmocka_unit_test(each_depth_has_its_colours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
