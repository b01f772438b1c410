/* The tables of colours. See theme.h. */
#include "tui/theme.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tui/canvas.h"

enum { NONE = THEME_DEFAULT, BLACK = 0, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE };

/* Shades differ enough to part neighbours, not enough to mean something else. */
static const int16_t flame_shades[][4] = {
	{ 214, 215, 208, 216 }, /* user: orange */
	{ 229, 228, 222, 223 }, /* inlined: pale yellow */
	{ 75, 110, 74, 111 },   /* kernel: blue */
	{ 115, 79, 116, 80 },   /* JIT: green blue */
	{ 250, 248, 251, 249 }, /* special: grey */
	{ 253, 252, 254, 253 }, /* thread: light grey */
	{ 230, 222, 215, 203 }, /* heat: pale yellow to red */
	{ 230, 223, 216, 209 }, /* grew: to orange red */
	{ 195, 153, 111, 75 },  /* shrank: to blue */
	{ 254, 255, 253, 254 }, /* same: nearly white */
};

static const int16_t contrast_shades[][4] = {
	{ 220, 214, 226, 208 }, { 231, 230, 229, 230 }, { 33, 39, 27, 45 },
	{ 48, 43, 49, 42 },     { 250, 255, 247, 252 }, { 255, 252, 255, 252 },
	{ 231, 226, 214, 203 }, { 231, 229, 222, 208 }, { 231, 195, 117, 39 },
	{ 255, 231, 255, 231 },
};

#define FLAME(attributes)                                                                          \
	[MEANING_USER] = { 16, 214, BLACK, YELLOW, 0, 0 },                                         \
	[MEANING_INLINED] = { 16, 229, BLACK, WHITE, 0, 0 },                                       \
	[MEANING_KERNEL] = { 16, 75, WHITE, BLUE, 0, THEME_UNDERLINE },                            \
	[MEANING_JIT] = { 16, 115, BLACK, GREEN, 0, 0 }, [MEANING_SPECIAL] = { 16,                 \
									       250,                \
									       BLACK,              \
									       CYAN,               \
									       attributes,         \
									       THEME_BOLD },       \
	[MEANING_THREAD] = { 16, 253, BLACK, WHITE, THEME_BOLD, THEME_BOLD },                      \
	[MEANING_HEAT] = { 16, 222, BLACK, YELLOW, 0, 0 },                                         \
	[MEANING_GREW] = { 16, 216, WHITE, RED, 0, THEME_BOLD },                                   \
	[MEANING_SHRANK] = { 16, 111, WHITE, BLUE, 0, THEME_UNDERLINE }, [MEANING_SAME] = { 16,    \
											    254,   \
											    BLACK, \
											    WHITE, \
											    0,     \
											    0 },   \
	[MEANING_MATCH] = { 231, 127, WHITE, MAGENTA, THEME_BOLD, THEME_REVERSE | THEME_BOLD },    \
	[MEANING_SELECTED] = { 231, 18, WHITE, BLACK, THEME_BOLD, THEME_REVERSE }

static const struct theme_style dark_styles[N_MEANINGS] = {
	[MEANING_TEXT] = { NONE, NONE, NONE, NONE, 0, 0 },
	[MEANING_DIM] = { 245, NONE, NONE, NONE, 0, THEME_DIM },
	[MEANING_TITLE] = { 231, 24, WHITE, BLUE, THEME_BOLD, THEME_REVERSE },
	[MEANING_HEADER] = { 117, NONE, CYAN, NONE, THEME_BOLD, THEME_BOLD },
	[MEANING_KEY] = { 16, 250, BLACK, WHITE, 0, THEME_REVERSE },
	[MEANING_GOOD] = { 79, NONE, GREEN, NONE, 0, 0 },
	[MEANING_WARNING] = { 214, NONE, YELLOW, NONE, THEME_BOLD, THEME_BOLD },
	[MEANING_ERROR] = { 203, NONE, RED, NONE, THEME_BOLD, THEME_BOLD | THEME_UNDERLINE },
	[MEANING_BAR] = { 75, NONE, BLUE, NONE, 0, 0 },
	FLAME(0),
};

static const struct theme_style light_styles[N_MEANINGS] = {
	[MEANING_TEXT] = { NONE, NONE, NONE, NONE, 0, 0 },
	[MEANING_DIM] = { 242, NONE, NONE, NONE, 0, THEME_DIM },
	[MEANING_TITLE] = { 231, 24, WHITE, BLUE, THEME_BOLD, THEME_REVERSE },
	[MEANING_HEADER] = { 24, NONE, BLUE, NONE, THEME_BOLD, THEME_BOLD },
	[MEANING_KEY] = { 231, 240, WHITE, BLACK, 0, THEME_REVERSE },
	[MEANING_GOOD] = { 28, NONE, GREEN, NONE, 0, 0 },
	[MEANING_WARNING] = { 130, NONE, RED, NONE, THEME_BOLD, THEME_BOLD },
	[MEANING_ERROR] = { 160, NONE, RED, NONE, THEME_BOLD, THEME_BOLD | THEME_UNDERLINE },
	[MEANING_BAR] = { 25, NONE, BLUE, NONE, 0, 0 },
	FLAME(0),
};

static const struct theme_style contrast_styles[N_MEANINGS] = {
	[MEANING_TEXT] = { NONE, NONE, NONE, NONE, THEME_BOLD, THEME_BOLD },
	[MEANING_DIM] = { NONE, NONE, NONE, NONE, 0, 0 },
	[MEANING_TITLE] = { 16, 231, BLACK, WHITE, THEME_BOLD, THEME_REVERSE },
	[MEANING_HEADER] = { NONE, NONE, NONE, NONE, THEME_BOLD | THEME_UNDERLINE, THEME_BOLD },
	[MEANING_KEY] = { 16, 231, BLACK, WHITE, THEME_BOLD, THEME_REVERSE },
	[MEANING_GOOD] = { NONE, NONE, NONE, NONE, THEME_BOLD, 0 },
	[MEANING_WARNING] = { NONE, NONE, NONE, NONE, THEME_BOLD | THEME_UNDERLINE, THEME_BOLD },
	[MEANING_ERROR] = { 231, 160, WHITE, RED, THEME_BOLD, THEME_REVERSE | THEME_BOLD },
	[MEANING_BAR] = { NONE, NONE, NONE, NONE, THEME_BOLD, 0 },
	FLAME(THEME_BOLD),
};

static const struct theme theme_dark = { "dark", "for dark backgrounds", dark_styles,
					 flame_shades };
static const struct theme theme_light = { "light", "for light backgrounds", light_styles,
					  flame_shades };
static const struct theme theme_contrast = { "contrast", "strong contrast, few colours",
					     contrast_styles, contrast_shades };
static const struct theme theme_mono = { "mono", "no colours: bold, underline, reverse",
					 dark_styles, NULL };

const struct theme *const themes[] = { &theme_dark, &theme_light, &theme_contrast, &theme_mono,
				       NULL };

const struct theme *theme_find(const char *name)
{
	for (const struct theme *const *at = themes; *at; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

struct theme_style theme_style_of(const struct theme *theme, int meaning, int shade)
{
	if (meaning < 0 || meaning >= MEANING_OWN)
		meaning = MEANING_TEXT;
	struct theme_style style = theme->styles[meaning];
	if (!theme->shades) {
		style.foreground = style.background = NONE;
		style.basic_foreground = style.basic_background = NONE;
		style.attributes = style.mono_attributes;
	} else if (meaning >= MEANING_USER && meaning <= MEANING_SAME) {
		style.background = theme->shades[meaning - MEANING_USER][shade % N_SHADES];
	}
	return style;
}

/* ---- escape sequences: ECMA-48 8.3.117 (SGR), and 38;2 and 38;5 as xterm has them */

struct rgb {
	int red, green, blue;
};

/* xterm's 256: 16 of the terminal's choice, a cube of 6x6x6, 24 greys. */
static struct rgb rgb_of(int index)
{
	static const int levels[] = { 0, 95, 135, 175, 215, 255 };
	if (index < 16) {
		int on = index < 8 ? 205 : 255;
		return (struct rgb){ index & 1 ? on : 0, index & 2 ? on : 0, index & 4 ? on : 0 };
	}
	if (index < 232) {
		index -= 16;
		return (struct rgb){ levels[index / 36], levels[index / 6 % 6], levels[index % 6] };
	}
	int grey = 8 + 10 * (index - 232);
	return (struct rgb){ grey, grey, grey };
}

static int nearest_of(struct rgb wanted, int first, int end)
{
	int best = first, least = 1 << 30;
	for (int i = first; i < end; i++) {
		struct rgb have = rgb_of(i);
		int red = have.red - wanted.red, green = have.green - wanted.green,
		    blue = have.blue - wanted.blue;
		int distance = red * red + green * green + blue * blue;
		if (distance < least) {
			least = distance;
			best = i;
		}
	}
	return best;
}

static int put_index(char *out, size_t bytes, int base, int index, enum theme_depth depth)
{
	if (index < 8)
		return snprintf(out, bytes, ";%d", base + index);
	if (depth == THEME_TRUE && index >= 16) {
		struct rgb rgb = rgb_of(index);
		return snprintf(out, bytes, ";%d;2;%d;%d;%d", base + 8, rgb.red, rgb.green,
				rgb.blue);
	}
	if (depth >= THEME_256)
		return snprintf(out, bytes, ";%d;5;%d", base + 8, index);
	return snprintf(out, bytes, ";%d",
			base + (index < 16 ? index - 8 : nearest_of(rgb_of(index), 0, 8)));
}

static int put_own(char *out, size_t bytes, int base, uint32_t color, enum theme_depth depth)
{
	struct rgb rgb = { color >> 16 & 0xff, color >> 8 & 0xff, color & 0xff };
	if (color & OWN_INDEX)
		return put_index(out, bytes, base, (int)(color & 0xff), depth);
	if (!(color & OWN_RGB))
		return 0;
	if (depth == THEME_TRUE)
		return snprintf(out, bytes, ";%d;2;%d;%d;%d", base + 8, rgb.red, rgb.green,
				rgb.blue);
	return put_index(out, bytes, base,
			 depth == THEME_256 ? nearest_of(rgb, 16, 256) : nearest_of(rgb, 0, 8),
			 depth);
}

static int put_attributes(char *out, size_t bytes, unsigned attributes)
{
	return snprintf(out, bytes, "\033[0%s%s%s%s%s", attributes & THEME_BOLD ? ";1" : "",
			attributes & THEME_DIM ? ";2" : "", attributes & THEME_ITALIC ? ";3" : "",
			attributes & THEME_UNDERLINE ? ";4" : "",
			attributes & THEME_REVERSE ? ";7" : "");
}

static int put_style(const struct theme_style *style, enum theme_depth depth, char *out, int n)
{
	int foreground = depth == THEME_8 ? style->basic_foreground : style->foreground;
	int background = depth == THEME_8 ? style->basic_background : style->background;
	if (foreground >= 0)
		n += put_index(out + n, (size_t)(THEME_ESCAPE_BYTES - n), 30, foreground, depth);
	if (background >= 0)
		n += put_index(out + n, (size_t)(THEME_ESCAPE_BYTES - n), 40, background, depth);
	return n;
}

void theme_cell_escape(const struct theme *theme, const struct cell *cell, enum theme_depth depth,
		       char *out)
{
	struct theme_style style = theme_style_of(theme, cell->meaning, cell->shade);
	bool is_own = cell->meaning == MEANING_OWN;
	bool is_mono = depth == THEME_MONO || !theme->shades;
	unsigned attributes = is_own    ? cell->attributes
			      : is_mono ? style.mono_attributes
					: style.attributes;
	int n = put_attributes(out, THEME_ESCAPE_BYTES, attributes);
	if (is_own && !is_mono) {
		n += put_own(out + n, (size_t)(THEME_ESCAPE_BYTES - n), 30, cell->foreground,
			     depth);
		n += put_own(out + n, (size_t)(THEME_ESCAPE_BYTES - n), 40, cell->background,
			     depth);
	} else if (!is_own && !is_mono) {
		n = put_style(&style, depth, out, n);
	}
	snprintf(out + n, (size_t)(THEME_ESCAPE_BYTES - n), "m");
}

void theme_escape(const struct theme *theme, int meaning, int shade, char *out)
{
	struct cell cell = { .meaning = (uint8_t)meaning, .shade = (uint8_t)shade };
	theme_cell_escape(theme, &cell, THEME_256, out);
}
