/* The tables of colours. See theme.h. */
#include "tui/theme.h"

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
};

static const int16_t contrast_shades[][4] = {
	{ 220, 214, 226, 208 }, { 231, 230, 229, 230 }, { 33, 39, 27, 45 },
	{ 48, 43, 49, 42 },     { 250, 255, 247, 252 }, { 255, 252, 255, 252 },
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
	if (meaning < 0 || meaning >= N_MEANINGS)
		meaning = MEANING_TEXT;
	struct theme_style style = theme->styles[meaning];
	if (!theme->shades) {
		style.foreground = style.background = NONE;
		style.basic_foreground = style.basic_background = NONE;
		style.attributes = style.mono_attributes;
	} else if (meaning >= MEANING_USER && meaning <= MEANING_THREAD) {
		style.background = theme->shades[meaning - MEANING_USER][shade % N_SHADES];
	}
	return style;
}

void theme_escape(const struct theme *theme, int meaning, int shade, char *out)
{
	struct theme_style style = theme_style_of(theme, meaning, shade);
	int n = snprintf(out, THEME_ESCAPE_BYTES, "\033[0%s%s%s%s",
			 style.attributes & THEME_BOLD ? ";1" : "",
			 style.attributes & THEME_DIM ? ";2" : "",
			 style.attributes & THEME_UNDERLINE ? ";4" : "",
			 style.attributes & THEME_REVERSE ? ";7" : "");
	if (style.foreground >= 0)
		n += snprintf(out + n, (size_t)(THEME_ESCAPE_BYTES - n), ";38;5;%d",
			      style.foreground);
	if (style.background >= 0)
		n += snprintf(out + n, (size_t)(THEME_ESCAPE_BYTES - n), ";48;5;%d",
			      style.background);
	snprintf(out + n, (size_t)(THEME_ESCAPE_BYTES - n), "m");
}
