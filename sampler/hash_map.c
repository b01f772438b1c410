/* Open addressing with linear probes. See hash_map.h. */
#include "sampler/hash_map.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"

enum { FIRST_SLOTS = 256 };

static struct hash_map_entry *find(const struct hash_map *map, uint64_t key)
{
	uint32_t mask = map->n_slots - 1;
	uint64_t hash = key * 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
	uint32_t at = (uint32_t)(hash >> 32) & mask;
	while (map->entries[at].key && map->entries[at].key != key)
		at = (at + 1) & mask;
	return &map->entries[at];
}

static void grow(struct hash_map *map)
{
	struct hash_map bigger = { .n_slots = map->n_slots ? map->n_slots * 2 : FIRST_SLOTS,
				   .n_used = map->n_used };
	if (bigger.n_slots == 0)
		die("more than 2^31 distinct stacks are shown at once");
	bigger.entries = allocate(bigger.n_slots, sizeof *bigger.entries);
	for (uint32_t i = 0; i < map->n_slots; i++)
		if (map->entries[i].key)
			*find(&bigger, map->entries[i].key) = map->entries[i];
	free(map->entries);
	*map = bigger;
}

uint32_t *hash_map_at(struct hash_map *map, uint64_t key)
{
	if (map->n_used * 2 >= map->n_slots)
		grow(map);
	struct hash_map_entry *entry = find(map, key);
	if (!entry->key) {
		entry->key = key;
		map->n_used++;
	}
	return &entry->value;
}

uint32_t hash_map_get(const struct hash_map *map, uint64_t key)
{
	return map->n_slots ? find(map, key)->value : 0;
}

size_t hash_map_bytes(const struct hash_map *map)
{
	return map->n_slots * sizeof *map->entries;
}

void hash_map_free(struct hash_map *map)
{
	free(map->entries);
	memset(map, 0, sizeof *map);
}
