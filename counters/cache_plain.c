/* Misses of the first level where no questions need be asked. See cache_plain.h. */
#include "counters/cache_plain.h"

static void evict(struct cache_model *model, const struct cache_core *core, uint32_t level,
		  uint64_t victim)
{
	if (!victim)
		return;
	model->counts->levels[level].n_evictions++;
	if ((victim & CACHE_STATE_MASK) != CACHE_MODIFIED)
		return;
	model->counts->levels[level].n_writebacks++;
	cache_model_write_back(model, core, level + 1, victim >> CACHE_ENTRY_SHIFT);
}

/* Mostly the second level still has the line where it was when the first got it. */
static inline void evict_first(struct cache_model *model, const struct cache_core *core,
			       uint64_t victim, uint64_t *place)
{
	uint64_t line = victim >> CACHE_ENTRY_SHIFT;
	if (!victim)
		return;
	model->counts->levels[0].n_evictions++;
	if ((victim & CACHE_STATE_MASK) != CACHE_MODIFIED)
		return;
	model->counts->levels[0].n_writebacks++;
	if (place && cache_sets_is(*place, line))
		*place |= CACHE_MODIFIED;
	else
		cache_model_write_back(model, core, 1, line);
}

/* Where it is, now the latest used; NULL if it is not there. */
__attribute__((always_inline)) static inline uint64_t *touch(const struct cache_sets *sets,
							     uint64_t line)
{
	if (__builtin_expect(!sets->orders, 0))
		return cache_sets_touch(sets, line);
	uint64_t set = cache_sets_index(sets, line), *row = &sets->entries[set * sets->ways];
	uint32_t latest = sets->orders[set] & 15;
	if (cache_sets_is(row[latest], line))
		return &row[latest];
	uint32_t way = cache_sets_way(sets, set, line);
	if (way == CACHE_NO_WAY)
		return NULL;
	cache_sets_use(sets, set, way);
	return &row[way];
}

/* As the latest used, where it is not. */
static inline uint64_t *insert(const struct cache_sets *sets, uint64_t line, uint64_t *victim)
{
	uint64_t entry = line << CACHE_ENTRY_SHIFT | CACHE_OWNED;
	if (__builtin_expect(!sets->orders, 0)) {
		*victim = cache_sets_insert(sets, entry);
		return NULL; /* a list's entries do not stay */
	}
	uint64_t set = cache_sets_index(sets, line);
	return &sets->entries[set * sets->ways + cache_sets_replace(sets, set, entry, victim)];
}

/* From the third level on, which are asked in turn and filled where they lack the line; what made
 * room goes when all have been. */
static uint32_t miss_further(struct cache_model *model, const struct cache_core *core,
			     uint64_t line)
{
	uint64_t victims[CACHE_MOST_LEVELS];
	uint32_t n = model->geometry.n_levels, level = 2, result = 0;
	for (; level < n; level++) {
		model->counts->levels[level].n_lookups++;
		if (touch(core->path[level], line))
			break;
		insert(core->path[level], line, &victims[level]);
		model->counts->levels[level].n_misses++;
		result |= (uint32_t)CACHE_MISS << level;
	}
	if (level == n) {
		model->counts->n_memory_reads++;
		result |= CACHE_LAST_MISS;
	}
	while (level-- > 2)
		evict(model, core, level, victims[level]);
	return result;
}

uint32_t cache_plain_miss(struct cache_model *model, const struct cache_core *core, uint64_t line,
			  uint32_t way, uint64_t was)
{
	const struct cache_sets *first = core->path[0], *second = core->path[1];
	struct cache_counts *counts = model->counts;
	uint64_t **place = &core->places[(line & first->mask) * first->ways + way], *old = *place;
	uint64_t victim;
	uint32_t result = CACHE_MISS;
	counts->levels[0].n_misses++;
	if (!second) {
		counts->n_memory_reads++;
		evict_first(model, core, was, NULL);
		return CACHE_MISS | CACHE_LAST_MISS;
	}
	for (uint32_t next = 2; next < model->geometry.n_levels; next++)
		cache_sets_prefetch(core->path[next], line);
	counts->levels[1].n_lookups++;
	*place = touch(second, line);
	if (!*place) {
		*place = insert(second, line, &victim);
		counts->levels[1].n_misses++;
		result |= CACHE_MISS << 1 | miss_further(model, core, line);
		evict(model, core, 1, victim);
	}
	evict_first(model, core, was, old);
	return result;
}

uint32_t cache_model_look_plain(struct cache_model *model, struct cache_core *core, uint64_t line,
				bool is_write)
{
	struct cache_hint hint;
	return cache_plain_look(model, core, line, is_write, &hint);
}
