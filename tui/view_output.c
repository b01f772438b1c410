/*
 * The program's own terminal, as libvterm makes it of what was written: colours, cursor and full
 * screens, with the lines that scrolled away above it; typed into on request. Sizes come from the
 * recording, so a saved one shows the same. Without the library it is lines of plain text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if HAVE_VTERM
#include <vterm.h>
#endif

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/line_edit.h"
#include "tui/list_keys.h"
#include "tui/output_text.h"
#include "tui/theme.h"
#include "tui/view.h"

enum {
	MOST_HISTORY = 4000, /* lines; some 2 KB each at most 80 columns wide */
	MOST_SIZES = 4000,   /* changes of size that a file may ask for */
	MOST_COLUMNS = 1000,
	MOST_ROWS = 500,
	USUAL_COLUMNS = 80, /* of recordings that do not say */
	USUAL_ROWS = 24,
	LEAVE_KEY = ']' & 31,
	LINE_BYTES = 4096,
};

/* From a byte of the output on. */
struct size {
	uint64_t from_byte;
	int columns, rows;
};

struct state {
	uint64_t next_byte, next_fact;
	struct size sizes[MOST_SIZES];
	size_t n_sizes, next_size;
	bool is_back; /* looks at older lines; else follows the end */
	size_t top;
	int width, height;
	bool must_draw, is_typed_into, is_refused;
	char searched[64];
#if HAVE_VTERM
	VTerm *vterm;
	VTermScreen *screen;
	struct line {
		struct cell *cells;
		int n;
	} history[MOST_HISTORY]; /* a ring */
	size_t n_history, first_history;
	uint64_t n_dropped;
	bool is_full_screen, hides_cursor;
	int columns, rows, cursor_x, cursor_y;
#else
	struct output_text text;
#endif
};

/* ---- sizes: facts "terminal:size" "OFFSET COLUMNSxROWS" */

static void take_sizes(struct state *state, const struct recording *recording, uint64_t n)
{
	for (; state->next_fact < n; state->next_fact++) {
		const struct fact_row *row = recording_fact(recording, state->next_fact);
		unsigned long long from;
		int columns, rows;
		if (strcmp(recording_string_at(recording, row->key), "terminal:size") != 0 ||
		    state->n_sizes == MOST_SIZES ||
		    sscanf(recording_string_at(recording, row->value), "%llu %dx%d", &from,
			   &columns, &rows) != 3)
			continue;
		if (columns > 0 && columns <= MOST_COLUMNS && rows > 0 && rows <= MOST_ROWS)
			state->sizes[state->n_sizes++] = (struct size){ from, columns, rows };
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
	struct state *state = opaque;
	if (state->n_history == MOST_HISTORY) {
		free(state->history[state->first_history].cells);
		state->first_history = (state->first_history + 1) % MOST_HISTORY;
		state->n_history--;
		state->n_dropped++;
		state->top -= state->top > 0;
	}
	struct line *line =
		&state->history[(state->first_history + state->n_history++) % MOST_HISTORY];
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
	struct state *state = opaque;
	(void)before;
	(void)is_visible;
	state->cursor_x = position.col;
	state->cursor_y = position.row;
	return 1;
}

static int set_property(VTermProp property, VTermValue *value, void *opaque)
{
	struct state *state = opaque;
	if (property == VTERM_PROP_ALTSCREEN)
		state->is_full_screen = value->boolean;
	if (property == VTERM_PROP_CURSORVISIBLE)
		state->hides_cursor = !value->boolean;
	return 1;
}

static void open_terminal(struct state *state)
{
	static const VTermScreenCallbacks callbacks = { .movecursor = move_cursor,
							.settermprop = set_property,
							.sb_pushline = push_line };
	state->columns = USUAL_COLUMNS;
	state->rows = USUAL_ROWS;
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
static void send_answers(struct state *state, const struct view_context *context)
{
	char bytes[256];
	size_t n;
	while ((n = vterm_output_read(state->vterm, bytes, sizeof bytes)) > 0)
		if (context->child && !context->child->type(context->child->into, bytes, n))
			state->is_refused = true;
}

static void set_size(struct state *state, const struct size *size)
{
	if (size->columns == state->columns && size->rows == state->rows)
		return;
	state->columns = size->columns;
	state->rows = size->rows;
	vterm_set_size(state->vterm, size->rows, size->columns);
}

static void feed(struct state *state, const struct view_context *context, uint64_t n)
{
	const struct table *table = &context->recording->tables[TABLE_OUTPUTS];
	if (!state->vterm)
		open_terminal(state);
	while (state->next_byte < n || state->next_size < state->n_sizes) {
		uint64_t end = n;
		if (state->next_size < state->n_sizes) {
			const struct size *size = &state->sizes[state->next_size];
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

static struct cell grid_cell(const struct state *state, int x, int y)
{
	VTermScreenCell cell = { 0 };
	struct cell out;
	vterm_screen_get_cell(state->screen, (VTermPos){ .row = y, .col = x }, &cell);
	take_cell(&out, &cell);
	return out;
}

/* Rows of the grid down to the last with anything in it, or all of a full screen. */
static int grid_rows(const struct state *state)
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

static size_t lines_of(const struct state *state)
{
	return state->vterm ? state->n_history + (size_t)grid_rows(state) : 0;
}

/* A cell of a line: of the history, then of the grid. False behind its end. */
static bool cell_of(const struct state *state, size_t line, int x, struct cell *out)
{
	if (line < state->n_history) {
		const struct line *old =
			&state->history[(state->first_history + line) % MOST_HISTORY];
		if (x < old->n)
			*out = old->cells[x];
		return x < old->n;
	}
	if (x < state->columns && line - state->n_history < (size_t)state->rows)
		*out = grid_cell(state, x, (int)(line - state->n_history));
	return x < state->columns;
}

static const char *text_of(const struct state *state, size_t line, char out[LINE_BYTES])
{
	struct cell cell;
	size_t n = 0;
	for (int x = 0; cell_of(state, line, x, &cell); x++) {
		size_t more = strlen(cell.text);
		if (n + more >= LINE_BYTES)
			break;
		memcpy(out + n, cell.text, more);
		n += more;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return out;
}

static void draw_line(const struct state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, size_t line)
{
	struct cell cell;
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

static bool send_key(struct state *state, const struct view_context *context, int key)
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

static void output_close(void *opaque)
{
	struct state *state = opaque;
	for (size_t i = 0; i < state->n_history; i++)
		free(state->history[(state->first_history + i) % MOST_HISTORY].cells);
	if (state->vterm)
		vterm_free(state->vterm);
}

static const char *shortcoming(const struct state *state, char *out, size_t bytes)
{
	out[0] = '\0';
	if (state->n_dropped)
		snprintf(out, bytes, "; %llu older lines are not kept",
			 (unsigned long long)state->n_dropped);
	return out;
}
#else
static void feed(struct state *state, const struct view_context *context, uint64_t n)
{
	const struct table *table = &context->recording->tables[TABLE_OUTPUTS];
	for (; state->next_byte < n; state->next_byte++)
		output_text_take(&state->text,
				 *(const unsigned char *)table_row(table, state->next_byte));
}

static size_t lines_of(const struct state *state)
{
	return output_text_lines(&state->text);
}

static const char *text_of(const struct state *state, size_t line, char out[LINE_BYTES])
{
	snprintf(out, LINE_BYTES, "%s", output_text_line(&state->text, line));
	return out;
}

static void draw_line(const struct state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, size_t line)
{
	(void)context;
	canvas_text(canvas, 0, y, canvas->width, MEANING_TEXT,
		    output_text_line(&state->text, line));
}

/* As a VT100 sends them. */
static bool send_key(struct state *state, const struct view_context *context, int key)
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

static void output_close(void *opaque)
{
	output_text_free(&((struct state *)opaque)->text);
}

static const char *shortcoming(const struct state *state, char *out, size_t bytes)
{
	(void)state;
	snprintf(out, bytes, "; plain text: this stoke was built without libvterm");
	return out;
}
#endif

/* ---- the view */

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

static void fit_terminal(const struct state *state, const struct view_context *context)
{
	if (context->child && state->height > 1 && state->width <= MOST_COLUMNS &&
	    state->height <= MOST_ROWS)
		context->child->resize(context->child->into, state->width, state->height - 1);
}

static bool output_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	struct moment moment = recording_moment(context->recording);
	uint64_t n = moment.n[TABLE_OUTPUTS];
	size_t n_sizes = state->n_sizes;
	take_sizes(state, context->recording, moment.n[TABLE_FACTS]);
	bool is_changed =
		state->next_byte < n || state->n_sizes != n_sizes || state->must_draw ||
		state->width != context->width || state->height != context->height ||
		strncmp(state->searched, context->search, sizeof state->searched - 1) != 0;
	if (state->is_typed_into && !context->child) {
		state->is_typed_into = false; /* it has ended */
		is_changed = true;
	}
	feed(state, context, n);
	strncpy(state->searched, context->search, sizeof state->searched - 1);
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	fit_terminal(state, context);
	if (is_changed)
		keep_in_range(state);
	return is_changed;
}

static void draw_header(const struct state *state, const struct view_context *context,
			const struct canvas *canvas, size_t n)
{
	char text[96];
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "Output  ");
	if (n == 0) {
		canvas_text(canvas, x, 0, canvas->width - x, MEANING_DIM,
			    context->is_live ? "nothing so far"
					     : "nothing was written, or it went elsewhere: only a "
					       "live screen keeps it");
		return;
	}
	size_t rows = rows_of(state);
	x += canvas_print(canvas, x, 0, MEANING_DIM, "lines %zu-%zu of %zu%s%s", state->top + 1,
			  state->top + rows < n ? state->top + rows : n, n,
			  state->is_back ? "; G follows the end" : "",
			  shortcoming(state, text, sizeof text));
	if (state->is_refused)
		canvas_text(canvas, x, 0, canvas->width - x, MEANING_WARNING,
			    "; keys were lost: the program reads none");
}

static void output_draw(const void *opaque, const struct view_context *context,
			const struct canvas *canvas)
{
	const struct state *state = opaque;
	size_t n = lines_of(state), rows = rows_of(state);
	char text[LINE_BYTES];
	draw_header(state, context, canvas, n);
	for (size_t i = 0; i < rows && state->top + i < n; i++) {
		size_t at = state->top + i;
		draw_line(state, context, canvas, (int)i + 1, at);
		if (context->pattern &&
		    regexec(context->pattern, text_of(state, at, text), 0, NULL, 0) == 0)
			canvas_mark(canvas, 0, (int)i + 1, canvas->width, MEANING_MATCH);
	}
}

/* ---- keys */

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct state *state = opaque;
	long at = (long)state->top + list_step(input->key, (long)rows_of(state));
	(void)context;
	state->top = at < 0 ? 0 : (size_t)at;
	state->is_back = true; /* keep_in_range ends that at the end */
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned search(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_SEARCH;
}

static unsigned begin_typing(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct state *state = opaque;
	(void)input;
	state->is_typed_into = context->child != NULL;
	state->is_back = state->is_refused = false;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static bool is_typed_into(const void *opaque)
{
	return ((const struct state *)opaque)->is_typed_into;
}

static unsigned type(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	char bytes[5];
	state->must_draw = true;
	if (input->key == LEAVE_KEY || !context->child) {
		state->is_typed_into = false;
		return REACTION_REDRAW;
	}
	size_t n = line_edit_encode(input->key, bytes);
	if (n > 0)
		state->is_refused = !context->child->type(context->child->into, bytes, n);
	else
		send_key(state, context, input->key);
	return REACTION_REDRAW;
}

static const struct binding bindings[] = {
	{ KEY_RETURN, 't', "Enter", "type into the program, Ctrl-] comes back", begin_typing,
	  true },
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
	.summary = "the program's own terminal: what it wrote, and typing into it",
	.order = 7,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = output_update,
	.draw = output_draw,
	.close = output_close,
	.is_typed_into = is_typed_into,
	.type = type,
	.is_always_updated = true,
};
