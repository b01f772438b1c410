/*
 * flame_state: what the flame graph's two halves share: view_flame.c lays out and draws,
 * flame_keys.c answers keys.
 */
#ifndef TUI_FLAME_STATE_H
#define TUI_FLAME_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/tree.h"
#include "tui/flame.h"
#include "tui/view.h"

enum {
	FLAME_MOST_STEPS = 64, /* of undo */
	FLAME_FOOTER_ROWS = 3, /* legend, details of the selected box, search */
	FLAME_PAGE_ROWS = 8,
};

/* What undo brings back. */
struct flame_look {
	uint32_t zoom, selected; /* nodes; void when the tree is another one */
	unsigned generation;     /* of the tree */
	struct tree_options options;
};

struct flame_state {
	struct tree *tree;
	unsigned generation;
	struct flame_look look;
	struct flame_look undo[FLAME_MOST_STEPS], redo[FLAME_MOST_STEPS];
	int n_undo, n_redo;
	struct flame flame;
	int scroll, width, height;
	bool is_frozen, is_following, must_lay_out;
	/* search: by name, then summed over the tree */
	char searched[256];
	uint8_t *matches; /* by function: 0 = not looked at, 1 = no, 2 = yes */
	uint64_t n_matches;
	uint64_t matched;
	uint8_t *is_inside; /* by node: it or a caller is found; nodes are only ever added */
	uint32_t n_inside, inside_capacity;
	uint32_t *found; /* found nodes that lie in no other */
	uint32_t n_found, found_capacity;
};

/* flame_open_tree: start anew with the options of state->look. */
void flame_open_tree(struct flame_state *state, const struct view_context *context);

/* flame_node_at: a node of the tree; the root for an id that it no longer has. */
const struct tree_node *flame_node_at(const struct flame_state *state, uint32_t node);

/* flame_rows_shown: rows of the graph on the screen. */
int flame_rows_shown(const struct flame_state *state);

/* flame_hottest_leaf: from the zoomed node always to the heaviest callee. */
uint32_t flame_hottest_leaf(const struct flame_state *state);

/* flame_is_found: does the search find this node? */
bool flame_is_found(const struct flame_state *state, const struct view_context *context,
		    const struct tree_node *node);

extern const struct binding flame_bindings[];

#endif
