/* Only cells that differ are sent, with a style only where it changes. See paint.h. */
#include "tui/paint.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"

static const char begin_frame[] = "\033[?2026h", end_frame[] = "\033[?2026l";

static void put(struct paint *paint, const char *text, size_t n)
{
	if (paint->n_bytes + n + 1 > paint->capacity) {
		paint->capacity = 2 * (paint->n_bytes + n) + 4096;
		paint->bytes = reallocate(paint->bytes, paint->capacity, 1);
	}
	memcpy(paint->bytes + paint->n_bytes, text, n);
	paint->n_bytes += n;
}

static void put_text(struct paint *paint, const char *text)
{
	put(paint, text, strlen(text));
}

static void move_to(struct paint *paint, int x, int y)
{
	char text[32];
	if (paint->x == x && paint->y == y)
		return;
	snprintf(text, sizeof text, "\033[%d;%dH", y + 1, x + 1);
	put_text(paint, text);
	paint->x = x;
	paint->y = y;
}

static void use_style(struct paint *paint, const struct cell *cell, const struct paint_look *look)
{
	char escape[THEME_ESCAPE_BYTES];
	theme_cell_escape(look->theme, cell, look->depth, escape);
	if (strcmp(escape, paint->style) == 0)
		return;
	put_text(paint, escape);
	memcpy(paint->style, escape, sizeof paint->style);
}

static const struct cell *cell_of(const struct canvas *canvas, int x, int y)
{
	return &canvas->cells[(size_t)y * (size_t)canvas->stride + (size_t)x];
}

/* Terminals differ in what they call wide: behind such a character the cursor is not trusted. */
static void put_cell(struct paint *paint, const struct canvas *canvas, int x, int y,
		     const struct paint_look *look)
{
	const struct cell *cell = cell_of(canvas, x, y);
	bool is_wide = x + 1 < canvas->width && cell[1].text[0] == '\0';
	uint32_t code_point;
	size_t n = text_decode(cell->text, &code_point);
	move_to(paint, x, y);
	use_style(paint, cell, look);
	if (look->is_ascii) {
		char text[2] = { canvas_ascii(code_point), '?' };
		put(paint, text, is_wide ? 2 : 1);
		paint->x += is_wide ? 2 : 1;
	} else {
		put_text(paint, cell->text);
		paint->x = is_wide || cell->text[n] ? -1 : paint->x + 1;
	}
	if (paint->x >= canvas->width)
		paint->x = -1; /* it waits behind the last column */
}

static bool is_same(const struct cell *a, const struct cell *b)
{
	return memcmp(a->text, b->text, sizeof a->text) == 0 && a->meaning == b->meaning &&
	       a->shade == b->shade &&
	       (a->meaning != MEANING_OWN ||
		(a->attributes == b->attributes && a->foreground == b->foreground &&
		 a->background == b->background));
}

static void put_row(struct paint *paint, const struct canvas *canvas, int y,
		    const struct paint_look *look)
{
	int columns = y == canvas->height - 1 ? canvas->width - 1 : canvas->width;
	for (int x = 0; x < columns; x++) {
		const struct cell *cell = cell_of(canvas, x, y);
		bool is_wide = x + 1 < canvas->width && cell[1].text[0] == '\0';
		/* Half of a wide character that was there goes with its other half. */
		bool differs = !is_same(cell, cell_of(&paint->shown, x, y)) ||
			       (is_wide && !is_same(cell + 1, cell_of(&paint->shown, x + 1, y)));
		if (differs && cell->text[0] && (!is_wide || x + 1 < columns))
			put_cell(paint, canvas, x, y, look);
	}
}

static void begin(struct paint *paint, const struct canvas *canvas, const struct paint_look *look)
{
	paint->n_bytes = 0;
	paint->x = paint->y = -1;
	paint->style[0] = '\0';
	if (look->is_synchronized)
		put_text(paint, begin_frame);
	if (paint->shown.cells && paint->shown.width == canvas->width &&
	    paint->shown.height == canvas->height)
		return;
	paint_forget(paint);
	paint->shown = canvas_new(canvas->width, canvas->height);
	/* A colour of a cell that a clear would fill the screen with must not be on. */
	put_text(paint, "\033[0m\033[H\033[2J");
}

const char *paint_frame(struct paint *paint, const struct canvas *canvas,
			const struct paint_look *look, size_t *n_bytes)
{
	begin(paint, canvas, look);
	size_t before = paint->n_bytes;
	bool is_new = before > (look->is_synchronized ? sizeof begin_frame - 1 : 0);
	for (int y = 0; y < canvas->height; y++) {
		put_row(paint, canvas, y, look);
		memcpy(paint->shown.cells + (size_t)y * (size_t)paint->shown.stride,
		       cell_of(canvas, 0, y), (size_t)canvas->width * sizeof(struct cell));
	}
	*n_bytes = 0;
	if (!is_new && paint->n_bytes == before)
		return paint->bytes;
	put_text(paint, "\033[0m");
	if (look->is_synchronized)
		put_text(paint, end_frame);
	*n_bytes = paint->n_bytes;
	return paint->bytes;
}

void paint_forget(struct paint *paint)
{
	if (paint->shown.cells)
		canvas_free(&paint->shown);
	paint->shown = (struct canvas){ 0 };
}

void paint_free(struct paint *paint)
{
	paint_forget(paint);
	free(paint->bytes);
	*paint = (struct paint){ 0 };
}
