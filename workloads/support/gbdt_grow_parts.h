/*
 * gbdt_grow_parts: what the files of the grower share: the nodes at work and their histograms.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_GROW_PARTS_H
#define WORKLOADS_SUPPORT_GBDT_GROW_PARTS_H

#include "sampler/base/probe.h"
#include "workloads/support/gbdt_grow.h"

enum { GBDT_PLANES = 2 }; /* gradients; positives and rows */

/* A node of the tree at work. */
struct gbdt_part {
	uint32_t node, from, to; /* rows[buffer][from, to) */
	uint32_t middle;         /* where its right side begins, once split */
	unsigned buffer;
	struct gbdt_split_node whole;
	struct gbdt_sums *histogram; /* [plane][feature][bin]; NULL = not open for a split */
	struct gbdt_split split;
	bool is_split;
};

/* Two children of a split, or the root alone as `small`. */
struct gbdt_pair_parts {
	struct gbdt_part *small, *large;
	struct gbdt_sums *parent; /* becomes that of `large` */
};

struct gbdt_grower {
	const struct gbdt_bins *bins;
	struct crew *crew;
	struct gbdt_grow_settings settings;
	const struct gbdt_gradients *gradients;
	unsigned n_planes, n_threads;
	size_t histogram_n;    /* sums in all planes */
	uint32_t *label_pairs; /* plane 1: positives and ones */
	uint32_t *rows[2], *scratch;
	uint32_t n_rows; /* of the sample */
	bool *uses_feature;
	unsigned most_parts, n_parts;
	struct gbdt_part *parts;
	struct gbdt_split *splits; /* [part of the pairs][feature] */
	struct gbdt_pair_parts *pairs;
	unsigned n_pairs;
	struct gbdt_sums **spares; /* histograms that nobody uses */
	unsigned n_spares, most_spares;
	struct gbdt_sums **extras; /* a second piece of rows of a histogram, ... */
	unsigned n_pieces;
	void **tables; /* one a thread */
	uint64_t n_trees;
	struct gbdt_grow_work work;
	struct gbdt_grow_work told; /* of it, in the phases of steps */
	/* The rows and histogram of the large child opened first in this tree. */
	struct gbdt_sums *check;
	uint32_t *check_rows, check_n;
};

/* gbdt_parts_work: what was done between two counts, as phases report it. */
struct probe_work gbdt_parts_work(const struct gbdt_grow_work *from,
				  const struct gbdt_grow_work *to);

/* gbdt_parts_evaluate: histograms and best splits of grower->pairs. */
void gbdt_parts_evaluate(struct gbdt_grower *grower);

/* gbdt_parts_partition: rows of the n parts to their two sides; sets `middle`. */
void gbdt_parts_partition(struct gbdt_grower *grower, struct gbdt_part *const *parts, unsigned n);

struct gbdt_sums *gbdt_parts_take(struct gbdt_grower *grower);
void gbdt_parts_give(struct gbdt_grower *grower, struct gbdt_sums *histogram);

/* gbdt_parts_job: the rows of a part as a histogram of a group and plane. */
struct gbdt_histogram_job gbdt_parts_job(const struct gbdt_grower *grower,
					 const struct gbdt_part *part, unsigned group,
					 unsigned plane, struct gbdt_sums *out);

#endif
