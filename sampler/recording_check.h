/*
 * recording_check: are all references inside a loaded recording good? Readers rely on it and
 * check nothing themselves.
 */
#ifndef SAMPLER_RECORDING_CHECK_H
#define SAMPLER_RECORDING_CHECK_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct recording;

/* recording_check: false and a sentence naming the first bad row. Cost: one pass over all rows. */
bool recording_check(const struct recording *recording, const char *path, struct why *why);

#endif
