/*
 * import_bytes: a file's bytes as an importer wants them: whole or the first ones, out of gzip.
 */
#ifndef SAMPLER_IMPORT_BYTES_H
#define SAMPLER_IMPORT_BYTES_H

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

#endif
