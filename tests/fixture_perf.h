/*
 * fixture_perf: what a test opens in place of the kernel's events (perf_event_inject).
 */
#ifndef TESTS_FIXTURE_PERF_H
#define TESTS_FIXTURE_PERF_H

#include <linux/perf_event.h>
#include <sys/types.h>

/* fixture_perf_open: a software event of user code, which everybody may open, with all else as the
 * attribute says; a descriptor or a negative errno. */
int fixture_perf_open(const struct perf_event_attr *attribute, enum perf_sw_ids event, pid_t pid,
		      int cpu, int leader_fd);

#endif
