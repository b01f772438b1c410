/* What of the stacks the flame graph shows, and how. Every change can be undone. */
#include "sampler/recording.h"
#include "tui/flame_state.h"
#include "tui/window.h"

static unsigned change_options(struct flame_state *state, const struct view_context *context,
			       struct tree_options options)
{
	flame_remember(state);
	state->look.options = options;
	flame_open_tree(state, context);
	return REACTION_REDRAW;
}

unsigned flame_invert(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.is_inverted = !options.is_inverted;
	options.focus = 0;
	return change_options(state, context, options);
}

unsigned flame_turn_over(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	state->is_upwards = !state->is_upwards;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

unsigned flame_hide_kernel(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.hide_kernel = !options.hide_kernel;
	options.only_kernel = false;
	return change_options(state, context, options);
}

unsigned flame_only_kernel(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.only_kernel = !options.only_kernel;
	options.hide_kernel = false;
	return change_options(state, context, options);
}

/* Of the selected box; 0 if it is no function. */
static uint32_t selected_module(const struct flame_state *state, const struct view_context *context)
{
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	if (node->depth == 0 || node->flags & (TREE_THREAD | TREE_SPECIAL))
		return 0;
	return recording_function(context->recording, node->function)->module;
}

unsigned flame_only_module(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.only_module = options.only_module ? 0 : selected_module(state, context);
	return change_options(state, context, options);
}

unsigned flame_hide_module(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.hidden_module = options.hidden_module ? 0 : selected_module(state, context);
	return change_options(state, context, options);
}

unsigned flame_filter(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	(void)input;
	if (!context->pattern) /* nothing to filter by yet: ask */
		return REACTION_SEARCH;
	flame_remember(state);
	state->look.is_filtered = !state->look.is_filtered;
	flame_open_tree(state, context);
	return REACTION_REDRAW;
}

unsigned flame_fold_recursion(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.fold_recursion = !options.fold_recursion;
	return change_options(state, context, options);
}

unsigned flame_split(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	options.root = options.root == TREE_ROOT_NAME      ? TREE_ROOT_PROCESS
		       : options.root == TREE_ROOT_PROCESS ? TREE_ROOT_THREAD
		       : options.root == TREE_ROOT_THREAD  ? TREE_ROOT_PHASE
							   : TREE_ROOT_NAME;
	return change_options(state, context, options);
}

unsigned flame_only_process(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	const struct flame_state *state = opaque;
	(void)input;
	window_only(context, state->tree, state->look.selected);
	return REACTION_REDRAW;
}

/* Round the selected function; round the one that is in the middle already: back to all. */
unsigned flame_sandwich(void *opaque, const struct view_context *context, const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	bool is_function = node->depth > 0 && !(node->flags & TREE_THREAD);
	if (options.focus && (!is_function || node->function == options.focus ||
			      state->look.selected == 1 || input->key != 's'))
		options.focus = 0;
	else if (is_function)
		options.focus = node->function;
	else
		return REACTION_REDRAW;
	options.is_inverted = false;
	return change_options(state, context, options);
}

unsigned flame_next_colour(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	int last = FLAME_BY_RATE + (int)state->rates.n - 1;
	/* Rates of their own come with weights of their own: nothing to compare them with. */
	if (state->colour == FLAME_BY_CHANGE || (state->colour >= last && state->has_own_rates))
		state->colour = FLAME_BY_KIND;
	else
		state->colour = state->colour < last ? state->colour + 1 : FLAME_BY_CHANGE;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

unsigned flame_next_value(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct flame_state *state = opaque;
	(void)context;
	(void)input;
	state->value = (state->value + 1) % N_FLAME_VALUES;
	state->must_lay_out = true;
	return REACTION_REDRAW;
}

/* The next event that has samples; the first again after the last. */
unsigned flame_next_width(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct flame_state *state = opaque;
	struct tree_options options = state->look.options;
	(void)input;
	if (state->has_own_rates || !state->rates.n_sums)
		return REACTION_REDRAW;
	options.series = rates_next_event(context->recording, tree_series(state->tree));
	return change_options(state, context, options);
}

unsigned flame_find_same(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct flame_state *state = opaque;
	const struct tree_node *node = flame_node_at(state, state->look.selected);
	(void)context;
	(void)input;
	return node->depth == 0 || node->flags & TREE_THREAD ? REACTION_REDRAW : REACTION_TO_FLAME;
}
