/* Functions by their own time or by their time with callees; or as a tree of calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/actions.h"
#include "tui/functions_state.h"
#include "tui/window.h"

static void choose(struct functions_state *state, const struct view_context *context)
{
	state->n_shown = 0;
	for (size_t i = 0; i < state->n_functions; i++) {
		const char *name =
			recording_string_at(context->recording, state->functions[i].name);
		if (!context->pattern || regexec(context->pattern, name, 0, NULL, 0) == 0)
			state->shown[state->n_shown++] = state->functions[i];
	}
}

/* ---- taking in */

static void take_rates(struct functions_state *state, const struct view_context *context)
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
static bool open_tree(struct functions_state *state, const struct view_context *context)
{
	struct tree_options options = { .root = state->root,
					.series = state->series,
					.only_module = state->only_module };
	if (state->tree && window_differs(state->tree, context->focus)) {
		tree_sums_close(state->sums);
		state->sums = NULL;
	}
	if (!window_tree(&state->tree, &options, context))
		return false;
	functions_tree_forget(&state->rows);
	return true;
}

static bool functions_update(void *opaque, const struct view_context *context)
{
	struct functions_state *state = opaque;
	if (!state->tree && !state->root)
		state->root = TREE_ROOT_NAME;
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
	bool is_searched =
		strncmp(state->searched, context->search, sizeof state->searched - 1) != 0;
	is_changed |= state->list.is_changed || state->must_draw || is_searched ||
		      state->width != context->width || state->height != context->height;
	if (!is_changed)
		return false;
	if (is_searched)
		functions_tree_forget(&state->rows);
	state->must_draw = false;
	snprintf(state->searched, sizeof state->searched, "%s", context->search);
	state->width = context->width;
	state->height = context->height;
	choose(state, context);
	functions_show(state, context);
	return true;
}

/* ---- keys */

/* Another event, module or root needs another tree. */
static unsigned open_another(struct functions_state *state)
{
	tree_sums_close(state->sums);
	tree_close(state->tree);
	state->sums = NULL;
	state->tree = NULL;
	functions_tree_forget(&state->rows);
	list_forget(&state->list);
	state->list.n = 0; /* its rows are of the tree that has gone */
	return REACTION_REDRAW;
}

static unsigned next_event(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct functions_state *state = opaque;
	(void)input;
	if (!state->rates.n_sums)
		return REACTION_REDRAW;
	state->series = rates_next_event(context->recording, tree_series(state->tree));
	return open_another(state);
}

static unsigned only_module(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct functions_state *state = opaque;
	struct functions_row row;
	(void)input;
	if (state->only_module)
		state->only_module = 0;
	else if (functions_selected(state, context->recording, &row) && row.module)
		state->only_module = row.module;
	else
		return REACTION_REDRAW;
	return open_another(state);
}

/* A list of functions knows no roots, so that is asked of the tree. */
static unsigned split(void *opaque, const struct view_context *context, const struct input *input)
{
	struct functions_state *state = opaque;
	(void)context;
	(void)input;
	state->is_tree = true;
	state->root = state->root == TREE_ROOT_NAME      ? TREE_ROOT_PROCESS
		      : state->root == TREE_ROOT_PROCESS ? TREE_ROOT_THREAD
		      : state->root == TREE_ROOT_THREAD  ? TREE_ROOT_PHASE
							 : TREE_ROOT_NAME;
	return open_another(state);
}

/* ---- the tree */

static unsigned changed(struct functions_state *state)
{
	state->must_draw = true;
	return REACTION_REDRAW;
}

/* Where most of a function's time is; 0 if it is nowhere. */
static uint32_t hottest_call(const struct functions_state *state, uint32_t function)
{
	uint32_t n, best = 0;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	for (uint32_t i = 1; i < n; i++)
		if (!(nodes[i].flags & TREE_THREAD) && nodes[i].function == function &&
		    (!best || nodes[i].total > nodes[best].total))
			best = i;
	return best;
}

/* What is around it opens, so that it can be seen. */
static void open_around(struct functions_state *state, uint32_t node)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	for (uint32_t at = node ? nodes[node].parent : 0; at; at = nodes[at].parent)
		functions_tree_set(&state->rows, at, true);
}

/* The function that was selected still is. */
static unsigned tree_or_flat(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct functions_state *state = opaque;
	struct functions_row row;
	bool is_any = functions_selected(state, context->recording, &row) && !row.is_thread;
	bool was_moved = state->list.is_moved;
	(void)input;
	state->is_tree = !state->is_tree;
	state->list.n = 0; /* rows mean something else */
	list_forget(&state->list);
	uint32_t node = state->is_tree && is_any ? hottest_call(state, row.function) : 0;
	if (was_moved && is_any) {
		open_around(state, node);
		state->list.is_moved = true;
		state->list.identity = state->is_tree ? node : row.function;
	}
	return changed(state);
}

static const struct functions_tree_row *selected_branch(const struct functions_state *state)
{
	return state->is_tree && state->list.n ? &state->rows.rows[list_row(&state->list)] : NULL;
}

static unsigned open_branch(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct functions_state *state = opaque;
	const struct functions_tree_row *row = selected_branch(state);
	if (!state->is_tree)
		return tree_or_flat(opaque, context, input);
	if (row && row->is_open) /* on to what is in it */
		list_go(&state->list, 1);
	else if (row && row->has_children)
		functions_tree_set(&state->rows, row->node, true);
	return changed(state);
}

/* What is closed already, or has nothing in it: back to what it is in. */
static unsigned close_branch(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct functions_state *state = opaque;
	const struct functions_tree_row *row = selected_branch(state);
	(void)context;
	(void)input;
	if (!row)
		return REACTION_REDRAW;
	if (row->is_open) {
		functions_tree_set(&state->rows, row->node, false);
		return changed(state);
	}
	for (size_t place = state->list.selected; place-- > 0;)
		if (state->rows.rows[state->list.entries[place].row].level < row->level) {
			list_select(&state->list, place);
			break;
		}
	return changed(state);
}

static unsigned turn_branch(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	const struct functions_tree_row *row = selected_branch(opaque);
	if (row && row->is_open)
		return close_branch(opaque, context, input);
	return open_branch(opaque, context, input);
}

static unsigned open_all(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct functions_state *state = opaque;
	(void)context;
	(void)input;
	state->list.n = state->is_tree ? state->list.n : 0;
	state->is_tree = true;
	functions_tree_set_all(&state->rows, TREE_ALL_OPEN);
	return changed(state);
}

static unsigned close_all(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct functions_state *state = opaque;
	(void)context;
	(void)input;
	functions_tree_set_all(&state->rows, TREE_ALL_CLOSED);
	return changed(state);
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct functions_state *state = opaque;
	struct functions_row row;
	(void)input;
	return functions_selected(state, context->recording, &row) ? REACTION_TO_FLAME
								   : REACTION_REDRAW;
}

static uint32_t selected_function(const struct functions_state *state,
				  const struct view_context *context)
{
	struct functions_row row;
	bool is_any = functions_selected(state, context->recording, &row) && !row.is_thread;
	return is_any ? row.function : 0;
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)input;
	return action_go(context, selected_function(opaque, context), REACTION_TO_CALLERS);
}

static unsigned to_lines(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)input;
	return action_go(context, selected_function(opaque, context), REACTION_TO_LINES);
}

/* In the list: where most of the function's time is. */
static unsigned only_process(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct functions_state *state = opaque;
	struct functions_row row;
	const struct functions_tree_row *branch = selected_branch(state);
	(void)input;
	if (functions_selected(state, context->recording, &row))
		window_only(context, state->tree,
			    branch ? branch->node : hottest_call(state, row.function));
	return changed(state);
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	struct functions_row row;
	bool is_any = functions_selected(opaque, context->recording, &row);
	return is_any ? recording_string_at(context->recording, row.name) : "";
}

static void functions_close(void *opaque)
{
	struct functions_state *state = opaque;
	tree_sums_close(state->sums);
	tree_close(state->tree);
	free(state->functions);
	free(state->shown);
	functions_tree_free(&state->rows);
	list_free(&state->list);
}

static struct list *functions_list(void *opaque)
{
	return &((struct functions_state *)opaque)->list;
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ 'c', 's', "c", "callers and callees", to_callers, true },
	{ 'a', 0, "a", "annotate: its source lines with their time", to_lines, false },
	{ '/', KEY_FUNCTION_4, "/", "keep only what matches", action_search, true },
	{ 't', KEY_FUNCTION_5, "t", "tree or flat: calls that open and close; also F5",
	  tree_or_flat, true },
	{ '+', KEY_ARROW_RIGHT, "+", "open what is selected in the tree", open_branch, false },
	{ '-', KEY_ARROW_LEFT, "-", "close it, or go to what it is in", close_branch, false },
	{ ' ', 0, "Space", "open or close it", turn_branch, false },
	{ 'E', '*', "E", "everything open", open_all, false },
	{ 'C', '_', "C", "everything closed", close_all, false },
	{ 'p', 0, "p", "split the tree by name, process, thread, phase", split, false },
	{ 'W', 0, "W", "whose: only the process it runs in, or all again", only_process, false },
	{ 'M', 'd', "M", "only the module of the selected function, or all", only_module, false },
	{ KEY_FUNCTION_3, '\\', "F3", "keep only what matches", action_search, false },
	{ 'w', 0, "w", "by the next event that was sampled", next_event, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct functions_state *state = opaque;
	struct functions_row row;
	if (!functions_selected(state, context->recording, &row))
		return (struct view_subject){ 0 };
	if (!row.is_thread)
		return subject_of_function(context->recording, row.function);
	return (struct view_subject){
		.kind = state->root == TREE_ROOT_PHASE ? SUBJECT_PHASE : SUBJECT_THREAD,
		.id = state->root == TREE_ROOT_PHASE ? row.name : 0,
		.name = row.name ? recording_string_at(context->recording, row.name) : "[no phase]",
	};
}

static size_t functions_held_bytes(const void *opaque)
{
	return tree_bytes(((const struct functions_state *)opaque)->tree);
}

const struct view view_functions = {
	.name = "functions",
	.title = "Functions",
	.summary = "functions by their own time and with callees, or as a tree of calls",
	.order = 3,
	.follows_process = true,
	.state_bytes = sizeof(struct functions_state),
	.bindings = bindings,
	.update = functions_update,
	.draw = functions_draw,
	.chosen = chosen,
	.subject = subject,
	.close = functions_close,
	.held_bytes = functions_held_bytes,
	.list = functions_list,
};
