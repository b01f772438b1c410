/*
 * merge: many recordings as one: equal functions, frames and stacks are one, threads and readings
 * stay apart by the label of the recording they came from.
 *
 * Recordings whose times overlap by the wall clock are laid over each other by it; others all begin
 * at the same moment (a note says so).
 */
#ifndef SAMPLER_MERGE_H
#define SAMPLER_MERGE_H

#include <stddef.h>

#include "sampler/base/why.h"

struct recording;

struct merge_input {
	const struct recording *recording;
	const char *label; /* "r3", "host-a": before the process's name, and the device of what is
			      counted rather than sampled */
};

/*
 * merge_recordings: a new recording, published. Facts are the first one's; those of others that
 * differ are kept as LABEL.KEY.
 * Processes of one number are told apart: all but the first get 4,194,304 (the most a pid can be)
 * or a multiple added.
 * Errors  NULL and a sentence: more series than a sample can name
 * Cost    a pass of all rows and a sort of the samples
 */
struct recording *merge_recordings(const struct merge_input *inputs, size_t n, struct why *why);

#endif
