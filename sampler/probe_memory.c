/* A sealed memfd: no name in any file system, and a target cannot shrink it under us. */
#include "sampler/probe_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/base/shared_ring.h"

struct shared_ring *probe_memory_map(int fd, struct why *why)
{
	struct shared_ring *ring =
		mmap(NULL, sizeof *ring, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring != MAP_FAILED)
		return ring;
	why_fail(why, "Cannot map the memory shared with the program: %s.", strerror(errno));
	return NULL;
}

void probe_memory_unmap(struct shared_ring *ring)
{
	if (ring)
		munmap(ring, sizeof *ring);
}

int probe_memory_create(struct why *why)
{
	int fd = memfd_create("stoke-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, sizeof(struct shared_ring)) != 0) {
		why_fail(why, "Cannot make memory to share with the program: %s.", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	struct shared_ring *ring = probe_memory_map(fd, why);
	if (!ring) {
		close(fd);
		return -1;
	}
	shared_ring_init(ring);
	probe_memory_unmap(ring);
	return fd;
}
