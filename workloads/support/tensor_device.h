/*
 * tensor_device: an NVIDIA GPU as a place for tensors: memory there, and the engine's loops as
 * kernels of libstoke-cuda.so (kernels/cuda/tensor_*.cu).
 *
 * Why so small: the engine already puts all its arithmetic through a dozen loops on arrays
 * (kernels/support/tensor_tasks.h), so a device needs those and nothing else: no second engine, no
 * recorded graph to execute. Operations, gradients, shapes and the exact counts of work stay one
 * text (autograd_*.c); where memory is, tape_run.h says.
 *
 * Work is started and not waited for; in order, so an array may be used as soon as the call that
 * makes it has returned. A failure stays: what is asked of a failed device does nothing, memory is
 * NULL, and what is read are zeros; ask tensor_device_is_good before a result is used.
 * Thread  one at a time
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_DEVICE_H
#define WORKLOADS_SUPPORT_TENSOR_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "sampler/base/why.h"

/* What each takes: kernels/cuda/tensor.h. */
enum tensor_device_op {
	DEVICE_LOOP,
	DEVICE_PAIR,
	DEVICE_ADAM,
	DEVICE_TOTAL,
	DEVICE_ROWS,
	DEVICE_COLUMNS,
	DEVICE_ENTROPY_BACK,
	DEVICE_ROTATE,
	DEVICE_GATHER,
	DEVICE_SCATTER,
	DEVICE_PRODUCT,
	DEVICE_ATTENTION,
	DEVICE_ATTENTION_BACK,
	DEVICE_OPS,
};

/* A setting of workloads that train there. */
#define TENSOR_DEVICE_WAIT_PARAMETER                                                               \
	{                                                                                          \
		"wait",                                                                            \
			"device=cuda: what the program waits for; without phase no rates of "      \
			"phases",                                                                  \
			PARAMETER_CHOICE, "phase", 0, 0, TAPE_WAIT_CHOICES                         \
	}

/* Why one does not go with settings of this processor's loops. */
#define TENSOR_DEVICE_REFUSED                                                                      \
	"matmul=, precision= and simd= choose loops of the CPU; leave them out with device=cuda, " \
	"whose kernels compute in f32."

struct tensor_device;

/* tensor_device_open: NULL and a sentence without library, driver or device (cuda_run.h). */
struct tensor_device *tensor_device_open(struct why *why);
/* tensor_device_close: all memory must have been given back. NULL is nothing. */
void tensor_device_close(struct tensor_device *device);

/* tensor_device_is_good: NULL (this processor) is. */
bool tensor_device_is_good(const struct tensor_device *device, struct why *why);

void *tensor_device_take(struct tensor_device *device, size_t bytes);
/* tensor_device_move: n floats of the host, which it frees, into memory of the device. */
float *tensor_device_move(struct tensor_device *device, float *host, size_t n);
void tensor_device_give(struct tensor_device *device, void *memory); /* NULL is nothing */
void tensor_device_put(struct tensor_device *device, void *to, const void *host, size_t bytes);
/* tensor_device_get: waits for all that was started. */
void tensor_device_get(struct tensor_device *device, void *host, const void *from, size_t bytes);
void tensor_device_clear(struct tensor_device *device, void *memory, size_t bytes);
void tensor_device_run(struct tensor_device *device, enum tensor_device_op op, const void *task);
void tensor_device_wait(struct tensor_device *device);

#endif
