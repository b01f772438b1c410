/*
 * Writing a .stoke file. A flush is one group of blocks with a commit at its end, written at once;
 * if the disk is full the file is cut back to the last commit, so it stays readable.
 */
#include "sampler/recording_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "sampler/base/file.h"
#include "sampler/recording.h"
#include "sampler/recording_format.h"

enum {
	/* Level 1 halves stack rows for 1 ns a byte; higher levels gain a tenth for ten times that.
	 */
	COMPRESSION_LEVEL = 1,
	LEAST_COMPRESSED_BYTES = 256,
};

struct recording_file {
	int fd;
	char *path;
	char *temporary; /* its name until it is placed; NULL afterwards, and for pipes */
	uint64_t n_written[N_TABLES];
	off_t good_bytes; /* end of the last commit */
	uint8_t *buffer;
	size_t n_buffer, capacity;
};

static void append(struct recording_file *file, const void *bytes, size_t n)
{
	while (file->n_buffer + n > file->capacity) {
		file->capacity = file->capacity ? file->capacity * 2 : 1 << 16;
		file->buffer = reallocate(file->buffer, file->capacity, 1);
	}
	if (n)
		memcpy(file->buffer + file->n_buffer, bytes, n);
	file->n_buffer += n;
}

/* Compressed rows behind the buffer's end, if that is shorter; returns their length or 0. */
static size_t compress_rows(struct recording_file *file, const void *rows, size_t n_bytes)
{
#if HAVE_ZSTD
	if (n_bytes < LEAST_COMPRESSED_BYTES)
		return 0;
	size_t bound = ZSTD_compressBound(n_bytes), at = file->n_buffer;
	static const uint8_t nothing[1];
	append(file, nothing, 1);
	while (file->capacity < at + bound) {
		file->capacity *= 2;
		file->buffer = reallocate(file->buffer, file->capacity, 1);
	}
	file->n_buffer = at;
	size_t n = ZSTD_compress(file->buffer + at, bound, rows, n_bytes, COMPRESSION_LEVEL);
	return ZSTD_isError(n) || n >= n_bytes ? 0 : n;
#else
	(void)file;
	(void)rows;
	(void)n_bytes;
	return 0;
#endif
}

static void append_block(struct recording_file *file, uint32_t kind, uint64_t first_row,
			 uint64_t n_rows, uint32_t row_bytes, const void *rows)
{
	size_t plain = n_rows * row_bytes, at = file->n_buffer;
	struct recording_block block = { .mark = RECORDING_BLOCK,
					 .kind = kind,
					 .first_row = first_row,
					 .n_rows = n_rows,
					 .row_bytes = row_bytes,
					 .plain_bytes = (uint32_t)plain };
	append(file, &block, sizeof block);
	size_t stored = compress_rows(file, rows, plain);
	block.flags = stored ? RECORDING_ZSTD : 0;
	block.stored_bytes = (uint32_t)(stored ? stored : plain);
	if (stored)
		file->n_buffer += stored;
	else
		append(file, rows, plain);
	block.stored_checksum =
		(uint32_t)crc32(0, file->buffer + at + sizeof block, block.stored_bytes);
	block.checksum = (uint32_t)crc32(0, (const Bytef *)&block,
					 offsetof(struct recording_block, checksum));
	memcpy(file->buffer + at, &block, sizeof block);
}

static void append_table(struct recording_file *file, const struct recording *recording,
			 uint32_t table, uint64_t n_rows)
{
	const struct table *rows = &recording->tables[table];
	uint64_t most = RECORDING_MOST_BLOCK_BYTES / rows->row_bytes;
	for (uint64_t at = file->n_written[table]; at < n_rows;) {
		uint64_t n = n_rows - at < most ? n_rows - at : most;
		append_block(file, table, at, n, (uint32_t)rows->row_bytes, table_row(rows, at));
		at += n;
	}
}

static bool write_header(int fd)
{
	struct recording_header header = { .magic = RECORDING_MAGIC,
					   .version = RECORDING_VERSION,
					   .endian = RECORDING_ENDIAN,
					   .header_bytes = sizeof header };
	header.checksum = (uint32_t)crc32(0, (const Bytef *)&header,
					  offsetof(struct recording_header, checksum));
	return file_write_all(fd, &header, sizeof header);
}

/* What is there but no plain file (a pipe, /dev/full) is written to, never replaced. */
static int open_special(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
		return -1;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write_header(fd) ? fd : -2;
}

/* A name beside the path, so that placing it is one rename. *temporary is freed by the caller. */
static int open_new(const char *path, char **temporary)
{
	size_t n = strlen(path) + sizeof ".XXXXXX";
	*temporary = allocate(n, 1);
	snprintf(*temporary, n, "%s.XXXXXX", path);
	int fd = mkostemp(*temporary, O_CLOEXEC | O_APPEND);
	if (fd >= 0 && write_header(fd))
		return fd;
	int error = errno;
	if (fd >= 0) {
		unlink(*temporary);
		close(fd);
	}
	free(*temporary);
	*temporary = NULL;
	errno = error;
	return -1;
}

static bool fail_path(const char *path, struct why *why)
{
	return why_fail(why, "Cannot write the recording %s: %s; choose another place with -o.",
			path, strerror(errno));
}

struct recording_file *recording_file_create(const char *path, struct why *why)
{
	char *temporary = NULL;
	int fd = open_special(path);
	if (fd == -1)
		fd = open_new(path, &temporary);
	if (fd < 0) {
		fail_path(path, why);
		return NULL;
	}
	struct recording_file *file = allocate(1, sizeof *file);
	file->fd = fd;
	file->path = strdup(path);
	file->temporary = temporary;
	file->good_bytes = sizeof(struct recording_header);
	/* Row 0 of a table is the same everywhere; it is not written. */
	for (int i = 0; i < N_TABLES; i++)
		file->n_written[i] = i == TABLE_OUTPUTS ? 0 : 1;
	return file;
}

bool recording_file_place(struct recording_file *file, struct why *why)
{
	if (!file->temporary)
		return true;
	if (rename(file->temporary, file->path) != 0)
		return fail_path(file->path, why);
	free(file->temporary);
	file->temporary = NULL;
	return true;
}

static void close_file(struct recording_file *file)
{
	close(file->fd);
	free(file->buffer);
	free(file->temporary);
	free(file->path);
	free(file);
}

void recording_file_discard(struct recording_file *file)
{
	if (!file)
		return;
	if (file->temporary)
		unlink(file->temporary);
	close_file(file);
}

bool recording_file_flush(struct recording_file *file, const struct recording *recording,
			  struct why *why)
{
	struct moment moment = recording_moment(recording);
	/* Times of the rows are CLOCK_MONOTONIC; the start is written with each commit, because the
	 * header exists before the recording does. */
	uint64_t counts[N_TABLES + 2];
	memcpy(counts, moment.n, sizeof moment.n);
	counts[N_TABLES] = recording->start_ns;
	counts[N_TABLES + 1] = recording->start_epoch_ns;
	file->n_buffer = 0;
	for (uint32_t i = 0; i < N_TABLES; i++)
		append_table(file, recording, i, moment.n[i]);
	if (file->n_buffer == 0)
		return true;
	append_block(file, RECORDING_COMMIT, N_TABLES, N_TABLES + 2, sizeof counts[0], counts);
	if (!file_write_all(file->fd, file->buffer, file->n_buffer)) {
		int error = errno;
		/* On a pipe this fails and does not matter: the reader stops at the last commit. */
		if (ftruncate(file->fd, file->good_bytes) != 0)
			errno = error;
		return why_fail(why,
				"Cannot write the recording %s: %s; what is there stays "
				"readable.",
				file->path, strerror(error));
	}
	file->good_bytes += (off_t)file->n_buffer;
	memcpy(file->n_written, moment.n, sizeof moment.n);
	return true;
}

uint64_t recording_file_bytes(const struct recording_file *file)
{
	return (uint64_t)file->good_bytes;
}

/* No folder holds the file any more. */
static bool has_vanished(const struct recording_file *file)
{
	struct stat status;
	return fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0;
}

bool recording_file_close(struct recording_file *file, const struct recording *recording,
			  struct why *why)
{
	if (!file)
		return true;
	bool is_good = recording_file_flush(file, recording, why);
	is_good = recording_file_place(file, is_good ? why : NULL) && is_good;
	if (is_good && has_vanished(file))
		is_good = why_fail(why, "Cannot write the recording %s: its folder is gone.",
				   file->path);
	if (is_good && fsync(file->fd) != 0 && errno != EINVAL && errno != EROFS)
		is_good = why_fail(why, "Cannot finish the recording %s: %s.", file->path,
				   strerror(errno));
	close_file(file);
	return is_good;
}
