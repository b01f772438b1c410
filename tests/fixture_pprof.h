/*
 * fixture_pprof: a small decoder of pprof profiles, written apart from what encodes them: gzip by
 * zlib, protobuf by hand. Include cmocka.h before it; a profile that breaks a rule fails the test.
 */
#ifndef TESTS_FIXTURE_PPROF_H
#define TESTS_FIXTURE_PPROF_H

#include <stddef.h>
#include <stdint.h>

enum { PPROF_MOST = 1 << 16, PPROF_MOST_TYPES = 8, PPROF_MOST_LABELS = 8 };

struct pprof_line {
	uint64_t function, line;
};

struct pprof_location {
	uint64_t mapping, address;
	struct pprof_line lines[8];
	size_t n_lines;
};

struct pprof_label {
	const char *key, *text; /* text "" for a number */
	uint64_t number;
};

struct pprof_sample {
	uint64_t *locations; /* leaf first */
	size_t n_locations;
	uint64_t values[PPROF_MOST_TYPES];
	size_t n_values;
	struct pprof_label labels[PPROF_MOST_LABELS];
	size_t n_labels;
};

struct pprof {
	const char *types[PPROF_MOST_TYPES], *units[PPROF_MOST_TYPES];
	size_t n_types;
	const char *default_type;
	struct pprof_sample *samples;
	size_t n_samples;
	/* By id; 0 = there is none. */
	struct pprof_location *locations;
	const char **functions, **files;
	const char **mapping_files, **build_ids;
	const char **strings;
	size_t n_strings;
	uint64_t time_ns, duration_ns, period;
	unsigned char *bytes;
};

struct pprof *pprof_decode(const char *gzipped, size_t n);
void pprof_free(struct pprof *pprof);

#endif
