/*
 * cache_sets: one cache: sets of ways that hold keys, replaced by LRU or pseudo-LRU.
 *
 * An entry is key << 4 with four bits of the user's below; an entry whose state bits are zero is
 * empty. With LRU of up to 16 ways entries stay where they are and the order of use is a word of
 * nibbles, so that neither a hit nor a miss moves more than one of them; with more ways, or very
 * many sets, a set is a list in order of use, the latest first; with pseudo-LRU a tree of bits
 * points away from what was used. Source: pseudo-LRU: So and Rechtschaffen, "Cache Operations by
 * MRU Change" (1988); trees as in Intel's and AMD's first caches. Where ways are no power of two
 * the tree has leaves that are never chosen. Zero nibbles of a word: Warren, Hacker's Delight, 6-1.
 */
#ifndef COUNTERS_CACHE_SETS_H
#define COUNTERS_CACHE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/cache_geometry.h"

enum {
	CACHE_ENTRY_SHIFT = 4,
	CACHE_STATE_MASK = 3,
	CACHE_BITS_MASK = 15,
	CACHE_ORDERED_WAYS = 16, /* nibbles of a word */
	CACHE_NO_WAY = 16,
};

struct cache_sets {
	uint64_t *entries; /* n_sets rows of `ways` */
	uint64_t *
		orders; /* LRU of up to 16 ways: their numbers, the latest used lowest; else NULL */
	uint32_t *tags; /* where there are orders: keys' low bits, rows of 16; may be out of date
			 * where the entry is empty */
	uint64_t *trees; /* pseudo-LRU: a bit for each inner node; else NULL */
	uint64_t n_sets, mask;
	uint64_t order_mask;     /* where there are orders: of ways' nibbles */
	uint32_t ways, way_mask; /* way_mask: where there are orders: a bit for each */
	uint32_t last_shift;     /* ... to the last nibble of an order */
	uint32_t leaves;         /* ways rounded up to a power of two */
	bool is_power_of_two;
	void *memory[2]; /* entries and tags are aligned in */
};

/* cache_sets_open: empty; dies without memory. */
void cache_sets_open(struct cache_sets *sets, uint64_t n_sets, uint32_t ways,
		     enum cache_policy policy);
void cache_sets_close(struct cache_sets *sets);

/* ---- orders */

/* cache_order_until: the bits of an order's nibbles up to the one that is `way`. */
static inline uint64_t cache_order_until(uint64_t order, uint64_t way)
{
	const uint64_t ones = 0x1111111111111111;
	uint64_t differing = order ^ way * ones;
	uint64_t zeros = (differing - ones) & ~differing & ones << 3; /* right for the lowest */
	return zeros ^ (zeros - 1);
}

/* cache_order_touch: the order when `way` is the latest used. */
static inline uint64_t cache_order_touch(uint64_t order, uint64_t way)
{
	uint64_t until = cache_order_until(order, way);
	return (order & ~until) | ((order << 4 | way) & until);
}

/* ---- sets */

static inline uint64_t cache_sets_index(const struct cache_sets *sets, uint64_t key)
{
	return sets->is_power_of_two ? key & sets->mask : key % sets->n_sets;
}

static inline uint64_t *cache_sets_row(const struct cache_sets *sets, uint64_t key)
{
	return sets->entries + cache_sets_index(sets, key) * sets->ways;
}

/* cache_sets_is: an entry of this key, not an empty one. */
static inline bool cache_sets_is(uint64_t entry, uint64_t key)
{
	return (entry ^ key << CACHE_ENTRY_SHIFT) - 1 < CACHE_BITS_MASK;
}

#ifdef __SSE2__
/* Vectors without <emmintrin.h>, which declares malloc() and free() too: the hooks define those. */
typedef int cache_words __attribute__((vector_size(16)));
typedef short cache_halves __attribute__((vector_size(16)));
#endif

/* cache_sets_same_tags: a bit for each of 16 tags that is this one. */
static inline uint32_t cache_sets_same_tags(const uint32_t *tags, uint32_t tag)
{
#ifdef __SSE2__
	const cache_words *row = (const cache_words *)(const void *)tags;
	const int wanted = (int)tag;
	cache_halves low = __builtin_ia32_packssdw128(row[0] == wanted, row[1] == wanted);
	cache_halves high = __builtin_ia32_packssdw128(row[2] == wanted, row[3] == wanted);
	return (uint32_t)__builtin_ia32_pmovmskb128(__builtin_ia32_packsswb128(low, high));
#else
	uint32_t same = 0;
	for (uint32_t way = 0; way < CACHE_ORDERED_WAYS; way++)
		same |= (uint32_t)(tags[way] == tag) << way;
	return same;
#endif
}

/* cache_sets_way: where there are orders: the way of a key in its set, CACHE_NO_WAY if it is not
 * there. */
static inline uint32_t cache_sets_way(const struct cache_sets *sets, uint64_t set, uint64_t key)
{
	const uint64_t *row = &sets->entries[set * sets->ways];
	const uint32_t *tags = &sets->tags[set * CACHE_ORDERED_WAYS];
	uint32_t same = cache_sets_same_tags(tags, (uint32_t)key) & sets->way_mask;
	for (; same; same &= same - 1) {
		uint32_t way = (uint32_t)__builtin_ctz(same);
		if (__builtin_expect(cache_sets_is(row[way], key), 1))
			return way;
	}
	return CACHE_NO_WAY;
}

/* cache_sets_use: where there are orders: a way is now the latest used of its set. */
static inline void cache_sets_use(const struct cache_sets *sets, uint64_t set, uint64_t way)
{
	uint64_t order = sets->orders[set];
	if ((order & CACHE_BITS_MASK) != way)
		sets->orders[set] = cache_order_touch(order, way);
}

/* cache_sets_find_in_list: cache_sets_find where there are no orders. */
uint64_t *cache_sets_find_in_list(const struct cache_sets *sets, uint64_t key);

/* cache_sets_find: the entry of a key, left where it is; NULL if it is not there. */
static inline uint64_t *cache_sets_find(const struct cache_sets *sets, uint64_t key)
{
	if (__builtin_expect(!sets->orders, 0))
		return cache_sets_find_in_list(sets, key);
	uint64_t set = cache_sets_index(sets, key);
	uint32_t way = cache_sets_way(sets, set, key);
	return way == CACHE_NO_WAY ? NULL : &sets->entries[set * sets->ways + way];
}

/*
 * cache_sets_replace: where there are orders: put in an entry that is not there, in its set, as the
 * latest used.
 * was      [out] the entry that made room; 0 if there was room
 * Returns  its way
 */
static inline uint32_t cache_sets_replace(const struct cache_sets *sets, uint64_t set,
					  uint64_t entry, uint64_t *was)
{
	uint64_t order = sets->orders[set], way = order >> sets->last_shift & 15;
	uint64_t *place = &sets->entries[set * sets->ways + way];
	*was = *place;
	*place = entry;
	sets->tags[set * CACHE_ORDERED_WAYS + way] = (uint32_t)(entry >> CACHE_ENTRY_SHIFT);
	sets->orders[set] = (order & ~sets->order_mask) | ((order << 4 | way) & sets->order_mask);
	return (uint32_t)way;
}

/* cache_sets_prefetch: a key will be asked for. */
static inline void cache_sets_prefetch(const struct cache_sets *sets, uint64_t key)
{
	uint64_t set = cache_sets_index(sets, key);
	__builtin_prefetch(sets->entries + set * sets->ways);
	if (sets->orders) {
		__builtin_prefetch(sets->tags + set * CACHE_ORDERED_WAYS);
		__builtin_prefetch(&sets->orders[set]);
	}
}

/* cache_sets_touch: the same, and now the latest used. */
uint64_t *cache_sets_touch(const struct cache_sets *sets, uint64_t key);

/*
 * cache_sets_insert: put in an entry that is not there, as the latest used.
 * Returns  the entry that made room; 0 if there was room
 */
uint64_t cache_sets_insert(const struct cache_sets *sets, uint64_t entry);

/* cache_sets_remove: take it out; returns what it was, 0 if it was not there. */
uint64_t cache_sets_remove(const struct cache_sets *sets, uint64_t key);

#endif
