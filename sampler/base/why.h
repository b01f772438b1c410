/*
 * sampler/base: what every other folder may use, and the only ABI between a measured program and
 * the profiler (shared_ring.h, probe.h). It includes nothing of ours from outside itself.
 * Start reading at table.h (rows that never move), then why.h (this file) and text.h.
 *
 * why: one sentence that says what failed, on what, why, and what to do about it.
 */
#ifndef SAMPLER_BASE_WHY_H
#define SAMPLER_BASE_WHY_H

#include <stdbool.h>

/* Long enough for a path (shortened by the caller if need be), a reason and a remedy. */
enum { WHY_BYTES = 512 };

struct why {
	char text[WHY_BYTES];
};

/*
 * why_fail: store a sentence and return false, so that a function can end in
 * `return why_fail(why, ...)`.
 *
 * why     may be NULL: the sentence is dropped
 * Cost    one vsnprintf; too long a sentence is cut at a character's start
 */
bool why_fail(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * die: end the process for a broken invariant or lack of memory. Runs the hook of die_hook first,
 * so that the terminal is usable again, then prints `stoke: <sentence>` and exits with status 125.
 */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* die_hook: what die() runs first (restoring the terminal); NULL = nothing. Main thread only. */
void die_hook(void (*restore)(void));

/* allocate / reallocate: zeroed memory, or the end of the process. Freed with free(). */
void *allocate(unsigned long n, unsigned long bytes_each);
void *reallocate(void *old, unsigned long n, unsigned long bytes_each);

#endif
