/*
 * interner: finds a table's equal row by content, so that equal things get one id. Writer's side
 * of a recording only.
 */
#ifndef SAMPLER_INTERNER_H
#define SAMPLER_INTERNER_H

#include <stddef.h>
#include <stdint.h>

struct table;

struct interner_slot {
	uint32_t id;   /* 0 = free */
	uint32_t hash; /* so that another row is hardly ever read in vain, and growing reads none */
};

struct interner {
	struct interner_slot *slots;
	uint32_t n_slots, n_used;
};

/* interner_row: id of the row equal to `row`, appended if there is none. Row 0 is never found. */
uint32_t interner_row(struct interner *interner, struct table *table, const void *row);

/* interner_find: the same, but 0 if there is none. */
uint32_t interner_find(const struct interner *interner, const struct table *table, const void *row);

/* interner_prefetch: that this row will be looked up soon; for rows that miss the CPU's caches. */
void interner_prefetch(const struct interner *interner, const void *row, size_t n_bytes);

/* interner_string: offset of the NUL-terminated text in a table of bytes, appended if new.
 * `text` need not be terminated and must hold no NUL in its n_bytes. */
uint32_t interner_string(struct interner *interner, struct table *table, const char *text,
			 size_t n_bytes);

void interner_free(struct interner *interner);

#endif
