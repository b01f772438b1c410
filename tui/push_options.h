/*
 * push_options: what the command line says of a profile store.
 */
#ifndef TUI_PUSH_OPTIONS_H
#define TUI_PUSH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"
#include "sampler/push.h"

struct settings;

enum { PUSH_PATH_BYTES = 4096 };

/*
 * push_from_settings: the store, its labels and spool; tokens come from the environment
 * (STOKE_PUSH_TOKEN, STOKE_PUSH_TENANT), where other users cannot read them.
 * folder  PUSH_PATH_BYTES for the spool's path, kept by the caller
 */
bool push_from_settings(struct push *push, const struct settings *settings, char *folder,
			struct why *why);

/* push_print: what came of it, on standard error. */
void push_print(const struct push *push, const struct push_result *result, const char *command);

#endif
