/*
 * What differs between two windows of the recording, or between it and another recording: both
 * sides named, a sign and a glyph besides the colour, and intervals that tell change from chance.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/compare.h"
#include "sampler/recording.h"
#include "sampler/recording_window.h"
#include "tui/diff.h"
#include "tui/list.h"
#include "tui/paragraph.h"
#include "tui/sides.h"
#include "tui/view.h"
#include "tui/window.h"

enum { HEADER_ROWS = 4, LEAST_NAME = 20 };

enum {
	COLUMN_A,
	COLUMN_B,
	COLUMN_SIGN,
	COLUMN_CHANGE,
	COLUMN_INTERVAL,
	COLUMN_GUILTY,
	COLUMN_DIFFERENCE,
	COLUMN_SAMPLES_A,
	COLUMN_SAMPLES_B,
	COLUMN_NAME,
};

/* Live, a comparison is of a copy and draws a thousand times: not on each picture. */
static const uint64_t AGAIN_NS = 5000000000;

struct state {
	struct side sides[N_COMPARED];
	struct recording *windows[N_COMPARED]; /* that compare borrows from */
	struct compare *compare;               /* NULL: why says why */
	struct why why;
	bool is_stale;
	uint64_t from_ns, to_ns, n_samples, compared_ns;
	struct list list;
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
}

/* ---- taking in */

static size_t count_rows(const struct state *state)
{
	return state->compare ? state->compare->n_rows : 0;
}

static const struct compare_row *row_at(const struct compare *compare, size_t row)
{
	return row < compare->n_rows ? &compare->rows[row] : &compare->whole;
}

/* Keys are of one comparison; names are of all. */
static uint64_t identity_of(const void *of, size_t row)
{
	const struct compare *compare = of;
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, draft-eastlake-fnv */
	for (const char *at = compare_name(compare, compare->rows[row].key); *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
	return hash;
}

/* What is new has grown beyond all measure. */
static double value_of(const void *of, size_t at, int column)
{
	const struct compare_row *row = row_at(of, at);
	switch (column) {
	case COLUMN_A:
		return row->cost[COMPARE_A];
	case COLUMN_B:
		return row->cost[COMPARE_B];
	case COLUMN_CHANGE:
		return row->flags & COMPARE_NEW ? INFINITY : row->change;
	case COLUMN_INTERVAL: /* by what it has changed for sure, whichever way */
		return isnan(row->low) || isnan(row->high) ? NAN
		       : row->low > 0                      ? row->low
		       : row->high < 0                     ? -row->high
							   : 0;
	case COLUMN_SIGN:
	case COLUMN_GUILTY:
		return (row->flags & COMPARE_REGRESSION    ? 2
			: row->flags & COMPARE_SIGNIFICANT ? 1
							   : 0);
	case COLUMN_DIFFERENCE:
		return fabs(row->cost[COMPARE_B] - row->cost[COMPARE_A]);
	case COLUMN_SAMPLES_A:
		return (double)row->n_samples[COMPARE_A];
	case COLUMN_SAMPLES_B:
		return (double)row->n_samples[COMPARE_B];
	default:
		return NAN;
	}
}

static const char *text_of(const void *of, size_t row, int column)
{
	const struct compare *compare = of;
	(void)column;
	return compare_name(compare, compare->rows[row].key);
}

static int find_columns(const struct state *state, struct list_column *columns)
{
	static const struct list_column usual[] = {
		{ "a", "A", "what it costs in A", COLUMN_A, 9, 0, 0 },
		{ "b", "B", "what it costs in B", COLUMN_B, 9, 0, 0 },
		{ "sign", "", "grown, shrunk, new or gone", COLUMN_SIGN, 1, 0, LIST_UNSORTED },
		{ "change", "change", "B against A", COLUMN_CHANGE, 9, 0, 0 },
		{ "interval", "95 % interval", "of the change; sorts by what is sure",
		  COLUMN_INTERVAL, 16, 2, 0 },
		{ "guilty", "", "! has grown by more than 5 %, and not by chance", COLUMN_GUILTY, 1,
		  1, LIST_UNSORTED },
		{ "difference", "B - A", "how far apart they are", COLUMN_DIFFERENCE, 9, 3,
		  LIST_EXTRA },
		{ "samples-a", "samples A", "how many A has", COLUMN_SAMPLES_A, 11, 4, LIST_EXTRA },
		{ "samples-b", "samples B", "how many B has", COLUMN_SAMPLES_B, 11, 4, LIST_EXTRA },
		{ "name", "function, by itself", "the function", COLUMN_NAME, LEAST_NAME, 0,
		  LIST_TEXT | LIST_FILLS },
	};
	const int n = (int)(sizeof usual / sizeof usual[0]);
	memcpy(columns, usual, sizeof usual);
	if (state->compare && strcmp(state->compare->unit, "ratio") != 0)
		snprintf(columns[n - 1].title, sizeof columns[n - 1].title,
			 "function, by itself, in %s", state->compare->unit);
	return n;
}

static void show(struct state *state)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	struct list_rows rows = { .of = state->compare,
				  .n = count_rows(state),
				  .sort = "difference",
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of };
	struct list_frame frame = { state->width, HEADER_ROWS - 2, HEADER_ROWS,
				    state->height - HEADER_ROWS };
	list_update(&state->list, &rows, columns, find_columns(state, columns), &frame);
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
	bool is_changed = is_new || state->list.is_changed || state->width != context->width ||
			  state->height != context->height;
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
		show(state);
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

/* With its sign. */
static char *difference(const struct diff *diff, const struct compare_row *row, char *out)
{
	char cost[DIFF_TEXT_BYTES];
	double by = row->cost[COMPARE_B] - row->cost[COMPARE_A];
	if (by == 0) /* known, and none */
		snprintf(cost, sizeof cost, "0");
	else
		diff_cost(diff, fabs(by), cost);
	snprintf(out, DIFF_TEXT_BYTES, "%s%.60s", by > 0 ? "+" : by < 0 ? "-" : "", cost);
	return out;
}

static const char *row_name(const struct compare *compare, const struct compare_row *row)
{
	return row->key ? compare_name(compare, row->key) : "(everything)";
}

static void draw_cell(const void *of, size_t at, int column, const struct canvas *cell)
{
	const struct diff diff = { .compare = of };
	const struct compare_row *row = row_at(of, at);
	char text[DIFF_TEXT_BYTES] = "";
	enum meaning meaning = meaning_of(row);
	switch (column) {
	case COLUMN_A:
		list_put_right(cell, MEANING_TEXT, diff_cost(&diff, row->cost[COMPARE_A], text));
		break;
	case COLUMN_B:
		list_put_right(cell, MEANING_TEXT, diff_cost(&diff, row->cost[COMPARE_B], text));
		break;
	case COLUMN_SIGN:
		list_put(cell, meaning, glyph_of(row));
		break;
	case COLUMN_CHANGE:
		list_put_right(cell, meaning, diff_change(row, text));
		break;
	case COLUMN_INTERVAL:
		list_put_right(cell, MEANING_DIM, diff_interval(&diff, row, text));
		break;
	case COLUMN_GUILTY:
		list_put(cell, meaning, row->flags & COMPARE_REGRESSION ? "!" : " ");
		break;
	case COLUMN_DIFFERENCE:
		list_put_right(cell, meaning, difference(&diff, row, text));
		break;
	case COLUMN_NAME:
		list_put(cell, meaning, row_name(of, row));
		break;
	default:
		list_put_right(
			cell, MEANING_TEXT,
			text_count_within(text, sizeof text, cell->width,
					  row->n_samples[column == COLUMN_SAMPLES_A ? COMPARE_A
										    : COMPARE_B]));
	}
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
	(void)context;
	for (int side = 0; side < N_COMPARED; side++)
		draw_side(state, canvas, side);
	if (!state->compare) {
		paragraph_draw(canvas, 0, 3, canvas->width, MEANING_DIM, state->why.text);
		return;
	}
	struct list_drawing drawing = { &state->list, canvas, state->compare, draw_cell };
	list_draw(&drawing);
	if (state->compare->per != COMPARE_PER_TOTAL) /* shares always make 100 % */
		list_draw_cells(&drawing, 3, SIZE_MAX);
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
	return count_rows(state) ? compare_name(state->compare,
						state->compare->rows[list_row(&state->list)].key)
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
	list_free(&((struct state *)opaque)->list);
}

static struct list *diff_list(void *opaque)
{
	return &((struct state *)opaque)->list;
}

static const struct binding bindings[] = {
	{ 'A', 0, "A", "keep the window as side A; without a window, the time before B", keep,
	  true },
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
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
	.list = diff_list,
};
