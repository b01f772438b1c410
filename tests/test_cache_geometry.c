/* A cache model's geometry: its text form there and back, what no cache can be, and this machine's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "counters/cache_model.h"

static void geometry_goes_through_text(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"l1=32K/8,l2=1M/16/inclusive,l3=11M/11/exclusive/shared,line=64,cores=8,tlb=64/4,"
		"tlb2=1536/12,page=4K,prefetch=next,write=around",
		"l1=48K/12/plru,l2=2M/16/plru/for4,line=64,cores=8,tlb=0/1,page=2M,prefetch=none,"
		"write=allocate",
	};
	for (int i = 0; i < 2; i++) {
		struct cache_geometry geometry;
		char text[CACHE_GEOMETRY_BYTES];
		struct why why = { "" };
		cache_geometry_of_machine(&geometry);
		assert_true(cache_geometry_parse(&geometry, texts[i], &why));
		assert_string_equal(cache_geometry_print(text, sizeof text, &geometry), texts[i]);
	}
}

/* Before the levels or after them; a level's own word behind it is the last. */
static void policy_is_of_levels_round_it(void **state)
{
	(void)state;
	static const char *const texts[][2] = {
		{ "policy=plru,l1=32K/8,l2=1M/16", "l1=32K/8/plru,l2=1M/16/plru," },
		{ "l1=32K/8,l2=1M/16,policy=plru", "l1=32K/8/plru,l2=1M/16/plru," },
		{ "l1=32K/8,policy=plru,l2=1M/16/lru", "l1=32K/8/plru,l2=1M/16," },
	};
	for (int i = 0; i < 3; i++) {
		struct cache_geometry geometry;
		char text[CACHE_GEOMETRY_BYTES];
		struct why why = { "" };
		cache_geometry_of_machine(&geometry);
		assert_true(cache_geometry_parse(&geometry, texts[i][0], &why));
		cache_geometry_print(text, sizeof text, &geometry);
		text[strlen(texts[i][1])] = '\0';
		assert_string_equal(text, texts[i][1]);
	}
}

/* What is wrong with a word that is known is said, not which words there are. */
static void errors_say_what_may_be(void **state)
{
	(void)state;
	static const char *const texts[][2] = {
		{ "cores=257", "1 to 256" }, { "line=512", "16 to 256" }, { "line=0", "16 to 256" },
		{ "page=x", "such as 4K" },  { "l2=1M/8", "from l1 on" },
	};
	for (int i = 0; i < 5; i++) {
		struct cache_geometry geometry;
		struct why why = { "" };
		cache_geometry_of_machine(&geometry);
		assert_false(cache_geometry_parse(&geometry, texts[i][0], &why));
		assert_non_null(strstr(why.text, texts[i][1]));
	}
}

static void bad_geometries_are_sentences(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"l1",
		"l1=",
		"l1=32K",
		"l1=32K/0",
		"l1=32K/300",
		"l1=33K/8",
		"l1=32K/8/x",
		"l2=1M/16",
		"l1=32K/8,l3=1M/16",
		"l1=48K/8",
		"line=63",
		"line=8",
		"cores=0",
		"cores=1000",
		"tlb=64/5",
		"tlb=x",
		"page=5000",
		"prefetch=2",
		"write=maybe",
		"policy=fifo",
		"l1=32K/8,,",
		"l1=1G/128/plru",
		"colour=red",
		"l1=99999999999999999999/8",
		"l1=32K/8/shared",
		"l1=18446744073709551615/1",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct cache_geometry geometry;
		struct why why = { "" };
		cache_geometry_of_machine(&geometry);
		if (cache_geometry_parse(&geometry, texts[i], &why))
			fail_msg("%s was taken", texts[i]);
		assert_true(strlen(why.text) > 20 && why.text[strlen(why.text) - 1] == '.');
	}
}

static void this_machine_can_be_built(void **state)
{
	(void)state;
	struct cache_geometry geometry;
	struct why why = { "" };
	cache_geometry_of_machine(&geometry);
	struct cache_model *model = cache_model_new(&geometry, &why);
	assert_non_null(model);
	struct cache_core *core = cache_model_core(model, 0);
	assert_true(cache_model_access(model, core, 0x10000, 4, false) & CACHE_LAST_MISS);
	assert_int_equal(cache_model_access(model, core, 0x10000, 4, false), 0);
	cache_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometry_goes_through_text),
		cmocka_unit_test(policy_is_of_levels_round_it),
		cmocka_unit_test(errors_say_what_may_be),
		cmocka_unit_test(bad_geometries_are_sentences),
		cmocka_unit_test(this_machine_can_be_built),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
