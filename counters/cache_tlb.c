/* TLBs. See cache_tlb.h. */
#include "counters/cache_tlb.h"

#include <stdlib.h>

void cache_tlb_open(struct cache_tlb *tlb, const struct cache_tlb_geometry *geometry)
{
	uint32_t n = geometry->n_entries, bits = 1;
	*tlb = (struct cache_tlb){ 0 };
	if (n == 0)
		return;
	while (bits < 31 && 1u << bits < n)
		bits++;
	bits++; /* twice as many as entries, so that most have one */
	tlb->ways = geometry->ways;
	tlb->n_sets = n / geometry->ways;
	tlb->hash_shift = 64 - bits;
	tlb->entries = allocate(n, sizeof *tlb->entries);
	tlb->sets = allocate(tlb->n_sets, sizeof *tlb->sets);
	tlb->oldest = allocate(n, sizeof *tlb->oldest);
	tlb->heads = allocate((size_t)1 << bits, sizeof *tlb->heads);
	for (uint32_t i = 0; i < n; i++)
		tlb->oldest[i] = (uint16_t)(i % tlb->ways);
}

void cache_tlb_close(struct cache_tlb *tlb)
{
	free(tlb->entries);
	free(tlb->sets);
	free(tlb->oldest);
	free(tlb->heads);
	*tlb = (struct cache_tlb){ 0 };
}

/* Fibonacci hashing: Knuth, TAOCP vol. 3, 6.4. */
static uint32_t *head_of(const struct cache_tlb *tlb, uint64_t page)
{
	return &tlb->heads[page * 0x9e3779b97f4a7c15 >> tlb->hash_shift];
}

struct cache_tlb_entry *cache_tlb_touch(struct cache_tlb *tlb, uint64_t page)
{
	for (uint32_t at = *head_of(tlb, page); at; at = tlb->entries[at - 1].next) {
		struct cache_tlb_entry *entry = &tlb->entries[at - 1];
		if (entry->page != page)
			continue;
		entry->used = tlb->clock += CACHE_TICK;
		return entry;
	}
	return NULL;
}

/* By insertion: where pages come in turns they are in order already. */
static void sort(struct cache_tlb_entry *const entries, uint16_t *oldest, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint16_t way = oldest[i];
		uint32_t at = i;
		for (; at > 0 && entries[oldest[at - 1]].used > entries[way].used; at--)
			oldest[at] = oldest[at - 1];
		oldest[at] = way;
	}
}

/* Entries not used since the set was sorted are in order still, and older than all others. */
static uint32_t victim_of(const struct cache_tlb *tlb, uint32_t number)
{
	struct cache_tlb_set *set = &tlb->sets[number];
	struct cache_tlb_entry *entries = &tlb->entries[(size_t)number * tlb->ways];
	uint16_t *oldest = &tlb->oldest[(size_t)number * tlb->ways];
	for (;;) {
		while (set->at < tlb->ways) {
			uint32_t way = oldest[set->at++];
			if (entries[way].used <= set->sorted)
				return number * tlb->ways + way;
		}
		sort(entries, oldest, tlb->ways);
		set->sorted = tlb->clock;
		set->at = 0;
	}
}

static void unlink_entry(const struct cache_tlb *tlb, uint32_t index)
{
	uint32_t *at = head_of(tlb, tlb->entries[index].page);
	while (*at && *at != index + 1)
		at = &tlb->entries[*at - 1].next;
	if (*at)
		*at = tlb->entries[index].next;
}

struct cache_tlb_entry *cache_tlb_insert(struct cache_tlb *tlb, uint64_t page)
{
	uint32_t set = (tlb->n_sets & (tlb->n_sets - 1)) == 0 ? (uint32_t)page & (tlb->n_sets - 1)
							      : (uint32_t)(page % tlb->n_sets);
	uint32_t index = victim_of(tlb, set), *head = head_of(tlb, page);
	struct cache_tlb_entry *entry = &tlb->entries[index];
	if (entry->used)
		unlink_entry(tlb, index);
	*entry = (struct cache_tlb_entry){ page, tlb->clock += CACHE_TICK, *head };
	*head = index + 1;
	return entry;
}
