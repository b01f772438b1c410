/*
 * events_tracepoint: the kernel's static tracepoints, "subsystem:name".
 * Source: Documentation/trace/events.rst
 */
#ifndef COUNTERS_EVENTS_TRACEPOINT_H
#define COUNTERS_EVENTS_TRACEPOINT_H

#include <linux/perf_event.h>
#include <stdbool.h>

#include "counters/events.h"

/*
 * tracepoint_resolve: sets type and config.
 * Errors  false; *is_hidden says that tracefs cannot be read, so nobody knows whether it exists
 */
bool tracepoint_resolve(const char *name, struct perf_event_attr *attribute, bool *is_hidden);

/* tracepoints_are_hidden: nobody knows which there are, since tracefs cannot be read. */
bool tracepoints_are_hidden(void);

/* tracepoints_each: all of them; false if a visit ended the walk. */
bool tracepoints_each(const struct event_visitor *visitor);

#endif
