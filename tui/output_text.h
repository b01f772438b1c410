/*
 * output_text: what a program wrote to its terminal, as lines of plain text: colours and movements
 * of the cursor are left out, and a line that a carriage return begins anew shows its last form.
 */
#ifndef TUI_OUTPUT_TEXT_H
#define TUI_OUTPUT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Inside an escape sequence: ECMA-48 5.3 and 5.4, and strings up to BEL or ESC \. */
enum output_escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CONTROL, ESCAPE_STRING, ESCAPE_STRING_END };

/* output_escape_next: true if the byte belongs to an escape sequence. */
bool output_escape_next(enum output_escape *escape, unsigned char byte);

struct output_text {
	char *text; /* lines, each with a NUL */
	size_t n_bytes, capacity, line_start;
	size_t *starts; /* of finished lines */
	size_t n_lines, lines_capacity;
	enum output_escape escape;
	bool must_return; /* a carriage return: what comes next begins the line anew */
};

void output_text_take(struct output_text *text, unsigned char byte);

/* output_text_lines: lines there are, with the one at work if anything is in it. */
size_t output_text_lines(const struct output_text *text);
const char *output_text_line(const struct output_text *text, size_t line);
void output_text_free(struct output_text *text);

/*
 * output_print: to a terminal after the end, as much as is safe there: text, colours, tabs and line
 * ends. What moves the cursor, asks the terminal or was drawn on a full screen is left out.
 */
void output_print(FILE *out, const char *bytes, size_t n_bytes);

#endif
