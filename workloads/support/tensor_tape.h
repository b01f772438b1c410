/* tensor_tape: the inside of a tape, for tensor.c, tape_run.c and autograd.c only. */
#ifndef WORKLOADS_SUPPORT_TENSOR_TAPE_H
#define WORKLOADS_SUPPORT_TENSOR_TAPE_H

#include "workloads/support/tensor.h"
#include "workloads/support/tensor_pool.h"

struct tape {
	struct tape_settings settings;
	struct crew *crew;
	struct matmul_room *room;
	struct tensor_pool host, on_device;
	struct tensor_pool *values; /* that of the two where data and gradients are */
	size_t n_tensors, n_recorded, live_bytes, most_bytes;
	unsigned n_pauses;
	uint32_t turn; /* of making the order of a backward pass */
	const char *scope;
	bool is_backward;
	struct tape_work work, work_at_scope;
};

#endif
