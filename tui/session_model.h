/*
 * session_model: what a program is started with so that the cache model inside it reports: the
 * memory it writes to, and which caches it is to have.
 */
#ifndef TUI_SESSION_MODEL_H
#define TUI_SESSION_MODEL_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct settings;

struct session_model {
	int fd;     /* 0 = no model */
	char *text; /* "STOKE_MODEL=..." */
};

/* session_model_open: nothing without --model. False and a sentence if the memory cannot be had. */
bool session_model_open(struct session_model *model, const struct settings *settings,
			struct why *why);
void session_model_close(struct session_model *model);

/* session_model_environment: `others` (ended by NULL, at most three) and the model's variables,
 * ended by NULL; borrowed from the model. */
void session_model_environment(const struct session_model *model, char *const *others,
			       const char *environment[5]);

/* session_model_program: path of stoke-model of this build or installation; NULL and a sentence.
 * Freed with free(). */
char *session_model_program(struct why *why);

#endif
