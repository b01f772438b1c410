/*
 * dots: a picture of single dots, drawn as braille: two a column, four a row. (0, 0) is below left.
 */
#ifndef TUI_DOTS_H
#define TUI_DOTS_H

#include <stdint.h>

#include "tui/canvas.h"

struct arena;

enum { DOTS_A_COLUMN = 2, DOTS_A_ROW = 4 };

struct dots {
	uint8_t *cells; /* bits of one braille character each, by row from above */
	int columns, rows;
};

/* dots_new: none set; of the arena. Sizes below 1 become 1. */
struct dots dots_new(struct arena *arena, int columns, int rows);

/* dots_set: outside the picture nothing happens. */
void dots_set(struct dots *dots, int x, int y);

/* dots_line: from dot to dot. Ends may lie outside; they are clipped to some picture widths. */
void dots_line(struct dots *dots, double from_x, double from_y, double to_x, double to_y);

/* dots_dashes: the same, four dots and then three missing. */
void dots_dashes(struct dots *dots, double from_x, double from_y, double to_x, double to_y);

/* dots_draw: over what is on the canvas, where there are dots. */
void dots_draw(const struct dots *dots, const struct canvas *canvas, enum meaning meaning);

#endif
