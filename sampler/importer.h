/*
 * importer: a file of another format as a recording. A file named importer_NAME.c defines
 * `importer_NAME`; that registers it.
 */
#ifndef SAMPLER_IMPORTER_H
#define SAMPLER_IMPORTER_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct recording;

struct importer {
	const char *name;
	const char *suffix; /* tried first for files that end so */
	const char *summary;
	/* The whole file as a recording; NULL and a sentence. What the format does not hold stays
	 * unavailable. */
	struct recording *(*read)(const char *path, struct why *why);
};

extern const struct importer *const importers[];

/* importer_for_path: by the file's extension; NULL if none fits. */
const struct importer *importer_for_path(const char *path);

#endif
