/*
 * importer: a file of another format as a recording. A file named importer_NAME.c defines
 * `importer_NAME`; that registers it.
 */
#ifndef SAMPLER_IMPORTER_H
#define SAMPLER_IMPORTER_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"

struct recording;

struct importer {
	const char *name;
	const char *suffix; /* files that end so are of this format, whatever they hold */
	const char *summary;
	/*
	 * Do the first bytes of a file look like this format? At most IMPORTER_HEAD_BYTES, not
	 * terminated; gzip is already undone. No two formats may say yes to the same bytes.
	 */
	bool (*looks_like)(const unsigned char *head, size_t n_bytes);
	const char *(*unusable)(
		void); /* why it cannot be used here; NULL or returns NULL = it can */
	/* The whole file as a recording; NULL and a sentence. What the format does not hold stays
	 * unavailable. */
	struct recording *(*read)(const char *path, struct why *why);
};

enum { IMPORTER_HEAD_BYTES = 64 << 10 };

extern const struct importer *const importers[];

/* importer_find: by name; NULL if there is none. */
const struct importer *importer_find(const char *name);

/* importer_for_path: by the longest extension that fits; NULL if none does. */
const struct importer *importer_for_path(const char *path);

/* importer_for_content: by what the file begins with; NULL if it looks like none. */
const struct importer *importer_for_content(const char *path);

/* importer_read: read a file, or say why this importer is of no use here. */
struct recording *importer_read(const struct importer *importer, const char *path, struct why *why);

#endif
