/* Braille from single dots. See dots.h. */
#include "tui/dots.h"

#include <math.h>

#include "sampler/base/arena.h"

struct dots dots_new(struct arena *arena, int columns, int rows)
{
	columns = columns < 1 ? 1 : columns;
	rows = rows < 1 ? 1 : rows;
	return (struct dots){ arena_take(arena, (size_t)columns * (size_t)rows), columns, rows };
}

void dots_set(struct dots *dots, int x, int y)
{
	/* Of one character, lowest dot first (Unicode 15, Braille Patterns). */
	static const uint8_t bits[DOTS_A_COLUMN][DOTS_A_ROW] = { { 0x40, 0x04, 0x02, 0x01 },
								 { 0x80, 0x20, 0x10, 0x08 } };
	if (x < 0 || y < 0 || x >= dots->columns * DOTS_A_COLUMN || y >= dots->rows * DOTS_A_ROW)
		return;
	int row = dots->rows - 1 - y / DOTS_A_ROW, column = x / DOTS_A_COLUMN;
	dots->cells[row * dots->columns + column] |= bits[x % DOTS_A_COLUMN][y % DOTS_A_ROW];
}

struct ends {
	double from_x, from_y, to_x, to_y;
};

/* `on` of `period` dots are drawn. */
static void draw_line(struct dots *dots, const struct ends *ends, int on, int period)
{
	double from_x = ends->from_x, from_y = ends->from_y, to_x = ends->to_x, to_y = ends->to_y;
	double steps = ceil(fmax(fabs(to_x - from_x), fabs(to_y - from_y)));
	/* A line that leaves the picture is as long as its part inside, within reason. */
	const double most = 64.0 * (dots->columns + dots->rows);
	if (!(steps <= most)) /* not a number, too */
		return;
	for (int i = 0; i <= (int)steps; i++) {
		double part = steps > 0 ? i / steps : 0;
		double x = round(from_x + (to_x - from_x) * part);
		double y = round(from_y + (to_y - from_y) * part);
		if (i % period < on && fabs(x) < 1e6 && fabs(y) < 1e6)
			dots_set(dots, (int)x, (int)y);
	}
}

void dots_line(struct dots *dots, double from_x, double from_y, double to_x, double to_y)
{
	draw_line(dots, &(struct ends){ from_x, from_y, to_x, to_y }, 1, 1);
}

void dots_dashes(struct dots *dots, double from_x, double from_y, double to_x, double to_y)
{
	enum { ON = 4, PERIOD = 7 };
	draw_line(dots, &(struct ends){ from_x, from_y, to_x, to_y }, ON, PERIOD);
}

void dots_draw(const struct dots *dots, const struct canvas *canvas, enum meaning meaning)
{
	for (int row = 0; row < dots->rows; row++)
		for (int column = 0; column < dots->columns; column++) {
			unsigned bits = dots->cells[row * dots->columns + column];
			char text[4] = { (char)0xe2, (char)(0xa0 | bits >> 6),
					 (char)(0x80 | (bits & 0x3f)) };
			if (bits)
				canvas_text(canvas, column, row, 1, meaning, text);
		}
}
