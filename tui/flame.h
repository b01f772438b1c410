/*
 * flame: where the boxes of a flame graph are, for a zoom and a width.
 */
#ifndef TUI_FLAME_H
#define TUI_FLAME_H

#include <stddef.h>
#include <stdint.h>

struct tree;

struct flame_box {
	uint32_t node;
	int x, y, width;
	uint32_t n_merged; /* boxes too narrow for a cell of their own that share this one */
};

struct flame {
	struct flame_box *boxes; /* by row, then column */
	size_t n_boxes, capacity;
	int n_rows; /* of the whole layout, visible or not */
};

/*
 * flame_layout: lay out the node `zoom` over `width` columns with its ancestors above it, and
 * everything below it.
 * Cost  the boxes that are at least a cell wide; narrower ones are counted, not descended into
 */
void flame_layout(struct flame *flame, const struct tree *tree, uint32_t zoom, int width);
void flame_free(struct flame *flame);

/* flame_find: index of the box at a cell of the layout; -1 if none. */
long flame_find(const struct flame *flame, int x, int y);

/* flame_of_node: index of a node's box; -1 if it has none of its own. */
long flame_of_node(const struct flame *flame, uint32_t node);

#endif
