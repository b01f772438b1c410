/*
 * cache_plain: the way of most programs: one core, LRU everywhere, and nothing but filling on a
 * miss. What it does is what cache_model_look would, without asking.
 */
#ifndef COUNTERS_CACHE_PLAIN_H
#define COUNTERS_CACHE_PLAIN_H

#include "counters/cache_model.h"

/*
 * cache_plain_miss: where is_plain, what a miss of the first level means to the others.
 * way      in the first level's set, where the line is by now
 * was      the entry that made room; 0 = none
 */
uint32_t cache_plain_miss(struct cache_model *model, const struct cache_core *core, uint64_t line,
			  uint32_t way, uint64_t was);

/* cache_plain_look: one line where is_plain, its page translated. All of the hint is told but the
 * page. */
static inline uint32_t cache_plain_look(struct cache_model *model, const struct cache_core *core,
					uint64_t line, bool is_write, struct cache_hint *hint)
{
	const struct cache_sets *first = core->path[0];
	uint64_t set = line & first->mask, *row = &first->entries[set * first->ways], was;
	uint64_t entry = line << CACHE_ENTRY_SHIFT | (is_write ? CACHE_MODIFIED : CACHE_OWNED);
	uint32_t way = cache_sets_way(first, set, line);
	hint->order = &first->orders[set];
	if (way == CACHE_NO_WAY) {
		way = cache_sets_replace(first, set, entry, &was);
		hint->entry = &row[way];
		hint->way = way;
		hint->wanted = entry;
		return cache_plain_miss(model, core, line, way, was);
	}
	cache_sets_use(first, set, way);
	entry = row[way];
	if (__builtin_expect(entry & CACHE_PREFETCHED, 0)) {
		model->counts->n_used_prefetches++;
		entry &= ~(uint64_t)CACHE_PREFETCHED;
	}
	row[way] = entry |= is_write ? CACHE_MODIFIED : 0;
	hint->entry = &row[way];
	hint->way = way;
	hint->wanted = entry;
	return 0;
}

/* cache_plain_access: where is_plain, a load or store within one line. The hint is the one before
 * of its kind, or zeros. */
static inline uint32_t cache_plain_access(struct cache_model *model, struct cache_core *core,
					  uint64_t address, bool is_write, struct cache_hint *hint)
{
	uint64_t page = address >> model->page_shift;
	uint32_t result = 0;
	if (page != core->last_page &&
	    !(hint->page == page && hint->translation && cache_model_use_page(core, hint)))
		result = cache_model_translate(core, page);
	hint->page = page;
	hint->translation = core->last_translation;
	return result | cache_plain_look(model, core, address >> model->line_shift, is_write, hint);
}

#endif
