/*
 * gbdt_tree: one regression tree of gradient boosting on binned features: histograms, sibling
 * subtraction, depth-wise growth.
 * Source: Chen and Guestrin, "XGBoost" (KDD 2016), equations 5-7; Ke et al., "LightGBM" (NIPS
 * 2017), histograms and subtraction.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_TREE_H
#define WORKLOADS_SUPPORT_GBDT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crew;

enum { GBDT_MOST_BINS = 256, GBDT_MOST_DEPTH = 12 };

/* Features as quantile bins; bins[f * n_rows + r]. A value belongs to the first bin whose edge is
 * not below it. */
struct gbdt_bins {
	size_t n_rows, n_features, n_bins;
	uint8_t *bins;
	float *edges; /* n_features x (n_bins - 1) */
};

/* gbdt_bins_make: edges from the quantiles of the rows; gbdt_bins_apply: of other rows, with the
 * same edges. values is column-major. */
void gbdt_bins_make(struct gbdt_bins *bins, struct crew *crew, const float *values, size_t n_rows,
		    size_t n_features, size_t n_bins);
void gbdt_bins_apply(struct gbdt_bins *bins, struct crew *crew, const struct gbdt_bins *like,
		     const float *values, size_t n_rows);
void gbdt_bins_free(struct gbdt_bins *bins);

struct gbdt_node {
	uint32_t feature, left; /* right = left + 1; left 0 = a leaf */
	uint8_t bin;            /* rows with bins <= bin go left */
	float value;            /* leaves */
};

struct gbdt_tree {
	struct gbdt_node nodes[2 << GBDT_MOST_DEPTH];
	uint32_t n_nodes;
};

struct gbdt_settings {
	unsigned depth;
	double lambda, gamma, least_hessian, learning_rate;
};

/* Gradient and hessian of a row, together: one cache line serves eight rows. */
struct gbdt_gradient {
	float gradient, hessian;
};

struct gbdt_grower; /* buffers reused from tree to tree */

struct gbdt_grower *gbdt_grower_new(const struct gbdt_bins *bins, struct crew *crew,
				    const struct gbdt_settings *settings);
void gbdt_grower_free(struct gbdt_grower *grower);

/* gbdt_grow: fit a tree to the gradients. Deterministic for any number of threads. */
void gbdt_grow(struct gbdt_grower *grower, const struct gbdt_gradient *gradients,
	       struct gbdt_tree *tree);

/* gbdt_grower_updates: histogram entries updated so far: the exact work. */
uint64_t gbdt_grower_updates(const struct gbdt_grower *grower);

/* gbdt_grower_check: is the last histogram that was found by subtraction equal to one built from
 * its rows? The largest relative difference. */
double gbdt_grower_check(const struct gbdt_grower *grower);

/* gbdt_predict: add the tree's values to scores (n_rows). */
void gbdt_predict(const struct gbdt_tree *tree, const struct gbdt_bins *bins, struct crew *crew,
		  float *scores);

#endif
