/*
 * session_push: what is recorded to a profile store, now and then or at the end. It happens on a
 * thread of its own, as a store may take its time.
 */
#ifndef TUI_SESSION_PUSH_H
#define TUI_SESSION_PUSH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sampler/push.h"
#include "sampler/recording_window.h"
#include "tui/push_options.h"

struct recording;
struct settings;

struct session_push {
	bool is_on, is_quiet;
	struct push push;
	char folder[PUSH_PATH_BYTES];
	uint64_t every_ns, next_ns, sent_until_ns; /* 0 = nothing yet */
	struct recording_place place;              /* sent up to there */
	struct push_request request;               /* of the thread while it runs */
	struct push_result result;
	struct why why;
	bool is_delivered, has_thread;
	pthread_t thread;
};

/* session_push_open: nothing to do without --push. False and a sentence if it makes no sense. */
bool session_push_open(struct session_push *push, const struct settings *settings, struct why *why);

/* session_push_now_and_then: with --push-every, what came since the last time, if it is time. */
void session_push_now_and_then(struct session_push *push, const struct recording *recording);

/* session_push_rest: what is left, and wait until it is away or kept; once. */
void session_push_rest(struct session_push *push, const struct recording *recording);
void session_push_close(struct session_push *push);

#endif
