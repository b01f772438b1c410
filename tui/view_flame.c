/*
 * The flame graph, icicle-wise: callers above callees, the width of a box its share of the time.
 * Boxes keep first-seen order, so a live graph does not jump. Kernel, inlined, JIT and special
 * frames have colours and marks of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/flame_state.h"
#include "tui/window.h"

void flame_open_tree(struct flame_state *state, const struct view_context *context)
{
	tree_close(state->tree);
	state->look.options.from_ns = context->focus->from_ns;
	state->look.options.to_ns = context->focus->to_ns;
	state->tree = tree_open(context->recording, &state->look.options);
	state->generation++;
	state->look.generation = state->generation;
	state->look.zoom = state->look.selected = 0;
	state->n_inside = state->n_found = 0; /* of the tree before */
	state->must_lay_out = true;
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
}

/* ---- layout */

int flame_rows_shown(const struct flame_state *state)
{
	return state->height > FLAME_FOOTER_ROWS ? state->height - FLAME_FOOTER_ROWS
						 : state->height;
}

static void keep_selected_visible(struct flame_state *state)
{
	long at = flame_of_node(&state->flame, state->look.selected);
	int rows = flame_rows_shown(state), most = state->flame.n_rows - rows;
	if (at >= 0) {
		int y = state->flame.boxes[at].y;
		if (y < state->scroll)
			state->scroll = y;
		if (y >= state->scroll + rows)
			state->scroll = y - rows + 1;
	}
	if (state->scroll > most)
		state->scroll = most;
	if (state->scroll < 0)
		state->scroll = 0;
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

static bool flame_update(void *opaque, const struct view_context *context)
{
	struct flame_state *state = opaque;
	if (!state->tree) {
		state->look.options.root = TREE_ROOT_NAME;
		flame_open_tree(state, context);
	} else if (window_differs(state->tree, context->focus)) {
		flame_open_tree(state, context);
	}
	bool is_changed = !state->is_frozen && tree_update(state->tree);
	note_search(state, context);
	is_changed |= state->must_lay_out || state->width != context->width ||
		      state->height != context->height;
	if (!is_changed)
		return false;
	state->width = context->width;
	state->height = context->height;
	state->must_lay_out = false;
	sum_matches(state, context);
	if (state->is_following)
		state->look.selected = flame_hottest_leaf(state);
	flame_layout(&state->flame, state->tree, state->look.zoom, context->width);
	keep_selected_visible(state);
	return true;
}

/* ---- drawing */

static enum meaning meaning_of(const struct view_context *context, const struct tree_node *node)
{
	if (node->flags & TREE_THREAD || node->depth == 0)
		return MEANING_THREAD;
	if (node->flags & TREE_SPECIAL)
		return MEANING_SPECIAL;
	if (node->flags & TREE_KERNEL)
		return MEANING_KERNEL;
	if (node->flags & TREE_INLINED)
		return MEANING_INLINED;
	uint32_t flags = recording_function(context->recording, node->function)->flags;
	return flags & FUNCTION_JIT ? MEANING_JIT : MEANING_USER;
}

bool flame_is_found(const struct flame_state *state, const struct view_context *context,
		    const struct tree_node *node)
{
	return context->pattern && !(node->flags & TREE_THREAD) &&
	       node->function < state->n_matches && state->matches[node->function] == 2;
}

static void draw_box(const struct flame_state *state, const struct view_context *context,
		     const struct canvas *canvas, const struct flame_box *box, int shade)
{
	const struct tree_node *node = flame_node_at(state, box->node);
	char label[160];
	enum meaning meaning = meaning_of(context, node);
	int y = box->y - state->scroll;
	if (flame_is_found(state, context, node))
		meaning = MEANING_MATCH;
	if (box->node == state->look.selected)
		meaning = MEANING_SELECTED;
	canvas_fill(canvas, box->x, y, box->width, meaning, shade);
	/* The mark at a box's left edge parts neighbours where there are no colours. */
	canvas_box_text(canvas, box->x, y, 1, box->n_merged > 1 ? "\u250a" : "\u258f");
	if (box->width > 2)
		canvas_box_text(canvas, box->x + 1, y, box->width - 1,
				tree_node_name(state->tree, box->node, label, sizeof label));
}

static void draw_legend(const struct canvas *canvas, int y)
{
	static const struct {
		enum meaning meaning;
		const char *text;
	} entries[] = { { MEANING_USER, " user " },       { MEANING_INLINED, " inlined " },
			{ MEANING_KERNEL, " kernel " },   { MEANING_JIT, " jit " },
			{ MEANING_SPECIAL, " [other] " }, { MEANING_MATCH, " found " } };
	int x = 0;
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
		x += canvas_text(canvas, x, y, canvas->width - x, entries[i].meaning,
				 entries[i].text) +
		     1;
	canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM,
		    "\u250a several too narrow to show");
}

static const char *module_of(const struct view_context *context, const struct tree_node *node)
{
	const struct function_row *row = recording_function(context->recording, node->function);
	const char *path = recording_string_at(
		context->recording, recording_module(context->recording, row->module)->path);
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const char *unit_of(const struct flame_state *state, const struct view_context *context)
{
	uint32_t series = tree_series(state->tree);
	return recording_string_at(context->recording,
				   recording_series(context->recording, series)->unit);
}

static void draw_details(const struct flame_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	double whole = (double)flame_node_at(state, 0)->total;
	char self[TEXT_BYTES], total[TEXT_BYTES], value[TEXT_BYTES], count[TEXT_BYTES], label[160];
	bool has_module = node->depth > 0 && !(node->flags & (TREE_THREAD | TREE_SPECIAL));
	int x = canvas_print(
		canvas, 0, y, MEANING_TEXT, "%s with callees (%s), %s itself, %s samples  ",
		text_ratio(total, sizeof total, (double)node->total / whole),
		text_value(value, sizeof value, (double)node->total, unit_of(state, context)),
		text_ratio(self, sizeof self, (double)node->self / whole),
		text_count(count, sizeof count, node->n_self));
	x += canvas_text(canvas, x, y, canvas->width - x, MEANING_HEADER,
			 tree_node_name(state->tree, state->look.selected, label, sizeof label));
	if (has_module)
		canvas_print(canvas, x, y, MEANING_DIM, "  %s", module_of(context, node));
}

static void draw_status(const struct flame_state *state, const struct view_context *context,
			const struct canvas *canvas, int y)
{
	char ratio[TEXT_BYTES];
	int x = 0;
	if (context->pattern)
		x = canvas_print(canvas, 0, y, MEANING_TEXT, "/%s  %s of the time  ",
				 context->search,
				 text_ratio(ratio, sizeof ratio,
					    (double)state->matched /
						    (double)flame_node_at(state, 0)->total));
	if (state->is_frozen)
		x += canvas_print(canvas, x, y, MEANING_WARNING, "frozen  ");
	if (state->is_following)
		x += canvas_print(canvas, x, y, MEANING_DIM, "following the hottest  ");
	if (state->look.options.is_inverted)
		x += canvas_print(canvas, x, y, MEANING_DIM, "bottom-up: callers below  ");
	if (state->look.options.hide_kernel)
		x += canvas_print(canvas, x, y, MEANING_DIM, "kernel hidden  ");
	if (state->look.zoom)
		x += canvas_print(canvas, x, y, MEANING_DIM, "zoomed (Esc)  ");
	if (state->flame.n_rows > flame_rows_shown(state))
		canvas_print(canvas, x, y, MEANING_DIM, "rows %d-%d of %d", state->scroll + 1,
			     state->scroll + flame_rows_shown(state), state->flame.n_rows);
}

static void draw_empty(const struct view_context *context, const struct canvas *canvas)
{
	canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
		    context->is_live ? "Waiting for the first sample; a program that sleeps has "
				       "none."
				     : "No samples were recorded; notes (4) say why.");
}

static void flame_draw(const void *opaque, const struct view_context *context,
		       const struct canvas *canvas)
{
	const struct flame_state *state = opaque;
	int rows = flame_rows_shown(state), shade = 0, last_y = -1;
	if (state->flame.n_boxes == 0) {
		draw_empty(context, canvas);
		return;
	}
	struct canvas graph = canvas_part(canvas, 0, 0, canvas->width, rows);
	for (size_t i = 0; i < state->flame.n_boxes; i++) {
		const struct flame_box *box = &state->flame.boxes[i];
		/* A node's shade is its own, but never its neighbour's. */
		int own = (int)(flame_node_at(state, box->node)->name % N_SHADES);
		shade = box->y == last_y && own == shade ? (own + 1) % N_SHADES : own;
		last_y = box->y;
		if (box->y >= state->scroll && box->y < state->scroll + rows)
			draw_box(state, context, &graph, box, shade);
	}
	if (canvas->height <= FLAME_FOOTER_ROWS)
		return;
	draw_legend(canvas, canvas->height - 3);
	draw_details(state, context, canvas, canvas->height - 2);
	draw_status(state, context, canvas, canvas->height - 1);
}

static void flame_close(void *opaque)
{
	struct flame_state *state = opaque;
	tree_close(state->tree);
	flame_free(&state->flame);
	free(state->matches);
	free(state->is_inside);
	free(state->found);
}

const struct view view_flame = {
	.name = "flame",
	.title = "Flame",
	.summary = "where the time goes, by call stack",
	.order = 2,
	.state_bytes = sizeof(struct flame_state),
	.bindings = flame_bindings,
	.update = flame_update,
	.draw = flame_draw,
	.close = flame_close,
};
