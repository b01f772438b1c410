/*
 * cache_geometry: which caches the model has: levels, ways, who shares them, TLBs, and what
 * happens on a miss. As text it is comma-separated words; what is left out is this machine's:
 *
 *   l1=32K/8,l2=1M/8/inclusive,l3=16M/16/exclusive/shared,line=64,cores=2
 *   tlb=72/72,tlb2=3072/24,page=4K,prefetch=next,write=allocate,policy=lru
 *
 * A level is SIZE/WAYS and any of lru, plru, inclusive, exclusive, shared (by all cores), forN (by
 * N cores). Naming one level replaces all of this machine's levels. `policy` is for the levels
 * before it and after it, but those that say theirs behind it. `tlb=0` leaves the TLBs out. It is
 * compiled into modelled programs too: sampler/base only.
 */
#ifndef COUNTERS_CACHE_GEOMETRY_H
#define COUNTERS_CACHE_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

enum {
	CACHE_MOST_LEVELS = 4,
	CACHE_MOST_CORES = 256,
	CACHE_MOST_WAYS = 256,
	CACHE_GEOMETRY_BYTES = 320, /* as text */
};

enum cache_policy { CACHE_LRU, CACHE_PLRU };

/* What a level holds of the lines in the levels before it. */
enum cache_inclusion {
	CACHE_NEITHER,   /* filled by every miss, but keeps nothing for their sake */
	CACHE_INCLUSIVE, /* a line that leaves it leaves them too */
	CACHE_EXCLUSIVE, /* filled only by what they evict; a hit moves the line up */
};

struct cache_level_geometry {
	uint64_t size_bytes;
	uint32_t ways;
	uint32_t n_cores; /* that share one; 0 = all */
	enum cache_policy policy;
	enum cache_inclusion inclusion;
};

struct cache_tlb_geometry {
	uint32_t n_entries, ways; /* 0 entries = none */
};

struct cache_geometry {
	struct cache_level_geometry levels[CACHE_MOST_LEVELS];
	uint32_t n_levels;
	uint32_t line_bytes; /* a power of two from 16 to 256 */
	uint32_t n_cores;
	struct cache_tlb_geometry tlb[2];
	uint64_t page_bytes;
	bool has_next_line; /* prefetch the next line on a miss and on first use of such a line */
	bool is_write_around;
	bool is_assumed; /* of this machine's: something could not be asked and is a guess */
};

/* cache_geometry_of_machine: from CPUID on x86, else from sysconf. Never fails: what cannot be
 * asked is as in a common core, and is_assumed says so. */
void cache_geometry_of_machine(struct cache_geometry *geometry);

/*
 * cache_geometry_parse: change `geometry` by the words of `text` ("" or NULL = nothing).
 * Errors  false and a sentence: a word that makes no sense, or caches that cannot be built
 */
bool cache_geometry_parse(struct cache_geometry *geometry, const char *text, struct why *why);

/* cache_geometry_check: could it be built? Parsing has asked already. */
bool cache_geometry_check(const struct cache_geometry *geometry, struct why *why);

/* cache_geometry_print: the text that parses to it. Returns out. */
char *cache_geometry_print(char *out, size_t bytes, const struct cache_geometry *geometry);

#endif
