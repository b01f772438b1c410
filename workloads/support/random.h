/*
 * random: numbers from a seed, the same on every machine. Source: Steele, Lea, Flood, "Fast
 * splittable pseudorandom number generators" (OOPSLA 2014), SplitMix64.
 */
#ifndef WORKLOADS_SUPPORT_RANDOM_H
#define WORKLOADS_SUPPORT_RANDOM_H

#include <math.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_bits(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
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
