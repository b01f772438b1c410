/*
 * tensor_pool: the memory of a tape's tensors, of this processor or of a device: taken piece by
 * piece, forgotten at once. From an arena a step costs no call to the allocator once its blocks are
 * there; with `takes_each` every piece is taken and given back by itself, as first versions of such
 * engines do.
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_POOL_H
#define WORKLOADS_SUPPORT_TENSOR_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct tensor_device;
struct tensor_pool_block;

/* Zeroed it is an arena of this processor's memory. */
struct tensor_pool {
	struct tensor_device *device; /* NULL: this processor's memory; borrowed */
	bool takes_each;
	struct tensor_pool_block *first, *current; /* the arena */
	void **taken;                              /* takes_each: all since the reset */
	size_t n_taken, most_taken;
};

/* tensor_pool_bytes: what a piece takes: whole lines of a cache. */
size_t tensor_pool_bytes(size_t bytes);

/* tensor_pool_take: bytes as given by tensor_pool_bytes, aligned to a line, with whatever was in
 * them. NULL only of a device that has failed. */
void *tensor_pool_take(struct tensor_pool *pool, size_t bytes);

/* tensor_pool_reset: all pieces are void. tensor_pool_free: and the arena's blocks. */
void tensor_pool_reset(struct tensor_pool *pool);
void tensor_pool_free(struct tensor_pool *pool);

#endif
