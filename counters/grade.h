/*
 * grade: how far this machine's counters can be trusted: kernels whose instructions, branches,
 * loads, FLOPs, misses and page faults are known are run, and every counter is compared with what
 * is known. Hypervisors, errata and wrong tables of events show as a bad mark.
 */
#ifndef COUNTERS_GRADE_H
#define COUNTERS_GRADE_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

enum { MOST_GRADES = 64, GRADE_EVENT_BYTES = 128, GRADE_UNKNOWN = '-', GRADE_NONE = 0 };

/* What an event is to the kernel, whatever it is called and whatever its modifiers. */
struct grade_code {
	uint32_t type;
	uint64_t config, config1;
};

struct grade {
	char event[GRADE_EVENT_BYTES]; /* "instructions:u" */
	char mark; /* 'A': within 1 %, 'B': 5 %, 'C': 25 %, 'F': worse; GRADE_UNKNOWN: not counted
		    */
	bool is_unsteady; /* its runs differ so much that 'C' is the best it can have */
	enum origin origin;
	double expected, counted; /* of the median of five runs; NaN = unknown */
	struct grade_code code;
	const char *what;  /* what was run; "" when read from a file */
	struct why reason; /* why unknown, or what a bad mark may come from; "" = nothing */
};

struct grades {
	uint64_t machine; /* machine_identity */
	uint32_t n;
	struct grade rows[MOST_GRADES];
};

struct grade_request {
	uint64_t machine;                           /* machine_identity */
	size_t first_cache_bytes, last_cache_bytes; /* of data, of this CPU; 0 = unknown */
};

/* grades_measure: stays on one CPU meanwhile. Cost: 1 s of it and at most 256 MiB for a while. */
void grades_measure(struct grades *grades, const struct grade_request *request);

/* grade_mark: GRADE_UNKNOWN where either is unknown or nothing was expected. */
char grade_mark(double expected, double counted);

/* grade_reason: what a mark may come from; "" where there is nothing to say. */
void grade_reason(const struct grade *grade, struct why *reason);

/* grade_code: equal for all names and modifiers of one event. */
struct grade_code grade_code(const struct perf_event_attr *attribute);

/* grades_find: of an event; NULL if it has no mark. */
const struct grade *grades_find(const struct grades *grades, const struct grade_code *code);

/*
 * grades_save, grades_cached: in $XDG_CACHE_HOME/stoke (else ~/.cache/stoke), one file a machine.
 * Errors  false and a sentence; a file that makes no sense counts as none
 */
bool grades_save(const struct grades *grades, struct why *why);
bool grades_cached(struct grades *grades, uint64_t machine, struct why *why);

/* grades_read_text: what grades_save writes; false if it makes no sense. */
bool grades_read_text(struct grades *grades, const char *text);
char *grades_write_text(const struct grades *grades); /* to be freed */

/*
 * grades_store: as a fact of a recording (sampler/trust.h), for series of this name.
 * Cost: a string.
 */
void grades_store(const struct grade *grade, const char *series, struct recording *recording);

#endif
