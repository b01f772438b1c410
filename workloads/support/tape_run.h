/*
 * tape_run: the engine's loops, where the tape's memory is: by this processor's threads
 * (tensor_loops.h and its like), or as kernels of the tape's device. For the files of operations
 * (autograd_*.c) and the optimizer; pointers in tasks are into the tape's memory, or the
 * parameters' (parameters_to_device).
 */
#ifndef WORKLOADS_SUPPORT_TAPE_RUN_H
#define WORKLOADS_SUPPORT_TAPE_RUN_H

#include "kernels/support/tensor_tasks.h"
#include "workloads/support/tensor.h"
#include "workloads/support/tensor_device.h"

void tape_run_loop(struct tape *tape, const struct loop *loop);
void tape_run_rows(struct tape *tape, const struct rows *rows);
void tape_run_columns(struct tape *tape, const struct columns *columns);
void tape_run_rotation(struct tape *tape, const struct rotation *rotation);
void tape_run_matmul(struct tape *tape, const struct matmul *matmul);
void tape_run_adam(struct tape *tape, const struct adam_loop *loop);

/* tape_run_task: on the tape's device; there must be one. */
void tape_run_task(struct tape *tape, enum tensor_device_op op, const void *task);

/* tape_clear: n floats become 0. */
void tape_clear(struct tape *tape, float *memory, size_t n);

/* tape_put: the host's bytes where the tape works: a copy until tape_reset, or themselves. */
const void *tape_put(struct tape *tape, const void *host, size_t bytes);

/* tape_wrap: a tensor of data that are where the tape works already. */
struct tensor *tape_wrap(struct tape *tape, struct shape shape, float *data);

/* tape_host_take: memory of this processor, void at tape_reset. */
void *tape_host_take(struct tape *tape, size_t bytes);

/* tape_refuse_device: the end of the process for an operation that no device has. */
void tape_refuse_device(const struct tape *tape, const char *operation);

#endif
