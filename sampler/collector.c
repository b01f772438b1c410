/*
 * One thread, one direction: it waits for the sources' descriptors or the next tick, drains them,
 * publishes, and writes the file. The reader is woken through an eventfd.
 *
 * The wait never relies on the descriptors alone: a hung-up ring is always readable and would
 * burn a core, so a descriptor that hangs up is dropped from the set.
 */
#include "sampler/collector.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "sampler/recording_window.h"
#include "sampler/source.h"
#include "sampler/target.h"

enum {
	MOST_SOURCES = 32,
	MOST_FDS = 4096 + MOST_SOURCES, /* a ring a CPU */
	TICK_MS = 50,                   /* samples reach the screen at most this late */
	NICE_ON_MACHINE = -10,          /* nine tenths of a CPU beside one program, when needed */
	LAST_WORDS_BYTES = 64 << 10,    /* facts and notes written at the end */
};

static const uint64_t FILE_NS = 500 * 1000 * 1000; /* what a kill -9 may cost */

struct open_source {
	const struct source *source;
	void *state;
	uint64_t next_ns;
};

struct collector {
	struct recording *recording;
	struct target *target;
	struct recording_file *file;
	struct open_source sources[MOST_SOURCES];
	int n_sources;
	struct pollfd fds[MOST_FDS];
	int n_fds;
	int event_fd, wake_fd;
	pthread_t thread;
	bool has_thread, has_file_failed;
	uint64_t end_ns, next_file_ns;
	atomic_bool must_stop, is_done, must_pause, is_full;
	bool is_paused;
	uint64_t paused_ns, most_flushed_bytes; /* since when; of one flush */
	struct recording_place old;
};

static bool is_wanted(const struct source *source, const struct target *target)
{
	if (source->wanted && !source->wanted(target))
		return false;
	return true;
}

static void *new_state(const struct source *source)
{
	size_t alignment = alignof(max_align_t) > 64 ? alignof(max_align_t) : 64;
	size_t bytes = (source->state_bytes + alignment - 1) / alignment * alignment;
	void *state = aligned_alloc(alignment, bytes ? bytes : alignment);
	if (!state)
		die("out of memory opening the source %s", source->name);
	return memset(state, 0, bytes ? bytes : alignment);
}

/* False only when an essential source fails. */
static bool open_source(struct collector *collector, const struct source *source, struct why *why)
{
	const char *reason = source->unusable ? source->unusable() : NULL;
	if (reason)
		why_fail(why, "%s", reason);
	void *state = new_state(source);
	if (!reason && source->open(state, collector->target, collector->recording, why)) {
		collector->sources[collector->n_sources++] =
			(struct open_source){ .source = source, .state = state };
		return true;
	}
	free(state);
	if (source->is_essential)
		return false;
	recording_note(collector->recording, SEVERITY_WARNING, source->name, why->text, "");
	return true;
}

static void close_sources(struct collector *collector)
{
	for (int i = collector->n_sources; i-- > 0;) {
		collector->sources[i].source->close(collector->sources[i].state);
		free(collector->sources[i].state);
	}
	collector->n_sources = 0;
}

static void gather_fds(struct collector *collector)
{
	struct target *target = collector->target;
	collector->fds[0] = (struct pollfd){ .fd = collector->wake_fd, .events = POLLIN };
	collector->fds[1] = (struct pollfd){ .fd = target->pid_fd, .events = POLLIN };
	collector->n_fds = 2;
	for (int i = 0; i < collector->n_sources; i++) {
		const struct open_source *open = &collector->sources[i];
		if (open->source->fds)
			collector->n_fds +=
				open->source->fds(open->state, collector->fds + collector->n_fds,
						  MOST_FDS - collector->n_fds);
	}
}

static void drop_hung_up(struct collector *collector)
{
	for (int i = 1; i < collector->n_fds; i++)
		if (collector->fds[i].revents & (POLLHUP | POLLERR | POLLNVAL))
			collector->fds[i].fd = -1; /* poll ignores it */
}

static void drain_some(struct collector *collector, bool is_last, bool reads_others)
{
	uint64_t now = now_ns();
	for (int i = 0; i < collector->n_sources; i++) {
		struct open_source *open = &collector->sources[i];
		if (open->source->reads_others != reads_others || (!is_last && now < open->next_ns))
			continue;
		open->source->drain(open->state, collector->recording, is_last);
		/* Rings are looked at on each wake-up; pollers keep to their interval. */
		open->next_ns = open->source->fds ? 0 : now + open->source->interval_ns;
	}
}

static void drain_sources(struct collector *collector, bool is_last)
{
	drain_some(collector, is_last, false);
	drain_some(collector, is_last, true);
}

/* Room is left for what the rings hold and for the last words. */
static void look_at_size(struct collector *collector, uint64_t before)
{
	uint64_t bytes = recording_file_bytes(collector->file);
	uint64_t most = collector->target->sampling->most_bytes;
	if (bytes - before > collector->most_flushed_bytes)
		collector->most_flushed_bytes = bytes - before;
	uint64_t wanted = bytes + 2 * collector->most_flushed_bytes + LAST_WORDS_BYTES;
	if (!most || wanted < most || atomic_load(&collector->is_full))
		return;
	atomic_store(&collector->is_full, true);
	recording_note(collector->recording, SEVERITY_WARNING, "recording",
		       "The file has reached its size (--max-size): nothing after this is "
		       "recorded.",
		       "Sample less often (-F), allow more, or keep the last seconds (--ring).");
}

static void write_file(struct collector *collector, bool is_last)
{
	struct why why;
	uint64_t now = now_ns();
	if (!collector->file || (now < collector->next_file_ns && !is_last))
		return;
	collector->next_file_ns = now + FILE_NS;
	uint64_t before = recording_file_bytes(collector->file);
	if (recording_file_flush(collector->file, collector->recording, &why)) {
		look_at_size(collector, before);
		return;
	}
	if (!collector->has_file_failed)
		recording_note(collector->recording, SEVERITY_ERROR, "recording", why.text,
			       "Free some space; recording goes on in memory.");
	collector->has_file_failed = true;
}

static void publish(struct collector *collector, bool is_last)
{
	recording_flush_samples(collector->recording, is_last ? UINT64_MAX : now_ns());
	recording_publish(collector->recording);
	write_file(collector, is_last);
	eventfd_write(collector->event_fd, 1);
}

/* A reader that takes the last ring_ns never gets near what is twice as old. */
static void forget_old(struct collector *collector)
{
	uint64_t ring_ns = collector->target->sampling->ring_ns, now = now_ns();
	if (ring_ns && now > 2 * ring_ns)
		recording_keep_since(collector->recording, &collector->old, now - 2 * ring_ns);
}

static void note_pause(struct collector *collector)
{
	char text[128], from[TEXT_BYTES], length[TEXT_BYTES];
	uint64_t start_ns = collector->recording->start_ns, now = now_ns();
	snprintf(text, sizeof text, "Sampling was paused for %s, from %s after the start on.",
		 text_duration(length, sizeof length, (double)(now - collector->paused_ns)),
		 text_duration(from, sizeof from, (double)(collector->paused_ns - start_ns)));
	recording_note(collector->recording, SEVERITY_INFO, "recording", text, "");
}

static void apply_pause(struct collector *collector)
{
	bool must_pause = atomic_load(&collector->must_pause);
	if (must_pause == collector->is_paused)
		return;
	collector->is_paused = must_pause;
	for (int i = 0; i < collector->n_sources; i++)
		if (collector->sources[i].source->enable)
			collector->sources[i].source->enable(collector->sources[i].state,
							     !must_pause);
	if (must_pause)
		collector->paused_ns = now_ns();
	else
		note_pause(collector);
}

static void clear_wake(const struct collector *collector)
{
	eventfd_t count;
	eventfd_read(collector->wake_fd, &count);
}

static bool is_over(const struct collector *collector)
{
	return atomic_load(&collector->must_stop) || atomic_load(&collector->is_full) ||
	       (collector->end_ns && now_ns() >= collector->end_ns);
}

static bool has_target_ended(const struct collector *collector)
{
	/* The main thread reaps; here only the descriptor is looked at, so that no wait status is
	 * shared between threads. */
	return collector->fds[1].revents & POLLIN;
}

/* Of the whole machine all that competes for the CPUs is sampled too, and the rings hold 0.2 s: who
 * waits longer for his turn loses. Without the right to it all stays as it is. */
static void take_precedence(const struct collector *collector)
{
	if (collector->target->is_whole_machine)
		setpriority(PRIO_PROCESS, 0, NICE_ON_MACHINE); /* 0: this thread, on Linux */
}

static void *collect(void *opaque)
{
	struct collector *collector = opaque;
	bool is_last = false;
	take_precedence(collector);
	gather_fds(collector);
	/* What sources told as they opened is there for those that ask at their first drain. */
	recording_publish(collector->recording);
	while (!is_last) {
		int n = poll(collector->fds, (nfds_t)collector->n_fds, TICK_MS);
		if (n < 0 && errno != EINTR)
			break;
		clear_wake(collector);
		apply_pause(collector);
		is_last = is_over(collector) || has_target_ended(collector);
		drop_hung_up(collector);
		drain_sources(collector, is_last);
		publish(collector, is_last);
		forget_old(collector);
	}
	if (collector->is_paused)
		note_pause(collector);
	recording_publish(collector->recording);
	atomic_store(&collector->is_done, true);
	eventfd_write(collector->event_fd, 1);
	return NULL;
}

/* Signals are the main thread's; the collector's thread inherits an all-blocked mask. */
static bool start_thread(struct collector *collector, struct why *why)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&collector->thread, NULL, collect, collector);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return why_fail(why, "Cannot start the collector's thread: %s; raise `ulimit -u`.",
				strerror(error));
	pthread_setname_np(collector->thread, "stoke-collect");
	collector->has_thread = true;
	return true;
}

static bool open_all(struct collector *collector, struct why *why)
{
	for (int i = 0; sources[i] && collector->n_sources < MOST_SOURCES; i++)
		if (is_wanted(sources[i], collector->target) &&
		    !open_source(collector, sources[i], why))
			return false;
	return true;
}

static void collector_free(struct collector *collector)
{
	close_sources(collector);
	close(collector->event_fd);
	close(collector->wake_fd);
	free(collector);
}

struct collector *collector_start(struct recording *recording, struct target *target,
				  struct recording_file *file, struct why *why)
{
	struct collector *collector = allocate(1, sizeof *collector);
	collector->recording = recording;
	collector->target = target;
	collector->file = file;
	collector->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	collector->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	collector->is_paused = target->sampling->starts_paused;
	collector->paused_ns = recording->start_ns;
	recording->most_stacks = RECORDING_MOST_STACKS;
	atomic_store(&collector->must_pause, collector->is_paused);
	collector->old = (struct recording_place){ { 1, 1, 1 } };
	if (target->sampling->duration_ns)
		collector->end_ns =
			now_ns() + target->sampling->delay_ns + target->sampling->duration_ns;
	if (open_all(collector, why) && start_thread(collector, why))
		return collector;
	collector_free(collector);
	return NULL;
}

bool collector_is_done(const struct collector *collector)
{
	return atomic_load(&collector->is_done);
}

void collector_pause(struct collector *collector, bool is_paused)
{
	atomic_store(&collector->must_pause, is_paused);
	eventfd_write(collector->wake_fd, 1);
}

bool collector_is_full(const struct collector *collector)
{
	return atomic_load(&collector->is_full);
}

int collector_event_fd(const struct collector *collector)
{
	return collector->event_fd;
}

void collector_clear_event(const struct collector *collector)
{
	eventfd_t count;
	eventfd_read(collector->event_fd, &count);
}

void collector_stop(struct collector *collector)
{
	if (!collector)
		return;
	atomic_store(&collector->must_stop, true);
	eventfd_write(collector->wake_fd, 1);
	if (collector->has_thread)
		pthread_join(collector->thread, NULL);
	collector_free(collector);
}
