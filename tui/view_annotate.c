/*
 * The chosen function's source, line by line, with the time spent in each line and under it, and
 * the rates of what was counted there. Where
 * the source is not at hand the lines that were hit are shown by number; where the program has no
 * line information it says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/annotate_code.h"
#include "tui/annotate_columns.h"
#include "tui/function_lines.h"
#include "tui/list_keys.h"
#include "tui/paragraph.h"
#include "tui/text_file.h"
#include "tui/view.h"

enum {
	HEADER_ROWS = 3,
	CONTEXT_LINES = 6, /* of source round the lines that were hit */
	NUMBER_COLUMNS = 25,
	MOST_LINE_BYTES = 1024,
	CONTROL_O = 15, /* vim's way back from a jump */
};

enum mode { MODE_SOURCE, MODE_ASSEMBLY, MODE_BOTH, N_MODES };

struct state {
	struct function_lines lines;
	struct annotate_code code;
	struct annotate_columns columns;
	enum mode mode;
	struct text_file text;
	struct why why;       /* why there is no text */
	uint32_t file, shown; /* strings: the file with most of the time; the file read */
	uint32_t function;    /* selected for */
	uint32_t first_line, last_line, selected, top; /* source lines */
	uint64_t elsewhere; /* weight in other files, or without a line */
	int width, height;
	bool has_text, must_draw;
};

static const struct function_line *line_at(const struct state *state, uint32_t line)
{
	for (size_t i = 0; i < state->lines.n_rows; i++)
		if (state->lines.rows[i].file == state->file && state->lines.rows[i].line == line)
			return &state->lines.rows[i];
	return NULL;
}

/* The file that most of the time is in; inlined code may come from others. */
static void find_file(struct state *state)
{
	uint64_t best = 0;
	const struct function_lines *lines = &state->lines;
	state->file = 0;
	for (size_t i = 0; i < lines->n_rows;) {
		uint64_t sum = 0;
		uint32_t file = lines->rows[i].file;
		for (; i < lines->n_rows && lines->rows[i].file == file; i++)
			sum += lines->rows[i].with;
		if (file && (sum > best || !state->file)) {
			state->file = file;
			best = sum;
		}
	}
	state->elsewhere = lines->with - best;
}

static void read_text(struct state *state, const struct view_context *context)
{
	if (state->file == state->shown)
		return;
	text_file_free(&state->text);
	state->shown = state->file;
	state->has_text =
		state->file &&
		text_file_read(&state->text, recording_string_at(context->recording, state->file),
			       &state->why);
}

/* The lines that were hit with some round them; the hottest is selected first. */
static void find_lines(struct state *state)
{
	const struct function_line *hottest = NULL;
	state->first_line = state->last_line = 0;
	for (size_t i = 0; i < state->lines.n_rows; i++) {
		const struct function_line *row = &state->lines.rows[i];
		if (row->file != state->file || row->line == 0)
			continue;
		if (!hottest || row->with > hottest->with)
			hottest = row;
		if (!state->first_line)
			state->first_line = row->line;
		state->last_line = row->line;
	}
	if (state->function != state->lines.function && hottest) {
		state->selected = hottest->line;
		state->function = state->lines.function;
		state->top = 0;
	}
	if (!state->has_text || !state->first_line)
		return;
	state->first_line -=
		state->first_line > CONTEXT_LINES ? CONTEXT_LINES : state->first_line - 1;
	if (state->last_line < state->text.n_lines)
		state->last_line += state->text.n_lines - state->last_line < CONTEXT_LINES
					    ? state->text.n_lines - state->last_line
					    : CONTEXT_LINES;
}

static void keep_visible(struct state *state)
{
	uint32_t rows = state->height > HEADER_ROWS ? (uint32_t)(state->height - HEADER_ROWS) : 1;
	if (state->selected > state->last_line)
		state->selected = state->last_line;
	if (state->selected < state->first_line)
		state->selected = state->first_line;
	if (state->top == 0 && state->selected > rows / 2) /* newly shown: in the middle */
		state->top = state->selected - rows / 2;
	if (state->top < state->first_line)
		state->top = state->first_line;
	if (state->selected < state->top)
		state->top = state->selected;
	if (state->selected - state->top >= rows)
		state->top = state->selected - rows + 1;
}

static bool annotate_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	bool is_changed = function_lines_update(&state->lines, context->recording, context->focus,
						state->columns.series);
	if (is_changed) {
		find_file(state);
		read_text(state, context);
		find_lines(state);
	}
	is_changed |= state->must_draw || state->width != context->width ||
		      state->height != context->height;
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	if (is_changed)
		keep_visible(state);
	if (is_changed && state->mode != MODE_SOURCE)
		annotate_code_update(&state->code, &state->lines, context->recording,
				     state->mode == MODE_BOTH);
	return is_changed;
}

/* ---- drawing */

/* x: where the columns begin. */
static struct annotate_drawing drawing_of(const struct state *state,
					  const struct view_context *context,
					  const struct canvas *canvas, int x)
{
	return (struct annotate_drawing){ .columns = &state->columns,
					  .lines = &state->lines,
					  .recording = context->recording,
					  .canvas = canvas,
					  .x = x,
					  .room = canvas->width - x };
}

static const uint64_t *sums_of(const struct state *state, const struct function_line *row)
{
	return row ? row_sums_of(&state->lines.row_sums, &state->lines.sums, row->place,
				 state->columns.is_self)
		   : NULL;
}

/* The function, and of which event self and with are where there are several. */
static int draw_title(const struct state *state, const struct view_context *context,
		      const struct canvas *canvas)
{
	const struct recording *recording = context->recording;
	int x = canvas_text(
		canvas, 0, 0, canvas->width, MEANING_HEADER,
		recording_string_at(recording,
				    recording_function(recording, state->lines.function)->name));
	if (state->lines.sums.rates.n)
		x += canvas_print(
			canvas, x, 0, MEANING_DIM, "  %s",
			recording_string_at(
				recording, recording_series(recording, state->lines.series)->name));
	return x;
}

static void draw_header(const struct state *state, const struct view_context *context,
			const struct canvas *canvas)
{
	const struct recording *recording = context->recording;
	struct annotate_drawing drawing = drawing_of(state, context, canvas, NUMBER_COLUMNS - 1);
	char share[TEXT_BYTES];
	int x = draw_title(state, context, canvas);
	x += canvas_print(canvas, x, 0, MEANING_DIM, "  %s",
			  recording_string_at(recording, state->file));
	if (state->elsewhere && state->file)
		canvas_print(canvas, x, 0, MEANING_DIM, "  %s in other files or no line",
			     text_ratio(share, sizeof share,
					(double)state->elsewhere / (double)state->lines.with));
	x = canvas_print(canvas, 0, 1, MEANING_HEADER, "%8s %8s %6s", "self", "with", "line");
	x += annotate_columns_names(&drawing, 1);
	if (!state->has_text)
		canvas_print(canvas, x, 1, MEANING_WARNING, "  %s", state->why.text);
	else if (!recording->start_epoch_ns)
		canvas_text(canvas, x, 1, canvas->width - x, MEANING_WARNING,
			    "  Not known when it was recorded: lines may have moved since.");
	else if (state->text.modified_ns > recording->start_epoch_ns)
		canvas_text(canvas, x, 1, canvas->width - x, MEANING_WARNING,
			    "  This source is newer than the recording: lines may have moved.");
	annotate_columns_say(&drawing, 2, sums_of(state, line_at(state, state->selected)));
}

static void draw_line(const struct state *state, const struct annotate_drawing *drawing, int y,
		      uint32_t line)
{
	char self[TEXT_BYTES] = "", with[TEXT_BYTES] = "", text[MOST_LINE_BYTES];
	const struct canvas *canvas = drawing->canvas;
	const struct function_line *row = line_at(state, line);
	if (row) {
		annotate_columns_weight(&state->columns, &state->lines, drawing->recording,
					row->self, self, sizeof self);
		annotate_columns_weight(&state->columns, &state->lines, drawing->recording,
					row->with, with, sizeof with);
	}
	canvas_print(canvas, 0, y, row ? MEANING_TEXT : MEANING_DIM, "%8s %8s %6u", self, with,
		     line);
	int x = NUMBER_COLUMNS + annotate_columns_values(drawing, y, sums_of(state, row));
	canvas_text(canvas, x, y, canvas->width - x, row ? MEANING_TEXT : MEANING_DIM,
		    text_file_line(&state->text, line, text, sizeof text));
	if (line == state->selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static void draw_nothing(const struct state *state, const struct view_context *context,
			 const struct canvas *canvas)
{
	const struct function_row *row =
		recording_function(context->recording, state->lines.function);
	if (!state->lines.function) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    "Choose a function first: a in the functions or the flame graph.");
		return;
	}
	int x = canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER,
			    recording_string_at(context->recording, row->name));
	canvas_text(canvas, x, 0, canvas->width - x, MEANING_DIM,
		    state->lines.with ? "  has no line information; compile with -g."
				      : "  has no samples in this window.");
}

static void draw_code(struct state *state, const struct view_context *context,
		      const struct canvas *canvas)
{
	size_t target;
	struct canvas below =
		canvas_part(canvas, 0, HEADER_ROWS, canvas->width, canvas->height - HEADER_ROWS);
	struct annotate_drawing drawing = drawing_of(state, context, canvas, ANNOTATE_CODE_COLUMN);
	draw_title(state, context, canvas);
	if (state->code.code.why.text[0]) {
		canvas_text(canvas, 0, 1, canvas->width, MEANING_WARNING,
			    state->code.code.why.text);
		return;
	}
	int x = canvas_print(canvas, 0, 1, MEANING_HEADER, "%8s %8s %12s", "self", "with",
			     "address");
	x += annotate_columns_names(&drawing, 1);
	x += canvas_print(canvas, x, 1, MEANING_HEADER, " %*s%s", JUMP_COLUMNS, "", "code");
	if (jump_target(&state->code, state->code.selected, &target))
		canvas_print(canvas, x, 1, MEANING_KEY, "  Enter jumps to %llx",
			     annotate_code_address(&state->code, target));
	else if (state->mode == MODE_BOTH)
		canvas_text(canvas, x, 1, canvas->width - x, MEANING_HEADER,
			    ", under the lines of what was sampled");
	annotate_columns_say(
		&drawing, 2,
		annotate_code_sums(&state->code, &state->lines, state->columns.is_self));
	drawing.canvas = &below;
	annotate_code_draw(&state->code, &drawing, &state->text, state->file);
}

static void annotate_draw(const void *opaque, const struct view_context *context,
			  const struct canvas *canvas)
{
	const struct state *state = opaque;
	if (state->mode != MODE_SOURCE && state->lines.function) {
		/* Scrolling is known only here, where the rows are. */
		draw_code((struct state *)opaque, context, canvas);
		return;
	}
	if (!state->file || !state->first_line) {
		draw_nothing(state, context, canvas);
		return;
	}
	struct annotate_drawing drawing = drawing_of(state, context, canvas, NUMBER_COLUMNS - 1);
	draw_header(state, context, canvas);
	for (int y = HEADER_ROWS; y < canvas->height; y++) {
		uint32_t line = state->top + (uint32_t)(y - HEADER_ROWS);
		if (line >= state->first_line && line <= state->last_line)
			draw_line(state, &drawing, y, line);
	}
}

/* ---- keys */

static unsigned move(struct state *state, long lines)
{
	if (state->mode != MODE_SOURCE) {
		annotate_code_move(&state->code, lines);
		state->must_draw = true;
		return REACTION_REDRAW;
	}
	long at = (long)state->selected + lines;
	at = at > (long)state->last_line ? (long)state->last_line : at;
	state->selected = at < (long)state->first_line ? state->first_line : (uint32_t)at;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	return move(opaque, list_step(input->key, context->height - HEADER_ROWS));
}

/* From hot line to hot line, hottest first, round the end. */
static unsigned next_hottest(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct state *state = opaque;
	state->must_draw = true;
	if (state->mode != MODE_SOURCE) {
		annotate_code_hottest(&state->code);
		return REACTION_REDRAW;
	}
	const struct function_line *now = line_at(state, state->selected), *next = NULL,
				   *top = NULL;
	uint64_t weight = now ? now->with : UINT64_MAX;
	(void)context;
	(void)input;
	for (size_t i = 0; i < state->lines.n_rows; i++) {
		const struct function_line *row = &state->lines.rows[i];
		if (row->file != state->file || row->line == 0)
			continue;
		bool is_after =
			row->with < weight || (row->with == weight && row->line > state->selected);
		if (is_after && (!next || row->with > next->with))
			next = row;
		if (!top || row->with > top->with)
			top = row;
	}
	next = next ? next : top;
	return next ? move(state, (long)next->line - (long)state->selected) : REACTION_REDRAW;
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)opaque;
	(void)input;
	return context->focus->function ? REACTION_TO_CALLERS : REACTION_REDRAW;
}

static unsigned back(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)input;
	return context->pattern ? REACTION_NONE : REACTION_BACK;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	long top = state->mode == MODE_SOURCE ? (long)state->top : (long)state->code.top;
	long selected =
		state->mode == MODE_SOURCE ? (long)state->selected : (long)state->code.selected;
	return move(state, top + input->y - HEADER_ROWS - selected);
}

static unsigned next_mode(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->mode = (enum mode)((state->mode + 1) % N_MODES);
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned changed(struct state *state)
{
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned next_event(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	annotate_columns_next(&state->columns, &state->lines);
	return changed(state);
}

static unsigned next_column(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->columns.first++;
	return changed(state);
}

static unsigned self_or_with(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->columns.is_self = !state->columns.is_self;
	return changed(state);
}

static unsigned share_or_value(void *opaque, const struct view_context *context,
			       const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->columns.is_absolute = !state->columns.is_absolute;
	return changed(state);
}

static unsigned edit(void *opaque, const struct view_context *context, const struct input *input)
{
	const struct state *state = opaque;
	uint32_t file = state->file, line = state->selected;
	(void)input;
	if (state->mode != MODE_SOURCE)
		line = annotate_code_line(&state->code, &file);
	context->focus->edit_file = file;
	context->focus->edit_line = line;
	return REACTION_EDIT;
}

/* In the source nothing jumps. */
static unsigned follow(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	if (state->mode != MODE_SOURCE)
		jump_follow(&state->code);
	return changed(state);
}

static unsigned go_back(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	if (state->mode != MODE_SOURCE)
		jump_return(&state->code);
	return changed(state);
}

static unsigned double_click(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	click(opaque, context, input);
	return follow(opaque, context, input);
}

static void annotate_close(void *opaque)
{
	struct state *state = opaque;
	function_lines_free(&state->lines);
	annotate_code_free(&state->code);
	text_file_free(&state->text);
}

static const struct binding bindings[] = {
	{ 'H', 'n', "H", "the next hottest line", next_hottest, true },
	{ 'm', 0, "m", "source or assembly, or both", next_mode, true },
	{ 'E', 0, "E", "edit: open the line in $VISUAL or $EDITOR", edit, true },
	{ KEY_RETURN, 0, "Enter", "jump: to where the selected one goes, in assembly", follow,
	  true },
	{ 'w', 0, "w", "self and with of the next event that was sampled", next_event, false },
	{ 'x', 0, "x", "the next rates first", next_column, false },
	{ '<', '>', "< >", "rates of the line itself or with callees", self_or_with, false },
	{ '%', 0, "%", "samples in per cent or in their unit", share_or_value, false },
	{ 'c', 's', "c", "callers and callees", to_callers, true },
	{ KEY_ESCAPE, KEY_DELETE_BACK, "Esc", "back", back, true },
	{ 'o', CONTROL_O, "o", "jump back: to where the last one was followed from", go_back,
	  false },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_START, 'g', "g", "to the first", move_key, false },
	{ KEY_FINISH, 'G', "G", "to the last", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ KEY_CLICK, 0, "click", "select", click, false },
	{ KEY_DOUBLE_CLICK, 0, "double click", "follow the jump there", double_click, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	(void)opaque;
	return subject_of_function(context->recording, context->focus->function);
}

const struct view view_annotate = {
	.name = "annotate",
	.title = "Source",
	.summary = "one function: time and counter rates of each line and each instruction",
	.order = 11,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = annotate_update,
	.draw = annotate_draw,
	.subject = subject,
	.close = annotate_close,
};
