/*
 * event_parts: which parts of a program an event is of, its own code and the kernel's, and what is
 * left when modifiers, flags or permissions take some away. The kernel opens an event of which
 * nothing is left, and it stays 0: that is no measurement, so nothing opens one.
 */
#ifndef SAMPLER_EVENT_PARTS_H
#define SAMPLER_EVENT_PARTS_H

#include <stdbool.h>

#include "sampler/base/why.h"
#include "sampler/target.h"

/* What is left out beside what the event leaves out by itself. */
struct event_without {
	bool user, kernel;
	bool is_refused; /* the kernel's part: not by a flag, it may not be counted */
};

/* event_is_kernel_side: the kernel counts it in its own code, so user code alone has none. */
bool event_is_kernel_side(const struct sampled_event *event);

/* event_is_left: false and a sentence: it could only stay 0. */
bool event_is_left(const struct sampled_event *event, struct event_without without,
		   struct why *why);

#endif
