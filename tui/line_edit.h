/*
 * line_edit: one line of text being typed, with the lines typed before.
 */
#ifndef TUI_LINE_EDIT_H
#define TUI_LINE_EDIT_H

#include <stdbool.h>
#include <stddef.h>

enum { LINE_EDIT_BYTES = 256, LINE_EDIT_LINES = 32 };

struct line_edit {
	char text[LINE_EDIT_BYTES];
	char history[LINE_EDIT_LINES][LINE_EDIT_BYTES]; /* oldest first */
	int n_history, shown; /* shown: the line of the history that is in text; n_history = none */
};

enum line_outcome { LINE_GOES_ON, LINE_TAKEN, LINE_LEFT };

/* line_edit_begin: an empty line. */
void line_edit_begin(struct line_edit *line);

/*
 * line_edit_key: letters go into the line, Backspace, Ctrl-W and Ctrl-U take some out, Up and Down
 * bring back lines typed before. Enter takes the line (and remembers it); Escape, Ctrl-C and
 * Backspace in an empty line leave it.
 */
enum line_outcome line_edit_key(struct line_edit *line, int key);

/* line_edit_put: text behind what there is; what does not fit whole is left out. */
void line_edit_put(struct line_edit *line, const char *text);

/* line_edit_drop_last: the last character of a text, all bytes of it; "" stays. */
void line_edit_drop_last(char *text);

/* line_edit_encode: a code point as UTF-8 with a NUL; returns its bytes, 0 for none. */
size_t line_edit_encode(int code_point, char out[5]);

#endif
