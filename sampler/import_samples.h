/*
 * import_samples: samples that come thread by thread, put into the order of time. A zeroed one is
 * empty.
 */
#ifndef SAMPLER_IMPORT_SAMPLES_H
#define SAMPLER_IMPORT_SAMPLES_H

#include <stddef.h>

struct recording;
struct sample_row;

struct import_samples {
	struct sample_row *rows;
	size_t n_rows, capacity;
};

/* import_samples_add: a copy waits for its turn. */
void import_samples_add(struct import_samples *samples, const struct sample_row *row);

/*
 * import_samples_end: all of them into the recording, which begins with the first of them, and is
 * flushed; gives the memory back.
 */
void import_samples_end(struct import_samples *samples, struct recording *recording);

#endif
