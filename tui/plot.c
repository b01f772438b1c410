/* Dots, blocks and shades. See plot.h. */
#include "tui/plot.h"

#include <math.h>

enum { DOT_ROWS = 4, EIGHTHS = 8 };

/* Marks out of `most` for a ratio; -1 for what is unknown. */
static int marks_of(double ratio, int most)
{
	if (isnan(ratio))
		return -1;
	if (ratio <= 0)
		return 0;
	int marks = (int)lround((ratio > 1 ? 1 : ratio) * most);
	return marks < 1 ? 1 : marks;
}

/* Bits of one dot column, lowest dot first (Unicode 15, Braille Patterns). */
static unsigned column_bits(int dots, int is_right)
{
	static const uint8_t bits[2][DOT_ROWS] = { { 0x40, 0x04, 0x02, 0x01 },
						   { 0x80, 0x20, 0x10, 0x08 } };
	unsigned all = 0;
	for (int i = 0; i < dots && i < DOT_ROWS; i++)
		all |= bits[is_right][i];
	return all;
}

/* The left dot of each character in the row of dots that the line lies in. */
static unsigned line_bits(double line, int rows, int below)
{
	int dot = marks_of(line, rows) - 1 - below;
	return dot >= 0 && dot < DOT_ROWS ? column_bits(dot + 1, 0) & ~column_bits(dot, 0) : 0;
}

void plot_area_under(const struct canvas *canvas, const double *values, double line,
		     enum meaning meaning)
{
	for (int i = 0; i < canvas->width; i++) {
		int left = marks_of(values[i * 2], canvas->height * DOT_ROWS);
		int right = marks_of(values[i * 2 + 1], canvas->height * DOT_ROWS);
		for (int row = 0; row < canvas->height; row++) {
			int below = (canvas->height - 1 - row) * DOT_ROWS;
			unsigned bits =
				column_bits(left - below, 0) | column_bits(right - below, 1);
			enum meaning kind = bits ? meaning : MEANING_TEXT;
			bits |= line_bits(line, canvas->height * DOT_ROWS, below);
			char text[4] = { (char)0xe2, (char)(0xa0 | bits >> 6),
					 (char)(0x80 | (bits & 0x3f)) };
			if (bits)
				canvas_text(canvas, i, row, 1, kind, text);
		}
	}
}

void plot_area(const struct canvas *canvas, const double *values, enum meaning meaning)
{
	plot_area_under(canvas, values, NAN, meaning);
}

void plot_spark(const struct canvas *canvas, int x, int y, int columns, const double *values,
		enum meaning meaning)
{
	static const char *const blocks[] = { "\u00b7", "\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	for (int i = 0; i < columns; i++) {
		int marks = marks_of(values[i], EIGHTHS);
		if (marks >= 0)
			canvas_text(canvas, x + i, y, 1, marks ? meaning : MEANING_DIM,
				    blocks[marks]);
	}
}

void plot_shade(const struct canvas *canvas, int x, int y, double ratio, enum meaning meaning)
{
	static const char *const shades[] = { "\u00b7", "\u2591", "\u2592", "\u2593", "\u2588" };
	int marks = marks_of(ratio, 4);
	if (marks >= 0)
		canvas_text(canvas, x, y, 1, marks ? meaning : MEANING_DIM, shades[marks]);
}
