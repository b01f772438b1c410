/*
 * screen: a canvas on a terminal, and keys from it. The only file that knows ncurses.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include <stdbool.h>

#include "sampler/base/why.h"
#include "tui/canvas.h"
#include "tui/view.h"

struct theme;

struct screen_settings {
	const struct theme *theme;
	bool is_ascii, has_color, has_mouse;
	bool tells_moves; /* presses, releases and movements of the mouse, not clicks */
	int colors;       /* enum colors: how many, where there are any */
};

/*
 * screen_open: take over /dev/tty (stdout stays free for data). Whatever ends the program, the
 * terminal is given back: at exit, by die(), and by handlers for crashes.
 */
bool screen_open(const struct screen_settings *settings, struct why *why);
void screen_close(void);

/* screen_set: other settings from now on. */
void screen_set(const struct screen_settings *settings);

/* screen_descriptor: readable when there are keys. */
int screen_descriptor(void);

/* screen_size: of the terminal now. */
void screen_size(int *columns, int *rows);

/* screen_show: write what differs from the last picture, in one go. */
void screen_show(const struct canvas *canvas);

/* screen_key: the next key; false if there is none. */
bool screen_key(struct input *input);

/* screen_repaint: the terminal's contents are unknown (Ctrl-L). */
void screen_repaint(void);

/* screen_leave: give the terminal back for a while; screen_return: take it again. */
void screen_leave(void);
void screen_return(void);

/* screen_suspend: give the terminal back and stop, as after Ctrl-Z; returns when continued. */
void screen_suspend(void);

/* screen_refusal: NULL if a screen can be had here, else why not. */
const char *screen_refusal(void);

#endif
