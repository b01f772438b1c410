#include "tests/fixture_timer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/source.h"

extern const struct source source_timer;

void fixture_timer_open(struct fixture_timer *timer, uint32_t stack_bytes)
{
	struct why why;
	memset(timer, 0, sizeof *timer);
	timer->fd = timer_memory_create(stack_bytes, 1000000, &why);
	timer->memory = timer->fd < 0 ? NULL : timer_memory_map(timer->fd, &timer->shape, &why);
	if (!timer->memory)
		die("%s", why.text);
	sampling_defaults(&timer->sampling);
	timer->target = (struct target){ .sampling = &timer->sampling,
					 .pid = TIMER_MOST_PID,
					 .is_launched = true,
					 .timer_fd = timer->fd };
}

void fixture_timer_start(struct fixture_timer *timer)
{
	struct why why;
	timer->recording = recording_new();
	timer->state = allocate(1, source_timer.state_bytes);
	if (!source_timer.wanted(&timer->target) ||
	    !source_timer.open(timer->state, &timer->target, timer->recording, &why))
		die("%s", why.text);
}

void fixture_timer_drain(struct fixture_timer *timer, bool is_last)
{
	source_timer.drain(timer->state, timer->recording, is_last);
	recording_flush_samples(timer->recording, UINT64_MAX);
	recording_publish(timer->recording);
}

void fixture_timer_close(struct fixture_timer *timer)
{
	if (timer->state)
		source_timer.close(timer->state);
	free(timer->state);
	if (timer->recording)
		recording_free(timer->recording);
	timer_memory_unmap(timer->memory, &timer->shape);
	close(timer->fd);
}

bool fixture_timer_put(struct fixture_timer *timer, const struct shared_record *record,
		       const void *block, size_t bytes)
{
	uint64_t place;
	struct shared_ring *ring = timer_memory_ring(timer->memory);
	if (!shared_ring_claim(ring, timer->shape.n_records, &place))
		return false;
	if (bytes > timer->shape.block_bytes)
		bytes = timer->shape.block_bytes;
	if (bytes)
		memcpy(timer_memory_block(timer->memory, &timer->shape, place), block, bytes);
	shared_ring_commit(ring, timer->shape.n_records, place, record);
	return true;
}
