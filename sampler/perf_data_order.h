/*
 * perf_data_order: records in the order of time. perf writes them CPU by CPU in rounds; at a
 * round's end everything older than the round before is complete.
 * Source: linux/tools/perf/util/ordered-events.c.
 */
#ifndef SAMPLER_PERF_DATA_ORDER_H
#define SAMPLER_PERF_DATA_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct perf_event_header;

struct perf_data_waiting {
	uint64_t time_ns, at; /* at: place in bytes; the order of arrival */
};

/* A zeroed one is empty. */
struct perf_data_order {
	uint8_t *bytes; /* records, each on a multiple of eight */
	uint8_t *spare; /* as large: what is left after a round moves there */
	size_t n_bytes, capacity_bytes;
	struct perf_data_waiting *waiting, *sorted; /* sorted: room for sorting, as large */
	size_t n_waiting, capacity;
	uint64_t newest_ns, complete_ns, given_ns;
	uint64_t n_late; /* records older than one already given */
	void (*take)(void *opaque, const struct perf_event_header *header);
	void *opaque;
};

/* perf_data_order_add: a copy waits for its turn. Beyond 512 MiB the older half is given at once.
 */
void perf_data_order_add(struct perf_data_order *order, const uint8_t *record, size_t n_bytes,
			 uint64_t time_ns);

/* perf_data_order_round: a round has ended: give what is complete. */
void perf_data_order_round(struct perf_data_order *order);

/* perf_data_order_end: give all that is left, and the memory back. */
void perf_data_order_end(struct perf_data_order *order);

#endif
