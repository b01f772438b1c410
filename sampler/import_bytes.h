/*
 * import_bytes: a file's bytes as an importer wants them: whole, line by line or the first ones,
 * out of gzip.
 */
#ifndef SAMPLER_IMPORT_BYTES_H
#define SAMPLER_IMPORT_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"

/* import_head: at most n_bytes from the beginning, decompressed if the file is gzip. Returns how
 * many; 0 also if it cannot be read or is no plain file. */
size_t import_head(const char *path, unsigned char *head, size_t n_bytes);

/*
 * import_bytes: the whole file, decompressed if it is gzip, with a NUL behind it; to be freed.
 *
 * most_bytes  refuse more, decompressed: a small file may expand without end
 * is_cut      [out] the gzip stream ends early or is damaged; what came before is there
 * Errors      NULL and a sentence
 */
char *import_bytes(const char *path, size_t most_bytes, size_t *n_bytes, bool *is_cut,
		   struct why *why);

struct import_lines;

/* import_lines_open: a text file, line by line. Errors: NULL and a sentence. */
struct import_lines *import_lines_open(const char *path, struct why *why);

/*
 * import_lines_next: the next line without its end, NUL-terminated, ours to change until the call
 * after; NULL at the end. A NUL inside becomes '?'. Of lines over 1 MiB the rest is left out.
 */
char *import_lines_next(struct import_lines *lines);

/* import_lines_close: frees it; false if the file could not be read to its end. */
bool import_lines_close(struct import_lines *lines);

#endif
