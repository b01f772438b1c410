/* Sorted once at the end; equal times keep their order. */
#include "sampler/import_samples.h"

#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

enum { FIRST_ROWS = 4096 };

void import_samples_add(struct import_samples *samples, const struct sample_row *row)
{
	if (samples->n_rows == samples->capacity) {
		samples->capacity = samples->capacity ? samples->capacity * 2 : FIRST_ROWS;
		samples->rows = reallocate(samples->rows, samples->capacity, sizeof *samples->rows);
	}
	samples->rows[samples->n_rows++] = *row;
}

static int compare(const void *a, const void *b)
{
	const struct sample_row *left = a, *right = b;
	return left->time_ns < right->time_ns ? -1 : left->time_ns > right->time_ns;
}

void import_samples_end(struct import_samples *samples, struct recording *recording)
{
	/* glibc's qsort merges, so equal ones stay in order while there is memory. */
	if (samples->n_rows > 0) {
		qsort(samples->rows, samples->n_rows, sizeof *samples->rows, compare);
		recording->start_ns = samples->rows[0].time_ns;
	}
	for (size_t i = 0; i < samples->n_rows; i++)
		recording_add_sample(recording, &samples->rows[i]);
	recording_flush_samples(recording, UINT64_MAX);
	free(samples->rows);
	*samples = (struct import_samples){ 0 };
}
