/*
 * snapshot_trigger: "METRIC>VALUE" watched while a recording grows.
 *
 * The metric is a series by its name (with or without an event's modifiers): of readings the newest
 * value of each; of samples what came in over the last second, a second (CPUs where they count
 * nanoseconds).
 */
#ifndef TUI_SNAPSHOT_TRIGGER_H
#define TUI_SNAPSHOT_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct recording;

enum { TRIGGER_BUCKETS = 10, TRIGGER_NAME_BYTES = 128 };

struct snapshot_trigger {
	char name[TRIGGER_NAME_BYTES];
	bool is_below; /* "<" */
	double limit;
	double value;    /* when it last fired */
	bool was_beyond; /* fires again only after it has been on this side */
	bool is_known;   /* there is such a metric */
	uint64_t next_sample, next_reading;
	uint64_t bucket;                   /* now, in tenths of a second since the start */
	uint64_t weights[TRIGGER_BUCKETS]; /* of the last second, by tenths */
};

/* snapshot_trigger_parse: false and a sentence if it is no METRIC>VALUE or METRIC<VALUE. */
bool snapshot_trigger_parse(struct snapshot_trigger *trigger, const char *text, struct why *why);

/*
 * snapshot_trigger_check: take in what is new at now_ns.
 * Returns  true when the value has just passed the limit
 * Cost     new rows
 */
bool snapshot_trigger_check(struct snapshot_trigger *trigger, const struct recording *recording,
			    uint64_t at_ns);

#endif
