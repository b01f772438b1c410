/*
 * gbdt_tree: one regression tree, and its values for rows: binned or raw.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_TREE_H
#define WORKLOADS_SUPPORT_GBDT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/support/gbdt_bins.h"

enum { GBDT_MOST_DEPTH = 12 };

struct gbdt_node {
	uint32_t feature, left; /* right = left + 1; left 0 = a leaf */
	float value;            /* a leaf's; else the edge: values not above it go left */
	uint8_t low, high;      /* bins: left if (uint8_t)(bin - low) <= high */
	uint8_t is_missing_left, depth;
};

/* Children come after their parent. */
struct gbdt_tree {
	struct gbdt_node *nodes;
	uint32_t n_nodes;
	unsigned depth; /* of the deepest leaf */
};

void gbdt_tree_free(struct gbdt_tree *tree);

/* How a tree is walked: asking at each node, or so many steps for all rows, without a branch that
 * depends on data. */
enum gbdt_walk { GBDT_WALK_BRANCHLESS, GBDT_WALK_BRANCHY };

/* gbdt_predict: add the tree's values to scores (n_rows). */
void gbdt_predict(const struct gbdt_tree *tree, const struct gbdt_bins *bins, struct crew *crew,
		  enum gbdt_walk walk, float *scores);

/* gbdt_predict_raw: the same from column-major values; NaN = missing. */
void gbdt_predict_raw(const struct gbdt_tree *tree, struct crew *crew, const float *values,
		      size_t n_rows, float *scores);

/* gbdt_tree_leaf: the leaf a row of bins comes to. */
uint32_t gbdt_tree_leaf(const struct gbdt_tree *tree, const struct gbdt_bins *bins, size_t row);

#endif
