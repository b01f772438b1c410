/*
 * flame_diff: how the share of each box of a tree differs from that in another recording, or in
 * another window of the same one. Boxes are matched by the names from the first level down,
 * whatever module or address they are at, as `stoke diff` matches them.
 */
#ifndef TUI_FLAME_DIFF_H
#define TUI_FLAME_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/compare.h"
#include "tui/sides.h"
#include "tui/view.h"

struct flame_diff;
struct tree;

/*
 * flame_diff_open: what tree shows is side B; side A is made with the same options, functions,
 * modules and events found again by name. The recordings are borrowed until flame_diff_close.
 */
struct flame_diff *flame_diff_open(const struct view_context *context,
				   const struct side sides[N_COMPARED], const struct tree *tree);
void flame_diff_close(struct flame_diff *diff);

/*
 * flame_diff_update: take in what the tree, the one it was opened for, and side A have by now.
 * Cost  two look-ups a new node of either; if A grew, some ns a node of both
 */
void flame_diff_update(struct flame_diff *diff, const struct tree *tree);

/* Of all that a side shows; A is NaN if A shows nothing. A box that is not in A has 0 there. */
struct flame_shares {
	double of[N_COMPARED];
	double change; /* B - A; NaN = not known */
};
struct flame_shares flame_diff_of(const struct flame_diff *diff, uint32_t node);

/* flame_diff_sides: as they were when it was opened. */
const struct side *flame_diff_sides(const struct flame_diff *diff);

/* flame_diff_gone: the share of A that lies in boxes which B has not. */
double flame_diff_gone(const struct flame_diff *diff);

/* flame_diff_joins: first levels have no name in common and count as one: a program under another
 * name is still compared. */
bool flame_diff_joins(const struct flame_diff *diff);

size_t flame_diff_bytes(const struct flame_diff *diff);

#endif
