/*
 * perf_data_counts: what events counted up to their last sample. A zeroed one is empty.
 */
#ifndef SAMPLER_PERF_DATA_COUNTS_H
#define SAMPLER_PERF_DATA_COUNTS_H

#include <stdint.h>

#include "sampler/hash_map.h"

struct perf_data_counts {
	struct hash_map places; /* of an event's id in last, from 1 */
	uint64_t *last;
	uint32_t n, capacity;
};

/* perf_data_counts_grown: how much the count of this id has grown since it was last seen. */
uint64_t perf_data_counts_grown(struct perf_data_counts *counts, uint64_t id, uint64_t value);
void perf_data_counts_free(struct perf_data_counts *counts);

#endif
