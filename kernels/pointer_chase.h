/*
 * pointer_chase: one cycle through n cache lines in random order; the address of the next is in
 * the line at hand, so a step costs the whole way to where the lines are: L1 to main memory.
 * 64 n bytes, no FLOPs.
 * Source: Saavedra and Smith (IEEE Trans. Computers 44, 1995); Sattolo's cycle (Inf. Proc. Letters
 * 22, 1986); McVoy and Staelin, lmbench (USENIX 1996).
 */
#ifndef KERNELS_POINTER_CHASE_H
#define KERNELS_POINTER_CHASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chase_node { /* one cache line */
	const struct chase_node *next;
	uint64_t value; /* of no meaning, but each counts once in the sum */
	uint64_t rest[6];
};

enum { CHASE_CHAINS = 4 };

struct chase {
	size_t n;
	struct chase_node *nodes;
	const struct chase_node *starts[CHASE_CHAINS]; /* on the cycle, n / CHASE_CHAINS apart */
};

/* chase_start: a cycle of n >= 1 nodes, the same for the same seed; in huge pages where Linux gives
 * them, or never. False without memory. */
bool chase_start(struct chase *chase, size_t n, uint64_t seed, bool wants_huge_pages);
void chase_free(struct chase *chase);

/* The sum of all values modulo 2^64, each line visited once. */
typedef uint64_t pointer_chase_function(const struct chase *chase);

/* pointer_chase_variant: by name; NULL if there is none. "auto" = the last, which overlaps. */
pointer_chase_function *pointer_chase_variant(const char *name);

#endif
