/* Editing happens at the end of the line: these are short. */
#include "tui/line_edit.h"

#include <stdio.h>
#include <string.h>

#include "tui/view.h"

void line_edit_begin(struct line_edit *line)
{
	line->text[0] = '\0';
	line->shown = line->n_history;
}

void line_edit_drop_last(char *text)
{
	size_t n = strlen(text);
	while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	text[n > 0 ? n - 1 : 0] = '\0';
}

static void drop_last_word(char *text)
{
	size_t n = strlen(text);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	while (n > 0 && text[n - 1] != ' ')
		n--;
	text[n] = '\0';
}

size_t line_edit_encode(int code_point, char out[5])
{
	unsigned code = (unsigned)code_point;
	size_t n = 0;
	if (code_point <= 0 || code_point >= KEY_FIRST_SPECIAL ||
	    (code_point >= 0xd800 && code_point < 0xe000)) {
		out[0] = '\0';
		return 0;
	}
	if (code < 0x80) {
		out[n++] = (char)code;
	} else if (code < 0x800) {
		out[n++] = (char)(0xc0 | code >> 6);
		out[n++] = (char)(0x80 | (code & 0x3f));
	} else {
		if (code >= 0x10000) {
			out[n++] = (char)(0xf0 | code >> 18);
			out[n++] = (char)(0x80 | (code >> 12 & 0x3f));
		} else {
			out[n++] = (char)(0xe0 | code >> 12);
		}
		out[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		out[n++] = (char)(0x80 | (code & 0x3f));
	}
	out[n] = '\0';
	return n;
}

void line_edit_put(struct line_edit *line, const char *text)
{
	size_t n = strlen(line->text), more = strlen(text);
	if (n + more < sizeof line->text)
		memcpy(line->text + n, text, more + 1);
}

static void remember(struct line_edit *line)
{
	int n = line->n_history;
	if (!line->text[0] || (n > 0 && strcmp(line->history[n - 1], line->text) == 0))
		return;
	if (n == LINE_EDIT_LINES) {
		memmove(line->history[0], line->history[1], sizeof line->history[0] * --n);
		line->n_history = n;
	}
	memcpy(line->history[line->n_history++], line->text, sizeof line->text);
}

/* Past the newest is the empty line. */
static void show_history(struct line_edit *line, int step)
{
	int at = line->shown + step;
	if (at < 0 || at > line->n_history)
		return;
	line->shown = at;
	if (at == line->n_history)
		line->text[0] = '\0';
	else
		memcpy(line->text, line->history[at], sizeof line->text);
}

enum line_outcome line_edit_key(struct line_edit *line, int key)
{
	char text[5];
	switch (key) {
	case KEY_RETURN:
	case '\n':
		remember(line);
		return LINE_TAKEN;
	case KEY_ESCAPE:
	case KEY_CONTROL_C:
		return LINE_LEFT;
	case KEY_DELETE_BACK:
	case '\b':
		if (!line->text[0])
			return LINE_LEFT;
		line_edit_drop_last(line->text);
		break;
	case KEY_CONTROL_U:
		line->text[0] = '\0';
		break;
	case KEY_CONTROL_W:
		drop_last_word(line->text);
		break;
	case KEY_ARROW_UP:
		show_history(line, -1);
		break;
	case KEY_ARROW_DOWN:
		show_history(line, 1);
		break;
	default:
		if (key >= ' ' && line_edit_encode(key, text))
			line_edit_put(line, text);
	}
	return LINE_GOES_ON;
}
