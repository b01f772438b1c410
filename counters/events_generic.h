/*
 * events_generic: the names the kernel itself gives: software events, generic hardware events and
 * generic cache events, spelt as perf spells them so that what people know by heart works.
 */
#ifndef COUNTERS_EVENTS_GENERIC_H
#define COUNTERS_EVENTS_GENERIC_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_name {
	const char *name, *summary;
	uint32_t type; /* PERF_TYPE_* */
	uint64_t config;
};

/* events_at: the known names in order, NULL after the last. */
const struct event_name *events_at(size_t place);

/* generic_resolve: a name of the list (in any case) or rNNN; sets type and config. */
bool generic_resolve(const char *name, struct perf_event_attr *attribute);

#endif
