/*
 * paragraph: text wrapped at blanks onto a canvas.
 */
#ifndef TUI_PARAGRAPH_H
#define TUI_PARAGRAPH_H

#include "tui/canvas.h"

/* paragraph_draw: from column x on, at most `columns` wide (at least 8); returns the rows it took.
 * Rows outside the canvas are counted, not drawn. */
int paragraph_draw(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning,
		   const char *text);

#endif
