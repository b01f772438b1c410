/*
 * fixture_perf: events for tests: what opens in place of the kernel's (perf_event_inject), whether
 * any may be opened, and page faults to count.
 */
#ifndef TESTS_FIXTURE_PERF_H
#define TESTS_FIXTURE_PERF_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "counters/events.h"

/* fixture_perf_open: a software event of user code, which everybody may open, with all else as the
 * attribute says; a descriptor or a negative errno. */
int fixture_perf_open(const struct perf_event_attr *attribute, enum perf_sw_ids event, pid_t pid,
		      int cpu, int leader_fd);

/* fixture_event: by its name; what is none fails the test. */
struct counted_event fixture_event(const char *name);

/* fixture_can_count: such an event may be opened for ourselves; else prints why not. */
bool fixture_can_count(const char *name);

/* fixture_can_sample: user code may be sampled by the clock; else prints why not. */
bool fixture_can_sample(void);

/* fixture_touch_pages: new ones, each for the first time: a minor page fault each. */
void fixture_touch_pages(size_t n_pages);

#endif
