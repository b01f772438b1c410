/*
 * workload_settings: key=value words as a workload's parameters, checked against their limits.
 */
#ifndef WORKLOADS_SUPPORT_WORKLOAD_SETTINGS_H
#define WORKLOADS_SUPPORT_WORKLOAD_SETTINGS_H

#include "workloads/workload.h"

enum { MOST_PARAMETERS = 48 };

struct workload_settings {
	struct setting values[MOST_PARAMETERS]; /* texts are the caller's words, or constants */
	double seconds;                         /* 0 = no limit */
};

/* The setting that every workload takes besides its own. */
extern const struct parameter workload_seconds;

/*
 * workload_settings_read: words (NULL-terminated) over the initial values; --selftest is passed by.
 * size=S, M or L is good for any workload whose parameters have sizes.
 *
 * Errors  false and a sentence: no key=value, a key the workload has not (with the nearest it has),
 *         a value that is no number, out of range or no choice
 */
bool workload_settings_read(struct workload_settings *settings, const struct workload *workload,
			    char *const *words, struct why *why);

/* workload_settings_check: are these words good for the workload? */
bool workload_settings_check(const struct workload *workload, char *const *words, struct why *why);

#endif
