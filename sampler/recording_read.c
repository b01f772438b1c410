/*
 * Reading a .stoke file: first the log is followed to its last whole commit, then everything up to
 * there is loaded. What comes after it was being written when the recorder died.
 */
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

#include "sampler/recording.h"
#include "sampler/recording_check.h"
#include "sampler/recording_file.h"
#include "sampler/recording_format.h"
#include "sampler/recording_window.h"

struct reader {
	const char *path;
	int fd;
	uint64_t file_bytes;
	uint64_t start, end; /* of the blocks up to the last commit */
	uint64_t stopped;    /* the first byte that is no part of a whole block */
	uint64_t counts[N_TABLES + 2];
	bool has_counts;
	uint8_t *stored, *plain; /* RECORDING_MOST_BLOCK_BYTES each */
};

static bool read_at(const struct reader *reader, uint64_t offset, void *out, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got =
			pread(reader->fd, (char *)out + done, n - done, (off_t)(offset + done));
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static bool read_header(struct reader *reader, struct why *why)
{
	struct recording_header header;
	if (!read_at(reader, 0, &header, sizeof header) ||
	    memcmp(header.magic, RECORDING_MAGIC, sizeof header.magic) != 0)
		return why_fail(why,
				"%s is not a stoke recording; record one with `stoke record -o "
				"FILE.stoke -- COMMAND`.",
				reader->path);
	if (header.endian != RECORDING_ENDIAN)
		return why_fail(why,
				"%s was recorded on a machine of the other byte order; read it "
				"there.",
				reader->path);
	if (header.version != RECORDING_VERSION)
		return why_fail(why,
				"%s has format version %u and this stoke reads version %d; use "
				"the stoke that wrote it.",
				reader->path, header.version, RECORDING_VERSION);
	uint32_t checksum = (uint32_t)crc32(0, (const Bytef *)&header,
					    offsetof(struct recording_header, checksum));
	if (checksum != header.checksum || header.header_bytes < sizeof header)
		return why_fail(why, "%s is damaged in its header.", reader->path);
	reader->start = header.header_bytes;
	return true;
}

/* The block at an offset, its rows left in reader->stored; false at the end and at damage. */
static bool read_block(struct reader *reader, uint64_t offset, struct recording_block *block)
{
	if (!read_at(reader, offset, block, sizeof *block) || block->mark != RECORDING_BLOCK)
		return false;
	uint32_t checksum = (uint32_t)crc32(0, (const Bytef *)block,
					    offsetof(struct recording_block, checksum));
	if (checksum != block->checksum || block->stored_bytes > RECORDING_MOST_BLOCK_BYTES ||
	    block->plain_bytes > RECORDING_MOST_BLOCK_BYTES ||
	    !read_at(reader, offset + sizeof *block, reader->stored, block->stored_bytes))
		return false;
	return (uint32_t)crc32(0, reader->stored, block->stored_bytes) == block->stored_checksum;
}

static void find_last_commit(struct reader *reader)
{
	struct recording_block block;
	uint64_t at = reader->start;
	reader->end = at;
	while (read_block(reader, at, &block)) {
		at += sizeof block + block.stored_bytes;
		if (block.kind != RECORDING_COMMIT)
			continue;
		reader->end = at;
		size_t n = block.stored_bytes / sizeof reader->counts[0];
		if (n != N_TABLES + 2 || block.flags & RECORDING_ZSTD)
			continue;
		memcpy(reader->counts, reader->stored, sizeof reader->counts);
		reader->has_counts = true;
	}
	reader->stopped = at;
}

static bool expand(struct reader *reader, const struct recording_block *block, const uint8_t **rows,
		   struct why *why)
{
	*rows = reader->stored;
	if (!(block->flags & RECORDING_ZSTD))
		return block->stored_bytes == block->plain_bytes ||
		       why_fail(why, "%s is damaged: a block's sizes disagree.", reader->path);
#if HAVE_ZSTD
	*rows = reader->plain;
	size_t n = ZSTD_decompress(reader->plain, block->plain_bytes, reader->stored,
				   block->stored_bytes);
	return n == block->plain_bytes ||
	       why_fail(why, "%s is damaged: a block does not decompress.", reader->path);
#else
	return why_fail(why,
			"%s is compressed and this stoke was built without zstd; install "
			"libzstd-dev and build again.",
			reader->path);
#endif
}

/* Rows of a version with more or fewer fields: the shared part is taken, the rest is zero. */
static void add_rows(struct table *table, const struct recording_block *block, const uint8_t *rows)
{
	if (block->row_bytes == table->row_bytes) {
		table_append(table, rows, block->n_rows);
		return;
	}
	size_t shared = block->row_bytes < table->row_bytes ? block->row_bytes : table->row_bytes;
	for (uint64_t i = 0; i < block->n_rows; i++) {
		uint64_t id = table_append(table, NULL, 1);
		memcpy(table->rows + id * table->row_bytes, rows + i * block->row_bytes, shared);
	}
}

static bool load_block(struct reader *reader, struct recording *recording,
		       const struct recording_block *block, struct why *why)
{
	const uint8_t *rows;
	if (block->kind >= N_TABLES)
		return true; /* a commit, or a table of a later version */
	if (block->row_bytes == 0 || block->n_rows > block->plain_bytes ||
	    block->n_rows * block->row_bytes != block->plain_bytes ||
	    block->first_row != recording->tables[block->kind].n_rows)
		return why_fail(why, "%s is damaged: rows are missing before byte %llu.",
				reader->path, (unsigned long long)reader->end);
	if (!expand(reader, block, &rows, why))
		return false;
	add_rows(&recording->tables[block->kind], block, rows);
	return true;
}

static bool load(struct reader *reader, struct recording *recording, struct why *why)
{
	struct recording_block block;
	for (uint64_t at = reader->start; at < reader->end;) {
		if (!read_block(reader, at, &block))
			return why_fail(why, "%s changed while it was read; try again.",
					reader->path);
		if (!load_block(reader, recording, &block, why))
			return false;
		at += sizeof block + block.stored_bytes;
	}
	if (reader->has_counts) {
		recording->start_ns = reader->counts[N_TABLES];
		recording->start_epoch_ns = reader->counts[N_TABLES + 1];
	}
	return recording_check(recording, reader->path, why);
}

static void note_cut(const struct reader *reader, struct recording *recording)
{
	char text[160];
	if (reader->end == reader->file_bytes)
		return;
	snprintf(text, sizeof text,
		 "The recording was cut short: its last %llu bytes hold no whole group of rows and "
		 "are left out.",
		 (unsigned long long)(reader->file_bytes - reader->end));
	recording_note(recording, SEVERITY_WARNING, "recording", text,
		       "At most the last half second before the end is missing.");
}

static bool open_reader(struct reader *reader, const char *path, struct why *why)
{
	struct stat status;
	reader->path = path;
	reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (reader->fd < 0 || fstat(reader->fd, &status) != 0)
		return why_fail(why, "Cannot read %s: %s; check the path.", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return why_fail(why, "Cannot read %s: it is not a plain file; give a recording.",
				path);
	reader->file_bytes = (uint64_t)status.st_size;
	return true;
}

static void fail_empty(const struct reader *reader, struct why *why)
{
	if (reader->stopped >= reader->file_bytes)
		why_fail(why,
			 "%s holds nothing yet: it was cut before the first half second was "
			 "written.",
			 reader->path);
	else
		why_fail(why,
			 "%s is cut or damaged at byte %llu, before its first half second was "
			 "whole: there is nothing to read.",
			 reader->path, (unsigned long long)reader->stopped);
}

struct recording *recording_file_open(const char *path, struct why *why)
{
	struct reader reader = { .fd = -1 };
	struct recording *recording = NULL;
	reader.stored = allocate(RECORDING_MOST_BLOCK_BYTES, 1);
	reader.plain = allocate(RECORDING_MOST_BLOCK_BYTES, 1);
	if (open_reader(&reader, path, why) && read_header(&reader, why)) {
		find_last_commit(&reader);
		if (reader.end == reader.start) {
			fail_empty(&reader, why);
		} else {
			recording = recording_new();
			if (!load(&reader, recording, why)) {
				recording_free(recording);
				recording = NULL;
			}
		}
	}
	if (recording) {
		recording_name_rest(recording, "[unknown: the recording ends before its name]");
		note_cut(&reader, recording);
		recording_publish(recording);
	}
	if (reader.fd >= 0)
		close(reader.fd);
	free(reader.stored);
	free(reader.plain);
	return recording;
}
