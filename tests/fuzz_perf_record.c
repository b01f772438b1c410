/* Ring records of any bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/perf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink; /* keeps the reads */

static void read_all(const struct perf_event_header *header, const struct perf_layout *layout)
{
	struct perf_sample sample;
	struct perf_map map;
	struct perf_comm comm;
	struct perf_task task;
	uint64_t value, sum = 0;
	if (perf_record_sample(header, layout, &sample)) {
		for (size_t i = 0; i < sample.n_chain; i++)
			sum += sample.chain[i];
		for (size_t i = 0; i < sample.n_counts; i++) {
			uint64_t id, count;
			perf_sample_count(&sample, layout, i, &id, &count);
			sum += id + count;
		}
		for (size_t i = 0; i < sample.stack_bytes; i++)
			sum += sample.stack[i];
	}
	if (perf_record_map(header, layout, &map))
		sum += strlen(map.path);
	if (perf_record_comm(header, layout, &comm))
		sum += strlen(comm.name);
	perf_record_task(header, &task);
	perf_record_lost(header, &value);
	perf_record_time(header, layout, &value);
	sink = sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_layout layout = { .register_mask = 0xff0fff };
	if (size < 32 || size > 65528)
		return 0;
	/* Any combination of parts; the last words say which. */
	memcpy(&layout.sample_type, data + size - 8, 8);
	layout.read_format = data[size - 9];
	layout.branch_type = (uint64_t)data[size - 10] << 12;
	layout.has_no_trailer = data[size - 11] & 1;
	uint64_t *copy = malloc(size);
	memcpy(copy, data, size);
	((struct perf_event_header *)copy)->size = (uint16_t)size;
	read_all((const void *)copy, &layout);
	free(copy);
	return 0;
}
