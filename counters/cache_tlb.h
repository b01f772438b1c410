/*
 * cache_tlb: one TLB: sets of pages replaced by LRU, of any number of ways at the cost of a few:
 * pages are found by their hash, and an entry remembers when it was used. The entry used least
 * recently is not searched for each time: all of a set are sorted by use now and then, and the
 * first of that order that was not used since is it.
 */
#ifndef COUNTERS_CACHE_TLB_H
#define COUNTERS_CACHE_TLB_H

#include <stdint.h>

#include "counters/cache_geometry.h"
#include "counters/cache_sets.h"

struct cache_tlb_entry {
	uint64_t page, used; /* used: by the TLB's clock; 0 = empty */
	uint32_t next;       /* 1 + the next entry of the same hash; 0 = none */
};

struct cache_tlb_set {
	uint64_t sorted; /* when */
	uint32_t at;     /* in its row of `oldest` */
};

struct cache_tlb {
	struct cache_tlb_entry *entries; /* n_sets rows of `ways`; NULL = there is no such TLB */
	struct cache_tlb_set *sets;
	uint16_t *oldest; /* rows of ways' numbers in order of use, when they were sorted */
	uint32_t *heads;  /* 1 + the first entry of a hash */
	uint64_t clock;   /* goes in steps of CACHE_TICK */
	uint32_t n_sets, ways, hash_shift;
};

/* cache_tlb_open: empty; dies without memory. 0 entries = none. */
void cache_tlb_open(struct cache_tlb *tlb, const struct cache_tlb_geometry *geometry);
void cache_tlb_close(struct cache_tlb *tlb);

/* cache_tlb_touch: the entry of a page, now the latest used; NULL if it is not there. */
struct cache_tlb_entry *cache_tlb_touch(struct cache_tlb *tlb, uint64_t page);

/* cache_tlb_insert: a page that is not there in place of the one of its set used least recently. */
struct cache_tlb_entry *cache_tlb_insert(struct cache_tlb *tlb, uint64_t page);

#endif
