/* Sets and their replacement. See cache_sets.h. */
#include "counters/cache_sets.h"

#include <stdlib.h>

enum {
	HOST_LINE_BYTES = 64, /* a row of tags, and one of eight entries, in one of its lines */
	/* Tags and orders beside entries are two more lines of this machine's caches for each row:
	 * nothing while all of them are near, and dear for a last level of tens of megabytes. */
	MOST_ORDERED_ENTRIES = 1 << 16,
};

/* Of allocate, not of aligned_alloc: large caches are zeroed by not being touched. */
static void *allocate_aligned(void **memory, size_t n, size_t bytes)
{
	*memory = allocate(n * bytes + HOST_LINE_BYTES, 1);
	return (char *)*memory + (-(uintptr_t)*memory & (HOST_LINE_BYTES - 1));
}

static void open_orders(struct cache_sets *sets)
{
	const uint64_t first = 0xfedcba9876543210; /* the last way is the first to be taken */
	sets->way_mask = (1u << sets->ways) - 1;
	sets->last_shift = (sets->ways - 1) * 4;
	sets->order_mask = UINT64_MAX >> (CACHE_ORDERED_WAYS - sets->ways) * 4;
	sets->tags = allocate_aligned(&sets->memory[1], sets->n_sets * CACHE_ORDERED_WAYS,
				      sizeof *sets->tags);
	sets->orders = allocate(sets->n_sets, sizeof *sets->orders);
	for (uint64_t set = 0; set < sets->n_sets; set++)
		sets->orders[set] = first;
}

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
	sets->entries = allocate_aligned(&sets->memory[0], n_sets * ways, sizeof *sets->entries);
	if (policy == CACHE_PLRU && ways > 1)
		sets->trees = allocate(n_sets, sizeof *sets->trees);
	else if (ways <= CACHE_ORDERED_WAYS && n_sets * ways <= MOST_ORDERED_ENTRIES)
		open_orders(sets);
}

void cache_sets_close(struct cache_sets *sets)
{
	free(sets->memory[0]);
	free(sets->memory[1]);
	free(sets->orders);
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

uint64_t *cache_sets_find_in_list(const struct cache_sets *sets, uint64_t key)
{
	uint64_t *row = cache_sets_row(sets, key);
	for (uint32_t way = 0; way < sets->ways; way++)
		if (cache_sets_is(row[way], key))
			return &row[way];
	return NULL;
}

uint64_t *cache_sets_touch(const struct cache_sets *sets, uint64_t key)
{
	uint64_t *entry = cache_sets_find(sets, key);
	if (!entry)
		return NULL;
	uint64_t set = cache_sets_index(sets, key), *row = sets->entries + set * sets->ways;
	uint32_t way = (uint32_t)(entry - row);
	if (sets->orders) {
		cache_sets_use(sets, set, way);
		return entry;
	}
	if (sets->trees) {
		point_away(sets, &sets->trees[set], way);
		return entry;
	}
	move_to_front(row, way);
	return row;
}

uint64_t cache_sets_insert(const struct cache_sets *sets, uint64_t entry)
{
	uint64_t key = entry >> CACHE_ENTRY_SHIFT, *row = cache_sets_row(sets, key), victim;
	uint32_t way = 0;
	if (sets->orders) {
		cache_sets_replace(sets, cache_sets_index(sets, key), entry, &victim);
		return victim;
	}
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

/* An empty way is the next to be taken. */
static uint64_t order_without(const struct cache_sets *sets, uint64_t order, uint64_t way)
{
	uint64_t mask = sets->order_mask, before = cache_order_until(order, way) >> 4;
	return (order & (before | ~mask)) | (order >> 4 & mask >> 4 & ~before) |
	       way << sets->last_shift;
}

uint64_t cache_sets_remove(const struct cache_sets *sets, uint64_t key)
{
	uint64_t *entry = cache_sets_find(sets, key), set = cache_sets_index(sets, key);
	uint64_t *row = sets->entries + set * sets->ways;
	if (!entry)
		return 0;
	uint64_t was = *entry;
	uint32_t way = (uint32_t)(entry - row);
	if (sets->orders)
		sets->orders[set] = order_without(sets, sets->orders[set], way);
	for (; !sets->trees && !sets->orders && way + 1 < sets->ways; way++)
		row[way] = row[way + 1];
	row[way] = 0;
	return was;
}
