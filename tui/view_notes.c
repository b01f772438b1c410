/* Every note with its remedy: what was not measured, and what would change that. */
#include <string.h>

#include "sampler/recording.h"
#include "tui/list.h"
#include "tui/list_keys.h"
#include "tui/paragraph.h"
#include "tui/view.h"

enum { HEADER_ROWS = 1, LEAST_NOTE = 16 };
enum { COLUMN_SEVERITY, COLUMN_SOURCE, COLUMN_NOTE };

struct state {
	struct moment moment;
	struct list list; /* its places; where they are on the screen is known only here */
	size_t first;     /* place that is shown first */
	int skip;         /* of its lines, where it is longer than the screen */
	int width, height;
};

/* ---- columns */

static const struct note_row *note_at(const void *of, size_t row)
{
	return recording_note_row(of, row + 1);
}

static uint64_t identity_of(const void *of, size_t row)
{
	(void)of;
	return row;
}

static double value_of(const void *of, size_t row, int column)
{
	(void)column;
	return note_at(of, row)->severity;
}

static const char *text_of(const void *of, size_t row, int column)
{
	const struct note_row *note = note_at(of, row);
	return recording_string_at(of, column == COLUMN_SOURCE ? note->source : note->text);
}

static void show(struct state *state, const struct view_context *context)
{
	static const struct list_column columns[] = {
		{ "severity", "!", "X an error, ! a warning, i for information", COLUMN_SEVERITY, 2,
		  2, 0 },
		{ "source", "source", "what the note is about", COLUMN_SOURCE, 10, 1, LIST_TEXT },
		{ "note", "note, and what would change it", "what happened, and its remedy",
		  COLUMN_NOTE, LEAST_NOTE, 0, LIST_TEXT | LIST_FILLS },
	};
	uint64_t n = state->moment.n[TABLE_NOTES];
	struct list_rows rows = { .of = context->recording,
				  .n = n > 1 ? n - 1 : 0,
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of };
	int notes_a_page = (state->height - HEADER_ROWS) / 3; /* most have two lines and a blank */
	struct list_frame frame = { state->width, 0, HEADER_ROWS, notes_a_page };
	list_update(&state->list, &rows, columns, (int)(sizeof columns / sizeof columns[0]),
		    &frame);
}

/* ---- layout: notes are as high as they need */

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	static const enum meaning meanings[N_SEVERITIES] = { MEANING_DIM, MEANING_WARNING,
							     MEANING_ERROR };
	static const char *const names[N_SEVERITIES] = { "i", "!", "X" };
	const struct note_row *note = note_at(of, row);
	if (column == COLUMN_SEVERITY)
		list_put(cell, meanings[note->severity], names[note->severity]);
	else if (column == COLUMN_SOURCE)
		list_put(cell, MEANING_HEADER, text_of(of, row, column));
	else
		list_put(cell, MEANING_TEXT, "");
}

/* The note and its remedy below each other, where the column of the note is. Returns the lines. */
static int draw_text(const struct list *list, const void *recording, const struct canvas *canvas,
		     int y, size_t row)
{
	const struct note_row *note = note_at(recording, row);
	const char *remedy = recording_string_at(recording, note->remedy);
	int n = 0;
	for (int i = 0; i < list->n_shown; i++) {
		const struct list_place *place = &list->shown[i];
		if (list->columns[place->column].id != COLUMN_NOTE)
			continue;
		n = paragraph_draw(canvas, place->x, y, place->cells, MEANING_TEXT,
				   recording_string_at(recording, note->text));
		if (*remedy)
			n += paragraph_draw(canvas, place->x, y + n, place->cells, MEANING_DIM,
					    remedy);
	}
	return n > 0 ? n : 1;
}

/* With the blank line behind it. */
static int lines_of(const struct state *state, const void *recording, size_t place)
{
	struct canvas nowhere = { .width = state->width };
	return draw_text(&state->list, recording, &nowhere, -1, state->list.entries[place].row) + 1;
}

static int lines_shown(const struct state *state)
{
	return state->height > HEADER_ROWS ? state->height - HEADER_ROWS : 1;
}

static void keep_visible(struct state *state, const struct view_context *context)
{
	size_t selected = state->list.selected;
	int lines = 0;
	if (state->list.n == 0)
		return;
	for (size_t place = selected + 1; place-- > 0;) {
		lines += lines_of(state, context->recording, place);
		if (lines - 1 > lines_shown(state)) { /* this one finds no room any more */
			size_t least = place < selected ? place + 1 : selected;
			state->first = state->first < least ? least : state->first;
			break;
		}
	}
	state->first = state->first > selected ? selected : state->first;
	int most = lines_of(state, context->recording, selected) - 1 - lines_shown(state);
	state->skip = state->first == selected && most > 0 ? state->skip : 0;
	state->skip = state->skip > most && most > 0 ? most : state->skip;
}

static bool notes_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	struct moment now = recording_moment(context->recording);
	bool is_changed = now.n[TABLE_NOTES] != state->moment.n[TABLE_NOTES] ||
			  state->list.is_changed || state->width != context->width ||
			  state->height != context->height;
	state->moment = now;
	state->width = context->width;
	state->height = context->height;
	if (is_changed) {
		show(state, context);
		keep_visible(state, context);
	}
	return is_changed;
}

/* ---- drawing */

static void notes_draw(const void *opaque, const struct view_context *context,
		       const struct canvas *canvas)
{
	const struct state *state = opaque;
	struct canvas below =
		canvas_part(canvas, 0, HEADER_ROWS, canvas->width, canvas->height - HEADER_ROWS);
	struct list_drawing drawing = { &state->list, canvas, context->recording, draw_cell };
	if (state->list.n == 0) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    "No notes: everything was measured as asked.");
		return;
	}
	list_draw_header(&drawing, 0, NULL);
	drawing.canvas = &below;
	int y = -state->skip;
	for (size_t at = state->first; at < state->list.n && y < below.height; at++) {
		size_t row = state->list.entries[at].row;
		if (y >= 0)
			list_draw_cells(&drawing, y, row);
		int n = draw_text(&state->list, context->recording, &below, y, row);
		for (int line = 0; line < n && at == state->list.selected; line++)
			if (y + line >= 0 && y + line < below.height)
				canvas_mark(&below, 0, y + line, below.width, MEANING_SELECTED);
		y += n + 1;
	}
}

/* ---- keys */

/* To the next note, but first to the end of one that is longer than the screen. */
static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct state *state = opaque;
	long step = list_step(input->key, 1);
	if (state->list.n == 0)
		return REACTION_REDRAW;
	int hidden = lines_of(state, context->recording, state->list.selected) - 1 -
		     lines_shown(state) - state->skip;
	if (step > 0 ? hidden > 0 : state->skip > 0) {
		state->skip += (int)step;
		state->list.is_changed = true;
		return REACTION_REDRAW;
	}
	state->skip = 0;
	list_go(&state->list, step);
	return REACTION_REDRAW;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	int y = HEADER_ROWS - state->skip;
	state->list.has_hit_row = false;
	if (input->y == 0)
		list_click_header(&state->list, input->x);
	for (size_t at = state->first; at < state->list.n && input->y >= HEADER_ROWS; at++) {
		int n = lines_of(state, context->recording, at);
		if (input->y >= y && input->y < y + n) {
			list_select(&state->list, at);
			state->list.has_hit_row = true;
			break;
		}
		y += n;
	}
	return REACTION_REDRAW;
}

static const struct binding bindings[] = {
	{ KEY_ARROW_UP, 'k', "Up k", "scroll up", move_key, true },
	{ KEY_ARROW_DOWN, 'j', "Down j", "scroll down", move_key, true },
	{ KEY_WHEEL_UP, 0, "wheel", "scroll up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "scroll down", move_key, false },
	{ KEY_CLICK, KEY_DOUBLE_CLICK, "click", "select; on a header: sort by it, again: invert",
	  click, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	if (state->list.n == 0)
		return (struct view_subject){ 0 };
	size_t row = list_row(&state->list);
	return (struct view_subject){ .kind = SUBJECT_NOTE,
				      .id = (uint32_t)row + 1,
				      .name = recording_string_at(
					      context->recording,
					      note_at(context->recording, row)->source) };
}

static void notes_close(void *opaque)
{
	list_free(&((struct state *)opaque)->list);
}

static struct list *notes_list(void *opaque)
{
	return &((struct state *)opaque)->list;
}

const struct view view_notes = {
	.name = "notes",
	.title = "Notes",
	.summary = "what was not measured, why, and what would change that",
	.order = 4,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = notes_update,
	.draw = notes_draw,
	.subject = subject,
	.close = notes_close,
	.list = notes_list,
};
