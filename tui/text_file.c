/* Source files. See text_file.h. */
#include "tui/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/text.h"

/* The amalgamated sqlite3.c, as long as sources come, has 9 MB. */
static const off_t MOST_BYTES = 32 << 20;
enum { TAB_COLUMNS = 8 };

static bool fail(struct why *why, const char *path, const char *problem)
{
	char clean[200];
	return why_fail(why, "Cannot show the lines of %s: %s.",
			text_clean(clean, sizeof clean, path), problem);
}

static void find_lines(struct text_file *text, size_t n_bytes)
{
	uint32_t n = 0;
	for (size_t i = 0; i < n_bytes; i++)
		n += text->bytes[i] == '\n';
	text->starts = allocate((size_t)n + 2, sizeof *text->starts);
	for (size_t i = 0; i < n_bytes; i++)
		if (text->bytes[i] == '\n')
			text->starts[++text->n_lines] = i + 1;
	if (n_bytes > text->starts[text->n_lines])
		text->starts[++text->n_lines] = n_bytes;
}

static bool read_all(struct text_file *text, int fd, const char *path, struct why *why)
{
	struct stat status;
	size_t n = 0;
	if (fstat(fd, &status) != 0)
		return fail(why, path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return fail(why, path, "it is no plain file");
	if (status.st_size > MOST_BYTES)
		return fail(why, path, "it is longer than 32 MiB");
	text->bytes = allocate((size_t)status.st_size + 1, 1);
	while (n < (size_t)status.st_size) {
		ssize_t got = read(fd, text->bytes + n, (size_t)status.st_size - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text->modified_ns =
		(uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec;
	find_lines(text, n);
	return true;
}

bool text_file_read(struct text_file *text, const char *path, struct why *why)
{
	*text = (struct text_file){ 0 };
	/* Not waiting: a path from a file may name a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail(why, path, strerror(errno));
	bool is_read = read_all(text, fd, path, why);
	close(fd);
	return is_read;
}

void text_file_free(struct text_file *text)
{
	free(text->bytes);
	free(text->starts);
	*text = (struct text_file){ 0 };
}

const char *text_file_line(const struct text_file *text, uint32_t line, char *out, size_t bytes)
{
	size_t n = 0;
	out[0] = '\0';
	if (line < 1 || line > text->n_lines)
		return out;
	for (size_t i = text->starts[line - 1]; i < text->starts[line] && n + 1 < bytes; i++) {
		char byte = text->bytes[i];
		if (byte == '\n' || byte == '\r')
			break;
		out[n++] = byte == '\t' || byte == '\0' ? ' ' : byte;
		while (byte == '\t' && n % TAB_COLUMNS && n + 1 < bytes)
			out[n++] = ' ';
	}
	out[n] = '\0';
	return out;
}
