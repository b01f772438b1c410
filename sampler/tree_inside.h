/*
 * tree_inside: what tree.c builds and tree_read.c answers from. For these two only.
 */
#ifndef SAMPLER_TREE_INSIDE_H
#define SAMPLER_TREE_INSIDE_H

#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "sampler/tree.h"

/* A stack's node. Most stacks belong to one root, and their ids are dense. */
struct known_stack {
	uint32_t root_plus_1; /* 0 = not seen */
	uint32_t node;
};

/* Of one function, over all of its nodes. */
struct sum {
	uint64_t inclusive, exclusive, n_exclusive;
	uint8_t found; /* by the pattern: 0 = not looked at, 1 = no, 2 = yes */
};

struct tree {
	const struct recording *recording;
	struct tree_options options;
	struct tree_node *nodes;
	uint32_t *last_children;
	uint32_t n_nodes, capacity;
	struct hash_map children;  /* parent, function, kind -> node */
	struct known_stack *known; /* by stack id, under the root it was first seen with */
	uint32_t n_known;
	struct hash_map stacks;    /* root, stack -> node + 1; under other roots than the first */
	struct hash_map functions; /* name, module -> first function */
	struct sum *sums;          /* by function */
	uint64_t n_sums;
	uint64_t next_sample, n_samples;
	uint32_t series;
	struct moment moment;
};

#endif
