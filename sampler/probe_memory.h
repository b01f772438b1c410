/*
 * probe_memory: the memory that a target's probe.h, or a library inside it, writes to.
 */
#ifndef SAMPLER_PROBE_MEMORY_H
#define SAMPLER_PROBE_MEMORY_H

#include <stdint.h>

#include "sampler/base/why.h"

struct shared_ring;

/* probe_memory_create: a descriptor of private shared memory with an empty ring of
 * n_records (a power of two; SHARED_RING_RECORDS for probe.h), of a size nobody can change any
 * more; -1 and a sentence if there is none. */
int probe_memory_create(uint32_t n_records, struct why *why);

/* probe_memory_map: the ring behind a descriptor; NULL and a sentence. */
struct shared_ring *probe_memory_map(int fd, uint32_t n_records, struct why *why);
void probe_memory_unmap(struct shared_ring *ring, uint32_t n_records);

#endif
