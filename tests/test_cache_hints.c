/* The cache model's short ways against long ones: an access by hint, the plain way and the one that
 * asks every question do the same on any accesses and with any geometry; sets and TLBs do what
 * lists in order of use do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counters/cache_plain.h"
#include "sampler/base/mix.h"
#include "tests/fixture_cache.h"

enum { N_ACCESSES = 40000, N_SITES = 24, MOST_WAYS = 256 };

static uint64_t mix_next(uint64_t *seed)
{
	return mix_bits(*seed += MIX_STEP);
}

/* ---- a list in order of use, the latest first */

struct list {
	uint64_t keys[MOST_WAYS];
	uint32_t n, ways;
};

static bool list_remove(struct list *list, uint64_t key)
{
	uint32_t at = 0;
	while (at < list->n && list->keys[at] != key)
		at++;
	if (at == list->n)
		return false;
	memmove(&list->keys[at], &list->keys[at + 1], (list->n - at - 1) * sizeof list->keys[0]);
	list->n--;
	return true;
}

/* Returns whether it was there; `gone` is what made room, or UINT64_MAX. */
static bool list_use(struct list *list, uint64_t key, uint64_t *gone)
{
	bool was_there = list_remove(list, key);
	*gone = UINT64_MAX;
	if (list->n == list->ways)
		*gone = list->keys[--list->n];
	memmove(&list->keys[1], &list->keys[0], list->n++ * sizeof list->keys[0]);
	list->keys[0] = key;
	return was_there;
}

/* ---- sets */

/* Keys of few sets, some with the same tag; 0 is one. */
static uint64_t some_key(uint64_t *seed, uint32_t ways)
{
	uint64_t random = mix_next(seed);
	return random % (ways * 5 / 4 * 4 + 4) | (random >> 60 == 0 ? 1ull << 40 : 0);
}

static void sets_do_what_lists_do(uint32_t ways, uint64_t n_sets, bool has_times)
{
	struct cache_sets sets;
	struct list lists[4] = { 0 };
	uint64_t seed = ways, gone, was;
	uint64_t clock = CACHE_TIME_FIRST;
	cache_sets_open(&sets, n_sets, ways, CACHE_LRU, has_times ? &clock : NULL);
	for (int i = 0; i < 4; i++)
		lists[i].ways = ways;
	for (int i = 0; i < N_ACCESSES; i++) {
		uint64_t key = some_key(&seed, ways),
			 entry = key << CACHE_ENTRY_SHIFT | CACHE_OWNED;
		struct list *list = &lists[key % n_sets];
		uint64_t what = mix_next(&seed) % 16;
		if (what == 0) {
			assert_int_equal(cache_sets_remove(&sets, key) != 0,
					 list_remove(list, key));
		} else {
			const uint64_t *found = cache_sets_touch(&sets, key);
			assert_int_equal(found != NULL, list_use(list, key, &gone));
			assert_true(!found || *found == entry);
			was = found ? 0 : cache_sets_insert(&sets, entry);
			assert_int_equal(was ? was >> CACHE_ENTRY_SHIFT : UINT64_MAX, gone);
		}
	}
	cache_sets_close(&sets);
}

static void sets_of_any_ways_are_in_order_of_use(void **state)
{
	(void)state;
	for (uint32_t ways = 1; ways <= 18; ways++)
		for (uint64_t n_sets = 1; n_sets <= 4; n_sets++)
			for (uint32_t times = 0; times <= (ways <= CACHE_ORDERED_WAYS); times++)
				sets_do_what_lists_do(ways, n_sets, times != 0);
}

/* ---- TLBs */

static void tlb_does_what_lists_do(uint32_t n_entries, uint32_t ways)
{
	struct cache_tlb tlb;
	struct list *lists = calloc(n_entries / ways, sizeof *lists);
	uint64_t seed = n_entries, gone, page = 0;
	assert_non_null(lists);
	cache_tlb_open(&tlb, &(struct cache_tlb_geometry){ n_entries, ways });
	for (uint32_t i = 0; i < n_entries / ways; i++)
		lists[i].ways = ways;
	for (int i = 0; i < N_ACCESSES; i++) {
		uint64_t random = mix_next(&seed);
		/* In turns over a little more than there is room for; now and then anywhere. */
		page = i % 4096 < 1024 ? page + 1 : random % (n_entries * 5 / 4 + 2);
		page %= n_entries + n_entries / 3 + 2;
		page |= random >> 58 == 0 ? 1ull << 50 : 0;
		const struct cache_tlb_entry *entry = cache_tlb_touch(&tlb, page);
		assert_int_equal(entry != NULL,
				 list_use(&lists[page % (n_entries / ways)], page, &gone));
		if (!entry)
			entry = cache_tlb_insert(&tlb, page);
		assert_int_equal(entry->page, page);
	}
	cache_tlb_close(&tlb);
	free(lists);
}

static void tlbs_of_any_shape_are_in_order_of_use(void **state)
{
	static const uint32_t shapes[][2] = { { 1, 1 },   { 2, 2 },  { 72, 72 },   { 64, 4 },
					      { 30, 10 }, { 12, 1 }, { 256, 256 }, { 3072, 24 } };
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		tlb_does_what_lists_do(shapes[i][0], shapes[i][1]);
}

/* ---- whole models */

/* One place in a program: it walks, stays or jumps. */
struct site {
	uint64_t address, step, low, length;
	uint32_t bytes;
	bool is_write;
	struct cache_hint hint;
};

static void place_sites(struct site *sites, uint64_t *seed)
{
	static const uint64_t steps[] = { 0, 4, 8, 8, 13, 64, 4096, 4096 + 64 };
	for (int i = 0; i < N_SITES; i++) {
		uint64_t random = mix_next(seed);
		sites[i] = (struct site){ .address = 0x100000 + random % (1 << 19) / 8 * 8,
					  .step = steps[random >> 32 & 7],
					  .hint = { .page = CACHE_NO_PAGE },
					  .bytes = 1u << (random >> 40 & 3),
					  .is_write = random >> 50 & 1 };
	}
}

static void walk(struct site *site, const struct site *other, uint64_t random)
{
	site->address += site->step;
	if (random % 64 == 0) /* to where another one is */
		site->address = other->address & ~(uint64_t)7;
	else if (random % 64 < 3)
		site->address = 0x100000 + (random >> 20) % (1 << 19) / 4 * 4;
}

/* First without a call, as far as that goes. */
static uint32_t access_plain(struct cache_model *model, struct cache_core *core, struct site *site)
{
	struct cache_missed missed;
	uint64_t page = site->address >> model->page_shift;
	uint32_t result = 0;
	enum cache_try tried = CACHE_TRIED_NOT;
	while (model->is_short) {
		tried = cache_plain_try(model, core, site->address, site->is_write, &site->hint,
					&missed);
		if (tried != CACHE_TRIED_PAGE)
			break;
		result = cache_model_translate_other(core, page);
	}
	if (tried == CACHE_TRIED_NOT)
		return result |
		       cache_plain_access(model, core, site->address, site->is_write, &site->hint);
	if (tried == CACHE_TRIED_FIRST)
		return result | CACHE_MISS |
		       cache_plain_miss(model, core, missed.line, missed.was, missed.note);
	return result | (tried == CACHE_TRIED_MISS ? CACHE_MISS : 0);
}

/* As inject_model does. */
static uint32_t access_by_hint(struct cache_model *model, struct cache_core *core,
			       struct site *site, uint64_t *n_hints)
{
	uint64_t line_bytes = model->geometry.line_bytes, at = site->address;
	uint32_t result;
	bool has_hint = true;
	if (at - site->low < site->length &&
	    (cache_model_is_sure(core, &site->hint) ||
	     cache_model_is_hit(core, &site->hint, site->is_write))) {
		cache_model_hit(core, &site->hint);
		++*n_hints;
		return 0;
	}
	site->low = at & -line_bytes;
	if (model->is_plain && at - site->low + site->bytes <= line_bytes) {
		result = access_plain(model, core, site);
	} else if (model->is_plain) {
		site->low += line_bytes;
		result = cache_plain_straddle(model, core, at, site->bytes, site->is_write,
					      &site->hint);
	} else {
		result = cache_model_access(model, core, at, site->bytes, site->is_write);
		has_hint = cache_model_find_hint(model, core, at, site->is_write, &site->hint);
	}
	site->length = has_hint ? line_bytes - site->bytes + 1 : 0;
	return result;
}

static void is_same(const struct cache_model *one, const struct cache_model *other)
{
	assert_memory_equal(one->counts, other->counts, sizeof *one->counts);
	for (uint64_t address = 0x100000; address < 0x180000; address += one->geometry.line_bytes)
		for (uint32_t level = 0; level < one->geometry.n_levels; level++)
			assert_int_equal(cache_model_holds(one, 0, level, address),
					 cache_model_holds(other, 0, level, address));
}

/* Hints, no hints, and every question asked; a line leaves now and then past the caches. */
static uint64_t check_ways(const char *text, uint64_t seed)
{
	struct cache_model *models[3];
	struct cache_core *cores[3];
	struct site sites[N_SITES];
	uint64_t n_hints = 0;
	for (int i = 0; i < 3; i++) {
		models[i] = fixture_cache(text);
		cores[i] = cache_model_core(models[i], 0);
	}
	models[2]->is_plain = models[2]->is_fast = false;
	place_sites(sites, &seed);
	for (int i = 0; i < N_ACCESSES; i++) {
		uint64_t random = mix_next(&seed);
		struct site *site = &sites[random % N_SITES];
		uint32_t result = access_by_hint(models[0], cores[0], site, &n_hints);
		for (int n = 1; n < 3; n++)
			assert_int_equal(cache_model_access(models[n], cores[n], site->address,
							    site->bytes, site->is_write),
					 result);
		for (int n = 0; n < 3 && random >> 50 == 0; n++)
			cache_model_write_past(models[n], cores[n], site->address);
		for (int n = 0; n < 3 && random >> 50 == 1; n++)
			cache_model_prefetch(models[n], cores[n], site->address + 4096);
		walk(site, &sites[random >> 8 & 15], random >> 16);
	}
	is_same(models[0], models[1]);
	is_same(models[0], models[2]);
	for (int i = 0; i < 3; i++)
		cache_model_free(models[i]);
	return n_hints;
}

static void the_short_ways_do_what_the_long_one_does(void **state)
{
	static const char *const texts[] = {
		"l1=32K/8,l2=1M/16,tlb=0",
		"l1=32K/8,l2=1M/16,l3=16M/16,tlb=72/72,tlb2=3072/24",
		"l1=1K/1,l2=4K/2,tlb=4/4,tlb2=16/2",
		"l1=3K/3,l2=15K/5,l3=192K/12,tlb=6/3,tlb2=30/10",
		"l1=16K/16,l2=64K/16/inclusive,tlb=8/8,page=16K",
		"l1=4K/4,l2=40K/20,line=32,tlb=16/4",
		"l1=32K/8,l2=64K/8/exclusive,l3=128K/16,tlb=32/32",
		"l1=32K/8,l2=64K/4/inclusive,l3=128K/16/exclusive,prefetch=next",
		"l1=4K/2,l2=64K/8,write=around,tlb=4/4",
		"l1=2K/8,tlb=2/2,prefetch=next,write=around",
		"l1=48K/12,line=128,l2=512K/8/plru,tlb=64/64",
	};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		for (uint64_t seed = 1; seed <= 3; seed++)
			assert_true(check_ways(texts[i], seed) > N_ACCESSES / 50);
}

/* Neither a tree nor a long list gives hints; nor do several threads, from when there are some. */
static void hints_are_for_one_thread_and_short_orders(void **state)
{
	static const char *const texts[] = { "l1=32K/8/plru,tlb=0", "l1=5K/20,tlb=0" };
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(check_ways(texts[i], 1), 0);
	struct cache_hint hint;
	struct cache_model *model = fixture_cache("l1=32K/8,tlb=0");
	struct cache_core *core = cache_model_core(model, 0);
	cache_model_access(model, core, 0x10000, 8, false);
	assert_true(cache_model_find_hint(model, core, 0x10008, false, &hint));
	assert_true(cache_model_is_sure(core, &hint));
	assert_true(cache_model_is_hit(core, &hint, false));
	assert_false(cache_model_find_hint(model, core, 0x10008, true, &hint)); /* not written */
	assert_false(cache_model_find_hint(model, core, 0x10040, false, &hint));
	assert_true(cache_model_find_hint(model, core, 0x10000, false, &hint));
	cache_model_write_past(model, core, 0x10000);
	assert_false(cache_model_is_sure(core, &hint));
	assert_false(cache_model_is_hit(core, &hint, false));
	cache_model_access(model, core, 0x10000, 8, false);
	cache_model_set_threaded(model);
	assert_false(cache_model_find_hint(model, core, 0x10000, false, &hint));
	cache_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_any_ways_are_in_order_of_use),
		cmocka_unit_test(tlbs_of_any_shape_are_in_order_of_use),
		cmocka_unit_test(the_short_ways_do_what_the_long_one_does),
		cmocka_unit_test(hints_are_for_one_thread_and_short_orders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
