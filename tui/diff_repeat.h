/*
 * diff_repeat: two commands, run in turn and recorded, so that what drifts on the machine meets
 * both alike.
 */
#ifndef TUI_DIFF_REPEAT_H
#define TUI_DIFF_REPEAT_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"
#include "sampler/compare.h"

struct recording;
struct settings;

/*
 * diff_repeat: A, B, B, A, A, B ... `n` times each. What the programs write goes to standard
 * error. Recordings pass through private files that are gone afterwards.
 *
 * words       of each command, NULL-terminated
 * recordings  n entries for each side; filled as far as it got, to be freed by the caller
 * Errors      false, a sentence, and *status: a command that failed is no measurement
 */
bool diff_repeat(const struct settings *settings, char **const words[N_COMPARED], size_t n,
		 struct recording **const recordings[N_COMPARED], int *status, struct why *why);

#endif
