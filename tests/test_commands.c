/* What is typed behind a colon, the files it writes, and keys with other meanings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "tests/fixture.h"
#include "tui/face.h"
#include "tui/face_state.h"
#include "tui/theme.h"

static char folder[] = "/tmp/stoke-commands-XXXXXX";
static struct recording *recording;
static struct face *face;
static struct canvas canvas;

static int begin(void **state)
{
	struct face_settings settings = { .command = "turns", .view = "flame" };
	(void)state;
	recording = fixture_timed();
	settings.recording = recording;
	face = face_new(&settings);
	canvas = canvas_new(140, 40);
	face_draw(face, &canvas, recording->start_ns);
	return 0;
}

static int end(void **state)
{
	(void)state;
	canvas_free(&canvas);
	face_free(face);
	recording_free(recording);
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") == 0 ? system(command) : -1;
}

static const char *screen_after(const char *keys)
{
	static char text[1 << 16];
	face_keys(face, keys);
	face_draw(face, &canvas, recording->start_ns);
	FILE *out = fmemopen(text, sizeof text, "w");
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	return text;
}

static void shows(const char *keys, const char *text)
{
	const char *screen = screen_after(keys);
	if (!strstr(screen, text))
		fail_msg("no \"%s\" after %s on\n%s", text, keys, screen);
}

static void commands_do_what_they_say(void **state)
{
	(void)state;
	shows(":view notes\\r", "[4 Notes]");
	shows(":v flame\\r", "[2 Flame]");
	shows(":theme light\\r", "[2 Flame]");
	assert_string_equal(face_preferences(face)->theme->name, "light");
	shows(":set glyphs ascii\\r", "[2 Flame]");
	assert_int_equal(face_preferences(face)->glyphs, GLYPHS_ASCII);
	shows(":set refresh=20\\r", "[2 Flame]");
	assert_int_equal(face_preferences(face)->refresh_hz, 20);
	shows(":set refresh\\r", "refresh = 20");
	shows(":help\\r", ":write FILE");
	shows("x:help config\\r", "XDG_CONFIG_HOME");
	shows("x:help keys\\r", "zoom into the selected box");
	assert_int_equal(face_key(face, (struct input){ .key = 'x', .x = 0, .y = 0 }),
			 FACE_GOES_ON);
	face_keys(face, ":q");
	assert_int_equal(face_key(face, (struct input){ .key = KEY_RETURN }), FACE_QUITS);
}

static void wrong_commands_are_explained(void **state)
{
	(void)state;
	shows(":veiw x\\r", "There is no command :veiw; did you mean :view?");
	shows(":view fame\\r", "There is no view fame; did you mean flame?");
	shows(":theme purple\\r", "theme takes one of");
	shows(":set colour red\\r", "there is no setting colour; did you mean colors?");
	shows(":w\\r", ":w needs a FILE");
	shows(":w x.y.z\\r", "x.y.z");
	shows(":w /nonexistent/x.folded\\r", "Cannot write /nonexistent/x.folded");
	shows(":map\\r", "there is no key");
	shows(":!\\r", "[2 Flame]");
	shows(":\\r", "[2 Flame]");
	shows(":quit\\e", "[2 Flame]"); /* left, not taken */
}

static void tab_completes_and_up_brings_back(void **state)
{
	(void)state;
	shows(":th\\tco\\t", ":theme contrast _");
	face_keys(face, "\\r");
	assert_string_equal(face_preferences(face)->theme->name, "contrast");
	face_keys(face, ":");
	face_key(face, (struct input){ .key = KEY_ARROW_UP });
	shows("", ":theme contrast _");
	face_key(face, (struct input){ .key = KEY_ARROW_DOWN });
	shows("set \\t", "theme  colors  glyphs");
	shows("gly\\ta", ":set glyphs a_");
	shows("\\t", "auto  ascii");
	shows("\\e:map x flame.san\\t", ":map x flame.sandwich _");
	shows("\\e:h\\t", ":help _");
}

static long size_of(const char *path)
{
	FILE *file = fopen(path, "r");
	if (!file)
		return -1;
	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	fclose(file);
	return size;
}

static void write_follows_the_extension(void **state)
{
	struct why why;
	(void)state;
	shows(":w a.folded\\r", "a.folded is written: everything recorded so far.");
	assert_true(size_of("a.folded") > 20);
	shows(":w a.folded\\r", "it is there already; :w! writes over it.");
	shows(":w! a.folded\\r", "is written");
	shows(":w a.stoke\\r", "is written");
	struct recording *again = recording_file_open("a.stoke", &why);
	assert_non_null(again);
	assert_int_equal(recording_moment(again).n[TABLE_SAMPLES],
			 recording_moment(recording).n[TABLE_SAMPLES]);
	recording_free(again);
	shows(":w a.txt\\r", "The screen is in a.txt.");
	shows(":w a.ansi\\r", "The screen is in a.ansi.");
	assert_true(size_of("a.ansi") > size_of("a.txt"));
	shows(":w a.svg\\r", "is written");
}

static void print_screen_writes_what_is_shown(void **state)
{
	char before[1 << 16], written[1 << 16] = "";
	(void)state;
	face_keys(face, ":set glyphs unicode\\r");
	snprintf(before, sizeof before, "%s", screen_after(""));
	shows("P", "The screen is in stoke-flame-1.txt.");
	shows("P", "The screen is in stoke-flame-2.txt.");
	FILE *file = fopen("stoke-flame-1.txt", "r");
	assert_non_null(file);
	written[fread(written, 1, sizeof written - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(written, before);
}

static void mapped_keys_act_and_show(void **state)
{
	(void)state;
	shows("x", "[2 Flame]");
	shows(":map x freeze-and-go-on\\rx", "frozen");
	shows("x", " x freeze and");
	shows(":unmap z\\rz", "[2 Flame]");
	assert_null(strstr(screen_after(""), "frozen"));
	shows(":map w view\\rw", "[3 Functions]"); /* one that works everywhere */
	shows("w", "[4 Notes]");
	shows("?", "Mapped by you");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_do_what_they_say, begin, end),
		cmocka_unit_test_setup_teardown(wrong_commands_are_explained, begin, end),
		cmocka_unit_test_setup_teardown(tab_completes_and_up_brings_back, begin, end),
		cmocka_unit_test_setup_teardown(write_follows_the_extension, begin, end),
		cmocka_unit_test_setup_teardown(print_screen_writes_what_is_shown, begin, end),
		cmocka_unit_test_setup_teardown(mapped_keys_act_and_show, begin, end),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
