/* Screens of every size, with recordings and keys of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "sampler/tree.h"
#include "tests/fixture.h"
#include "tests/fixture_gpu.h"
#include "tests/fixture_model.h"
#include "tests/fixture_phases.h"
#include "tests/fixture_processes.h"
#include "tests/fixture_stride.h"
#include "tui/face.h"
#include "tui/flame.h"
#include "tui/theme.h"
#include "workloads/support/random.h"

static void text_is_cut_between_characters(void **state)
{
	struct canvas canvas = canvas_new(6, 2);
	char *text;
	size_t n;
	(void)state;
	assert_int_equal(canvas_text(&canvas, 0, 0, 5, MEANING_TEXT, "ab\xe4\xb8\xad\xe6\x96\x87"),
			 4);
	assert_int_equal(canvas_text(&canvas, 5, 0, 9, MEANING_TEXT, "\xe4\xb8\xad"), 0);
	canvas_text(&canvas, 3, 0, 1, MEANING_TEXT, "x"); /* over half of a wide one */
	canvas_text(&canvas, 0, 1, 6, MEANING_TEXT, "e\xcc\x81\033[1m");
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	assert_string_equal(text, "ab x\ne\xcc\x81?[1m\n");
	free(text);
	out = open_memstream(&text, &n);
	canvas_write(&canvas, out, true, NULL);
	fclose(out);
	assert_string_equal(text, "ab x\ne?[1m\n");
	free(text);
	canvas_free(&canvas);
}

/* Every row is exactly as wide as the canvas, whole characters only. */
static void check_canvas(const struct canvas *canvas)
{
	for (int y = 0; y < canvas->height; y++) {
		int columns = 0;
		for (int x = 0; x < canvas->width; x++) {
			const struct cell *cell =
				&canvas->cells[(size_t)y * (size_t)canvas->stride + (size_t)x];
			uint32_t code_point;
			if (cell->text[0] == '\0') {
				assert_true(x > 0); /* behind a wide one */
				assert_int_equal(text_width(cell[-1].text), 2);
				continue;
			}
			text_decode(cell->text, &code_point);
			assert_int_not_equal(code_point, 0xfffd);
			assert_true(code_point >= 0x20);
			columns += text_width(cell->text);
			assert_true(cell->meaning < N_MEANINGS);
		}
		assert_int_equal(columns, canvas->width);
	}
}

static const int any_keys[] = { '1',
				'2',
				'3',
				'4',
				'5',
				'7',
				'8',
				'9',
				'e',
				'S',
				'0',
				'L',
				'D',
				'T',
				't',
				'+',
				'-',
				'E',
				's',
				'W',
				'A',
				'd',
				'w',
				'6',
				' ',
				'y',
				'a',
				'm',
				'i',
				'K',
				'p',
				'z',
				'u',
				18,
				'H',
				'F',
				'r',
				'\t',
				'?',
				'n',
				'N',
				'<',
				'>',
				'I',
				'O',
				'x',
				KEY_FUNCTION_6,
				KEY_RETURN,
				KEY_ESCAPE,
				'/',
				'a',
				'(',
				KEY_ARROW_UP,
				KEY_ARROW_DOWN,
				KEY_ARROW_LEFT,
				KEY_ARROW_RIGHT,
				KEY_PAGE_DOWN,
				KEY_PAGE_UP,
				KEY_CLICK,
				KEY_DOUBLE_CLICK,
				KEY_WHEEL_UP,
				KEY_WHEEL_DOWN,
				KEY_MOUSE_PRESSED,
				KEY_MOUSE_MOVED,
				KEY_START,
				KEY_FINISH,
				KEY_BACK_TAB,
				KEY_HELP_1,
				KEY_SETUP_2,
				'G',
				'c',
				's',
				'o',
				'\\',
				'*',
				'U',
				'M',
				'X',
				'R',
				'C',
				'%',
				'g' };

static void any_size_and_any_keys_draw_well(void **state)
{
	struct random random = { 3 };
	(void)state;
	for (uint64_t seed = 0; seed < 11; seed++) {
		struct recording *recording = seed > 9   ? fixture_gpu()
					      : seed > 7 ? fixture_phases()
					      : seed > 5
						      ? fixture_timed()
						      : fixture_random(seed, seed == 0 ? 0 : 300);
		struct face_settings settings = { .recording = recording,
						  .command = "\xe4\xb8\xad --x",
						  .is_live = seed % 2 };
		struct recording *against = seed % 3 ? NULL : fixture_random(seed + 100, 200);
		settings.against = against;
		settings.against_name = "\xe4\xb8\xad.stoke";
		struct face *face = face_new(&settings);
		for (int i = 0; i < 150; i++) {
			int width = 1 + (int)(random_bits(&random) % (i % 3 ? 60 : 500));
			int height = 1 + (int)(random_bits(&random) % (i % 3 ? 20 : 200));
			struct canvas canvas = canvas_new(width, height);
			face_draw(face, &canvas, recording->start_ns + 2000000000);
			check_canvas(&canvas);
			canvas_free(&canvas);
			for (int k = 0; k < 4; k++)
				face_key(face,
					 (struct input){ .key = any_keys[random_bits(&random) %
									 (sizeof any_keys /
									  sizeof any_keys[0])],
							 .x = (int)(random_bits(&random) % 600) - 5,
							 .y = (int)(random_bits(&random) % 250) -
							      5 });
		}
		face_free(face);
		recording_free(against);
		recording_free(recording);
	}
}

static void draw_small_sizes(struct recording *recording)
{
	struct face_settings settings = { .recording = recording, .command = "train" };
	for (const struct view *const *view = views; *view; view++) {
		settings.view = (*view)->name;
		struct face *face = face_new(&settings);
		for (int size = 0; size < 39 * 11; size += FIXTURE_STRIDE) {
			struct canvas canvas = canvas_new(1 + size / 11, 1 + size % 11);
			face_draw(face, &canvas, recording->start_ns);
			check_canvas(&canvas);
			canvas_free(&canvas);
		}
		face_free(face);
	}
	recording_free(recording);
}

static void small_sizes_draw_well(void **state)
{
	(void)state;
	draw_small_sizes(fixture_known());
	draw_small_sizes(fixture_timed());
	draw_small_sizes(fixture_hostile());
	draw_small_sizes(fixture_phases());
}

/* From 1x1 to 500x200, each side by its own steps, both ends in: every view, with what `e` and `?`
 * lay over it. */
static void draw_all_sizes(struct recording *recording, const struct view *view)
{
	static const int widths[] = { 1, 2, 3, 5, 9, 17, 33, 61, 80, 120, 139, 140, 200, 311, 500 };
	static const int heights[] = { 1, 2, 3, 4, 5, 6, 8, 13, 24, 40, 60, 117, 200 };
	static const char *const keys[] = { "", "e", "\\e?", "\\ejj", "G" };
	struct face_settings settings = {
		.recording = recording, .command = "train", .view = view->name, .is_live = true
	};
	struct face *face = face_new(&settings);
	const size_t n_heights = sizeof heights / sizeof heights[0];
	for (size_t n = 0; n < sizeof widths / sizeof widths[0] * n_heights; n += FIXTURE_STRIDE) {
		struct canvas canvas = canvas_new(widths[n / n_heights], heights[n % n_heights]);
		face_draw(face, &canvas, recording->start_ns + 1000000000);
		check_canvas(&canvas);
		face_keys(face, keys[n % 5]);
		face_draw(face, &canvas, recording->start_ns + 1000000000);
		check_canvas(&canvas);
		face_keys(face, "\\e");
		assert_string_equal(face_view_name(face), view->name);
		canvas_free(&canvas);
	}
	face_free(face);
}

static void every_view_draws_well_in_every_size(void **state)
{
	struct recording *recordings[] = { fixture_random(11, 400), fixture_gpu(), fixture_timed(),
					   fixture_phases(), fixture_known() };
	(void)state;
	for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
		for (const struct view *const *view = views; *view; view++)
			draw_all_sizes(recordings[i], *view);
		recording_free(recordings[i]);
	}
}

/* What the window leaves is what the samples in it weigh. */
static void views_follow_the_window(void **state)
{
	struct recording *recording = fixture_timed();
	struct face_settings settings = { .recording = recording, .view = "timeline" };
	struct face *face;
	struct canvas canvas = canvas_new(120, 40);
	char *text;
	size_t n;
	(void)state;
	settings.command = "turns";
	face = face_new(&settings);
	face_draw(face, &canvas, recording->start_ns);
	face_keys(face, "m \\rjjjjj"); /* mark, forget it by taking; then the second tenth */
	face_keys(face, " jj\\r2");    /* three rows of 100 ms from 0.5 s on: only the second */
	face_draw(face, &canvas, recording->start_ns);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	assert_non_null(strstr(text, "second"));
	assert_null(strstr(text, "first"));
	assert_null(strstr(text, "third"));
	free(text);
	face_keys(face, "\\e"); /* everything again */
	face_draw(face, &canvas, recording->start_ns);
	out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	assert_non_null(strstr(text, "first"));
	assert_non_null(strstr(text, "third"));
	free(text);
	canvas_free(&canvas);
	face_free(face);
	recording_free(recording);
}

/* Weights by line, where the fixture put them. */
static void lines_hold_their_samples(void **state)
{
	struct recording *recording = fixture_timed();
	struct face_settings settings = { .recording = recording, .view = "functions" };
	struct canvas canvas = canvas_new(120, 40);
	char *text;
	size_t n;
	(void)state;
	settings.command = "turns";
	struct face *face = face_new(&settings);
	face_keys(face, "a");
	face_draw(face, &canvas, recording->start_ns);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	assert_non_null(strstr(text, "54.5 %   54.5 %      7"));
	assert_non_null(strstr(text, "tests/data/turns.txt"));
	free(text);
	canvas_free(&canvas);
	face_free(face);
	recording_free(recording);
}

static void boxes_do_not_overlap(void **state)
{
	struct recording *recording = fixture_random(9, 2000);
	struct tree_options options = { .root = TREE_ROOT_NAME };
	struct tree *tree = tree_open(recording, &options);
	struct flame flame = { 0 };
	(void)state;
	tree_update(tree);
	for (int width = 1; width < 300; width += 7) {
		flame_layout(&flame, tree, 0, width);
		for (size_t i = 0; i < flame.n_boxes; i++) {
			const struct flame_box *box = &flame.boxes[i], *last = box - 1;
			assert_true(box->x >= 0 && box->width > 0 && box->x + box->width <= width);
			if (i > 0 && last->y == box->y)
				assert_true(last->x + last->width <= box->x);
		}
	}
	flame_free(&flame);
	tree_close(tree);
	recording_free(recording);
}

static void nothing_new_draws_nothing(void **state)
{
	struct recording *recording = fixture_known();
	struct face_settings settings = { .recording = recording, .command = "train" };
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(80, 24);
	(void)state;
	for (int i = 0; views[i]; i++) {
		face_key(face, (struct input){ .key = '\t' });
		assert_true(face_draw(face, &canvas, recording->start_ns));
		assert_false(face_draw(face, &canvas, recording->start_ns));
		assert_false(face_draw(face, &canvas, recording->start_ns));
	}
	canvas_free(&canvas);
	face_free(face);
	recording_free(recording);
}

static void wrong_patterns_are_explained(void **state)
{
	struct recording *recording = fixture_known();
	struct face_settings settings = { .recording = recording, .command = "t", .view = "flame" };
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(80, 24);
	char *text;
	size_t n;
	(void)state;
	face_draw(face, &canvas, 0);
	face_keys(face, "/(\\r");
	face_draw(face, &canvas, 0);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	assert_non_null(strstr(text, "is no pattern"));
	free(text);
	canvas_free(&canvas);
	face_free(face);
	recording_free(recording);
}

static void every_theme_has_every_meaning(void **state)
{
	char escape[THEME_ESCAPE_BYTES];
	(void)state;
	for (const struct theme *const *theme = themes; *theme; theme++)
		for (int meaning = 0; meaning < N_MEANINGS; meaning++) {
			theme_escape(*theme, meaning, meaning % N_SHADES, escape);
			assert_true(strlen(escape) < THEME_ESCAPE_BYTES - 1);
			assert_int_equal(escape[strlen(escape) - 1], 'm');
		}
	assert_null(theme_find("purple"));
}

/* The files that tests/golden.sh renders. */
static int save(const char *path, struct recording *recording)
{
	struct why why;
	struct recording_file *file = recording_file_create(path, &why);
	bool is_good = file && recording_file_close(file, recording, &why);
	recording_free(recording);
	return is_good ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(any_size_and_any_keys_draw_well),
		cmocka_unit_test(small_sizes_draw_well),
		cmocka_unit_test(every_view_draws_well_in_every_size),
		cmocka_unit_test(lines_hold_their_samples),
		cmocka_unit_test(views_follow_the_window),
		cmocka_unit_test(boxes_do_not_overlap),
		cmocka_unit_test(nothing_new_draws_nothing),
		cmocka_unit_test(wrong_patterns_are_explained),
		cmocka_unit_test(every_theme_has_every_meaning),
	};
	if (argc == 3 && strcmp(argv[1], "--save") == 0)
		return save(argv[2], fixture_known());
	if (argc == 3 && strcmp(argv[1], "--save-timed") == 0)
		return save(argv[2], fixture_timed());
	if (argc == 3 && strcmp(argv[1], "--save-gpu") == 0)
		return save(argv[2], fixture_gpu());
	if (argc == 3 && strcmp(argv[1], "--save-phases") == 0)
		return save(argv[2], fixture_phases());
	if (argc == 3 && strcmp(argv[1], "--save-model") == 0)
		return save(argv[2], fixture_model());
	if (argc == 3 && strcmp(argv[1], "--save-processes") == 0)
		return save(argv[2], fixture_processes());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
