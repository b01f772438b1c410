/* Sets and their replacement. See cache_sets.h. */
#include "counters/cache_sets.h"

#include <stdlib.h>

void cache_sets_open(struct cache_sets *sets, uint64_t n_sets, uint32_t ways,
		     enum cache_policy policy)
{
	*sets = (struct cache_sets){
		.n_sets = n_sets,
		.mask = n_sets - 1,
		.ways = ways,
		.leaves = 1,
		.is_power_of_two = (n_sets & (n_sets - 1)) == 0,
	};
	while (sets->leaves < ways)
		sets->leaves *= 2;
	sets->entries = allocate(n_sets * ways, sizeof *sets->entries);
	if (policy == CACHE_PLRU && ways > 1)
		sets->trees = allocate(n_sets, sizeof *sets->trees);
}

void cache_sets_close(struct cache_sets *sets)
{
	free(sets->entries);
	free(sets->trees);
	*sets = (struct cache_sets){ 0 };
}

/* Inner nodes are numbered from 1 as in a heap; a set bit says that the left half was used last,
 * so the victim is to the right. */
static void point_away(const struct cache_sets *sets, uint64_t *tree, uint32_t way)
{
	for (uint32_t node = sets->leaves + way; node > 1; node /= 2) {
		uint64_t bit = 1ull << (node / 2);
		*tree = node & 1 ? *tree & ~bit : *tree | bit;
	}
}

/* The first leaf below a node. */
static uint32_t first_leaf(const struct cache_sets *sets, uint32_t node)
{
	while (node < sets->leaves)
		node *= 2;
	return node - sets->leaves;
}

static uint32_t tree_victim(const struct cache_sets *sets, uint64_t tree)
{
	uint32_t node = 1;
	while (node < sets->leaves) {
		uint32_t right = node * 2 + 1;
		bool goes_right = tree >> node & 1;
		node = goes_right && first_leaf(sets, right) < sets->ways ? right : node * 2;
	}
	return node - sets->leaves;
}

static uint64_t *tree_of(const struct cache_sets *sets, uint64_t key)
{
	return &sets->trees[cache_sets_index(sets, key)];
}

/* Rows are short, and memmove as a call costs more than the loop. */
static void move_to_front(uint64_t *row, uint32_t way)
{
	uint64_t entry = row[way];
	for (; way > 0; way--)
		row[way] = row[way - 1];
	row[0] = entry;
}

uint64_t *cache_sets_touch(struct cache_sets *sets, uint64_t key)
{
	uint64_t *entry = cache_sets_find(sets, key);
	if (!entry)
		return NULL;
	uint64_t *row = cache_sets_row(sets, key);
	uint32_t way = (uint32_t)(entry - row);
	if (sets->trees) {
		point_away(sets, tree_of(sets, key), way);
		return entry;
	}
	move_to_front(row, way);
	return row;
}

uint64_t cache_sets_insert(struct cache_sets *sets, uint64_t entry)
{
	uint64_t key = entry >> CACHE_ENTRY_SHIFT, *row = cache_sets_row(sets, key), victim;
	uint32_t way = 0;
	if (!sets->trees) { /* empty ways are last: cache_sets_remove closes gaps */
		victim = row[sets->ways - 1];
		row[sets->ways - 1] = entry;
		move_to_front(row, sets->ways - 1);
		return victim;
	}
	while (way < sets->ways && row[way])
		way++;
	if (way == sets->ways)
		way = tree_victim(sets, *tree_of(sets, key));
	victim = row[way];
	row[way] = entry;
	point_away(sets, tree_of(sets, key), way);
	return victim;
}

uint64_t cache_sets_remove(struct cache_sets *sets, uint64_t key)
{
	uint64_t *entry = cache_sets_find(sets, key), *row = cache_sets_row(sets, key);
	if (!entry)
		return 0;
	uint64_t was = *entry;
	uint32_t way = (uint32_t)(entry - row);
	for (; !sets->trees && way + 1 < sets->ways; way++)
		row[way] = row[way + 1];
	row[way] = 0;
	return was;
}
