/*
 * exporter: a recording written as a file format. A file named exporter_NAME.c defines
 * `exporter_NAME`; that registers it.
 */
#ifndef SAMPLER_EXPORTER_H
#define SAMPLER_EXPORTER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sampler/base/why.h"

struct recording;

/* What part to write. A zeroed struct is everything. */
struct export_options {
	uint64_t from_ns, to_ns; /* to_ns 0 = open end */
	uint32_t series;         /* 0 = the first with samples */
	bool annotate;           /* folded: _[k] _[i] _[j] suffixes */
	bool no_inline;
	bool per_thread, per_process; /* root frames with pid/tid */
	bool per_phase;               /* root frames: phases of the program */
};

struct exporter {
	const char *name;   /* --format NAME */
	const char *suffix; /* ".folded": chosen by the output's extension */
	const char *summary;
	const char *(*unusable)(void); /* NULL, or NULL from it = usable; else one sentence */
	/*
	 * Write to `out`. Errors: false and a sentence; a closed pipe is an error with an errno of
	 * EPIPE left in errno.
	 */
	bool (*write)(const struct recording *recording, const struct export_options *options,
		      FILE *out, struct why *why);
};

extern const struct exporter *const exporters[];

/* exporter_find: by name, or by the longest matching suffix of a path; NULL if none. */
const struct exporter *exporter_find(const char *name);
const struct exporter *exporter_for_path(const char *path);

/*
 * exporter_almost: whether a path's extension is but the end of some formats' ("x.json",
 * "x.gz"), so that it does not say which is meant.
 * why  gets the sentence that names them
 */
bool exporter_almost(const char *path, struct why *why);

/*
 * exporter_finish: the end of a `write`: everything to the stream.
 * what  "a speedscope profile", for the sentence
 */
bool exporter_finish(FILE *out, const char *what, struct why *why);

#endif
