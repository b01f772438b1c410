/*
 * fixture_files: bytes as files, and recordings as folded text, for tests of importers.
 */
#ifndef TESTS_FIXTURE_FILES_H
#define TESTS_FIXTURE_FILES_H

#include <stddef.h>
#include <stdint.h>

struct recording;

/* Bytes that grow. A zeroed one is empty; freed with free(bytes). */
struct fixture_bytes {
	uint8_t *bytes;
	size_t n, capacity;
};

void fixture_put(struct fixture_bytes *out, const void *bytes, size_t n);
void fixture_put_word(struct fixture_bytes *out, uint64_t word);
void fixture_put_half(struct fixture_bytes *out, uint32_t half);
/* Text with its end, padded with NULs to words. */
void fixture_put_text(struct fixture_bytes *out, const char *text);

/* fixture_file: a file in memory that holds these bytes; its path is written to path[32]. Close the
 * descriptor that is returned. */
int fixture_file(const void *bytes, size_t n, char *path);

/* fixture_import: read bytes with an importer, and check that all references hold; NULL with the
 * sentence in why[512] if it refuses. */
struct recording *fixture_import(const char *importer, const void *bytes, size_t n, char *why);

/* fixture_export: a recording in a format, in memory; to be freed. */
char *fixture_export(const struct recording *recording, const char *format, uint32_t series,
		     size_t *n);

#endif
