/* Formulas with hand-worked numbers, group files, and the groups that are built in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "counters/cores.h"
#include "counters/event_group.h"
#include "counters/metric_set.h"
#include "counters/metrics.h"
#include "counters/usage.h"

static const char *const names[] = { "a", "b", "c", "seconds" };

static struct operand known(const char *name, double value)
{
	return (struct operand){ name, value, 1, ORIGIN_MEASURED, NULL };
}

static struct formula_result evaluate(const char *text, double a, double b, double c)
{
	struct formula formula;
	struct why why;
	struct operand operands[] = { known("a", a),
				      known("b", b),
				      known("c", c),
				      { "seconds", 2, 1, ORIGIN_SOFTWARE, NULL } };
	if (!formula_parse(&formula, text, names, 4, &why))
		fail_msg("%s", why.text);
	return formula_evaluate(&formula, operands);
}

static void assert_value(const char *text, double expected)
{
	struct formula_result result = evaluate(text, 7, 4, 2);
	if (!(fabs(result.value - expected) <= 1e-12 * fabs(expected) + 1e-300))
		fail_msg("%s is %.17g, not %.17g", text, result.value, expected);
	assert_string_equal(result.reason.text, "");
}

static void test_arithmetic(void **state)
{
	(void)state;
	assert_value("a", 7);
	assert_value("a + b * c", 15);
	assert_value("(a + b) * c", 22);
	assert_value("a - b - c", 1);
	assert_value("a / b / c", 0.875);
	assert_value("a / (b / c)", 3.5);
	assert_value("-a + -b", -11);
	assert_value("- -a", 7);
	assert_value("1000 * b / a", 1000.0 * 4 / 7);
	assert_value("1.5e3*c", 3000);
	assert_value(".5", 0.5);
	assert_value("min(a, b) + max(b, c)", 8);
	assert_value("max(a,min(b,c))", 7);
	assert_value("a / seconds", 3.5);
	assert_value("  a\t+b  ", 11);
	assert_value("1 - (a + b) / (4 * c)", 1 - 11.0 / 8);
}

static void assert_unknown(const char *text, double a, double b, const char *reason)
{
	struct formula_result result = evaluate(text, a, b, 2);
	assert_true(isnan(result.value));
	assert_int_equal(result.origin, ORIGIN_UNAVAILABLE);
	if (!strstr(result.reason.text, reason))
		fail_msg("%s: %s", text, result.reason.text);
}

static void test_nothing_to_divide_by(void **state)
{
	(void)state;
	assert_unknown("a / b", 1, 0, "There is nothing to divide by: b is 0.");
	assert_unknown("a / b", 0, 0, "b is 0.");
	assert_unknown("a / b", 5, -0.0, "b is 0.");
	assert_unknown("c / (a - b)", 3, 3, "(a - b) is 0.");
	assert_unknown("a / b / c + 1", 3, 0, "b is 0.");
	assert_unknown("1 / (1 / a / b)", INFINITY, 1, "It was not counted.");
	assert_unknown("a + b", NAN, 1, "It was not counted.");
	assert_unknown("a - a", INFINITY, 1, "It was not counted.");
	assert_unknown("a * b", 1e308, 1e308, "beyond any number");
	assert_unknown("min(a, b)", NAN, 1, "It was not counted.");
}

static void test_reason_of_operand(void **state)
{
	(void)state;
	struct formula formula;
	struct operand operands[] = { known("a", 1),
				      { "b", NAN, NAN, ORIGIN_UNAVAILABLE, "No such counter." } };
	assert_true(formula_parse(&formula, "a / b", names, 2, NULL));
	struct formula_result result = formula_evaluate(&formula, operands);
	assert_string_equal(result.reason.text, "No such counter.");
	/* An operand that is not used does not matter. */
	assert_true(formula_parse(&formula, "a * 2", names, 2, NULL));
	result = formula_evaluate(&formula, operands);
	assert_true(result.value == 2);
	assert_int_equal(result.origin, ORIGIN_MEASURED);
}

static void test_provenance(void **state)
{
	(void)state;
	struct formula formula;
	struct operand operands[] = { known("a", 6),
				      { "b", 3, 0.25, ORIGIN_SCALED, NULL },
				      { "c", 1, 1, ORIGIN_SOFTWARE, NULL } };
	assert_true(formula_parse(&formula, "a / b", names, 3, NULL));
	struct formula_result result = formula_evaluate(&formula, operands);
	assert_true(result.value == 2);
	assert_int_equal(result.origin, ORIGIN_SCALED);
	assert_true(result.running_ratio == 0.25);
	assert_true(formula_parse(&formula, "a / c", names, 3, NULL));
	assert_int_equal(formula_evaluate(&formula, operands).origin, ORIGIN_MEASURED);
	assert_true(formula_parse(&formula, "c", names, 3, NULL));
	assert_int_equal(formula_evaluate(&formula, operands).origin, ORIGIN_SOFTWARE);
}

static void test_wrong_formulas(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",          "a +",      "(a",       "a)",       "a b",
		"a ++ ",     "* a",      "min(a)",   "min a, b", "max(a,b",
		"unknown",   "a $ b",    "1e999",    "()",       "a / / b",
		".",         "a @",      "nan",      "inf + a",  "seconds second",
		"min(a,,b)", "\033[31m", "a \xff b",
	};
	struct formula formula;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct why why = { "" };
		if (formula_parse(&formula, wrong[i], names, 4, &why))
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_true(strlen(why.text) > 20);
		assert_null(strchr(why.text, '\033'));
	}
	struct why why;
	assert_false(formula_parse(&formula, "a + secods", names, 4, &why));
	assert_non_null(strstr(why.text, "did you mean seconds?"));
	char deep[MAX_FORMULA_BYTES], longest[4096];
	memset(deep, '(', sizeof deep);
	deep[sizeof deep - 1] = '\0';
	assert_false(formula_parse(&formula, deep, names, 4, &why));
	memset(deep, '-', sizeof deep - 1);
	assert_false(formula_parse(&formula, deep, names, 4, &why));
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_false(formula_parse(&formula, longest, names, 4, &why));
	char many[MAX_FORMULA_BYTES] = "a";
	for (int i = 0; i < 100; i++)
		memcpy(many + 1 + 2 * i, "+a", 3);
	assert_false(formula_parse(&formula, many, names, 4, &why));
	assert_non_null(strstr(why.text, "too long"));
}

static const char good_group[] = "# a comment\n"
				 "summary How it is\n"
				 "about   One sentence.\n"
				 "        Another.\n"
				 "source  A book\n"
				 "\n"
				 "on skl sk[xz]\n"
				 "event hits r01\n"
				 "event total FOO:BAR\n"
				 "metric part of it [ratio] = hits / total\n"
				 "  Explained\n"
				 "\tin two lines.\n"
				 "metric rate [/s] = total / seconds\n"
				 "on amd64_*\n"
				 "absent Not on\n"
				 "  these.\n"
				 "on *\n"
				 "event hits cycles\n"
				 "metric hits [hits] = hits\n";

static void test_group_file(void **state)
{
	(void)state;
	struct metric_group group;
	struct why why;
	if (!metric_group_parse(&group, "g", good_group, &why))
		fail_msg("%s", why.text);
	assert_string_equal(group.summary, "How it is");
	assert_string_equal(group.about, "One sentence. Another.");
	assert_string_equal(group.source, "A book");
	assert_int_equal(group.n_sections, 3);
	const struct metric_section *section = metric_section_for(&group, "skx");
	assert_ptr_equal(section, &group.sections[0]);
	assert_int_equal(section->n_events, 2);
	assert_string_equal(section->events[1].encoding, "FOO:BAR");
	assert_int_equal(section->n_metrics, 2);
	assert_string_equal(section->metrics[0].name, "part of it");
	assert_string_equal(section->metrics[0].unit, "ratio");
	assert_string_equal(section->metrics[0].about, "Explained in two lines.");
	assert_string_equal(section->metrics[1].about, "");
	assert_string_equal(metric_section_for(&group, "amd64_x")->absent, "Not on these.");
	assert_ptr_equal(metric_section_for(&group, ""), &group.sections[2]);
	metric_group_free(&group);
}

static void test_wrong_group_files(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"",
		"summary x\nsource y\n",
		"summary x\nsource y\non *\n",
		"summary x\nsource y\non *\nevent a r1\n",
		"summary x\nsource y\nevent a r1\n",
		"summary x\nsource y\non\n",
		"summary x\nsource y\non *\nevent a\n",
		"summary x\nsource y\non *\nevent 1a r1\n",
		"summary x\nsource y\non *\nevent a r1 r2\n",
		"summary x\nsource y\non *\nevent seconds r1\n",
		"summary x\nsource y\non *\nevent a r1\nevent a r2\n",
		"summary x\nsource y\non *\nevent a r1\nmetric m = a\n",
		"summary x\nsource y\non *\nevent a r1\nmetric m [u = a\n",
		"summary x\nsource y\non *\nevent a r1\nmetric [u] = a\n",
		"summary x\nsource y\non *\nevent a r1\nmetric m [u] = b\n",
		"summary x\nsource y\non *\nevent a r1\nmetric m [u] = a\nevent b r2\n",
		"summary x\nsource y\non *\nevent a r1\n  text\nmetric m [u] = a\n",
		"nonsense\n",
		"  text\n",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct metric_group group;
		struct why why = { "" };
		if (metric_group_parse(&group, "g", wrong[i], &why))
			fail_msg("taken: %s", wrong[i]);
		assert_non_null(strstr(why.text, "of the metric group g: "));
	}
	char many[8192] = "summary x\nsource y\non *\n";
	for (int i = 0; i < 20; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), "event a%d r1\n", i);
	struct metric_group group;
	struct why why;
	assert_false(metric_group_parse(&group, "g", many, &why));
	assert_non_null(strstr(why.text, "too many events"));
}

/* Every group that is built in: complete, and each event of each metric can be counted at once on
 * the CPUs it names (fixed counters for cycles and instructions apart). */
static void test_builtin_groups(void **state)
{
	(void)state;
	uint32_t n;
	const struct metric_group *groups = metric_groups(&n);
	assert_true(n >= 12);
	for (uint32_t g = 0; g < n; g++) {
		assert_true(strlen(groups[g].summary) > 10);
		assert_true(strlen(groups[g].about) > 20);
		assert_true(strlen(groups[g].source) > 10);
		assert_ptr_equal(metric_group_find(groups[g].name), &groups[g]);
		for (uint32_t s = 0; s < groups[g].n_sections; s++) {
			const struct metric_section *section = &groups[g].sections[s];
			uint32_t used = 0;
			for (uint32_t m = 0; m < section->n_metrics; m++) {
				assert_true(strlen(section->metrics[m].about) > 10);
				assert_true(strlen(section->metrics[m].unit) > 0);
				for (uint32_t other = 0; other < m; other++)
					assert_string_not_equal(section->metrics[m].name,
								section->metrics[other].name);
				used |= section->metrics[m].formula.operands_used;
			}
			/* Intel's "slots" must lead its group although no formula needs it. */
			for (uint32_t e = 0; e < section->n_events; e++)
				if (!(used & 1u << e) &&
				    strcmp(section->events[e].name, "slots") != 0)
					fail_msg("%s on %s: %s is not used", groups[g].name,
						 section->pmus, section->events[e].name);
		}
	}
	assert_null(metric_group_find("nosuch"));
}

static struct count counted(double value)
{
	return (struct count){ .value = value,
			       .counted = (uint64_t)value,
			       .running_ratio = 1,
			       .origin = ORIGIN_MEASURED };
}

/* A set on a forced core, fed with chosen counts in the order of the section's events. */
static double metric_on(const char *model, const char *group, uint32_t metric, const double *values)
{
	struct metric_set *set = allocate(1, sizeof *set);
	struct metric_counts *counts = allocate(1, sizeof *counts);
	struct core_pmu core = { 0 };
	snprintf(core.model, sizeof core.model, "%s", model);
	metric_set_choose(set, metric_group_find(group), &core);
	assert_non_null(set->section);
	assert_null(set->section->absent);
	for (uint32_t i = 0; i < set->section->n_events; i++)
		counts->whole[i] = counted(values[i]);
	struct formula_result result = metric_set_evaluate(set, counts, metric, 2.0);
	free(set);
	free(counts);
	return result.value;
}

static void assert_near(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-9 * fabs(expected)))
		fail_msg("%.17g, not %.17g", value, expected);
}

/* Numbers worked by hand. */
static void test_hand_worked(void **state)
{
	(void)state;
	/* 900 instructions in 600 cycles; 150 cycles without uops. */
	assert_near(metric_on("skx", "ipc", 0, (double[]){ 900, 600, 150 }), 1.5);
	assert_near(metric_on("skx", "ipc", 1, (double[]){ 900, 600, 150 }), 0.25);
	assert_near(metric_on("spr", "ipc", 0, (double[]){ 900, 600, 150 }), 1.5);
	/* 10 of 500 branches in 2000 instructions. */
	assert_near(metric_on("amd64_fam19h_zen3", "branches", 0, (double[]){ 500, 10, 2000 }),
		    0.02);
	assert_near(metric_on("amd64_fam19h_zen3", "branches", 1, (double[]){ 500, 10, 2000 }), 5);
	assert_near(metric_on("arm_ac72", "branches", 0, (double[]){ 500, 10, 2000 }), 0.02);
	/* 800 loads, 25 missed, 40 lines, 3000 instructions. */
	assert_near(metric_on("icl", "l1", 0, (double[]){ 800, 25, 40, 3000 }), 0.03125);
	assert_near(metric_on("icl", "l1", 2, (double[]){ 800, 25, 40, 3000 }), 40 / 3.0);
	assert_near(metric_on("amd64_fam17h_zen2", "l2", 0, (double[]){ 75, 25, 1000 }), 0.25);
	assert_near(metric_on("skl", "l2", 1, (double[]){ 100, 30, 6000 }), 5);
	assert_near(metric_on("", "llc", 0, (double[]){ 40, 4, 3000 }), 0.1);
	assert_near(metric_on("arm_n1", "tlb", 0, (double[]){ 800, 2, 1, 3000 }), 0.0025);
	/* Top-down, 1000 cycles = 4000 slots: 1000 undelivered, 2200 issued, 1800 retired, 50
	 * cycles of recovery = 200 slots: bad speculation (2200 - 1800 + 200) / 4000. */
	static const double skx[] = { 1000, 1000, 2200, 1800, 50 };
	assert_near(metric_on("skx", "topdown", 0, skx), 0.45);
	assert_near(metric_on("skx", "topdown", 1, skx), 0.15);
	assert_near(metric_on("skx", "topdown", 2, skx), 0.25);
	assert_near(metric_on("skx", "topdown", 3, skx), 0.15);
	static const double spr[] = { 6000, 2400, 600, 1200, 1800, 900 };
	assert_near(metric_on("spr", "topdown", 0, spr), 0.4);
	assert_near(metric_on("spr", "topdown", 3, spr), 0.3);
	assert_near(metric_on("spr", "topdown", 4, spr), 0.15);
	static const double zen4[] = { 1000, 2400, 3000, 1200, 1500, 300 };
	assert_near(metric_on("amd64_fam19h_zen4", "topdown", 0, zen4), 0.4);
	assert_near(metric_on("amd64_fam19h_zen4", "topdown", 1, zen4), 0.1);
	assert_near(metric_on("amd64_fam19h_zen4", "topdown", 2, zen4), 0.2);
	assert_near(metric_on("amd64_fam19h_zen4", "topdown", 3, zen4), 0.25);
	assert_near(metric_on("amd64_fam19h_zen4", "topdown", 4, zen4), 0.05);
	/* Neoverse V1, 1000 cycles = 8000 slots, 4000 of them stalled, 25 wrong branches: retiring
	 * 3600/4000 * (1 - 1/2), bad speculation 0.1 * 1/2 + 100/1000, front 2400/8000 - 0.1. */
	static const double v1[] = { 1000, 2400, 1600, 4000, 3600, 4000, 25 };
	assert_near(metric_on("arm_v1", "topdown", 0, v1), 0.45);
	assert_near(metric_on("arm_v1", "topdown", 1, v1), 0.15);
	assert_near(metric_on("arm_v1", "topdown", 2, v1), 0.2);
	assert_near(metric_on("arm_v1", "topdown", 3, v1), 0.2);
	/* 100 scalar, 50 x 4, 25 x 8, 10 x 16 in 2 s: 660 / 2. */
	assert_near(metric_on("skx", "flops_single", 0, (double[]){ 100, 50, 25, 10 }), 330);
	assert_near(metric_on("skx", "flops_single", 4, (double[]){ 100, 50, 25, 10 }),
		    160.0 / 660);
	/* 100 + 50 x 2 + 25 x 4 + 10 x 8 = 380. */
	assert_near(metric_on("spr", "flops_double", 0, (double[]){ 100, 50, 25, 10 }), 190);
	assert_near(metric_on("arm_v1", "flops", 1, (double[]){ 1000, 500, 500 }), 5);
	assert_near(metric_on("amd64_fam19h_zen4", "flops", 2, (double[]){ 400, 300, 100 }), 0.75);
	/* 300 and 100 MiB in 2 s; 64 bytes each. */
	assert_near(metric_on("spr", "memory", 2, (double[]){ 300, 100 }), 200 * 1048576.0);
	assert_near(metric_on("amd64_fam19h_zen4", "memory", 1, (double[]){ 5, 7 }), 224);
	/* 7 J in 2 s; 3e9 cycles in 1 s of CPU. */
	assert_near(metric_on("", "energy", 1, (double[]){ 7, 3, 1 }), 3.5);
	assert_near(metric_on("", "clock", 0, (double[]){ 3e9, 1e9 }), 3e9);
	assert_near(metric_on("", "clock", 1, (double[]){ 3e9, 1e9 }), 0.5);
	assert_near(metric_on("", "switches", 1, (double[]){ 4, 1, 1e9 }), 2.5e8);
}

/* Cycles of user code by a clock of all the time would be a rate that nothing ran at. */
static void test_clock_of_a_part(void **state)
{
	(void)state;
	const struct core_pmu core = { .model = "" };
	struct metric_set set;
	struct metric_counts counts = { .whole = { { .value = 1e9, .running_ratio = 1 },
						   { .value = 1e9, .running_ratio = 1 } } };
	counts.whole[0].origin = counts.whole[1].origin = ORIGIN_MEASURED;
	metric_set_choose(&set, metric_group_find("clock"), &core);
	assert_near(metric_set_evaluate(&set, &counts, 0, 2).value, 1e9);
	for (int i = 0; i < 2; i++) {
		set.whole.is_user_only = i == 0;
		set.is_of_part = i == 1;
		struct formula_result clock = metric_set_evaluate(&set, &counts, 0, 2);
		assert_true(isnan(clock.value));
		assert_non_null(strstr(clock.reason.text, "user code and the kernel together"));
		assert_near(metric_set_evaluate(&set, &counts, 1, 2).value, 0.5);
	}
	metric_set_close(&set);
}

static void check_metrics(const char *model, const char *group, const double *counts,
			  const double *wanted, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_near(metric_on(model, group, i, counts), wanted[i]);
}

static void test_second_level(void **state)
{
	(void)state;
	/* 4000 slots: 600 of 150 whole cycles, 400 more; 600 of bad speculation, 30 : 10. */
	check_metrics("skx", "topdown2", (double[]){ 1000, 1000, 150, 2200, 1800, 50, 30, 10 },
		      (double[]){ 0.15, 0.1, 0.1125, 0.0375 }, 4);
	/* 5000 slots: 5 x 120 - 100 of 1000; 500 of bad speculation, 9 : 1. */
	check_metrics("icx", "topdown2", (double[]){ 5000, 2000, 500, 1000, 1500, 120, 100, 9, 1 },
		      (double[]){ 0.1, 0.1, 0.09, 0.01 }, 4);
	/* (300 + 100) of 500 + 60 + 100 x 0.4 + 100 cycles: 4/7 of 0.3. */
	check_metrics("icx", "topdown_memory",
		      (double[]){ 5000, 2000, 500, 1000, 1500, 300, 100, 500, 60, 100 },
		      (double[]){ 1.2 / 7, 0.9 / 7 }, 2);
	check_metrics("spr", "topdown2",
		      (double[]){ 6000, 2400, 600, 1200, 1800, 600, 450, 300, 1200 },
		      (double[]){ 0.1, 0.3, 0.075, 0.025, 0.05, 0.15, 0.2, 0.1 }, 8);
	/* 6000 slots: a tenth of 2400 from microcode; 600 thrown away, 30 : 10; 150 whole cycles of
	 * 1200 slots; 1500 of the back end, three quarters for loads. */
	check_metrics("amd64_fam19h_zen4", "topdown2",
		      (double[]){ 1000, 2400, 240, 3000, 1200, 150, 1500, 30, 10, 400, 300 },
		      (double[]){ 0.36, 0.04, 0.075, 0.025, 0.15, 0.05, 0.1875, 0.0625 }, 8);
}

/* Where nothing can be divided by, no built-in metric shows 0, nan or inf. */
static void test_no_metric_of_zeros(void **state)
{
	(void)state;
	static const char *const models[] = {
		"skl",    "icl",    "spr",      "adl_glc", "adl_grt",          "amd64_fam17h_zen2",
		"arm_n1", "arm_v1", "arm_ac72", "",        "amd64_fam19h_zen4"
	};
	uint32_t n;
	const struct metric_group *groups = metric_groups(&n);
	struct metric_set *set = allocate(1, sizeof *set);
	struct metric_counts *counts = allocate(1, sizeof *counts);
	for (uint32_t g = 0; g < n; g++) {
		for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
			struct core_pmu core = { 0 };
			snprintf(core.model, sizeof core.model, "%s", models[i]);
			metric_set_choose(set, &groups[g], &core);
			if (set->absent.text[0])
				continue;
			for (uint32_t e = 0; e < set->section->n_events; e++)
				counts->whole[e] = counted(0);
			for (uint32_t m = 0; m < set->section->n_metrics; m++) {
				struct formula_result result =
					metric_set_evaluate(set, counts, m, 0);
				bool divides =
					strchr(set->section->metrics[m].formula.text, '/') != NULL;
				assert_true(divides ? isnan(result.value) : result.value == 0);
				assert_true(divides == (result.reason.text[0] != '\0'));
			}
		}
	}
	free(set);
	free(counts);
}

static void test_differences(void **state)
{
	(void)state;
	struct counted_event event = { .scale = 0.5 };
	event.sampled.attribute.type = PERF_TYPE_HARDWARE;
	struct count before = { .value = 50,
				.counted = 100,
				.enabled_ns = 1000,
				.running_ns = 1000,
				.running_ratio = 1,
				.origin = ORIGIN_MEASURED };
	struct count now = { .value = 200,
			     .counted = 160,
			     .enabled_ns = 2000,
			     .running_ns = 1250,
			     .running_ratio = 0.625,
			     .origin = ORIGIN_SCALED };
	/* 60 in a quarter of the time = 240, at half a unit each. */
	struct count since = count_since(&event, &now, &before);
	assert_near(since.value, 120);
	assert_near(since.running_ratio, 0.25);
	assert_int_equal(since.origin, ORIGIN_SCALED);
	since = count_since(&event, &before, &before);
	assert_true(since.value == 0);
}

static void test_usage(void **state)
{
	(void)state;
	struct rusage before = { 0 }, after = { 0 };
	struct count count;
	after.ru_minflt = 7;
	after.ru_majflt = 2;
	after.ru_nvcsw = 3;
	after.ru_nivcsw = 1;
	after.ru_utime.tv_sec = 1;
	after.ru_utime.tv_usec = 500000;
	after.ru_stime.tv_usec = 250000;
	static const struct {
		uint64_t config;
		double value;
	} cases[] = { { PERF_COUNT_SW_PAGE_FAULTS, 9 },
		      { PERF_COUNT_SW_PAGE_FAULTS_MIN, 7 },
		      { PERF_COUNT_SW_PAGE_FAULTS_MAJ, 2 },
		      { PERF_COUNT_SW_CONTEXT_SWITCHES, 4 },
		      { PERF_COUNT_SW_TASK_CLOCK, 1.75e9 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct perf_event_attr attribute = { .type = PERF_TYPE_SOFTWARE,
						     .config = cases[i].config };
		assert_true(usage_count(&attribute, &before, &after, &count));
		assert_near(count.value, cases[i].value);
		assert_int_equal(count.origin, ORIGIN_SOFTWARE);
	}
	struct perf_event_attr migrations = { .type = PERF_TYPE_SOFTWARE,
					      .config = PERF_COUNT_SW_CPU_MIGRATIONS };
	assert_false(usage_count(&migrations, &before, &after, &count));
	struct perf_event_attr part = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_TASK_CLOCK,
					.exclude_kernel = 1 };
	assert_false(usage_count(&part, &before, &after, &count));
	struct perf_event_attr cycles = { .type = PERF_TYPE_HARDWARE };
	assert_false(usage_count(&cycles, &before, &after, &count));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_nothing_to_divide_by),
		cmocka_unit_test(test_reason_of_operand),
		cmocka_unit_test(test_provenance),
		cmocka_unit_test(test_wrong_formulas),
		cmocka_unit_test(test_group_file),
		cmocka_unit_test(test_wrong_group_files),
		cmocka_unit_test(test_builtin_groups),
		cmocka_unit_test(test_hand_worked),
		cmocka_unit_test(test_clock_of_a_part),
		cmocka_unit_test(test_second_level),
		cmocka_unit_test(test_no_metric_of_zeros),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_usage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
