/*
 * stat_attach: what `stoke stat -p`, -t and -a count: programs that run already, or the whole
 * machine; what it is called, and how much user and system time it has used.
 */
#ifndef TUI_STAT_ATTACH_H
#define TUI_STAT_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "counters/usage.h"
#include "sampler/base/why.h"

struct stat;
struct target;

struct stat_attach {
	const struct target *target; /* NULL = not open */
	const pid_t *counted;        /* whose times are summed: processes, or threads of -t */
	uint32_t n_counted;
	struct usage_times *before; /* one for each; one of the whole machine */
	uint32_t n_before;
};

/*
 * stat_attach_open: look whether what a target is attached to may be counted; its name goes to
 * stat->counted.
 * Errors  false and a sentence
 */
bool stat_attach_open(struct stat_attach *attach, const struct target *target, struct stat *stat,
		      struct why *why);
void stat_attach_close(struct stat_attach *attach);

/*
 * stat_attach_times: since the call before (the first gives nothing of use).
 * Errors  false and a sentence: one has ended, and its time went with it
 */
bool stat_attach_times(struct stat_attach *attach, double *user_seconds, double *system_seconds,
		       struct why *why);

#endif
