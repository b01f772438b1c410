/* What a hostile program writes to the memory that libstoke-timer.so shares with the profiler. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/recording.h"
#include "tests/fixture_timer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STACK_BYTES = 512,
	HEAD_BYTES = 4, /* type, process and thread, bytes of block */
	PAYLOAD_BYTES = 32,
};

/* Numbers of processes that there are not: /proc is not to be read for them. */
static void fill(struct fixture_timer *timer, const uint8_t *data, size_t size)
{
	while (size >= HEAD_BYTES + PAYLOAD_BYTES) {
		struct shared_record record = { .type = data[0] % 8u,
						.time_ns = data[0] & 0x80 ? UINT64_MAX : 1,
						.pid = TIMER_MOST_PID - data[1] % 4u,
						.tid = TIMER_MOST_PID - data[1] / 4 % 8u };
		size_t block = data[2] | (size_t)data[3] << 8;
		memcpy(record.payload, data + HEAD_BYTES, PAYLOAD_BYTES);
		data += HEAD_BYTES + PAYLOAD_BYTES;
		size -= HEAD_BYTES + PAYLOAD_BYTES;
		block = block < size ? block : size;
		fixture_timer_put(timer, &record, data, block);
		data += block;
		size -= block;
	}
	/* The control page and the head are the program's as well. */
	if (size > sizeof(struct timer_control))
		memcpy(timer->memory, data, sizeof *timer->memory);
	else if (size > 8)
		memcpy((void *)&timer_memory_ring(timer->memory)->head, data, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture_timer timer;
	fixture_timer_open(&timer, STACK_BYTES);
	fixture_timer_start(&timer);
	fill(&timer, data, size);
	fixture_timer_drain(&timer, false);
	fixture_timer_drain(&timer, true);
	fixture_timer_close(&timer);
	return 0;
}
