/*
 * tree_inside: what tree.c builds, tree_phases.c moves and tree_read.c answers from. For these and
 * tree_sums.c only.
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
	/* With TREE_ROOT_PHASE: */
	struct phases *phases;
	uint32_t *roots;            /* by sample: the phase it counts under; 0 = it does not */
	uint64_t n_roots, n_phases; /* n_phases: those that roots have been looked at for */
};

/* Of tree.c. tree_root: the first level's node of a sample, made if there is none. tree_find: the
 * node of a stack; false while its frames have no names. tree_weigh: a sample as the options weigh
 * it; false if it is left out. tree_first_since: the first sample that may be of a time. */
uint32_t tree_root(struct tree *tree, const struct sample_row *sample);
bool tree_find(struct tree *tree, uint32_t root, uint32_t stack, uint32_t *node);
bool tree_weigh(const struct tree *tree, uint64_t id, struct sample_row *sample);
uint64_t tree_first_since(const struct tree *tree, uint64_t from_ns);

/* tree_add_upwards: one sample's weight to what is above it, and nothing else; taken away with both
 * negated. tree_most_upwards: from how many on all sums are rather made anew. */
void tree_add_upwards(struct tree *tree, uint32_t node, uint64_t weight, uint64_t n);
uint64_t tree_most_upwards(const struct tree *tree);

/* Of tree_phases.c. tree_phases_update: take in phases, and move samples that are in other ones
 * than was known; true if any moved. *is_bulk: so many that sums have to be made anew. */
bool tree_phases_update(struct tree *tree, bool *is_bulk);
void tree_phases_forget(struct tree *tree);
void tree_phases_close(struct tree *tree);

#endif
