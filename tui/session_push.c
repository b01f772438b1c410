/* One request at a time: if the store is slow, the next window is longer. */
#include "tui/session_push.h"

#include <signal.h>
#include <stdio.h>

#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/settings.h"

bool session_push_open(struct session_push *push, const struct settings *settings, struct why *why)
{
	*push = (struct session_push){ 0 };
	push->is_on = settings->push_store != NULL;
	push->is_quiet = settings->is_quiet;
	if (!push->is_on)
		return !settings->push_every_ns ||
		       why_fail(why, "--push-every needs to know where to: give --push URL.");
	push->every_ns = settings->push_every_ns;
	push->place = (struct recording_place){ { 1, 1, 1 } };
	push->next_ns = now_ns() + push->every_ns;
	return push_from_settings(&push->push, settings, push->folder, why);
}

static void *send(void *opaque)
{
	struct session_push *push = opaque;
	push->is_delivered = push_send(&push->push, &push->request, &push->result, &push->why);
	return NULL;
}

static void report(struct session_push *push)
{
	push->has_thread = false;
	push_request_clear(&push->request);
	if (!push->is_delivered)
		fail_with(STATUS_FAILED, "record", &push->why);
	if (!push->is_quiet)
		push_print(&push->push, &push->result, "record");
}

static void wait_for_thread(struct session_push *push)
{
	if (push->has_thread && pthread_join(push->thread, NULL) == 0)
		report(push);
}

/* Signals are the main thread's. */
static void start_thread(struct session_push *push)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	push->has_thread = pthread_create(&push->thread, NULL, send, push) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!push->has_thread) { /* none to be had: then here */
		send(push);
		report(push);
	}
}

static void push_since(struct session_push *push, const struct recording *recording,
		       uint64_t until_ns)
{
	struct recording *part =
		recording_window_next(recording, &push->place, push->sent_until_ns);
	push->sent_until_ns = until_ns;
	if (recording_moment(part).n[TABLE_SAMPLES] <= 1) { /* nothing was sampled */
	} else if (push_make(&push->push, part, &push->request, &push->why)) {
		start_thread(push);
	} else {
		fail_with(STATUS_FAILED, "record", &push->why);
	}
	recording_free(part);
}

void session_push_now_and_then(struct session_push *push, const struct recording *recording)
{
	uint64_t now = now_ns();
	if (!push->is_on || !push->every_ns || now < push->next_ns)
		return;
	if (push->has_thread && pthread_tryjoin_np(push->thread, NULL) != 0)
		return;
	if (push->has_thread)
		report(push);
	push_since(push, recording, now);
	push->next_ns = now + push->every_ns;
}

void session_push_rest(struct session_push *push, const struct recording *recording)
{
	if (!push->is_on)
		return;
	wait_for_thread(push);
	push_since(push, recording, now_ns());
	wait_for_thread(push);
	push->is_on = false;
}

void session_push_close(struct session_push *push)
{
	wait_for_thread(push);
	push_request_clear(&push->request);
}
