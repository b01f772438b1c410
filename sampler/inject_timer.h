/*
 * inject_timer: the parts of libstoke-timer.so, which samples the program it is preloaded into by
 * a timer for each thread. The program comes first: whatever fails is told to the profiler, and
 * the program goes on as if nothing were here.
 */
#ifndef SAMPLER_INJECT_TIMER_H
#define SAMPLER_INJECT_TIMER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sampler/timer_memory.h"

/* One thread of the program. */
struct timer_thread {
	timer_t timer;
	bool has_timer;
	bool is_blocked, is_pending; /* SIGPROF as the program has it */
	uint32_t tid;
	uint64_t last_ns;               /* its CPU time at its last sample */
	uint64_t stack_low, stack_high; /* of its own stack; 0 0 = not known */
};

/* timer_thread_here: of the calling thread; a signal handler may ask. */
struct timer_thread *timer_thread_here(void);

/* timer_find_next: `*call`, a pointer to a function, becomes the `name` that is behind ours; NULL:
 * there is none. */
void timer_find_next(const char *name, void *call);

/* ---- inject_timer_signals.c: SIGPROF, shared with the program */

/*
 * timer_signals_open: from now on each signal of our timers calls `take`, in the thread it is of;
 * any other SIGPROF does what the program wants of it.
 */
void timer_signals_open(void (*take)(const void *context));

/* timer_signals_look: has somebody taken the signal from us behind our back, or have signals been
 * missing? It is told once. */
void timer_signals_look(bool is_missing);

/* timer_signals_unblock: let the signal through in this thread, whatever it inherited. */
void timer_signals_unblock(struct timer_thread *thread);

/* What a timer's signal carries, to be known by. */
extern const char timer_signals_cookie;

/* ---- inject_timer_samples.c: what is sent. All may be called in a signal handler but maps. */

/* timer_samples_open: with the memory in STOKE_TIMER_FD. False: there is none, or it is not for
 * this process. */
bool timer_samples_open(void);
const struct timer_control *timer_samples_control(void);

/* timer_samples_begin: tell that this program has begun, or this child has been forked; the first
 * that a new process sends. */
void timer_samples_begin(bool is_forked);

/* timer_samples_take: one sample of the calling thread. */
void timer_samples_take(const void *context);

/* timer_samples_rest: the calling thread ends. True: far more time has gone since its last signal
 * than a tick. */
bool timer_samples_rest(struct timer_thread *thread);

/* timer_samples_sum: at the program's end: is all of its time in samples? What is not is told. */
void timer_samples_sum(void);

void timer_samples_problem(enum timer_problem_code code, int error);

#endif
