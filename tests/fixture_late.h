/*
 * fixture_late: a profiler that comes to a program that runs (fixture_dormant.h); of it only the
 * source of GPU work.
 */
#ifndef TESTS_FIXTURE_LATE_H
#define TESTS_FIXTURE_LATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "sampler/target.h"

struct dormant;
struct recording;

struct late_session {
	struct sampling sampling;
	struct target target;
	struct recording *recording;
	void *state;
};

/* late_session_open: STOKE_GPU_STALLS in our environment asks for stalls. */
void late_session_open(struct late_session *session, pid_t *pid);

/* late_session_wait: drain until the key is a fact, or a note contains it; ten seconds at most. */
bool late_session_wait(struct late_session *session, const char *text);

/* late_session_close: the last drain; the recording becomes the caller's. */
struct recording *late_session_close(struct late_session *session);

/* late_session_check: exactly one 'r' is recorded, each kernel below the stack that launched it. */
void late_session_check(const struct recording *recording);

/* late_session_run: attach, have it launch, leave, check. */
void late_session_run(const struct dormant *dormant);

#endif
