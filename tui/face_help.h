/*
 * face_help: the help screen, written from the tables of keys.
 */
#ifndef TUI_FACE_HELP_H
#define TUI_FACE_HELP_H

#include "tui/canvas.h"

struct view;

/* face_help_draw: keys of the view, then those that work everywhere; scrolled by rows. */
void face_help_draw(const struct canvas *canvas, const struct view *view, int scroll);

#endif
