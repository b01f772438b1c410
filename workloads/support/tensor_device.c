/* The kernels are looked up once, by their families' names. */
#include "workloads/support/tensor_device.h"

#include <stdlib.h>
#include <string.h>

#include "workloads/support/cuda_run.h"

struct tensor_device {
	const struct cuda_library *library;
	const struct cuda_kernel *kernels[DEVICE_OPS];
	bool is_failed;
	struct why why;
};

static const char *const families[DEVICE_OPS] = {
	[DEVICE_LOOP] = "tensor_loop",
	[DEVICE_PAIR] = "tensor_pair",
	[DEVICE_ADAM] = "tensor_adam",
	[DEVICE_TOTAL] = "tensor_total",
	[DEVICE_ROWS] = "tensor_rows",
	[DEVICE_COLUMNS] = "tensor_columns",
	[DEVICE_ENTROPY_BACK] = "tensor_entropy_back",
	[DEVICE_ROTATE] = "tensor_rotate",
	[DEVICE_GATHER] = "tensor_gather",
	[DEVICE_SCATTER] = "tensor_scatter",
	[DEVICE_PRODUCT] = "tensor_product",
	[DEVICE_ATTENTION] = "tensor_attention",
	[DEVICE_ATTENTION_BACK] = "tensor_attention_back",
};

struct tensor_device *tensor_device_open(struct why *why)
{
	const struct cuda_library *library = cuda_run_library(why);
	if (!library)
		return NULL;
	struct tensor_device *device = allocate(1, sizeof *device);
	device->library = library;
	for (int op = 0; op < DEVICE_OPS; op++)
		if (!(device->kernels[op] = cuda_run_kernel(families[op], "auto")))
			die("libstoke-cuda.so has no %s", families[op]);
	return device;
}

void tensor_device_close(struct tensor_device *device)
{
	free(device);
}

bool tensor_device_is_good(const struct tensor_device *device, struct why *why)
{
	return !device || !device->is_failed || why_fail(why, "%s", device->why.text);
}

/* True: no problem. The first one is kept. */
static bool keep(struct tensor_device *device, const char *problem)
{
	if (!problem)
		return true;
	device->is_failed = true;
	return why_fail(&device->why, "%s", problem);
}

void *tensor_device_take(struct tensor_device *device, size_t bytes)
{
	void *memory = NULL;
	if (device->is_failed || !keep(device, device->library->take(&memory, bytes)))
		return NULL;
	return memory;
}

void tensor_device_give(struct tensor_device *device, void *memory)
{
	if (memory)
		device->library->give(memory);
}

void tensor_device_put(struct tensor_device *device, void *to, const void *host, size_t bytes)
{
	if (!device->is_failed)
		keep(device, device->library->copy_in(to, host, bytes));
}

float *tensor_device_move(struct tensor_device *device, float *host, size_t n)
{
	float *there = tensor_device_take(device, n * sizeof *there);
	tensor_device_put(device, there, host, n * sizeof *there);
	free(host);
	return there;
}

void tensor_device_get(struct tensor_device *device, void *host, const void *from, size_t bytes)
{
	if (device->is_failed || !keep(device, device->library->copy_out(host, from, bytes)))
		memset(host, 0, bytes);
}

void tensor_device_clear(struct tensor_device *device, void *memory, size_t bytes)
{
	if (!device->is_failed)
		keep(device, device->library->clear(memory, bytes));
}

void tensor_device_run(struct tensor_device *device, enum tensor_device_op op, const void *task)
{
	if (!device->is_failed)
		keep(device, device->library->start(device->kernels[op], task));
}

void tensor_device_wait(struct tensor_device *device)
{
	if (!device->is_failed)
		keep(device, device->library->wait());
}
