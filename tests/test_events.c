/* Event names: what they resolve to, modifiers, sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "counters/events.h"

static void assert_event(const char *text, uint32_t type, uint64_t config)
{
	struct sampled_event event;
	struct why why;
	assert_true(event_resolve(text, &event, &why));
	assert_int_equal(event.attribute.type, type);
	assert_int_equal(event.attribute.config, config);
	assert_string_equal(event.name, text);
}

static void assert_refused(const char *text, const char *sentence)
{
	struct sampled_event event;
	struct why why;
	assert_false(event_resolve(text, &event, &why));
	assert_string_equal(why.text, sentence);
}

static void test_names(void **state)
{
	(void)state;
	assert_event("cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
	assert_event("INSTRUCTIONS", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
	assert_event("cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
	assert_event("cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES);
	assert_event("L1-dcache-load-misses", PERF_TYPE_HW_CACHE, 0x10000);
	assert_event("LLC-stores", PERF_TYPE_HW_CACHE, 0x102);
	assert_event("r1c2", PERF_TYPE_RAW, 0x1c2);
	assert_event("rffffffffffffffff:u", PERF_TYPE_RAW, UINT64_MAX);
}

static void test_every_listed_name_resolves(void **state)
{
	(void)state;
	size_t n = 0;
	for (const struct event_name *name; (name = events_at(n)); n++) {
		assert_event(name->name, name->type, name->config);
		assert_true(strlen(name->summary) > 0);
	}
	assert_true(n > 20);
}

static void test_units(void **state)
{
	(void)state;
	struct sampled_event event;
	assert_true(event_resolve("task-clock:u", &event, NULL));
	assert_string_equal(event.unit, "ns");
	assert_true(event_resolve("page-faults", &event, NULL));
	assert_string_equal(event.unit, "events");
}

static void test_modifiers(void **state)
{
	(void)state;
	struct sampled_event event;
	assert_true(event_resolve("cycles:u", &event, NULL));
	assert_true(event.attribute.exclude_kernel && event.attribute.exclude_hv);
	assert_false(event.attribute.exclude_user);
	assert_true(event_resolve("cycles:kpp", &event, NULL));
	assert_true(event.attribute.exclude_user);
	assert_false(event.attribute.exclude_kernel);
	assert_int_equal(event.attribute.precise_ip, 2);
	assert_true(event_resolve("cycles:uk", &event, NULL));
	assert_false(event.attribute.exclude_user || event.attribute.exclude_kernel);
	assert_true(event_resolve("cycles", &event, NULL));
	assert_int_equal(event.attribute.precise_ip, 0);
}

static void test_sentences(void **state)
{
	(void)state;
	assert_refused("cyclse", "There is no event \"cyclse\"; did you mean cycles?");
	assert_refused("", "An event's name is missing: -e takes names such as "
			   "cycles,cache-misses:u.");
	assert_refused("rxyz", "There is no event \"rxyz\"; `stoke list events` shows all names.");
	assert_refused("cycles:pppp",
		       "\":pppp\" is no modifier of an event: it takes u (user), k (kernel), h "
		       "(hypervisor) and up to three p (precise).");
	assert_refused("cpu/event=1/", "\"cpu/event=1/\" is no plain event: groups {a,b} and "
				       "pmu/.../ events are not supported in this version.");
	struct sampled_event event;
	char endless[4096];
	memset(endless, 'a', sizeof endless);
	endless[sizeof endless - 1] = '\0';
	assert_false(event_resolve(endless, &event, NULL));
	assert_false(event_resolve("cycles:\033[31m", &event, NULL));
}

static void test_lists(void **state)
{
	(void)state;
	struct sampled_event events[2];
	uint32_t n = 0;
	struct why why;
	assert_true(events_parse("cycles:u,page-faults", events, 2, &n, &why));
	assert_int_equal(n, 2);
	assert_string_equal(events[1].name, "page-faults");
	assert_false(events_parse("cycles,cs,faults", events, 2, &n, &why));
	assert_string_equal(why.text, "At most 2 events can be sampled at once.");
	assert_false(events_parse("cycles,,cs", events, 2, &n, &why));
	assert_false(events_parse("", events, 2, &n, &why));
	assert_false(events_parse("cycles,", events, 2, &n, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),     cmocka_unit_test(test_every_listed_name_resolves),
		cmocka_unit_test(test_units),     cmocka_unit_test(test_modifiers),
		cmocka_unit_test(test_sentences), cmocka_unit_test(test_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
