/*
 * arena: memory for one frame of the screen. Taken in order, given back all at once.
 */
#ifndef SAMPLER_BASE_ARENA_H
#define SAMPLER_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *first, *current;
};

/*
 * arena_take: zeroed memory, aligned for any type, valid until arena_reset.
 * Cost    a pointer increment; grows by doubling blocks
 * Errors  dies without memory
 */
void *arena_take(struct arena *arena, size_t bytes);

/* arena_print: a formatted string in the arena. */
char *arena_print(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* arena_reset: everything taken is void; the memory is kept for the next frame. */
void arena_reset(struct arena *arena);

/* arena_close: give the memory back. */
void arena_close(struct arena *arena);

#endif
