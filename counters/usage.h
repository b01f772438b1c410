/*
 * usage: what the kernel's accounting says where perf_event_open may not count: of ended children
 * (getrusage) time, page faults, context switches; of what was not launched by us, time
 * (/proc/PID/stat, /proc/stat).
 */
#ifndef COUNTERS_USAGE_H
#define COUNTERS_USAGE_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "counters/event_group.h"

/*
 * usage_count: the count of an event between two calls of getrusage(RUSAGE_CHILDREN).
 * Errors  false: the accounting has nothing of the kind
 */
bool usage_count(const struct perf_event_attr *attribute, const struct rusage *before,
		 const struct rusage *after, struct count *count);

/* usage_user_seconds, usage_system_seconds: time of the children between the two. */
double usage_user_seconds(const struct rusage *before, const struct rusage *after);
double usage_system_seconds(const struct rusage *before, const struct rusage *after);

/* Since the process, the thread or the machine began. */
struct usage_times {
	uint64_t user_ticks, system_ticks;
	uint64_t start_ticks; /* when it began: who has the same number later began later */
};

/* usage_seconds: of the kernel's ticks, usually hundredths. */
double usage_seconds(uint64_t ticks);

/*
 * usage_of_process: with all its threads, those that have ended too, without its children.
 * usage_of_thread: one thread. usage_of_machine: all CPUs, their idle time left out.
 * root    "" is this machine
 * Errors  false: there is none, or its file is not what it should be
 */
bool usage_of_process(const char *root, pid_t pid, struct usage_times *times);
bool usage_of_thread(const char *root, pid_t thread, struct usage_times *times);
bool usage_of_machine(const char *root, struct usage_times *times);

#endif
