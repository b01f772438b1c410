/*
 * libpfm4 knows most CPUs; Intel's hybrid ones and some of Arm's are named here by what CPUID and
 * MIDR say, because group files hold raw numbers for them.
 * Source: Linux arch/x86/include/asm/intel-family.h, arch/arm64/include/asm/cputype.h
 */
#include "counters/cores.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/events_libpfm.h"
#include "counters/events_sysfs.h"
#include "sampler/base/file.h"

struct arm_core {
	unsigned part;
	const char *model;
};

/* Implementer 0x41, Arm; bits 15:4 are the part. */
static const struct arm_core arm_cores[] = {
	{ 0xd03, "arm_ac53" }, { 0xd07, "arm_ac57" }, { 0xd08, "arm_ac72" }, { 0xd0b, "arm_ac76" },
	{ 0xd0c, "arm_n1" },   { 0xd40, "arm_v1" },   { 0xd49, "arm_n2" },   { 0xd4f, "arm_v2" },
};

const char *core_model_of_midr(uint64_t midr)
{
	unsigned part = (unsigned)(midr >> 4) & 0xfff;
	if ((midr >> 24 & 0xff) != 0x41)
		return "";
	for (size_t i = 0; i < sizeof arm_cores / sizeof arm_cores[0]; i++)
		if (arm_cores[i].part == part)
			return arm_cores[i].model;
	return "";
}

bool core_models_of_x86(unsigned model, const char **large, const char **small)
{
	/* Alder Lake and Raptor Lake: Golden or Raptor Cove with Gracemont. */
	static const unsigned models[] = { 0x97, 0x9a, 0xb7, 0xba, 0xbf };
	for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
		if (models[i] != model)
			continue;
		*large = "adl_glc";
		*small = "adl_grt";
		return true;
	}
	return false;
}

static bool read_number(const char *path, int base, uint64_t *value)
{
	char text[64], *end = text;
	if (file_read_line(path, text, sizeof text))
		*value = strtoull(text, &end, base);
	return end != text;
}

/* The "model" line of the first CPU. */
static unsigned x86_model(void)
{
	char line[256];
	unsigned model = 0;
	FILE *file = fopen("/proc/cpuinfo", "re");
	if (!file)
		return 0;
	while (model == 0 && fgets(line, sizeof line, file)) {
		const char *colon = strchr(line, ':');
		if (strncmp(line, "model\t", 6) == 0 && colon)
			model = (unsigned)strtoul(colon + 1, NULL, 10);
	}
	fclose(file);
	return model;
}

static void set(struct core_pmu *core, const char *sysfs, const char *model)
{
	memset(core, 0, sizeof *core);
	snprintf(core->sysfs, sizeof core->sysfs, "%s", sysfs);
	snprintf(core->model, sizeof core->model, "%s", model);
	if (!sysfs_pmu_type(sysfs, &core->type))
		core->type = PERF_TYPE_RAW;
}

struct search {
	struct core_pmu *cores;
	uint32_t n;
};

/* armv8_pmuv3_0, armv8_cortex_a72, ...: its first CPU says what it is. */
static bool add_arm_core(void *context, const char *name, const char *summary)
{
	struct search *search = context;
	char list[256], path[128];
	uint16_t cpu = 0;
	uint64_t midr = 0;
	(void)summary;
	if (strncmp(name, "armv8", 5) != 0 || search->n == MAX_CORE_PMUS)
		return true;
	if (sysfs_pmu_file(name, "cpus", list, sizeof list))
		cpu_list_parse(list, &cpu, 1);
	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/regs/identification/midr_el1",
		 cpu);
	read_number(path, 16, &midr);
	const char *model = core_model_of_midr(midr);
	set(&search->cores[search->n++], name, model[0] ? model : libpfm_core_pmu());
	return true;
}

uint32_t core_pmus(struct core_pmu *cores)
{
	struct search search = { cores, 0 };
	struct event_visitor visitor = { add_arm_core, &search };
	uint32_t type;
	const char *large = "", *small = "";
	if (sysfs_pmu_type("cpu_core", &type)) {
		core_models_of_x86(x86_model(), &large, &small);
		set(&cores[search.n++], "cpu_core", large);
		if (sysfs_pmu_type("cpu_atom", &type))
			set(&cores[search.n++], "cpu_atom", small);
	} else if (sysfs_pmu_type("cpu", &type)) {
		set(&cores[search.n++], "cpu", libpfm_core_pmu());
	} else {
		sysfs_pmus_each(&visitor);
	}
	if (search.n == 0) {
		set(&cores[search.n++], "", libpfm_core_pmu());
		return 1;
	}
	for (uint32_t i = 0; i < search.n; i++)
		cores[i].is_hybrid = search.n > 1;
	return search.n;
}

struct event_search {
	const char *prefix; /* "armv8_pmuv3_0/" */
	uint64_t config;
	bool has_any, has_it;
};

static bool look_at_event(void *context, const char *name, const char *summary)
{
	struct event_search *search = context;
	const char *equals = strstr(summary, "event=");
	if (strncmp(name, search->prefix, strlen(search->prefix)) != 0 || !equals)
		return true;
	search->has_any = true;
	search->has_it |= strtoull(equals + 6, NULL, 0) == search->config;
	return true;
}

bool core_pmu_lacks(const struct core_pmu *core, uint64_t config)
{
	char prefix[48];
	struct event_search search = { .prefix = prefix, .config = config };
	struct event_visitor visitor = { look_at_event, &search };
	/* PMCEID covers the architecture's common events. */
	bool is_common = config < 0x40 || (config >= 0x4000 && config < 0x4040);
	if (strncmp(core->sysfs, "armv8", 5) != 0 || !is_common)
		return false;
	snprintf(prefix, sizeof prefix, "%s/", core->sysfs);
	sysfs_events_each(&visitor);
	return search.has_any && !search.has_it;
}
