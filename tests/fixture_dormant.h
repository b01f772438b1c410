/*
 * fixture_dormant: a program with libstoke-cupti.so's code in it that nobody profiles yet: this
 * test, started again, which does what it is told a byte at a time.
 */
#ifndef TESTS_FIXTURE_DORMANT_H
#define TESTS_FIXTURE_DORMANT_H

#include <stdbool.h>
#include <sys/types.h>

#include "sampler/target.h"

struct recording;

struct dormant {
	pid_t pid;
	int in, out;
};

/* fixture_dormant_start: `mode` is its first argument; it has said that it is ready.
 * script  MOCK_SCRIPT in it */
struct dormant fixture_dormant_start(const char *mode, const char *script);

/* fixture_dormant_do: one order, done when it returns. False: it has ended instead. */
bool fixture_dormant_do(const struct dormant *dormant, char order);

/* fixture_dormant_end: closes its input, upon which it leaves; its status as of waitpid. */
int fixture_dormant_end(struct dormant *dormant);

/* The other side: say that what was ordered is done (at first: that it is ready) and wait for the
 * next order; 0 = leave. */
char fixture_dormant_next(void);

/* A profiler of source_cupti's alone. */
struct late_session {
	struct sampling sampling;
	struct target target;
	struct recording *recording;
	void *state;
};

void late_session_open(struct late_session *session, pid_t *pid);

/* late_session_wait: drain until the key is a fact, or a note contains it; ten seconds at most. */
bool late_session_wait(struct late_session *session, const char *text);

/* late_session_close: the last drain; the recording stays the caller's. */
struct recording *late_session_close(struct late_session *session);

#endif
