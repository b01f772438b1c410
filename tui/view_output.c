/*
 * What the program wrote to its terminal, as lines of plain text: colours and movements of the
 * cursor are left out, and a line that a carriage return begins anew shows its last form.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/list_keys.h"
#include "tui/view.h"

enum { TAB_COLUMNS = 8, BYTES_AT_ONCE = 4096 };

/* Inside an escape sequence: ECMA-48 5.3 and 5.4, and strings up to BEL or ESC \. */
enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CONTROL, ESCAPE_STRING, ESCAPE_STRING_END };

struct state {
	char *text; /* lines, each with a NUL */
	size_t n_bytes, capacity, line_start;
	size_t *starts; /* of finished lines */
	size_t n_lines, lines_capacity;
	uint64_t next_byte;
	enum escape escape;
	bool must_return; /* a carriage return: what comes next begins the line anew */
	bool is_back;     /* looks at older lines; else follows the end */
	size_t top;
	int width, height;
	bool must_draw;
	char searched[64];
};

static void push(struct state *state, char byte)
{
	if (state->n_bytes + 2 > state->capacity) {
		state->capacity = state->capacity ? state->capacity * 2 : BYTES_AT_ONCE;
		state->text = reallocate(state->text, state->capacity, 1);
	}
	state->text[state->n_bytes++] = byte;
	state->text[state->n_bytes] = '\0'; /* the line at work is text too */
}

static void finish_line(struct state *state)
{
	if (state->n_lines == state->lines_capacity) {
		state->lines_capacity = state->lines_capacity ? state->lines_capacity * 2 : 256;
		state->starts =
			reallocate(state->starts, state->lines_capacity, sizeof *state->starts);
	}
	push(state, '\0');
	state->starts[state->n_lines++] = state->line_start;
	state->line_start = state->n_bytes;
}

/* True if the byte belongs to an escape sequence. */
static bool take_escape(struct state *state, unsigned char byte)
{
	enum escape before = state->escape;
	switch (before) {
	case ESCAPE_NONE:
		state->escape = byte == 0x1b ? ESCAPE_BEGUN : ESCAPE_NONE;
		return byte == 0x1b;
	case ESCAPE_BEGUN:
		state->escape = byte == '['                     ? ESCAPE_CONTROL
				: byte && strchr("]P_^X", byte) ? ESCAPE_STRING
				: byte >= 0x20 && byte < 0x30   ? ESCAPE_BEGUN
								: ESCAPE_NONE;
		return true;
	case ESCAPE_CONTROL:
		state->escape = byte >= 0x40 && byte < 0x7f ? ESCAPE_NONE : ESCAPE_CONTROL;
		return true;
	case ESCAPE_STRING:
		state->escape = byte == 0x07   ? ESCAPE_NONE
				: byte == 0x1b ? ESCAPE_STRING_END
					       : ESCAPE_STRING;
		return true;
	case ESCAPE_STRING_END:
		state->escape = byte == '\\' ? ESCAPE_NONE : ESCAPE_STRING;
		return true;
	}
	return false;
}

static void drop_character(struct state *state)
{
	while (state->n_bytes > state->line_start &&
	       ((unsigned char)state->text[state->n_bytes - 1] & 0xc0) == 0x80)
		state->n_bytes--;
	state->n_bytes -= state->n_bytes > state->line_start;
	if (state->text)
		state->text[state->n_bytes] = '\0';
}

static void take_byte(struct state *state, unsigned char byte)
{
	if (take_escape(state, byte))
		return;
	if (byte == '\n') {
		state->must_return = false;
		finish_line(state);
	} else if (byte == '\r') {
		state->must_return = true;
	} else if (byte == '\b') {
		drop_character(state);
	} else if (byte >= 0x20 || byte == '\t') {
		if (state->must_return)
			state->n_bytes = state->line_start;
		state->must_return = false;
		push(state, byte == '\t' ? ' ' : (char)byte);
		while (byte == '\t' && (state->n_bytes - state->line_start) % TAB_COLUMNS)
			push(state, ' ');
	}
}

/* Lines there are, with the one at work if anything is in it. */
static size_t lines_of(const struct state *state)
{
	return state->n_lines + (state->n_bytes > state->line_start);
}

static size_t rows_of(const struct state *state)
{
	return state->height > 1 ? (size_t)state->height - 1 : 1;
}

static void keep_in_range(struct state *state)
{
	size_t n = lines_of(state), rows = rows_of(state), last = n > rows ? n - rows : 0;
	if (!state->is_back || state->top >= last) {
		state->top = last;
		state->is_back = false;
	}
}

static bool output_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	const struct table *table = &context->recording->tables[TABLE_OUTPUTS];
	uint64_t n = recording_moment(context->recording).n[TABLE_OUTPUTS];
	bool is_changed =
		state->next_byte < n || state->must_draw || state->width != context->width ||
		state->height != context->height ||
		strncmp(state->searched, context->search, sizeof state->searched - 1) != 0;
	for (; state->next_byte < n; state->next_byte++)
		take_byte(state, *(const unsigned char *)table_row(table, state->next_byte));
	strncpy(state->searched, context->search, sizeof state->searched - 1);
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	if (is_changed)
		keep_in_range(state);
	return is_changed;
}

static void output_draw(const void *opaque, const struct view_context *context,
			const struct canvas *canvas)
{
	const struct state *state = opaque;
	size_t n = lines_of(state), rows = rows_of(state);
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "Output  ");
	if (n == 0) {
		canvas_text(canvas, x, 0, canvas->width - x, MEANING_DIM,
			    context->is_live ? "nothing so far"
					     : "nothing was written, or it went elsewhere: only a "
					       "live screen keeps it");
		return;
	}
	canvas_print(canvas, x, 0, MEANING_DIM, "lines %zu-%zu of %zu%s", state->top + 1,
		     state->top + rows < n ? state->top + rows : n, n,
		     state->is_back ? "; G follows the end" : "");
	for (size_t i = 0; i < rows && state->top + i < n; i++) {
		size_t at = state->top + i;
		const char *line =
			state->text + (at < state->n_lines ? state->starts[at] : state->line_start);
		bool is_found =
			context->pattern && regexec(context->pattern, line, 0, NULL, 0) == 0;
		canvas_text(canvas, 0, (int)i + 1, canvas->width,
			    is_found ? MEANING_MATCH : MEANING_TEXT, line);
	}
}

/* ---- keys */

static unsigned move(struct state *state, long lines)
{
	long at = (long)state->top + lines;
	state->top = at < 0 ? 0 : (size_t)at;
	state->is_back = true; /* keep_in_range ends that at the end */
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)context;
	return move(opaque, list_step(input->key, (long)rows_of(opaque)));
}

static unsigned search(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_SEARCH;
}

static void output_close(void *opaque)
{
	struct state *state = opaque;
	free(state->text);
	free(state->starts);
}

static const struct binding bindings[] = {
	{ '/', 0, "/", "mark lines that match", search, true },
	{ KEY_FINISH, 'G', "G", "follow the end", move_key, true },
	{ KEY_START, 'g', "g", "to the start", move_key, true },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ 0 },
};

const struct view view_output = {
	.name = "output",
	.title = "Output",
	.summary = "what the program wrote to its terminal, as plain text",
	.order = 7,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = output_update,
	.draw = output_draw,
	.close = output_close,
};
