/*
 * events_libpfm: the event tables of libpfm4: vendor names such as MEM_LOAD_RETIRED:L3_MISS for
 * several hundred PMUs.
 */
#ifndef COUNTERS_EVENTS_LIBPFM_H
#define COUNTERS_EVENTS_LIBPFM_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>

#include "counters/events.h"
#include "sampler/base/why.h"

enum libpfm_answer {
	LIBPFM_FOUND,
	LIBPFM_UNKNOWN, /* no such event; the sentence is the caller's */
	LIBPFM_WRONG,   /* a sentence says what: the event exists and the rest of the name is wrong,
			   or libpfm4 itself is not there */
};

/* libpfm_unusable: NULL, or why there are no names by libpfm4. Opens it. Main thread, before any
 * other thread reads the environment, as for the functions below. */
const char *libpfm_unusable(void);

/*
 * libpfm_resolve: EVENT[:UMASK...][:c=1...] of a PMU that is present, or PMU::EVENT...
 *
 * is_foreign_allowed  encode for PMUs this machine does not have (tables, tests); without it they
 *                     are LIBPFM_WRONG, because their numbers mean something else here
 * Cost                milliseconds at the first call, which opens the library
 */
enum libpfm_answer libpfm_resolve(const char *name, bool is_foreign_allowed,
				  struct perf_event_attr *attribute, struct why *why);

/* libpfm_knows_pmu: has it a table of that name ("skx", "amd64_fam19h_zen4")? */
bool libpfm_knows_pmu(const char *pmu);

/* libpfm_core_pmu: the name of the CPU's own PMU, "" if libpfm4 does not know this CPU. */
const char *libpfm_core_pmu(void);

/*
 * libpfm_events_each: EVENT or EVENT:UMASK with what the vendor says of it.
 * everywhere  of all PMUs and as PMU::EVENT:UMASK; else of those present
 */
bool libpfm_events_each(bool everywhere, const struct event_visitor *visitor);

#endif
