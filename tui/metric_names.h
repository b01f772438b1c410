/*
 * metric_names: names of metric groups as people type them.
 */
#ifndef TUI_METRIC_NAMES_H
#define TUI_METRIC_NAMES_H

#include <stdbool.h>

#include "sampler/base/why.h"

/* metric_names_fail: false, and the nearest name to one that is none. extra: another word that may
 * stand there; NULL = none. */
bool metric_names_fail(const char *name, const char *extra, struct why *why);

/* metric_names_check: are all of a list with commas groups? */
bool metric_names_check(const char *list, struct why *why);

#endif
