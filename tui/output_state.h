/*
 * output_state: the program's terminal as the output view holds it. With libvterm it is a terminal:
 * colours, cursor and full screens, with the lines that scrolled away above it; without, lines of
 * plain text. Sizes come from the recording, so a saved one shows the same.
 */
#ifndef TUI_OUTPUT_STATE_H
#define TUI_OUTPUT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/output_text.h"
#include "tui/view.h"

/* libvterm's, which only output_terminal.c knows. */
struct VTerm;
struct VTermScreen;

enum {
	OUTPUT_MOST_HISTORY = 4000, /* lines; some 2 KB each at most 80 columns wide */
	OUTPUT_MOST_SIZES = 4000,   /* changes of size that a file may ask for */
	OUTPUT_MOST_COLUMNS = 1000,
	OUTPUT_MOST_ROWS = 500,
	OUTPUT_USUAL_COLUMNS = 80, /* of recordings that do not say */
	OUTPUT_USUAL_ROWS = 24,
	OUTPUT_LINE_BYTES = 4096,
};

/* From a byte of the output on. */
struct output_size {
	uint64_t from_byte;
	int columns, rows;
};

struct output_state {
	uint64_t next_byte, next_fact;
	struct output_size sizes[OUTPUT_MOST_SIZES];
	size_t n_sizes, next_size;
	bool is_back; /* looks at older lines; else follows the end */
	size_t top;
	int width, height;
	bool must_draw, is_typed_into, is_refused;
	char searched[64];
#if HAVE_VTERM
	struct VTerm *vterm;
	struct VTermScreen *screen;
	struct output_row {
		struct cell *cells;
		int n;
	} history[OUTPUT_MOST_HISTORY]; /* a ring */
	size_t n_history, first_history;
	uint64_t n_dropped;
	bool is_full_screen, hides_cursor;
	bool reports_mouse; /* the program has asked for it */
	int columns, rows, cursor_x, cursor_y;
#else
	struct output_text text;
#endif
};

/* output_take_sizes: the facts below n; output_feed: the bytes below n. */
void output_take_sizes(struct output_state *state, const struct recording *recording, uint64_t n);
void output_feed(struct output_state *state, const struct view_context *context, uint64_t n);

/* output_lines: how many there are; output_text_of: one as text, returns out. */
size_t output_lines(const struct output_state *state);
const char *output_text_of(const struct output_state *state, size_t line,
			   char out[OUTPUT_LINE_BYTES]);
void output_draw_line(const struct output_state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, size_t line);

/* output_send_key: a key that is no character, as the program's terminal sends it. */
bool output_send_key(struct output_state *state, const struct view_context *context, int key);

/*
 * output_send_mouse: a click, the wheel or KEY_MOUSE_*, in cells of the view.
 * Returns  false: the program has not asked for it, or it was beside its screen
 */
bool output_send_mouse(struct output_state *state, const struct view_context *context,
		       const struct input *input);
bool output_takes_mouse(const void *opaque);

/* output_shortcoming: what is missing, behind a "; "; "" if nothing is. Returns out. */
const char *output_shortcoming(const struct output_state *state, char *out, size_t bytes);

void output_close(void *opaque);

#endif
