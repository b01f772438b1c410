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

/* Of a name that one process has: its number; else all that have it. */
static struct thread_choice choice_of_name(const struct recording *recording, uint32_t name)
{
	struct thread_choice choice = { 0 };
	uint64_t n = recording_moment(recording).n[TABLE_THREADS];
	for (uint64_t id = 1; id < n; id++) {
		const struct thread_row *row = recording_thread(recording, id);
		if (row->process_name != name || row->pid == choice.pid)
			continue;
		if (choice.pid || !row->pid)
			return (struct thread_choice){ .name = name };
		choice.pid = row->pid;
	}
	return choice;
}

static struct thread_choice choice_of_root(const struct recording *recording,
					   const struct tree *tree, const struct tree_node *root)
{
	enum tree_root kind = tree_get_options(tree)->root;
	if (!(root->flags & TREE_THREAD) || kind == TREE_ROOT_PHASE)
		return (struct thread_choice){ 0 };
	const struct thread_row *row = recording_thread(recording, root->function);
	struct thread_choice choice = { .pid = row->pid };
	if (kind == TREE_ROOT_THREAD)
		choice.tid = row->tid;
	if (kind == TREE_ROOT_NAME || !row->pid)
		choice = choice_of_name(recording, row->process_name);
	return choice;
}

void window_only(const struct view_context *context, const struct tree *tree, uint32_t node)
{
	uint32_t n;
	const struct tree_node *nodes = tree_nodes(tree, &n);
	struct thread_choice *only = &context->focus->only;
	if (thread_choice_is_set(only)) {
		*only = (struct thread_choice){ 0 };
		return;
	}
	while (node < n && nodes[node].depth > 1)
		node = nodes[node].parent;
	if (node > 0 && node < n)
		*only = choice_of_root(context->recording, tree, &nodes[node]);
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
