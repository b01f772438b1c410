/* The grid of cells: widths, parts, bars and its three text forms, under random drawing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/canvas.h"
#include "tui/theme.h"
#include "workloads/support/random.h"

static const char *const pieces[] = { "a",
				      "main(int)",
				      "\xe4\xb8\xad",
				      "gr\xc3\xb6\xc3\x9f"
				      "e",
				      "\xf0\x9f\x94\xa5",
				      "\t",
				      "\xcc\x81",
				      "\xff\xfe",
				      "\033[31m",
				      "\xe4\xb8",
				      "\xc2\x9b",
				      " " };

static const struct cell *cell_of(const struct canvas *canvas, int x, int y)
{
	return &canvas->cells[(size_t)y * (size_t)canvas->stride + (size_t)x];
}

/* A wide character has exactly one empty cell behind it, and no other cell is empty. */
static void check_cells(const struct canvas *canvas)
{
	for (int y = 0; y < canvas->height; y++) {
		bool is_behind_wide = false;
		for (int x = 0; x < canvas->width; x++) {
			const struct cell *cell = cell_of(canvas, x, y);
			assert_non_null(memchr(cell->text, '\0', sizeof cell->text));
			assert_true(cell->meaning < N_MEANINGS && cell->shade < N_SHADES);
			if (is_behind_wide) {
				assert_string_equal(cell->text, "");
				is_behind_wide = false;
				continue;
			}
			assert_in_range(text_width(cell->text), 1, 2);
			is_behind_wide = text_width(cell->text) == 2;
		}
		assert_false(is_behind_wide);
	}
}

static char *written(const struct canvas *canvas, bool is_ascii, const struct theme *theme)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	canvas_write(canvas, out, is_ascii, theme);
	fclose(out);
	assert_int_equal(strlen(text), n);
	return text;
}

static void assert_written(const struct canvas *canvas, bool is_ascii, const char *expected)
{
	char *text = written(canvas, is_ascii, NULL);
	assert_string_equal(text, expected);
	free(text);
}

/* The text without its colours, which must all end before the row does. */
static void drop_escapes(char *text)
{
	char *to = text;
	for (const char *at = text; *at; at++) {
		if (*at == '\033') {
			at = strchr(at, 'm');
			assert_non_null(at);
			continue;
		}
		*to++ = *at;
	}
	*to = '\0';
}

/* Rows of all three forms: full width with colours, never wider without, plain where it is ASCII.
 */
static void check_rows(const struct canvas *canvas, bool is_ascii, const struct theme *theme)
{
	char *text = written(canvas, is_ascii, theme), *rest = text, *row;
	int n_rows = 0;
	if (theme)
		drop_escapes(text);
	while ((row = strsep(&rest, "\n")) && rest) {
		int width = text_width(row);
		n_rows++;
		assert_true(theme ? width == canvas->width : width <= canvas->width);
		for (const char *at = row; *at; at++)
			assert_false(is_ascii && (*at < ' ' || *at > '~'));
	}
	assert_int_equal(n_rows, canvas->height);
	free(text);
}

static void random_text(struct random *random, char *out, size_t bytes)
{
	size_t n = 0;
	out[0] = '\0';
	for (uint64_t i = random_bits(random) % 9; i-- > 0;) {
		const char *piece =
			pieces[random_bits(random) % (sizeof pieces / sizeof pieces[0])];
		n += (size_t)snprintf(out + n, bytes - n, "%s", piece);
		assert_true(n < bytes);
	}
}

static void draw_something(struct random *random, const struct canvas *canvas)
{
	char text[128];
	int x = (int)(random_bits(random) % 70) - 5, y = (int)(random_bits(random) % 20) - 5;
	int columns = (int)(random_bits(random) % 50) - 5;
	enum meaning meaning = (enum meaning)(random_bits(random) % N_MEANINGS);
	random_text(random, text, sizeof text);
	switch (random_bits(random) % 6) {
	case 0:
		assert_true(canvas_text(canvas, x, y, columns, meaning, text) <=
			    (columns > 0 ? columns : 0));
		break;
	case 1:
		canvas_print(canvas, x, y, meaning, "%s|%d", text, columns);
		break;
	case 2:
		canvas_fill(canvas, x, y, columns, meaning, (int)(random_bits(random) % 9));
		break;
	case 3:
		canvas_box_text(canvas, x, y, columns, text);
		break;
	case 4:
		canvas_mark(canvas, x, y, columns, meaning);
		break;
	default:
		canvas_bar(canvas, x < 0 ? 0 : x, y, columns, (double)(columns + 5) / 40);
	}
}

static void random_drawing_keeps_cells_whole(void **state)
{
	struct random random = { 11 };
	(void)state;
	for (int i = 0; i < 150; i++) {
		struct canvas canvas = canvas_new(1 + (int)(random_bits(&random) % 60),
						  1 + (int)(random_bits(&random) % 12));
		for (int k = 0; k < 40; k++) {
			draw_something(&random, &canvas);
			check_cells(&canvas);
		}
		check_rows(&canvas, false, NULL);
		check_rows(&canvas, true, NULL);
		check_rows(&canvas, false, themes[i % 2]);
		check_rows(&canvas, true, themes[i % 2]);
		canvas_free(&canvas);
	}
}

static void parts_are_cut_and_write_only_inside(void **state)
{
	struct random random = { 5 };
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct canvas canvas = canvas_new(40, 10);
		int x = (int)(random_bits(&random) % 60) - 10;
		int y = (int)(random_bits(&random) % 20) - 5;
		struct canvas part =
			canvas_part(&canvas, x, y, (int)(random_bits(&random) % 60) - 5,
				    (int)(random_bits(&random) % 20) - 5);
		int left = x < 0 ? 0 : x, top = y < 0 ? 0 : y;
		assert_true(part.width >= 0 && part.height >= 0);
		for (int k = 0; k < 20; k++)
			draw_something(&random, &part);
		check_cells(&part);
		for (int row = 0; row < 10; row++)
			for (int column = 0; column < 40; column++) {
				bool is_inside = column >= left && column < left + part.width &&
						 row >= top && row < top + part.height;
				if (!is_inside)
					assert_string_equal(cell_of(&canvas, column, row)->text,
							    " ");
			}
		canvas_free(&canvas);
	}
}

static void either_half_of_a_wide_character_takes_the_other_along(void **state)
{
	struct canvas canvas = canvas_new(6, 1);
	(void)state;
	canvas_text(&canvas, 1, 0, 5, MEANING_TEXT, "\xe4\xb8\xad\xe6\x96\x87");
	canvas_text(&canvas, 1, 0, 1, MEANING_TEXT, "x"); /* the first half */
	assert_written(&canvas, false, " x \xe6\x96\x87\n");
	canvas_fill(&canvas, 4, 0, 1, MEANING_BAR, 0); /* the second half */
	check_cells(&canvas);
	assert_written(&canvas, false, " x\n");
	canvas_text(&canvas, 0, 0, 6, MEANING_TEXT, "\xe4\xb8\xad\xe6\x96\x87");
	canvas_text(&canvas, 1, 0, 2, MEANING_TEXT, "\xe5\xad\x97"); /* between two */
	check_cells(&canvas);
	assert_written(&canvas, false, " \xe5\xad\x97\n");
	assert_written(&canvas, true, " ??\n");
	canvas_free(&canvas);
}

static void what_combines_stays_with_its_character(void **state)
{
	struct canvas canvas = canvas_new(3, 1);
	char text[64] = "e";
	(void)state;
	assert_int_equal(canvas_text(&canvas, 0, 0, 3, MEANING_TEXT, "e\xcc\x81x"), 2);
	assert_written(&canvas, false, "e\xcc\x81x\n");
	for (int i = 0; i < 12; i++) /* more than a cell holds */
		strcat(text, "\xcc\x81");
	strcat(text, "y");
	assert_int_equal(canvas_text(&canvas, 0, 0, 3, MEANING_TEXT, text), 2);
	check_cells(&canvas);
	assert_written(&canvas, false, "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81y\n");
	/* A wide character keeps its empty second cell. */
	assert_int_equal(canvas_text(&canvas, 0, 0, 3, MEANING_TEXT, "\xe4\xb8\xad\xcc\x81z"), 3);
	check_cells(&canvas);
	assert_written(&canvas, false, "\xe4\xb8\xad\xcc\x81z\n");
	/* With nothing before it there is nothing to combine with. */
	assert_int_equal(canvas_text(&canvas, 0, 0, 3, MEANING_TEXT, "\xcc\x81z"), 1);
	check_cells(&canvas);
	canvas_free(&canvas);
}

static void bars_show_their_ratio(void **state)
{
	struct canvas canvas = canvas_new(4, 1);
	(void)state;
	canvas_bar(&canvas, 0, 0, 4, 0.5);
	assert_written(&canvas, false, "\u2588\u2588\u00b7\u00b7\n");
	assert_written(&canvas, true, "##..\n");
	canvas_bar(&canvas, 0, 0, 4, 7);
	assert_written(&canvas, true, "####\n");
	canvas_bar(&canvas, 0, 0, 4, 1.0 / 32);
	assert_written(&canvas, false, "\u258f\u00b7\u00b7\u00b7\n");
	canvas_bar(&canvas, 0, 0, 4, -1);
	assert_written(&canvas, true, "....\n");
	canvas_bar(&canvas, 0, 0, 4, NAN);
	assert_written(&canvas, true, "....\n");
	canvas_free(&canvas);
}

static void sizes_are_sane(void **state)
{
	static const int sizes[][2] = { { 0, 0 }, { -7, 3 }, { 1, 1 }, { 500, 200 } };
	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct canvas canvas = canvas_new(sizes[i][0], sizes[i][1]);
		assert_int_equal(canvas.width, sizes[i][0] < 1 ? 1 : sizes[i][0]);
		assert_int_equal(canvas.height, sizes[i][1] < 1 ? 1 : sizes[i][1]);
		check_cells(&canvas);
		canvas_free(&canvas);
	}
}

static void marks_keep_the_text(void **state)
{
	struct canvas canvas = canvas_new(5, 1);
	(void)state;
	canvas_text(&canvas, 0, 0, 5, MEANING_TEXT,
		    "a\xe4\xb8\xad"
		    "b");
	canvas_mark(&canvas, 1, 0, 2, MEANING_MATCH);
	assert_written(&canvas, false,
		       "a\xe4\xb8\xad"
		       "b\n");
	for (int x = 0; x < 5; x++)
		assert_int_equal(cell_of(&canvas, x, 0)->meaning,
				 x == 1 || x == 2 ? MEANING_MATCH : MEANING_TEXT);
	canvas_free(&canvas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_drawing_keeps_cells_whole),
		cmocka_unit_test(parts_are_cut_and_write_only_inside),
		cmocka_unit_test(either_half_of_a_wide_character_takes_the_other_along),
		cmocka_unit_test(what_combines_stays_with_its_character),
		cmocka_unit_test(bars_show_their_ratio),
		cmocka_unit_test(sizes_are_sane),
		cmocka_unit_test(marks_keep_the_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
