/*
 * nearest: "did you mean": the name most like a mistyped one.
 */
#ifndef SAMPLER_BASE_NEAREST_H
#define SAMPLER_BASE_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *wanted;
	const char *best; /* NULL until a candidate is near enough */
	size_t distance;  /* of best, or the first distance that is too far */
};

/* nearest_start: look for names like `wanted` (borrowed). */
void nearest_start(struct nearest *nearest, const char *wanted);

/*
 * nearest_offer: one candidate (borrowed); nearest->best is the best so far.
 * Cost    the product of the lengths; names longer than 63 bytes are never near
 */
void nearest_offer(struct nearest *nearest, const char *candidate);

/* nearest_question: "; did you mean NAME?" with a prefix such as "--", or "" if nothing is near. */
const char *nearest_question(const struct nearest *nearest, const char *prefix, char *out,
			     size_t bytes);

#endif
