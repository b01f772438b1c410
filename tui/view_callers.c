/*
 * One function between those that call it and those it calls, with their shares of its time. A
 * call counts once a sample, however often recursion repeats it; so with recursion the shares may
 * come to more than all.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/imported.h"
#include "tui/list_keys.h"
#include "tui/view.h"
#include "tui/window.h"

enum {
	MOST_STEPS = 64, /* back from */
	FRAME_ROWS = 3,  /* two headers and the function itself */
	SHARE_COLUMNS = 20,
};

struct edge {
	uint32_t function; /* 0: none, a thread or a process begins here */
	uint32_t name, node;
	uint64_t weight;
};

struct edges {
	struct edge *rows;
	size_t n, capacity, first; /* first: shown */
	struct hash_map places;    /* function and whether it is a thread -> place + 1 */
};

struct state {
	struct tree *tree;
	uint32_t centre; /* as the tree numbers functions; 0 = it has none of that name */
	uint32_t chosen; /* as the focus has it */
	struct edges callers, callees;
	uint64_t inclusive, exclusive;
	size_t selected; /* callers first */
	uint32_t steps[MOST_STEPS];
	int n_steps;
	int width, height;
	bool must_lay_out;
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
	size_t n = state->callers.n + state->callees.n;
	if (state->selected >= n)
		state->selected = n ? n - 1 : 0;
	bool is_caller = state->selected < state->callers.n;
	show_place(&state->callers, is_caller ? state->selected : state->callers.first,
		   rows_of_callers(state));
	show_place(&state->callees,
		   is_caller ? state->callees.first : state->selected - state->callers.n,
		   rows_of_callees(state));
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
	is_changed |= state->must_lay_out || state->width != context->width ||
		      state->height != context->height;
	state->width = context->width;
	state->height = context->height;
	state->must_lay_out = false;
	if (is_changed)
		keep_visible(state);
	return is_changed;
}

/* ---- drawing */

static const char *module_of(const struct view_context *context, uint32_t function)
{
	return imported_module(context->recording,
			       recording_function(context->recording, function)->module);
}

static void draw_edge(const struct state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, const struct edge *edge)
{
	char share[TEXT_BYTES], all[TEXT_BYTES], label[160];
	uint32_t n;
	double whole = (double)tree_nodes(state->tree, &n)[0].total;
	double ratio = (double)edge->weight / (double)state->inclusive;
	int bar = canvas->width > 90 ? 20 : canvas->width > 60 ? 8 : 0;
	int module = canvas->width > 60 ? canvas->width / 4 : 0;
	int name = SHARE_COLUMNS + bar + (bar ? 1 : 0);
	canvas_print(canvas, 0, y, MEANING_TEXT, "%9s %9s", text_ratio(share, sizeof share, ratio),
		     text_ratio(all, sizeof all, (double)edge->weight / whole));
	if (bar)
		canvas_bar(canvas, SHARE_COLUMNS, y, bar, ratio);
	canvas_text(canvas, name, y, canvas->width - name - module - 1,
		    edge->function ? MEANING_TEXT : MEANING_DIM,
		    edge->node ? tree_node_name(state->tree, edge->node, label, sizeof label)
			       : "nothing above it");
	if (module)
		canvas_text(canvas, canvas->width - module, y, module, MEANING_DIM,
			    edge->function ? module_of(context, edge->function)
					   : "a thread begins");
}

static int draw_edges(const struct state *state, const struct view_context *context,
		      const struct canvas *canvas, int y, const struct edges *edges, size_t rows)
{
	size_t before = edges == &state->callers ? 0 : state->callers.n;
	for (size_t i = edges->first; i < edges->n && i < edges->first + rows; i++, y++) {
		draw_edge(state, context, canvas, y, &edges->rows[i]);
		if (before + i == state->selected)
			canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
	}
	return y;
}

static void draw_header(const struct canvas *canvas, int y, const char *what,
			const struct edges *edges, size_t rows)
{
	int x = canvas_print(canvas, 0, y, MEANING_HEADER, " of it %s    of all  %s",
			     edges->n ? "\u25bc" : " ", what);
	if (edges->n > rows)
		canvas_print(canvas, x, y, MEANING_DIM, "  %zu-%zu of %zu", edges->first + 1,
			     edges->first + rows, edges->n);
	else if (edges->n == 0)
		canvas_print(canvas, x, y, MEANING_DIM, "  nothing");
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
					  : "No sample yet.");
		return;
	}
	size_t above = rows_of_callers(state), below = rows_of_callees(state);
	draw_header(canvas, 0, "called by", &state->callers, above);
	int y = draw_edges(state, context, canvas, 1, &state->callers, above);
	draw_centre(state, context, canvas, y++);
	draw_header(canvas, y++, "calls", &state->callees, below);
	draw_edges(state, context, canvas, y, &state->callees, below);
}

/* ---- keys */

static unsigned move(struct state *state, long rows)
{
	state->selected = list_move(state->selected, rows, state->callers.n + state->callees.n);
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	return move(opaque, list_step(input->key, context->height - 1));
}

static const struct edge *selected_edge(const struct state *state)
{
	if (state->selected < state->callers.n)
		return &state->callers.rows[state->selected];
	size_t at = state->selected - state->callers.n;
	return at < state->callees.n ? &state->callees.rows[at] : NULL;
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
	state->selected = state->callers.first = state->callees.first = 0;
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
	(void)context;
	if (row >= 0 && row < above)
		return move(state, (long)state->callers.first + row - (long)state->selected);
	row -= above + 2;
	if (row >= 0 && row < (long)rows_of_callees(state))
		return move(state, (long)(state->callers.n + state->callees.first) + row -
					   (long)state->selected);
	return REACTION_REDRAW;
}

static unsigned double_click(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	click(opaque, context, input);
	return enter(opaque, context, input);
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
}

static const struct binding bindings[] = {
	{ KEY_RETURN, 0, "Enter", "to the middle: the selected function", enter, true },
	{ KEY_ESCAPE, KEY_DELETE_BACK, "Esc", "back one step", back, true },
	{ 'a', 0, "a", "annotate: its source lines with their time", to_lines, true },
	{ 's', 0, "s", "show in the flame graph", to_flame, true },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ KEY_CLICK, 0, "click", "select", click, false },
	{ KEY_DOUBLE_CLICK, 0, "double click", "to the middle", double_click, false },
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
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = callers_update,
	.draw = callers_draw,
	.chosen = chosen,
	.subject = subject,
	.close = callers_close,
	.held_bytes = callers_held_bytes,
};
