/*
 * branches: the sum and number of the elements of x (n) that are at least `least`. Twins: the same
 * by a jump that is taken or not, and by arithmetic that has none.
 * No FLOPs; 4 n bytes. Exact for n < 2^32.
 * Source  Smith, "A study of branch prediction strategies" (1981); Fog, Microarchitecture
 */
#ifndef KERNELS_BRANCHES_H
#define KERNELS_BRANCHES_H

#include <stddef.h>
#include <stdint.h>

struct branches_sum {
	int64_t sum;
	uint64_t count;
};

typedef struct branches_sum branches_function(const int32_t *x, size_t n, int32_t least);

/* branches_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the last. */
branches_function *branches_variant(const char *name);

#endif
