/*
 * hash_map: 64-bit keys to 32-bit values, for what a reader has seen. Key 0 and value 0 mean none.
 */
#ifndef SAMPLER_HASH_MAP_H
#define SAMPLER_HASH_MAP_H

#include <stddef.h>
#include <stdint.h>

struct hash_map_entry {
	uint64_t key;
	uint32_t value;
};

struct hash_map {
	struct hash_map_entry *entries;
	uint32_t n_slots, n_used;
};

/*
 * hash_map_at: the value of a key, to be read or set; 0 if it is new. Valid until the next call.
 * Cost  a probe or two; grows at half full
 */
uint32_t *hash_map_at(struct hash_map *map, uint64_t key);

/* hash_map_get: 0 if the key is not there. */
uint32_t hash_map_get(const struct hash_map *map, uint64_t key);
/* hash_map_bytes: what it holds on the heap. */
size_t hash_map_bytes(const struct hash_map *map);
void hash_map_free(struct hash_map *map);

#endif
