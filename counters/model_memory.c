/* A sealed memfd: no name in any file system, and a target cannot shrink it under us. */
#include "counters/model_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t whole_bytes = sizeof(struct model_memory) * MODEL_PROCESSES;

struct model_memory *model_memory_map(int fd, struct why *why)
{
	void *memory =
		mmap(NULL, whole_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (memory != MAP_FAILED)
		return memory;
	why_fail(why, "Cannot map the memory shared with the cache model: %s.", strerror(errno));
	return NULL;
}

void model_memory_unmap(struct model_memory *memory)
{
	if (memory)
		munmap(memory, whole_bytes);
}

int model_memory_create(struct why *why)
{
	int fd = memfd_create("stoke-model", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)whole_bytes) != 0) {
		why_fail(why, "Cannot make memory to share with the cache model: %s.",
			 strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	struct model_memory *memory = model_memory_map(fd, why);
	if (!memory) {
		close(fd);
		return -1;
	}
	for (int i = 0; i < MODEL_PROCESSES; i++) {
		memory[i].bytes = sizeof *memory;
		memory[i].version = MODEL_VERSION;
		memory[i].magic = MODEL_MAGIC;
	}
	model_memory_unmap(memory);
	return fd;
}
