/*
 * grade_kernels: loops whose counts are known to the instruction, written in assembly so that no
 * compiler changes them.
 */
#ifndef COUNTERS_GRADE_KERNELS_H
#define COUNTERS_GRADE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What they work on. Zeroed before the first. */
struct grade_memory {
	void **list; /* a random cycle through every line of a block larger than the last cache */
	size_t list_bytes;
	double missing_ratio; /* of its steps that cannot be in the last cache */
};

/* Each returns how many units of work it has done; 0 = there is none for this processor. */
double grade_rounds(struct grade_memory *memory);    /* of 3 instructions, 1 of them a branch */
double grade_additions(struct grade_memory *memory); /* one a cycle: each needs the one before */
double grade_loads(struct grade_memory *memory);
double grade_flops(struct grade_memory *memory); /* scalar additions in double precision */
double grade_coins(struct grade_memory *memory); /* branches that nobody can foresee */
double grade_steps(struct grade_memory *memory); /* along the list: each misses every cache */
double grade_pages(struct grade_memory *memory); /* touched for the first time */
double grade_naps(struct grade_memory *memory);
double grade_time(struct grade_memory *memory); /* ns of CPU time of this thread */

void grade_memory_free(struct grade_memory *memory);

#endif
