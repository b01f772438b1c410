/* Event names: what they resolve to, modifiers, sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counters/events.h"
#include "counters/events_generic.h"
#include "counters/events_libpfm.h"
#include "counters/events_sysfs.h"
#include "tests/fixture_machine.h"

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
	assert_refused("cs:u", "cs:u would always be 0: it happens in the kernel; leave its "
			       "modifier u away.");
#if defined(__x86_64__)
	assert_refused("cycles:h", "cycles:h would always be 0: this processor cannot count a "
				   "hypervisor by itself; leave its modifier h away.");
#endif
	assert_refused("{cycles}", "Braces group whole events, as in {cycles,instructions}.");
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
	assert_true(events_parse(" cycles:u ,\tpage-faults ", events, 2, &n, &why));
	assert_string_equal(events[0].name, "cycles:u");
	assert_string_equal(events[1].name, "page-faults");
	assert_true(events_parse(" { cycles , page-faults }:Su ", events, 2, &n, &why));
	assert_string_equal(events[0].name, "cycles:u");
	assert_string_equal(events[1].name, "page-faults:u");
	assert_false(events_parse("cycles,cs,faults", events, 2, &n, &why));
	assert_string_equal(why.text, "At most 2 events can be sampled at once.");
	assert_false(events_parse("cycles,,cs", events, 2, &n, &why));
	assert_false(events_parse("", events, 2, &n, &why));
	assert_false(events_parse("cycles,", events, 2, &n, &why));
}

/* Folders of PMUs as the kernel writes them. */
static char *make_pmus(void)
{
	char *root = fake_new(), type[16];
	fake_put(root, "4\n", "/cpu/type");
	fake_put(root, "config:0-7,32-35\n", "/cpu/format/event");
	fake_put(root, "config:8-15\n", "/cpu/format/umask");
	fake_put(root, "config:23\n", "/cpu/format/inv");
	fake_put(root, "config1:0-15\n", "/cpu/format/ldlat");
	fake_put(root, "event=0x2e,umask=0x41\n", "/cpu/events/cache-misses");
	fake_put(root, "23\n", "/power/type");
	fake_put(root, "0,4-6\n", "/power/cpumask");
	fake_put(root, "config:0-7\n", "/power/format/event");
	fake_put(root, "event=0x02\n", "/power/events/energy-pkg");
	fake_put(root, "2.5e-1\n", "/power/events/energy-pkg.scale");
	fake_put(root, "Joules\n", "/power/events/energy-pkg.unit");
	for (int i = 0; i < 3; i++) { /* memory controllers: one PMU each */
		snprintf(type, sizeof type, "%d\n", 30 + i);
		fake_put(root, type, "/uncore_imc_%d/type", i);
		fake_put(root, "0,28\n", "/uncore_imc_%d/cpumask", i);
		fake_put(root, "config:0-7\n", "/uncore_imc_%d/format/event", i);
		fake_put(root, "config:8-15\n", "/uncore_imc_%d/format/umask", i);
		fake_put(root, "event=0x04,umask=0x03\n", "/uncore_imc_%d/events/cas_count_read",
			 i);
		fake_put(root, "6.103515625e-5\n", "/uncore_imc_%d/events/cas_count_read.scale", i);
		fake_put(root, "MiB\n", "/uncore_imc_%d/events/cas_count_read.unit", i);
	}
	fake_put(root, "99\n", "/uncore_imc_free_running/type");
	sysfs_events_root(root);
	return root;
}

static void remove_pmus(char *root)
{
	sysfs_events_root(NULL);
	fake_free(root);
}

static void test_sysfs(void **state)
{
	(void)state;
	char *root = make_pmus();
	struct counted_event event;
	assert_event("cpu/cache-misses/", 4, 0x412e);
	assert_event("cpu/event=0x1c2,umask=2,inv/u", 4, 0x1008002c2);
	assert_event("cpu/config=0x18002c2/:k", 4, 0x18002c2);
	assert_true(event_resolve_counted("cpu/event=0xcd,umask=1,ldlat=3/pp", &event, NULL));
	assert_int_equal(event.sampled.attribute.config1, 3);
	assert_int_equal(event.sampled.attribute.precise_ip, 2);
	assert_int_equal(event.n_cpus, 0);
	assert_true(event_resolve_counted("power/energy-pkg/", &event, NULL));
	assert_true(event.scale > 0.2499 && event.scale < 0.2501);
	assert_string_equal(event.sampled.unit, "J");
	assert_int_equal(event.n_cpus, 4);
	assert_int_equal(event.cpus[0], 0);
	assert_int_equal(event.cpus[3], 6);
	assert_true(event_resolve_counted("uncore_imc/cas_count_read/", &event, NULL));
	assert_int_equal(event.n_types, 3);
	assert_int_equal(event.types[0], 30);
	assert_int_equal(event.types[2], 32);
	assert_int_equal(event.n_cpus, 2);
	assert_int_equal(event.sampled.attribute.config, 0x304);
	assert_string_equal(event.sampled.unit, "MiB");
	assert_true(event_resolve_counted("uncore_imc_1/cas_count_read/", &event, NULL));
	assert_int_equal(event.n_types, 0);
	assert_int_equal(event.sampled.attribute.type, 31);
	assert_refused("cpi/event=1/", "This machine has no PMU \"cpi\"; did you mean cpu?");
	struct why why;
	assert_false(event_resolve("cpu/umask=0x100/", &event.sampled, &why));
	assert_string_equal(why.text, "umask of the PMU cpu cannot be 0x100: its bits are "
				      "config:8-15.");
	assert_false(event_resolve("cpu/nosuch=1/", &event.sampled, &why));
	assert_false(event_resolve("cpu/../cpu/", &event.sampled, &why));
	assert_false(event_resolve("../cpu/event=1/", &event.sampled, &why));
	assert_false(event_resolve("cpu/event=/", &event.sampled, &why));
	assert_false(event_resolve("cpu/event=1", &event.sampled, &why));
	assert_false(event_resolve("cpu/,/", &event.sampled, &why));
	uint32_t n = 0;
	struct sampled_event events[3];
	assert_true(events_parse("cpu/event=1,umask=2/u,cycles", events, 3, &n, &why));
	assert_int_equal(n, 2);
	assert_int_equal(events[0].attribute.config, 0x201);
	remove_pmus(root);
}

/* Vendor names by a PMU's name, whatever this machine is. */
static void test_libpfm(void **state)
{
	(void)state;
	struct perf_event_attr attribute;
	struct why why;
	if (!libpfm_knows_pmu("skx")) {
		puts("SKIP vendor names: this libpfm4 has no tables of x86 CPUs");
		skip();
	}
	memset(&attribute, 0, sizeof attribute);
	assert_int_equal(libpfm_resolve("skx::MEM_LOAD_RETIRED:L3_MISS", true, &attribute, &why),
			 LIBPFM_FOUND);
	assert_int_equal(attribute.type, PERF_TYPE_RAW);
	assert_int_equal(attribute.config, 0x20d1);
	assert_int_equal(libpfm_resolve("skx::UOPS_RETIRED:ALL:c=10:i", true, &attribute, &why),
			 LIBPFM_FOUND);
	assert_int_equal(attribute.config, 0xa8001c2);
	assert_int_equal(libpfm_resolve("skx::MEM_LOAD_RETIRED:L3_MIS", true, &attribute, &why),
			 LIBPFM_WRONG);
	assert_string_equal(why.text, "MEM_LOAD_RETIRED has no \"L3_MIS\"; did you mean L3_MISS?");
	assert_int_equal(libpfm_resolve("skx::MEM_LOAD_RETIRED", true, &attribute, &why),
			 LIBPFM_WRONG);
	assert_int_equal(libpfm_resolve("skx::NO_SUCH_EVENT", true, &attribute, &why),
			 LIBPFM_UNKNOWN);
	assert_int_equal(libpfm_resolve("nosuch::EVENT", true, &attribute, &why), LIBPFM_UNKNOWN);
	assert_int_equal(libpfm_resolve("netburst::INSTR_RETIRED", false, &attribute, &why),
			 LIBPFM_WRONG);
	assert_null(getenv("LIBPFM_ENCODE_INACTIVE"));
}

/* Those of the machine's own CPU need no prefix and take our modifiers. */
static void test_libpfm_here(void **state)
{
	(void)state;
	char pmu[64], name[160];
	struct sampled_event event, plain;
	struct why why;
	snprintf(pmu, sizeof pmu, "%s", libpfm_core_pmu());
	const char *instructions = strncmp(pmu, "amd64", 5) == 0 ? "RETIRED_INSTRUCTIONS"
				   : strncmp(pmu, "arm", 3) == 0 ? "INST_RETIRED"
								 : "INST_RETIRED:ANY_P";
	if (!pmu[0]) {
		puts("SKIP this CPU's own events: libpfm4 does not know this CPU");
		skip();
	}
	if (!event_resolve(instructions, &plain, &why))
		fail_msg("%s", why.text);
	snprintf(name, sizeof name, "%s::%s:upp", pmu, instructions);
	if (!event_resolve(name, &event, &why))
		fail_msg("%s", why.text);
	assert_int_equal(event.attribute.config, plain.attribute.config);
	assert_true(event.attribute.exclude_kernel);
	assert_int_equal(event.attribute.precise_ip, 2);
	assert_false(event_resolve("RETIRED_INSTRUCTION", &event, &why) &&
		     event_resolve("INST_RETIRE", &event, &why));
	assert_non_null(strstr(why.text, "did you mean"));
}

static bool count_name(void *context, const char *name, const char *summary)
{
	size_t *n = context;
	++*n;
	assert_true(name[0] != '\0');
	assert_non_null(summary);
	return *n < 20000;
}

static void test_listing(void **state)
{
	(void)state;
	size_t n = 0, n_everywhere = 0;
	events_each(false, &(struct event_visitor){ count_name, &n });
	events_each(true, &(struct event_visitor){ count_name, &n_everywhere });
	assert_true(n > 50);
	assert_true(n_everywhere > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_every_listed_name_resolves),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_modifiers),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_sysfs),
		cmocka_unit_test(test_libpfm),
		cmocka_unit_test(test_libpfm_here),
		cmocka_unit_test(test_listing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
