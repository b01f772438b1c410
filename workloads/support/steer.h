/*
 * steer: new settings for a workload while it runs, from the program that started it: packets of
 * key=value words on a socket, whose descriptor is in STOKE_STEER_FD.
 */
#ifndef WORKLOADS_SUPPORT_STEER_H
#define WORKLOADS_SUPPORT_STEER_H

#include <stdbool.h>

enum { STEER_BYTES = 4096, STEER_MOST_WORDS = 64 };

struct steer {
	int fd; /* -1 = nobody steers */
	char text[STEER_BYTES];
	char *words[STEER_MOST_WORDS + 1]; /* of the packet taken last, NULL-terminated */
};

/* steer_open: from the environment; a descriptor that is no socket is left alone. */
void steer_open(struct steer *steer);

/*
 * steer_take: the newest packet that has come, into steer->words; false if there is none. Never
 * blocks; one system call.
 */
bool steer_take(struct steer *steer);

/*
 * steer_send: the other end: words to the workload at the other side of fd.
 * Returns  false if it does not listen any more, or the words are too many
 */
bool steer_send(int fd, char *const *words);

#endif
