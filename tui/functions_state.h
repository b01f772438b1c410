/*
 * functions_state: what the functions view's parts share: view_functions.c takes in and answers
 * keys, functions_table.c shows rows of either kind, functions_tree.c finds those of the tree.
 */
#ifndef TUI_FUNCTIONS_STATE_H
#define TUI_FUNCTIONS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/rates.h"
#include "sampler/tree.h"
#include "sampler/tree_sums.h"
#include "tui/functions_tree.h"
#include "tui/list.h"
#include "tui/view.h"

enum { MOST_FUNCTIONS = 20000 };

struct functions_state {
	struct tree *tree;
	struct tree_function *functions, *shown; /* flat: all, and what the search leaves */
	size_t n_functions, n_shown;
	bool is_tree;
	struct functions_tree rows; /* as a tree */
	enum tree_root root;
	uint32_t only_module; /* 0 = all */
	struct list list;
	char searched[256];
	int width, height;
	uint32_t series;    /* weighed by; 0 = what was asked for first */
	struct rates rates; /* of events that were sampled together: a column each */
	struct tree_sums *sums;
	bool must_draw;
};

/* One row of either kind. */
struct functions_row {
	uint32_t function, name, module;
	uint64_t self, with, n_self;
	const uint64_t *sums; /* NULL = none; of the tree's with what is below */
	bool is_thread;       /* a process, thread or phase */
};

struct functions_row functions_row_at(const struct functions_state *state,
				      const struct recording *recording, size_t row);
/* functions_selected: false where the list is empty. */
bool functions_selected(const struct functions_state *state, const struct recording *recording,
			struct functions_row *out);

/* functions_show: rows, columns and order as they are now. */
void functions_show(struct functions_state *state, const struct view_context *context);
void functions_draw(const void *opaque, const struct view_context *context,
		    const struct canvas *canvas);

#endif
