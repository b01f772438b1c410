/*
 * grade: how far this machine's counters can be trusted: kernels whose instructions, branches,
 * loads, FLOPs, misses and page faults are known are run, and every counter is compared with what
 * is known. Hypervisors, errata and wrong tables of events show as a bad mark.
 */
#ifndef COUNTERS_GRADE_H
#define COUNTERS_GRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

enum { MOST_GRADES = 24, GRADE_EVENT_BYTES = 64, GRADE_UNKNOWN = '-' };

struct grade {
	char event[GRADE_EVENT_BYTES]; /* "instructions:u" */
	char mark; /* 'A': within 1 %, 'B': 5 %, 'C': 25 %, 'F': worse; GRADE_UNKNOWN: not counted
		    */
	enum origin origin;
	double expected, counted; /* of the median of five runs; NaN = unknown */
	const char *what;         /* what was run; "" when read from a file */
	struct why reason;        /* why unknown, or what a bad mark may come from; "" = nothing */
};

struct grades {
	uint64_t machine; /* machine_identity */
	uint32_t n;
	struct grade rows[MOST_GRADES];
};

/* grades_measure: Cost: 2 s of one CPU and at most 256 MiB for a while. */
void grades_measure(struct grades *grades, uint64_t machine);

/* grade_mark: GRADE_UNKNOWN where either is unknown or nothing was expected. */
char grade_mark(double expected, double counted);

/* grades_find: of an event, whatever its modifiers; NULL if it has no mark. */
const struct grade *grades_find(const struct grades *grades, const char *event);

/*
 * grades_save, grades_cached: in $XDG_CACHE_HOME/stoke (else ~/.cache/stoke), one file a machine.
 * Errors  false and a sentence; a file that makes no sense counts as none
 */
bool grades_save(const struct grades *grades, struct why *why);
bool grades_cached(struct grades *grades, uint64_t machine, struct why *why);

/* grades_read_text: what grades_save writes; false if it makes no sense. */
bool grades_read_text(struct grades *grades, const char *text);
char *grades_write_text(const struct grades *grades); /* to be freed */

/* grades_store: as facts "counter_grade.EVENT" of a recording. */
void grades_store(const struct grades *grades, struct recording *recording);

#endif
