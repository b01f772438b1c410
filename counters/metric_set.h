/*
 * metric_set: a metric group at work on one kind of core: its events opened for a program, read,
 * and its formulas evaluated.
 */
#ifndef COUNTERS_METRIC_SET_H
#define COUNTERS_METRIC_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "counters/cores.h"
#include "counters/event_group.h"
#include "counters/metrics.h"

struct metric_set {
	const struct metric_group *group;
	const struct metric_section *section; /* NULL: none fits this core */
	struct core_pmu core;
	struct counted_event events[MAX_SECTION_EVENTS];
	struct why unresolved[MAX_SECTION_EVENTS]; /* why an event cannot even be tried, or "" */
	struct why absent;                         /* why the whole group cannot, or "" */
	bool is_whole_machine;                     /* clocks then say nothing of how busy it was */
	bool is_of_part; /* of user code or of the kernel only, by a flag */
	struct event_group whole;
	struct event_group *apart; /* a group for each metric, where the whole does not fit */
};

/* What a set read: counts by the section's events; in apart mode, by metric and event. */
struct metric_counts {
	struct count whole[MAX_SECTION_EVENTS];
	struct count apart[MAX_SECTION_METRICS][MAX_SECTION_EVENTS];
};

/*
 * metric_event_resolve: an event of a section as an attribute for that core.
 * is_foreign_allowed  also for a core this machine has not
 */
bool metric_event_resolve(const struct metric_event *event, const struct core_pmu *core,
			  bool is_foreign_allowed, struct counted_event *counted, struct why *why);

/* metric_set_choose: find the section and resolve its events; what fails is said in the set. */
void metric_set_choose(struct metric_set *set, const struct metric_group *group,
		       const struct core_pmu *core);

/*
 * metric_set_open: request->events is not looked at. Where the whole section does not fit the
 * counters, each metric gets a group of its own, so that no ratio mixes what was counted at
 * different times.
 * Returns  how many events opened
 */
uint32_t metric_set_open(struct metric_set *set, const struct event_group_request *request);
void metric_set_enable(struct metric_set *set);
void metric_set_read(struct metric_set *set, struct metric_counts *counts);
void metric_set_close(struct metric_set *set);

/* metric_set_is_of_core: some event is of this kind of core; else it is the same on all. */
bool metric_set_is_of_core(const struct metric_set *set);

/* metric_set_is_apart: each metric is counted by itself. */
bool metric_set_is_apart(const struct metric_set *set);

/* metric_set_notes: tell what is counted in another way than was asked for. After opening. */
void metric_set_notes(const struct metric_set *set, void (*tell)(void *context, const char *text),
		      void *context);

/* metric_set_lacks: why a metric will never have a value, or NULL; borrowed. After opening. Of the
 * whole machine none has that is made with task-clock or cpu-clock: on a CPU these go on when it
 * is idle; nor where only user code is counted, as these count the kernel too. */
const char *metric_set_lacks(const struct metric_set *set, uint32_t metric);

/* metric_counts_since: what was counted between two readings. */
void metric_counts_since(const struct metric_set *set, const struct metric_counts *now,
			 const struct metric_counts *before, struct metric_counts *since);

/* metric_set_evaluate: one metric from what was read (or the difference of two readings). */
struct formula_result metric_set_evaluate(const struct metric_set *set,
					  const struct metric_counts *counts, uint32_t metric,
					  double seconds);

#endif
