/* A task is the same in both places; only attention and a few others are put together otherwise on
 * a device, see the callers of tape_run_task. */
#include "workloads/support/tape_run.h"

#include <string.h>

#include "kernels/cuda/tensor.h"
#include "sampler/base/why.h"
#include "workloads/support/tensor_loops.h"
#include "workloads/support/tensor_rows.h"
#include "workloads/support/tensor_tape.h"

void tape_run_task(struct tape *tape, enum tensor_device_op op, const void *task)
{
	tensor_device_run(tape->settings.device, op, task);
}

void tape_run_loop(struct tape *tape, const struct loop *loop)
{
	if (tape->settings.device)
		tape_run_task(tape, DEVICE_LOOP, loop);
	else
		tensor_loop(tape->crew, loop);
}

void tape_run_rows(struct tape *tape, const struct rows *rows)
{
	if (tape->settings.device)
		tape_run_task(tape, DEVICE_ROWS, rows);
	else
		tensor_rows(tape->crew, rows);
}

void tape_run_columns(struct tape *tape, const struct columns *columns)
{
	if (tape->settings.device)
		tape_run_task(tape, DEVICE_COLUMNS, columns);
	else
		tensor_columns(tape->crew, columns);
}

void tape_run_rotation(struct tape *tape, const struct rotation *rotation)
{
	if (tape->settings.device)
		tape_run_task(tape, DEVICE_ROTATE, rotation);
	else
		tensor_rotate(tape->crew, rotation);
}

void tape_run_adam(struct tape *tape, const struct adam_loop *loop)
{
	if (tape->settings.device)
		tape_run_task(tape, DEVICE_ADAM, loop);
	else
		tensor_adam(tape->crew, loop);
}

void tape_run_matmul(struct tape *tape, const struct matmul *matmul)
{
	if (!tape->settings.device) {
		tensor_matmul_f32(tape->room, matmul);
		return;
	}
	struct cuda_product_task task = { .first = tensor_matmul_task(matmul),
					  .n_outer = 1,
					  .n_inner = 1 };
	tape_run_task(tape, DEVICE_PRODUCT, &task);
}

void tape_clear(struct tape *tape, float *memory, size_t n)
{
	if (tape->settings.device)
		tensor_device_clear(tape->settings.device, memory, n * sizeof *memory);
	else
		memset(memory, 0, n * sizeof *memory);
}

const void *tape_put(struct tape *tape, const void *host, size_t bytes)
{
	if (!tape->settings.device)
		return host;
	void *copy = tape_take(tape, (bytes + sizeof(float) - 1) / sizeof(float));
	tensor_device_put(tape->settings.device, copy, host, bytes);
	return copy;
}

const float *tape_read(struct tape *tape, const struct tensor *t)
{
	if (!tape->settings.device)
		return t->data;
	float *copy = tape_host_take(tape, t->n * sizeof *copy);
	tensor_device_get(tape->settings.device, copy, t->data, t->n * sizeof *copy);
	return copy;
}

void tape_refuse_device(const struct tape *tape, const char *operation)
{
	if (tape->settings.device)
		die("the tensor engine has no %s on a device", operation);
}
