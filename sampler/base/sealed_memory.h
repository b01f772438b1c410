/*
 * sealed_memory: is what a descriptor names memory that nobody can make smaller? A library inside
 * a program writes to memory whose descriptor it is told by number, which may by now be any file:
 * one in a folder, or of huge pages that may not be there, could end the program at a touch.
 * Header-only: it is compiled into programs.
 */
#ifndef SAMPLER_BASE_SEALED_MEMORY_H
#define SAMPLER_BASE_SEALED_MEMORY_H

#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static inline bool sealed_memory_is_at_least(int fd, size_t n_bytes)
{
	const int demanded = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct stat file;
	struct statfs system;
	int seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & demanded) == demanded && fstat(fd, &file) == 0 &&
	       file.st_size >= 0 && (size_t)file.st_size >= n_bytes && fstatfs(fd, &system) == 0 &&
	       system.f_type == TMPFS_MAGIC;
}

#endif
