/*
 * session_timer: what a program is started with where perf_event_open is forbidden: the library
 * that samples it from inside, and the memory that it writes to.
 */
#ifndef TUI_SESSION_TIMER_H
#define TUI_SESSION_TIMER_H

#include "sampler/base/why.h"

struct sampling;

struct session_timer {
	int fd;               /* 0 = it is not needed, or cannot be had */
	char *environment[3]; /* for struct launch; ended by NULL */
};

/* session_timer_open: nothing where perf_event_open works, nor where the library is missing: then
 * the sampling source says what is forbidden. */
void session_timer_open(struct session_timer *timer, const struct sampling *sampling);
void session_timer_close(struct session_timer *timer);

/* session_timer_library: path of libstoke-timer.so of this build or installation, as LD_PRELOAD can
 * name it; NULL and a sentence. Freed with free(). */
char *session_timer_library(struct why *why);

#endif
