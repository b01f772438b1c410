/*
 * What the program wrote, fed to libvterm or, without it, to lines of plain text. The only file
 * that calls libvterm.
 */
#include "tui/output_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if HAVE_VTERM
#include <vterm.h>
#endif

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/line_edit.h"
#include "tui/theme.h"

/* ---- sizes: facts "terminal:size" "OFFSET COLUMNSxROWS" */

void output_take_sizes(struct output_state *state, const struct recording *recording, uint64_t n)
{
	for (; state->next_fact < n; state->next_fact++) {
		const struct fact_row *row = recording_fact(recording, state->next_fact);
		unsigned long long from;
		int columns, rows;
		if (strcmp(recording_string_at(recording, row->key), "terminal:size") != 0 ||
		    state->n_sizes == OUTPUT_MOST_SIZES ||
		    sscanf(recording_string_at(recording, row->value), "%llu %dx%d", &from,
			   &columns, &rows) != 3)
			continue;
		if (columns > 0 && columns <= OUTPUT_MOST_COLUMNS && rows > 0 &&
		    rows <= OUTPUT_MOST_ROWS)
			state->sizes[state->n_sizes++] =
				(struct output_size){ from, columns, rows };
	}
}

#if HAVE_VTERM
/* ---- the terminal */

static uint32_t own_color(const VTermColor *color)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(color) || VTERM_COLOR_IS_DEFAULT_BG(color))
		return OWN_DEFAULT;
	if (VTERM_COLOR_IS_INDEXED(color))
		return OWN_INDEX | color->indexed.idx;
	return OWN_RGB | (uint32_t)color->rgb.red << 16 | (uint32_t)color->rgb.green << 8 |
	       color->rgb.blue;
}

static void take_cell(struct cell *out, const VTermScreenCell *in)
{
	size_t used = 0;
	*out = (struct cell){ .meaning = MEANING_TEXT };
	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && in->chars[i]; i++) {
		char text[5];
		size_t n = in->chars[i] < 0x110000 ? line_edit_encode((int)in->chars[i], text) : 0;
		if (n == 0 || used + n >= sizeof out->text)
			break;
		memcpy(out->text + used, text, n);
		used += n;
	}
	if (used == 0 && in->chars[0] != (uint32_t)-1)
		out->text[0] = ' ';
	out->foreground = own_color(&in->fg);
	out->background = own_color(&in->bg);
	out->attributes = (uint8_t)((in->attrs.bold ? THEME_BOLD : 0) |
				    (in->attrs.underline ? THEME_UNDERLINE : 0) |
				    (in->attrs.italic ? THEME_ITALIC : 0) |
				    (in->attrs.reverse ? THEME_REVERSE : 0));
	if (out->foreground || out->background || out->attributes)
		out->meaning = MEANING_OWN;
}

/* A colour that nothing is drawn in does not count. */
static bool is_blank(const struct cell *cell)
{
	return strcmp(cell->text, " ") == 0 && !cell->background &&
	       !(cell->attributes & (THEME_REVERSE | THEME_UNDERLINE));
}

static int push_line(int columns, const VTermScreenCell *cells, void *opaque)
{
	struct output_state *state = opaque;
	if (state->n_history == OUTPUT_MOST_HISTORY) {
		free(state->history[state->first_history].cells);
		state->first_history = (state->first_history + 1) % OUTPUT_MOST_HISTORY;
		state->n_history--;
		state->n_dropped++;
		state->top -= state->top > 0;
	}
	struct output_row *line =
		&state->history[(state->first_history + state->n_history++) % OUTPUT_MOST_HISTORY];
	line->cells = allocate((size_t)columns, sizeof *line->cells);
	line->n = columns;
	for (int x = 0; x < columns; x++)
		take_cell(&line->cells[x], &cells[x]);
	while (line->n > 0 && is_blank(&line->cells[line->n - 1]))
		line->n--;
	if (line->n > 0)
		line->cells = reallocate(line->cells, (size_t)line->n, sizeof *line->cells);
	return 1;
}

static int move_cursor(VTermPos position, VTermPos before, int is_visible, void *opaque)
{
	struct output_state *state = opaque;
	(void)before;
	(void)is_visible;
	state->cursor_x = position.col;
	state->cursor_y = position.row;
	return 1;
}

static int set_property(VTermProp property, VTermValue *value, void *opaque)
{
	struct output_state *state = opaque;
	if (property == VTERM_PROP_ALTSCREEN)
		state->is_full_screen = value->boolean;
	if (property == VTERM_PROP_CURSORVISIBLE)
		state->hides_cursor = !value->boolean;
	if (property == VTERM_PROP_MOUSE)
		state->reports_mouse = value->number != VTERM_PROP_MOUSE_NONE;
	return 1;
}

static void open_terminal(struct output_state *state)
{
	static const VTermScreenCallbacks callbacks = { .movecursor = move_cursor,
							.settermprop = set_property,
							.sb_pushline = push_line };
	state->columns = OUTPUT_USUAL_COLUMNS;
	state->rows = OUTPUT_USUAL_ROWS;
	if (state->n_sizes && state->sizes[0].from_byte == 0) {
		state->columns = state->sizes[0].columns;
		state->rows = state->sizes[0].rows;
	}
	state->vterm = vterm_new(state->rows, state->columns);
	if (!state->vterm)
		die("out of memory: no terminal of %d columns", state->columns);
	vterm_set_utf8(state->vterm, 1);
	state->screen = vterm_obtain_screen(state->vterm);
	vterm_screen_set_callbacks(state->screen, &callbacks, state);
	vterm_screen_enable_altscreen(state->screen, 1);
	vterm_screen_reset(state->screen, 1);
}

/* What the terminal has to say: answers to questions, keys. Nobody is asked twice: answers to what
 * is old, or saved, go nowhere. */
static void send_answers(struct output_state *state, const struct view_context *context)
{
	char bytes[256];
	size_t n;
	while ((n = vterm_output_read(state->vterm, bytes, sizeof bytes)) > 0)
		if (context->child && !context->child->type(context->child->into, bytes, n))
			state->is_refused = true;
}

static void set_size(struct output_state *state, const struct output_size *size)
{
	if (size->columns == state->columns && size->rows == state->rows)
		return;
	state->columns = size->columns;
	state->rows = size->rows;
	vterm_set_size(state->vterm, size->rows, size->columns);
}

void output_feed(struct output_state *state, const struct view_context *context, uint64_t n)
{
	const struct table *table = &context->recording->tables[TABLE_OUTPUTS];
	if (!state->vterm)
		open_terminal(state);
	while (state->next_byte < n || state->next_size < state->n_sizes) {
		uint64_t end = n;
		if (state->next_size < state->n_sizes) {
			const struct output_size *size = &state->sizes[state->next_size];
			if (size->from_byte <= state->next_byte) {
				set_size(state, size);
				state->next_size++;
				continue;
			}
			if (state->next_byte == n)
				break;
			end = size->from_byte < n ? size->from_byte : n;
		}
		for (; state->next_byte < end; state->next_byte++)
			vterm_input_write(state->vterm, table_row(table, state->next_byte), 1);
	}
	send_answers(state, context);
}

static struct cell grid_cell(const struct output_state *state, int x, int y)
{
	VTermScreenCell cell = { 0 };
	struct cell out;
	vterm_screen_get_cell(state->screen, (VTermPos){ .row = y, .col = x }, &cell);
	take_cell(&out, &cell);
	return out;
}

/* Rows of the grid down to the last with anything in it, or all of a full screen. */
static int grid_rows(const struct output_state *state)
{
	int rows = state->is_full_screen ? state->rows : 0;
	for (int y = state->rows; rows == 0 && y-- > 0;)
		for (int x = 0; rows == 0 && x < state->columns; x++) {
			struct cell cell = grid_cell(state, x, y);
			if (!is_blank(&cell))
				rows = y + 1;
		}
	return rows;
}

size_t output_lines(const struct output_state *state)
{
	return state->vterm ? state->n_history + (size_t)grid_rows(state) : 0;
}

/* A cell of a line: of the history, then of the grid. False behind its end. */
static bool cell_of(const struct output_state *state, size_t line, int x, struct cell *out)
{
	if (line < state->n_history) {
		const struct output_row *old =
			&state->history[(state->first_history + line) % OUTPUT_MOST_HISTORY];
		if (x < old->n)
			*out = old->cells[x];
		return x < old->n;
	}
	if (x < state->columns && line - state->n_history < (size_t)state->rows)
		*out = grid_cell(state, x, (int)(line - state->n_history));
	return x < state->columns;
}

const char *output_text_of(const struct output_state *state, size_t line,
			   char out[OUTPUT_LINE_BYTES])
{
	struct cell cell;
	size_t n = 0;
	for (int x = 0; cell_of(state, line, x, &cell); x++) {
		size_t more = strlen(cell.text);
		if (n + more >= OUTPUT_LINE_BYTES)
			break;
		memcpy(out + n, cell.text, more);
		n += more;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

void output_draw_line(const struct output_state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, size_t line)
{
	struct cell cell = { .text = " " };
	bool is_cursor_line = context->child && !state->hides_cursor && !state->is_back &&
			      line == state->n_history + (size_t)state->cursor_y;
	for (int x = 0; x < canvas->width && cell_of(state, line, x, &cell); x++) {
		if (is_cursor_line && x == state->cursor_x)
			cell.attributes ^= THEME_REVERSE;
		if (cell.meaning == MEANING_OWN || (is_cursor_line && x == state->cursor_x))
			canvas_own(canvas, x, y, 2, &cell, cell.text);
		else
			canvas_text(canvas, x, y, 2, MEANING_TEXT, cell.text);
	}
}

bool output_send_key(struct output_state *state, const struct view_context *context, int key)
{
	static const struct {
		int ours;
		VTermKey theirs;
	} keys[] = {
		{ KEY_ARROW_UP, VTERM_KEY_UP },         { KEY_ARROW_DOWN, VTERM_KEY_DOWN },
		{ KEY_ARROW_LEFT, VTERM_KEY_LEFT },     { KEY_ARROW_RIGHT, VTERM_KEY_RIGHT },
		{ KEY_PAGE_UP, VTERM_KEY_PAGEUP },      { KEY_PAGE_DOWN, VTERM_KEY_PAGEDOWN },
		{ KEY_START, VTERM_KEY_HOME },          { KEY_FINISH, VTERM_KEY_END },
		{ KEY_INSERT, VTERM_KEY_INS },          { KEY_DELETE, VTERM_KEY_DEL },
		{ KEY_HELP_1, VTERM_KEY_FUNCTION(1) },  { KEY_QUIT_10, VTERM_KEY_FUNCTION(10) },
		{ KEY_SETUP_2, VTERM_KEY_FUNCTION(2) },
	};
	if (key == KEY_BACK_TAB)
		vterm_keyboard_key(state->vterm, VTERM_KEY_TAB, VTERM_MOD_SHIFT);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (keys[i].ours == key)
			vterm_keyboard_key(state->vterm, keys[i].theirs, VTERM_MOD_NONE);
	send_answers(state, context);
	return true;
}

/* libvterm knows which reports the program wants, and in which form. */
bool output_send_mouse(struct output_state *state, const struct view_context *context,
		       const struct input *input)
{
	enum { WHEEL_UP = 4, WHEEL_DOWN = 5 };
	long row = (long)state->top + input->y - 1 - (long)state->n_history;
	int n_clicks = input->key == KEY_CLICK ? 1 : input->key == KEY_DOUBLE_CLICK ? 2 : 0;
	if (!state->reports_mouse || input->y < 1 || row < 0 || row >= state->rows ||
	    input->x < 0 || input->x >= state->columns)
		return false;
	vterm_mouse_move(state->vterm, (int)row, input->x, VTERM_MOD_NONE);
	for (int i = 0; i < n_clicks; i++) {
		vterm_mouse_button(state->vterm, 1, true, VTERM_MOD_NONE);
		vterm_mouse_button(state->vterm, 1, false, VTERM_MOD_NONE);
	}
	if (input->key == KEY_WHEEL_UP || input->key == KEY_WHEEL_DOWN)
		vterm_mouse_button(state->vterm, input->key == KEY_WHEEL_UP ? WHEEL_UP : WHEEL_DOWN,
				   true, VTERM_MOD_NONE);
	if (input->key == KEY_MOUSE_PRESSED || input->key == KEY_MOUSE_RELEASED)
		vterm_mouse_button(state->vterm, input->button, input->key == KEY_MOUSE_PRESSED,
				   VTERM_MOD_NONE);
	send_answers(state, context);
	return true;
}

bool output_takes_mouse(const void *opaque)
{
	return ((const struct output_state *)opaque)->reports_mouse;
}

void output_close(void *opaque)
{
	struct output_state *state = opaque;
	for (size_t i = 0; i < state->n_history; i++)
		free(state->history[(state->first_history + i) % OUTPUT_MOST_HISTORY].cells);
	if (state->vterm)
		vterm_free(state->vterm);
}

const char *output_shortcoming(const struct output_state *state, char *out, size_t bytes)
{
	out[0] = '\0';
	if (state->n_dropped)
		snprintf(out, bytes, "; %llu older lines are not kept",
			 (unsigned long long)state->n_dropped);
	return out;
}
#else
void output_feed(struct output_state *state, const struct view_context *context, uint64_t n)
{
	const struct table *table = &context->recording->tables[TABLE_OUTPUTS];
	for (; state->next_byte < n; state->next_byte++)
		output_text_take(&state->text,
				 *(const unsigned char *)table_row(table, state->next_byte));
}

size_t output_lines(const struct output_state *state)
{
	return output_text_lines(&state->text);
}

const char *output_text_of(const struct output_state *state, size_t line,
			   char out[OUTPUT_LINE_BYTES])
{
	snprintf(out, OUTPUT_LINE_BYTES, "%s", output_text_line(&state->text, line));
	return out;
}

void output_draw_line(const struct output_state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, size_t line)
{
	(void)context;
	canvas_text(canvas, 0, y, canvas->width, MEANING_TEXT,
		    output_text_line(&state->text, line));
}

/* As a VT100 sends them. */
bool output_send_key(struct output_state *state, const struct view_context *context, int key)
{
	static const struct {
		int key;
		const char *bytes;
	} keys[] = { { KEY_ARROW_UP, "\033[A" },    { KEY_ARROW_DOWN, "\033[B" },
		     { KEY_ARROW_RIGHT, "\033[C" }, { KEY_ARROW_LEFT, "\033[D" },
		     { KEY_START, "\033[H" },       { KEY_FINISH, "\033[F" },
		     { KEY_PAGE_UP, "\033[5~" },    { KEY_PAGE_DOWN, "\033[6~" } };
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (keys[i].key == key && context->child)
			state->is_refused |= !context->child->type(
				context->child->into, keys[i].bytes, strlen(keys[i].bytes));
	return true;
}

bool output_send_mouse(struct output_state *state, const struct view_context *context,
		       const struct input *input)
{
	(void)state;
	(void)context;
	(void)input;
	return false;
}

bool output_takes_mouse(const void *opaque)
{
	(void)opaque;
	return false;
}

void output_close(void *opaque)
{
	output_text_free(&((struct output_state *)opaque)->text);
}

const char *output_shortcoming(const struct output_state *state, char *out, size_t bytes)
{
	(void)state;
	snprintf(out, bytes, "; plain text: this stoke was built without libvterm");
	return out;
}
#endif
