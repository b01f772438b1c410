/* Machines that are not here, this one, and their way through a recording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if HAVE_HWLOC
#include <hwloc.h>
#endif

#include "counters/cgroup.h"
#include "counters/machine.h"
#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tests/fixture_machine.h"
#include "tui/canvas.h"
#include "tui/machine_picture.h"
#include "tui/machine_plan.h"

static void masks_are_read_and_written(void **state)
{
	static const char *const wrong[] = { "3-1",  "1,",     ",1",    "1,,2",
					     "a",    "1-",     "-1",    "1 2",
					     "2048", "0-2048", "1-2-3", "99999999999999999999",
					     "0x1" };
	static const char *const right[] = { "0", "0-3", "0-3,8,10-11", "2047", "0-2047", "1,3,5" };
	struct cpu_mask mask;
	char text[64];
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_false(cpu_mask_parse(&mask, wrong[i]));
		assert_int_equal(cpu_mask_count(&mask), 0);
	}
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		assert_true(cpu_mask_parse(&mask, right[i]));
		assert_string_equal(cpu_mask_print(text, sizeof text, &mask), right[i]);
	}
	assert_true(cpu_mask_parse(&mask, " 4-5\n"));
	assert_int_equal(cpu_mask_count(&mask), 2);
	assert_int_equal(cpu_mask_next(&mask, 5), 5);
	assert_int_equal(cpu_mask_next(&mask, 6), CPU_MASK_MOST);
	assert_true(cpu_mask_parse(&mask, "\n"));
	assert_int_equal(cpu_mask_count(&mask), 0);
	assert_true(cpu_mask_parse(&mask, "0,2,4,6,8,10,12,14"));
	for (size_t bytes = 6; bytes < 24; bytes++) {
		cpu_mask_print(text, bytes, &mask);
		assert_true(strlen(text) < bytes);
		assert_true(strlen(text) < 18 ? strstr(text, "...") != NULL : true);
	}
}

static void sizes_are_whole_where_they_can(void **state)
{
	static const struct size {
		uint64_t bytes;
		const char *text;
	} sizes[] = { { 1, "1 B" },
		      { 1024, "1 KiB" },
		      { 49152, "48 KiB" },
		      { 1280 << 10, "1280 KiB" },
		      { 2 << 20, "2 MiB" },
		      { 1 << 30, "1 GiB" },
		      { 1536 << 20, "1536 MiB" },
		      { 1500, "1.46 KiB" },
		      { 218124 << 10, "213 MiB" } };
	char text[32];
	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		assert_string_equal(machine_print_size(text, sizeof text, sizes[i].bytes),
				    sizes[i].text);
}

static const char *value(const struct machine *machine, const char *key)
{
	const struct machine_fact *fact = machine_fact(machine, key);
	return fact ? fact->value : "(no such fact)";
}

/* Every fact has a value or a reason, not both; all of it is clean text. */
static void check_facts(const struct machine *machine)
{
	for (size_t i = 0; i < machine->n_facts; i++) {
		const struct machine_fact *fact = &machine->facts[i];
		char clean[sizeof fact->value];
		assert_true((fact->value[0] == '\0') != (fact->reason[0] == '\0'));
		assert_true(fact->label[0] != '\0');
		assert_string_equal(text_clean(clean, sizeof clean, fact->value), fact->value);
		assert_string_equal(text_clean(clean, sizeof clean, fact->key), fact->key);
		bool is_in_section = false;
		for (const struct machine_section *at = machine_sections; at->name; at++)
			is_in_section |= machine_in_section(fact, at);
		assert_true(is_in_section);
	}
}

static void check_same(const struct machine_fact *a, const struct machine_fact *b)
{
	assert_string_equal(a->key, b->key);
	assert_string_equal(a->label, b->label);
	assert_string_equal(a->value, b->value);
	assert_string_equal(a->reason, b->reason);
}

static void check_recording(const struct machine *machine)
{
	struct recording *recording = recording_new();
	machine_store(machine, recording);
	recording_publish(recording);
	struct machine *loaded = machine_load(recording);
	assert_non_null(loaded);
	assert_int_equal(loaded->n_facts, machine->n_facts);
	for (size_t i = 0; i < machine->n_facts; i++)
		check_same(&loaded->facts[i], &machine->facts[i]);
	assert_true(cpu_mask_is_equal(&loaded->online, &machine->online));
	assert_int_equal(loaded->n_caches, machine->n_caches);
	for (size_t i = 0; i < machine->n_caches; i++) {
		assert_true(cpu_mask_is_equal(&loaded->caches[i].cpus, &machine->caches[i].cpus));
		assert_int_equal(loaded->caches[i].size_bytes, machine->caches[i].size_bytes);
		assert_int_equal(loaded->caches[i].ways, machine->caches[i].ways);
		assert_int_equal(loaded->caches[i].type, machine->caches[i].type);
	}
	assert_int_equal(loaded->cores.n, machine->cores.n);
	assert_int_equal(loaded->packages.n, machine->packages.n);
	assert_int_equal(loaded->nodes.n, machine->nodes.n);
	assert_int_equal(loaded->kinds.n, machine->kinds.n);
	for (size_t i = 0; i < machine->nodes.n; i++)
		assert_int_equal(loaded->nodes.rows[i].memory_bytes,
				 machine->nodes.rows[i].memory_bytes);
	for (size_t i = 0; i < machine->kinds.n; i++)
		assert_string_equal(loaded->kinds.rows[i].label, machine->kinds.rows[i].label);
	assert_true(machine_identity(loaded) == machine_identity(machine));
	machine_free(loaded);
	recording_free(recording);
}

/* Every CPU is in exactly one module of the plan, and boxes fit any width. */
static void check_picture(const struct machine *machine)
{
	struct arena arena = { 0 };
	const struct machine_plan *plan = machine_plan_make(machine, &arena);
	struct cpu_mask seen = { 0 };
	unsigned n = 0;
	for (unsigned p = 0; p < plan->n_packages; p++)
		for (unsigned d = 0; d < plan->packages[p].n_domains; d++) {
			const struct plan_domain *domain = &plan->packages[p].domains[d];
			for (unsigned m = 0; m < domain->n_modules; m++) {
				cpu_mask_unite(&seen, &domain->modules[m].cpus);
				n += cpu_mask_count(&domain->modules[m].cpus);
			}
		}
	assert_true(cpu_mask_is_equal(&seen, &machine->online));
	assert_int_equal(n, cpu_mask_count(&machine->online));
	for (int width = 1; width < 220; width += 3) {
		struct canvas canvas = canvas_new(width, 40);
		int rows = machine_picture_draw(machine, &arena, &canvas, 0, 0, width);
		rows += machine_table_draw(machine, &canvas, 0, rows, width);
		assert_true(rows > 0 && rows < 4000);
		canvas_free(&canvas);
		arena_reset(&arena);
	}
	arena_close(&arena);
}

static struct machine *read_and_check(char *root)
{
	struct machine *machine = machine_read(root);
	fake_free(root);
	check_facts(machine);
	check_recording(machine);
	check_picture(machine);
	return machine;
}

static char *draw(const struct machine *machine, bool is_ascii)
{
	struct arena arena = { 0 };
	struct canvas canvas = canvas_new(80, 60);
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	canvas.height = machine_picture_draw(machine, &arena, &canvas, 0, 0, 80);
	canvas_write(&canvas, out, is_ascii, NULL);
	fclose(out);
	canvas_free(&canvas);
	arena_close(&arena);
	return text;
}

static void a_hybrid_machine(void **state)
{
	struct machine *machine = read_and_check(fake_hybrid());
	(void)state;
	assert_string_equal(value(machine, "cpu.model"), "12th Gen Intel(R) Core(TM) i5-1240P");
	assert_string_equal(value(machine, "cpu.count"),
			    "8 online: 1 package, 6 cores, several threads a core");
	assert_string_equal(value(machine, "cpu.kinds"),
			    "performance (CPUs 0-3), efficiency (CPUs 4-7)");
	assert_string_equal(value(machine, "cpu.vectors"),
			    "SSE2 SSE4.2 AVX F16C FMA AVX2 AVX-VNNI");
	assert_string_equal(value(machine, "clock.most"),
			    "performance 4.70 GHz, efficiency 3.50 GHz");
	assert_string_equal(value(machine, "clock.now"), "1.90 GHz");
	assert_string_equal(value(machine, "clock.boost"), "on");
	assert_string_equal(value(machine, "cache.L1d"),
			    "48 KiB x 2, 12 ways, 64 B lines, each for 2 CPUs");
	assert_string_equal(value(machine, "cache.L1d (2)"),
			    "32 KiB x 4, 8 ways, 64 B lines, each for 1 CPU");
	assert_string_equal(value(machine, "cache.L2 (2)"),
			    "2 MiB x 1, 10 ways, 64 B lines, each for 4 CPUs");
	assert_string_equal(value(machine, "pmu.cpu_core"),
			    "performance cores, alderlake_hybrid, CPUs 0-3");
	assert_string_equal(value(machine, "pmu.uncore_imc"), "memory controllers, 2 of them");
	assert_string_equal(value(machine, "gpu.0000:00:02.0"),
			    "Intel Alder Lake-P GT2 [Iris Xe Graphics], no driver, node 1");
	assert_null(machine_fact(machine, "gpu.0000:00:1f.3"));
	assert_string_equal(value(machine, "system.hypervisor"), "none that shows itself");
	assert_string_equal(value(machine, "limit.paranoid"), "4: nothing without privileges");
	assert_string_equal(machine_fact(machine, "pmu.counters")->reason,
			    "only the machine itself can be asked");
	assert_int_equal(machine_last_level(machine), 3);
	assert_int_equal(machine_cache_of(machine, 2, 5)->size_bytes, 2 << 20);
	assert_int_equal(machine_cache_of(machine, 1, 0)->size_bytes, 48 << 10);
	char *text = draw(machine, true);
	assert_string_equal(
		text,
		"Package 0  8 CPUs . node 0 16.0 GiB\n"
		"+- L3 12 MiB ------------------------------------------------------------------+\n"
		"| +- L2 1280 KiB -+ +- L2 1280 KiB -+ +- L2 2 MiB ----+                        |\n"
		"| | performance   | | performance   | | efficiency    |                        |\n"
		"| | L1 48+32 KiB  | | L1 48+32 KiB  | | L1 32+64 KiB  |                        |\n"
		"| | CPU 0-1       | | CPU 2-3       | | CPU 4         |                        |\n"
		"| +---------------+ +---------------+ | CPU 5         |                        |\n"
		"|                                     | CPU 6         |                        |\n"
		"|                                     | CPU 7         |                        |\n"
		"|                                     +---------------+                        |\n"
		"+------------------------------------------------------------------------------+"
		"\n");
	free(text);
	machine_free(machine);
}

static void a_large_machine_fits_a_screen(void **state)
{
	struct machine *machine = read_and_check(fake_epyc());
	(void)state;
	assert_int_equal(machine->packages.n, 2);
	assert_int_equal(machine->cores.n, 64);
	assert_int_equal(machine->nodes.n, 3);
	assert_int_equal(machine->n_caches, 64 * 3 + 8);
	assert_string_equal(value(machine, "cache.L3"),
			    "32 MiB x 8, 16 ways, 64 B lines, each for 16 CPUs");
	assert_string_equal(value(machine, "memory.nodes"), "3, distances from node 0: 10 32 50");
	assert_string_equal(value(machine, "memory.total"), "320 GiB");
	assert_string_equal(value(machine, "system.product"), "Supermicro AS-2125HS-TNR");
	assert_string_equal(value(machine, "pmu.amd_umc"), "memory controllers, 12 of them");
	assert_string_equal(value(machine, "gpu.0000:c1:00.0"), "NVIDIA H200, no driver, node 1");
	assert_string_equal(value(machine, "gpu.0000:c2:00.0"),
			    "Habana 1da3:1020, no driver, node 1");
	assert_string_equal(value(machine, "limit.affinity"),
			    "0-15, not all: this process is bound");
	assert_string_equal(value(machine, "limit.quota"),
			    "1.50 CPUs (cpu.max 150000 100000 of /user.slice): clocks stop when it "
			    "is used up");
	assert_string_equal(value(machine, "limit.memory"), "8 GiB for /user.slice/job");
	char *text = draw(machine, false);
	assert_non_null(strstr(text, "\u00d7 4 alike: CPUs 0-7,64-71 \u00b7 8-15,72-79"));
	assert_non_null(strstr(text, "CPU 63,127") ? NULL : text); /* it is among those alike */
	assert_non_null(strstr(text, "Node 2  64.0 GiB without CPUs"));
	int rows = 0;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		rows++;
	assert_true(rows <= 32);
	free(text);
	machine_free(machine);
}

static void an_arm_machine(void **state)
{
	struct machine *machine = read_and_check(fake_arm());
	(void)state;
	assert_string_equal(value(machine, "cpu.model"), "Cortex-A55");
	assert_string_equal(value(machine, "cpu.kinds"),
			    "Cortex-A55 (CPUs 0-3), Cortex-A76 (CPUs 4-5)");
	assert_string_equal(value(machine, "cpu.vectors"), "ASIMD (128 bits) FP16 dot product");
	assert_non_null(strstr(machine_fact(machine, "cache.L1d")->reason, "not the size"));
	assert_string_equal(value(machine, "cache.L2"),
			    "512 KiB x 1, 16 ways, 64 B lines, each for 4 CPUs");
	assert_string_equal(value(machine, "system.product"), "Radxa ROCK 5");
	assert_string_equal(value(machine, "pmu.armv8_cortex_a55"), "cores, CPUs 0-3");
	assert_string_equal(value(machine, "system.hypervisor"), "");
	assert_string_equal(value(machine, "clock.most"),
			    "Cortex-A55 1.80 GHz, Cortex-A76 1.80 GHz");
	assert_string_equal(value(machine, "limit.quota"),
			    "0.50 CPUs (cpu.cfs_quota_us 50000 of 100000): clocks stop when it is "
			    "used up");
	assert_string_equal(value(machine, "limit.memory"), "none in this control group's view");
	machine_free(machine);
	char *root = fake_arm();
	struct cgroup_limits limits;
	cgroup_limits_read(root, &limits);
	assert_true(limits.cpus.is_set && limits.cpus.value == 0.5);
	assert_true(limits.memory.is_shown && !limits.memory.is_set);
	assert_int_equal(limits.n_throttled, 3);
	fake_free(root);
}

static void a_machine_that_says_little(void **state)
{
	struct machine *machine = read_and_check(fake_tiny());
	(void)state;
	static const char *const unknown[] = { "cache.unknown", "clock.most",   "clock.governor",
					       "memory.total",  "memory.nodes", "limit.paranoid",
					       "gpu.none",      "pmu.cpu_none", "limit.memlock",
					       "limit.quota",   "limit.memory" };
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		assert_string_equal(value(machine, unknown[i]), "");
		assert_true(strlen(machine_fact(machine, unknown[i])->reason) > 10);
	}
	assert_string_equal(value(machine, "system.hypervisor"), "yes, of unknown kind");
	assert_non_null(strstr(value(machine, "cpu.count"), "does not say which share a core"));
	machine_free(machine);
	char *root = fake_new(); /* nothing at all */
	machine = read_and_check(root);
	assert_int_equal(cpu_mask_count(&machine->online), 0);
	assert_string_equal(value(machine, "cpu.count"), "");
	machine_free(machine);
}

static void a_hostile_machine(void **state)
{
	struct machine *machine = read_and_check(fake_hostile());
	(void)state;
	assert_int_equal(cpu_mask_count(&machine->online), 4);
	assert_string_equal(value(machine, "memory.total"), "");
	assert_string_equal(value(machine, "clock.most"), "");
	assert_string_equal(value(machine, "limit.paranoid"), "");
	assert_string_equal(value(machine, "limit.memlock"), "");
	assert_string_equal(value(machine, "limit.quota"), "none in this control group's view");
	assert_string_equal(value(machine, "limit.memory"), "none in this control group's view");
	for (size_t i = 0; i < machine->n_caches; i++)
		assert_int_equal(machine->caches[i].size_bytes, 0);
	machine_free(machine);
}

static void a_recording_may_lie(void **state)
{
	static const char *const lies[][2] = {
		{ "machine:online", "0-99999" },
		{ "machine:cores", "" },
		{ "machine:cores", "1" },
		{ "machine:cores", "1 2" },
		{ "machine:cores", "-1 2 0-3 x" },
		{ "machine:cores", "99999999999 0 0-3" },
		{ "machine:nodes", "0 99999999999999999999 0" },
		{ "machine:kinds",
		  "0 0 0-3 \033[31mred and much longer than there is room for it" },
		{ "machine:caches", "1" },
		{ "machine:caches", "1 x 1 1 1 1 0" },
		{ "machine:caches", "11 d 1 1 1 1 0" },
		{ "machine:caches", "1 d 1 1 1 1 9-2" },
		{ "machine:caches", "1 d 1 99999999999 1 1 0" },
		{ "machine.", "" },
		{ "machine:", "" },
		{ "machine:none", "0" },
		{ "machine..unknown", "" },
		{ "machine.cpu", "no dot" },
		{ "machine.cpu.a key that is much, much longer than any key of ours could ever be "
		  "x",
		  "1" },
		{ "machine.cpu.model", "\033[2Jbad" },
		{ "machine.cpu.model", "the second is left out" },
	};
	struct recording *recording = recording_new();
	(void)state;
	assert_null(machine_load(recording));
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
		recording_add_fact(recording, lies[i][0], lies[i][1]);
	char key[32];
	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof key, "machine.x.%d", i);
		recording_add_fact(recording, key, "1");
		recording_add_fact(recording, "machine:packages", "0 0 0");
	}
	recording_publish(recording);
	struct machine *machine = machine_load(recording);
	assert_non_null(machine);
	assert_int_equal(machine->cores.n, 0);
	assert_int_equal(machine->nodes.n, 0);
	assert_int_equal(machine->n_caches, 0);
	assert_true(machine->n_facts < 1000);
	assert_true(machine->packages.n <= CPU_MASK_MOST);
	assert_string_equal(value(machine, "cpu.model"), "?[2Jbad");
	check_picture(machine);
	machine_free(machine);
	recording_free(recording);
}

static void this_machine(void **state)
{
	struct machine *machine = machine_read("");
	(void)state;
	check_facts(machine);
	check_recording(machine);
	check_picture(machine);
	assert_true(cpu_mask_count(&machine->online) >= 1);
	assert_true(machine->cores.n >= 1);
	assert_true(value(machine, "memory.total")[0] != '\0');
	machine_free(machine);
}

/* The same machine by a library that has seen many more. */
static void agrees_with_hwloc(void **state)
{
	(void)state;
#if HAVE_HWLOC
	hwloc_topology_t topology;
	struct machine *machine = machine_read("");
	/* Its plug-ins look for GPUs and leak; none is needed here. */
	setenv("HWLOC_PLUGINS_PATH", "/nowhere", 1);
	assert_int_equal(hwloc_topology_init(&topology), 0);
	hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
	assert_int_equal(hwloc_topology_load(topology), 0);
	assert_int_equal(machine->cores.n, hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE));
	assert_int_equal(machine->packages.n,
			 hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE));
	assert_int_equal(cpu_mask_count(&machine->online),
			 hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU));
	for (int level = 1; level <= 3; level++) {
		hwloc_obj_t object = hwloc_get_obj_by_type(
			topology, (hwloc_obj_type_t)(HWLOC_OBJ_L1CACHE + level - 1), 0);
		unsigned first = cpu_mask_next(&machine->online, 0);
		const struct machine_cache *cache =
			machine_cache_of(machine, (unsigned)level, first);
		assert_true((object != NULL) == (cache != NULL));
		if (!object)
			continue;
		assert_int_equal(cache->size_bytes, object->attr->cache.size);
		assert_int_equal(cache->line_bytes, object->attr->cache.linesize);
		assert_int_equal(cpu_mask_count(&cache->cpus), hwloc_bitmap_weight(object->cpuset));
	}
	hwloc_topology_destroy(topology);
	machine_free(machine);
#else
	print_message("skipped: built without libhwloc-dev\n");
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_are_read_and_written),
		cmocka_unit_test(sizes_are_whole_where_they_can),
		cmocka_unit_test(a_hybrid_machine),
		cmocka_unit_test(a_large_machine_fits_a_screen),
		cmocka_unit_test(an_arm_machine),
		cmocka_unit_test(a_machine_that_says_little),
		cmocka_unit_test(a_hostile_machine),
		cmocka_unit_test(a_recording_may_lie),
		cmocka_unit_test(this_machine),
		cmocka_unit_test(agrees_with_hwloc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
