/*
 * One function between those that call it and those it calls, with their shares of its time. A
 * call counts once a sample, however often recursion repeats it; so with recursion the shares may
 * come to more than all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/imported.h"
#include "tui/list.h"
#include "tui/process_words.h"
#include "tui/view.h"
#include "tui/window.h"

enum {
	MOST_STEPS = 64, /* back from */
	FRAME_ROWS = 3,  /* two headers and the function itself */
	LEAST_NAME = 16,
};

enum { COLUMN_SHARE, COLUMN_ALL, COLUMN_TIME, COLUMN_BAR, COLUMN_NAME, COLUMN_MODULE };

struct edge {
	uint32_t function; /* 0: none, a thread or a process begins here */
	uint32_t name, node;
	uint64_t weight;
};

struct edges {
	struct edge *rows;
	size_t n, capacity, first; /* first: shown, of those in the list's order */
	struct hash_map places;    /* function and whether it is a thread -> place + 1 */
};

struct state {
	struct tree *tree;
	uint32_t centre; /* as the tree numbers functions; 0 = it has none of that name */
	uint32_t chosen; /* as the focus has it */
	struct edges callers, callees;
	uint64_t inclusive, exclusive;
	struct list list; /* of both, callers first */
	uint32_t steps[MOST_STEPS];
	int n_steps;
	int width, height;
};

/* What the list is lent. */
struct lent {
	const struct state *state;
	const struct recording *recording;
};

/* ---- edges */

static void clear_edges(struct edges *edges)
{
	hash_map_free(&edges->places);
	edges->n = 0;
}

static void add_edge(struct edges *edges, const struct tree_node *node, uint32_t id)
{
	bool is_thread = node->flags & TREE_THREAD || id == 0;
	uint64_t key = (uint64_t)node->function * 2 + is_thread + 1;
	uint32_t *place = hash_map_at(&edges->places, key);
	if (*place)
		return;
	if (edges->n == edges->capacity) {
		edges->capacity = edges->capacity ? edges->capacity * 2 : 64;
		edges->rows = reallocate(edges->rows, edges->capacity, sizeof *edges->rows);
	}
	edges->rows[edges->n++] =
		(struct edge){ is_thread ? 0 : node->function, node->name, id, 0 };
	*place = (uint32_t)edges->n;
}

static void weigh_edge(struct edges *edges, const struct tree_node *node, uint32_t id,
		       uint64_t weight)
{
	bool is_thread = node->flags & TREE_THREAD || id == 0;
	add_edge(edges, node, id);
	uint32_t place = hash_map_get(&edges->places, (uint64_t)node->function * 2 + is_thread + 1);
	edges->rows[place - 1].weight += weight;
}

/* Is the call into this node also made further up? Its weight is then counted there. */
static bool is_repeated(const struct tree_node *nodes, uint32_t id)
{
	const struct tree_node *callee = &nodes[id], *caller = &nodes[callee->parent];
	if (!(callee->flags & TREE_RECURSIVE))
		return false;
	for (uint32_t at = callee->parent; at; at = nodes[at].parent)
		if (nodes[at].function == callee->function && !(nodes[at].flags & TREE_THREAD) &&
		    nodes[nodes[at].parent].function == caller->function &&
		    (nodes[nodes[at].parent].flags & TREE_THREAD) == (caller->flags & TREE_THREAD))
			return true;
	return false;
}

static bool is_centre(const struct state *state, const struct tree_node *node)
{
	return node->function == state->centre && !(node->flags & TREE_THREAD);
}

static void take_edges(struct state *state)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	clear_edges(&state->callers);
	clear_edges(&state->callees);
	state->inclusive = state->exclusive = 0;
	for (uint32_t i = 1; i < n && state->centre; i++) {
		const struct tree_node *node = &nodes[i], *parent = &nodes[node->parent];
		if (node->flags & TREE_THREAD || node->total == 0)
			continue;
		bool is_counted = !is_repeated(nodes, i);
		if (is_centre(state, node)) {
			state->exclusive += node->self;
			state->inclusive += node->flags & TREE_RECURSIVE ? 0 : node->total;
			if (is_counted)
				weigh_edge(&state->callers, parent, node->parent, node->total);
		}
		if (is_centre(state, parent) && node->parent && is_counted)
			weigh_edge(&state->callees, node, i, node->total);
	}
}

static int heavier(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;
	if (left->weight != right->weight)
		return left->weight > right->weight ? -1 : 1;
	return left->node < right->node ? -1 : left->node > right->node;
}

static void sort_edges(struct edges *edges)
{
	if (edges->n)
		qsort(edges->rows, edges->n, sizeof *edges->rows, heavier);
}

/* The tree's own number for the chosen function; without a choice the hottest one. */
static void find_centre(struct state *state, const struct view_context *context)
{
	struct tree_function hottest;
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	if (!context->focus->function && tree_functions(state->tree, &hottest, 1) == 1)
		context->focus->function = hottest.function;
	state->chosen = context->focus->function;
	state->centre = 0;
	if (!state->chosen)
		return;
	const struct function_row *row = recording_function(context->recording, state->chosen);
	for (uint32_t i = 1; i < n && !state->centre; i++)
		if (nodes[i].name == row->name && !(nodes[i].flags & TREE_THREAD) &&
		    recording_function(context->recording, nodes[i].function)->module ==
			    row->module)
			state->centre = nodes[i].function;
}

/* ---- layout */

static size_t rows_of_callers(const struct state *state)
{
	size_t rows = state->height > FRAME_ROWS ? (size_t)(state->height - FRAME_ROWS) : 0;
	size_t half = rows / 2,
	       spare = state->callees.n < rows - half ? rows - state->callees.n : half;
	return state->callers.n < spare ? state->callers.n : spare;
}

static size_t rows_of_callees(const struct state *state)
{
	size_t rows = state->height > FRAME_ROWS ? (size_t)(state->height - FRAME_ROWS) : 0;
	return rows - rows_of_callers(state);
}

static void show_place(struct edges *edges, size_t at, size_t rows)
{
	if (at < edges->first)
		edges->first = at;
	if (rows > 0 && at >= edges->first + rows)
		edges->first = at - rows + 1;
	if (edges->first + rows > edges->n)
		edges->first = edges->n > rows ? edges->n - rows : 0;
}

static void keep_visible(struct state *state)
{
	size_t selected = state->list.selected;
	bool is_caller = selected < state->callers.n;
	show_place(&state->callers, is_caller ? selected : state->callers.first,
		   rows_of_callers(state));
	show_place(&state->callees, is_caller ? state->callees.first : selected - state->callers.n,
		   rows_of_callees(state));
}

/* ---- columns */

static const struct edge *edge_at(const struct state *state, size_t row)
{
	return row < state->callers.n ? &state->callers.rows[row]
				      : &state->callees.rows[row - state->callers.n];
}

static unsigned group_of(const void *of, size_t row)
{
	return row >= ((const struct lent *)of)->state->callers.n;
}

static uint64_t identity_of(const void *of, size_t row)
{
	const struct edge *edge = edge_at(((const struct lent *)of)->state, row);
	uint64_t what =
		edge->function ? (uint64_t)edge->function << 1 : (uint64_t)edge->name << 33 | 1;
	return what << 1 | group_of(of, row);
}

static double value_of(const void *of, size_t row, int column)
{
	(void)column; /* all are of one weight */
	return (double)edge_at(((const struct lent *)of)->state, row)->weight;
}

/* A thread's name may be made in the frame's memory, so its name alone sorts it. */
static const char *text_of(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	const struct edge *edge = edge_at(lent->state, row);
	if (column == COLUMN_NAME)
		return recording_string_at(lent->recording, edge->name);
	if (!edge->function)
		return "";
	return imported_module(lent->recording,
			       recording_function(lent->recording, edge->function)->module);
}

static int find_columns(const struct state *state, struct list_column *columns)
{
	const struct list_column usual[] = {
		{ "share", "of it", "share of the function's time", COLUMN_SHARE, 9, 0, 0 },
		{ "all", "of all", "share of all time", COLUMN_ALL, 9, 1, 0 },
		{ "time", "time", "in the event's unit", COLUMN_TIME, 9, 2, LIST_EXTRA },
		{ "bar", "", "the share as a bar", COLUMN_BAR, state->width > 90 ? 20 : 8, 4,
		  LIST_UNSORTED },
		{ "name", "function", "who calls, or is called", COLUMN_NAME, LEAST_NAME, 0,
		  LIST_TEXT | LIST_FILLS },
		{ "module", "module", "the file that the code is in", COLUMN_MODULE,
		  state->width / 4, 3, LIST_TEXT },
	};
	memcpy(columns, usual, sizeof usual);
	return (int)(sizeof usual / sizeof usual[0]);
}

static void show(struct state *state, const struct view_context *context)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	struct lent lent = { state, context->recording };
	struct list_rows rows = { .of = &lent,
				  .n = state->callers.n + state->callees.n,
				  .sort = "share",
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of,
				  .group = group_of };
	struct list_frame frame = { state->width, -1, 1, state->height - 1 };
	list_update(&state->list, &rows, columns, find_columns(state, columns), &frame);
	keep_visible(state);
}

static bool callers_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	struct tree_options options = { .root = TREE_ROOT_NAME };
	bool is_changed = window_tree(&state->tree, &options, context);
	is_changed |= tree_update(state->tree);
	if (is_changed || context->focus->function != state->chosen) {
		find_centre(state, context);
		take_edges(state);
		sort_edges(&state->callers);
		sort_edges(&state->callees);
		is_changed = true;
	}
	is_changed |= state->list.is_changed || state->width != context->width ||
		      state->height != context->height;
	state->width = context->width;
	state->height = context->height;
	if (is_changed)
		show(state, context);
	return is_changed;
}

/* ---- drawing */

static void draw_name(const struct lent *lent, const struct edge *edge, const struct canvas *cell)
{
	char label[160];
	list_put(cell, edge->function ? MEANING_TEXT : MEANING_DIM,
		 edge->node ? tree_node_name(lent->state->tree, edge->node, label, sizeof label)
			    : "nothing above it");
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct lent *lent = of;
	const struct state *state = lent->state;
	const struct edge *edge = edge_at(state, row);
	char text[TEXT_BYTES];
	uint32_t n;
	double whole = (double)tree_nodes(state->tree, &n)[0].total;
	double ratio = (double)edge->weight / (double)state->inclusive;
	const struct series_row *series =
		recording_series(lent->recording, tree_series(state->tree));
	switch (column) {
	case COLUMN_BAR:
		canvas_bar(cell, 0, 0, cell->width, ratio);
		return;
	case COLUMN_NAME:
		draw_name(lent, edge, cell);
		return;
	case COLUMN_MODULE:
		list_put(cell, MEANING_DIM,
			 edge->function ? text_of(of, row, column) : "a thread begins");
		return;
	case COLUMN_TIME:
		text_value(text, sizeof text, (double)edge->weight,
			   recording_string_at(lent->recording, series->unit));
		break;
	default:
		text_ratio(text, sizeof text,
			   column == COLUMN_SHARE ? ratio : (double)edge->weight / whole);
		break;
	}
	list_put_right(cell, MEANING_TEXT, text);
}

static int draw_edges(const struct state *state, const struct list_drawing *drawing, int y,
		      const struct edges *edges, size_t rows)
{
	size_t before = edges == &state->callers ? 0 : state->callers.n;
	for (size_t i = edges->first; i < edges->n && i < edges->first + rows; i++, y++)
		list_draw_row(drawing, y, before + i);
	return y;
}

static void draw_header(const struct list_drawing *drawing, int y, const char *what,
			const struct edges *edges, size_t rows)
{
	char title[LIST_TITLE_BYTES];
	if (edges->n > rows && rows > 0)
		snprintf(title, sizeof title, "%s  %zu-%zu of %zu", what, edges->first + 1,
			 edges->first + rows, edges->n);
	else
		snprintf(title, sizeof title, "%s%s", what, edges->n ? "" : "  nothing");
	list_draw_header(drawing, y, title);
}

static void draw_centre(const struct state *state, const struct view_context *context,
			const struct canvas *canvas, int y)
{
	char with[TEXT_BYTES], self[TEXT_BYTES], value[TEXT_BYTES];
	uint32_t n;
	double whole = (double)tree_nodes(state->tree, &n)[0].total;
	const struct series_row *series =
		recording_series(context->recording, tree_series(state->tree));
	canvas_fill(canvas, 0, y, canvas->width, MEANING_TITLE, 0);
	int x = canvas_print(
		canvas, 0, y, MEANING_TITLE, "%9s %9s %s itself, %s  ",
		text_value(value, sizeof value, (double)state->inclusive,
			   recording_string_at(context->recording, series->unit)),
		text_ratio(with, sizeof with, (double)state->inclusive / whole),
		text_ratio(self, sizeof self, (double)state->exclusive / (double)state->inclusive),
		origin_glyph(series->origin));
	canvas_text(
		canvas, x, y, canvas->width - x, MEANING_TITLE,
		recording_string_at(context->recording,
				    recording_function(context->recording, state->chosen)->name));
}

static void callers_draw(const void *opaque, const struct view_context *context,
			 const struct canvas *canvas)
{
	const struct state *state = opaque;
	if (!state->chosen || !state->centre) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    state->chosen ? "The chosen function has no samples in this window; "
					    "Esc goes back."
					  : process_words_none(context, "No sample yet."));
		return;
	}
	size_t above = rows_of_callers(state), below = rows_of_callees(state);
	struct lent lent = { state, context->recording };
	struct list_drawing drawing = { &state->list, canvas, &lent, draw_cell };
	draw_header(&drawing, 0, "called by", &state->callers, above);
	int y = draw_edges(state, &drawing, 1, &state->callers, above);
	draw_centre(state, context, canvas, y++);
	draw_header(&drawing, y++, "calls", &state->callees, below);
	draw_edges(state, &drawing, y, &state->callees, below);
}

/* ---- keys */

static const struct edge *selected_edge(const struct state *state)
{
	return state->list.n ? edge_at(state, list_row(&state->list)) : NULL;
}

static unsigned enter(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	const struct edge *edge = selected_edge(state);
	(void)input;
	if (!edge || !edge->function)
		return REACTION_REDRAW;
	if (state->n_steps == MOST_STEPS)
		memmove(state->steps, state->steps + 1,
			(size_t)--state->n_steps * sizeof state->steps[0]);
	state->steps[state->n_steps++] = state->chosen;
	context->focus->function = edge->function;
	list_forget(&state->list);
	state->callers.first = state->callees.first = 0;
	return REACTION_REDRAW;
}

static unsigned back(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)input;
	if (state->n_steps == 0)
		return context->pattern ? REACTION_NONE : REACTION_BACK;
	context->focus->function = state->steps[--state->n_steps];
	return REACTION_REDRAW;
}

/* The cells of the two lists; see callers_draw. */
static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	long above = (long)rows_of_callers(state), row = input->y - 1;
	size_t place = SIZE_MAX;
	(void)context;
	state->list.has_hit_row = false;
	if (row == -1 || row == above + 1)
		list_click_header(&state->list, input->x);
	else if (row >= 0 && row < above)
		place = state->callers.first + (size_t)row;
	else if (row > above + 1 && row < above + 2 + (long)rows_of_callees(state))
		place = state->callers.n + state->callees.first + (size_t)(row - above - 2);
	if (place < state->list.n) {
		list_select(&state->list, place);
		state->list.has_hit_row = true;
	}
	return REACTION_REDRAW;
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)input;
	(void)context;
	return ((struct state *)opaque)->chosen ? REACTION_TO_FLAME : REACTION_REDRAW;
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	return recording_string_at(context->recording,
				   recording_function(context->recording, state->chosen)->name);
}

static unsigned to_lines(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)input;
	(void)context;
	return ((struct state *)opaque)->chosen ? REACTION_TO_LINES : REACTION_REDRAW;
}

static void callers_close(void *opaque)
{
	struct state *state = opaque;
	tree_close(state->tree);
	clear_edges(&state->callers);
	clear_edges(&state->callees);
	free(state->callers.rows);
	free(state->callees.rows);
	list_free(&state->list);
}

static struct list *callers_list(void *opaque)
{
	return &((struct state *)opaque)->list;
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "to the middle: the selected function", enter,
	  true },
	{ KEY_ESCAPE, KEY_DELETE_BACK, "Esc", "back one step", back, true },
	{ 'a', 0, "a", "annotate: its source lines with their time", to_lines, true },
	{ 's', 0, "s", "show in the flame graph", to_flame, true },
	{ KEY_CLICK, 0, "click", "select; on a header: sort by it, again: invert", click, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	(void)opaque;
	return subject_of_function(context->recording, context->focus->function);
}

static size_t callers_held_bytes(const void *opaque)
{
	return tree_bytes(((const struct state *)opaque)->tree);
}

const struct view view_callers = {
	.name = "callers",
	.title = "Callers",
	.summary = "one function between its callers and its callees, with their shares",
	.order = 10,
	.follows_process = true,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = callers_update,
	.draw = callers_draw,
	.chosen = chosen,
	.subject = subject,
	.close = callers_close,
	.held_bytes = callers_held_bytes,
	.list = callers_list,
};
