/*
 * chain_cache: stacks of call chains seen before. A program that loops is sampled in the same
 * places again and again; a chain that is known need not be looked up frame by frame.
 */
#ifndef SAMPLER_CHAIN_CACHE_H
#define SAMPLER_CHAIN_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct chain_cache;

/* chain_cache_new: 1.5 MiB of address space, used as chains come. */
struct chain_cache *chain_cache_new(void);
void chain_cache_free(struct chain_cache *cache);

/*
 * chain_cache_at: where the stack of a chain is kept, which is 0 when it is not known: to be set by
 * the caller, before the next call.
 * space_id  as in struct process: addresses of another one mean something else
 * Cost      a hash of the chain; collisions forget the older one
 */
uint32_t *chain_cache_at(struct chain_cache *cache, uint64_t space_id, const uint64_t *chain,
			 size_t n);

#endif
