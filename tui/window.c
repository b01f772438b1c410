/* The window of time. See window.h. */
#include "tui/window.h"

#include <stdio.h>

#include "sampler/recording.h"
#include "sampler/tree.h"

bool window_is_set(const struct view_focus *focus)
{
	return focus->from_ns != 0 || focus->to_ns != 0;
}

/* Three decimals: a cell of the heat map is some milliseconds. */
static double seconds_of(const struct recording *recording, uint64_t at_ns)
{
	return at_ns > recording->start_ns ? (double)(at_ns - recording->start_ns) * 1e-9 : 0;
}

const char *window_text(const struct view_focus *focus, const struct recording *recording,
			char *out, size_t bytes)
{
	double from = seconds_of(recording, focus->from_ns);
	if (focus->to_ns)
		snprintf(out, bytes, "%.3f-%.3f s", from, seconds_of(recording, focus->to_ns));
	else
		snprintf(out, bytes, "from %.3f s", from);
	return out;
}

bool window_differs(const struct tree *tree, const struct view_focus *focus)
{
	const struct tree_options *options = tree_get_options(tree);
	return options->from_ns != focus->from_ns || options->to_ns != focus->to_ns ||
	       !thread_choice_is_same(&options->only, &focus->only);
}

bool window_tree(struct tree **tree, const struct tree_options *options,
		 const struct view_context *context)
{
	struct tree_options wanted = *options;
	if (*tree && !window_differs(*tree, context->focus))
		return false;
	wanted.from_ns = context->focus->from_ns;
	wanted.to_ns = context->focus->to_ns;
	wanted.only = context->focus->only;
	tree_close(*tree);
	*tree = tree_open(context->recording, &wanted);
	return true;
}
