/*
 * The flame graph, icicle-wise: callers above callees, the width of a box its share of the time.
 * Boxes keep first-seen order, so a live graph does not jump. Kernel, inlined, JIT and special
 * frames have colours and marks of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/flame_state.h"

/* A frozen picture stays as it was, however it is looked at. */
static uint64_t end_of_window(const struct flame_state *state)
{
	if (!state->is_frozen)
		return state->to_ns;
	return state->to_ns && state->to_ns < state->frozen_ns ? state->to_ns : state->frozen_ns;
}

static struct tree_options options_of(struct flame_state *state, const struct view_context *context)
{
	struct tree_options options = state->look.options;
	state->from_ns = context->focus->from_ns;
	state->to_ns = context->focus->to_ns;
	options.from_ns = state->from_ns;
	options.to_ns = end_of_window(state);
	options.only = state->only = context->focus->only;
	if (state->is_decaying) {
		options.weigh = flame_weigh_decayed;
		options.weigh_context = state;
	}
	options.pattern = state->look.is_filtered ? context->pattern : NULL;
	return options;
}

void flame_open_tree(struct flame_state *state, const struct view_context *context)
{
	struct tree_options options = options_of(state, context);
	struct flame_side *other = &state->other;
	tree_sums_close(state->sums);
	state->sums = NULL;
	flame_forget_changes(state);
	tree_close(state->tree);
	tree_close(other->tree);
	other->tree = NULL;
	other->zoom = 0;
	other->selected = options.focus ? 1 : 0; /* a sandwich's function */
	other->scroll = state->scroll = 0;
	state->look.is_upper = false;
	if (options.focus) {
		options.root = TREE_ROOT_NONE;
		options.is_inverted = true;
		other->tree = tree_open(context->recording, &options);
		options.is_inverted = false;
		tree_update(other->tree);
	}
	state->tree = tree_open(context->recording, &options);
	tree_update(state->tree);
	state->generation++;
	state->look.generation = state->generation;
	state->look.zoom = 0;
	state->look.selected = options.focus ? 1 : 0;
	state->n_inside = state->n_found = 0; /* of the tree before */
	state->must_lay_out = true;
}

void flame_swap_sides(struct flame_state *state)
{
	struct flame_side swap = { state->tree,      state->flame,         state->diff,
				   state->look.zoom, state->look.selected, state->scroll };
	state->tree = state->other.tree;
	state->flame = state->other.flame;
	state->diff = state->other.diff;
	state->look.zoom = state->other.zoom;
	state->look.selected = state->other.selected;
	state->scroll = state->other.scroll;
	state->other = swap;
	tree_sums_close(state->sums); /* they are of one tree */
	state->sums = NULL;
	state->look.is_upper = !state->look.is_upper;
	state->n_inside = state->n_found = 0; /* they are of one tree */
}

const struct tree_node *flame_node_at(const struct flame_state *state, uint32_t node)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	return &nodes[node < n ? node : 0];
}

/* ---- search */

static bool is_match(struct flame_state *state, const struct view_context *context,
		     const struct tree_node *node)
{
	if (!context->pattern || node->flags & TREE_THREAD || node->function == 0)
		return false;
	if (node->function >= state->n_matches) {
		uint64_t n = (node->function + 1024u) / 1024 * 1024;
		state->matches = reallocate(state->matches, n, 1);
		memset(state->matches + state->n_matches, 0, n - state->n_matches);
		state->n_matches = n;
	}
	uint8_t *known = &state->matches[node->function];
	if (!*known)
		*known = regexec(context->pattern,
				 recording_string_at(context->recording, node->name), 0, NULL,
				 0) == 0
				 ? 2
				 : 1;
	return *known == 2;
}

static void forget_matches(struct flame_state *state)
{
	if (state->n_matches)
		memset(state->matches, 0, state->n_matches);
	state->n_inside = state->n_found = 0;
}

static void push_found(struct flame_state *state, uint32_t node)
{
	if (state->n_found == state->found_capacity) {
		state->found_capacity = state->found_capacity ? state->found_capacity * 2 : 256;
		state->found = reallocate(state->found, state->found_capacity, sizeof(uint32_t));
	}
	state->found[state->n_found++] = node;
}

/* Nodes that have come since the last time; a caller has a smaller number. */
static void look_at_new_nodes(struct flame_state *state, const struct view_context *context,
			      const struct tree_node *nodes, uint32_t n)
{
	if (n > state->inside_capacity) {
		state->inside_capacity = n + n / 2;
		state->is_inside = reallocate(state->is_inside, state->inside_capacity, 1);
	}
	for (; state->n_inside < n; state->n_inside++) {
		uint32_t i = state->n_inside;
		bool is_above = i > 0 && state->is_inside[nodes[i].parent];
		bool is_found = i > 0 && is_match(state, context, &nodes[i]);
		state->is_inside[i] = is_above || is_found;
		if (is_found && !is_above)
			push_found(state, i);
	}
}

/* Weight of all stacks through a matching function, each counted once. */
static void sum_matches(struct flame_state *state, const struct view_context *context)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	state->matched = 0;
	if (!context->pattern)
		return;
	look_at_new_nodes(state, context, nodes, n);
	for (uint32_t i = 0; i < state->n_found; i++)
		state->matched += nodes[state->found[i]].total;
}

static void note_search(struct flame_state *state, const struct view_context *context)
{
	if (strncmp(state->searched, context->search, sizeof state->searched - 1) == 0)
		return;
	snprintf(state->searched, sizeof state->searched, "%s", context->search);
	forget_matches(state);
	state->must_lay_out = true;
	if (state->look.is_filtered) {
		state->look.is_filtered = context->pattern != NULL;
		flame_open_tree(state, context);
	}
}

bool flame_is_found(const struct flame_state *state, const struct view_context *context,
		    const struct tree_node *node)
{
	return context->pattern && !(node->flags & TREE_THREAD) &&
	       node->function < state->n_matches && state->matches[node->function] == 2;
}

/* ---- layout */

int flame_rows_shown(const struct flame_state *state)
{
	return state->height > FLAME_FOOTER_ROWS ? state->height - FLAME_FOOTER_ROWS
						 : state->height;
}

struct flame_place flame_place(const struct flame_state *state, bool is_upper)
{
	int rows = flame_rows_shown(state);
	if (!state->other.tree)
		return (struct flame_place){ 0, rows, 0, state->is_upwards };
	const struct flame *upper = state->look.is_upper ? &state->flame : &state->other.flame;
	const struct flame *lower = state->look.is_upper ? &state->other.flame : &state->flame;
	/* Above is no row for everything and none for the function itself, which is below. */
	int above = upper->n_rows > 2 ? upper->n_rows - 2 : 0;
	int below = lower->n_rows > 1 ? lower->n_rows - 1 : 0;
	int most = below < rows - rows / 2 ? rows - below : rows / 2;
	above = above > most ? most : above;
	if (is_upper)
		return (struct flame_place){ 0, above, 2, true };
	return (struct flame_place){ above, rows - above, 1, false };
}

int flame_to_screen(const struct flame_place *place, int scroll, int row)
{
	int at = row - place->first - scroll;
	if (at < 0 || at >= place->rows)
		return -1;
	return place->is_upwards ? place->top + place->rows - 1 - at : place->top + at;
}

int flame_from_screen(const struct flame_place *place, int scroll, int y)
{
	int at = place->is_upwards ? place->top + place->rows - 1 - y : y - place->top;
	return at < 0 || at >= place->rows ? -1 : at + place->first + scroll;
}

static int in_range(int value, int most)
{
	value = value > most ? most : value;
	return value < 0 ? 0 : value;
}

static void keep_selected_visible(struct flame_state *state)
{
	long at = flame_of_node(&state->flame, state->look.selected);
	struct flame_place place = flame_place(state, state->look.is_upper);
	if (at >= 0) {
		int row = state->flame.boxes[at].y - place.first;
		if (row < state->scroll)
			state->scroll = row;
		if (row >= state->scroll + place.rows)
			state->scroll = row - place.rows + 1;
	}
	state->scroll = in_range(state->scroll, state->flame.n_rows - place.first - place.rows);
	if (!state->other.tree)
		return;
	place = flame_place(state, !state->look.is_upper);
	state->other.scroll =
		in_range(state->other.scroll, state->other.flame.n_rows - place.first - place.rows);
}

/* ---- modules: each keeps its letter, so that colours do not change while the view is live */

char flame_letter(const struct flame_state *state, uint32_t module)
{
	for (int i = 0; i < state->n_modules; i++)
		if (state->modules[i] == module)
			return (char)('a' + i);
	return '\0';
}

static void add_modules(struct flame_state *state, const struct view_context *context,
			int least_width)
{
	for (size_t i = 0; i < state->flame.n_boxes; i++) {
		const struct flame_box *box = &state->flame.boxes[i];
		const struct tree_node *node = flame_node_at(state, box->node);
		if (node->flags & (TREE_THREAD | TREE_SPECIAL) || node->depth == 0 ||
		    box->width < least_width || state->n_modules == FLAME_MOST_MODULES)
			continue;
		uint32_t module = recording_function(context->recording, node->function)->module;
		if (module && !flame_letter(state, module))
			state->modules[state->n_modules++] = module;
	}
}

uint32_t flame_hottest_leaf(const struct flame_state *state)
{
	uint32_t n, node = state->look.zoom;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	for (;;) {
		uint32_t best = 0;
		for (uint32_t child = nodes[node].first_child; child;
		     child = nodes[child].next_sibling)
			if (!best || nodes[child].total > nodes[best].total)
				best = child;
		if (!best || nodes[best].total <= nodes[node].self)
			return node;
		node = best;
	}
}

static bool take_new_samples(struct flame_state *state)
{
	if (state->is_frozen)
		return false;
	bool is_changed = state->other.tree && tree_update(state->other.tree);
	return tree_update(state->tree) || is_changed;
}

static void lay_out(struct flame_state *state, const struct view_context *context)
{
	if (state->is_following)
		state->look.selected = flame_hottest_leaf(state);
	flame_layout(&state->flame, state->tree, state->look.zoom, context->width);
	if (state->other.tree)
		flame_layout(&state->other.flame, state->other.tree, state->other.zoom,
			     context->width);
	else
		state->other.flame.n_boxes = 0;
	keep_selected_visible(state);
	if (state->colour == FLAME_BY_MODULE) {
		add_modules(state, context, context->width / 8); /* the weighty ones first */
		add_modules(state, context, 1);
	}
	flame_take_rates(state, context);
	flame_take_changes(state, context);
}

bool flame_update(void *opaque, const struct view_context *context)
{
	struct flame_state *state = opaque;
	if (!state->tree)
		state->look.options.root = TREE_ROOT_NAME;
	note_search(state, context);
	if (!state->tree || state->from_ns != context->focus->from_ns ||
	    state->to_ns != context->focus->to_ns ||
	    !thread_choice_is_same(&state->only, &context->focus->only))
		flame_open_tree(state, context);
	bool is_changed = flame_decay(state, context);
	is_changed |= take_new_samples(state);
	is_changed |= state->must_lay_out || state->width != context->width ||
		      state->height != context->height || flame_has_other_sides(state, context);
	if (!is_changed)
		return false;
	state->width = context->width;
	state->height = context->height;
	state->must_lay_out = false;
	sum_matches(state, context);
	lay_out(state, context);
	return true;
}

/* What `*` searches for. */
static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct flame_state *state = opaque;
	return recording_string_at(context->recording,
				   flame_node_at(state, state->look.selected)->name);
}

void flame_close(void *opaque)
{
	struct flame_state *state = opaque;
	tree_sums_close(state->sums);
	flame_forget_changes(state);
	tree_close(state->tree);
	tree_close(state->other.tree);
	flame_free(&state->flame);
	flame_free(&state->other.flame);
	free(state->matches);
	free(state->is_inside);
	free(state->found);
}

size_t flame_held_bytes(const void *opaque)
{
	const struct flame_state *state = opaque;
	return tree_bytes(state->tree) + tree_bytes(state->other.tree) +
	       flame_diff_bytes(state->diff) + flame_diff_bytes(state->other.diff);
}

static struct view_subject subject_of_root(const struct flame_state *state,
					   const struct view_context *context,
					   const struct tree_node *node)
{
	const char *name = recording_string_at(context->recording, node->name);
	if (state->look.options.root != TREE_ROOT_PHASE)
		return (struct view_subject){ .kind = SUBJECT_THREAD, .name = name };
	return (struct view_subject){ .kind = SUBJECT_PHASE,
				      .id = node->name,
				      .name = node->name ? name : "[no phase]" };
}

struct view_subject flame_subject(const void *opaque, const struct view_context *context)
{
	const struct flame_state *state = opaque;
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	if (node->depth == 0)
		return (struct view_subject){ 0 };
	struct view_subject subject =
		node->flags & TREE_THREAD ? subject_of_root(state, context, node)
					  : subject_of_function(context->recording, node->function);
	if (state->diff)
		flame_set_change(state, &subject);
	return subject;
}

const struct view view_flame = {
	.name = "flame",
	.title = "Flame",
	.summary = "where the time goes, by call stack",
	.order = 2,
	.follows_process = true,
	.state_bytes = sizeof(struct flame_state),
	.bindings = flame_bindings,
	.update = flame_update,
	.draw = flame_draw,
	.chosen = chosen,
	.subject = flame_subject,
	.close = flame_close,
	.held_bytes = flame_held_bytes,
};
