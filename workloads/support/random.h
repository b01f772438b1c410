/*
 * random: numbers from a seed, the same on every machine, by SplitMix64 (sampler/base/mix.h).
 */
#ifndef WORKLOADS_SUPPORT_RANDOM_H
#define WORKLOADS_SUPPORT_RANDOM_H

#include <math.h>
#include <stdint.h>

#include "sampler/base/mix.h"

struct random {
	uint64_t state;
};

static inline uint64_t random_bits(struct random *random)
{
	return mix_bits(random->state += MIX_STEP);
}

/* random_unit: [0, 1) with 53 bits. */
static inline double random_unit(struct random *random)
{
	return (double)(random_bits(random) >> 11) * 0x1p-53;
}

/* random_normal: mean 0, deviation 1 (Box and Muller, 1958). */
static inline double random_normal(struct random *random)
{
	double radius = sqrt(-2 * log(1 - random_unit(random)));
	return radius * cos(6.283185307179586 * random_unit(random));
}

#endif
