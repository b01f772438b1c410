/*
 * counters: what the CPU and the kernel can count. It may include sampler and itself; it knows no
 * screen and no GPU. Start reading here.
 *
 * events: from an event's name to the attribute that opens it: the kernel's software and generic
 * hardware events, and raw numbers.
 */
#ifndef COUNTERS_EVENTS_H
#define COUNTERS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/target.h"

struct event_name {
	const char *name, *summary;
	uint32_t type; /* PERF_TYPE_* */
	uint64_t config;
};

/* events_at: the known names in order, NULL after the last. */
const struct event_name *events_at(size_t place);

/*
 * event_resolve: one event, such as "cycles", "cpu-clock:u", "cache-misses:pp" or "r01c2".
 * Modifiers: u, k, h (only user, kernel, hypervisor), p (precise, up to ppp).
 * Errors  false and a sentence with the nearest known name
 */
bool event_resolve(const char *text, struct sampled_event *event, struct why *why);

/* events_parse: a list separated by commas; at most `max` events. */
bool events_parse(const char *list, struct sampled_event *events, uint32_t max, uint32_t *n_events,
		  struct why *why);

#endif
