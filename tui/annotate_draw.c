/* The title, why something is missing, and the rows. See annotate_state.h. */
#include <stdio.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/annotate_state.h"

static const char *function_name(const struct annotate_state *state,
				 const struct recording *recording)
{
	return recording_string_at(recording,
				   recording_function(recording, state->lines.function)->name);
}

/* The function, and of which event self and with are where there are several. */
static int draw_title(const struct annotate_state *state, const struct recording *recording,
		      const struct canvas *canvas)
{
	int x = canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER,
			    function_name(state, recording));
	if (state->lines.sums.rates.n)
		x += canvas_print(
			canvas, x, 0, MEANING_DIM, "  %s",
			recording_string_at(
				recording, recording_series(recording, state->lines.series)->name));
	return x;
}

static void draw_file(const struct annotate_state *state, const struct recording *recording,
		      const struct canvas *canvas, int x)
{
	char share[TEXT_BYTES];
	x += canvas_print(canvas, x, 0, MEANING_DIM, "  %s",
			  recording_string_at(recording, state->file));
	if (state->elsewhere)
		canvas_print(canvas, x, 0, MEANING_DIM, "  %s in other files or no line",
			     text_ratio(share, sizeof share,
					(double)state->elsewhere / (double)state->lines.with));
}

/* ---- above the text */

static void say_of_source(const struct annotate_state *state, const struct recording *recording,
			  const struct canvas *cell)
{
	const char *text = "";
	if (!state->has_text)
		text = state->why.text;
	else if (!recording->start_epoch_ns)
		text = "Not known when it was recorded: lines may have moved since.";
	else if (state->text.modified_ns > recording->start_epoch_ns)
		text = "This source is newer than the recording: lines may have moved.";
	canvas_text(cell, 1, 0, cell->width - 1, MEANING_WARNING, text);
}

static void say_of_code(const struct annotate_state *state, const struct canvas *cell)
{
	size_t target;
	int x = canvas_text(cell, 0, 0, cell->width, MEANING_HEADER, "    code");
	if (jump_target(&state->code, state->code.selected, &target))
		canvas_print(cell, x, 0, MEANING_KEY, "  Enter jumps to %llx",
			     annotate_code_address(&state->code, target));
	else if (state->code.is_mixed)
		canvas_text(cell, x, 0, cell->width - x, MEANING_HEADER,
			    ", under the lines of what was sampled");
}

static void draw_header(const struct annotate_lent *lent, const struct canvas *canvas)
{
	const struct annotate_state *state = lent->state;
	const struct list *list = &state->list;
	struct list_drawing drawing = { list, canvas, lent, NULL };
	list_draw_header(&drawing, 1, NULL);
	for (int i = 0; i < list->n_shown; i++) {
		const struct list_place *place = &list->shown[i];
		struct canvas cell = canvas_part(canvas, place->x, 1, place->cells, 1);
		if (list->columns[place->column].id != ANNOTATE_TEXT || cell.width < 1)
			continue;
		if (state->mode == ANNOTATE_SOURCE)
			say_of_source(state, lent->context->recording, &cell);
		else
			say_of_code(state, &cell);
	}
}

/* ---- rows */

static void draw_weight(const struct annotate_lent *lent, uint64_t weight, enum meaning meaning,
			const struct canvas *cell)
{
	char text[TEXT_BYTES];
	const struct annotate_state *state = lent->state;
	list_put_right(cell, meaning,
		       annotate_columns_weight(&state->columns, &state->lines,
					       lent->context->recording, weight, text,
					       sizeof text));
}

static void draw_line_cell(const struct annotate_lent *lent, size_t row, int column,
			   const struct canvas *cell)
{
	char text[ANNOTATE_LINE_BYTES];
	const struct annotate_state *state = lent->state;
	uint32_t line = annotate_line_of(state, row);
	const struct function_line *at = annotate_line_at(state, line);
	enum meaning meaning = at ? MEANING_TEXT : MEANING_DIM;
	if (column == ANNOTATE_TEXT) {
		if (annotate_is_found(state, lent->context, row))
			meaning = MEANING_MATCH;
		list_put(cell, meaning, text_file_line(&state->text, line, text, sizeof text));
	} else if (column == ANNOTATE_PLACE) {
		snprintf(text, sizeof text, "%u", line);
		list_put_right(cell, meaning, text);
	} else if (at) {
		draw_weight(lent, column == ANNOTATE_SELF ? at->self : at->with, meaning, cell);
	}
}

static void draw_code_cell(const struct annotate_lent *lent, size_t row, int column,
			   const struct canvas *cell)
{
	char text[32];
	const struct annotate_state *state = lent->state;
	const struct code_weight *weight = annotate_code_weight(&state->code, row);
	enum meaning meaning = weight->with ? MEANING_TEXT : MEANING_DIM;
	if (column == ANNOTATE_TEXT) {
		if (annotate_is_found(state, lent->context, row))
			meaning = MEANING_MATCH;
		annotate_code_draw(&state->code, row, meaning, cell);
	} else if (column == ANNOTATE_PLACE) {
		snprintf(text, sizeof text, "%llx", annotate_code_address(&state->code, row));
		list_put_right(cell, meaning, text);
	} else {
		draw_weight(lent, column == ANNOTATE_SELF ? weight->self : weight->with, meaning,
			    cell);
	}
}

/* A row of source stands over the columns from the address on. */
static bool draw_source_row(const struct annotate_lent *lent, const struct canvas *canvas, int y,
			    size_t row)
{
	const struct annotate_state *state = lent->state;
	int x = 0;
	if (state->mode == ANNOTATE_SOURCE || !state->code.rows[row].is_source)
		return false;
	for (int i = 0; i < state->list.n_shown; i++)
		if (state->list.columns[state->list.shown[i].column].id == ANNOTATE_PLACE)
			x = state->list.shown[i].x + 1;
	struct canvas cell = canvas_part(canvas, x, y, canvas->width - x, 1);
	annotate_code_draw_source(&state->code, row, lent->context->recording, &state->text,
				  state->file, &cell);
	return true;
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct annotate_lent *lent = of;
	const struct annotate_state *state = lent->state;
	if (column >= ANNOTATE_COLUMN)
		annotate_columns_draw(&state->lines, column, annotate_sums(state, row), cell);
	else if (state->mode == ANNOTATE_SOURCE)
		draw_line_cell(lent, row, column, cell);
	else
		draw_code_cell(lent, row, column, cell);
}

static void draw_rows(const struct annotate_lent *lent, const struct canvas *canvas)
{
	const struct list *list = &lent->state->list;
	struct list_drawing drawing = { list, canvas, lent, draw_cell };
	for (int i = 0; i < list->frame.n_rows && list->first + (size_t)i < list->n; i++) {
		size_t place = list->first + (size_t)i;
		int y = list->frame.top_y + i;
		if (!draw_source_row(lent, canvas, y, list->entries[place].row))
			list_draw_row(&drawing, y, place);
		else if (place == list->selected)
			canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
	}
}

static void draw_nothing(const struct annotate_state *state, const struct recording *recording,
			 const struct canvas *canvas)
{
	if (!state->lines.function) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    "Choose a function first: a in the functions or the flame graph.");
		return;
	}
	if (state->mode != ANNOTATE_SOURCE) {
		draw_title(state, recording, canvas);
		canvas_text(canvas, 0, 1, canvas->width, MEANING_WARNING,
			    state->code.code.why.text);
		return;
	}
	int x = canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER,
			    function_name(state, recording));
	canvas_text(canvas, x, 0, canvas->width - x, MEANING_DIM,
		    state->lines.with ? "  has no line information; compile with -g."
				      : "  has no samples in this window.");
}

void annotate_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas)
{
	const struct annotate_state *state = opaque;
	const struct annotate_lent lent = { state, context };
	const struct annotate_drawing drawing = { &state->columns, &state->lines,
						  context->recording, canvas };
	if (state->list.n == 0) {
		draw_nothing(state, context->recording, canvas);
		return;
	}
	int x = draw_title(state, context->recording, canvas);
	if (state->mode == ANNOTATE_SOURCE)
		draw_file(state, context->recording, canvas, x);
	draw_header(&lent, canvas);
	annotate_columns_say(&drawing, 2, annotate_sums(state, annotate_row(state)));
	draw_rows(&lent, canvas);
}
