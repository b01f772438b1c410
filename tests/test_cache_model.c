/* The cache model by sequences worked out by hand: each policy, inclusion, coherence, false
 * sharing, TLBs, prefetch, writes; and what must hold for any accesses. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counters/cache_model.h"
#include "tests/fixture_cache.h"

enum { LINE = 64 };

/* Loads of lines by number, as letters: 'h' a hit, 'm' a miss of the first level only, 'M' of all
 * levels. */
static void check_loads(struct cache_model *model, const int *lines, const char *expected)
{
	struct cache_core *core = cache_model_core(model, 0);
	char got[64] = "";
	for (size_t i = 0; expected[i]; i++) {
		uint32_t result = cache_model_access(model, core,
						     (uint64_t)(lines[i] + 1024) * LINE, 4, false);
		got[i] = result & CACHE_LAST_MISS ? 'M' : result & CACHE_MISS ? 'm' : 'h';
	}
	assert_string_equal(got, expected);
}

static uint32_t load(struct cache_model *model, uint32_t core, uint64_t address)
{
	return cache_model_access(model, cache_model_core(model, core), address, 4, false);
}

static uint32_t store(struct cache_model *model, uint32_t core, uint64_t address)
{
	return cache_model_access(model, cache_model_core(model, core), address, 4, true);
}

/* Two ways of one set: 0 1 0 2 leaves 0 and 2, so 1 misses and takes the place of 0. */
static void least_recently_used_goes_first(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=128/2,tlb=0");
	check_loads(model, (int[]){ 0, 1, 0, 2, 0, 1, 2 }, "MMhMhMM");
	cache_model_free(model);
}

/*
 * Four ways, a tree of three bits. After 0 1 2 3 every bit points left: the victim is 0, as with
 * LRU. After 0 1 2 3 0 the root points right and the right half's bit to 2: 4 replaces 2, where LRU
 * would replace 1. Then 1 hits (LRU: miss) and 2 misses.
 */
static void pseudo_lru_follows_its_tree(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=256/4/plru,tlb=0");
	check_loads(model, (int[]){ 0, 1, 2, 3, 0, 4, 1, 0, 2 }, "MMMMhMhhM");
	cache_model_free(model);
	model = fixture_cache("l1=256/4/lru,tlb=0");
	check_loads(model, (int[]){ 0, 1, 2, 3, 0, 4, 1 }, "MMMMhMM");
	cache_model_free(model);
}

/* Three ways in a tree of four leaves: the fourth is never chosen. */
static void pseudo_lru_takes_odd_ways(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=192/3/plru,tlb=0");
	check_loads(model, (int[]){ 0, 1, 2, 0, 1, 2, 3, 2 }, "MMMhhhMh");
	assert_int_equal(model->counts->levels[0].n_evictions, 1);
	cache_model_free(model);
}

/* 4 sets of 1 way: 0 and 4 share one, 1 does not. Twelve sets, no power of two, in the second. */
static void lines_go_to_their_sets(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=256/1,tlb=0");
	check_loads(model, (int[]){ 0, 4, 1, 0, 1 }, "MMMMh");
	cache_model_free(model);
	model = fixture_cache("l1=64/1,l2=768/1,tlb=0"); /* 1024 % 12 is 4 */
	check_loads(model, (int[]){ 0, 1, 0, 12, 0, 1 }, "MMmMMm");
	cache_model_free(model);
}

/* The second level holds one line less than is used, and the first is hit all the time: without
 * inclusion 0 stays in the first, with inclusion it goes when the second gives it up. */
static void inclusive_levels_take_back(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=128/2,l2=128/2,tlb=0");
	check_loads(model, (int[]){ 0, 1, 0, 2, 0 }, "MMhMh");
	assert_int_not_equal(cache_model_holds(model, 0, 0, 1024 * LINE), 0);
	assert_int_equal(cache_model_holds(model, 0, 1, 1024 * LINE), 0);
	cache_model_free(model);
	model = fixture_cache("l1=128/2,l2=128/2/inclusive,tlb=0");
	check_loads(model, (int[]){ 0, 1, 0, 2, 0 }, "MMhMM");
	assert_true(model->counts->levels[1].n_back_invalidations >= 1);
	cache_model_free(model);
}

/* Exclusive: two ways and two more make four; a line is in one of them at a time. */
static void exclusive_levels_add_up(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=128/2,l2=128/2/exclusive,tlb=0");
	check_loads(model, (int[]){ 0, 1, 2, 3, 0, 1, 2, 3 }, "MMMMmmmm");
	for (int line = 0; line < 4; line++) {
		uint64_t address = (uint64_t)(line + 1024) * LINE;
		assert_int_equal((cache_model_holds(model, 0, 0, address) != 0) +
					 (cache_model_holds(model, 0, 1, address) != 0),
				 1);
	}
	cache_model_free(model);
	/* And not exclusive: two, over and over. */
	model = fixture_cache("l1=128/2,l2=128/2,tlb=0");
	check_loads(model, (int[]){ 0, 1, 2, 3, 0, 1, 2, 3 }, "MMMMMMMM");
	cache_model_free(model);
}

/* A dirty line goes to the next level, and from the last to memory, once. */
static void dirty_lines_are_written_back(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=64/1,l2=128/2,tlb=0");
	store(model, 0, 0x10000);
	load(model, 0, 0x10040);
	assert_int_equal(cache_model_holds(model, 0, 1, 0x10000), CACHE_MODIFIED);
	assert_int_equal(model->counts->n_memory_writes, 0);
	load(model, 0, 0x10080);
	load(model, 0, 0x100c0);
	assert_int_equal(model->counts->n_memory_writes, 1);
	assert_int_equal(model->counts->n_memory_reads, 4);
	cache_model_free(model);
}

static void dirty_lines_move_up_from_exclusive_levels(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=64/1,l2=128/2/exclusive,tlb=0");
	store(model, 0, 0x10000);
	load(model, 0, 0x10040); /* 0x10000 is now in the second, dirty */
	load(model, 0, 0x10000);
	assert_int_equal(cache_model_holds(model, 0, 0, 0x10000), CACHE_MODIFIED);
	assert_int_equal(cache_model_holds(model, 0, 1, 0x10000), 0);
	for (uint64_t line = 2; line < 6; line++)
		load(model, 0, 0x10000 + line * LINE);
	assert_int_equal(model->counts->n_memory_writes, 1);
	cache_model_free(model);
}

static void writes_allocate_or_go_round(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=128/2,tlb=0,write=allocate");
	assert_true(store(model, 0, 0x10000) & CACHE_LAST_MISS);
	assert_int_equal(load(model, 0, 0x10000), 0);
	cache_model_free(model);
	model = fixture_cache("l1=128/2,tlb=0,write=around");
	assert_true(store(model, 0, 0x10000) & CACHE_LAST_MISS);
	assert_int_equal(model->counts->n_memory_writes, 1);
	assert_true(load(model, 0, 0x10000) & CACHE_LAST_MISS);
	assert_int_equal(store(model, 0, 0x10000), 0); /* there by now */
	cache_model_free(model);
}

/* A stream: one miss, then each line was prefetched when the one before it was first used; not
 * over the end of a page. */
static void the_next_line_is_prefetched(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=32K/8,tlb=0,prefetch=next");
	uint32_t n_misses = 0;
	for (uint64_t address = 0x10000; address < 0x12000; address += 8)
		n_misses += load(model, 0, address) & CACHE_MISS;
	assert_int_equal(n_misses, 2); /* pages of 4 KiB */
	assert_int_equal(model->counts->n_prefetches, 126);
	assert_int_equal(model->counts->n_used_prefetches, 126);
	cache_model_free(model);
	model = fixture_cache("l1=32K/8,tlb=0,prefetch=none");
	n_misses = 0;
	for (uint64_t address = 0x10000; address < 0x12000; address += 8)
		n_misses += load(model, 0, address) & CACHE_MISS;
	assert_int_equal(n_misses, 128);
	cache_model_free(model);
}

/* Two entries, then four: page 0 1 2 0 misses the first TLB each time, and walks three times. */
static void pages_are_translated(void **state)
{
	(void)state;
	static const uint32_t expected[] = { CACHE_TLB_MISS | CACHE_WALK,
					     0,
					     CACHE_TLB_MISS | CACHE_WALK,
					     CACHE_TLB_MISS | CACHE_WALK,
					     CACHE_TLB_MISS,
					     0 };
	static const uint64_t pages[] = { 0, 0, 1, 2, 0, 2 };
	struct cache_model *model = fixture_cache("l1=32K/8,tlb=2/2,tlb2=4/4,page=4K");
	for (int i = 0; i < 6; i++)
		assert_int_equal(load(model, 0, 0x100000 + pages[i] * 4096) &
					 (CACHE_TLB_MISS | CACHE_WALK),
				 expected[i]);
	/* Over the end of a page: both are looked up. */
	load(model, 0, 0x200000);
	assert_true(cache_model_access(model, cache_model_core(model, 0), 0x200ffc, 8, false) &
		    CACHE_WALK);
	assert_int_equal(load(model, 0, 0x201000) & CACHE_TLB_MISS, 0);
	cache_model_free(model);
}

/* An access over the end of a line misses if either part does, once. */
static void accesses_may_straddle(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=32K/8,tlb=0");
	struct cache_core *core = cache_model_core(model, 0);
	assert_true(cache_model_access(model, core, 0x1003c, 8, false) & CACHE_MISS);
	assert_int_equal(load(model, 0, 0x10000), 0);
	assert_int_equal(load(model, 0, 0x10040), 0);
	assert_true(cache_model_access(model, core, 0x1007c, 8, false) & CACHE_MISS);
	assert_int_equal(model->counts->levels[0].n_misses, 3); /* lines */
	cache_model_free(model);
}

static struct cache_model *two_cores(const char *text)
{
	struct cache_model *model = fixture_cache(text);
	cache_model_set_threaded(model);
	cache_model_core(model, 0);
	cache_model_core(model, 1);
	return model;
}

/* MESI by its states: alone, shared, modified, and who has what afterwards. */
static void coherence_keeps_one_writer(void **state)
{
	(void)state;
	struct cache_model *model = two_cores("cores=2,l1=32K/8,l2=1M/16/shared,tlb=0");
	load(model, 0, 0x10000);
	assert_int_equal(cache_model_holds(model, 0, 0, 0x10000), CACHE_OWNED);
	load(model, 1, 0x10000);
	assert_int_equal(cache_model_holds(model, 0, 0, 0x10000), CACHE_SHARED);
	assert_int_equal(cache_model_holds(model, 1, 0, 0x10000), CACHE_SHARED);
	assert_int_equal(store(model, 1, 0x10000), 0); /* an upgrade, no miss */
	assert_int_equal(model->counts->n_upgrades, 1);
	assert_int_equal(cache_model_holds(model, 0, 0, 0x10000), 0);
	assert_int_equal(cache_model_holds(model, 1, 0, 0x10000), CACHE_MODIFIED);
	assert_true(load(model, 0, 0x10000) & CACHE_MISS);
	assert_int_equal(cache_model_holds(model, 1, 0, 0x10000), CACHE_SHARED);
	assert_int_equal(cache_model_holds(model, 0, 1, 0x10000),
			 CACHE_MODIFIED); /* written back */
	assert_int_equal(model->counts->n_memory_reads, 1);
	/* Alone, a line becomes modified without a word to anybody. */
	load(model, 0, 0x20000);
	store(model, 0, 0x20000);
	assert_int_equal(model->counts->n_upgrades, 1);
	cache_model_free(model);
}

/* Two cores, one line: writers of other words share it falsely, readers of what was written truly,
 * and on lines of their own they share nothing. */
static void false_sharing_shows(void **state)
{
	(void)state;
	struct cache_model *model = two_cores("cores=2,l1=32K/8,l2=1M/16/shared,tlb=0");
	uint32_t n_false = 0, n_true = 0;
	for (int i = 0; i < 100; i++) {
		uint32_t result = store(model, 0, 0x10000) | store(model, 1, 0x10020);
		n_false += (result & CACHE_FALSE_SHARING) != 0;
		n_true += (result & CACHE_TRUE_SHARING) != 0;
	}
	/* The first round but for core 0's miss was cold; from then on every store misses. */
	assert_int_equal(n_true, 0);
	assert_int_equal(n_false, 99);
	assert_int_equal(model->counts->n_false_sharing, 198);
	for (int i = 0; i < 100; i++) {
		store(model, 0, 0x30000);
		n_true += (load(model, 1, 0x30000) & CACHE_TRUE_SHARING) != 0;
	}
	assert_int_equal(n_true, 99);
	uint64_t before = model->counts->n_false_sharing + model->counts->n_true_sharing;
	for (int i = 0; i < 100; i++) {
		store(model, 0, 0x40000);
		store(model, 1, 0x40040);
	}
	assert_int_equal(model->counts->n_false_sharing + model->counts->n_true_sharing, before);
	cache_model_free(model);
}

/* Core 0 loses the line to a write of another word, but its own word is written, too, before it
 * looks again: true sharing. */
static void later_writes_count_as_sharing(void **state)
{
	(void)state;
	struct cache_model *model = two_cores("cores=2,l1=32K/8,l2=1M/16/shared,tlb=0");
	load(model, 0, 0x10000);
	store(model, 1, 0x10020);
	store(model, 1, 0x10000);
	assert_true(load(model, 0, 0x10000) & CACHE_TRUE_SHARING);
	load(model, 0, 0x20000);
	store(model, 1, 0x20020);
	store(model, 1, 0x20028);
	assert_true(load(model, 0, 0x20000) & CACHE_FALSE_SHARING);
	cache_model_free(model);
}

static void stores_past_the_caches_leave_nothing(void **state)
{
	(void)state;
	struct cache_model *model = fixture_cache("l1=32K/8,l2=1M/16,tlb=0");
	load(model, 0, 0x10000);
	cache_model_write_past(model, cache_model_core(model, 0), 0x10000);
	assert_int_equal(cache_model_holds(model, 0, 0, 0x10000), 0);
	assert_int_equal(cache_model_holds(model, 0, 1, 0x10000), 0);
	assert_int_equal(model->counts->n_memory_writes, 1);
	cache_model_prefetch(model, cache_model_core(model, 0), 0x10000);
	assert_int_equal(load(model, 0, 0x10000), 0);
	assert_int_equal(model->counts->n_used_prefetches, 1);
	cache_model_free(model);
}

/* ---- for any accesses */

static uint64_t next(uint64_t *seed) /* Marsaglia's xorshift64 */
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

/* Some near, some far, some over the ends of lines. */
static uint64_t misses_of(const char *text, uint64_t seed, uint32_t *n_last)
{
	struct cache_model *model = fixture_cache(text);
	struct cache_core *core = cache_model_core(model, 0);
	uint64_t n_misses = 0;
	*n_last = 0;
	for (int i = 0; i < 60000; i++) {
		uint64_t random = next(&seed);
		uint64_t address = 0x100000 + random % (random & 1 << 20 ? 1 << 14 : 1 << 18);
		uint32_t result = cache_model_access(model, core, address, 8, random >> 40 & 1);
		n_misses += (result & CACHE_MISS) != 0;
		*n_last += (result & CACHE_LAST_MISS) != 0;
	}
	cache_model_free(model);
	return n_misses;
}

/* Mattson et al., 1970: with LRU and the same sets, more ways never miss more. */
static void more_ways_never_miss_more(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t before = UINT64_MAX;
		for (unsigned ways = 1; ways <= 16; ways++) {
			char text[64];
			uint32_t n_last;
			snprintf(text, sizeof text, "l1=%uK/%u,tlb=0", ways * 4, ways);
			uint64_t n_misses = misses_of(text, seed, &n_last);
			assert_true(n_misses <= before);
			assert_int_equal(n_misses, n_last);
			before = n_misses;
		}
	}
}

/* A search for LRU written the other way round: by the time of last use. */
static uint64_t misses_by_time(uint64_t seed, unsigned n_sets, unsigned ways)
{
	static uint64_t lines[64][16], times[64][16];
	uint64_t n_misses = 0, now = 0;
	memset(lines, 0, sizeof lines);
	memset(times, 0, sizeof times);
	for (int i = 0; i < 60000; i++) {
		uint64_t random = next(&seed);
		uint64_t address = 0x100000 + random % (random & 1 << 20 ? 1 << 14 : 1 << 18);
		bool is_miss = false;
		for (uint64_t line = address / LINE; line <= (address + 7) / LINE; line++) {
			uint64_t *row = lines[line % n_sets], *used = times[line % n_sets];
			unsigned oldest = 0, way = 0;
			for (; way < ways && row[way] != line; way++)
				if (used[way] < used[oldest])
					oldest = way;
			is_miss |= way == ways;
			way = way == ways ? oldest : way;
			row[way] = line;
			used[way] = ++now;
		}
		n_misses += is_miss;
	}
	return n_misses;
}

static void lru_equals_another_lru(void **state)
{
	(void)state;
	uint32_t n_last;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		assert_int_equal(misses_of("l1=32K/8,tlb=0", seed, &n_last),
				 misses_by_time(seed, 64, 8));
		/* The way that asks questions, and the plain one. */
		assert_int_equal(misses_of("l1=32K/8,l2=1M/16/inclusive,tlb=0", seed, &n_last),
				 misses_of("l1=32K/8,l2=1M/16,tlb=0", seed, &n_last));
	}
}

static void the_same_twice(void **state)
{
	(void)state;
	uint32_t one, other;
	static const char *const texts[] = { "l1=32K/8,l2=64K/4/inclusive,l3=128K/16/exclusive",
					     "l1=32K/8/plru,l2=96K/6/plru,prefetch=next",
					     "l1=4K/2,write=around" };
	for (int i = 0; i < 3; i++) {
		assert_int_equal(misses_of(texts[i], 7, &one), misses_of(texts[i], 7, &other));
		assert_int_equal(one, other);
	}
}

/* ---- threads */

struct worker {
	struct cache_model *model;
	uint32_t core;
	uint64_t n_misses;
};

static void *work(void *opaque)
{
	struct worker *worker = opaque;
	struct cache_core *core = cache_model_core(worker->model, worker->core);
	for (int i = 0; i < 50000; i++) {
		uint64_t address = 0x10000 + (uint64_t)(i * 8 % 4096);
		uint32_t result = cache_model_access(worker->model, core, address, 8, i % 7 == 0);
		worker->n_misses += (result & CACHE_MISS) != 0;
	}
	return NULL;
}

static void threads_agree_on_sums(void **state)
{
	(void)state;
	struct cache_model *model =
		two_cores("cores=4,l1=1K/2,l2=4K/4/for2,l3=8K/8/exclusive/shared,tlb=8/8");
	struct worker workers[4];
	pthread_t threads[4];
	uint64_t n_misses = 0;
	for (uint32_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){ model, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		n_misses += workers[i].n_misses;
	}
	assert_int_equal(n_misses, model->counts->levels[0].n_misses);
	assert_int_equal(model->counts->levels[1].n_lookups, n_misses);
	cache_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_recently_used_goes_first),
		cmocka_unit_test(pseudo_lru_follows_its_tree),
		cmocka_unit_test(pseudo_lru_takes_odd_ways),
		cmocka_unit_test(lines_go_to_their_sets),
		cmocka_unit_test(inclusive_levels_take_back),
		cmocka_unit_test(exclusive_levels_add_up),
		cmocka_unit_test(dirty_lines_are_written_back),
		cmocka_unit_test(dirty_lines_move_up_from_exclusive_levels),
		cmocka_unit_test(writes_allocate_or_go_round),
		cmocka_unit_test(the_next_line_is_prefetched),
		cmocka_unit_test(pages_are_translated),
		cmocka_unit_test(accesses_may_straddle),
		cmocka_unit_test(coherence_keeps_one_writer),
		cmocka_unit_test(false_sharing_shows),
		cmocka_unit_test(later_writes_count_as_sharing),
		cmocka_unit_test(stores_past_the_caches_leave_nothing),
		cmocka_unit_test(more_ways_never_miss_more),
		cmocka_unit_test(lru_equals_another_lru),
		cmocka_unit_test(the_same_twice),
		cmocka_unit_test(threads_agree_on_sums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
