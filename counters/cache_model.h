/*
 * cache_model: what caches and TLBs of a geometry would do with a program's loads and stores:
 * misses by level, evictions, next-line prefetch, and coherence between cores (MESI), so that
 * false sharing shows. It models contents, not time.
 *
 * It is compiled into modelled programs, where threads call it for cores of their own; until
 * cache_model_set_threaded there is one thread and no lock. Results depend on nothing but the
 * accesses and, with several threads, on the order in which they come.
 * Source: MESI: Papamarcos and Patel, ISCA 1984. Sharing misses: Dubois et al., ISCA 1993, with
 * the words of the first access after the line was lost standing for its use.
 */
#ifndef COUNTERS_CACHE_MODEL_H
#define COUNTERS_CACHE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/cache_geometry.h"
#include "counters/cache_sets.h"
#include "counters/cache_tlb.h"

/* What an access met; any of them, 0 = a hit in the first cache. */
enum cache_result {
	CACHE_MISS = 1,            /* shifted by level: 1 = the first missed, 2 the second ... */
	CACHE_TLB_MISS = 16,       /* the first TLB */
	CACHE_WALK = 32,           /* all TLBs: the page tables are walked */
	CACHE_TRUE_SHARING = 64,   /* the line was taken by another core, which wrote these bytes */
	CACHE_FALSE_SHARING = 128, /* ... which wrote other bytes of the line */
	CACHE_LAST_MISS = 256,     /* every level missed */
};

/* States of a line in an entry's low bits; 0 = none. */
enum cache_state { CACHE_SHARED = 1, CACHE_OWNED = 2 /* exclusive, clean */, CACHE_MODIFIED = 3 };
enum {
	CACHE_PREFETCHED = 4, /* not used since it was prefetched */
	CACHE_WATCHED = 8,    /* another core lost it: writes are remembered */
};

struct cache_level_counts {
	uint64_t n_lookups, n_misses; /* of demand accesses */
	uint64_t n_evictions, n_writebacks;
	uint64_t n_back_invalidations; /* lines that left earlier levels because they left this */
};

struct cache_counts {
	struct cache_level_counts levels[CACHE_MOST_LEVELS];
	uint64_t n_prefetches, n_used_prefetches;
	uint64_t n_upgrades, n_invalidations; /* writes to shared lines; lines taken from others */
	uint64_t n_true_sharing, n_false_sharing;
	uint64_t n_memory_reads, n_memory_writes; /* lines */
};

struct cache_core;

struct cache_model {
	struct cache_geometry geometry;
	uint64_t line_shift, page_shift;
	bool is_fast; /* LRU with times in the first level and one thread */
	bool is_threaded;
	bool is_plain; /* one core, LRU, and nothing but filling on a miss */
	bool is_short; /* ... and a second level with orders */
	uint64_t active_cores[CACHE_MOST_CORES / 64];
	uint32_t n_active;
	struct cache_core *cores;
	struct cache_sets *levels[CACHE_MOST_LEVELS]; /* instances */
	uint32_t n_instances[CACHE_MOST_LEVELS];
	int lock;
	struct cache_counts *counts; /* its own, unless the owner points it elsewhere */
	struct cache_counts own_counts;
};

enum { CACHE_LOST_LINES = 1024 };

/* A line that another core took: what has been written to it since, a bit for 1/64 of a line. */
struct cache_lost {
	uint64_t line, written; /* line 0 = none */
};

/* What an access found, for the next ones of the same kind to the same line. */
struct cache_hint {
	uint64_t changes; /* the core's, when all of this was so */
	uint64_t *entry;  /* in the first cache, in front of its time */
	uint64_t way;
	struct cache_tlb_entry *translation;
	uint64_t line_entry; /* as it was; another line will not do */
	uint64_t page;
};

struct cache_core {
	uint64_t changes; /* of what is in the first cache and the first TLB: lines that come or go
			   */
	uint64_t last_page;                       /* used last; without TLBs all are in page 0 */
	struct cache_tlb_entry *last_translation; /* its entry */
	struct cache_sets first, second;          /* as path[0] and path[1], a step nearer */
	struct cache_sets *path[CACHE_MOST_LEVELS];
	struct cache_tlb tlb[2];               /* the first one's clock is the first cache's too */
	struct cache_tlb_entry no_translation; /* of page 0, without TLBs */
	int lock;
	uint32_t number;
	struct cache_lost *lost;
};

/* cache_model_new: empty caches. Errors: NULL and a sentence (cache_geometry_check). */
struct cache_model *cache_model_new(const struct cache_geometry *geometry, struct why *why);
void cache_model_free(struct cache_model *model);

/* cache_model_set_plain: is_plain and is_short, by the cores that access. */
void cache_model_set_plain(struct cache_model *model);

/* cache_model_set_threaded: from now on several threads access. Called before the second starts. */
void cache_model_set_threaded(struct cache_model *model);

/* cache_model_core: a core to access by; from then on it takes part in coherence. */
struct cache_core *cache_model_core(struct cache_model *model, uint32_t number);

/* cache_model_look: one line's worth, with all its consequences. */
uint32_t cache_model_look(struct cache_model *model, struct cache_core *core, uint64_t address,
			  uint32_t bytes, bool is_write);

/* cache_model_access_plain: within one line where is_plain. */
uint32_t cache_model_access_plain(struct cache_model *model, struct cache_core *core,
				  uint64_t address, bool is_write);

/* cache_model_translate_other: the TLBs' part, of a page that was not used last. */
uint32_t cache_model_translate_other(struct cache_core *core, uint64_t page);

/* cache_model_translate: the TLBs' part of an access. Returns enum cache_result. */
static inline uint32_t cache_model_translate(struct cache_core *core, uint64_t page)
{
	if (page != core->last_page)
		return cache_model_translate_other(core, page);
	core->last_translation->used = core->tlb[0].clock += CACHE_TICK;
	return 0;
}

/* cache_model_write_back: a dirty line to the first level from `from` on that has it, or memory. */
void cache_model_write_back(struct cache_model *model, const struct cache_core *core, uint32_t from,
			    uint64_t line);

/*
 * cache_model_access: one load or store; accesses over a line's end count as one that misses where
 * either part does.
 * bytes    1 … line_bytes
 * Returns  enum cache_result
 */
static inline uint32_t cache_model_access(struct cache_model *model, struct cache_core *core,
					  uint64_t address, uint32_t bytes, bool is_write)
{
	if (model->is_plain &&
	    (address + bytes - 1) >> model->line_shift == address >> model->line_shift)
		return cache_model_access_plain(model, core, address, is_write);
	return cache_model_look(model, core, address, bytes, is_write);
}

/* cache_model_find_hint: after an access to one line: a hint for the next ones of its kind, read or
 * write; false where they would not be plain hits. Hints are good until cache_model_set_threaded.
 */
bool cache_model_find_hint(const struct cache_model *model, const struct cache_core *core,
			   uint64_t address, bool is_write, struct cache_hint *hint);

/* cache_model_is_sure: nothing has come or gone since the hint was found: cache_model_hit. */
static inline bool cache_model_is_sure(const struct cache_core *core, const struct cache_hint *hint)
{
	return hint->changes == core->changes;
}

/* cache_model_is_hit: the hint's line is still where it was, in a state that suits, and its page
 * in the first TLB; it is sure again. False says nothing and does nothing. */
static inline bool cache_model_is_hit(const struct cache_core *core, struct cache_hint *hint,
				      bool is_write)
{
	uint64_t differing = *hint->entry ^ hint->line_entry;
	if (differing > (is_write ? 0 : CACHE_STATE_MASK) || hint->translation->page != hint->page)
		return false;
	hint->changes = core->changes;
	return true;
}

/* cache_model_hit: the commonest access, to the line of a hint that is sure: it and its page are
 * the latest used; nothing else changes. */
static inline void cache_model_hit(struct cache_core *core, const struct cache_hint *hint)
{
	uint64_t now = core->tlb[0].clock += CACHE_TICK;
	hint->entry[CACHE_ORDERED_WAYS] = now + hint->way;
	hint->translation->used = now;
}

/* cache_model_write_past: a store that leaves the caches out: the line goes from all of them. */
void cache_model_write_past(struct cache_model *model, struct cache_core *core, uint64_t address);

/* cache_model_prefetch: what a prefetch instruction asks for. */
void cache_model_prefetch(struct cache_model *model, struct cache_core *core, uint64_t address);

/* cache_model_holds: the state of a line in a core's cache of a level (0 …), 0 = not there; for
 * tests. */
unsigned cache_model_holds(const struct cache_model *model, uint32_t core, uint32_t level,
			   uint64_t address);

#endif
