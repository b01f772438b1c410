/*
 * Breadth first: a row of boxes is laid out from the row above, so the boxes come out sorted. A
 * child starts where its elder siblings end, in exact units; cells are rounded from those, so that
 * rounding never adds up.
 */
#include "tui/flame.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/tree.h"

static struct flame_box *add(struct flame *flame, uint32_t node, int x, int y, int width)
{
	if (flame->n_boxes == flame->capacity) {
		flame->capacity = flame->capacity ? flame->capacity * 2 : 256;
		flame->boxes = reallocate(flame->boxes, flame->capacity, sizeof *flame->boxes);
	}
	struct flame_box *box = &flame->boxes[flame->n_boxes++];
	*box = (struct flame_box){ node, x, y, width, 0 };
	if (y >= flame->n_rows)
		flame->n_rows = y + 1;
	return box;
}

struct place {
	uint32_t node;
	uint64_t left; /* in units of weight from the zoomed node's left edge */
};

struct row {
	struct place *places;
	size_t n, capacity;
};

static void push(struct row *row, uint32_t node, uint64_t left)
{
	if (row->n == row->capacity) {
		row->capacity = row->capacity ? row->capacity * 2 : 64;
		row->places = reallocate(row->places, row->capacity, sizeof *row->places);
	}
	row->places[row->n++] = (struct place){ node, left };
}

struct layout {
	struct flame *flame;
	const struct tree_node *nodes;
	uint64_t whole;
	int width;
};

static int column_of(const struct layout *layout, uint64_t at)
{
	return (int)((double)at / (double)layout->whole * layout->width + 0.5);
}

/* Narrow neighbours share one cell, which belongs to the heaviest of them. */
static void add_narrow(struct layout *layout, uint32_t node, int x, int y)
{
	struct flame *flame = layout->flame;
	struct flame_box *last = flame->n_boxes ? &flame->boxes[flame->n_boxes - 1] : NULL;
	if (x >= layout->width)
		x = layout->width - 1;
	if (last && last->y == y && last->x + last->width > x) {
		bool is_wide = last->n_merged == 0;
		last->n_merged++;
		if (is_wide) /* it keeps its cell; the mark at its edge tells of the others */
			return;
		if (layout->nodes[node].total > layout->nodes[last->node].total)
			last->node = node;
		return;
	}
	add(flame, node, x, y, 1)->n_merged = 1;
}

static void add_children(struct layout *layout, const struct place *place, int y, struct row *next)
{
	uint64_t left = place->left;
	for (uint32_t child = layout->nodes[place->node].first_child; child;
	     child = layout->nodes[child].next_sibling) {
		uint64_t total = layout->nodes[child].total;
		if (total == 0)
			continue;
		int x = column_of(layout, left), end = column_of(layout, left + total);
		struct flame *flame = layout->flame;
		const struct flame_box *last =
			flame->n_boxes ? &flame->boxes[flame->n_boxes - 1] : NULL;
		/* A merged cell before may have taken the first column. */
		if (last && last->y == y && last->x + last->width > x)
			x = last->x + last->width;
		if (end > x) {
			add(flame, child, x, y, end - x);
			push(next, child, left);
		} else {
			add_narrow(layout, child, x < end ? x : end, y);
		}
		left += total;
	}
}

static int add_ancestors(struct layout *layout, uint32_t zoom)
{
	int depth = layout->nodes[zoom].depth;
	uint32_t node = zoom;
	size_t first = layout->flame->n_boxes;
	for (int i = 0; i <= depth; i++)
		add(layout->flame, 0, 0, i, layout->width);
	for (int i = depth; i >= 0; i--) {
		layout->flame->boxes[first + (size_t)i].node = node;
		node = layout->nodes[node].parent;
	}
	return depth;
}

void flame_layout(struct flame *flame, const struct tree *tree, uint32_t zoom, int width)
{
	uint32_t n_nodes;
	const struct tree_node *nodes = tree_nodes(tree, &n_nodes);
	flame->n_boxes = 0;
	flame->n_rows = 0;
	if (zoom >= n_nodes)
		zoom = 0;
	struct layout layout = { flame, nodes, nodes[zoom].total, width };
	if (layout.whole == 0 || width < 1)
		return;
	struct row row = { 0 }, next = { 0 };
	int y = add_ancestors(&layout, zoom);
	push(&row, zoom, 0);
	while (row.n > 0) {
		y++;
		next.n = 0;
		for (size_t i = 0; i < row.n; i++)
			add_children(&layout, &row.places[i], y, &next);
		struct row swap = row;
		row = next;
		next = swap;
	}
	free(row.places);
	free(next.places);
}

void flame_free(struct flame *flame)
{
	free(flame->boxes);
	memset(flame, 0, sizeof *flame);
}

long flame_find(const struct flame *flame, int x, int y)
{
	for (size_t i = 0; i < flame->n_boxes; i++) {
		const struct flame_box *box = &flame->boxes[i];
		if (box->y == y && x >= box->x && x < box->x + box->width)
			return (long)i;
	}
	return -1;
}

long flame_of_node(const struct flame *flame, uint32_t node)
{
	for (size_t i = 0; i < flame->n_boxes; i++)
		if (flame->boxes[i].node == node)
			return (long)i;
	return -1;
}
