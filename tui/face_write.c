/* Files written from the screen: the screen itself as text, or what is recorded. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/canvas.h"
#include "tui/face_state.h"
#include "tui/process_words.h"
#include "tui/session_output.h"
#include "tui/settings.h"
#include "tui/theme.h"
#include "tui/window.h"

enum { MOST_SCREENS = 9999, NAME_BYTES = 64 };

/* A file that is there stays, unless it is to be written over. */
static int create(const char *path, bool is_forced)
{
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (is_forced ? O_TRUNC : O_EXCL), 0666);
}

/* stoke-flame-1.txt, or the first number that is free. */
static int create_next(const struct face *face, char *name)
{
	for (int i = 1; i <= MOST_SCREENS; i++) {
		snprintf(name, NAME_BYTES, "stoke-%.40s-%d.txt", views[face->current]->name, i);
		int fd = create(name, false);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static bool is_drawn_in_ascii(const struct face *face)
{
	int glyphs = face->preferences.glyphs;
	struct settings settings = { 0 };
	return glyphs == GLYPHS_ASCII ||
	       (glyphs == GLYPHS_AUTO && settings_glyphs_are_ascii(&settings));
}

/* Drawn anew: what was drawn last is not kept. */
static void print_screen(struct face *face, FILE *out, bool has_colors)
{
	struct canvas canvas = canvas_new(face->width, face->height);
	face->message[0] = '\0';
	face->must_redraw = true;
	face_draw(face, &canvas, face->now_ns);
	canvas_write(&canvas, out, is_drawn_in_ascii(face),
		     has_colors ? face->preferences.theme : NULL);
	canvas_free(&canvas);
}

static void say_failed(struct face *face, const char *path)
{
	char clean[200];
	const char *reason =
		errno == EEXIST ? "it is there already; :w! writes over it" : strerror(errno);
	face_tell(face, MEANING_WARNING, "Cannot write %s: %s.",
		  text_clean(clean, sizeof clean, path), reason);
}

static bool has_suffix(const char *path, const char *suffix)
{
	size_t length = strlen(path), n = strlen(suffix);
	return length > n && strcmp(path + length - n, suffix) == 0;
}

void face_write_screen(struct face *face, const char *path, bool is_forced)
{
	char name[NAME_BYTES], clean[200];
	int fd = path ? create(path, is_forced) : create_next(face, name);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	path = path ? path : name;
	if (!out) {
		say_failed(face, path);
		return;
	}
	print_screen(face, out, has_suffix(path, ".ansi"));
	bool is_written = !ferror(out);
	if (fclose(out) != 0 || !is_written)
		say_failed(face, path);
	else
		face_tell(face, MEANING_GOOD, "The screen is in %s.",
			  text_clean(clean, sizeof clean, path));
}

/* The window of time the views follow, as the settings of `stoke export` have it. */
static void take_window(const struct face *face, struct settings *settings)
{
	uint64_t start = face->settings.recording->start_ns;
	if (face->focus.from_ns > start)
		settings->from_ns = face->focus.from_ns - start;
	if (face->focus.to_ns > start)
		settings->to_ns = face->focus.to_ns - start;
}

static bool write_recording(struct face *face, const char *path, struct why *why)
{
	struct session_output output;
	struct settings settings = { 0 };
	int status;
	/* Whether it may be written over has been asked. */
	if (!session_output_open(&output, path, NULL, true, &status, why))
		return false;
	if (!output.file) /* a .stoke file is whole */
		take_window(face, &settings);
	bool is_good = session_output_choose(&output, face->settings.recording, &settings, why);
	if (!output.file)
		output.only = face->focus.only;
	is_good = is_good && session_output_write(&output, face->settings.recording, why);
	session_output_close(&output);
	return is_good;
}

/* What of the recording has been written, where it is not everything. */
static void say_part(const struct face *face, char *out, size_t bytes)
{
	const struct recording *recording = face->settings.recording;
	char window[64] = "", process[PROCESS_WORDS_BYTES] = "";
	bool has_window = window_is_set(&face->focus);
	bool has_process = thread_choice_is_set(&face->focus.only);
	if (has_window)
		window_text(&face->focus, recording, window, sizeof window);
	if (has_process)
		process_words(recording, &face->focus.only, process, sizeof process);
	if (has_window || has_process)
		snprintf(out, bytes, "%s%s%s", process, has_window && has_process ? ", " : "",
			 window);
}

void face_write(struct face *face, const char *path, bool is_forced)
{
	struct stat status;
	struct why why;
	char clean[200], what[96 + PROCESS_WORDS_BYTES] = "everything recorded so far";
	bool is_whole = has_suffix(path, ".stoke");
	if (has_suffix(path, ".txt") || has_suffix(path, ".ansi")) {
		face_write_screen(face, path, is_forced);
		return;
	}
	if (strcmp(path, "-") == 0) {
		face_tell(face, MEANING_WARNING, ":w needs a file: the screen is here.");
		return;
	}
	if (!is_forced && stat(path, &status) == 0) {
		errno = EEXIST;
		say_failed(face, path);
		return;
	}
	if (!write_recording(face, path, &why)) {
		face_tell(face, MEANING_WARNING, "%s", why.text);
		return;
	}
	if (!is_whole)
		say_part(face, what, sizeof what);
	face_tell(face, MEANING_GOOD, "%s is written: %s.", text_clean(clean, sizeof clean, path),
		  what);
}
