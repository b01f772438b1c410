/*
 * tree_sums: further weights over the nodes and functions of a tree: other events of the same
 * stacks, or the same event weighed otherwise, so that ratios can be had of any box.
 */
#ifndef SAMPLER_TREE_SUMS_H
#define SAMPLER_TREE_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording;
struct sample_row;
struct tree;

enum { TREE_MOST_SUMS = 8 };

struct tree_sum {
	uint32_t series; /* whose samples */
	/* What a sample weighs; NULL = its own weight. */
	uint64_t (*weigh)(const void *context, const struct sample_row *sample);
	const void *context; /* borrowed */
};

struct tree_sums;

/* tree_sums_open: none taken in yet. The tree is borrowed until tree_sums_close; a tree that is
 * opened anew needs new sums. n_sums is at most TREE_MOST_SUMS. */
struct tree_sums *tree_sums_open(const struct recording *recording, const struct tree *tree,
				 const struct tree_sum *sums, size_t n_sums);
void tree_sums_close(struct tree_sums *sums);

/*
 * tree_sums_update: take in what the tree has taken in by now.
 * Returns  true if anything changed
 * Cost     new rows, plus some ns a node if anything changed
 */
bool tree_sums_update(struct tree_sums *sums);

/* tree_sums_of: a node's with everything below it, one value a sum; NULL for a node it has not. */
const uint64_t *tree_sums_of(const struct tree_sums *sums, uint32_t node);

/* tree_sums_of_function: exclusive ones, by a function's id as in tree_functions; NULL if none. */
const uint64_t *tree_sums_of_function(const struct tree_sums *sums, uint32_t function);

#endif
