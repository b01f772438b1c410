/*
 * functions_tree: the rows of a call tree that opens and closes: what is hot is open until somebody
 * says otherwise.
 */
#ifndef TUI_FUNCTIONS_TREE_H
#define TUI_FUNCTIONS_TREE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording;
struct tree;

struct functions_tree_row {
	uint32_t node;
	uint16_t level;
	bool has_children, is_open;
};

enum functions_tree_all { TREE_BY_HEAT, TREE_ALL_OPEN, TREE_ALL_CLOSED };

struct functions_tree {
	struct functions_tree_row *rows;
	size_t n_rows, capacity;
	enum functions_tree_all all; /* of nodes without a mark */
	uint8_t *marks;              /* by node: 0 = none, else TREE_ALL_* */
	uint32_t n_marks;
	uint8_t *matches; /* by function: 0 = not looked at, 1 = no, 2 = yes */
	uint32_t n_matches;
	uint8_t *kept; /* by node, with a pattern: is it, one above or one below found? */
	uint32_t n_kept, kept_capacity;
};

/* Of siblings, which comes first: negative = a. */
struct functions_tree_order {
	int (*compare)(const void *of, uint32_t a, uint32_t b);
	const void *of;
};

/*
 * functions_tree_find: the rows, from the roots' children on, at most `most`.
 * pattern  only what it finds, with what is above and below; NULL = everything
 * Cost     some 100 ns a row and sibling; with a pattern, some ns a new node as well
 */
void functions_tree_find(struct functions_tree *rows, const struct tree *tree,
			 const struct recording *recording, const regex_t *pattern,
			 const struct functions_tree_order *order, size_t most);

/* functions_tree_set: open or close a node; functions_tree_set_all: every one.
 * functions_tree_forget: the tree, or the pattern, is another one. */
void functions_tree_set(struct functions_tree *rows, uint32_t node, bool is_open);
void functions_tree_set_all(struct functions_tree *rows, enum functions_tree_all all);
void functions_tree_forget(struct functions_tree *rows);
void functions_tree_free(struct functions_tree *rows);

#endif
