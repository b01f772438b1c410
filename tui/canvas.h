/*
 * canvas: a grid of cells that views draw on and screens, files and tests read. A cell holds one
 * character with a meaning; colours come later, from the theme.
 */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What a cell stands for. Colour, bold and underline follow from it (theme.h). */
enum meaning {
	MEANING_TEXT,
	MEANING_DIM,
	MEANING_TITLE,
	MEANING_HEADER,
	MEANING_KEY,
	MEANING_SELECTED,
	MEANING_GOOD,
	MEANING_WARNING,
	MEANING_ERROR,
	MEANING_BAR,  /* the filled part of a bar */
	MEANING_USER, /* flame boxes, by what ran */
	MEANING_INLINED,
	MEANING_KERNEL,
	MEANING_JIT,
	MEANING_SPECIAL, /* [lost], [unknown: ...] */
	MEANING_THREAD,
	MEANING_HEAT, /* flame boxes by a value: a shade for each quarter of the scale */
	MEANING_GREW, /* flame boxes by what changed: more or less so by the shade */
	MEANING_SHRANK,
	MEANING_SAME,
	MEANING_MATCH, /* found by the search */
	MEANING_OWN,   /* with colours of its own: what a program draws on its terminal */
	N_MEANINGS,
};

enum { CELL_TEXT_BYTES = 12, N_SHADES = 4 };

/* Colours of MEANING_OWN: the terminal's own, one of xterm's 256, or red, green and blue. */
enum { OWN_DEFAULT = 0, OWN_INDEX = 1 << 24, OWN_RGB = 2 << 24 };

struct cell {
	char text[CELL_TEXT_BYTES]; /* one character and what combines with it; "" behind a wide one
				     */
	uint8_t meaning, shade;
	uint8_t attributes;              /* of MEANING_OWN: enum theme_attribute */
	uint32_t foreground, background; /* of MEANING_OWN: OWN_* and its value */
};

/* A whole canvas, or a part of one that shares its cells. */
struct canvas {
	struct cell *cells;
	int width, height, stride;
};

/* canvas_new: blank cells; sizes below 1 become 1. canvas_free: for what canvas_new returned. */
struct canvas canvas_new(int width, int height);
void canvas_free(struct canvas *canvas);
void canvas_clear(const struct canvas *canvas);

/* canvas_part: the rectangle, cut to what is there; may be empty. */
struct canvas canvas_part(const struct canvas *canvas, int x, int y, int width, int height);

/*
 * canvas_text: write text from a cell on, at most `columns` of it; a character that does not fit
 * whole is left out. Control characters become '?'.
 * Returns  columns written
 */
int canvas_text(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning,
		const char *text);

/* canvas_print: canvas_text with a format, to the end of the row. */
int canvas_print(const struct canvas *canvas, int x, int y, enum meaning meaning,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* canvas_own: canvas_text with colours and attributes of its own (see struct cell). */
int canvas_own(const struct canvas *canvas, int x, int y, int columns, const struct cell *look,
	       const char *text);

/* canvas_fill: blanks with a meaning and shade. */
void canvas_fill(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning,
		 int shade);

/* canvas_mark: give cells that are drawn another meaning, keeping their text. */
void canvas_mark(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning);

/* canvas_shade: text inside a filled box: keeps the shade of the cells. */
int canvas_box_text(const struct canvas *canvas, int x, int y, int columns, const char *text);

/* canvas_bar: a bar of `columns` cells, the ratio 0…1 of it filled, in eighths of a cell. */
void canvas_bar(const struct canvas *canvas, int x, int y, int columns, double ratio);

/* canvas_ascii: the plain character shown for one that ASCII lacks. */
char canvas_ascii(uint32_t code_point);

struct theme;

/*
 * canvas_write: the rows as text, trailing blanks cut off unless there are colours.
 * theme   NULL for plain text, else SGR escapes in its 256 colours
 */
void canvas_write(const struct canvas *canvas, FILE *out, bool is_ascii, const struct theme *theme);

#endif
