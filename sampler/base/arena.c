/* A bump allocator over a chain of blocks. See arena.h. */
#include "sampler/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

enum {
	FIRST_BLOCK_BYTES = 64 << 10, /* one 200x60 frame's strings fit */
	ALIGNMENT = _Alignof(max_align_t),
};

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *new_block(size_t size)
{
	struct arena_block *block = allocate(1, sizeof *block + size);
	block->size = size;
	return block;
}

/* The next block that can hold `bytes`, appended to the chain if none can. */
static struct arena_block *block_with_room(struct arena *arena, size_t bytes)
{
	if (!arena->first)
		arena->first = arena->current =
			new_block(bytes > FIRST_BLOCK_BYTES ? bytes : FIRST_BLOCK_BYTES);
	while (arena->current->size - arena->current->used < bytes) {
		if (!arena->current->next) {
			size_t size = arena->current->size * 2;
			arena->current->next = new_block(size > bytes ? size : bytes);
		}
		arena->current = arena->current->next;
		arena->current->used = 0;
	}
	return arena->current;
}

void *arena_take(struct arena *arena, size_t bytes)
{
	bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct arena_block *block = block_with_room(arena, bytes);
	void *memory = block->bytes + block->used;
	block->used += bytes;
	return memset(memory, 0, bytes);
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list list, again;
	va_start(list, format);
	va_copy(again, list);
	int n = vsnprintf(NULL, 0, format, list);
	char *text = arena_take(arena, n < 0 ? 1 : (size_t)n + 1);
	if (n > 0)
		vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	va_end(list);
	return text;
}

void arena_reset(struct arena *arena)
{
	arena->current = arena->first;
	if (arena->current)
		arena->current->used = 0;
}

void arena_close(struct arena *arena)
{
	for (struct arena_block *block = arena->first; block;) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
	memset(arena, 0, sizeof *arena);
}
