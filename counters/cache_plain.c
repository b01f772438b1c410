/* Where no questions need be asked. See cache_plain.h. */
#include "counters/cache_plain.h"

/* What made room in a level. */
static void evict(struct cache_model *model, const struct cache_core *core, uint32_t level,
		  uint64_t victim)
{
	struct cache_level_counts *counts = &model->counts->levels[level];
	counts->n_evictions += victim != 0;
	if ((victim & CACHE_STATE_MASK) != CACHE_MODIFIED)
		return;
	counts->n_writebacks++;
	if (level + 1 == model->geometry.n_levels)
		model->counts->n_memory_writes++;
	else
		cache_model_write_back(model, core, level + 1, victim >> CACHE_ENTRY_SHIFT);
}

/* A miss of the first two levels: the others are asked in turn and filled where they lack the line;
 * then what made room goes, at last the second level's victim. */
static uint32_t miss_further(struct cache_model *model, const struct cache_core *core,
			     uint64_t line, uint64_t victim)
{
	uint64_t victims[CACHE_MOST_LEVELS] = { 0, victim }, entry;
	uint32_t n = model->geometry.n_levels, level = 2, result = 0;
	entry = line << CACHE_ENTRY_SHIFT | CACHE_OWNED;
	for (uint32_t next = 2; next < n; next++)
		cache_sets_prefetch(core->path[next], line);
	for (; level < n; level++) {
		model->counts->levels[level].n_lookups++;
		if (cache_sets_touch(core->path[level], line))
			break;
		victims[level] = cache_sets_insert(core->path[level], entry);
		model->counts->levels[level].n_misses++;
		result |= (uint32_t)CACHE_MISS << level;
	}
	if (level == n) {
		model->counts->n_memory_reads++;
		result |= CACHE_LAST_MISS;
	}
	while (level-- > 1)
		evict(model, core, level, victims[level]);
	return result;
}

/* A miss where there is no second level, or none with orders. */
static uint32_t miss_elsewhere(struct cache_model *model, const struct cache_core *core,
			       uint64_t line, uint64_t was)
{
	const struct cache_sets *second = core->path[1];
	uint64_t victim, entry = line << CACHE_ENTRY_SHIFT | CACHE_OWNED;
	uint32_t result = 0;
	if (!second) {
		model->counts->n_memory_reads++;
		evict(model, core, 0, was);
		return CACHE_LAST_MISS;
	}
	model->counts->levels[1].n_lookups++;
	if (!cache_sets_touch(second, line)) {
		victim = cache_sets_insert(second, entry);
		model->counts->levels[1].n_misses++;
		result = CACHE_MISS << 1 | miss_further(model, core, line, victim);
	}
	evict(model, core, 0, was);
	return result;
}

/* Mostly the second level still has it in the way where it was when the
 * first got the line. */
static void evict_first(struct cache_model *model, const struct cache_core *core, uint64_t victim,
			uint64_t way)
{
	uint64_t line = victim >> CACHE_ENTRY_SHIFT;
	model->counts->levels[0].n_evictions += victim != 0;
	if ((victim & CACHE_STATE_MASK) != CACHE_MODIFIED)
		return;
	model->counts->levels[0].n_writebacks++;
	uint64_t *place = &cache_sets_set(core->path[1], line)->entries[way];
	if (__builtin_expect(cache_sets_is(*place, line), 1))
		*place |= CACHE_MODIFIED;
	else
		cache_model_write_back(model, core, 1, line);
}

/* What a miss of the second level means. Returns the way in it. */
static uint32_t fill(struct cache_model *model, const struct cache_core *core, uint64_t line,
		     struct cache_set *set, uint32_t *result)
{
	const struct cache_sets *second = core->path[1];
	uint32_t way = cache_sets_next(second, set);
	uint64_t victim = set->entries[way];
	set->entries[way] = line << CACHE_ENTRY_SHIFT | CACHE_OWNED;
	set->tags[way] = cache_sets_tag(second, line);
	set->latest = cache_sets_latest(line);
	model->counts->levels[1].n_misses++;
	*result |= CACHE_MISS << 1;
	if (model->geometry.n_levels > 2) {
		*result |= miss_further(model, core, line, victim);
		return way;
	}
	model->counts->n_memory_reads++;
	evict(model, core, 1, victim);
	*result |= CACHE_LAST_MISS;
	return way;
}

uint32_t cache_plain_miss(struct cache_model *model, const struct cache_core *core, uint64_t line,
			  uint64_t was, uint8_t *note)
{
	const struct cache_sets *second = core->path[1];
	if (!model->is_short)
		return miss_elsewhere(model, core, line, was);
	struct cache_set *set = cache_sets_set(second, line);
	uint32_t result = 0, old = *note, way = cache_sets_way(second, set, line);
	model->counts->levels[1].n_lookups++;
	if (way == CACHE_NO_WAY)
		way = fill(model, core, line, set, &result);
	else
		cache_sets_use(second, set, way);
	*note = (uint8_t)way;
	evict_first(model, core, was, old);
	return result;
}

/* The page of an access. */
static uint32_t translate(struct cache_core *core, uint64_t page, const struct cache_hint *hint)
{
	if (page == core->last_page)
		return 0;
	if (hint->page != page || !hint->translation || hint->translation->page != page)
		return cache_model_translate_other(core, page);
	core->last_translation = hint->translation;
	core->last_page = page;
	return 0;
}

uint32_t cache_plain_access(struct cache_model *model, struct cache_core *core, uint64_t address,
			    bool is_write, struct cache_hint *hint)
{
	uint64_t page = address >> model->page_shift, line = address >> model->line_shift, was;
	struct cache_set *set = cache_plain_set(core, line);
	uint32_t result = translate(core, page, hint);
	uint32_t way = cache_sets_way(core->path[0], set, line);
	if (way == CACHE_NO_WAY) {
		way = cache_plain_bring(model, core, line, set, &was);
		result |= CACHE_MISS | cache_plain_miss(model, core, line, was, &set->notes[way]);
	}
	if (set->entries[way] & CACHE_PREFETCHED) {
		model->counts->n_used_prefetches++;
		set->entries[way] &= ~(uint64_t)CACHE_PREFETCHED;
	}
	cache_plain_use(core, set, way, is_write, hint);
	hint->page = page;
	return result;
}

uint32_t cache_model_access_plain(struct cache_model *model, struct cache_core *core,
				  uint64_t address, bool is_write)
{
	struct cache_hint hint = { .page = UINT64_MAX };
	return cache_plain_access(model, core, address, is_write, &hint);
}

uint32_t cache_plain_straddle(struct cache_model *model, struct cache_core *core, uint64_t address,
			      uint32_t bytes, bool is_write, struct cache_hint *hint)
{
	uint64_t last = (address + bytes - 1) & -(uint64_t)model->geometry.line_bytes;
	uint32_t result = 0;
	if (address < last) {
		result = cache_plain_access(model, core, address, is_write, hint);
		address = last;
	}
	return result | cache_plain_access(model, core, address, is_write, hint);
}
