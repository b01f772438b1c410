/*
 * fixture_timer: memory as libstoke-timer.so has it, records of any kind in it, and what the source
 * makes of them.
 */
#ifndef TESTS_FIXTURE_TIMER_H
#define TESTS_FIXTURE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/target.h"
#include "sampler/timer_memory.h"

struct fixture_timer {
	int fd;
	struct timer_control *memory;
	struct timer_shape shape;
	struct sampling sampling;
	struct target target;
	struct recording *recording;
	void *state; /* of the source; NULL = not open */
};

/* fixture_timer_open: memory for samples with so much stack. */
void fixture_timer_open(struct fixture_timer *timer, uint32_t stack_bytes);
/* fixture_timer_start: the source opens; the target is as the caller made it. */
void fixture_timer_start(struct fixture_timer *timer);
void fixture_timer_drain(struct fixture_timer *timer, bool is_last);
void fixture_timer_close(struct fixture_timer *timer);

/* fixture_timer_put: one record, with `bytes` of block (cut to what a block holds). False: full. */
bool fixture_timer_put(struct fixture_timer *timer, const struct shared_record *record,
		       const void *block, size_t bytes);

#endif
