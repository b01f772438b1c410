/*
 * window: the part of time that every view follows, and trees of just that part.
 */
#ifndef TUI_WINDOW_H
#define TUI_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/view.h"

struct tree;
struct tree_options;

/* window_is_set: false = all of the recording. */
bool window_is_set(const struct view_focus *focus);

/* window_text: "1.20-3.40 s" from the start of the recording; "from 3.40 s" without an end. */
const char *window_text(const struct view_focus *focus, const struct recording *recording,
			char *out, size_t bytes);

/*
 * window_tree: a tree of the window, and of the process that is chosen; opened anew if either has
 * changed since.
 * *tree    NULL at first; the caller closes it
 * options  its times and threads are not looked at
 * Returns  true if it has been opened anew: what is known of its nodes is void
 */
bool window_tree(struct tree **tree, const struct tree_options *options,
		 const struct view_context *context);

/*
 * window_only: every view shows only the process or thread that a node of the tree is below, or
 * everything again if something has been chosen already. A name that several processes have, where
 * the tree has no numbers, chooses all of them; a phase is of nobody, and chooses none.
 */
void window_only(const struct view_context *context, const struct tree *tree, uint32_t node);

/* window_differs: does the tree show another window, or another process? */
bool window_differs(const struct tree *tree, const struct view_focus *focus);

#endif
