/*
 * Every event of every metric group, encoded for the CPU it is for, is the code its vendor
 * publishes. No hardware is needed: libpfm4 encodes for CPUs that are not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "counters/cores.h"
#include "counters/events_generic.h"
#include "counters/events_libpfm.h"
#include "counters/metric_set.h"
#include "counters/metrics.h"
#include "tests/vendor_codes.h"

enum { N_CODES = sizeof vendor_codes / sizeof vendor_codes[0] };

static const char *const models[] = {
	"skl",
	"skx",
	"icl",
	"icx",
	"spr",
	"adl_glc",
	"adl_grt",
	"amd64_fam17h_zen2",
	"amd64_fam19h_zen3",
	"amd64_fam19h_zen4",
	"arm_n1",
	"arm_v1",
	"arm_ac72",
};
enum { N_MODELS = sizeof models / sizeof models[0] };

static const struct vendor_code *find_code(const char *model, const char *group, const char *event)
{
	for (size_t i = 0; i < N_CODES; i++)
		if (strcmp(vendor_codes[i].model, model) == 0 &&
		    strcmp(vendor_codes[i].group, group) == 0 &&
		    strcmp(vendor_codes[i].event, event) == 0)
			return &vendor_codes[i];
	return NULL;
}

/* The kernel's own names and sysfs PMUs are the kernel's business. */
static bool is_vendors(const char *encoding)
{
	struct perf_event_attr attribute = { 0 };
	if (strchr(encoding, '/'))
		return false;
	return !generic_resolve(encoding, &attribute) || attribute.type == PERF_TYPE_RAW;
}

static bool is_testable(const char *model, const char *encoding)
{
	struct perf_event_attr attribute;
	return generic_resolve(encoding, &attribute) || libpfm_knows_pmu(model);
}

static uint32_t check_section(const char *model, const struct metric_group *group,
			      const struct metric_section *section)
{
	uint32_t n_checked = 0;
	for (uint32_t i = 0; i < section->n_events; i++) {
		const struct metric_event *event = &section->events[i];
		if (!is_vendors(event->encoding))
			continue;
		const struct vendor_code *code = find_code(model, group->name, event->name);
		if (!code)
			fail_msg("%s on %s: there is no published code for %s (%s)", group->name,
				 model, event->name, event->encoding);
		if (!is_testable(model, event->encoding))
			continue;
		struct core_pmu core = { .type = PERF_TYPE_RAW };
		struct counted_event counted;
		struct why why;
		snprintf(core.model, sizeof core.model, "%s", model);
		if (!metric_event_resolve(event, &core, true, &counted, &why))
			fail_msg("%s on %s: %s", group->name, model, why.text);
		if (counted.sampled.attribute.config != code->config)
			fail_msg("%s on %s: %s is 0x%llx, but %s is 0x%llx", group->name, model,
				 event->name, (unsigned long long)counted.sampled.attribute.config,
				 code->name, (unsigned long long)code->config);
		assert_int_equal(counted.sampled.attribute.type, PERF_TYPE_RAW);
		assert_int_equal(counted.sampled.attribute.config1, 0);
		n_checked++;
	}
	return n_checked;
}

static void test_every_event(void **state)
{
	(void)state;
	uint32_t n_groups, n_checked = 0;
	const struct metric_group *groups = metric_groups(&n_groups);
	for (size_t m = 0; m < N_MODELS; m++) {
		for (uint32_t g = 0; g < n_groups; g++) {
			const struct metric_section *section =
				metric_section_for(&groups[g], models[m]);
			if (section && !section->absent)
				n_checked += check_section(models[m], &groups[g], section);
		}
	}
	printf("%u events of %d kinds of cores are their vendors'\n", n_checked, N_MODELS);
	assert_true(n_checked > (libpfm_knows_pmu("skx") ? 300 : 60));
}

/* No row of the table is left over from an event that is gone. */
static void test_no_row_too_many(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CODES; i++) {
		const struct metric_group *group = metric_group_find(vendor_codes[i].group);
		assert_non_null(group);
		const struct metric_section *section =
			metric_section_for(group, vendor_codes[i].model);
		bool is_there = false;
		for (uint32_t e = 0; section && e < section->n_events; e++)
			is_there |= strcmp(section->events[e].name, vendor_codes[i].event) == 0;
		if (!is_there)
			fail_msg("%s on %s has no event %s", vendor_codes[i].group,
				 vendor_codes[i].model, vendor_codes[i].event);
	}
}

static void test_models(void **state)
{
	(void)state;
	assert_string_equal(core_model_of_midr(0x410fd083), "arm_ac72");
	assert_string_equal(core_model_of_midr(0x413fd0c1), "arm_n1");
	assert_string_equal(core_model_of_midr(0x411fd401), "arm_v1");
	assert_string_equal(core_model_of_midr(0x610fd083), "");
	assert_string_equal(core_model_of_midr(0), "");
	const char *large, *small;
	assert_true(core_models_of_x86(0x97, &large, &small));
	assert_string_equal(large, "adl_glc");
	assert_string_equal(small, "adl_grt");
	assert_false(core_models_of_x86(0x55, &large, &small));
	struct core_pmu cores[MAX_CORE_PMUS];
	uint32_t n = core_pmus(cores);
	assert_true(n >= 1 && n <= MAX_CORE_PMUS);
}

/* On a hybrid CPU a generic event says on which kind of core it counts. */
static void test_hybrid(void **state)
{
	(void)state;
	struct core_pmu core = { .sysfs = "cpu_atom", .type = 10, .is_hybrid = true };
	struct metric_event generic = { "cycles", "cycles" }, raw = { "cycles", "r3c" };
	struct counted_event counted;
	assert_true(metric_event_resolve(&generic, &core, true, &counted, NULL));
	assert_int_equal(counted.sampled.attribute.type, PERF_TYPE_HARDWARE);
	assert_int_equal(counted.sampled.attribute.config, 0xa00000000ULL);
	assert_true(metric_event_resolve(&raw, &core, true, &counted, NULL));
	assert_int_equal(counted.sampled.attribute.type, 10);
	assert_int_equal(counted.sampled.attribute.config, 0x3c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_event),
		cmocka_unit_test(test_no_row_too_many),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_hybrid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
