/*
 * A socket belongs to the network namespace in which it was made, and abstract names are of one:
 * to reach into a container the thread goes there for the moment of making it.
 * Source: unix(7), network_namespaces(7), setns(2), proc_net(5).
 */
#include "gpu/attach_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpu/gpu_process.h"
#include "sampler/base/why.h"

enum { MOST_SOCKETS = 1 << 17, PATH_BYTES = 64 };

static uint64_t namespace_of(pid_t pid, const char *kind)
{
	char path[PATH_BYTES];
	struct stat namespace;
	if (pid)
		snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind);
	else
		snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
	return stat(path, &namespace) == 0 ? namespace.st_ino : 0;
}

static int make_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* -1: we may not. Of this thread only. */
static int make_socket_there(pid_t pid)
{
	char path[PATH_BYTES];
	int fd = -1;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(path, O_RDONLY | O_CLOEXEC);
	if (here >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		fd = make_socket();
		if (setns(here, CLONE_NEWNET) != 0)
			die("Cannot come back from the network namespace of process %d: %s.",
			    (int)pid, strerror(errno));
	}
	if (here >= 0)
		close(here);
	if (there >= 0)
		close(there);
	return fd;
}

/* Takes fd. */
static enum attach_connection connect_to(int fd, const struct attach_place *place,
					 struct attach_peer *out)
{
	struct sockaddr_un address;
	struct ucred peer;
	socklen_t bytes = gpu_attach_address(&address, place->pid_namespace, place->pid);
	socklen_t peer_bytes = sizeof peer;
	if (connect(fd, (const struct sockaddr *)&address, bytes) != 0) {
		enum attach_connection result = errno == EAGAIN ? ATTACH_BUSY : ATTACH_NOBODY;
		close(fd);
		return result;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) != 0) {
		close(fd);
		return ATTACH_NOBODY;
	}
	*out = (struct attach_peer){ fd, peer.pid, peer.uid, *place };
	return ATTACH_CONNECTED;
}

enum attach_connection attach_socket_connect_place(const struct attach_place *place,
						   struct attach_peer *out)
{
	int fd = make_socket();
	return fd >= 0 ? connect_to(fd, place, out) : ATTACH_BUSY;
}

enum attach_connection attach_socket_connect(pid_t pid, struct attach_peer *out)
{
	struct gpu_process process;
	uint64_t network = namespace_of(pid, "net");
	bool is_elsewhere = network && network != namespace_of(0, "net");
	struct attach_place place = { namespace_of(pid, "pid"), (uint32_t)pid };
	if (place.pid_namespace == 0) /* we may not look: it is most likely where we are */
		place.pid_namespace = namespace_of(0, "pid");
	if (gpu_process_read("", (uint32_t)pid, &process))
		place.pid = process.inner_pid;
	int fd = is_elsewhere ? make_socket_there(pid) : make_socket();
	if (fd < 0)
		return is_elsewhere ? ATTACH_OTHER_NETWORK : ATTACH_BUSY;
	enum attach_connection result = connect_to(fd, &place, out);
	if (result != ATTACH_CONNECTED || out->pid == pid)
		return result;
	close(out->fd);
	return ATTACH_OTHER_PROCESS;
}

/* "...: 00000002 00000000 00010000 0005 01 12345 @stoke-gpu-4026531836-4711" */
static bool read_place(const char *line, struct attach_place *out)
{
	const char *at = strstr(line, " @" GPU_ATTACH_NAME);
	char *end;
	if (!at)
		return false;
	at += strlen(" @" GPU_ATTACH_NAME);
	out->pid_namespace = strtoull(at, &end, 10);
	if (end == at || *end != '-')
		return false;
	at = end + 1;
	unsigned long pid = strtoul(at, &end, 10);
	out->pid = (uint32_t)pid;
	return end != at && pid > 0 && pid <= INT32_MAX;
}

static bool is_known(const struct attach_place *places, uint32_t n,
		     const struct attach_place *place)
{
	for (uint32_t i = 0; i < n; i++)
		if (places[i].pid == place->pid && places[i].pid_namespace == place->pid_namespace)
			return true;
	return false;
}

/* Connections have the name of the socket they came through: each is taken once. */
uint32_t attach_socket_places(struct attach_place *out, uint32_t most)
{
	char line[256];
	uint32_t n = 0;
	FILE *file = fopen("/proc/net/unix", "re");
	for (uint32_t i = 0; file && i < MOST_SOCKETS && n < most; i++) {
		if (!fgets(line, sizeof line, file))
			break;
		if (read_place(line, &out[n]) && !is_known(out, n, &out[n]))
			n++;
	}
	if (file)
		fclose(file);
	return n;
}

bool attach_socket_ask(int fd, int memory_fd, const struct gpu_attach_request *request)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct gpu_attach_request copy = *request;
	struct iovec place = { &copy, sizeof copy };
	struct msghdr header = { .msg_iov = &place,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof control };
	struct cmsghdr *part = CMSG_FIRSTHDR(&header);
	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(part), &memory_fd, sizeof memory_fd);
	return sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof copy;
}

/* An answer that was closed behind, with a request unread before it, comes after an error. */
enum attach_reply attach_socket_reply(int fd, struct gpu_attach_answer *out)
{
	ssize_t n = recv(fd, out, sizeof *out, MSG_DONTWAIT);
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, out, sizeof *out, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return ATTACH_NOT_YET;
	return n == (ssize_t)sizeof *out && out->magic == GPU_ATTACH_MAGIC ? ATTACH_REPLIED
									   : ATTACH_GONE;
}
