/* What the keys of the flame graph do. Every change of what is shown can be undone. */
#include <string.h>

#include "tui/flame_state.h"

static void remember(struct flame_state *state)
{
	if (state->n_undo == FLAME_MOST_STEPS) {
		memmove(state->undo, state->undo + 1,
			(FLAME_MOST_STEPS - 1) * sizeof state->undo[0]);
		state->n_undo--;
	}
	state->undo[state->n_undo++] = state->look;
	state->n_redo = 0;
}

static void restore(struct flame_state *state, const struct view_context *context,
		    const struct flame_look *look)
{
	struct flame_look wanted = *look;
	bool is_same_tree = wanted.generation == state->generation;
	state->look = wanted;
	if (!is_same_tree)
		flame_open_tree(state, context); /* nodes of the old tree mean nothing */
	state->must_lay_out = true;
}

static unsigned undo(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)input;
	if (state->n_undo == 0)
		return REACTION_REDRAW;
	state->redo[state->n_redo++] = state->look;
	restore(state, context, &state->undo[--state->n_undo]);
	return REACTION_REDRAW;
}

static unsigned redo(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)input;
	if (state->n_redo == 0)
		return REACTION_REDRAW;
	state->undo[state->n_undo++] = state->look;
	restore(state, context, &state->redo[--state->n_redo]);
	return REACTION_REDRAW;
}

static unsigned select_box(struct flame_state *state, long at)
{
	if (at >= 0)
		state->look.selected = state->flame.boxes[at].node;
	state->is_following = false;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned move_up(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	state->look.selected = flame_node_at(state, state->look.selected)->parent;
	return select_box(state, -1);
}

/* To the widest box below. */
static unsigned move_down(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct flame_state *state = opaque;
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

static unsigned move_sideways(struct flame_state *state, long step)
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

static unsigned zoom_to(struct flame_state *state, uint32_t node)
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
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	return zoom_to(state, state->look.selected);
}

static unsigned zoom_out(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	if (state->look.zoom == 0)
		return REACTION_NONE; /* Escape is then the driver's: it clears the search */
	return zoom_to(state, flame_node_at(state, state->look.zoom)->parent);
}

static unsigned reset(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)input;
	remember(state);
	state->look.options = (struct tree_options){ .root = TREE_ROOT_NAME };
	state->is_frozen = state->is_following = false;
	flame_open_tree(state, context);
	return REACTION_REDRAW;
}

static unsigned change_options(struct flame_state *state, const struct view_context *context,
			       struct tree_options options)
{
	remember(state);
	state->look.options = options;
	flame_open_tree(state, context);
	return REACTION_REDRAW;
}

static unsigned invert(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.is_inverted = !options.is_inverted;
	return change_options(state, context, options);
}

static unsigned hide_kernel(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.hide_kernel = !options.hide_kernel;
	return change_options(state, context, options);
}

static unsigned split(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.root = options.root == TREE_ROOT_NAME      ? TREE_ROOT_PROCESS
		       : options.root == TREE_ROOT_PROCESS ? TREE_ROOT_THREAD
							   : TREE_ROOT_NAME;
	return change_options(state, context, options);
}

static unsigned freeze(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	state->is_frozen = !state->is_frozen;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned go_to_hottest(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	state->look.selected = flame_hottest_leaf(state);
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

static unsigned follow(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
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
static unsigned find(struct flame_state *state, const struct view_context *context, long step)
{
	long n = (long)state->flame.n_boxes;
	long at = flame_of_node(&state->flame, state->look.selected);
	for (long i = 1; i <= n && context->pattern; i++) {
		long next = ((at + i * step) % n + n) % n;
		if (flame_is_found(state, context,
				   flame_node_at(state, state->flame.boxes[next].node)))
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

static unsigned scroll(struct flame_state *state, int rows)
{
	int most = state->flame.n_rows - flame_rows_shown(state);
	state->scroll += rows;
	state->scroll = state->scroll > most ? most : state->scroll;
	state->scroll = state->scroll < 0 ? 0 : state->scroll;
	return REACTION_REDRAW;
}

static unsigned page_up(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	return scroll(opaque, -FLAME_PAGE_ROWS);
}

static unsigned page_down(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)context;
	(void)input;
	return scroll(opaque, FLAME_PAGE_ROWS);
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct flame_state *state = opaque;
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	(void)input;
	if (node->depth == 0 || node->flags & TREE_THREAD)
		return REACTION_REDRAW;
	context->focus->function = node->function;
	return REACTION_TO_CALLERS;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	return select_box(state, flame_find(&state->flame, input->x, input->y + state->scroll));
}

static unsigned double_click(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	click(opaque, context, input);
	return zoom_in(opaque, context, input);
}

const struct binding flame_bindings[] = {
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
	{ 'c', 0, "c", "callers and callees of the selected function", to_callers, true },
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
