/* See fixture_shown.h. */
#include "tests/fixture_shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/export_rows.h"
#include "sampler/recording.h"

/* As late as the recording goes: some seconds. */
static const uint64_t LATER_NS = 4000000000;

void shown_draw(struct shown *screen)
{
	size_t n;
	free(screen->text);
	face_draw(screen->face, &screen->canvas, screen->recording->start_ns + LATER_NS);
	FILE *out = open_memstream(&screen->text, &n);
	canvas_write(&screen->canvas, out, true, NULL);
	fclose(out);
}

struct shown shown_open(struct recording *recording, const char *view, int width, int height)
{
	struct shown screen = { .recording = recording };
	struct face_settings settings = { .recording = recording,
					  .command = "a command",
					  .view = view };
	screen.face = face_new(&settings);
	screen.canvas = canvas_new(width, height);
	shown_draw(&screen);
	return screen;
}

void shown_close(struct shown *screen)
{
	free(screen->text);
	face_free(screen->face);
	canvas_free(&screen->canvas);
	recording_free(screen->recording);
}

void shown_press(struct shown *screen, const char *keys)
{
	face_keys(screen->face, keys);
	shown_draw(screen);
}

enum face_outcome shown_click(struct shown *screen, const char *text, int key)
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
	shown_draw(screen);
	return outcome;
}

void shown_has(const struct shown *screen, const char *text)
{
	if (!strstr(screen->text, text))
		fail_msg("no \"%s\" on\n%s", text, screen->text);
}

void shown_not(const struct shown *screen, const char *text)
{
	if (strstr(screen->text, text))
		fail_msg("\"%s\" is on\n%s", text, screen->text);
}

void shown_stands_above(const struct shown *screen, const char *above, const char *below)
{
	const char *first = strstr(screen->text, above), *second = strstr(screen->text, below);
	if (!first || !second || first > second)
		fail_msg("%s is not above %s on\n%s", above, below, screen->text);
}

const char *shown_fact(const struct recording *recording, const char *key)
{
	const char *value = export_fact(recording, key);
	return value ? value : "";
}
