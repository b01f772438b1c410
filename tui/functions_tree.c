/* Depth first with a stack of our own: recorded stacks may be deeper than ours. */
#include "tui/functions_tree.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/tree.h"

enum { HOT_PART = 10 /* a tenth of everything is hot */ };

/* It is found, or below what is; what is found is below it. */
enum { KEPT_INSIDE = 1, KEPT_AROUND = 2 };

/* ---- what the pattern leaves */

static bool is_found(struct functions_tree *rows, const struct recording *recording,
		     const regex_t *pattern, const struct tree_node *node)
{
	const char *name = recording_string_at(recording, node->name);
	if (node->flags & TREE_THREAD || node->function == 0)
		return false;
	if (node->function >= rows->n_matches) {
		uint32_t n = (node->function + 1024) / 1024 * 1024;
		rows->matches = reallocate(rows->matches, n, 1);
		memset(rows->matches + rows->n_matches, 0, n - rows->n_matches);
		rows->n_matches = n;
	}
	uint8_t *known = &rows->matches[node->function];
	if (!*known)
		*known = regexec(pattern, name, 0, NULL, 0) == 0 ? 2 : 1;
	return *known == 2;
}

/* Nodes that have come since the last time; a caller has a smaller number than what it calls. */
static void find_kept(struct functions_tree *rows, const struct recording *recording,
		      const regex_t *pattern, const struct tree_node *nodes, uint32_t n)
{
	if (n > rows->kept_capacity) {
		rows->kept_capacity = n + n / 2;
		rows->kept = reallocate(rows->kept, rows->kept_capacity, 1);
	}
	for (uint32_t i = rows->n_kept; i < n; i++) {
		bool is_inside = (i > 0 && rows->kept[nodes[i].parent] & KEPT_INSIDE) ||
				 is_found(rows, recording, pattern, &nodes[i]);
		rows->kept[i] = is_inside ? KEPT_INSIDE : 0;
		for (uint32_t at = nodes[i].parent;
		     is_inside && at && !(rows->kept[at] & KEPT_AROUND); at = nodes[at].parent)
			rows->kept[at] |= KEPT_AROUND;
	}
	rows->n_kept = n;
}

/* ---- rows */

struct walk {
	struct functions_tree *rows;
	const struct tree_node *nodes;
	uint32_t n;
	const struct functions_tree_order *order;
	bool is_searched;
	struct functions_tree_row *stack;
	size_t n_stack, capacity;
};

static bool is_shown(const struct walk *walk, uint32_t node)
{
	return walk->nodes[node].total > 0 && (!walk->is_searched || walk->rows->kept[node]);
}

static bool is_open(const struct walk *walk, uint32_t node)
{
	const struct functions_tree *rows = walk->rows;
	unsigned mark = node < rows->n_marks ? rows->marks[node] : 0;
	if (mark)
		return mark == TREE_ALL_OPEN;
	if (rows->all != TREE_BY_HEAT)
		return rows->all == TREE_ALL_OPEN;
	return walk->is_searched || walk->nodes[node].total >= walk->nodes[0].total / HOT_PART;
}

static int compare(const void *a, const void *b, void *opaque)
{
	const struct walk *walk = opaque;
	const struct functions_tree_row *left = a, *right = b;
	int order = walk->order->compare(walk->order->of, left->node, right->node);
	if (order)
		return -order; /* the first is taken from the stack's end */
	return left->node > right->node ? -1 : 1;
}

/* Children go onto the stack, the first of them last. */
static void push_children(struct walk *walk, uint32_t parent, unsigned level)
{
	size_t first = walk->n_stack;
	for (uint32_t child = walk->nodes[parent].first_child; child;
	     child = walk->nodes[child].next_sibling) {
		if (child >= walk->n || !is_shown(walk, child))
			continue;
		if (walk->n_stack == walk->capacity) {
			walk->capacity = walk->capacity ? walk->capacity * 2 : 256;
			walk->stack = reallocate(walk->stack, walk->capacity, sizeof *walk->stack);
		}
		walk->stack[walk->n_stack++] = (struct functions_tree_row){
			.node = child, .level = (uint16_t)(level < UINT16_MAX ? level : UINT16_MAX)
		};
	}
	if (walk->n_stack - first > 1)
		qsort_r(walk->stack + first, walk->n_stack - first, sizeof *walk->stack, compare,
			walk);
}

static bool has_children(const struct walk *walk, uint32_t node)
{
	for (uint32_t child = walk->nodes[node].first_child; child;
	     child = walk->nodes[child].next_sibling)
		if (child < walk->n && is_shown(walk, child))
			return true;
	return false;
}

static void add_row(struct functions_tree *rows, const struct functions_tree_row *row)
{
	if (rows->n_rows == rows->capacity) {
		rows->capacity = rows->capacity ? rows->capacity * 2 : 256;
		rows->rows = reallocate(rows->rows, rows->capacity, sizeof *rows->rows);
	}
	rows->rows[rows->n_rows++] = *row;
}

void functions_tree_find(struct functions_tree *rows, const struct tree *tree,
			 const struct recording *recording, const regex_t *pattern,
			 const struct functions_tree_order *order, size_t most)
{
	struct walk walk = { .rows = rows, .order = order, .is_searched = pattern != NULL };
	walk.nodes = tree_nodes(tree, &walk.n);
	rows->n_rows = 0;
	if (pattern)
		find_kept(rows, recording, pattern, walk.nodes, walk.n);
	push_children(&walk, 0, 0);
	while (walk.n_stack > 0 && rows->n_rows < most) {
		struct functions_tree_row row = walk.stack[--walk.n_stack];
		row.has_children = has_children(&walk, row.node);
		row.is_open = row.has_children && is_open(&walk, row.node);
		add_row(rows, &row);
		if (row.is_open)
			push_children(&walk, row.node, row.level + 1u);
	}
	free(walk.stack);
}

/* ---- opening and closing */

void functions_tree_set(struct functions_tree *rows, uint32_t node, bool is_open)
{
	if (node >= rows->n_marks) {
		uint32_t n = (node + 1024) / 1024 * 1024;
		rows->marks = reallocate(rows->marks, n, 1);
		memset(rows->marks + rows->n_marks, 0, n - rows->n_marks);
		rows->n_marks = n;
	}
	rows->marks[node] = is_open ? TREE_ALL_OPEN : TREE_ALL_CLOSED;
}

void functions_tree_set_all(struct functions_tree *rows, enum functions_tree_all all)
{
	rows->all = all;
	if (rows->n_marks)
		memset(rows->marks, 0, rows->n_marks);
}

void functions_tree_forget(struct functions_tree *rows)
{
	if (rows->n_marks)
		memset(rows->marks, 0, rows->n_marks);
	if (rows->n_matches)
		memset(rows->matches, 0, rows->n_matches);
	rows->n_kept = 0;
}

void functions_tree_free(struct functions_tree *rows)
{
	free(rows->rows);
	free(rows->marks);
	free(rows->matches);
	free(rows->kept);
	*rows = (struct functions_tree){ 0 };
}
