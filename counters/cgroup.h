/*
 * cgroup: how much processor time and memory the control groups of this process leave it. A group
 * may be limited by each one above it, so all are looked at, as far as a container shows them.
 */
#ifndef COUNTERS_CGROUP_H
#define COUNTERS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/* One limit: the tightest there is. */
struct cgroup_limit {
	bool is_shown; /* there are files that would say so */
	bool is_set;
	double value;    /* CPUs, or bytes */
	double left;     /* bytes that are still free below it; of CPUs nothing */
	char rule[64];   /* as the file has it: "cpu.max 150000 100000" */
	char group[256]; /* whose it is; "" = the topmost shown */
};

struct cgroup_limits {
	struct cgroup_limit cpus, memory;
	uint64_t n_throttled; /* how often the limit of CPUs has stopped somebody so far */
};

/*
 * cgroup_limits_read: from /proc/self/cgroup and the files of both versions of control groups.
 * path    of the root below which /proc and /sys are: "" is this machine
 * Source  Linux, Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst,
 *         scheduler/sched-bwc.rst
 */
void cgroup_limits_read(const char *path, struct cgroup_limits *limits);

#endif
