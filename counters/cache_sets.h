/*
 * cache_sets: one cache: sets of ways that hold keys, replaced by LRU or pseudo-LRU.
 *
 * An entry is key << 4 with four bits of the user's below; an entry whose state bits are zero is
 * empty. With LRU of up to 16 ways entries stay where they are and the order of use is a word of
 * nibbles, so that neither a hit nor a miss moves more than one of them. Or each entry has the time
 * of its last use: a use then is one store that waits for nothing, and the
 * oldest is searched for when room is needed, as suits a cache that is mostly hit. With more ways,
 * or very many sets, a set is a list in order of use, the latest first; with pseudo-LRU a tree of
 * bits points away from what was used. Source: pseudo-LRU: So and Rechtschaffen, "Cache Operations
 * by MRU Change" (1988); trees as in Intel's and AMD's first caches. Where ways are no power of two
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
	CACHE_TICK = 16, /* clocks go in steps: below a time is room for the number of the way */
};

/* Times are compared as they are or as doubles of the same bits, which SSE2 can do: these are
 * normal numbers, whatever happens to small ones. A clock takes centuries to the last. */
#define CACHE_TIME_EMPTY 0x3fe0000000000000u
#define CACHE_TIME_FIRST 0x3ff0000000000000u
#define CACHE_TIME_NEVER 0x7fe0000000000000u

/*
 * A set of up to 16 ways: what is looked at first in one line of this machine's, then all else
 * behind the same address. What is not needed at the end of it is not there: rows are `pitch` bytes
 * apart.
 */
struct cache_set {
	uint16_t tags[CACHE_ORDERED_WAYS]; /* bits of the keys; old where the entry is empty */
	uint64_t order;                    /* the ways' numbers, the latest used lowest */
	uint8_t notes[CACHE_ORDERED_WAYS]; /* the user's, of each way */
	uint64_t latest; /* where there is an order: cache_sets_latest of what was used last; 0 =
			    unknown */
	uint64_t entries[CACHE_ORDERED_WAYS];
	uint64_t times[CACHE_ORDERED_WAYS]; /* in place of the order: of the last use */
};

_Static_assert(offsetof(struct cache_set, entries) == 64, "a line of this machine's");

struct cache_sets {
	struct cache_set *ordered; /* LRU of up to 16 ways; else NULL */
	uint64_t mask, n_sets;
	uint64_t pitch;      /* of `ordered`, in bytes */
	uint32_t way_mask;   /* ... a bit for each way */
	uint32_t tag_shift;  /* ... to what of a key differs in a set */
	uint64_t order_mask; /* ... of ways' nibbles */
	uint32_t last_shift; /* ... to the last nibble of an order */
	uint32_t ways;
	uint32_t skip_shift; /* ... a row is left out after 1 << skip_shift */
	uint64_t *clock;     /* where there are times; else NULL */
	uint64_t *entries;   /* else: n_sets rows of `ways` */
	uint64_t *trees;     /* pseudo-LRU: a bit for each inner node; else NULL */
	uint32_t leaves;     /* ways rounded up to a power of two */
	bool is_power_of_two;
	void *memory; /* sets are aligned in */
};

/*
 * cache_sets_open: empty; dies without memory.
 * clock    with LRU of up to 16 ways: keep times by this clock (borrowed; a multiple of CACHE_TICK
 *          from CACHE_TIME_FIRST on); NULL = an order
 */
void cache_sets_open(struct cache_sets *sets, uint64_t n_sets, uint32_t ways,
		     enum cache_policy policy, uint64_t *clock);
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
	return __builtin_expect(sets->is_power_of_two, 1) ? key & sets->mask : key % sets->n_sets;
}

/* cache_sets_at: where there are orders: the set of a number. Programs like to go in steps of
 * powers of two: with a row left out now and then, sets that are such a step apart do not fall into
 * the same few sets of this machine's caches. */
static inline struct cache_set *cache_sets_at(const struct cache_sets *sets, uint64_t number)
{
	char *first = (char *)sets->ordered;
	number += number >> sets->skip_shift;
	return (struct cache_set *)(void *)(first + number * sets->pitch);
}

/* cache_sets_set: where there are orders: the set that a key belongs to. */
static inline struct cache_set *cache_sets_set(const struct cache_sets *sets, uint64_t key)
{
	return cache_sets_at(sets, cache_sets_index(sets, key));
}

static inline uint64_t cache_sets_latest(uint64_t key)
{
	return key << CACHE_ENTRY_SHIFT | 1;
}

/* cache_sets_is: an entry of this key, not an empty one. */
static inline bool cache_sets_is(uint64_t entry, uint64_t key)
{
	return (entry ^ key << CACHE_ENTRY_SHIFT) - 1 < CACHE_BITS_MASK;
}

#ifdef __SSE2__
/* Vectors without <emmintrin.h>, which declares malloc() and free() too: the hooks define those. */
typedef short cache_halves __attribute__((vector_size(16)));
typedef double cache_times __attribute__((vector_size(16), may_alias));
typedef unsigned long long cache_pair __attribute__((vector_size(16)));
#endif

/* cache_sets_same_tags: a bit for each of 16 tags that is this one. */
static inline uint32_t cache_sets_same_tags(const uint16_t *tags, uint16_t tag)
{
#ifdef __SSE2__
	const cache_halves *row = (const cache_halves *)(const void *)tags;
	const short wanted = (short)tag;
	return (uint32_t)__builtin_ia32_pmovmskb128(
		__builtin_ia32_packsswb128(row[0] == wanted, row[1] == wanted));
#else
	uint32_t same = 0;
	for (uint32_t way = 0; way < CACHE_ORDERED_WAYS; way++)
		same |= (uint32_t)(tags[way] == tag) << way;
	return same;
#endif
}

/* cache_sets_tag: what sets remember of a key beside its entry: of two in one set it is the same
 * only if they are 65536 rounds of the sets apart. */
static inline uint16_t cache_sets_tag(const struct cache_sets *sets, uint64_t key)
{
	return (uint16_t)(key >> sets->tag_shift);
}

/* cache_sets_way_of: cache_sets_way, of those whose bits are set. */
uint32_t cache_sets_way_of(const struct cache_set *set, uint64_t key, uint32_t same);

/* cache_sets_same: the ways of a set that may have the key: a bit for each. */
static inline uint32_t cache_sets_same(const struct cache_sets *sets, const struct cache_set *set,
				       uint64_t key)
{
	return cache_sets_same_tags(set->tags, cache_sets_tag(sets, key)) & sets->way_mask;
}

/* cache_sets_way: where there are orders: the way of a key in its set, CACHE_NO_WAY if it is not
 * there. */
static inline uint32_t cache_sets_way(const struct cache_sets *sets, const struct cache_set *set,
				      uint64_t key)
{
	uint32_t same = cache_sets_same(sets, set, key);
	if (!same)
		return CACHE_NO_WAY;
	uint32_t way = (uint32_t)__builtin_ctz(same);
	if (__builtin_expect(cache_sets_is(set->entries[way], key), 1))
		return way;
	return cache_sets_way_of(set, key, same);
}

/* cache_sets_use: where there are orders: a way is now the latest used of its set. */
static inline void cache_sets_use(const struct cache_sets *sets, struct cache_set *set,
				  uint64_t way)
{
	if (sets->clock) {
		set->times[way] = (*sets->clock += CACHE_TICK) + way;
		return;
	}
	if ((set->order & CACHE_BITS_MASK) != way)
		set->order = cache_order_touch(set->order, way);
	set->latest = cache_sets_latest(set->entries[way] >> CACHE_ENTRY_SHIFT);
}

/* cache_sets_find_in_list: cache_sets_find where there are no orders. */
uint64_t *cache_sets_find_in_list(const struct cache_sets *sets, uint64_t key);

/* cache_sets_find: the entry of a key, left where it is; NULL if it is not there. */
static inline uint64_t *cache_sets_find(const struct cache_sets *sets, uint64_t key)
{
	if (__builtin_expect(!sets->ordered, 0))
		return cache_sets_find_in_list(sets, key);
	struct cache_set *set = cache_sets_set(sets, key);
	uint32_t way = cache_sets_way(sets, set, key);
	return way == CACHE_NO_WAY ? NULL : &set->entries[way];
}

/* cache_sets_oldest: where there are times: the way used least recently, or an empty one. Those
 * that are not there are never it. */
static inline uint32_t cache_sets_oldest(const struct cache_sets *sets, const struct cache_set *set)
{
#ifdef __SSE2__
	const cache_times *at = (const cache_times *)(const void *)set->times;
	cache_times least = __builtin_ia32_minpd(__builtin_ia32_minpd(at[0], at[1]),
						 __builtin_ia32_minpd(at[2], at[3]));
	if (__builtin_expect(sets->ways > 8, 0))
		for (uint32_t i = 4; i < CACHE_ORDERED_WAYS / 2; i++)
			least = __builtin_ia32_minpd(least, at[i]);
	cache_pair both = (cache_pair)least;
	return (both[0] < both[1] ? both[0] : both[1]) & CACHE_BITS_MASK;
#else
	uint64_t least = set->times[0];
	for (uint32_t way = 1; way < sets->ways; way++)
		least = set->times[way] < least ? set->times[way] : least;
	return least & CACHE_BITS_MASK;
#endif
}

/* cache_sets_next: where there is an order: the way used least recently, which is now the latest.
 */
static inline uint32_t cache_sets_next(const struct cache_sets *sets, struct cache_set *set)
{
	uint64_t order = set->order, way = order >> sets->last_shift & CACHE_BITS_MASK;
	set->order = (order & ~sets->order_mask) | ((order << 4 | way) & sets->order_mask);
	return (uint32_t)way;
}

/* cache_sets_prefetch: a key will be asked for. */
static inline void cache_sets_prefetch(const struct cache_sets *sets, uint64_t key)
{
	if (sets->ordered)
		__builtin_prefetch(cache_sets_set(sets, key));
	else
		__builtin_prefetch(sets->entries + cache_sets_index(sets, key) * sets->ways);
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
