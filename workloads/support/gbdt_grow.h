/*
 * gbdt_grow: fit one tree to gradients: histograms, sibling subtraction, growth by level or by
 * best leaf. The tree does not depend on threads or instructions.
 * Source: Chen and Guestrin, XGBoost (KDD 2016); Ke et al., LightGBM (NIPS 2017).
 */
#ifndef WORKLOADS_SUPPORT_GBDT_GROW_H
#define WORKLOADS_SUPPORT_GBDT_GROW_H

#include <stdbool.h>
#include <stdint.h>

#include "workloads/support/gbdt_bins.h"
#include "workloads/support/gbdt_loss.h"
#include "workloads/support/gbdt_split.h"
#include "workloads/support/gbdt_tree.h"

struct crew;
struct why;

/* Depth: a level at a time. Leaf: always the leaf that gains most. */
enum gbdt_growth { GBDT_GROWTH_DEPTH, GBDT_GROWTH_LEAF };
/* Histograms of nodes: kept from tree to tree, or taken and given back for each node. */
enum gbdt_memory { GBDT_MEMORY_POOL, GBDT_MEMORY_MALLOC };

struct gbdt_grow_settings {
	struct gbdt_split_settings split;
	unsigned depth, n_leaves; /* n_leaves 0 = as many as the depth allows */
	enum gbdt_growth growth;
	double learning_rate, row_share, column_share; /* shares: 0 ... 1 of each tree */
	enum gbdt_method method;
	enum gbdt_memory memory;
	bool is_partition_branchy;
	uint64_t seed; /* of the samples */
};

struct gbdt_grower; /* buffers reused from tree to tree */

/* gbdt_grower_new: labels (0/1) are needed by the entropy term only; both are borrowed. */
struct gbdt_grower *gbdt_grower_new(const struct gbdt_bins *bins, const float *labels,
				    struct crew *crew, const struct gbdt_grow_settings *settings);
void gbdt_grower_free(struct gbdt_grower *grower);

/* gbdt_grow: tree [out] with nodes of its own; to be freed by gbdt_tree_free. */
void gbdt_grow(struct gbdt_grower *grower, const struct gbdt_gradients *gradients,
	       struct gbdt_tree *tree);

/* gbdt_grower_score: add the tree grown last to the scores of its training rows. */
void gbdt_grower_score(struct gbdt_grower *grower, const struct gbdt_tree *tree,
		       enum gbdt_walk walk, float *scores);

/* Exact work so far. */
struct gbdt_grow_work {
	uint64_t n_updates; /* additions to a bin */
	uint64_t n_visits;  /* rows read for them, once a group of features */
};
struct gbdt_grow_work gbdt_grower_work(const struct gbdt_grower *grower);

/* gbdt_grower_method: what AUTO has become; AUTO before the first tree. */
enum gbdt_method gbdt_grower_method(const struct gbdt_grower *grower);

/*
 * gbdt_grower_check: of the tree grown last: each row is in one leaf, the leaf that its bins lead
 * to; each leaf is -G/(H + lambda) of its rows; the first histogram that was found by subtraction,
 * if any was, equals one built from its rows, to the last bit.
 */
bool gbdt_grower_check(const struct gbdt_grower *grower, const struct gbdt_tree *tree,
		       struct why *why);

#endif
