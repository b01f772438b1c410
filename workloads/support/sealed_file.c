/*
 * The rename makes the change one step: whoever reads meanwhile sees the old file or the new one.
 */
#include "workloads/support/sealed_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool write_file(const char *path, const struct sealed *from, struct why *why)
{
	FILE *file = fopen(path, "wb");
	if (!file)
		return why_fail(why, "Cannot write %s: %s.", path, strerror(errno));
	bool is_good = fwrite(from->at, 1, from->used, file) == from->used;
	is_good = fclose(file) == 0 && is_good;
	return is_good || why_fail(why, "Cannot write %s: %s.", path, strerror(errno));
}

static bool replace(const struct sealed *file, const char *path, const char *beside,
		    struct why *why)
{
	bool is_good = write_file(beside, file, why);
	if (is_good && rename(beside, path) != 0)
		is_good =
			why_fail(why, "Cannot rename %s to %s: %s.", beside, path, strerror(errno));
	if (!is_good)
		remove(beside);
	return is_good;
}

bool sealed_save(struct sealed *file, const char *path, const struct sealed_kind *kind,
		 struct why *why)
{
	char beside[PATH_BYTES];
	sealed_put_u64(file, sum_of(file->at, file->used));
	bool fits = snprintf(beside, sizeof beside, "%s.new", path) < (int)sizeof beside;
	bool is_good = fits ? replace(file, path, beside, why)
			    : why_fail(why, "Cannot save %s: the path is longer than %d bytes.",
				       kind->name, PATH_BYTES);
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
