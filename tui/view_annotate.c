/*
 * The chosen function's source, line by line, with the time spent in each line and under it, and
 * the rates of what was counted there. Where the source is not at hand the lines that were hit are
 * shown by number; where the program has no line information it says so.
 */
#include <stdlib.h>

#include "sampler/recording.h"
#include "tui/annotate_state.h"

enum {
	CONTEXT_LINES = 6,    /* of source round the lines that were hit */
	MOST_LINES = 1 << 17, /* longer than any function; what a recording says may be anything */
};

/* The file that most of the time is in; inlined code may come from others. */
static void find_file(struct annotate_state *state)
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

static void read_text(struct annotate_state *state, const struct view_context *context)
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

/* The hottest line; 0 if none was hit. */
static uint32_t hottest_line(const struct annotate_state *state)
{
	const struct function_line *hottest = NULL;
	for (size_t i = 0; i < state->lines.n_rows; i++) {
		const struct function_line *row = &state->lines.rows[i];
		if (row->file == state->file && row->line &&
		    (!hottest || row->with > hottest->with))
			hottest = row;
	}
	return hottest ? hottest->line : 0;
}

static bool is_in_reach(const struct annotate_state *state, uint32_t line)
{
	return line >= state->first_line && line <= state->last_line;
}

/* Lines too far from the hottest count as those of other files. */
static void bound_lines(struct annotate_state *state)
{
	uint32_t hottest = hottest_line(state);
	if (state->last_line - state->first_line < MOST_LINES)
		return;
	if (hottest - state->first_line > MOST_LINES / 2)
		state->first_line = hottest - MOST_LINES / 2;
	if (state->last_line - state->first_line >= MOST_LINES)
		state->last_line = state->first_line + MOST_LINES - 1;
	for (size_t i = 0; i < state->lines.n_rows; i++) {
		const struct function_line *row = &state->lines.rows[i];
		if (row->file == state->file && row->line && !is_in_reach(state, row->line))
			state->elsewhere += row->with;
	}
}

/* The lines that were hit with some round them; the hottest is selected first. */
static void find_lines(struct annotate_state *state)
{
	state->first_line = state->last_line = 0;
	for (size_t i = 0; i < state->lines.n_rows; i++) {
		const struct function_line *row = &state->lines.rows[i];
		if (row->file != state->file || row->line == 0)
			continue;
		if (!state->first_line)
			state->first_line = row->line;
		state->last_line = row->line;
	}
	bound_lines(state);
	if (state->function != state->lines.function) {
		state->function = state->lines.function;
		state->wanted_line = 0;
		state->wants_line = true;
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

/* ---- what is selected */

static void select_line(struct annotate_state *state, uint32_t line)
{
	if (is_in_reach(state, line))
		annotate_select(state, line - state->first_line);
}

/* The line that was selected in the mode before, or the hottest: in the middle, if it is new. */
static void select_wanted(struct annotate_state *state)
{
	uint32_t line = state->wanted_line;
	if (state->list.n == 0)
		return;
	state->wants_line = false;
	state->list.first = 0;
	if (state->mode == ANNOTATE_SOURCE) {
		select_line(state, line ? line : hottest_line(state));
		return;
	}
	if (!line || !annotate_code_find(&state->code, state->file, line))
		annotate_code_select_hottest(&state->code);
	annotate_select(state, state->code.selected);
}

static void update_code(struct annotate_state *state, const struct view_context *context)
{
	bool is_mixed = state->mode == ANNOTATE_BOTH && !annotate_sorts(state);
	state->code.is_sorted = annotate_sorts(state);
	uint32_t line = 0, file = 0;
	if (state->list.n && !state->wants_line)
		line = annotate_code_line(&state->code, &file);
	if (!annotate_code_update(&state->code, &state->lines, context->recording, is_mixed) ||
	    state->wants_line)
		return;
	state->wants_line = true; /* rows have other places now */
	state->wanted_line = file == state->file ? line : 0;
}

static bool annotate_update(void *opaque, const struct view_context *context)
{
	struct annotate_state *state = opaque;
	bool is_changed = function_lines_update(&state->lines, context->recording, context->focus,
						state->columns.series);
	if (is_changed) {
		find_file(state);
		read_text(state, context);
		find_lines(state);
	}
	is_changed |= state->must_draw || state->list.is_changed ||
		      state->width != context->width || state->height != context->height;
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	if (!is_changed)
		return false;
	if (state->mode != ANNOTATE_SOURCE)
		update_code(state, context);
	annotate_show(state, context);
	if (state->wants_line) {
		select_wanted(state);
		annotate_show(state, context);
	}
	return true;
}

/* ---- keys */

static unsigned changed(struct annotate_state *state)
{
	state->must_draw = true;
	return REACTION_REDRAW;
}

/* In the source: from hot line to hot line, hottest first, round the end. */
static uint32_t next_hottest_line(const struct annotate_state *state)
{
	uint32_t line = annotate_line_of(state, annotate_row(state));
	const struct function_line *now = annotate_line_at(state, line), *next = NULL;
	uint64_t weight = now ? now->with : UINT64_MAX;
	for (size_t i = 0; i < state->lines.n_rows; i++) {
		const struct function_line *row = &state->lines.rows[i];
		if (row->file != state->file || !is_in_reach(state, row->line))
			continue;
		bool is_after = row->with < weight || (row->with == weight && row->line > line);
		if (is_after && (!next || row->with > next->with))
			next = row;
	}
	return next ? next->line : hottest_line(state);
}

static unsigned next_hottest(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct annotate_state *state = opaque;
	(void)context;
	(void)input;
	if (state->list.n == 0)
		return REACTION_REDRAW;
	if (state->mode == ANNOTATE_SOURCE) {
		select_line(state, next_hottest_line(state));
		return changed(state);
	}
	state->code.selected = annotate_row(state);
	annotate_code_hottest(&state->code);
	annotate_select(state, state->code.selected);
	return changed(state);
}

/* To the next row that the search finds, as they are shown, round the end. */
static unsigned find(struct annotate_state *state, const struct view_context *context, size_t step)
{
	const struct list *list = &state->list;
	for (size_t i = 1; i <= list->n && context->pattern; i++) {
		size_t row = list->entries[(list->selected + i * step) % list->n].row;
		if (!annotate_is_found(state, context, row))
			continue;
		annotate_select(state, row);
		break;
	}
	return changed(state);
}

static unsigned find_next(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)input;
	return find(opaque, context, 1);
}

static unsigned find_before(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct annotate_state *state = opaque;
	(void)input;
	return state->list.n ? find(state, context, state->list.n - 1) : REACTION_REDRAW;
}

static unsigned search(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	((struct annotate_state *)opaque)->must_draw = true;
	return REACTION_SEARCH;
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

/* The line under the cursor stays there; rows of the other mode are not known before the update. */
static unsigned next_mode(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct annotate_state *state = opaque;
	uint32_t file = state->file;
	(void)context;
	(void)input;
	state->wanted_line = 0;
	if (state->list.n && state->mode == ANNOTATE_SOURCE) {
		state->wanted_line = annotate_line_of(state, annotate_row(state));
	} else if (state->list.n) {
		state->code.selected = annotate_row(state);
		state->wanted_line = annotate_code_line(&state->code, &file);
	}
	if (file != state->file)
		state->wanted_line = 0;
	state->wants_line = true;
	state->mode = (enum annotate_mode)((state->mode + 1) % N_ANNOTATE_MODES);
	state->list.n = 0;
	list_forget(&state->list);
	return changed(state);
}

static unsigned next_event(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct annotate_state *state = opaque;
	(void)context;
	(void)input;
	annotate_columns_next(&state->columns, &state->lines);
	return changed(state);
}

static unsigned next_column(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct annotate_state *state = opaque;
	(void)context;
	(void)input;
	state->columns.first++;
	return changed(state);
}

static unsigned self_or_with(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct annotate_state *state = opaque;
	(void)context;
	(void)input;
	state->columns.is_self = !state->columns.is_self;
	return changed(state);
}

static unsigned share_or_value(void *opaque, const struct view_context *context,
			       const struct input *input)
{
	struct annotate_state *state = opaque;
	(void)context;
	(void)input;
	state->columns.is_absolute = !state->columns.is_absolute;
	return changed(state);
}

static unsigned edit(void *opaque, const struct view_context *context, const struct input *input)
{
	struct annotate_state *state = opaque;
	uint32_t file = state->file, line = 0;
	(void)input;
	if (state->list.n && state->mode == ANNOTATE_SOURCE) {
		line = annotate_line_of(state, annotate_row(state));
	} else if (state->list.n) {
		state->code.selected = annotate_row(state);
		line = annotate_code_line(&state->code, &file);
	}
	context->focus->edit_file = file;
	context->focus->edit_line = line;
	return REACTION_EDIT;
}

/* In the source nothing jumps. */
static unsigned jump(struct annotate_state *state, bool (*way)(struct annotate_code *))
{
	if (state->mode == ANNOTATE_SOURCE || state->list.n == 0)
		return REACTION_REDRAW;
	state->code.selected = annotate_row(state);
	if (way(&state->code))
		annotate_select(state, state->code.selected);
	return changed(state);
}

static unsigned follow(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	return jump(opaque, jump_follow);
}

static unsigned go_back(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	return jump(opaque, jump_return);
}

static void annotate_close(void *opaque)
{
	struct annotate_state *state = opaque;
	function_lines_free(&state->lines);
	annotate_code_free(&state->code);
	text_file_free(&state->text);
	list_free(&state->list);
}

static struct list *annotate_list(void *opaque)
{
	return &((struct annotate_state *)opaque)->list;
}

static const struct binding bindings[] = {
	{ 'H', 0, "H", "the next hottest line", next_hottest, true },
	{ 'm', 0, "m", "source or assembly, or both", next_mode, true },
	{ 'E', 0, "E", "edit: open the line in $VISUAL or $EDITOR", edit, true },
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter",
	  "jump: to where the selected one goes, in assembly", follow, true },
	/* Ctrl-O: vim's way back from a jump */
	{ 'o', KEY_CONTROL_O, "o", "jump back: to where the last one was followed from", go_back,
	  false },
	{ '/', KEY_FUNCTION_3, "/", "search by regular expression", search, false },
	{ 'n', 0, "n", "next match", find_next, false },
	{ 'N', 0, "N", "match before", find_before, false },
	{ 'w', 0, "w", "self and with of the next event that was sampled", next_event, false },
	{ 'x', 0, "x", "the next rates first", next_column, false },
	{ 'i', 0, "i", "rates of the line itself or with callees", self_or_with, false },
	{ '%', 0, "%", "samples in per cent or in their unit", share_or_value, false },
	{ 'c', 's', "c", "callers and callees", to_callers, true },
	{ KEY_ESCAPE, KEY_DELETE_BACK, "Esc", "back", back, true },
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
	.follows_process = true,
	.state_bytes = sizeof(struct annotate_state),
	.bindings = bindings,
	.update = annotate_update,
	.draw = annotate_draw,
	.subject = subject,
	.close = annotate_close,
	.list = annotate_list,
};
