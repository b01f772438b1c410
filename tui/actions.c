/* See the header. */
#include "tui/actions.h"

unsigned action_search(void *state, const struct view_context *context, const struct input *input)
{
	(void)state;
	(void)context;
	(void)input;
	return REACTION_SEARCH;
}

unsigned action_go(const struct view_context *context, uint32_t function, unsigned where)
{
	if (!function)
		return REACTION_REDRAW;
	context->focus->function = function;
	return where;
}
