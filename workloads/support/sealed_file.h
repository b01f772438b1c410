/*
 * sealed_file: what a workload saves (weights, trees): a magic word, a version, its bytes and their
 * check sum, in one file that replaces the old one at once or not at all.
 *
 * Write: put everything into a zeroed struct sealed, which measures; sealed_allocate; put it all
 * again; sealed_save. Read: sealed_open on the whole file's bytes, then sealed_get until the end.
 * Numbers lie as in memory, little-endian. Source of the sum: Fowler, Noll, Vo, FNV-1a, 64 bits.
 */
#ifndef WORKLOADS_SUPPORT_SEALED_FILE_H
#define WORKLOADS_SUPPORT_SEALED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

enum { SEALED_MAGIC_BYTES = 8, SEALED_SUM_BYTES = 8 };

/* Where to write or read next. When measuring, at is NULL and only `used` moves. */
struct sealed {
	unsigned char *at; /* owned by the writer until sealed_save, by the caller when reading */
	size_t used, bytes;
};

/* What a kind of file is called: "weights", of which a wrong file "holds no weights of stoke". */
struct sealed_kind {
	const char *magic; /* SEALED_MAGIC_BYTES long */
	const char *name;
	uint32_t version;
};

void sealed_put(struct sealed *file, const void *from, size_t n);
void sealed_put_u32(struct sealed *file, size_t value);
void sealed_put_u64(struct sealed *file, uint64_t value);

/* sealed_put_head: the magic word and the version, which come first. */
void sealed_put_head(struct sealed *file, const struct sealed_kind *kind);

/* sealed_allocate: room for what was measured and its sum; writing starts. */
void sealed_allocate(struct sealed *file);

/*
 * sealed_save: add the sum, write beside `path` and rename; frees the bytes. What `path` is a link
 * to is replaced, what is no plain file (a pipe, a device) is written to. False with `why` if it
 * cannot be; then an old file is as it was.
 */
bool sealed_save(struct sealed *file, const char *path, struct why *why);

/* sealed_open: check the magic word, version and sum of file->bytes at file->at; what is left to
 * get lies between them. False with `why`, which calls the file `path`. */
bool sealed_open(struct sealed *file, const struct sealed_kind *kind, const char *path,
		 struct why *why);

/* sealed_get: the next n bytes, of any alignment, or NULL if there are fewer. */
const unsigned char *sealed_get(struct sealed *file, size_t n);

/* sealed_copy: the next n bytes into `to`; false if there are fewer. */
bool sealed_copy(struct sealed *file, void *to, size_t n);

#endif
