/*
 * attach_socket: the profiler's end of attach_message.h. Nothing here waits.
 */
#ifndef GPU_ATTACH_SOCKET_H
#define GPU_ATTACH_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gpu/attach_message.h"

enum attach_connection {
	ATTACH_CONNECTED,
	ATTACH_NOBODY,        /* nobody listens there */
	ATTACH_BUSY,          /* too many are waiting: try again */
	ATTACH_OTHER_NETWORK, /* it listens in another network namespace, which we may not enter */
	ATTACH_OTHER_PROCESS, /* somebody else has taken its name */
};

/* Where a process listens: a number in a namespace of processes. */
struct attach_place {
	uint64_t pid_namespace;
	uint32_t pid;
};

struct attach_peer {
	int fd;
	pid_t pid; /* as we number it */
	uid_t uid;
	struct attach_place place;
};

/* attach_socket_connect: to a process, wherever it is. */
enum attach_connection attach_socket_connect(pid_t pid, struct attach_peer *out);

/* attach_socket_connect_place: to whoever listens there; ours only. */
enum attach_connection attach_socket_connect_place(const struct attach_place *place,
						   struct attach_peer *out);

/* attach_socket_places: where processes listen in our network namespace; how many there are, at
 * most `most`. Cost: one reading of /proc/net/unix. */
uint32_t attach_socket_places(struct attach_place *out, uint32_t most);

/* attach_socket_ask: the request, with the memory. False: it has left. */
bool attach_socket_ask(int fd, int memory_fd, const struct gpu_attach_request *request);

enum attach_reply { ATTACH_NOT_YET, ATTACH_REPLIED, ATTACH_GONE };

/* attach_socket_reply: what has come, if anything. ATTACH_GONE: the other side has closed. */
enum attach_reply attach_socket_reply(int fd, struct gpu_attach_answer *out);

#endif
