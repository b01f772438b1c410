/*
 * fixture_fuzz: what fuzz targets of readers have in common.
 */
#ifndef TESTS_FIXTURE_FUZZ_H
#define TESTS_FIXTURE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct recording;

enum { FUZZ_PATH_BYTES = 32 };

/* fuzz_file: bytes as a file in memory; `path` gets a name it can be opened by. Returns its
 * descriptor, to be closed, or -1. */
int fuzz_file(const uint8_t *data, size_t size, char path[FUZZ_PATH_BYTES]);

/* fuzz_read: bytes through a reader of files; what comes of them must hold together and is written
 * as folded text. Aborts if it does not. */
void fuzz_read(struct recording *(*read)(const char *path, struct why *why), const uint8_t *data,
	       size_t size);

/* fuzz_import: the same with an importer, by its name. */
void fuzz_import(const char *importer, const uint8_t *data, size_t size);

#endif
