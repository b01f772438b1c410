/* Files live in memory; every recording that an importer makes is checked as one from a file is. */
#include "tests/fixture_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/importer.h"
#include "sampler/recording.h"
#include "sampler/recording_check.h"

void fixture_put(struct fixture_bytes *out, const void *bytes, size_t n)
{
	while (out->n + n > out->capacity) {
		out->capacity = out->capacity ? out->capacity * 2 : 4096;
		out->bytes = reallocate(out->bytes, out->capacity, 1);
	}
	if (n)
		memcpy(out->bytes + out->n, bytes, n);
	out->n += n;
}

void fixture_put_word(struct fixture_bytes *out, uint64_t word)
{
	fixture_put(out, &word, sizeof word);
}

void fixture_put_half(struct fixture_bytes *out, uint32_t half)
{
	fixture_put(out, &half, sizeof half);
}

void fixture_put_text(struct fixture_bytes *out, const char *text)
{
	static const char padding[8];
	size_t n = strlen(text) + 1;
	fixture_put(out, text, n);
	fixture_put(out, padding, (8 - n % 8) % 8);
}

int fixture_file(const void *bytes, size_t n, char *path)
{
	int fd = memfd_create("fixture", MFD_CLOEXEC);
	if (fd < 0 || (n && write(fd, bytes, n) != (ssize_t)n))
		die("a test cannot write a file in memory");
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

struct recording *fixture_import(const char *importer, const void *bytes, size_t n, char *why)
{
	char path[32];
	struct why sentence = { "" }, broken;
	int fd = fixture_file(bytes, n, path);
	struct recording *recording = importer_find(importer)->read(path, &sentence);
	close(fd);
	if (why)
		memcpy(why, sentence.text, sizeof sentence.text);
	if (recording && !recording_check(recording, "an import", &broken))
		die("%s", broken.text);
	return recording;
}

char *fixture_export(const struct recording *recording, const char *format, uint32_t series,
		     size_t *n)
{
	char *text = NULL;
	size_t bytes = 0;
	struct why why;
	struct export_options options = { .series = series };
	FILE *out = open_memstream(&text, &bytes);
	if (!exporter_find(format)->write(recording, &options, out, &why))
		die("%s", why.text);
	fclose(out);
	if (n)
		*n = bytes;
	return text;
}
