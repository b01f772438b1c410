/*
 * source: everything that measures. A file named source_NAME.c defines `source_NAME`; that
 * registers it. All hooks run on the collector's thread, except unusable(), which any thread may
 * call at any time.
 */
#ifndef SAMPLER_SOURCE_H
#define SAMPLER_SOURCE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct recording;
struct target;

struct source {
	const char *name, *summary; /* what `stoke list sources` prints */
	size_t state_bytes;         /* zeroed, aligned for any type, owned by the collector */
	uint64_t interval_ns;       /* drain at least this often; 0 = only when an fd is ready */

	/* NULL = usable on this machine; else one sentence with the reason and the remedy. */
	const char *(*unusable)(void);

	/* Is this source wanted for this target? NULL = always. */
	bool (*wanted)(const struct target *target);

	/*
	 * Start measuring. The target exists but has not run yet when target->is_launched. A step
	 * down from what was asked leaves a note in the recording. On false the collector stops
	 * if is_essential, else it notes the sentence and goes on without the source.
	 */
	bool (*open)(void *state, const struct target *target, struct recording *recording,
		     struct why *why);
	bool is_essential;

	/* Descriptors to wait for; returns how many were written (at most max). May be NULL. */
	int (*fds)(void *state, struct pollfd *out, int max);

	/*
	 * Append what has been measured so far. Must not block. is_last: the target has ended or
	 * recording stops; take everything that is left.
	 */
	void (*drain)(void *state, struct recording *recording, bool is_last);
	/* It makes its rows of what other sources append: it is drained after all of them, so that
	 * their last words are in its own. */
	bool reads_others;

	/* Stop sampling, or go on; between, nothing is lost but what was to be sampled. NULL = the
	 * source goes on whatever is said. */
	void (*enable)(void *state, bool is_on);

	/* Give everything back; called once after a successful open. */
	void (*close)(void *state);
};

/* Every source there is, ended by NULL; written by make from the file names. */
extern const struct source *const sources[];

#endif
