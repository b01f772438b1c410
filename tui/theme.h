/*
 * theme: colours by meaning, for true colour, 256 colours, 8 colours and none. The terminal's own
 * background is left alone, so light and dark terminals both work; flame boxes bring theirs. Orange
 * against blue is told apart by nearly everybody (Okabe and Ito, 2008).
 */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdint.h>

enum { THEME_DEFAULT = -1, THEME_ESCAPE_BYTES = 64 };

/* How many colours a terminal has. */
enum theme_depth { THEME_MONO, THEME_8, THEME_256, THEME_TRUE };

enum theme_attribute {
	THEME_BOLD = 1,
	THEME_DIM = 2,
	THEME_UNDERLINE = 4,
	THEME_REVERSE = 8,
	THEME_ITALIC = 16,
};

/* Colours are xterm's 256, or THEME_DEFAULT; the basic ones are 0 to 7. */
struct theme_style {
	int16_t foreground, background;
	int16_t basic_foreground, basic_background;
	uint8_t attributes;      /* with colours */
	uint8_t mono_attributes; /* without */
};

struct theme {
	const char *name, *summary;
	const struct theme_style *styles; /* N_MEANINGS */
	const int16_t (*shades)[4];       /* backgrounds of MEANING_USER…MEANING_SAME */
};

/* theme_find: "dark", "light", "contrast", "mono"; NULL if there is none of that name. */
const struct theme *theme_find(const char *name);
extern const struct theme *const themes[]; /* NULL-terminated; the first is the default */

/* theme_style_of: the style of a cell. */
struct theme_style theme_style_of(const struct theme *theme, int meaning, int shade);

struct cell;

/* theme_cell_escape: the SGR sequence of a cell with as many colours as there are. In true colour
 * the 256 are exact, whatever a terminal's palette makes of them. */
void theme_cell_escape(const struct theme *theme, const struct cell *cell, enum theme_depth depth,
		       char *out);

/* theme_escape: the SGR sequence of a cell, in 256 colours (or attributes, for mono). */
void theme_escape(const struct theme *theme, int meaning, int shade, char *out);

#endif
