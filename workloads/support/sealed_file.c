/*
 * The rename makes the change one step: whoever reads meanwhile sees the old file or the new one.
 */
#include "workloads/support/sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/file.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files are written as they lie in memory, little-endian"
#endif

enum { PATH_BYTES = 4096 };

static uint64_t sum_of(const unsigned char *bytes, size_t n)
{
	uint64_t sum = 14695981039346656037U;
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 1099511628211U;
	return sum;
}

void sealed_put(struct sealed *file, const void *from, size_t n)
{
	if (file->at)
		memcpy(file->at + file->used, from, n);
	file->used += n;
}

void sealed_put_u32(struct sealed *file, size_t value)
{
	uint32_t narrow = (uint32_t)value;
	sealed_put(file, &narrow, sizeof narrow);
}

void sealed_put_u64(struct sealed *file, uint64_t value)
{
	sealed_put(file, &value, sizeof value);
}

void sealed_put_head(struct sealed *file, const struct sealed_kind *kind)
{
	sealed_put(file, kind->magic, SEALED_MAGIC_BYTES);
	sealed_put_u32(file, kind->version);
}

void sealed_allocate(struct sealed *file)
{
	file->bytes = file->used + SEALED_SUM_BYTES;
	file->at = allocate(file->bytes, 1);
	file->used = 0;
}

static bool fail_path(const char *path, struct why *why)
{
	return why_fail(why, "Cannot write %s: %s.", path, strerror(errno));
}

/* fd is closed in any case. */
static bool write_to(int fd, const struct sealed *file)
{
	bool is_good = file_write_all(fd, file->at, file->used);
	int error = errno;
	if (close(fd) != 0 && is_good)
		return false;
	errno = error;
	return is_good;
}

/* What is there and no plain file (a pipe, /dev/null) is written to, never replaced. */
static bool write_into(const char *path, const struct sealed *file, struct why *why)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return (fd >= 0 && write_to(fd, file)) || fail_path(path, why);
}

/* A file beside it takes its place, with its rights if it had some. One that a run before us left
 * behind is written over. */
static bool replace(const char *path, const struct stat *old, const struct sealed *file,
		    struct why *why)
{
	char beside[PATH_BYTES];
	if (snprintf(beside, sizeof beside, "%s.%d.new", path, (int)getpid()) >= (int)sizeof beside)
		return why_fail(why, "Cannot write %s: the path is longer than %d bytes.", path,
				PATH_BYTES);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail_path(path, why);
	if (old)
		(void)fchmod(fd, old->st_mode & 07777); /* not ours to change: the usual ones */
	if (write_to(fd, file) && rename(beside, path) == 0)
		return true;
	fail_path(path, why);
	unlink(beside);
	return false;
}

bool sealed_save(struct sealed *file, const char *path, struct why *why)
{
	struct stat old;
	bool is_there = stat(path, &old) == 0;
	char *real = is_there ? realpath(path, NULL) : NULL; /* a link stays one */
	sealed_put_u64(file, sum_of(file->at, file->used));
	bool is_good = is_there && !S_ISREG(old.st_mode)
			       ? write_into(path, file, why)
			       : replace(real ? real : path, is_there ? &old : NULL, file, why);
	free(real);
	free(file->at);
	*file = (struct sealed){ 0 };
	return is_good;
}

const unsigned char *sealed_get(struct sealed *file, size_t n)
{
	if (n > file->bytes - file->used)
		return NULL;
	file->used += n;
	return file->at + file->used - n;
}

bool sealed_copy(struct sealed *file, void *to, size_t n)
{
	const unsigned char *from = sealed_get(file, n);
	if (from)
		memcpy(to, from, n);
	return from != NULL;
}

bool sealed_open(struct sealed *file, const struct sealed_kind *kind, const char *path,
		 struct why *why)
{
	const unsigned char *magic = sealed_get(file, SEALED_MAGIC_BYTES);
	uint32_t version;
	uint64_t sum;
	if (!magic || memcmp(magic, kind->magic, SEALED_MAGIC_BYTES) != 0)
		return why_fail(why, "%s holds no %s of stoke.", path, kind->name);
	if (!sealed_copy(file, &version, sizeof version) || version != kind->version)
		return why_fail(why, "%s has another version than %u; save it anew.", path,
				kind->version);
	if (file->bytes < file->used + SEALED_SUM_BYTES)
		return why_fail(why, "%s is cut short.", path);
	file->bytes -= SEALED_SUM_BYTES;
	memcpy(&sum, file->at + file->bytes, sizeof sum);
	return sum == sum_of(file->at, file->bytes) ||
	       why_fail(why, "%s is damaged or cut short: its check sum is wrong.", path);
}
