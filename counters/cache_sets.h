/*
 * cache_sets: one cache or TLB: sets of ways that hold keys, replaced by LRU or pseudo-LRU.
 *
 * An entry is key << 4 with four bits of the user's below; an entry whose state bits are zero is
 * empty. With LRU a set is in order of use, the latest first, so that the commonest hit is one
 * comparison; with pseudo-LRU entries stay where they are and a tree of bits points away from what
 * was used.
 * Source: pseudo-LRU: So and Rechtschaffen, "Cache Operations by MRU Change" (1988); trees as in
 * Intel's and AMD's first caches. Where ways are no power of two the tree has leaves that are
 * never chosen.
 */
#ifndef COUNTERS_CACHE_SETS_H
#define COUNTERS_CACHE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/cache_geometry.h"

enum { CACHE_ENTRY_SHIFT = 4, CACHE_STATE_MASK = 3, CACHE_BITS_MASK = 15 };

struct cache_sets {
	uint64_t *entries; /* n_sets rows of `ways` */
	uint64_t *trees;   /* pseudo-LRU: a bit for each inner node; else NULL */
	uint64_t n_sets, mask;
	uint32_t ways, leaves; /* leaves: ways rounded up to a power of two */
	bool is_power_of_two;
};

/* cache_sets_open: empty; dies without memory. */
void cache_sets_open(struct cache_sets *sets, uint64_t n_sets, uint32_t ways,
		     enum cache_policy policy);
void cache_sets_close(struct cache_sets *sets);

static inline uint64_t cache_sets_index(const struct cache_sets *sets, uint64_t key)
{
	return sets->is_power_of_two ? key & sets->mask : key % sets->n_sets;
}

static inline uint64_t *cache_sets_row(const struct cache_sets *sets, uint64_t key)
{
	return sets->entries + cache_sets_index(sets, key) * sets->ways;
}

/* cache_sets_find: the entry of a key, left where it is; NULL if it is not there. */
static inline uint64_t *cache_sets_find(const struct cache_sets *sets, uint64_t key)
{
	uint64_t *row = cache_sets_row(sets, key), wanted = key << CACHE_ENTRY_SHIFT;
	for (uint32_t way = 0; way < sets->ways; way++)
		if ((row[way] ^ wanted) <= CACHE_BITS_MASK && row[way] & CACHE_STATE_MASK)
			return &row[way];
	return NULL;
}

/* cache_sets_touch: the same, and now the latest used. */
uint64_t *cache_sets_touch(struct cache_sets *sets, uint64_t key);

/*
 * cache_sets_exchange: with LRU, find a key or put it in, in one pass: the search moves what it
 * passes.
 * was      [out] the entry found, or the one that made room (0 = there was room)
 * Returns  true if it was there: it is now first, as it was
 */
static inline bool cache_sets_exchange(const struct cache_sets *sets, uint64_t entry, uint64_t *was)
{
	uint64_t *row = cache_sets_row(sets, entry >> CACHE_ENTRY_SHIFT), before = row[0];
	row[0] = entry;
	for (uint32_t way = 1; (before ^ entry) > CACHE_BITS_MASK; way++) {
		if (way == sets->ways) {
			*was = before;
			return false;
		}
		uint64_t next = row[way];
		row[way] = before;
		before = next;
	}
	*was = row[0] = before;
	return true;
}

/*
 * cache_sets_insert: put in an entry that is not there, as the latest used.
 * Returns  the entry that made room; 0 if there was room
 */
uint64_t cache_sets_insert(struct cache_sets *sets, uint64_t entry);

/* cache_sets_remove: take it out; returns what it was, 0 if it was not there. */
uint64_t cache_sets_remove(struct cache_sets *sets, uint64_t key);

#endif
