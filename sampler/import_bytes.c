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
	READ_BYTES = 128 << 10, /* zlib's own buffer; its 8 KiB are slow */
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
		why_fail(why, "Cannot read %s: %s; check the path.", clean,
			 errno == EINVAL ? "it is no plain file" : strerror(errno));
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
