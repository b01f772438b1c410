/*
 * The flame graph, icicle-wise: callers above callees, the width of a box its share of the time.
 * Boxes keep first-seen order, so a live graph does not jump. Kernel, inlined, JIT and special
 * frames have colours and marks of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/flame.h"
#include "tui/view.h"

enum {
	MOST_STEPS = 64, /* of undo */
	FOOTER_ROWS = 3, /* legend, details of the selected box, search */
	PAGE_ROWS = 8,
};

/* What undo brings back. */
struct look {
	uint32_t zoom, selected; /* nodes; void when the tree is another one */
	unsigned generation;     /* of the tree */
	struct tree_options options;
};

struct state {
	struct tree *tree;
	unsigned generation;
	struct look look;
	struct look undo[MOST_STEPS], redo[MOST_STEPS];
	int n_undo, n_redo;
	struct flame flame;
	int scroll, width, height;
	bool is_frozen, is_following, must_lay_out;
	/* search: by name, then summed over the tree */
	char searched[256];
	uint8_t *matches; /* by function: 0 = not looked at, 1 = no, 2 = yes */
	uint64_t n_matches;
	uint64_t matched;
};

static void open_tree(struct state *state, const struct view_context *context)
{
	tree_close(state->tree);
	state->tree = tree_open(context->recording, &state->look.options);
	state->generation++;
	state->look.generation = state->generation;
	state->look.zoom = state->look.selected = 0;
	state->must_lay_out = true;
}

static const struct tree_node *node_at(const struct state *state, uint32_t node)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	return &nodes[node < n ? node : 0];
}

/* ---- search */

static bool is_match(struct state *state, const struct view_context *context,
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

/* Weight of all stacks through a matching function, each counted once. */
static void sum_matches(struct state *state, const struct view_context *context)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(state->tree, &n);
	state->matched = 0;
	if (!context->pattern)
		return;
	uint8_t *is_inside = arena_take(context->frame, n);
	for (uint32_t i = 1; i < n; i++) {
		is_inside[i] = is_inside[nodes[i].parent];
		if (!is_inside[i] && is_match(state, context, &nodes[i])) {
			is_inside[i] = 1;
			state->matched += nodes[i].total;
		}
	}
}

static void note_search(struct state *state, const struct view_context *context)
{
	if (strcmp(state->searched, context->search) == 0)
		return;
	text_clean(state->searched, sizeof state->searched, context->search);
	if (state->n_matches)
		memset(state->matches, 0, state->n_matches);
	state->must_lay_out = true;
}

/* ---- layout */

static int rows_shown(const struct state *state)
{
	return state->height > FOOTER_ROWS ? state->height - FOOTER_ROWS : state->height;
}

static void keep_selected_visible(struct state *state)
{
	long at = flame_of_node(&state->flame, state->look.selected);
	int rows = rows_shown(state), most = state->flame.n_rows - rows;
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

static uint32_t hottest_leaf(const struct state *state)
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
	struct state *state = opaque;
	if (!state->tree) {
		state->look.options.root = TREE_ROOT_NAME;
		open_tree(state, context);
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
		state->look.selected = hottest_leaf(state);
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

static bool is_shown_match(const struct state *state, const struct view_context *context,
			   const struct tree_node *node)
{
	return context->pattern && !(node->flags & TREE_THREAD) &&
	       node->function < state->n_matches && state->matches[node->function] == 2;
}

static void draw_box(const struct state *state, const struct view_context *context,
		     const struct canvas *canvas, const struct flame_box *box, int shade)
{
	const struct tree_node *node = node_at(state, box->node);
	char label[160];
	enum meaning meaning = meaning_of(context, node);
	int y = box->y - state->scroll;
	if (is_shown_match(state, context, node))
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

static const char *unit_of(const struct state *state, const struct view_context *context)
{
	uint32_t series = tree_series(state->tree);
	return recording_string_at(context->recording,
				   recording_series(context->recording, series)->unit);
}

static void draw_details(const struct state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	const struct tree_node *node = node_at(state, state->look.selected);
	double whole = (double)node_at(state, 0)->total;
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

static void draw_status(const struct state *state, const struct view_context *context,
			const struct canvas *canvas, int y)
{
	char ratio[TEXT_BYTES];
	int x = 0;
	if (context->pattern)
		x = canvas_print(
			canvas, 0, y, MEANING_TEXT, "/%s  %s of the time  ", context->search,
			text_ratio(ratio, sizeof ratio,
				   (double)state->matched / (double)node_at(state, 0)->total));
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
	if (state->flame.n_rows > rows_shown(state))
		canvas_print(canvas, x, y, MEANING_DIM, "rows %d-%d of %d", state->scroll + 1,
			     state->scroll + rows_shown(state), state->flame.n_rows);
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
	const struct state *state = opaque;
	int rows = rows_shown(state), shade = 0, last_y = -1;
	if (state->flame.n_boxes == 0) {
		draw_empty(context, canvas);
		return;
	}
	struct canvas graph = canvas_part(canvas, 0, 0, canvas->width, rows);
	for (size_t i = 0; i < state->flame.n_boxes; i++) {
		const struct flame_box *box = &state->flame.boxes[i];
		/* A node's shade is its own, but never its neighbour's. */
		int own = (int)(node_at(state, box->node)->name % N_SHADES);
		shade = box->y == last_y && own == shade ? (own + 1) % N_SHADES : own;
		last_y = box->y;
		if (box->y >= state->scroll && box->y < state->scroll + rows)
			draw_box(state, context, &graph, box, shade);
	}
	if (canvas->height <= FOOTER_ROWS)
		return;
	draw_legend(canvas, canvas->height - 3);
	draw_details(state, context, canvas, canvas->height - 2);
	draw_status(state, context, canvas, canvas->height - 1);
}

/* ---- keys */

static void remember(struct state *state)
{
	if (state->n_undo == MOST_STEPS) {
		memmove(state->undo, state->undo + 1, (MOST_STEPS - 1) * sizeof state->undo[0]);
		state->n_undo--;
	}
	state->undo[state->n_undo++] = state->look;
	state->n_redo = 0;
}

static void restore(struct state *state, const struct view_context *context,
		    const struct look *look)
{
	struct look wanted = *look;
	bool is_same_tree = wanted.generation == state->generation;
	state->look = wanted;
	if (!is_same_tree)
		open_tree(state, context); /* nodes of the old tree mean nothing */
	state->must_lay_out = true;
}

static unsigned undo(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)input;
	if (state->n_undo == 0)
		return REACTION_REDRAW;
	state->redo[state->n_redo++] = state->look;
	restore(state, context, &state->undo[--state->n_undo]);
	return REACTION_REDRAW;
}

static unsigned redo(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)input;
	if (state->n_redo == 0)
		return REACTION_REDRAW;
	state->undo[state->n_undo++] = state->look;
	restore(state, context, &state->redo[--state->n_redo]);
	return REACTION_REDRAW;
}

static unsigned select_box(struct state *state, long at)
{
	if (at >= 0)
		state->look.selected = state->flame.boxes[at].node;
	state->is_following = false;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned move_up(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->look.selected = node_at(state, state->look.selected)->parent;
	return select_box(state, -1);
}

/* To the widest box below. */
static unsigned move_down(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct state *state = opaque;
	long at = flame_of_node(&state->flame, state->look.selected), best = -1;
	(void)context;
	(void)input;
	for (size_t i = 0; at >= 0 && i < state->flame.n_boxes; i++) {
		const struct flame_box *box = &state->flame.boxes[i],
				       *above = &state->flame.boxes[at];
		if (box->y == above->y + 1 && box->x >= above->x &&
		    box->x < above->x + above->width &&
		    (best < 0 || box->width > state->flame.boxes[best].width))
			best = (long)i;
	}
	return select_box(state, best);
}

static unsigned move_sideways(struct state *state, long step)
{
	long at = flame_of_node(&state->flame, state->look.selected);
	long next = at + step;
	if (at < 0 || next < 0 || next >= (long)state->flame.n_boxes ||
	    state->flame.boxes[next].y != state->flame.boxes[at].y)
		return REACTION_REDRAW;
	return select_box(state, next);
}

static unsigned move_left(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)context;
	(void)input;
	return move_sideways(opaque, -1);
}

static unsigned move_right(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)context;
	(void)input;
	return move_sideways(opaque, 1);
}

static unsigned zoom_to(struct state *state, uint32_t node)
{
	if (node == state->look.zoom)
		return REACTION_REDRAW;
	remember(state);
	state->look.zoom = node;
	state->scroll = 0;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned zoom_in(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	return zoom_to(state, state->look.selected);
}

static unsigned zoom_out(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	if (state->look.zoom == 0)
		return REACTION_NONE; /* Escape is then the driver's: it clears the search */
	return zoom_to(state, node_at(state, state->look.zoom)->parent);
}

static unsigned reset(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)input;
	remember(state);
	state->look.options = (struct tree_options){ .root = TREE_ROOT_NAME };
	state->is_frozen = state->is_following = false;
	open_tree(state, context);
	return REACTION_REDRAW;
}

static unsigned change_options(struct state *state, const struct view_context *context,
			       struct tree_options options)
{
	remember(state);
	state->look.options = options;
	open_tree(state, context);
	return REACTION_REDRAW;
}

static unsigned invert(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.is_inverted = !options.is_inverted;
	return change_options(state, context, options);
}

static unsigned hide_kernel(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.hide_kernel = !options.hide_kernel;
	return change_options(state, context, options);
}

static unsigned split(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.root = options.root == TREE_ROOT_NAME      ? TREE_ROOT_PROCESS
		       : options.root == TREE_ROOT_PROCESS ? TREE_ROOT_THREAD
							   : TREE_ROOT_NAME;
	return change_options(state, context, options);
}

static unsigned freeze(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->is_frozen = !state->is_frozen;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned go_to_hottest(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->look.selected = hottest_leaf(state);
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned follow(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	(void)input;
	state->is_following = !state->is_following;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned search(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)opaque;
	(void)context;
	(void)input;
	return REACTION_SEARCH;
}

/* To the next matching box, in reading order, round the end. */
static unsigned find(struct state *state, const struct view_context *context, long step)
{
	long n = (long)state->flame.n_boxes;
	long at = flame_of_node(&state->flame, state->look.selected);
	for (long i = 1; i <= n && context->pattern; i++) {
		long next = ((at + i * step) % n + n) % n;
		if (is_shown_match(state, context, node_at(state, state->flame.boxes[next].node)))
			return select_box(state, next);
	}
	return REACTION_REDRAW;
}

static unsigned find_next(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)input;
	return find(opaque, context, 1);
}

static unsigned find_before(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	(void)input;
	return find(opaque, context, -1);
}

static unsigned scroll(struct state *state, int rows)
{
	int most = state->flame.n_rows - rows_shown(state);
	state->scroll += rows;
	state->scroll = state->scroll > most ? most : state->scroll;
	state->scroll = state->scroll < 0 ? 0 : state->scroll;
	return REACTION_REDRAW;
}

static unsigned page_up(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	return scroll(opaque, -PAGE_ROWS);
}

static unsigned page_down(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)context;
	(void)input;
	return scroll(opaque, PAGE_ROWS);
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	(void)context;
	return select_box(state, flame_find(&state->flame, input->x, input->y + state->scroll));
}

static unsigned double_click(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	click(opaque, context, input);
	return zoom_in(opaque, context, input);
}

static void flame_close(void *opaque)
{
	struct state *state = opaque;
	tree_close(state->tree);
	flame_free(&state->flame);
	free(state->matches);
}

static const struct binding bindings[] = {
	{ KEY_RETURN, 0, "Enter", "zoom into the selected box", zoom_in, true },
	{ KEY_ESCAPE, KEY_DELETE_BACK, "Esc", "zoom out one step", zoom_out, true },
	{ '/', 0, "/", "search by regular expression", search, true },
	{ 'n', 0, "n", "next match", find_next, false },
	{ 'N', 0, "N", "match before", find_before, false },
	{ 'z', 'Z', "z", "freeze and go on", freeze, true },
	{ 'i', 0, "i", "invert: bottom-up", invert, true },
	{ 'K', 0, "K", "hide or show kernel frames", hide_kernel, true },
	{ 'p', 0, "p", "split by name, process, thread", split, true },
	{ 'H', 0, "H", "go to the hottest path", go_to_hottest, false },
	{ 'F', 0, "F", "follow the hottest path", follow, false },
	{ 'u', 0, "u", "undo", undo, true },
	{ 18, 0, "Ctrl-R", "redo", redo, false },
	{ 'r', 0, "r", "reset the view", reset, false },
	{ KEY_ARROW_UP, 'k', "Up k", "to the caller", move_up, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "to the heaviest callee", move_down, false },
	{ KEY_ARROW_LEFT, 'h', "Left h", "to the box on the left", move_left, false },
	{ KEY_ARROW_RIGHT, 'l', "Right l", "to the box on the right", move_right, false },
	{ KEY_PAGE_UP, KEY_WHEEL_UP, "PgUp", "scroll up", page_up, false },
	{ KEY_PAGE_DOWN, KEY_WHEEL_DOWN, "PgDn", "scroll down", page_down, false },
	{ KEY_CLICK, 0, "click", "select a box", click, false },
	{ KEY_DOUBLE_CLICK, 0, "double click", "zoom into a box", double_click, false },
	{ 0 },
};

const struct view view_flame = {
	.name = "flame",
	.title = "Flame",
	.summary = "where the time goes, by call stack",
	.order = 2,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = flame_update,
	.draw = flame_draw,
	.close = flame_close,
};
