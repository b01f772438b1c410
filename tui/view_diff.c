/*
 * What differs between two windows of the recording, or between it and another recording: both
 * sides named, a sign and a glyph besides the colour, and intervals that tell change from chance.
 */
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/compare.h"
#include "sampler/recording.h"
#include "sampler/recording_window.h"
#include "tui/diff.h"
#include "tui/list_keys.h"
#include "tui/paragraph.h"
#include "tui/sides.h"
#include "tui/view.h"
#include "tui/window.h"

enum { HEADER_ROWS = 4, NAME_COLUMN = 51 };

/* Live, a comparison is of a copy and draws a thousand times: not on each picture. */
static const uint64_t AGAIN_NS = 5000000000;

struct state {
	struct side sides[N_COMPARED];
	struct recording *windows[N_COMPARED]; /* that compare borrows from */
	struct compare *compare;               /* NULL: why says why */
	struct why why;
	bool is_stale;
	uint64_t from_ns, to_ns, n_samples, compared_ns;
	size_t selected, first;
	int width, height;
};

/* ---- the comparison */

static void forget(struct state *state)
{
	compare_close(state->compare);
	state->compare = NULL;
	for (int i = 0; i < N_COMPARED; i++) {
		recording_free(state->windows[i]);
		state->windows[i] = NULL;
	}
}

static void compare(struct state *state, const struct view_context *context)
{
	struct compare_request request = { .by = COMPARE_FUNCTIONS,
					   .per = context->against ? COMPARE_PER_AUTO
								   : COMPARE_PER_DURATION,
					   .limit_ratio = 0.05 }; /* as a verdict in CI has it */
	const struct recording *recordings[N_COMPARED];
	struct compare_side sides[N_COMPARED];
	forget(state);
	sides_choose(state->sides, context);
	for (int i = 0; i < N_COMPARED; i++) {
		const struct side *side = &state->sides[i];
		if (!side->is_other)
			state->windows[i] =
				recording_window(context->recording, side->from_ns, side->to_ns);
		recordings[i] = side->is_other ? context->against : state->windows[i];
		sides[i] = (struct compare_side){ &recordings[i], 1 };
	}
	state->compare = compare_open(&request, sides, &state->why);
	if (state->compare && state->selected >= state->compare->n_rows)
		state->selected = 0;
}

/* ---- taking in */

static size_t count_rows(const struct state *state)
{
	return state->compare ? state->compare->n_rows : 0;
}

static void keep_visible(struct state *state)
{
	size_t rows = state->height > HEADER_ROWS ? (size_t)(state->height - HEADER_ROWS) : 1;
	if (state->selected < state->first)
		state->first = state->selected;
	if (state->selected >= state->first + rows)
		state->first = state->selected - rows + 1;
}

static bool diff_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	const struct view_focus *focus = context->focus;
	uint64_t n_samples = recording_moment(context->recording).n[TABLE_SAMPLES];
	bool is_new =
		!state->sides[0].name[0] || state->is_stale || state->from_ns != focus->from_ns ||
		state->to_ns != focus->to_ns ||
		(state->n_samples != n_samples && context->now_ns > state->compared_ns + AGAIN_NS);
	bool is_changed =
		is_new || state->width != context->width || state->height != context->height;
	state->width = context->width;
	state->height = context->height;
	if (is_new) {
		state->from_ns = focus->from_ns;
		state->to_ns = focus->to_ns;
		state->n_samples = n_samples;
		state->compared_ns = context->now_ns;
		state->is_stale = false;
		compare(state, context);
	}
	if (is_changed)
		keep_visible(state);
	return is_changed;
}

/* ---- drawing */

static const char *glyph_of(const struct compare_row *row)
{
	if (row->flags & (COMPARE_NEW | COMPARE_GONE))
		return row->flags & COMPARE_NEW ? "+" : "\u00d7";
	if (!(row->flags & COMPARE_SIGNIFICANT))
		return " ";
	return row->change > 0 ? "\u25b2" : "\u25bc";
}

/* Orange grew, blue shrank: told apart by nearly everybody. */
static enum meaning meaning_of(const struct compare_row *row)
{
	if (!(row->flags & COMPARE_SIGNIFICANT))
		return MEANING_TEXT;
	return row->cost[COMPARE_B] > row->cost[COMPARE_A] ? MEANING_WARNING : MEANING_BAR;
}

static void put_right(const struct canvas *canvas, int end, int y, enum meaning meaning,
		      const char *text)
{
	int x = end - text_width(text);
	canvas_text(canvas, x > 0 ? x : 0, y, end, meaning, text);
}

static void draw_row(const struct diff *diff, const struct canvas *canvas, int y,
		     const struct compare_row *row)
{
	char text[DIFF_TEXT_BYTES];
	enum meaning meaning = meaning_of(row);
	put_right(canvas, 9, y, MEANING_TEXT, diff_cost(diff, row->cost[COMPARE_A], text));
	put_right(canvas, 19, y, MEANING_TEXT, diff_cost(diff, row->cost[COMPARE_B], text));
	canvas_text(canvas, 20, y, 1, meaning, glyph_of(row));
	put_right(canvas, 31, y, meaning, diff_change(row, text));
	put_right(canvas, 48, y, MEANING_DIM, diff_interval(diff, row, text));
	canvas_text(canvas, 49, y, 1, meaning, row->flags & COMPARE_REGRESSION ? "!" : " ");
	canvas_text(canvas, NAME_COLUMN, y, canvas->width - NAME_COLUMN, meaning,
		    row->key ? compare_name(diff->compare, row->key) : "(everything)");
}

static void draw_side(const struct state *state, const struct canvas *canvas, int side)
{
	char count[TEXT_BYTES];
	const struct compare *compare = state->compare;
	int x = canvas_print(canvas, 0, side, MEANING_HEADER, "%c  ", 'A' + side);
	x += canvas_text(canvas, x, side, canvas->width - x, MEANING_TEXT, state->sides[side].name);
	if (compare)
		canvas_print(canvas, x, side, MEANING_DIM, "  %s samples of %s %s",
			     text_count(count, sizeof count, compare->whole.n_samples[side]),
			     compare->event[side],
			     origin_glyph((enum origin)compare->origin[side]));
}

static void diff_draw(const void *opaque, const struct view_context *context,
		      const struct canvas *canvas)
{
	const struct state *state = opaque;
	const struct diff diff = { .compare = state->compare };
	(void)context;
	for (int side = 0; side < N_COMPARED; side++)
		draw_side(state, canvas, side);
	if (!state->compare) {
		paragraph_draw(canvas, 0, 3, canvas->width, MEANING_DIM, state->why.text);
		return;
	}
	canvas_print(canvas, 0, 2, MEANING_HEADER, "%9s %9s   %9s%17s", "A", "B", "change",
		     "95 % interval");
	bool is_share = strcmp(state->compare->unit, "ratio") == 0;
	canvas_print(canvas, NAME_COLUMN, 2, MEANING_HEADER, "function, by itself%s%s",
		     is_share ? "" : ", in ", is_share ? "" : state->compare->unit);
	if (state->compare->per != COMPARE_PER_TOTAL) /* shares always make 100 % */
		draw_row(&diff, canvas, 3, &state->compare->whole);
	for (int y = HEADER_ROWS; y < canvas->height; y++) {
		size_t at = state->first + (size_t)(y - HEADER_ROWS);
		if (at >= count_rows(state))
			break;
		draw_row(&diff, canvas, y, &state->compare->rows[at]);
		if (at == state->selected)
			canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
	}
}

/* ---- keys */

static unsigned keep(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	struct view_focus *focus = context->focus;
	(void)input;
	focus->has_kept = window_is_set(focus);
	focus->kept_from_ns = focus->from_ns;
	focus->kept_to_ns = focus->to_ns;
	state->is_stale = true;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct state *state = opaque;
	long page = context->height > HEADER_ROWS ? context->height - HEADER_ROWS : 1;
	state->selected =
		list_move(state->selected, list_step(input->key, page), count_rows(state));
	keep_visible(state);
	return REACTION_REDRAW;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	long at = (long)state->first + input->y - HEADER_ROWS;
	(void)context;
	if (input->y >= HEADER_ROWS && at < (long)count_rows(state))
		state->selected = (size_t)at;
	return REACTION_REDRAW;
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)context;
	(void)input;
	return count_rows(opaque) ? REACTION_TO_FLAME : REACTION_REDRAW;
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	(void)context;
	return count_rows(state)
		       ? compare_name(state->compare, state->compare->rows[state->selected].key)
		       : "";
}

/* By name, as functions are matched. */
static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct recording *recording = context->recording;
	const char *name = chosen(opaque, context);
	uint64_t n = recording_moment(recording).n[TABLE_FUNCTIONS];
	for (uint64_t id = 1; *name && id < n; id++)
		if (strcmp(recording_string_at(recording, recording_function(recording, id)->name),
			   name) == 0)
			return subject_of_function(recording, (unsigned)id);
	return (struct view_subject){ 0 };
}

static void diff_close(void *opaque)
{
	forget(opaque);
}

static const struct binding bindings[] = {
	{ 'A', 0, "A", "keep the window as side A; without a window, the time before B", keep,
	  true },
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_START, 'g', "g", "to the biggest difference", move_key, false },
	{ KEY_FINISH, 'G', "G", "to the smallest difference", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ KEY_CLICK, 0, "click", "select", click, false },
	{ 0 },
};

const struct view view_diff = {
	.name = "diff",
	.title = "Diff",
	.summary = "what differs between two windows of time, or from another recording",
	.order = 14,
	.key = 'D',
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = diff_update,
	.draw = diff_draw,
	.chosen = chosen,
	.subject = subject,
	.close = diff_close,
};
