/*
 * unwind_cache: rules by address, in a hash for each module: the same file in a hundred processes,
 * each time at another place, is decoded once. An address takes 8 bytes, in a table at most half
 * full; of rules there are few, and each is kept once. Owned by unwind.c.
 */
#ifndef SAMPLER_UNWIND_CACHE_H
#define SAMPLER_UNWIND_CACHE_H

#include <stdint.h>

#include "sampler/address_space.h"
#include "sampler/cfi.h"

struct unwind_cache;

struct unwind_cache *unwind_cache_new(void);
void unwind_cache_free(struct unwind_cache *cache);

/*
 * unwind_cache_rule: the rule at a run-time address of a process.
 * *is_mapped  false when no mapping holds the address (and the rule is CFI_NONE)
 * Cost        7 ns seen before in this module (10 and more among tens of thousands), 0.2 us to
 *             0.5 us never
 */
struct cfi_rule unwind_cache_rule(struct unwind_cache *cache, struct process *process,
				  uint64_t address, bool *is_mapped);

uint64_t unwind_cache_decoded(const struct unwind_cache *cache);

#endif
