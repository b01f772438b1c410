/*
 * fixture_shown: a screen of a recording, typed to and clicked on, and what stands on it. What is
 * not as it should be fails the test, with the screen.
 */
#ifndef TESTS_FIXTURE_SHOWN_H
#define TESTS_FIXTURE_SHOWN_H

#include "tui/canvas.h"
#include "tui/face.h"
#include "tui/view.h"

struct recording;

struct shown {
	struct recording *recording;
	struct face *face;
	struct canvas canvas;
	char *text; /* in ASCII, so bytes are columns */
};

/* shown_open: owns the recording from then on. */
struct shown shown_open(struct recording *recording, const char *view, int width, int height);
void shown_close(struct shown *screen);

void shown_press(struct shown *screen, const char *keys);
/* shown_draw: once more, after what was done by other ways. */
void shown_draw(struct shown *screen);
/* shown_click: on the first such text, by KEY_CLICK or KEY_DOUBLE_CLICK. */
enum face_outcome shown_click(struct shown *screen, const char *text, int key);

void shown_has(const struct shown *screen, const char *text);
void shown_not(const struct shown *screen, const char *text);
void shown_stands_above(const struct shown *screen, const char *above, const char *below);

/* shown_fact: the last value of a key; "" if nobody told it. */
const char *shown_fact(const struct recording *recording, const char *key);

#endif
