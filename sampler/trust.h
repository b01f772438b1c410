/*
 * trust: how far what an event counts is to be believed, as counters/grade.h found out on the
 * recording's machine: a fact "counter_grade.EVENT" of the recording, "B (+4.00 %)".
 */
#ifndef SAMPLER_TRUST_H
#define SAMPLER_TRUST_H

#include <stddef.h>

struct recording;

enum { TRUST_KEY_BYTES = 160 };

/* trust_key: of an event, whatever its modifiers (":u"). Returns out. */
char *trust_key(char *out, size_t bytes, const char *event);

/* trust_of: "B (+4.00 %)", borrowed; "" where nobody has graded the event. Cost: a pass of the
 * facts. */
const char *trust_of(const struct recording *recording, const char *event);

#endif
