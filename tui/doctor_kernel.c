/* Settings of the kernel that decide what a profiler may do, and what kind of machine it is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sampler/attach.h"
#include "sampler/base/text.h"
#include "sampler/perf_event.h"
#include "tui/doctor.h"

static bool file_contains(const char *path, const char *what)
{
	char line[4096];
	bool is_found = false;
	FILE *file = fopen(path, "re");
	while (file && !is_found && fgets(line, sizeof line, file))
		is_found = strstr(line, what) != NULL;
	if (file)
		fclose(file);
	return is_found;
}

static const char *container_kind(void)
{
	if (access("/.dockerenv", F_OK) == 0)
		return "a Docker container";
	if (access("/run/.containerenv", F_OK) == 0)
		return "a Podman container";
	if (file_contains("/proc/1/cgroup", "kubepods"))
		return "a Kubernetes pod";
	if (file_contains("/proc/1/cgroup", "docker") || file_contains("/proc/1/cgroup", "lxc"))
		return "a container";
	return "not in a container that shows itself";
}

static void print_machine(const struct doctor *doctor)
{
	struct utsname system;
	char text[256];
	if (uname(&system) == 0) {
		snprintf(text, sizeof text, "%.60s %.60s %.60s", system.sysname, system.release,
			 system.machine);
		doctor_fact(doctor, "kernel", text);
	}
	snprintf(text, sizeof text, "%ld online", sysconf(_SC_NPROCESSORS_ONLN));
	doctor_fact(doctor, "CPUs", text);
	doctor_fact(doctor, "virtual machine",
		    file_contains("/proc/cpuinfo", " hypervisor")
			    ? "yes (CPUID says so); hardware counters depend on the host"
			    : "no sign of one");
	doctor_fact(doctor, "container", container_kind());
}

static const char *explain_paranoid(int paranoid)
{
	if (paranoid <= -1)
		return "everything is allowed to everybody";
	if (paranoid == 0)
		return "other users' CPUs too; no raw tracepoints";
	if (paranoid == 1)
		return "own programs with the kernel's part";
	if (paranoid == 2)
		return "own programs, user code only, without privileges";
	return "nothing without privileges";
}

static void print_setting(const struct doctor *doctor, const char *name, const char *meaning)
{
	char text[128];
	long value = perf_event_setting(name, -1000);
	if (value == -1000)
		doctor_line(doctor, ORIGIN_UNAVAILABLE, name, "cannot be read");
	else {
		snprintf(text, sizeof text, "%ld: %s", value, meaning);
		doctor_fact(doctor, name, text);
	}
}

static void print_memory_limit(const struct doctor *doctor)
{
	struct rlimit limit;
	char text[64] = "unlimited", bytes[TEXT_BYTES];
	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	if (limit.rlim_cur != RLIM_INFINITY)
		snprintf(text, sizeof text, "%s",
			 text_memory(bytes, sizeof bytes, (double)limit.rlim_cur));
	doctor_fact(doctor, "ulimit -l", text);
}

/* Another process of the same user can be attached to wherever our own can be sampled. */
static void print_attaching(const struct doctor *doctor)
{
	int error = attach_may_watch_machine();
	char text[192];
	snprintf(text, sizeof text, "not permitted (%s): %s", strerror(error),
		 error == EACCES || error == EPERM
			 ? "kernel.perf_event_paranoid is above 0 without CAP_PERFMON"
			 : "perf_event_open does not work here");
	doctor_fact(doctor, "whole machine", error ? text : "can be watched (top, record -a)");
}

void doctor_kernel(const struct doctor *doctor)
{
	puts("Machine");
	print_machine(doctor);
	doctor_fact(doctor, "user",
		    geteuid() == 0 ? "root" : "not root; some events need privileges");
	puts("\nKernel settings");
	print_setting(doctor, "perf_event_paranoid", explain_paranoid(perf_event_paranoid()));
	print_attaching(doctor);
	print_setting(doctor, "kptr_restrict",
		      "0 shows kernel addresses to all, 1 to root, 2 to nobody");
	print_setting(doctor, "perf_event_max_sample_rate", "samples a second and CPU, at most");
	print_setting(doctor, "perf_event_mlock_kb", "KiB of ring a CPU without privileges");
	print_memory_limit(doctor);
}
