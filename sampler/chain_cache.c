/*
 * Direct-mapped, and chains are known by 128 bits of hash: what they are is not kept, so that the
 * chains of a large program fit a processor's cache. Two that differ and agree in all bits would
 * share a stack: once in 2^64 by chance; a file made to that end fools only itself.
 */
#include "sampler/chain_cache.h"

#include <stdlib.h>

#include "sampler/base/why.h"

enum { ENTRY_BITS = 16 };

struct entry {
	uint64_t one, other;
	uint32_t stack, reserved;
};

struct chain_cache {
	struct entry entries[1 << ENTRY_BITS];
};

struct chain_cache *chain_cache_new(void)
{
	return allocate(1, sizeof(struct chain_cache));
}

void chain_cache_free(struct chain_cache *cache)
{
	free(cache);
}

uint32_t *chain_cache_at(struct chain_cache *cache, uint64_t space_id, const uint64_t *chain,
			 size_t n)
{
	/* 2^64 / golden ratio; and an odd constant of MurmurHash3 (Appleby). */
	const uint64_t golden = 0x9e3779b97f4a7c15ULL, murmur = 0xff51afd7ed558ccdULL;
	uint64_t one = space_id * golden, other = (space_id ^ n) * murmur;
	/* Two lanes, each of every other word: neither waits for the other's multiplication. */
	for (size_t i = 0; i + 1 < n; i += 2) {
		one = ((one << 7 | one >> 57) ^ chain[i]) * golden;
		other = ((other << 23 | other >> 41) ^ chain[i + 1]) * murmur;
	}
	if (n % 2)
		one = ((one << 7 | one >> 57) ^ chain[n - 1]) * golden;
	one ^= other >> 32; /* both say where it goes */
	one *= golden;
	struct entry *entry = &cache->entries[one >> (64 - ENTRY_BITS)];
	if (entry->one != one || entry->other != other)
		*entry = (struct entry){ .one = one, .other = other };
	return &entry->stack;
}
