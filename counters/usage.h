/*
 * usage: what the kernel's accounting of ended processes (getrusage) says where perf_event_open
 * may not count: time, page faults, context switches.
 */
#ifndef COUNTERS_USAGE_H
#define COUNTERS_USAGE_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/resource.h>

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

#endif
