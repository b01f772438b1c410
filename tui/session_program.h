/*
 * session_program: the argument vector to start: a command as typed, or this program again for a
 * built-in workload, with the memory it reports through.
 */
#ifndef TUI_SESSION_PROGRAM_H
#define TUI_SESSION_PROGRAM_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct session_request;

struct session_program {
	char **argv; /* NULL-terminated */
	char *self;  /* path of this program, if argv is ours */
	int probe_fd;
	int steer_fd, steered_fd; /* our end and a workload's of the socket of steer.h, or -1 */
};

#define SESSION_PROGRAM_NONE                                                                       \
	((struct session_program){ .probe_fd = -1, .steer_fd = -1, .steered_fd = -1 })

/* session_program_open: false and a sentence if the shared memory cannot be had. */
bool session_program_open(struct session_program *program, const struct session_request *request,
			  struct why *why);
/* session_program_started: the workload has its own copy of its end of the socket. */
void session_program_started(struct session_program *program);

void session_program_close(struct session_program *program);

#endif
