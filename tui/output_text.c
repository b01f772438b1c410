/* Lines of plain text, and what may follow on the user's own terminal. See output_text.h. */
#include "tui/output_text.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

enum { TAB_COLUMNS = 8, BYTES_AT_ONCE = 4096, MOST_SEQUENCE_BYTES = 64 };

static void push(struct output_text *text, char byte)
{
	if (text->n_bytes + 2 > text->capacity) {
		text->capacity = text->capacity ? text->capacity * 2 : BYTES_AT_ONCE;
		text->text = reallocate(text->text, text->capacity, 1);
	}
	text->text[text->n_bytes++] = byte;
	text->text[text->n_bytes] = '\0'; /* the line at work is text too */
}

static void finish_line(struct output_text *text)
{
	if (text->n_lines == text->lines_capacity) {
		text->lines_capacity = text->lines_capacity ? text->lines_capacity * 2 : 256;
		text->starts = reallocate(text->starts, text->lines_capacity, sizeof *text->starts);
	}
	push(text, '\0');
	text->starts[text->n_lines++] = text->line_start;
	text->line_start = text->n_bytes;
}

bool output_escape_next(enum output_escape *escape, unsigned char byte)
{
	switch (*escape) {
	case ESCAPE_NONE:
		*escape = byte == 0x1b ? ESCAPE_BEGUN : ESCAPE_NONE;
		return byte == 0x1b;
	case ESCAPE_BEGUN:
		*escape = byte == '['                     ? ESCAPE_CONTROL
			  : byte && strchr("]P_^X", byte) ? ESCAPE_STRING
			  : byte >= 0x20 && byte < 0x30   ? ESCAPE_BEGUN
							  : ESCAPE_NONE;
		return true;
	case ESCAPE_CONTROL:
		*escape = byte >= 0x40 && byte < 0x7f ? ESCAPE_NONE : ESCAPE_CONTROL;
		return true;
	case ESCAPE_STRING:
		*escape = byte == 0x07   ? ESCAPE_NONE
			  : byte == 0x1b ? ESCAPE_STRING_END
					 : ESCAPE_STRING;
		return true;
	case ESCAPE_STRING_END:
		*escape = byte == '\\' ? ESCAPE_NONE : ESCAPE_STRING;
		return true;
	}
	return false;
}

static void drop_character(struct output_text *text)
{
	while (text->n_bytes > text->line_start &&
	       ((unsigned char)text->text[text->n_bytes - 1] & 0xc0) == 0x80)
		text->n_bytes--;
	text->n_bytes -= text->n_bytes > text->line_start;
	if (text->text)
		text->text[text->n_bytes] = '\0';
}

void output_text_take(struct output_text *text, unsigned char byte)
{
	if (output_escape_next(&text->escape, byte))
		return;
	if (byte == '\n') {
		text->must_return = false;
		finish_line(text);
	} else if (byte == '\r') {
		text->must_return = true;
	} else if (byte == '\b') {
		drop_character(text);
	} else if (byte >= 0x20 || byte == '\t') {
		if (text->must_return)
			text->n_bytes = text->line_start;
		text->must_return = false;
		push(text, byte == '\t' ? ' ' : (char)byte);
		while (byte == '\t' && (text->n_bytes - text->line_start) % TAB_COLUMNS)
			push(text, ' ');
	}
}

size_t output_text_lines(const struct output_text *text)
{
	return text->n_lines + (text->n_bytes > text->line_start);
}

const char *output_text_line(const struct output_text *text, size_t line)
{
	return text->text + (line < text->n_lines ? text->starts[line] : text->line_start);
}

void output_text_free(struct output_text *text)
{
	free(text->text);
	free(text->starts);
	*text = (struct output_text){ 0 };
}

/* ---- after the end */

struct printer {
	FILE *out;
	enum output_escape escape;
	char sequence[MOST_SEQUENCE_BYTES];
	size_t n;
	bool is_full_screen, has_colors;
	bool is_held; /* a 0xc2: behind it 0x80 to 0x9f is a control character, U+009B a CSI */
};

static bool is_sequence(const struct printer *printer, const char *start, char end)
{
	size_t n = strlen(start);
	return printer->n > n && strncmp(printer->sequence, start, n) == 0 &&
	       printer->sequence[printer->n - 1] == end;
}

/* Colours pass; the alternate screen (xterm's 47, 1047, 1049) is noted. */
static void end_sequence(struct printer *printer)
{
	static const char *const screens[] = { "\033[?1049", "\033[?1047", "\033[?47" };
	for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++) {
		if (is_sequence(printer, screens[i], 'h'))
			printer->is_full_screen = true;
		if (is_sequence(printer, screens[i], 'l'))
			printer->is_full_screen = false;
	}
	bool is_color = is_sequence(printer, "\033[", 'm') &&
			strspn(printer->sequence + 2, "0123456789;:") == printer->n - 3;
	if (!is_color || printer->is_full_screen)
		return;
	fwrite(printer->sequence, 1, printer->n, printer->out);
	printer->has_colors = true;
}

static void print_byte(struct printer *printer, unsigned char byte)
{
	if (output_escape_next(&printer->escape, byte)) {
		printer->n = byte == 0x1b && printer->escape == ESCAPE_BEGUN ? 0 : printer->n;
		if (printer->n < sizeof printer->sequence)
			printer->sequence[printer->n++] = (char)byte;
		if (printer->escape == ESCAPE_NONE && printer->n < sizeof printer->sequence)
			end_sequence(printer);
		return;
	}
	bool is_control = printer->is_held && byte >= 0x80 && byte < 0xa0;
	if (printer->is_held && !is_control && !printer->is_full_screen)
		fputc(0xc2, printer->out);
	printer->is_held = byte == 0xc2;
	if (is_control || printer->is_held)
		return;
	bool is_text = (byte >= 0x20 && byte != 0x7f) || strchr("\n\r\t\b", byte);
	if (byte && is_text && !printer->is_full_screen)
		fputc(byte, printer->out);
}

void output_print(FILE *out, const char *bytes, size_t n_bytes)
{
	struct printer printer = { .out = out };
	for (size_t i = 0; i < n_bytes; i++)
		print_byte(&printer, (unsigned char)bytes[i]);
	if (printer.has_colors)
		fputs("\033[0m", out);
}
