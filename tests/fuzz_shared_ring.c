/* A ring of a program's reports with any bytes in it, through the source that reads it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/shared_ring.h"
#include "sampler/base/why.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

extern const struct source source_probe;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says how the rest lies: over the whole ring's memory, header and all, or as whole
 * records with the right sequence, so that the source looks into them. */
static void fill(struct shared_ring *ring, const uint8_t *data, size_t size)
{
	if (data[0] & 1) {
		size_t n = size - 1 < sizeof *ring ? size - 1 : sizeof *ring;
		memcpy(ring, data + 1, n);
		return;
	}
	struct shared_record record;
	const size_t at = offsetof(struct shared_record, time_ns), bytes = sizeof record - at;
	for (size_t used = 1; used + bytes <= size; used += bytes) {
		memcpy((char *)&record + at, data + used, bytes);
		record.type %= 8; /* mostly those there are */
		shared_ring_write(ring, &record);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct why why;
	if (size < 1)
		return 0;
	struct target target = { .probe_fd = probe_memory_create(SHARED_RING_RECORDS, &why) };
	struct shared_ring *ring =
		target.probe_fd < 0 ? NULL
				    : probe_memory_map(target.probe_fd, SHARED_RING_RECORDS, &why);
	if (!ring)
		return 0;
	fill(ring, data, size);
	struct recording *recording = recording_new();
	void *state = allocate(1, source_probe.state_bytes);
	if (source_probe.open(state, &target, recording, &why)) {
		source_probe.drain(state, recording, false);
		source_probe.drain(state, recording, true);
		recording_publish(recording);
		source_probe.close(state);
	}
	free(state);
	recording_free(recording);
	probe_memory_unmap(ring, SHARED_RING_RECORDS);
	close(target.probe_fd);
	return 0;
}
