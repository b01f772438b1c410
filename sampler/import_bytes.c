/* Reading through zlib, which hands bytes that are not compressed through as they are. */
#include "sampler/import_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "sampler/base/text.h"

enum {
	FIRST_BYTES = 1 << 20,
	MOST_PIECE_BYTES = 1 << 30,
	MOST_LINE_BYTES = 1 << 20, /* a stack of 500 C++ names is some 100 KiB */
	READ_BYTES = 128 << 10,    /* zlib's own buffer; its 8 KiB are slow */
};

/* errno tells why not. A FIFO under that name must not hold us up. */
static gzFile open_plain(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		errno = EINVAL;
		return NULL;
	}
	gzFile file = gzdopen(fd, "rb");
	if (!file)
		die("out of memory reading a file");
	gzbuffer(file, READ_BYTES);
	return file;
}

/* zlib counts in int. */
static unsigned piece(size_t n_bytes)
{
	return n_bytes > MOST_PIECE_BYTES ? MOST_PIECE_BYTES : (unsigned)n_bytes;
}

static void fail_open(const char *path, struct why *why)
{
	char clean[256];
	why_fail(why, "Cannot read %s: %s; check the path.", text_clean(clean, sizeof clean, path),
		 errno == EINVAL ? "it is no plain file" : strerror(errno));
}

size_t import_head(const char *path, unsigned char *head, size_t n_bytes)
{
	gzFile file = open_plain(path);
	if (!file)
		return 0;
	int n = gzread(file, head, (unsigned)n_bytes);
	gzclose(file);
	return n > 0 ? (size_t)n : 0;
}

char *import_bytes(const char *path, size_t most_bytes, size_t *n_bytes, bool *is_cut,
		   struct why *why)
{
	char clean[256];
	text_clean(clean, sizeof clean, path);
	gzFile file = open_plain(path);
	if (!file) {
		fail_open(path, why);
		return NULL;
	}
	size_t capacity = FIRST_BYTES, n = 0;
	char *bytes = allocate(capacity + 1, 1);
	int got;
	while (n <= most_bytes && (got = gzread(file, bytes + n, piece(capacity - n))) > 0) {
		n += (size_t)got;
		if (n == capacity)
			bytes = reallocate(bytes, (capacity *= 2) + 1, 1);
	}
	int error = Z_OK;
	gzerror(file, &error);
	*is_cut = error != Z_OK && error != Z_STREAM_END;
	gzclose(file);
	if (n > most_bytes) {
		char most[TEXT_BYTES];
		free(bytes);
		why_fail(why,
			 "%s is larger than %s, which is the most that is read of such a file.",
			 clean, text_memory(most, sizeof most, (double)most_bytes));
		return NULL;
	}
	bytes[n] = '\0';
	*n_bytes = n;
	return bytes;
}

struct import_lines {
	gzFile file;
	char *line;
	size_t at, n; /* in the buffer */
	bool is_broken;
	char buffer[READ_BYTES];
};

struct import_lines *import_lines_open(const char *path, struct why *why)
{
	gzFile file = open_plain(path);
	if (!file) {
		fail_open(path, why);
		return NULL;
	}
	struct import_lines *lines = allocate(1, sizeof *lines);
	lines->file = file;
	lines->line = allocate(MOST_LINE_BYTES + 1, 1);
	return lines;
}

static bool fill(struct import_lines *lines)
{
	if (lines->at < lines->n)
		return true;
	int got = gzread(lines->file, lines->buffer, READ_BYTES);
	int error = Z_OK;
	gzerror(lines->file, &error);
	lines->is_broken |= got < 0 || (error != Z_OK && error != Z_STREAM_END);
	lines->at = 0;
	lines->n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static void replace_nuls(char *line, size_t n)
{
	for (char *at = line; (at = memchr(at, '\0', n - (size_t)(at - line)));)
		*at = '?';
}

char *import_lines_next(struct import_lines *lines)
{
	size_t n = 0;
	const char *end = NULL;
	if (!fill(lines))
		return NULL;
	while (!end && fill(lines)) {
		const char *from = lines->buffer + lines->at;
		size_t left = lines->n - lines->at;
		end = memchr(from, '\n', left);
		size_t part = end ? (size_t)(end - from) : left;
		size_t room = MOST_LINE_BYTES - n;
		memcpy(lines->line + n, from, part < room ? part : room);
		n += part < room ? part : room;
		lines->at += part + (end != NULL);
	}
	replace_nuls(lines->line, n);
	if (n > 0 && lines->line[n - 1] == '\r')
		n--;
	lines->line[n] = '\0';
	return lines->line;
}

bool import_lines_close(struct import_lines *lines)
{
	bool is_good = !lines->is_broken;
	gzclose(lines->file);
	free(lines->line);
	free(lines);
	return is_good;
}
