/*
 * mix: bits that look random from any number, one to one.
 * Source  Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014),
 *         SplitMix64
 */
#ifndef SAMPLER_BASE_MIX_H
#define SAMPLER_BASE_MIX_H

#include <stdint.h>

/* What a state grows by from one number to the next: 2^64 over the golden ratio. */
#define MIX_STEP 0x9e3779b97f4a7c15ULL

static inline uint64_t mix_bits(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#endif
