/*
 * What the kernel, the shell and the container allow a profiler and what it profiles.
 * Source: Linux, Documentation/admin-guide/sysctl/kernel.rst, cgroup-v2.rst.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "counters/cgroup.h"
#include "counters/machine_parts.h"
#include "sampler/base/text.h"

static const char *explain_paranoid(int64_t level)
{
	return level <= -1  ? "everything is allowed to everybody"
	       : level == 0 ? "other users' CPUs too; no raw tracepoints"
	       : level == 1 ? "own programs with the kernel's part"
	       : level == 2 ? "own programs, user code only, without privileges"
			    : "nothing without privileges";
}

static void read_setting(struct machine *machine, const struct machine_root *root, const char *key,
			 const char *file, const char *unit)
{
	int64_t value;
	if (file_number(root, &value, "/proc/sys/kernel/%s", file))
		machine_know(machine, key, "%" PRId64 "%s", value, unit);
	else
		machine_wonder(machine, key, "/proc/sys/kernel/%s is not there", file);
}

static void read_paranoid(struct machine *machine, const struct machine_root *root)
{
	int64_t level;
	if (file_number(root, &level, "/proc/sys/kernel/perf_event_paranoid"))
		machine_know(machine, "limit.paranoid", "%" PRId64 ": %s", level,
			     explain_paranoid(level));
	else
		machine_wonder(machine, "limit.paranoid",
			       "/proc/sys/kernel/perf_event_paranoid is not there: a kernel "
			       "without perf events");
}

/* From /proc/self/limits, which a root may hold too: "Max locked memory  8388608  8388608 bytes".
 */
static void read_limit(struct machine *machine, const char *text, const char *key, const char *name,
		       bool is_bytes)
{
	char size[TEXT_BYTES], soft[32];
	const char *at = strstr(text, name);
	if (!at || sscanf(at + strlen(name), "%31s", soft) != 1) {
		machine_wonder(machine, key, "/proc/self/limits does not say");
		return;
	}
	char *end;
	uint64_t value = strtoull(soft, &end, 10);
	if (*end)
		machine_know(machine, key, "%s", soft);
	else if (is_bytes)
		machine_know(machine, key, "%s", text_memory(size, sizeof size, (double)value));
	else
		machine_know(machine, key, "%s", text_count(size, sizeof size, value));
}

static void read_quota(struct machine *machine, const struct cgroup_limit *limit)
{
	if (limit->is_set)
		machine_know(machine, "limit.quota",
			     "%.2f CPUs (%s%s%s): clocks stop when it is used up", limit->value,
			     limit->rule, limit->group[0] ? " of " : "", limit->group);
	else if (limit->is_shown)
		machine_know(machine, "limit.quota", "none in this control group's view");
	else
		machine_wonder(machine, "limit.quota",
			       "/sys/fs/cgroup shows no control group of this process");
}

static void read_memory_limit(struct machine *machine, const struct cgroup_limit *limit)
{
	char size[TEXT_BYTES];
	if (limit->is_set)
		machine_know(machine, "limit.memory", "%s for %s",
			     machine_print_size(size, sizeof size, (uint64_t)limit->value),
			     limit->group[0] ? limit->group : "this control group");
	else if (limit->is_shown)
		machine_know(machine, "limit.memory", "none in this control group's view");
	else
		machine_wonder(machine, "limit.memory",
			       "/sys/fs/cgroup shows no control group of this process");
}

static void read_affinity(struct machine *machine, const struct machine_root *root)
{
	char text[4096], value[512];
	struct cpu_mask allowed;
	file_head(root, text, sizeof text, "/proc/self/status");
	if (!line_value(text, "Cpus_allowed_list", value, sizeof value) ||
	    !cpu_mask_parse(&allowed, value)) {
		machine_wonder(machine, "limit.affinity", "/proc/self/status does not say");
		return;
	}
	bool has_all = cpu_mask_is_within(&machine->online, &allowed);
	machine_know(machine, "limit.affinity", "%s%s", has_all ? "all" : value,
		     has_all ? "" : ", not all: this process is bound");
}

void machine_read_limits(struct machine *machine, const struct machine_root *root)
{
	char text[4096];
	struct cgroup_limits groups;
	read_paranoid(machine, root);
	read_setting(machine, root, "limit.kptr", "kptr_restrict", "");
	read_setting(machine, root, "limit.mlock_kb", "perf_event_mlock_kb", " KiB of ring a CPU");
	read_setting(machine, root, "limit.rate", "perf_event_max_sample_rate",
		     " samples a second and CPU");
	read_setting(machine, root, "limit.watchdog", "nmi_watchdog", "");
	file_head(root, text, sizeof text, "/proc/self/limits");
	read_limit(machine, text, "limit.memlock", "Max locked memory", true);
	read_limit(machine, text, "limit.files", "Max open files", false);
	cgroup_limits_read(root->path, &groups);
	read_quota(machine, &groups.cpus);
	read_memory_limit(machine, &groups.memory);
	read_affinity(machine, root);
}
