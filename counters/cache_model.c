/*
 * A core's first cache and TLBs are its own and guarded by its own lock; everything that concerns
 * others (misses, coherence, counts) happens under the model's. Whoever holds the model's lock may
 * take cores' locks; nobody waits for it with a core's lock in hand.
 */
#include "counters/cache_model.h"

#include <sched.h>

enum {
	SPINS = 64,             /* then the CPU is given away: the holder may be waiting for it */
	PREFETCH_PAGE_BITS = 12 /* no prefetcher leaves a page of 4 KiB */
};

/* What one access asks of the caches. */
struct look {
	uint64_t line, bytes_mask; /* a bit for 1/64 of the line */
	bool is_write;
	unsigned bits; /* CACHE_PREFETCHED for a prefetch */
};

/* ---- locks, only where there are several threads */

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written by the builtin */
static void lock(const struct cache_model *model, int *at)
{
	if (!model->is_threaded)
		return;
	for (int n = 0; __atomic_exchange_n(at, 1, __ATOMIC_ACQUIRE); n++)
		if (n >= SPINS)
			sched_yield();
}

/* NOLINTNEXTLINE(readability-non-const-parameter) */
static void unlock(const struct cache_model *model, int *at)
{
	if (model->is_threaded)
		__atomic_store_n(at, 0, __ATOMIC_RELEASE);
}

static bool is_active(const struct cache_model *model, uint32_t core)
{
	return model->active_cores[core / 64] >> core % 64 & 1;
}

void cache_model_set_threaded(struct cache_model *model)
{
	model->is_threaded = true;
	model->is_fast = model->is_plain = model->is_short = false;
}

struct cache_core *cache_model_core(struct cache_model *model, uint32_t number)
{
	struct cache_core *core = &model->cores[number % model->geometry.n_cores];
	lock(model, &model->lock);
	if (!is_active(model, core->number)) {
		model->active_cores[core->number / 64] |= 1ull << core->number % 64;
		model->n_active++;
		if (!model->is_threaded)
			cache_model_set_plain(model);
	}
	unlock(model, &model->lock);
	return core;
}

/* ---- sharing: what other cores have written since a line was lost to them */

static struct cache_lost *lost_at(const struct cache_core *core, uint64_t line)
{
	return &core->lost[(line ^ line >> 10) % CACHE_LOST_LINES];
}

/* True while somebody waits to know. */
static bool remember_write(struct cache_model *model, const struct cache_core *core,
			   const struct look *look)
{
	bool is_watched = false;
	for (uint32_t i = 0; i < model->geometry.n_cores; i++) {
		struct cache_lost *lost = lost_at(&model->cores[i], look->line);
		if (i == core->number || !is_active(model, i) || lost->line != look->line)
			continue;
		lost->written |= look->bytes_mask;
		is_watched = true;
	}
	return is_watched;
}

static uint32_t sharing_of(struct cache_model *model, const struct cache_core *core,
			   const struct look *look)
{
	struct cache_lost *lost = lost_at(core, look->line);
	if (lost->line != look->line)
		return 0;
	lost->line = 0;
	if (look->bits & CACHE_PREFETCHED)
		return 0;
	bool is_true = lost->written & look->bytes_mask;
	model->counts->n_true_sharing += is_true;
	model->counts->n_false_sharing += !is_true;
	return is_true ? CACHE_TRUE_SHARING : CACHE_FALSE_SHARING;
}

/* ---- lines that move */

void cache_model_write_back(struct cache_model *model, const struct cache_core *core, uint32_t from,
			    uint64_t line)
{
	for (uint32_t level = from; level < model->geometry.n_levels; level++) {
		uint64_t *entry = cache_sets_find(core->path[level], line);
		if (!entry)
			continue;
		*entry |= CACHE_MODIFIED;
		return;
	}
	model->counts->n_memory_writes++;
}

/* Another core's copies: gone for a write, shared for a read. Returns a bit for each state seen. */
static unsigned take_from(struct cache_model *model, const struct cache_core *core,
			  struct cache_core *other, const struct look *look)
{
	unsigned seen = 0;
	for (uint32_t level = 0; level < model->geometry.n_levels; level++) {
		if (other->path[level] == core->path[level])
			continue;
		if (look->is_write) {
			uint64_t was = cache_sets_remove(other->path[level], look->line);
			seen |= was ? 1u << (was & CACHE_STATE_MASK) : 0;
			continue;
		}
		uint64_t *entry = cache_sets_find(other->path[level], look->line);
		if (!entry)
			continue;
		seen |= 1u << (*entry & CACHE_STATE_MASK);
		*entry = (*entry & ~(uint64_t)(CACHE_STATE_MASK | CACHE_WATCHED)) | CACHE_SHARED;
	}
	return seen;
}

/* Ask all other cores. True if one had the line. */
static bool snoop(struct cache_model *model, const struct cache_core *core, const struct look *look)
{
	unsigned seen = 0;
	for (uint32_t i = 0; i < model->geometry.n_cores && model->n_active > 1; i++) {
		struct cache_core *other = &model->cores[i];
		if (other == core || !is_active(model, i))
			continue;
		lock(model, &other->lock);
		unsigned states = take_from(model, core, other, look);
		if (states && look->is_write) {
			*lost_at(other, look->line) = (struct cache_lost){ look->line, 0 };
			model->counts->n_invalidations++;
		}
		unlock(model, &other->lock);
		seen |= states;
	}
	/* A writer takes the dirty line over; for a reader it is written back. */
	if (seen & 1u << CACHE_MODIFIED && !look->is_write)
		cache_model_write_back(model, core, 0, look->line);
	return seen != 0;
}

static void insert(struct cache_model *model, struct cache_core *core, uint32_t level,
		   uint64_t entry);

/* Nothing before an inclusive level keeps what it gives up. True if a copy was dirty. */
static bool back_invalidate(struct cache_model *model, const struct cache_core *core,
			    uint32_t level, uint64_t line)
{
	bool is_dirty = false;
	for (uint32_t i = 0; i < model->geometry.n_cores; i++) {
		struct cache_core *other = &model->cores[i];
		if (!is_active(model, i) || other->path[level] != core->path[level])
			continue;
		if (other != core)
			lock(model, &other->lock);
		for (uint32_t before = 0; before < level; before++) {
			uint64_t was = cache_sets_remove(other->path[before], line);
			other->changes += was != 0;
			is_dirty |= (was & CACHE_STATE_MASK) == CACHE_MODIFIED;
			model->counts->levels[level].n_back_invalidations += was != 0;
		}
		if (other != core)
			unlock(model, &other->lock);
	}
	return is_dirty;
}

static void evict(struct cache_model *model, struct cache_core *core, uint32_t level,
		  uint64_t victim)
{
	uint64_t line = victim >> CACHE_ENTRY_SHIFT, state = victim & CACHE_STATE_MASK;
	uint32_t next = level + 1;
	model->counts->levels[level].n_evictions++;
	if (level > 0 && model->geometry.levels[level].inclusion == CACHE_INCLUSIVE &&
	    back_invalidate(model, core, level, line))
		state = CACHE_MODIFIED;
	model->counts->levels[level].n_writebacks += state == CACHE_MODIFIED;
	if (next < model->geometry.n_levels &&
	    model->geometry.levels[next].inclusion == CACHE_EXCLUSIVE) {
		uint64_t *there = cache_sets_touch(core->path[next], line);
		if (there && state == CACHE_MODIFIED)
			*there |= state;
		else if (!there)
			insert(model, core, next, line << CACHE_ENTRY_SHIFT | state);
	} else if (state == CACHE_MODIFIED) {
		cache_model_write_back(model, core, next, line);
	}
}

static void insert(struct cache_model *model, struct cache_core *core, uint32_t level,
		   uint64_t entry)
{
	uint64_t victim = cache_sets_insert(core->path[level], entry);
	core->changes += level == 0;
	if (victim)
		evict(model, core, level, victim);
}

/* ---- misses */

/* The first level from the second on that has the line; n_levels = none. */
static uint32_t find_level(struct cache_model *model, const struct cache_core *core,
			   const struct look *look, uint64_t **entry, uint32_t *result)
{
	uint32_t level, n = model->geometry.n_levels;
	bool is_demand = !(look->bits & CACHE_PREFETCHED);
	*entry = NULL;
	*result = CACHE_MISS;
	for (level = 2; level < n; level++)
		cache_sets_prefetch(core->path[level], look->line);
	model->counts->levels[0].n_misses += is_demand;
	for (level = 1; level < n; level++) {
		*entry = cache_sets_touch(core->path[level], look->line);
		model->counts->levels[level].n_lookups += is_demand;
		if (*entry)
			return level;
		model->counts->levels[level].n_misses += is_demand;
		*result |= CACHE_MISS << level;
	}
	*result |= CACHE_LAST_MISS;
	return n;
}

static bool is_private(const struct cache_model *model, uint32_t level)
{
	return level < model->geometry.n_levels && model->geometry.levels[level].n_cores == 1;
}

/* The state the first cache gets, after the other cores were asked where they may have the line. */
static unsigned settle(struct cache_model *model, const struct cache_core *core,
		       const struct look *look, uint32_t found, unsigned found_state)
{
	bool is_sure = is_private(model, found) && (!look->is_write || found_state != CACHE_SHARED);
	bool has_others = is_sure ? found_state == CACHE_SHARED : snoop(model, core, look);
	if (look->is_write)
		return CACHE_MODIFIED;
	return has_others ? CACHE_SHARED : CACHE_OWNED;
}

/* Levels from the one before `found` up to the first get the line, but for exclusive ones. */
static void fill(struct cache_model *model, struct cache_core *core, const struct look *look,
		 uint32_t found, const unsigned states[2])
{
	unsigned state = states[0], dirty = states[1];
	for (uint32_t level = found; level-- > 0;) {
		if (level > 0 && model->geometry.levels[level].inclusion == CACHE_EXCLUSIVE)
			continue;
		uint64_t entry = look->line << CACHE_ENTRY_SHIFT;
		if (level == 0)
			entry |= (dirty && state != CACHE_SHARED ? CACHE_MODIFIED : state) |
				 look->bits;
		else
			entry |= dirty                   ? CACHE_MODIFIED
				 : state == CACHE_SHARED ? CACHE_SHARED
							 : CACHE_OWNED;
		dirty = 0; /* one copy answers for it */
		insert(model, core, level, entry);
	}
}

/* Bring a line that the first cache lacks. */
static uint32_t bring(struct cache_model *model, struct cache_core *core, struct look *look)
{
	uint64_t *entry;
	uint32_t result, n = model->geometry.n_levels;
	uint32_t found = find_level(model, core, look, &entry, &result);
	unsigned found_state = entry ? *entry & CACHE_STATE_MASK : 0;
	result |= sharing_of(model, core, look);
	unsigned state = settle(model, core, look, found, found_state);
	if (look->is_write && model->n_active > 1 && remember_write(model, core, look))
		look->bits |= CACHE_WATCHED;
	if (look->is_write && model->geometry.is_write_around) {
		cache_model_write_back(model, core, 1, look->line);
		return result;
	}
	unsigned states[2] = { state, 0 };
	if (found == n) {
		model->counts->n_memory_reads++;
	} else if (model->geometry.levels[found].inclusion == CACHE_EXCLUSIVE) {
		states[1] = found_state == CACHE_MODIFIED;
		cache_sets_remove(core->path[found], look->line);
		if (states[1] && state == CACHE_SHARED && found == 1) {
			cache_model_write_back(model, core, n, look->line);
			states[1] = 0;
		}
	}
	fill(model, core, look, found, states);
	return result;
}

static void prefetch(struct cache_model *model, struct cache_core *core, uint64_t line)
{
	struct look look = { .line = line, .bits = CACHE_PREFETCHED };
	if (cache_sets_find(core->path[0], line))
		return;
	model->counts->n_prefetches++;
	bring(model, core, &look);
}

static void prefetch_next(struct cache_model *model, struct cache_core *core, uint64_t line)
{
	uint64_t to_page = PREFETCH_PAGE_BITS - model->line_shift;
	if ((line + 1) >> to_page == line >> to_page)
		prefetch(model, core, line + 1);
}

/* ---- looks */

/* A hit that concerns nobody else. */
static bool look_alone(const struct cache_core *core, uint64_t line, bool is_write)
{
	uint64_t *entry = cache_sets_touch(core->path[0], line);
	if (!entry || *entry & CACHE_PREFETCHED)
		return false;
	if (!is_write)
		return true;
	if (*entry & CACHE_WATCHED || (*entry & CACHE_STATE_MASK) == CACHE_SHARED)
		return false;
	*entry |= CACHE_MODIFIED;
	return true;
}

static uint32_t look_further(struct cache_model *model, struct cache_core *core, struct look *look)
{
	uint64_t *entry = cache_sets_touch(core->path[0], look->line);
	bool must_prefetch = model->geometry.has_next_line;
	uint32_t result = 0;
	if (!entry) {
		result = bring(model, core, look);
	} else {
		bool was_prefetched = *entry & CACHE_PREFETCHED;
		model->counts->n_used_prefetches += was_prefetched;
		must_prefetch = must_prefetch && was_prefetched;
		*entry &= ~(uint64_t)CACHE_PREFETCHED;
	}
	if (entry && look->is_write) {
		if ((*entry & CACHE_STATE_MASK) == CACHE_SHARED) {
			model->counts->n_upgrades++;
			snoop(model, core, look);
		}
		bool is_watched = model->n_active > 1 && remember_write(model, core, look);
		*entry = (*entry & ~(uint64_t)CACHE_WATCHED) | CACHE_MODIFIED |
			 (is_watched ? CACHE_WATCHED : 0);
	}
	if (must_prefetch)
		prefetch_next(model, core, look->line);
	return result;
}

uint32_t cache_model_translate_other(struct cache_core *core, uint64_t page)
{
	struct cache_tlb *first = &core->tlb[0], *second = &core->tlb[1];
	core->last_page = page;
	core->last_translation = cache_tlb_touch(first, page);
	if (core->last_translation)
		return 0;
	core->last_translation = cache_tlb_insert(first, page);
	core->changes++;
	if (second->entries && cache_tlb_touch(second, page))
		return CACHE_TLB_MISS;
	if (second->entries)
		cache_tlb_insert(second, page);
	return CACHE_TLB_MISS | CACHE_WALK;
}

bool cache_model_find_hint(const struct cache_model *model, const struct cache_core *core,
			   uint64_t address, bool is_write, struct cache_hint *hint)
{
	const struct cache_sets *first = core->path[0];
	uint64_t line = address >> model->line_shift;
	if (!model->is_fast || address >> model->page_shift != core->last_page)
		return false;
	struct cache_set *set = cache_sets_set(first, line);
	uint32_t way = cache_sets_way(first, set, line);
	if (way == CACHE_NO_WAY)
		return false;
	uint64_t entry = set->entries[way];
	*hint = (struct cache_hint){ .changes = core->changes,
				     .entry = &set->entries[way],
				     .way = way,
				     .translation = core->last_translation,
				     .line_entry = entry,
				     .page = core->last_page };
	return is_write ? (entry & CACHE_BITS_MASK) == CACHE_MODIFIED
			: (entry & CACHE_BITS_MASK) <= CACHE_MODIFIED;
}

/* Bytes first … end-1 of a line as bits, a bit for 1/64 of it or for a byte of a shorter one. */
static uint64_t mask_of(const struct cache_model *model, uint64_t first, uint64_t end)
{
	uint64_t grain = model->line_shift > 6 ? model->line_shift - 6 : 0;
	uint64_t from = first >> grain, to = (end - 1) >> grain;
	uint64_t up_to = to >= 63 ? UINT64_MAX : (1ull << (to + 1)) - 1;
	return up_to & ~((1ull << from) - 1);
}

uint32_t cache_model_look(struct cache_model *model, struct cache_core *core, uint64_t address,
			  uint32_t bytes, bool is_write)
{
	uint64_t end = address + (bytes ? bytes : 1), line_bytes = model->geometry.line_bytes;
	uint32_t result = 0;
	lock(model, &core->lock);
	while (address < end) {
		uint64_t line = address >> model->line_shift;
		uint64_t start = line << model->line_shift;
		uint64_t stop = end - start < line_bytes ? end : start + line_bytes;
		if (!model->is_plain)
			result |= cache_model_translate(core, address >> model->page_shift);
		if (model->is_plain) {
			result |= cache_model_access_plain(model, core, address, is_write);
		} else if (!look_alone(core, line, is_write)) {
			struct look look = { .line = line,
					     .bytes_mask =
						     mask_of(model, address - start, stop - start),
					     .is_write = is_write };
			unlock(model, &core->lock);
			lock(model, &model->lock);
			lock(model, &core->lock);
			result |= look_further(model, core, &look);
			unlock(model, &model->lock);
		}
		address = stop;
	}
	unlock(model, &core->lock);
	return result;
}

void cache_model_write_past(struct cache_model *model, struct cache_core *core, uint64_t address)
{
	struct look look = { .line = address >> model->line_shift,
			     .bytes_mask = UINT64_MAX,
			     .is_write = true };
	lock(model, &model->lock);
	lock(model, &core->lock);
	if (model->n_active > 1) {
		snoop(model, core, &look);
		remember_write(model, core, &look);
	}
	for (uint32_t level = 0; level < model->geometry.n_levels; level++)
		cache_sets_remove(core->path[level], look.line);
	core->changes++;
	model->counts->n_memory_writes++;
	unlock(model, &core->lock);
	unlock(model, &model->lock);
}

void cache_model_prefetch(struct cache_model *model, struct cache_core *core, uint64_t address)
{
	lock(model, &model->lock);
	lock(model, &core->lock);
	prefetch(model, core, address >> model->line_shift);
	unlock(model, &core->lock);
	unlock(model, &model->lock);
}

unsigned cache_model_holds(const struct cache_model *model, uint32_t core, uint32_t level,
			   uint64_t address)
{
	const uint64_t *entry =
		cache_sets_find(model->cores[core].path[level], address >> model->line_shift);
	return entry ? *entry & CACHE_STATE_MASK : 0;
}
