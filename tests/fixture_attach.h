/*
 * fixture_attach: a program to attach to, told step by step what to do: this test program again.
 */
#ifndef TESTS_FIXTURE_ATTACH_H
#define TESTS_FIXTURE_ATTACH_H

#include <stdbool.h>
#include <sys/types.h>

/* What the program can be told, one letter each; it answers when it is done. */
enum {
	ATTACHED_STARTS_THREAD = 't', /* one more, called "late", in attached_late() */
	ATTACHED_FORKS = 'f',         /* a child, in attached_forked() */
	ATTACHED_ENDS_WORKER = 'e',   /* the thread "worker" leaves */
	ATTACHED_CHURNS = 'c',        /* start short threads all the time, from now on */
};

struct attached {
	pid_t pid;
	pid_t worker; /* tid of the thread "worker", in attached_worker() */
	int to, from;
};

/* attached_main: main() calls it first: does not return where this is the program to attach to. */
void attached_main(int argc, char **argv);

/* attached_start: it runs, with two threads that are busy: main, in attached_main_spins(), and
 * "worker". False if it cannot be started. */
bool attached_start(struct attached *attached);
void attached_tell(struct attached *attached, char what);

/* attached_end: it ends, and is collected. */
void attached_end(struct attached *attached);

/* attached_finish: it ends, but is not collected: a zombie. */
void attached_finish(struct attached *attached);

#endif
