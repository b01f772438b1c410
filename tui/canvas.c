/* Cells and their text form. See canvas.h. */
#include "tui/canvas.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "tui/theme.h"

enum { MOST_COLUMNS = 4096, PRINT_BYTES = 4096 };

static const struct cell blank = { .text = " " };

static int at_least_one(int n)
{
	return n < 1 ? 1 : n > MOST_COLUMNS ? MOST_COLUMNS : n;
}

struct canvas canvas_new(int width, int height)
{
	struct canvas canvas = { .width = at_least_one(width), .height = at_least_one(height) };
	canvas.stride = canvas.width;
	canvas.cells = allocate((size_t)canvas.width * (size_t)canvas.height, sizeof(struct cell));
	canvas_clear(&canvas);
	return canvas;
}

void canvas_free(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){ 0 };
}

static struct cell *cell_at(const struct canvas *canvas, int x, int y)
{
	return &canvas->cells[(size_t)y * (size_t)canvas->stride + (size_t)x];
}

void canvas_clear(const struct canvas *canvas)
{
	for (int y = 0; y < canvas->height; y++)
		for (int x = 0; x < canvas->width; x++)
			*cell_at(canvas, x, y) = blank;
}

struct canvas canvas_part(const struct canvas *canvas, int x, int y, int width, int height)
{
	x = x < 0 ? 0 : x > canvas->width ? canvas->width : x;
	y = y < 0 ? 0 : y > canvas->height ? canvas->height : y;
	width = width < 0 ? 0 : width > canvas->width - x ? canvas->width - x : width;
	height = height < 0 ? 0 : height > canvas->height - y ? canvas->height - y : height;
	struct canvas part = { .width = width, .height = height, .stride = canvas->stride };
	part.cells = canvas->cells + (size_t)y * (size_t)canvas->stride + (size_t)x;
	return part;
}

/* Half of a wide character must not stay behind when its other half is overwritten. */
static void cut_wide(const struct canvas *canvas, int x, int y)
{
	struct cell *cell = cell_at(canvas, x, y);
	if (cell->text[0] == '\0' && x > 0)
		memcpy(cell_at(canvas, x - 1, y)->text, blank.text, sizeof blank.text);
	if (x + 1 < canvas->width && cell_at(canvas, x + 1, y)->text[0] == '\0')
		memcpy(cell_at(canvas, x + 1, y)->text, blank.text, sizeof blank.text);
}

static void put(const struct canvas *canvas, int x, int y, const char *text, size_t n)
{
	struct cell *cell = cell_at(canvas, x, y);
	cut_wide(canvas, x, y);
	memset(cell->text, 0, sizeof cell->text);
	memcpy(cell->text, text, n < sizeof cell->text ? n : 1);
}

/* What combines belongs to the cell before; more than fits in it is left out. */
static void combine(const struct canvas *canvas, int x, int y, const char *text, size_t n)
{
	struct cell *cell = cell_at(canvas, x, y);
	if (cell->text[0] == '\0' && x > 0) /* the second half of a wide character */
		cell = cell_at(canvas, x - 1, y);
	size_t length = strlen(cell->text);
	if (length + n < sizeof cell->text)
		memcpy(cell->text + length, text, n);
}

static int write_text(const struct canvas *canvas, int x, int y, int columns, const char *text)
{
	int at = 0;
	uint32_t code_point;
	if (y < 0 || y >= canvas->height || x < 0)
		return 0;
	if (columns > canvas->width - x)
		columns = canvas->width - x;
	for (size_t n; (n = text_decode(text, &code_point)) > 0; text += n) {
		bool is_control = code_point < 0x20 || code_point == 0xfffd ||
				  (code_point >= 0x7f && code_point < 0xa0);
		int width = is_control ? 1 : text_columns(code_point);
		if (at + width > columns)
			break;
		if (width == 0) {
			if (at > 0)
				combine(canvas, x + at - 1, y, text, n);
			continue;
		}
		put(canvas, x + at, y, is_control ? "?" : text, is_control ? 1 : n);
		if (width == 2) {
			cut_wide(canvas, x + at + 1, y);
			memset(cell_at(canvas, x + at + 1, y)->text, 0, CELL_TEXT_BYTES);
		}
		at += width;
	}
	return at;
}

int canvas_text(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning,
		const char *text)
{
	int n = write_text(canvas, x, y, columns, text);
	for (int i = 0; i < n; i++) {
		cell_at(canvas, x + i, y)->meaning = (uint8_t)meaning;
		cell_at(canvas, x + i, y)->shade = 0;
	}
	return n;
}

int canvas_own(const struct canvas *canvas, int x, int y, int columns, const struct cell *look,
	       const char *text)
{
	int n = write_text(canvas, x, y, columns, text);
	for (int i = 0; i < n; i++) {
		struct cell *cell = cell_at(canvas, x + i, y);
		cell->meaning = MEANING_OWN;
		cell->shade = 0;
		cell->attributes = look->attributes;
		cell->foreground = look->foreground;
		cell->background = look->background;
	}
	return n;
}

int canvas_box_text(const struct canvas *canvas, int x, int y, int columns, const char *text)
{
	return write_text(canvas, x, y, columns, text);
}

int canvas_print(const struct canvas *canvas, int x, int y, enum meaning meaning,
		 const char *format, ...)
{
	char text[PRINT_BYTES];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	return canvas_text(canvas, x, y, canvas->width, meaning, text);
}

void canvas_fill(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning,
		 int shade)
{
	if (y < 0 || y >= canvas->height)
		return;
	for (int i = x < 0 ? 0 : x; i < x + columns && i < canvas->width; i++) {
		cut_wide(canvas, i, y);
		*cell_at(canvas, i, y) = blank;
		cell_at(canvas, i, y)->meaning = (uint8_t)meaning;
		cell_at(canvas, i, y)->shade = (uint8_t)(shade % N_SHADES);
	}
}

void canvas_mark(const struct canvas *canvas, int x, int y, int columns, enum meaning meaning)
{
	if (y < 0 || y >= canvas->height)
		return;
	for (int i = x < 0 ? 0 : x; i < x + columns && i < canvas->width; i++)
		cell_at(canvas, i, y)->meaning = (uint8_t)meaning;
}

void canvas_bar(const struct canvas *canvas, int x, int y, int columns, double ratio)
{
	static const char *const eighths[] = { "",       "\u258f", "\u258e", "\u258d", "\u258c",
					       "\u258b", "\u258a", "\u2589", "\u2588" };
	if (!(ratio > 0)) /* NaN too: what is unknown has no bar */
		ratio = 0;
	int filled = (int)lround((ratio > 1 ? 1 : ratio) * columns * 8);
	for (int i = 0; i < columns; i++) {
		int part = filled - i * 8 > 8 ? 8 : filled - i * 8;
		if (part > 0)
			canvas_text(canvas, x + i, y, 1, MEANING_BAR, eighths[part]);
		else
			canvas_text(canvas, x + i, y, 1, MEANING_DIM, "\u00b7");
	}
}

struct substitute {
	uint32_t first, last;
	char ascii;
};

char canvas_ascii(uint32_t code_point)
{
	static const struct substitute table[] = {
		{ 0x00b5, 0x00b5, 'u' },  { 0x00b7, 0x00b7, '.' }, { 0x00d7, 0x00d7, 'x' },
		{ 0x2013, 0x2014, '-' },  { 0x2022, 0x2022, '*' }, { 0x2026, 0x2026, '~' },
		{ 0x2190, 0x2190, '<' },  { 0x2192, 0x2192, '>' }, { 0x2191, 0x2191, '^' },
		{ 0x2193, 0x2193, 'v' },  { 0x2248, 0x2248, '~' }, { 0x2500, 0x2501, '-' },
		{ 0x2502, 0x2503, '|' },  { 0x2550, 0x2550, '=' }, { 0x2504, 0x257f, '+' },
		{ 0x258f, 0x258f, '|' },  { 0x2581, 0x2581, '_' }, { 0x2582, 0x2582, '.' },
		{ 0x2583, 0x2583, '-' },  { 0x2584, 0x2584, '=' }, { 0x2585, 0x2585, '+' },
		{ 0x2586, 0x2586, '*' },  { 0x2587, 0x2587, '%' }, { 0x2591, 0x2591, '-' },
		{ 0x2592, 0x2592, '+' },  { 0x2593, 0x2593, '%' }, { 0x2580, 0x2590, '#' },
		{ 0x25b2, 0x25b2, '^' },  { 0x25bc, 0x25bc, 'v' }, { 0x25b6, 0x25b8, '>' },
		{ 0x25cb, 0x25cb, 'o' },  { 0x25cf, 0x25cf, '*' }, { 0x25d0, 0x25d0, '%' },
		{ 0x2801, 0x2801, '\'' }, { 0x2802, 0x2802, '-' }, { 0x2804, 0x2804, '-' },
		{ 0x2800, 0x28ff, ':' },
	};
	if (code_point < 0x80)
		return (char)code_point;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (code_point >= table[i].first && code_point <= table[i].last)
			return table[i].ascii;
	return '?';
}

static void write_cell(const struct cell *cell, const struct cell *next, FILE *out, bool is_ascii)
{
	uint32_t code_point;
	if (cell->text[0] == '\0')
		return; /* the second half of a wide character */
	if (!is_ascii) {
		fputs(cell->text, out);
		return;
	}
	text_decode(cell->text, &code_point);
	fputc(canvas_ascii(code_point), out);
	if (next && next->text[0] == '\0')
		fputc('?', out); /* a wide character keeps its two columns */
}

static bool is_blank(const struct cell *cell)
{
	return strcmp(cell->text, " ") == 0;
}

static void write_row(const struct canvas *canvas, int y, FILE *out, bool is_ascii,
		      const struct theme *theme)
{
	int width = canvas->width;
	char escape[THEME_ESCAPE_BYTES], before[THEME_ESCAPE_BYTES] = "";
	while (!theme && width > 0 && is_blank(cell_at(canvas, width - 1, y)))
		width--;
	for (int x = 0; x < width; x++) {
		const struct cell *cell = cell_at(canvas, x, y);
		if (theme) {
			theme_cell_escape(theme, cell, THEME_256, escape);
			if (strcmp(escape, before) != 0)
				fputs(escape, out);
			memcpy(before, escape, sizeof before);
		}
		write_cell(cell, x + 1 < width ? cell_at(canvas, x + 1, y) : NULL, out, is_ascii);
	}
	fputs(theme ? "\033[0m\n" : "\n", out);
}

void canvas_write(const struct canvas *canvas, FILE *out, bool is_ascii, const struct theme *theme)
{
	for (int y = 0; y < canvas->height; y++)
		write_row(canvas, y, out, is_ascii, theme);
}
