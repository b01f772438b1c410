/*
 * requirements: --require: what must be had, or the program is not started.
 */
#ifndef TUI_REQUIREMENTS_H
#define TUI_REQUIREMENTS_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct collector;
struct recording;

/* requirements_check: are these words known? NULL = nothing is required. */
bool requirements_check(const char *list, struct why *why);

/*
 * requirements_are_met: after collector_start and before the program runs.
 * Cost    waits until the sources' first rows are published (at most a second)
 */
bool requirements_are_met(const char *list, const struct recording *recording,
			  struct collector *collector, struct why *why);

#endif
