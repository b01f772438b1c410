/* What a hostile program writes to the memory it shares: any record of the GPU's ring. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/gpu_record.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

extern const struct source source_cupti;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Type, process and payload of a record from the input; all of them are small in number, so that
 * pieces and what refers to them meet. */
enum { RECORD_BYTES = 2 + SHARED_RING_PAYLOAD_BYTES };

static void fill(struct shared_ring *ring, const uint8_t *data, size_t size)
{
	for (; size >= RECORD_BYTES; data += RECORD_BYTES, size -= RECORD_BYTES) {
		struct shared_record record = { .type = GPU_NAME + data[0] % 20u,
						.time_ns = 1000,
						.pid = 1 + data[1] % 2u,
						.tid = 1 };
		memcpy(record.payload, data + 2, SHARED_RING_PAYLOAD_BYTES);
		shared_ring_write_to(ring, GPU_RING_RECORDS, &record);
	}
	/* The head is the program's as well. */
	if (size > 8)
		memcpy((void *)&ring->head, data, sizeof ring->head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct why why;
	struct sampling sampling;
	sampling_defaults(&sampling);
	int fd = probe_memory_create(GPU_RING_RECORDS, &why);
	struct target target = { .sampling = &sampling, .pid = 1, .gpu_fd = fd };
	struct shared_ring *ring = probe_memory_map(fd, GPU_RING_RECORDS, &why);
	struct recording *recording = recording_new();
	void *state = allocate(1, source_cupti.state_bytes);
	fill(ring, data, size);
	if (source_cupti.open(state, &target, recording, &why)) {
		source_cupti.drain(state, recording, false);
		source_cupti.drain(state, recording, true);
		source_cupti.close(state);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	recording_free(recording);
	free(state);
	probe_memory_unmap(ring, GPU_RING_RECORDS);
	close(fd);
	return 0;
}
