/* Sets and their replacement. See cache_sets.h. */
#include "counters/cache_sets.h"

#include <stdlib.h>

enum {
	HOST_LINE_BYTES = 64, /* what is looked at of a set first is in one of its lines */
	/* What is beside entries is one more line of this machine's caches for each set: nothing
	 * while all of them are near, and dear for a last level of tens of megabytes. */
	MOST_ORDERED_ENTRIES = 1 << 16,
};

static void begin(struct cache_sets *sets, struct cache_set *set)
{
	set->order = 0xfedcba9876543210; /* the last way is the first to be taken */
	for (uint64_t way = 0; way < CACHE_ORDERED_WAYS && sets->clock; way++)
		set->times[way] = (way < sets->ways ? CACHE_TIME_EMPTY : CACHE_TIME_NEVER) | way;
}

/* Of allocate, not of aligned_alloc: large caches are zeroed by not being touched. */
static void open_ordered(struct cache_sets *sets)
{
	uint64_t bytes = offsetof(struct cache_set, entries) + sets->ways * sizeof *sets->entries;
	sets->pitch = (bytes + HOST_LINE_BYTES - 1) / HOST_LINE_BYTES * HOST_LINE_BYTES;
	sets->skip_shift = 3;
	if (sets->clock) { /* an odd number of lines apart: as good, and an array */
		sets->pitch = sizeof(struct cache_set);
		sets->skip_shift = 63;
	}
	sets->way_mask = (1u << sets->ways) - 1;
	sets->last_shift = (sets->ways - 1) * 4;
	sets->order_mask = UINT64_MAX >> (CACHE_ORDERED_WAYS - sets->ways) * 4;
	sets->tag_shift = 63 - (uint32_t)__builtin_clzll(sets->n_sets);
	uint64_t n_rows = sets->n_sets + sets->n_sets / 8;
	sets->memory = allocate(n_rows * sets->pitch + HOST_LINE_BYTES, 1);
	sets->ordered =
		(struct cache_set *)(void *)((char *)sets->memory +
					     (-(uintptr_t)sets->memory & (HOST_LINE_BYTES - 1)));
	for (uint64_t number = 0; number < sets->n_sets; number++)
		begin(sets, cache_sets_at(sets, number));
}

void cache_sets_open(struct cache_sets *sets, uint64_t n_sets, uint32_t ways,
		     enum cache_policy policy, uint64_t *clock)
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
	bool has_tree = policy == CACHE_PLRU && ways > 1;
	if (!has_tree && ways <= CACHE_ORDERED_WAYS && n_sets * ways <= MOST_ORDERED_ENTRIES) {
		sets->clock = clock;
		open_ordered(sets);
		return;
	}
	sets->entries = allocate(n_sets * ways, sizeof *sets->entries);
	if (has_tree)
		sets->trees = allocate(n_sets, sizeof *sets->trees);
}

void cache_sets_close(struct cache_sets *sets)
{
	free(sets->memory);
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

uint32_t cache_sets_way_of(const struct cache_set *set, uint64_t key, uint32_t same)
{
	for (; same; same &= same - 1) {
		uint32_t way = (uint32_t)__builtin_ctz(same);
		if (cache_sets_is(set->entries[way], key))
			return way;
	}
	return CACHE_NO_WAY;
}

static uint64_t *row_of(const struct cache_sets *sets, uint64_t key)
{
	return sets->entries + cache_sets_index(sets, key) * sets->ways;
}

uint64_t *cache_sets_find_in_list(const struct cache_sets *sets, uint64_t key)
{
	uint64_t *row = row_of(sets, key);
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
	if (sets->ordered) {
		struct cache_set *set = cache_sets_set(sets, key);
		cache_sets_use(sets, set, (uint64_t)(entry - set->entries));
		return entry;
	}
	uint64_t *row = row_of(sets, key);
	uint32_t way = (uint32_t)(entry - row);
	if (sets->trees) {
		point_away(sets, tree_of(sets, key), way);
		return entry;
	}
	move_to_front(row, way);
	return row;
}

static uint64_t insert_ordered(const struct cache_sets *sets, uint64_t entry)
{
	uint64_t key = entry >> CACHE_ENTRY_SHIFT;
	struct cache_set *set = cache_sets_set(sets, key);
	uint32_t way = sets->clock ? cache_sets_oldest(sets, set) : cache_sets_next(sets, set);
	uint64_t victim = set->entries[way];
	set->entries[way] = entry;
	set->tags[way] = cache_sets_tag(sets, key);
	cache_sets_use(sets, set, way);
	return victim;
}

uint64_t cache_sets_insert(const struct cache_sets *sets, uint64_t entry)
{
	uint64_t key = entry >> CACHE_ENTRY_SHIFT, *row, victim;
	uint32_t way = 0;
	if (sets->ordered)
		return insert_ordered(sets, entry);
	row = row_of(sets, key);
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

static void forget_way(const struct cache_sets *sets, struct cache_set *set, uint64_t way)
{
	set->entries[way] = 0;
	set->latest = 0;
	if (sets->clock)
		set->times[way] = CACHE_TIME_EMPTY | way;
	else
		set->order = order_without(sets, set->order, way);
}

uint64_t cache_sets_remove(const struct cache_sets *sets, uint64_t key)
{
	uint64_t *entry = cache_sets_find(sets, key);
	if (!entry)
		return 0;
	uint64_t was = *entry;
	if (sets->ordered) {
		struct cache_set *set = cache_sets_set(sets, key);
		forget_way(sets, set, (uint64_t)(entry - set->entries));
		return was;
	}
	uint64_t *last = row_of(sets, key) + sets->ways - 1;
	for (; !sets->trees && entry < last; entry++)
		entry[0] = entry[1];
	*entry = 0;
	return was;
}
