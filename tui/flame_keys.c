/* What the keys of the flame graph do. Every change of what is shown can be undone. */
#include <string.h>

#include "tui/actions.h"
#include "tui/flame_state.h"

enum { FLAME_MOST_ROWS = 1 << 20 /* more than any stack has */ };

void flame_remember(struct flame_state *state)
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
	if (is_same_tree && wanted.is_upper != state->look.is_upper)
		flame_swap_sides(state);
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

/* To the widest box behind the selected one. */
static unsigned move_out(struct flame_state *state)
{
	long at = flame_of_node(&state->flame, state->look.selected), best = -1;
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

/* Node 1 of a sandwich's trees is the function itself; it is shown once, below. */
static unsigned move_in(struct flame_state *state)
{
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	if (!state->other.tree || node->depth > (state->look.is_upper ? 2 : 1)) {
		state->look.selected = node->parent;
		return select_box(state, -1);
	}
	bool was_upper = state->look.is_upper;
	flame_swap_sides(state);
	state->look.selected = 1;
	return was_upper ? select_box(state, -1) : move_out(state);
}

static unsigned move_up(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	return flame_place(state, state->look.is_upper).is_upwards ? move_out(state)
								   : move_in(state);
}

static unsigned move_down(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	return flame_place(state, state->look.is_upper).is_upwards ? move_in(state)
								   : move_out(state);
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
	flame_remember(state);
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
	if (state->look.zoom == 0 && state->look.options.focus)
		return flame_sandwich(opaque, context, input);
	if (state->look.zoom == 0)
		return REACTION_NONE; /* Escape is then the driver's: it clears the search */
	return zoom_to(state, flame_node_at(state, state->look.zoom)->parent);
}

static unsigned reset(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)input;
	flame_remember(state);
	state->look.options = (struct tree_options){ .root = TREE_ROOT_NAME };
	state->look.is_filtered = false;
	state->is_frozen = state->is_following = state->is_decaying = false;
	flame_open_tree(state, context);
	return REACTION_REDRAW;
}

static unsigned freeze(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)input;
	state->is_frozen = !state->is_frozen;
	state->frozen_ns = context->now_ns + 1; /* the end of a window is not in it */
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
	struct flame_place place = flame_place(state, state->look.is_upper);
	int most = state->flame.n_rows - place.first - place.rows;
	state->scroll += place.is_upwards ? -rows : rows;
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

static unsigned to_top(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	(void)input;
	return scroll(opaque, -FLAME_MOST_ROWS);
}

static unsigned to_bottom(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)context;
	(void)input;
	return scroll(opaque, FLAME_MOST_ROWS);
}

static uint32_t selected_function(const struct flame_state *state)
{
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	return node->depth == 0 || node->flags & TREE_THREAD ? 0 : node->function;
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)input;
	return action_go(context, selected_function(opaque), REACTION_TO_CALLERS);
}

static unsigned to_lines(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)input;
	return action_go(context, selected_function(opaque), REACTION_TO_LINES);
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	struct flame_place place = flame_place(state, state->look.is_upper);
	(void)context;
	int row = flame_from_screen(&place, state->scroll, input->y);
	if (row < 0 && state->other.tree) {
		place = flame_place(state, !state->look.is_upper);
		row = flame_from_screen(&place, state->other.scroll, input->y);
		if (row >= 0)
			flame_swap_sides(state);
	}
	return row < 0 ? REACTION_REDRAW
		       : select_box(state, flame_find(&state->flame, input->x, row));
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
	{ 'a', 0, "a", "annotate: its source lines with their time", to_lines, false },
	{ '/', KEY_FUNCTION_3, "/", "search by regular expression", action_search, true },
	{ 'n', 0, "n", "next match", find_next, false },
	{ 'N', 0, "N", "match before", find_before, false },
	{ 'z', 0, "z", "freeze and go on", freeze, true },
	{ 'd', 0, "d", "decay: what is old weighs less; or all weighs the same", flame_toggle_decay,
	  false },
	{ 's', 0, "s", "sandwich: callers above, callees below", flame_sandwich, true },
	{ 'i', 0, "i", "invert: bottom-up", flame_invert, true },
	{ 'o', 0, "o", "turn over: flame or icicle", flame_turn_over, false },
	{ '\\', KEY_FUNCTION_4, "\\", "filter: keep only stacks that the search finds",
	  flame_filter, false },
	{ '*', '#', "* #", "search for the selected box's function", flame_find_same, false },
	{ 'K', 0, "K", "hide or show kernel frames", flame_hide_kernel, true },
	{ 'U', 0, "U", "only kernel frames, or all", flame_only_kernel, false },
	{ 'M', 0, "M", "only the module of the selected box, or all", flame_only_module, false },
	{ 'X', 0, "X", "hide the module of the selected box, or none", flame_hide_module, false },
	{ 'R', 0, "R", "fold direct recursion, or not", flame_fold_recursion, false },
	{ 'p', 0, "p", "split by name, process, thread, phase", flame_split, true },
	{ 'W', 0, "W", "whose: only the process of the selected box, or all again",
	  flame_only_process, false },
	{ 'C', 0, "C", "colours by kind, module, rates of events, or change (two sides)",
	  flame_next_colour, false },
	{ 'w', 0, "w", "widths by the next event that was sampled", flame_next_width, false },
	{ '%', 0, "%", "values: none, of all, of the zoomed box, absolute", flame_next_value,
	  false },
	{ 'H', 0, "H", "go to the hottest path", go_to_hottest, false },
	{ 'F', 0, "F", "follow the hottest path", follow, false },
	{ 'c', 0, "c", "callers and callees of the selected function", to_callers, true },
	{ 'u', 0, "u", "undo", undo, true },
	{ KEY_CONTROL_R, 0, "Ctrl-R", "redo", redo, false },
	{ 'r', 0, "r", "reset the view", reset, false },
	{ KEY_ARROW_UP, 'k', "Up k", "to the caller", move_up, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "to the heaviest callee", move_down, false },
	{ KEY_ARROW_LEFT, 'h', "Left h", "to the box on the left", move_left, false },
	{ KEY_ARROW_RIGHT, 'l', "Right l", "to the box on the right", move_right, false },
	{ KEY_PAGE_UP, KEY_WHEEL_UP, "PgUp", "scroll up", page_up, false },
	{ KEY_PAGE_DOWN, KEY_WHEEL_DOWN, "PgDn", "scroll down", page_down, false },
	{ 'b', KEY_CONTROL_B, "b", "a page up", page_up, false },
	{ 'f', KEY_CONTROL_F, "f", "a page down", page_down, false },
	{ KEY_START, 'g', "g", "to the top", to_top, false },
	{ KEY_FINISH, 'G', "G", "to the bottom", to_bottom, false },
	{ KEY_CLICK, 0, "click", "select a box", click, false },
	{ KEY_DOUBLE_CLICK, 0, "double click", "zoom into a box", double_click, false },
	{ 0 },
};
