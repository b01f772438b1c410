/* Rows of functions, flat or as a tree, in a list. See functions_state.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/functions_state.h"
#include "tui/imported.h"
#include "tui/process_words.h"

enum {
	HEADER_ROWS = 1,
	RATE_CELLS = 17,
	LEAST_NAME = 24,
	MOST_TREE_ROWS = 10000, /* of which people see a hundred */
	DEEPEST_LEVEL = 60,     /* deeper ones are not moved further to the right */
};

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

/* What the list is lent. */
struct lent {
	const struct functions_state *state;
	const struct recording *recording;
	double whole;
};

/* ---- rows */

static struct functions_row row_of_node(const struct functions_state *state,
					const struct recording *recording, uint32_t at)
{
	uint32_t n;
	const struct tree_node *node = &tree_nodes(state->tree, &n)[at];
	struct functions_row row = { .function = node->function,
				     .name = node->name,
				     .self = node->self,
				     .with = node->total,
				     .n_self = node->n_self,
				     .is_thread = node->flags & TREE_THREAD };
	if (state->sums)
		row.sums = tree_sums_of(state->sums, at);
	if (!row.is_thread && !(node->flags & TREE_SPECIAL))
		row.module = recording_function(recording, node->function)->module;
	return row;
}

struct functions_row functions_row_at(const struct functions_state *state,
				      const struct recording *recording, size_t row)
{
	if (state->is_tree)
		return row_of_node(state, recording, state->rows.rows[row].node);
	const struct tree_function *at = &state->shown[row];
	return (struct functions_row){
		.function = at->function,
		.name = at->name,
		.module = at->module,
		.self = at->exclusive,
		.with = at->inclusive,
		.n_self = at->n_exclusive,
		.sums = state->sums ? tree_sums_of_function(state->sums, at->function) : NULL,
	};
}

bool functions_selected(const struct functions_state *state, const struct recording *recording,
			struct functions_row *out)
{
	if (state->list.n == 0)
		return false;
	*out = functions_row_at(state, recording, list_row(&state->list));
	return true;
}

/* ---- columns */

static uint64_t identity_of(const void *of, size_t row)
{
	const struct functions_state *state = ((const struct lent *)of)->state;
	return state->is_tree ? state->rows.rows[row].node : state->shown[row].function;
}

static double row_value(const struct lent *lent, const struct functions_row *row, int column)
{
	switch (column) {
	case COLUMN_SELF:
	case COLUMN_TIME:
		return (double)row->self;
	case COLUMN_WITH:
	case COLUMN_TOTAL:
		return (double)row->with;
	case COLUMN_SAMPLES:
		return (double)row->n_self;
	default:
		return rates_value(&lent->state->rates.rows[column - COLUMN_RATE], row->sums);
	}
}

static double value_of(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	struct functions_row at = functions_row_at(lent->state, lent->recording, row);
	return row_value(lent, &at, column);
}

static const char *row_text(const struct lent *lent, const struct functions_row *row, int column)
{
	if (column == COLUMN_NAME)
		return recording_string_at(lent->recording, row->name);
	return row->module ? imported_module(lent->recording, row->module) : "";
}

static const char *text_of(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	struct functions_row at = functions_row_at(lent->state, lent->recording, row);
	return row_text(lent, &at, column);
}

/* Siblings have been sorted already: a tree's rows stay as they come. */
static unsigned group_of(const void *of, size_t row)
{
	(void)of;
	return (unsigned)row;
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

static void name_column(const struct functions_state *state, const struct view_context *context,
			struct list_column *column)
{
	char only[44] = "";
	const char *what = state->is_tree ? "calls" : "function";
	*column = (struct list_column){ "name",     "", "the function",        COLUMN_NAME,
					LEAST_NAME, 0,  LIST_TEXT | LIST_FILLS };
	if (state->only_module)
		snprintf(only, sizeof only, " of %.36s",
			 imported_module(context->recording, state->only_module));
	if (state->series)
		snprintf(column->title, sizeof column->title, "%s%s, by %.30s", what, only,
			 recording_string_at(
				 context->recording,
				 recording_series(context->recording, state->series)->name));
	else
		snprintf(column->title, sizeof column->title, "%s%s (with = with callees)", what,
			 only);
}

static int find_columns(const struct functions_state *state, const struct view_context *context,
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
	if (state->is_tree) { /* what it is sorted by stays the longest */
		columns[COLUMN_SELF].rank = 1;
		columns[COLUMN_WITH].rank = 0;
	}
	for (size_t i = 0; i < state->rates.n; i++, n++)
		add_rate(&state->rates.rows[i], COLUMN_RATE + (int)i, &columns[n]);
	name_column(state, context, &columns[n++]);
	/* Where there are rates they have its place, and a tree needs room to the right. */
	bool is_extra = state->rates.n || (state->is_tree && context->width < 100);
	columns[n++] = (struct list_column){
		"module",           "module", "the file that the code is in",         COLUMN_MODULE,
		context->width / 4, 4,        LIST_TEXT | (is_extra ? LIST_EXTRA : 0)
	};
	return n;
}

static struct lent lent_of(const struct functions_state *state, const struct view_context *context)
{
	uint32_t n;
	return (struct lent){ state, context->recording,
			      (double)tree_nodes(state->tree, &n)[0].total };
}

/* ---- the order of siblings: by the column that the list is to be sorted by */

struct order {
	struct lent lent;
	int column;
	bool is_text, is_inverted;
};

static int compare_nodes(const void *of, uint32_t a, uint32_t b)
{
	const struct order *order = of;
	const struct lent *lent = &order->lent;
	struct functions_row left = row_of_node(lent->state, lent->recording, a),
			     right = row_of_node(lent->state, lent->recording, b);
	int sign = order->is_inverted ? -1 : 1;
	if (order->is_text) {
		int difference = strcasecmp(row_text(lent, &left, order->column),
					    row_text(lent, &right, order->column));
		return difference < 0 ? -sign : difference > 0 ? sign : 0;
	}
	double one = row_value(lent, &left, order->column),
	       other = row_value(lent, &right, order->column);
	if (isnan(one) || isnan(other))
		return isnan(one) - isnan(other);
	return one == other ? 0 : one > other ? -sign : sign;
}

static void find_tree_rows(struct functions_state *state, const struct view_context *context,
			   const struct list_column *columns, int n_columns)
{
	struct order order = { lent_of(state, context), COLUMN_WITH, false,
			       state->list.is_inverted };
	for (int i = 0; i < n_columns; i++)
		if (strcmp(columns[i].name, state->list.sort) == 0) {
			order.column = columns[i].id;
			order.is_text = columns[i].flags & LIST_TEXT;
		}
	struct functions_tree_order by = { compare_nodes, &order };
	functions_tree_find(&state->rows, state->tree, context->recording, context->pattern, &by,
			    MOST_TREE_ROWS);
}

void functions_show(struct functions_state *state, const struct view_context *context)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	struct lent lent = lent_of(state, context);
	int n_columns = find_columns(state, context, columns);
	if (state->is_tree)
		find_tree_rows(state, context, columns, n_columns);
	struct list_rows rows = { .of = &lent,
				  .n = state->is_tree ? state->rows.n_rows : state->n_shown,
				  .sort = state->is_tree ? "with" : "self",
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of,
				  .group = state->is_tree ? group_of : NULL };
	struct list_frame frame = { context->width, 0, HEADER_ROWS, context->height - HEADER_ROWS };
	list_update(&state->list, &rows, columns, n_columns, &frame);
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

/* The mark of what can be opened or closed, behind a column for each level. */
static void draw_branch(const struct lent *lent, size_t row, const struct canvas *cell)
{
	char name[160];
	const struct functions_tree_row *at = &lent->state->rows.rows[row];
	int x = at->level < DEEPEST_LEVEL ? at->level : DEEPEST_LEVEL;
	uint32_t n;
	bool is_thread = tree_nodes(lent->state->tree, &n)[at->node].flags & TREE_THREAD;
	if (x > cell->width / 2)
		x = cell->width / 2;
	if (at->has_children)
		canvas_text(cell, x, 0, 1, MEANING_KEY, at->is_open ? "-" : "+");
	canvas_text(cell, x + 2, 0, cell->width - x - 2, is_thread ? MEANING_HEADER : MEANING_TEXT,
		    tree_node_name(lent->state->tree, at->node, name, sizeof name));
}

static void draw_number(const struct lent *lent, const struct functions_row *at, int column,
			const struct canvas *cell)
{
	char text[TEXT_BYTES];
	switch (column) {
	case COLUMN_SELF:
		text_ratio(text, sizeof text, (double)at->self / lent->whole);
		break;
	case COLUMN_WITH:
		text_ratio(text, sizeof text, (double)at->with / lent->whole);
		break;
	case COLUMN_SAMPLES:
		text_count_within(text, sizeof text, cell->width, at->n_self);
		break;
	default:
		rates_text(text, sizeof text, &lent->state->rates.rows[column - COLUMN_RATE],
			   row_value(lent, at, column));
	}
	list_put_right(cell, MEANING_TEXT, text);
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct lent *lent = of;
	struct functions_row at = functions_row_at(lent->state, lent->recording, row);
	if (column == COLUMN_TIME || column == COLUMN_TOTAL)
		draw_value(lent, column == COLUMN_TIME ? at.self : at.with, cell);
	else if (column == COLUMN_NAME && lent->state->is_tree)
		draw_branch(lent, row, cell);
	else if (column == COLUMN_NAME)
		list_put(cell, MEANING_TEXT, row_text(lent, &at, column));
	else if (column == COLUMN_MODULE)
		list_put(cell, MEANING_DIM, row_text(lent, &at, column));
	else
		draw_number(lent, &at, column, cell);
}

void functions_draw(const void *opaque, const struct view_context *context,
		    const struct canvas *canvas)
{
	const struct functions_state *state = opaque;
	struct lent lent = lent_of(state, context);
	struct list_drawing drawing = { &state->list, canvas, &lent, draw_cell };
	list_draw(&drawing);
	if (state->list.n > 0)
		return;
	canvas_text(canvas, 0, 1, canvas->width, MEANING_DIM,
		    context->pattern     ? "Nothing matches the search; / and Enter clears it."
		    : state->only_module ? "No samples in this module; M shows all."
					 : process_words_none(context, "No sample yet."));
}
