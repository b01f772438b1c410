/*
 * paint: what to send to a terminal so that it shows a canvas, given what it shows already. It
 * writes ECMA-48 sequences, which every terminal in use takes; it knows no terminal itself.
 */
#ifndef TUI_PAINT_H
#define TUI_PAINT_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/theme.h"

struct paint_look {
	const struct theme *theme;
	enum theme_depth depth;
	bool is_ascii;
	bool is_synchronized; /* DEC mode 2026: the terminal shows a frame at once */
};

struct paint {
	struct canvas shown; /* no cells: nothing is known of the terminal */
	char *bytes;
	size_t n_bytes, capacity;
	int x, y; /* of the cursor; -1 = not known */
	char style[THEME_ESCAPE_BYTES];
};

/*
 * paint_frame: the bytes that turn what was painted last into this; none if nothing differs.
 * The last cell of the screen stays as it is: some terminals scroll when it is written.
 * Returns  *n_bytes at paint->bytes, valid until the next call
 */
const char *paint_frame(struct paint *paint, const struct canvas *canvas,
			const struct paint_look *look, size_t *n_bytes);

/* paint_forget: the terminal may show anything. paint_free: gives the memory back. */
void paint_forget(struct paint *paint);
void paint_free(struct paint *paint);

#endif
