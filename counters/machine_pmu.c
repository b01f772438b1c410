/*
 * PMUs from /sys/bus/event_source, and how many events a core counts at once. The kernel tells
 * that number nowhere; it is found by opening ever larger groups of one event that no fixed
 * counter serves, which the kernel refuses from the first that cannot be counted together.
 * Source: Linux, Documentation/ABI/testing/sysfs-bus-event_source-devices, perf_event_open(2).
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "counters/machine_parts.h"
#include "sampler/base/why.h"
#include "sampler/perf_event.h"

#define PMU_FOLDER "/sys/bus/event_source/devices"

/* No CPU has more general counters than this; a PMU that takes more does not check. */
enum { MOST_PMUS = 400, MOST_COUNTERS = 32 };

struct meaning {
	const char *start, *text;
};

/* By the start of the name; the kernel has no description of its PMUs. */
static const struct meaning meanings[] = {
	{ "cpu_core", "performance cores" },
	{ "cpu_atom", "efficiency cores" },
	{ "cpu", "cores" },
	{ "armv8", "cores" },
	{ "armv9", "cores" },
	{ "apple_", "cores" },
	{ "uncore_imc", "memory controllers" },
	{ "uncore_cha", "slices of the last cache" },
	{ "uncore_cbox", "slices of the last cache" },
	{ "uncore_", "outside the cores" },
	{ "amd_df", "data fabric: memory and links" },
	{ "amd_umc", "memory controllers" },
	{ "amd_l3", "last cache" },
	{ "amd_iommu", "IOMMU" },
	{ "power", "energy (RAPL)" },
	{ "msr", "clocks and SMIs" },
	{ "cstate_", "idle states" },
	{ "intel_pt", "traces of branches" },
	{ "intel_bts", "traces of branches" },
	{ "ibs_", "sampled instructions" },
	{ "arm_spe", "sampled instructions" },
	{ "cs_etm", "traces of branches" },
	{ "arm_cmn", "mesh and last cache" },
	{ "arm_dsu", "cache of a cluster" },
	{ "arm_dmc", "memory controllers" },
	{ "nvidia_scf", "last cache and links" },
	{ "software", "counted by the kernel" },
	{ "tracepoint", "tracepoints of the kernel" },
	{ "breakpoint", "accesses to an address" },
	{ "kprobe", "any function of the kernel" },
	{ "uprobe", "any function of a program" },
};

static const char *meaning_of(const char *name)
{
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		if (strncmp(name, meanings[i].start, strlen(meanings[i].start)) == 0)
			return meanings[i].text;
	return "of unknown purpose";
}

/* "uncore_imc_3" and "uncore_imc_0" are one kind: the number at the end is left out. */
static size_t stem_length(const char *name)
{
	size_t n = strlen(name), end = n;
	while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
		end--;
	return end < n && end > 1 && name[end - 1] == '_' ? end - 1 : n;
}

static void add_pmus(struct machine *machine, const struct machine_root *root, const char *name,
		     size_t length, size_t n)
{
	char key[FOLDER_NAME_BYTES + 8], model[48] = "", cpus[64] = "";
	snprintf(key, sizeof key, "pmu.%.*s", (int)length, name);
	if (n > 1) {
		machine_know(machine, key, "%s, %zu of them", meaning_of(name), n);
		return;
	}
	file_text(root, model, sizeof model, PMU_FOLDER "/%s/caps/pmu_name", name);
	file_text(root, cpus, sizeof cpus, PMU_FOLDER "/%s/cpus", name);
	machine_know(machine, key, "%s%s%s%s%s", meaning_of(name), model[0] ? ", " : "", model,
		     cpus[0] ? ", CPUs " : "", cpus);
}

static bool is_core_pmu(const char *name)
{
	return strcmp(name, "cpu") == 0 || strncmp(name, "cpu_", 4) == 0 ||
	       strncmp(name, "armv", 4) == 0 || strncmp(name, "apple_", 6) == 0;
}

/* How many such events the kernel takes into one group; -errno if not even one. */
static int count_together(int (*open_one)(int group))
{
	int fds[MOST_COUNTERS], n = 0, error = 0;
	while (n < MOST_COUNTERS && error == 0) {
		int fd = open_one(n ? fds[0] : -1);
		if (fd >= 0)
			fds[n++] = fd;
		else
			error = -fd;
	}
	for (int i = n; i-- > 0;)
		close(fds[i]);
	return n ? n : -error;
}

/* Taken branches count on any general counter, and on no fixed one, on all x86 and Arm cores. */
static int open_branches(int group)
{
	struct perf_event_attr attribute = { .type = PERF_TYPE_HARDWARE,
					     .size = sizeof attribute,
					     .config = PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
					     .disabled = 1,
					     .exclude_kernel = 1,
					     .exclude_hv = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attribute, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

static void find_counters(struct machine *machine, const struct machine_root *root)
{
	if (!root->is_live) {
		machine_wonder(machine, "pmu.counters", "only the machine itself can be asked");
		return;
	}
	int n = count_together(open_branches);
	struct why why;
	if (n == MOST_COUNTERS)
		machine_wonder(machine, "pmu.counters",
			       "the kernel takes any number of events into a group, so it does not "
			       "check");
	else if (n > 0)
		machine_know(machine, "pmu.counters",
			     "%d of one kind on a core, found by opening groups; fixed "
			     "counters come on top",
			     n);
	else {
		perf_event_explain("branches", -n, &why);
		machine_wonder(machine, "pmu.counters", "%s", why.text);
	}
}

void machine_read_pmus(struct machine *machine, const struct machine_root *root)
{
	char(*names)[FOLDER_NAME_BYTES];
	size_t n = folder_names(root, &names, MOST_PMUS, PMU_FOLDER);
	bool has_core = false;
	for (size_t i = 0; i < n; i++)
		has_core |= is_core_pmu(names[i]);
	if (!has_core)
		machine_wonder(machine, "pmu.cpu_none", "%s",
			       n ? "the kernel has no driver for the core's counters, or the "
				   "hypervisor hides them"
				 : PMU_FOLDER " cannot be read");
	find_counters(machine, root);
	for (size_t i = 0; i < n;) {
		size_t length = stem_length(names[i]), same = 1;
		while (i + same < n && stem_length(names[i + same]) == length &&
		       strlen(names[i]) > length && strncmp(names[i], names[i + same], length) == 0)
			same++;
		add_pmus(machine, root, names[i], length, same);
		i += same;
	}
	free(names);
}
