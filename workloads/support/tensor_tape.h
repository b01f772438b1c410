/* tensor_tape: the inside of a tape, for tensor.c and autograd.c only. */
#ifndef WORKLOADS_SUPPORT_TENSOR_TAPE_H
#define WORKLOADS_SUPPORT_TENSOR_TAPE_H

#include "workloads/support/tensor.h"

struct tape_block {
	struct tape_block *next;
	unsigned char *memory;
	size_t bytes, used;
};

struct tape {
	struct tape_settings settings;
	struct crew *crew;
	struct matmul_room *room;
	struct tape_block *first, *current; /* TAPE_ARENA */
	void **taken;                       /* TAPE_MALLOC: all since the reset */
	size_t n_taken, most_taken;
	size_t n_tensors, n_recorded, live_bytes, most_bytes;
	unsigned n_pauses;
	uint32_t turn; /* of making the order of a backward pass */
	const char *scope;
	bool is_backward;
	struct tape_work work, work_at_scope;
};

#endif
