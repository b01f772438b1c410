/*
 * grade_kernels: loops whose counts are known to the instruction, written in assembly so that no
 * compiler changes them.
 */
#ifndef COUNTERS_GRADE_KERNELS_H
#define COUNTERS_GRADE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A cycle of pointers through every line of a block, page after page: until it comes back to a line
 * or to a page, all others have been touched.
 */
struct grade_list {
	void **at;
	void *block;
	size_t bytes;
};

/* What they work on. Zeroed before the first, but for the sizes of caches, 0 = unknown. */
struct grade_memory {
	size_t first_cache_bytes, last_cache_bytes;
	struct grade_list near; /* larger than the first cache, within what the TLBs hold */
	struct grade_list far;  /* larger than the last cache, or as large as may be */
};

/* Each returns how many units of work it has done; 0 = there is none for this processor. */
double grade_rounds(struct grade_memory *memory);    /* of 3 instructions, 1 of them a branch */
double grade_additions(struct grade_memory *memory); /* one a cycle: each needs the one before */
double grade_loads(struct grade_memory *memory);
double grade_flops(struct grade_memory *memory); /* scalar additions in double precision */
double grade_coins(struct grade_memory *memory); /* branches that nobody can foresee */
double grade_near(struct grade_memory *memory);  /* steps: each misses the first cache */
double grade_far(struct grade_memory *memory);   /* steps: each misses the TLBs and all caches */
double grade_pages(struct grade_memory *memory); /* touched for the first time */
double grade_naps(struct grade_memory *memory);
double grade_time(struct grade_memory *memory); /* ns of CPU time of this thread */

/* grade_memory_exceeds: is the far list so large that its steps cannot be in the last cache? */
bool grade_memory_exceeds(const struct grade_memory *memory);

void grade_memory_free(struct grade_memory *memory);

#endif
