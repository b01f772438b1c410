/*
 * Open addressing over ids. Ids are 32 bits, the rows themselves stay in the table, so the index
 * costs 16 bytes a row at half load. A table that fills up would never end a probe: it grows at
 * half full.
 */
#include "sampler/interner.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/table.h"
#include "sampler/base/why.h"

enum { FIRST_SLOTS = 1024 };

/* Multiply-and-fold over 8-byte words; rows are a few words long. Constant: 2^64 / golden ratio. */
static uint32_t hash_bytes(const void *data, size_t n_bytes)
{
	const unsigned char *bytes = data;
	uint64_t hash = n_bytes * 0x9e3779b97f4a7c15ULL;
	while (n_bytes > 0) {
		uint64_t word = 0;
		size_t n = n_bytes < sizeof word ? n_bytes : sizeof word;
		memcpy(&word, bytes, n);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
		bytes += n;
		n_bytes -= n;
	}
	return (uint32_t)(hash ^ hash >> 32);
}

static void insert(struct interner *interner, uint32_t hash, uint32_t id)
{
	uint32_t mask = interner->n_slots - 1;
	uint32_t slot = hash & mask;
	while (interner->slots[slot].id)
		slot = (slot + 1) & mask;
	interner->slots[slot] = (struct interner_slot){ id, hash };
	interner->n_used++;
}

static void grow(struct interner *interner)
{
	struct interner bigger = { .n_slots = interner->n_slots ? interner->n_slots * 2
								: FIRST_SLOTS };
	if (bigger.n_slots == 0)
		die("a recording's table has more than 2^31 distinct rows");
	bigger.slots = allocate(bigger.n_slots, sizeof *bigger.slots);
	for (uint32_t i = 0; i < interner->n_slots; i++)
		if (interner->slots[i].id)
			insert(&bigger, interner->slots[i].hash, interner->slots[i].id);
	free(interner->slots);
	*interner = bigger;
}

static uint32_t checked_id(uint64_t id)
{
	if (id > UINT32_MAX)
		die("a recording's table has more than 2^32 rows");
	return (uint32_t)id;
}

static uint32_t find(const struct interner *interner, const struct table *table, const void *row,
		     uint32_t hash)
{
	uint32_t mask = interner->n_slots - 1;
	for (uint32_t at = hash & mask; interner->slots[at].id; at = (at + 1) & mask) {
		const struct interner_slot *slot = &interner->slots[at];
		if (slot->hash == hash &&
		    memcmp(table_row(table, slot->id), row, table->row_bytes) == 0)
			return slot->id;
	}
	return 0;
}

uint32_t interner_find(const struct interner *interner, const struct table *table, const void *row)
{
	return interner->n_slots ? find(interner, table, row, hash_bytes(row, table->row_bytes))
				 : 0;
}

uint32_t interner_row(struct interner *interner, struct table *table, const void *row)
{
	if (interner->n_used * 2 >= interner->n_slots)
		grow(interner);
	uint32_t hash = hash_bytes(row, table->row_bytes);
	uint32_t id = find(interner, table, row, hash);
	if (id)
		return id;
	id = checked_id(table_append(table, row, 1));
	insert(interner, hash, id);
	return id;
}

void interner_prefetch(const struct interner *interner, const void *row, size_t n_bytes)
{
	if (interner->n_slots)
		__builtin_prefetch(
			&interner->slots[hash_bytes(row, n_bytes) & (interner->n_slots - 1)]);
}

uint32_t interner_string(struct interner *interner, struct table *table, const char *text,
			 size_t n_bytes)
{
	if (interner->n_used * 2 >= interner->n_slots)
		grow(interner);
	uint32_t hash = hash_bytes(text, n_bytes);
	uint32_t mask = interner->n_slots - 1;
	for (uint32_t at = hash & mask; interner->slots[at].id; at = (at + 1) & mask) {
		const struct interner_slot *slot = &interner->slots[at];
		const char *known = table_row(table, slot->id);
		if (slot->hash == hash && strncmp(known, text, n_bytes) == 0 &&
		    known[n_bytes] == '\0')
			return slot->id;
	}
	uint32_t id = checked_id(table_append(table, text, n_bytes));
	table_append(table, "", 1);
	insert(interner, hash, id);
	return id;
}

void interner_free(struct interner *interner)
{
	free(interner->slots);
	memset(interner, 0, sizeof *interner);
}
