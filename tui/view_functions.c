/* Functions by their own time or by their time with callees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/rates.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/imported.h"
#include "tui/list.h"
#include "tui/view.h"
#include "tui/window.h"

enum { MOST_FUNCTIONS = 20000, HEADER_ROWS = 1, RATE_CELLS = 17, LEAST_NAME = 24 };

/* Of columns; COLUMN_RATE and up are rates.rows. */
enum {
	COLUMN_SELF,
	COLUMN_WITH,
	COLUMN_SAMPLES,
	COLUMN_TIME,
	COLUMN_TOTAL,
	COLUMN_NAME,
	COLUMN_MODULE,
	COLUMN_RATE
};

struct state {
	struct tree *tree;
	struct tree_function *functions, *shown;
	size_t n_functions, n_shown;
	struct list list;
	char searched[256];
	int width, height;
	uint32_t series;    /* weighed by; 0 = what was asked for first */
	struct rates rates; /* of events that were sampled together: a column each */
	struct tree_sums *sums;
};

/* What the list is lent. */
struct lent {
	const struct state *state;
	const struct recording *recording;
	double whole;
};

static void choose(struct state *state, const struct view_context *context)
{
	state->n_shown = 0;
	for (size_t i = 0; i < state->n_functions; i++) {
		const char *name =
			recording_string_at(context->recording, state->functions[i].name);
		if (!context->pattern || regexec(context->pattern, name, 0, NULL, 0) == 0)
			state->shown[state->n_shown++] = state->functions[i];
	}
}

/* ---- columns */

static const uint64_t *sums_of(const struct lent *lent, uint32_t function)
{
	return lent->state->sums ? tree_sums_of_function(lent->state->sums, function) : NULL;
}

static uint64_t identity_of(const void *of, size_t row)
{
	return ((const struct lent *)of)->state->shown[row].function;
}

static double value_of(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	const struct tree_function *function = &lent->state->shown[row];
	switch (column) {
	case COLUMN_SELF:
	case COLUMN_TIME:
		return (double)function->exclusive;
	case COLUMN_WITH:
	case COLUMN_TOTAL:
		return (double)function->inclusive;
	case COLUMN_SAMPLES:
		return (double)function->n_exclusive;
	default:
		return rates_value(&lent->state->rates.rows[column - COLUMN_RATE],
				   sums_of(lent, function->function));
	}
}

static const char *text_of(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	const struct tree_function *function = &lent->state->shown[row];
	if (column == COLUMN_NAME)
		return recording_string_at(lent->recording, function->name);
	return function->module ? imported_module(lent->recording, function->module) : "";
}

/* Each rate with the mark of where its values come from. */
static void add_rate(const struct rate *rate, int id, struct list_column *column)
{
	*column = (struct list_column){ .help = "a rate of events that were sampled together",
					.id = id,
					.cells = RATE_CELLS,
					.rank = 3 };
	list_name(rate->name, column->name);
	snprintf(column->title, sizeof column->title, "%s %s%s", origin_glyph(rate->origin),
		 rate->name, strcmp(rate->unit, "/1000") == 0 ? "/k" : "");
}

static int find_columns(const struct state *state, const struct view_context *context,
			struct list_column *columns)
{
	static const struct list_column usual[] = {
		{ "self", "self", "own time, as a share of all", COLUMN_SELF, 8, 0, 0 },
		{ "with", "with", "time with callees, as a share of all", COLUMN_WITH, 8, 1, 0 },
		{ "samples", "samples", "samples in the function itself", COLUMN_SAMPLES, 10, 2,
		  0 },
		{ "time", "self time", "own time in the event's unit", COLUMN_TIME, 9, 2,
		  LIST_EXTRA },
		{ "total", "with time", "with callees, in the event's unit", COLUMN_TOTAL, 9, 2,
		  LIST_EXTRA },
	};
	int n = (int)(sizeof usual / sizeof usual[0]);
	memcpy(columns, usual, sizeof usual);
	for (size_t i = 0; i < state->rates.n; i++, n++)
		add_rate(&state->rates.rows[i], COLUMN_RATE + (int)i, &columns[n]);
	columns[n] = (struct list_column){ "name",
					   "function (with = with callees)",
					   "the function",
					   COLUMN_NAME,
					   LEAST_NAME,
					   0,
					   LIST_TEXT | LIST_FILLS };
	if (state->series)
		snprintf(columns[n].title, sizeof columns[n].title, "function, by %.60s",
			 recording_string_at(
				 context->recording,
				 recording_series(context->recording, state->series)->name));
	n++;
	/* Where there are rates they have its place. */
	columns[n++] = (struct list_column){ "module",
					     "module",
					     "the file that the code is in",
					     COLUMN_MODULE,
					     context->width / 4,
					     4,
					     LIST_TEXT | (state->rates.n ? LIST_EXTRA : 0) };
	return n;
}

static struct lent lent_of(const struct state *state, const struct view_context *context)
{
	uint32_t n;
	return (struct lent){ state, context->recording,
			      (double)tree_nodes(state->tree, &n)[0].total };
}

static void show(struct state *state, const struct view_context *context)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	struct lent lent = lent_of(state, context);
	struct list_rows rows = { .of = &lent,
				  .n = state->n_shown,
				  .sort = "self",
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of };
	struct list_frame frame = { context->width, 0, HEADER_ROWS, context->height - HEADER_ROWS };
	list_update(&state->list, &rows, columns, find_columns(state, context, columns), &frame);
}

/* ---- taking in */

static void take_rates(struct state *state, const struct view_context *context)
{
	rates_find(&state->rates, context->recording, tree_series(state->tree));
	if (state->rates.n == 0)
		return;
	if (!state->sums)
		state->sums = tree_sums_open(context->recording, state->tree, state->rates.sums,
					     state->rates.n_sums);
	tree_sums_update(state->sums);
}

/* Sums are of a tree: they go before it does. */
static bool open_tree(struct state *state, const struct view_context *context)
{
	struct tree_options options = { .root = TREE_ROOT_NAME, .series = state->series };
	if (state->tree && window_differs(state->tree, context->focus)) {
		tree_sums_close(state->sums);
		state->sums = NULL;
	}
	return window_tree(&state->tree, &options, context);
}

static bool functions_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	bool is_changed = open_tree(state, context);
	if (!state->functions) {
		state->functions = allocate(MOST_FUNCTIONS, sizeof *state->functions);
		state->shown = allocate(MOST_FUNCTIONS, sizeof *state->shown);
	}
	is_changed |= tree_update(state->tree);
	if (is_changed) {
		state->n_functions = tree_functions(state->tree, state->functions, MOST_FUNCTIONS);
		take_rates(state, context);
	}
	is_changed |= state->list.is_changed ||
		      strncmp(state->searched, context->search, sizeof state->searched - 1) != 0 ||
		      state->width != context->width || state->height != context->height;
	if (!is_changed)
		return false;
	snprintf(state->searched, sizeof state->searched, "%s", context->search);
	state->width = context->width;
	state->height = context->height;
	choose(state, context);
	show(state, context);
	return true;
}

/* ---- drawing */

static void draw_value(const struct lent *lent, uint64_t value, const struct canvas *cell)
{
	char text[TEXT_BYTES];
	const struct series_row *series =
		recording_series(lent->recording, tree_series(lent->state->tree));
	const char *unit = recording_string_at(lent->recording, series->unit);
	list_put_right(cell, MEANING_TEXT,
		       strcmp(unit, "ns") == 0 ? text_value(text, sizeof text, (double)value, unit)
					       : text_rate(text, sizeof text, (double)value, ""));
}

static void draw_rate(const struct lent *lent, const struct tree_function *function, int column,
		      const struct canvas *cell)
{
	const struct rate *rate = &lent->state->rates.rows[column - COLUMN_RATE];
	char text[TEXT_BYTES];
	list_put_right(cell, MEANING_TEXT,
		       rates_text(text, sizeof text, rate,
				  rates_value(rate, sums_of(lent, function->function))));
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct lent *lent = of;
	const struct tree_function *function = &lent->state->shown[row];
	char text[TEXT_BYTES];
	switch (column) {
	case COLUMN_SELF:
		text_ratio(text, sizeof text, (double)function->exclusive / lent->whole);
		break;
	case COLUMN_WITH:
		text_ratio(text, sizeof text, (double)function->inclusive / lent->whole);
		break;
	case COLUMN_SAMPLES:
		text_count(text, sizeof text, function->n_exclusive);
		break;
	case COLUMN_TIME:
	case COLUMN_TOTAL:
		draw_value(lent, column == COLUMN_TIME ? function->exclusive : function->inclusive,
			   cell);
		return;
	case COLUMN_NAME:
	case COLUMN_MODULE:
		list_put(cell, column == COLUMN_NAME ? MEANING_TEXT : MEANING_DIM,
			 text_of(of, row, column));
		return;
	default:
		draw_rate(lent, function, column, cell);
		return;
	}
	list_put_right(cell, MEANING_TEXT, text);
}

static void functions_draw(const void *opaque, const struct view_context *context,
			   const struct canvas *canvas)
{
	const struct state *state = opaque;
	struct lent lent = lent_of(state, context);
	struct list_drawing drawing = { &state->list, canvas, &lent, draw_cell };
	list_draw(&drawing);
	if (state->n_shown == 0)
		canvas_text(canvas, 0, 1, canvas->width, MEANING_DIM,
			    context->pattern ? "Nothing matches the search; / and Enter clears it."
					     : "No sample yet.");
}

/* ---- keys */

static const struct tree_function *selected_function(const struct state *state)
{
	return state->n_shown ? &state->shown[list_row(&state->list)] : NULL;
}

/* Another event needs another tree. */
static unsigned next_event(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct state *state = opaque;
	(void)input;
	if (!state->rates.n_sums)
		return REACTION_REDRAW;
	state->series = rates_next_event(context->recording, tree_series(state->tree));
	tree_sums_close(state->sums);
	tree_close(state->tree);
	state->sums = NULL;
	state->tree = NULL;
	list_forget(&state->list);
	return REACTION_REDRAW;
}

static unsigned search(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_SEARCH;
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct state *state = opaque;
	(void)context;
	(void)input;
	return state->n_shown ? REACTION_TO_FLAME : REACTION_REDRAW;
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	const struct state *state = opaque;
	(void)input;
	if (!state->n_shown)
		return REACTION_REDRAW;
	context->focus->function = selected_function(state)->function;
	return REACTION_TO_CALLERS;
}

static unsigned to_lines(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct state *state = opaque;
	(void)input;
	if (!state->n_shown)
		return REACTION_REDRAW;
	context->focus->function = selected_function(state)->function;
	return REACTION_TO_LINES;
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct tree_function *function = selected_function(opaque);
	return function ? recording_string_at(context->recording, function->name) : "";
}

static void functions_close(void *opaque)
{
	struct state *state = opaque;
	tree_sums_close(state->sums);
	tree_close(state->tree);
	free(state->functions);
	free(state->shown);
	list_free(&state->list);
}

static struct list *functions_list(void *opaque)
{
	return &((struct state *)opaque)->list;
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ 'c', 's', "c", "callers and callees", to_callers, true },
	{ 'a', 0, "a", "annotate: its source lines with their time", to_lines, false },
	{ '/', 0, "/", "keep only what matches", search, true },
	{ 'w', 0, "w", "by the next event that was sampled", next_event, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct tree_function *function = selected_function(opaque);
	return subject_of_function(context->recording, function ? function->function : 0);
}

static size_t functions_held_bytes(const void *opaque)
{
	return tree_bytes(((const struct state *)opaque)->tree);
}

const struct view view_functions = {
	.name = "functions",
	.title = "Functions",
	.summary = "functions by their own time and with callees",
	.order = 3,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = functions_update,
	.draw = functions_draw,
	.chosen = chosen,
	.subject = subject,
	.close = functions_close,
	.held_bytes = functions_held_bytes,
	.list = functions_list,
};
