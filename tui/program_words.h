/*
 * program_words: what `run` and `record` are to profile, from their arguments.
 */
#ifndef TUI_PROGRAM_WORDS_H
#define TUI_PROGRAM_WORDS_H

#include <stdbool.h>

struct command;
struct session_request;
struct settings;

/*
 * program_words_parse: options, then "-- COMMAND ARG..." or "WORKLOAD KEY=VALUE..." (options may
 * follow a workload), or nothing: the main job, or with options_attach none. Without "--", a first
 * word that is no workload is a command for `record` and an error for `run`. Returns  false when
 * the subcommand is to return *status; the sentence or help is printed
 */
bool program_words_parse(const struct command *command, char **argv, struct settings *settings,
			 struct session_request *request, int *status);

#endif
