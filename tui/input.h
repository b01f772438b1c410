/*
 * input: a recording from whatever file it is in.
 */
#ifndef TUI_INPUT_H
#define TUI_INPUT_H

#include "sampler/base/why.h"

struct arguments;
struct recording;
struct settings;

/*
 * input_open: NULL and a sentence if the file cannot be read or is of no known kind. "-" is
 * standard input, read to its end, as is what a shell's <(...) names.
 */
struct recording *input_open(const char *path, struct why *why);

/*
 * input_from_arguments: the file of `-i FILE` or the only word; prints the sentence and sets
 * *status (2 or 4) when there is none.
 */
struct recording *input_from_arguments(const char *command, const struct settings *settings,
				       const struct arguments *arguments, int *status);

/*
 * input_against: the recording of --against FILE; NULL, and *status left alone, without the option.
 * Prints the sentence and sets *status when it cannot be read.
 */
struct recording *input_against(const char *command, const struct settings *settings, int *status);

#endif
