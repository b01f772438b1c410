/*
 * collector: the one thread that writes. It waits for the sources' descriptors, drains them,
 * resolves symbols within a time budget, publishes, and appends to the recording's file.
 */
#ifndef SAMPLER_COLLECTOR_H
#define SAMPLER_COLLECTOR_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct collector;
struct recording;
struct recording_file;
struct target;

/*
 * collector_start: open every wanted source against the target, then run the thread.
 * target     borrowed until collector_stop; launched but not yet released
 * file       may be NULL; flushed at least every 500 ms
 * Errors     false and a sentence if an essential source cannot open
 * Thread     main
 */
struct collector *collector_start(struct recording *recording, struct target *target,
				  struct recording_file *file, struct why *why);

/* collector_is_done: true when the target has ended (or the duration is over) and everything it
 * left has been recorded. Any thread, never blocks. */
bool collector_is_done(const struct collector *collector);

/* collector_event_fd: becomes readable when rows were published or the collector is done. For
 * poll(); collector_clear_event() makes it wait again. */
int collector_event_fd(const struct collector *collector);
void collector_clear_event(const struct collector *collector);

/* collector_pause: stop sampling, or go on, within milliseconds. target->sampling->can_pause. */
void collector_pause(struct collector *collector, bool is_paused);

/* collector_is_full: recording has ended because the file has reached sampling->most_bytes. */
bool collector_is_full(const struct collector *collector);

/* collector_stop: drain one last time, close the sources, join the thread, free. The recording is
 * complete and readable afterwards. NULL is fine. */
void collector_stop(struct collector *collector);

#endif
