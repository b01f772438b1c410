/*
 * event_group: events counted together: on the counters at the same time, so that their ratios
 * mean something; read at once; scaled for the time they had to share the counters, which is told.
 * Of several threads, or of all CPUs, each has the whole group, and counts and times are summed:
 * then a sum is scaled as the kernel scales what a program's threads inherit.
 *
 * A zeroed group may be closed. One thread.
 * Source: perf_event_open(2)
 */
#ifndef COUNTERS_EVENT_GROUP_H
#define COUNTERS_EVENT_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "counters/event_places.h"
#include "counters/events.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"

enum { MAX_GROUP_EVENTS = 16, MAX_GROUP_NOTES = 4 };

struct event_group_request {
	const struct counted_event *events;
	uint32_t n_events;   /* at most MAX_GROUP_EVENTS */
	pid_t pid;           /* 0 = this process */
	bool enable_on_exec; /* begin when `pid` execs; else at event_group_enable */
	bool no_inherit;     /* without threads and children */
	bool user_only, kernel_only;
	const pid_t *threads; /* instead of `pid`: each of these; those that have ended are left out
			       */
	uint32_t n_threads;
	bool may_leave_out;    /* also threads that may not be counted, but not all of them */
	bool is_whole_machine; /* instead of both: every process, on every CPU */
};

struct group_member {
	struct counted_event event;
	bool is_open;               /* in every place of the group, or on the CPUs of its PMU */
	uint32_t leader;            /* number of the member whose group it is in */
	uint32_t first_cpu, n_cpus; /* of the group's cpu_fds */
	struct why reason;          /* why it did not open */
};

struct group_fd {
	int fd; /* -1 = none */
	uint64_t id;
};

struct event_group {
	struct group_member members[MAX_GROUP_EVENTS];
	uint32_t n_members;
	struct event_places places;
	struct group_fd *fds; /* of each place: one a member */
	int *cpu_fds;
	uint32_t n_cpu_fds;
	bool waits_for_exec, is_enabled;
	bool is_user_only; /* the kernel's part may not be counted */
	bool is_apart;     /* the events do not share the counters: each by itself */
	struct why notes[MAX_GROUP_NOTES];
	uint32_t n_notes;
};

/* What was read of one event. */
struct count {
	double value;     /* in the event's unit, scaled to the whole time; NaN = unknown */
	uint64_t counted; /* what the counter held */
	uint64_t enabled_ns, running_ns;
	double running_ratio; /* of the time it was on a counter; NaN = unknown */
	enum origin origin;
	const char *reason; /* why unknown; borrowed from the group */
};

/* event_group_request_target: whom a target means, and since when; the rest stays. */
void event_group_request_target(struct event_group_request *request, const struct target *target);

/*
 * event_group_open: open what can be opened. Every errno leads to the next rung: user code only
 * where the kernel may not be counted, each event by itself where the group does not fit the
 * counters, no precision where there is none; then the event is unavailable with its reason, also
 * if only one of several threads or CPUs refused it: a part would pass for the whole. The steps
 * are in `notes`.
 * Returns  how many events opened
 */
uint32_t event_group_open(struct event_group *group, const struct event_group_request *request);

/* event_group_enable: begin (those that wait for an exec begin there); _disable: stop. */
void event_group_enable(struct event_group *group);
void event_group_disable(struct event_group *group);

/* event_group_read: one count a member, in order; counting goes on. What was switched on while the
 * program did not run is 0. */
void event_group_read(struct event_group *group, struct count *counts);

void event_group_close(struct event_group *group);

/* count_since: what was counted between two readings of one event. */
struct count count_since(const struct counted_event *event, const struct count *now,
			 const struct count *before);

/*
 * event_scale: what the count would have been had the event been on a counter all the time; NaN
 * when it never was. Source: perf_event_open(2), "count * time_enabled / time_running".
 */
double event_scale(uint64_t counted, uint64_t enabled_ns, uint64_t running_ns);

#endif
