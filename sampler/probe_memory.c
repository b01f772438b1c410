/* A sealed memfd: no name in any file system, and a target cannot shrink it under us. */
#include "sampler/probe_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/base/shared_ring.h"

struct shared_ring *probe_memory_map(int fd, uint32_t n_records, struct why *why)
{
	struct shared_ring *ring =
		mmap(NULL, shared_ring_bytes(n_records), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring != MAP_FAILED)
		return ring;
	why_fail(why, "Cannot map the memory shared with the program: %s.", strerror(errno));
	return NULL;
}

void probe_memory_unmap(struct shared_ring *ring, uint32_t n_records)
{
	if (ring)
		munmap(ring, shared_ring_bytes(n_records));
}

int probe_memory_create(uint32_t n_records, struct why *why)
{
	int fd = memfd_create("stoke-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)shared_ring_bytes(n_records)) != 0) {
		why_fail(why, "Cannot make memory to share with the program: %s.", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	struct shared_ring *ring = probe_memory_map(fd, n_records, why);
	if (!ring) {
		close(fd);
		return -1;
	}
	shared_ring_init(ring, n_records);
	probe_memory_unmap(ring, n_records);
	return fd;
}
