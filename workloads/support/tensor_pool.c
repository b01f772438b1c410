/* Blocks are used in order; one that has no room for a piece is left behind until the reset. */
#include "workloads/support/tensor_pool.h"

#include <stdlib.h>

#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "workloads/support/tensor_device.h"

enum {
	LINE_BYTES = 64,
	/* Larger than most tensors, so that little is lost at a block's end. */
	BLOCK_BYTES = 4 << 20,
};

struct tensor_pool_block {
	struct tensor_pool_block *next;
	unsigned char *memory;
	size_t bytes, used;
};

size_t tensor_pool_bytes(size_t bytes)
{
	return ((bytes ? bytes : 1) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

/* The arena's blocks in large pages, which a product's way through rows needs few of. */
static void *take_memory(const struct tensor_pool *pool, size_t bytes)
{
	if (pool->device)
		return tensor_device_take(pool->device, bytes);
	void *memory = pool->takes_each ? aligned_alloc(LINE_BYTES, bytes) : aligned_take(bytes);
	if (!memory)
		die("no memory for %zu bytes of tensors", bytes);
	return memory;
}

static void give_memory(const struct tensor_pool *pool, void *memory)
{
	if (pool->device)
		tensor_device_give(pool->device, memory);
	else
		free(memory);
}

static bool has_room(const struct tensor_pool_block *block, size_t bytes)
{
	return block && block->bytes - block->used >= bytes;
}

static bool add_block(struct tensor_pool *pool, size_t bytes)
{
	unsigned char *memory = take_memory(pool, bytes);
	if (!memory)
		return false;
	struct tensor_pool_block *block = allocate(1, sizeof *block);
	block->bytes = bytes;
	block->memory = memory;
	*(pool->current ? &pool->current->next : &pool->first) = block;
	pool->current = block;
	return true;
}

static void *take_from_arena(struct tensor_pool *pool, size_t bytes)
{
	while (pool->current && !has_room(pool->current, bytes) && pool->current->next)
		pool->current = pool->current->next;
	if (!has_room(pool->current, bytes) &&
	    !add_block(pool, bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES))
		return NULL;
	pool->current->used += bytes;
	return pool->current->memory + pool->current->used - bytes;
}

static void *take_each(struct tensor_pool *pool, size_t bytes)
{
	void *memory = take_memory(pool, bytes);
	if (!memory)
		return NULL;
	if (pool->n_taken == pool->most_taken) {
		pool->most_taken = pool->most_taken ? 2 * pool->most_taken : 256;
		pool->taken = reallocate(pool->taken, pool->most_taken, sizeof *pool->taken);
	}
	pool->taken[pool->n_taken++] = memory;
	return memory;
}

void *tensor_pool_take(struct tensor_pool *pool, size_t bytes)
{
	return pool->takes_each ? take_each(pool, bytes) : take_from_arena(pool, bytes);
}

void tensor_pool_reset(struct tensor_pool *pool)
{
	for (size_t i = 0; i < pool->n_taken; i++)
		give_memory(pool, pool->taken[i]);
	for (struct tensor_pool_block *at = pool->first; at; at = at->next)
		at->used = 0;
	pool->current = pool->first;
	pool->n_taken = 0;
}

void tensor_pool_free(struct tensor_pool *pool)
{
	tensor_pool_reset(pool);
	while (pool->first) {
		struct tensor_pool_block *block = pool->first;
		pool->first = block->next;
		give_memory(pool, block->memory);
		free(block);
	}
	free(pool->taken);
	*pool = (struct tensor_pool){ 0 };
}
