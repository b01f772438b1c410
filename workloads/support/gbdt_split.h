/*
 * gbdt_split: where to split a node, from its histogram.
 *
 * newton = 1/2 (GL^2/(HL+lambda) + GR^2/(HR+lambda) - G^2/(H+lambda)) - gamma.
 * To it PKBoost adds alpha times the information gain in bits: by `paper` as it is, which for more
 * than some rows only breaks ties, since the Newton part grows with the rows and bits do not; by
 * `per-sample` times the rows of the node.
 * Source: Chen and Guestrin, XGBoost (KDD 2016), equation 7; PKBoost, Math.pdf.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_SPLIT_H
#define WORKLOADS_SUPPORT_GBDT_SPLIT_H

#include <stdbool.h>

#include "workloads/support/gbdt_histogram.h"
#include "workloads/support/gbdt_simd.h"

/* In the order of GBDT_ENTROPY_CHOICES. */
enum gbdt_entropy { GBDT_ENTROPY_OFF, GBDT_ENTROPY_PAPER, GBDT_ENTROPY_PER_SAMPLE };
#define GBDT_ENTROPY_CHOICES "off|paper|per-sample"

/* Less gain than this is rounding. */
#define GBDT_LEAST_GAIN 1e-6

struct gbdt_split_settings {
	double lambda, gamma, least_hessian;
	enum gbdt_entropy entropy;
	double information_weight;
	enum gbdt_simd simd; /* never AUTO */
};

/* A node about to be split. */
struct gbdt_split_node {
	struct gbdt_sums sums, counts; /* counts: positives and rows; used by the entropy term */
	double gradient_unit, hessian_unit;
	unsigned depth;
};

struct gbdt_split {
	double gain; /* newton + entropy term; not above GBDT_LEAST_GAIN = none */
	struct gbdt_sums left, left_counts;
	uint32_t feature;
	uint8_t low, high; /* left: (uint8_t)(bin - low) <= high */
	bool is_missing_left;
};

/* One feature of a histogram. */
struct gbdt_split_feature {
	const struct gbdt_sums *sums, *counts; /* [bin]; counts NULL without entropy */
	unsigned n_bins;
	bool has_missing; /* bin 0 is that of missing values */
};

/* gbdt_entropy_bits: of n rows with so many positives; 0 of none. */
double gbdt_entropy_bits(double n_positive, double n);

/* gbdt_information_gain: bits won by parting n rows with their positives into left and right. */
double gbdt_information_gain(struct gbdt_sums whole, struct gbdt_sums left);

/* gbdt_alpha: the weight of information in a node, by depth and entropy. 0 = the term is off. */
double gbdt_alpha(const struct gbdt_split_settings *settings, const struct gbdt_split_node *node);

/* find_split: the best of a feature; of equal ones the first. split->feature is left alone. */
void find_split(const struct gbdt_split_settings *settings, const struct gbdt_split_node *node,
		const struct gbdt_split_feature *feature, struct gbdt_split *split);

/* gbdt_leaf: -G / (H + lambda). */
double gbdt_leaf(const struct gbdt_split_settings *settings, const struct gbdt_split_node *node);

#endif
