/*
 * Programs do strange things to what they did not open: they close all descriptors to become
 * daemons, and fork. So each descriptor is looked at before it is used: it is ours only as long as
 * there is behind it what there was. Source: unix(7), memfd_create(2).
 */
#include "gpu/inject_listen.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gpu/gpu_record.h"
#include "gpu/inject_ring.h"

enum {
	REQUEST_MS = 1000, /* for a profiler to say what it wants */
	REST_MS = 10,      /* between connections: who knocks in a loop costs the program little */
	BACKLOG = 8,
	MOST_FDS = 4, /* of a message; all but one are closed at once */
};

struct own_fd {
	_Atomic int fd; /* -1 = none */
	dev_t device;
	ino_t inode;
};

static struct {
	struct own_fd socket, connection;
	struct inject_ring *ring;
	struct inject_hooks hooks;
} listening = { .socket.fd = -1, .connection.fd = -1 };

static bool is_ours(const struct own_fd *own)
{
	struct stat now;
	int fd = atomic_load_explicit(&own->fd, memory_order_acquire);
	return fd >= 0 && fstat(fd, &now) == 0 && S_ISSOCK(now.st_mode) &&
	       now.st_dev == own->device && now.st_ino == own->inode;
}

static void own(struct own_fd *out, int fd)
{
	struct stat now;
	if (fstat(fd, &now) != 0)
		return;
	out->device = now.st_dev;
	out->inode = now.st_ino;
	atomic_store_explicit(&out->fd, fd, memory_order_release);
}

static void drop(struct own_fd *own)
{
	if (is_ours(own))
		close(atomic_load_explicit(&own->fd, memory_order_relaxed));
	atomic_store_explicit(&own->fd, -1, memory_order_release);
}

static void rest(void)
{
	const struct timespec time = { 0, REST_MS * 1000000l };
	nanosleep(&time, NULL);
}

/* ---- messages */

bool inject_listen_may(uid_t peer, uid_t own)
{
	return peer == own || peer == 0;
}

enum gpu_attach_code inject_listen_check(const void *message, size_t bytes,
					 struct gpu_attach_request *out)
{
	*out = (struct gpu_attach_request){ 0 };
	if (bytes != sizeof *out)
		return GPU_ATTACH_NO_SENSE;
	memcpy(out, message, sizeof *out);
	if (out->magic != GPU_ATTACH_MAGIC || out->version != GPU_ATTACH_VERSION)
		return GPU_ATTACH_NO_SENSE;
	return out->n_records == GPU_RING_RECORDS ? GPU_ATTACH_DONE : GPU_ATTACH_BAD_MEMORY;
}

static void answer(int fd, enum gpu_attach_code code, pid_t pid)
{
	struct gpu_attach_answer answer = { GPU_ATTACH_MAGIC, GPU_ATTACH_VERSION, code,
					    pid > 0 ? (uint32_t)pid : 0 };
	ssize_t sent = send(fd, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)sent; /* it has left, or does not read: its business */
}

/* The one descriptor of a message; others are closed. -1 if there is not exactly one. */
static int take_fd(struct msghdr *header)
{
	int fds[MOST_FDS], n = 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t bytes = part->cmsg_len - CMSG_LEN(0);
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;
			memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
			if (n == MOST_FDS)
				close(fd);
			else
				fds[n++] = fd;
		}
	}
	if (n == 1 && !(header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return fds[0];
	while (n > 0)
		close(fds[--n]);
	return -1;
}

static enum gpu_attach_code read_request(int fd, struct gpu_attach_request *request, int *memory)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MOST_FDS * sizeof(int))];
	char bytes[sizeof *request + 1]; /* one more than may come */
	struct iovec place = { bytes, sizeof bytes };
	struct msghdr header = { .msg_iov = &place,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof control };
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	if (poll(&wait, 1, REQUEST_MS) != 1)
		return GPU_ATTACH_NO_SENSE;
	ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return GPU_ATTACH_NO_SENSE;
	*memory = take_fd(&header);
	enum gpu_attach_code code = inject_listen_check(bytes, (size_t)n, request);
	return code == GPU_ATTACH_DONE && *memory < 0 ? GPU_ATTACH_BAD_MEMORY : code;
}

/* ---- connections */

/* -1: nobody was there any more, or there are no descriptors left. */
static int accept_one(struct ucred *peer)
{
	socklen_t bytes = sizeof *peer;
	if (!is_ours(&listening.socket))
		return -1;
	int fd = accept4(atomic_load(&listening.socket.fd), NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &bytes) == 0 &&
	    inject_listen_may(peer->uid, geteuid()))
		return fd;
	answer(fd, GPU_ATTACH_OTHER_USER, 0);
	close(fd);
	return -1;
}

static void turn_away(pid_t holder)
{
	struct ucred peer;
	int fd = accept_one(&peer);
	if (fd >= 0) {
		answer(fd, GPU_ATTACH_TAKEN, holder);
		close(fd);
	}
	rest();
}

/* Until the profiler closes, or says anything more at all: there is nothing to be said. */
static void hold(pid_t holder)
{
	while (is_ours(&listening.connection)) {
		struct pollfd fds[] = {
			{ .fd = atomic_load(&listening.connection.fd), .events = POLLIN },
			{ .fd = is_ours(&listening.socket) ? atomic_load(&listening.socket.fd) : -1,
			  .events = POLLIN },
		};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			return;
		if (fds[1].revents)
			turn_away(holder);
	}
}

static void serve(const struct ucred *peer)
{
	struct gpu_attach_request request;
	int memory = -1, fd = atomic_load(&listening.connection.fd);
	enum gpu_attach_code code = read_request(fd, &request, &memory);
	if (code == GPU_ATTACH_DONE && !inject_ring_attach(listening.ring, memory, request.pid))
		code = GPU_ATTACH_BAD_MEMORY;
	if (memory >= 0)
		close(memory);
	if (is_ours(&listening.connection))
		answer(fd, code, getpid());
	if (code == GPU_ATTACH_DONE) {
		listening.hooks.begin(request.flags & GPU_ATTACH_STALLS);
		hold(peer->pid);
		listening.hooks.end();
		inject_ring_detach(listening.ring);
	}
	drop(&listening.connection);
}

static void *listen_on(void *unused)
{
	prctl(PR_SET_NAME, "stoke-gpu");
	while (is_ours(&listening.socket)) {
		struct ucred peer;
		struct pollfd wait = { .fd = atomic_load(&listening.socket.fd), .events = POLLIN };
		if (poll(&wait, 1, -1) < 0 && errno != EINTR)
			break;
		int fd = accept_one(&peer);
		if (fd >= 0) {
			own(&listening.connection, fd);
			serve(&peer);
		}
		rest();
	}
	return unused;
}

/* ---- setting up */

static bool open_socket(void)
{
	struct sockaddr_un address;
	struct stat namespace;
	if (stat("/proc/self/ns/pid", &namespace) != 0)
		return false;
	socklen_t bytes = gpu_attach_address(&address, namespace.st_ino, (uint32_t)getpid());
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	if (bind(fd, (const struct sockaddr *)&address, bytes) != 0 || listen(fd, BACKLOG) != 0) {
		close(fd);
		return false;
	}
	own(&listening.socket, fd);
	return true;
}

/* The program's signals are not for this thread; those of a fault are for whoever made it. */
static bool start_thread(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT };
	pthread_t thread;
	sigset_t blocked, old;
	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	bool is_started = pthread_create(&thread, NULL, listen_on, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (is_started)
		pthread_detach(thread);
	return is_started;
}

bool inject_listen_start(struct inject_ring *ring, const struct inject_hooks *hooks)
{
	listening.ring = ring;
	listening.hooks = *hooks;
	if (!open_socket())
		return false;
	if (start_thread())
		return true;
	drop(&listening.socket);
	return false;
}

void inject_listen_forked(void)
{
	drop(&listening.socket);
	drop(&listening.connection);
}
