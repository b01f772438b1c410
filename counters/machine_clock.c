/*
 * How fast the cores may and do run, from cpufreq. In most virtual machines there is none.
 * Source: Linux, Documentation/admin-guide/pm/cpufreq.rst and intel_pstate.rst.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"

#define CPU_FOLDER "/sys/devices/system/cpu"

/* cpufreq speaks kHz; nothing runs beyond 100 GHz. */
static bool read_khz(const struct machine_root *root, unsigned cpu, const char *name, char *out,
		     size_t bytes)
{
	int64_t khz;
	if (!file_number(root, &khz, CPU_FOLDER "/cpu%u/cpufreq/%s", cpu, name) || khz <= 0 ||
	    khz > 100000000)
		return false;
	text_rate(out, bytes, (double)khz * 1e3, "Hz");
	return true;
}

/* Hybrid machines: one clock a kind. */
static bool list_kinds(const struct machine *machine, const struct machine_root *root,
		       const char *name, char *out, size_t bytes)
{
	char clock[TEXT_BYTES];
	out[0] = '\0';
	for (size_t i = 0; i < machine->kinds.n; i++) {
		const struct machine_group *kind = &machine->kinds.rows[i];
		size_t used = strlen(out);
		if (read_khz(root, cpu_mask_next(&kind->cpus, 0), name, clock, sizeof clock))
			snprintf(out + used, bytes - used, "%s%s %s", used ? ", " : "", kind->label,
				 clock);
	}
	if (!out[0])
		return read_khz(root, cpu_mask_next(&machine->online, 0), name, out, bytes);
	return true;
}

static void read_clock(struct machine *machine, const struct machine_root *root, const char *key,
		       const char *file, const char *reason)
{
	char text[200];
	if (list_kinds(machine, root, file, text, sizeof text))
		machine_know(machine, key, "%s", text);
	else
		machine_wonder(machine, key, "%s", reason);
}

static void read_now(struct machine *machine, const struct machine_root *root, bool has_cpufreq)
{
	char text[4096], mhz[64], clock[TEXT_BYTES], *end;
	unsigned first = cpu_mask_next(&machine->online, 0);
	if (read_khz(root, first, "scaling_cur_freq", clock, sizeof clock)) {
		machine_know(machine, "clock.now", "%s", clock);
		return;
	}
	file_head(root, text, sizeof text, "/proc/cpuinfo");
	bool has_mhz = line_value(text, "cpu MHz", mhz, sizeof mhz);
	double value = has_mhz ? strtod(mhz, &end) : 0;
	if (!has_mhz || end == mhz || !(value > 0 && value < 1e5))
		machine_wonder(machine, "clock.now",
			       "the kernel does not say; `stoke bench` "
			       "measures it");
	else
		machine_know(machine, "clock.now", "%s%s",
			     text_rate(clock, sizeof clock, value * 1e6, "Hz"),
			     has_cpufreq ? ""
					 : ", as the kernel found it at boot; `stoke bench` "
					   "measures it");
}

static void read_boost(struct machine *machine, const struct machine_root *root)
{
	int64_t value;
	if (file_number(root, &value, CPU_FOLDER "/intel_pstate/no_turbo"))
		machine_know(machine, "clock.boost", "%s", value ? "off" : "on");
	else if (file_number(root, &value, CPU_FOLDER "/cpufreq/boost"))
		machine_know(machine, "clock.boost", "%s", value ? "on" : "off");
	else
		machine_wonder(machine, "clock.boost",
			       "neither intel_pstate/no_turbo nor cpufreq/boost is in /sys");
}

void machine_read_clocks(struct machine *machine, const struct machine_root *root)
{
	char text[64];
	unsigned first = cpu_mask_next(&machine->online, 0);
	bool has_cpufreq = file_exists(root, CPU_FOLDER "/cpu%u/cpufreq", first);
	const char *none = "no cpufreq in /sys: the hypervisor or firmware keeps the clock to "
			   "itself";
	read_clock(machine, root, "clock.most", "cpuinfo_max_freq",
		   has_cpufreq ? "cpufreq does not say" : none);
	read_clock(machine, root, "clock.base", "base_frequency",
		   has_cpufreq ? "only intel_pstate tells the base clock" : none);
	read_now(machine, root, has_cpufreq);
	if (file_text(root, text, sizeof text, CPU_FOLDER "/cpu%u/cpufreq/scaling_governor", first))
		machine_know(machine, "clock.governor", "%s", text);
	else
		machine_wonder(machine, "clock.governor", "%s", none);
	read_boost(machine, root);
	if (file_text(root, text, sizeof text,
		      "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
		machine_know(machine, "clock.source", "%s", text);
	else
		machine_wonder(machine, "clock.source",
			       "/sys/devices/system/clocksource cannot be read");
}
