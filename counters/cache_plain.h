/*
 * cache_plain: the way of most programs: one core, LRU everywhere, and nothing but filling on a
 * miss. What it does is what cache_model_look would, without asking.
 */
#ifndef COUNTERS_CACHE_PLAIN_H
#define COUNTERS_CACHE_PLAIN_H

#include "counters/cache_model.h"

/*
 * cache_plain_miss: what a miss of the first level means to the others. Returns what else was
 * missed.
 * was      the entry that made room; 0 = none
 * note     of its way, which the line has by now: the way in the second level
 */
uint32_t cache_plain_miss(struct cache_model *model, const struct cache_core *core, uint64_t line,
			  uint64_t was, uint8_t *note);

/* cache_plain_bring: a line that the first level lacks. Returns its way. */
__attribute__((always_inline)) static inline uint32_t
cache_plain_bring(struct cache_model *model, struct cache_core *core, uint64_t line,
		  struct cache_set *set, uint64_t *was)
{
	const struct cache_sets *first = &core->first;
	uint32_t way = cache_sets_oldest(first, set);
	*was = set->entries[way];
	set->entries[way] = line << CACHE_ENTRY_SHIFT | CACHE_OWNED;
	set->tags[way] = cache_sets_tag(first, line);
	core->changes++;
	model->counts->levels[0].n_misses++;
	return way;
}

/* cache_plain_use: a way of the first level is used: all of the hint is told but the page. */
__attribute__((always_inline)) static inline void cache_plain_use(struct cache_core *core,
								  struct cache_set *set,
								  uint32_t way, bool is_write,
								  struct cache_hint *hint)
{
	uint64_t entry = set->entries[way] | (is_write ? CACHE_MODIFIED : 0);
	uint64_t now = core->tlb[0].clock + CACHE_TICK;
	set->entries[way] = entry;
	core->tlb[0].clock = now;
	set->times[way] = now + way;
	core->last_translation->used = now;
	hint->changes = core->changes;
	hint->entry = &set->entries[way];
	hint->way = way;
	hint->translation = core->last_translation;
	hint->line_entry = entry;
}

/* cache_plain_set: the first level's set of a line. */
static inline struct cache_set *cache_plain_set(const struct cache_core *core, uint64_t line)
{
	const struct cache_sets *first = &core->first;
	return first->ordered + (line & first->mask);
}

/* cache_plain_access: where is_plain, a load or store within one line. The hint is the one before
 * of its kind, or zeros. */
uint32_t cache_plain_access(struct cache_model *model, struct cache_core *core, uint64_t address,
			    bool is_write, struct cache_hint *hint);

/* ---- the same where is_short, as far as it goes without a call, which would cost as much */

enum cache_try {
	CACHE_TRIED_NOT,  /* nothing was done: cache_plain_access */
	CACHE_TRIED_PAGE, /* nothing was: cache_model_translate_other, then once more */
	CACHE_TRIED_HIT,  /* all was */
	CACHE_TRIED_MISS, /* all was: the second level had the line */
	CACHE_TRIED_FIRST /* a miss of the first level; cache_plain_miss is left to be done */
};

struct cache_missed { /* its arguments */
	uint64_t line, was;
	uint8_t *note;
};

/* cache_plain_try_page: false where the page has to be looked for. */
static inline bool cache_plain_try_page(struct cache_core *core, uint64_t page,
					struct cache_hint *hint)
{
	if (page != core->last_page) {
		if (hint->page != page || hint->translation->page != page)
			return false;
		core->last_translation = hint->translation;
		core->last_page = page;
	}
	hint->page = page;
	return true;
}

/* cache_plain_try_second: the commonest miss: the second level has the line, and what made room was
 * not written or is in the second level where it was. False: nothing was done. */
__attribute__((always_inline)) static inline bool
cache_plain_try_second(struct cache_model *model, const struct cache_core *core,
		       const struct cache_missed *missed)
{
	const struct cache_sets *second = &core->second;
	struct cache_counts *counts = model->counts;
	struct cache_set *set = cache_sets_set(second, missed->line);
	uint64_t way = set->order & CACHE_BITS_MASK, latest = cache_sets_latest(missed->line);
	if (set->latest != latest) {
		uint32_t same = cache_sets_same(second, set, missed->line);
		if (!same)
			return false;
		way = (uint32_t)__builtin_ctz(same);
		if (!cache_sets_is(set->entries[way], missed->line))
			return false;
	}
	if ((missed->was & CACHE_STATE_MASK) == CACHE_MODIFIED) {
		uint64_t line = missed->was >> CACHE_ENTRY_SHIFT;
		uint64_t *place = &cache_sets_set(second, line)->entries[*missed->note];
		if (!cache_sets_is(*place, line))
			return false;
		*place |= CACHE_MODIFIED;
		counts->levels[0].n_writebacks++;
	}
	counts->levels[0].n_evictions += missed->was != 0;
	counts->levels[1].n_lookups++;
	*missed->note = (uint8_t)way;
	if (set->latest != latest) {
		set->order = cache_order_touch(set->order, way);
		set->latest = latest;
	}
	return true;
}

/* cache_plain_try: a load or store within one line, where is_short. The hint's page is
 * CACHE_NO_PAGE where it has none yet. */
#define CACHE_NO_PAGE UINT64_MAX
__attribute__((always_inline)) static inline enum cache_try
cache_plain_try(struct cache_model *model, struct cache_core *core, uint64_t address, bool is_write,
		struct cache_hint *hint, struct cache_missed *missed)
{
	uint64_t line = address >> model->line_shift;
	struct cache_set *set = cache_plain_set(core, line);
	if (!cache_plain_try_page(core, address >> model->page_shift, hint))
		return CACHE_TRIED_PAGE;
	uint32_t same = cache_sets_same(&core->first, set, line), way;
	if (same) {
		way = (uint32_t)__builtin_ctz(same);
		/* of this line, and in a state without any of the other bits */
		if ((set->entries[way] ^ line << CACHE_ENTRY_SHIFT) - 1 >= CACHE_STATE_MASK)
			return CACHE_TRIED_NOT;
		cache_plain_use(core, set, way, is_write, hint);
		return CACHE_TRIED_HIT;
	}
	missed->line = line;
	way = cache_plain_bring(model, core, line, set, &missed->was);
	missed->note = &set->notes[way];
	cache_plain_use(core, set, way, is_write, hint);
	return cache_plain_try_second(model, core, missed) ? CACHE_TRIED_MISS : CACHE_TRIED_FIRST;
}

/* cache_plain_straddle: one of at most a line's bytes that may go over a line's end: the hint is of
 * the line it ends in. */
uint32_t cache_plain_straddle(struct cache_model *model, struct cache_core *core, uint64_t address,
			      uint32_t bytes, bool is_write, struct cache_hint *hint);

#endif
