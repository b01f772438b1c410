/*
 * inject_listen: waits, in a program that nobody profiles, for a profiler to attach
 * (attach_message.h). One thread that sleeps until somebody connects: nothing else is done and
 * nothing is measured until then. Whoever connects can neither end nor stop the program: only its
 * own user and root are heard, messages have one size, and only sealed memory is mapped.
 */
#ifndef GPU_INJECT_LISTEN_H
#define GPU_INJECT_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gpu/attach_message.h"

struct inject_ring;

/* Called on the listening thread; the ring has its memory all the while between. */
struct inject_hooks {
	void (*begin)(bool wants_stalls);
	void (*end)(void);
};

/* inject_listen_start: false where nobody can connect; the program goes on. Once a process. */
bool inject_listen_start(struct inject_ring *ring, const struct inject_hooks *hooks);

/* inject_listen_forked: in a child that was forked away: its copies of the descriptors are closed,
 * so that the parent's end is seen. Async-signal-safe. */
void inject_listen_forked(void);

/* What is asked of a peer, apart for the tests. */
bool inject_listen_may(uid_t peer, uid_t own);
enum gpu_attach_code inject_listen_check(const void *message, size_t bytes,
					 struct gpu_attach_request *out);

#endif
