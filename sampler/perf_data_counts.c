/* Counts only grow, so the first one is a growth from zero. */
#include "sampler/perf_data_counts.h"

#include <stdlib.h>

#include "sampler/base/why.h"

uint64_t perf_data_counts_grown(struct perf_data_counts *counts, uint64_t id, uint64_t value)
{
	uint32_t *place = hash_map_at(&counts->places, id);
	if (!*place) {
		if (counts->n == counts->capacity) {
			counts->capacity = counts->capacity ? counts->capacity * 2 : 16;
			counts->last =
				reallocate(counts->last, counts->capacity, sizeof *counts->last);
		}
		counts->last[counts->n++] = 0;
		*place = counts->n;
	}
	uint64_t *last = &counts->last[*place - 1];
	uint64_t grown = value > *last ? value - *last : 0;
	*last = value;
	return grown;
}

void perf_data_counts_free(struct perf_data_counts *counts)
{
	hash_map_free(&counts->places);
	free(counts->last);
	*counts = (struct perf_data_counts){ 0 };
}
