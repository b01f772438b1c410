/*
 * metrics: groups of events with formulas over them, from text files in counters/groups/, which
 * are built in. One file is one group; it may have several sections, each for some CPUs:
 *
 *   summary How often branches are predicted wrongly
 *   about   Some sentences; a line that begins with a space goes on.
 *   source  Where the events and formulas are from
 *
 *   on skl skx clx                       names of libpfm4 PMUs, with * and ?; the first that fits
 *   event branches BR_INST_RETIRED:ALL_BRANCHES
 *   event misses   BR_MISP_RETIRED:ALL_BRANCHES
 *   metric misses of branches [ratio] = misses / branches
 *     What it means and when it is bad.
 *
 *   on amd64_k8*
 *   absent Why there is nothing of the kind here.
 *
 * All events of a section are one group on the counters (event_group.h), so that no formula mixes
 * what was counted at different times. `seconds` is the time that passed.
 */
#ifndef COUNTERS_METRICS_H
#define COUNTERS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "counters/events.h"
#include "counters/formula.h"
#include "sampler/base/why.h"

enum { MAX_SECTION_EVENTS = 12, MAX_SECTION_METRICS = 12, MAX_SECTIONS = 12 };

struct metric_event {
	const char *name;     /* in formulas */
	const char *encoding; /* as event_resolve or, on some CPU, libpfm4 knows it */
};

struct metric {
	const char *name, *unit; /* unit as text_value takes it */
	const char *about;
	struct formula formula; /* operands: the section's events in order, then `seconds` */
};

struct metric_section {
	const char *pmus;   /* patterns, separated by blanks */
	const char *absent; /* why there are no metrics here, or NULL */
	struct metric_event events[MAX_SECTION_EVENTS];
	uint32_t n_events;
	struct metric metrics[MAX_SECTION_METRICS];
	uint32_t n_metrics;
};

struct metric_group {
	const char *name, *summary, *about, *source;
	struct metric_section *sections;
	uint32_t n_sections;
	char *text; /* what the strings point into */
};

/*
 * metric_group_parse: one file's text.
 * Errors  false and a sentence with the line's number
 */
bool metric_group_parse(struct metric_group *group, const char *name, const char *text,
			struct why *why);
void metric_group_free(struct metric_group *group);

/* metric_groups: the groups built in, in order of their names; parsed when first asked for. */
const struct metric_group *metric_groups(uint32_t *n_groups);

/* metric_group_find: NULL if there is none of that name. */
const struct metric_group *metric_group_find(const char *name);

/* metric_section_for: the section for a PMU's name ("" = unknown); NULL if none fits. */
const struct metric_section *metric_section_for(const struct metric_group *group, const char *pmu);

#endif
