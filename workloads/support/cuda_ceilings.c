/*
 * Each ceiling has a run of its own: what fails in one leaves the others as they are. The last one
 * is the one that asks most of the device.
 */
#include "workloads/support/cuda_ceilings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "workloads/support/cuda_run.h"

enum {
	BLOCKS_A_PROCESSOR = 8,        /* of 256 threads: all 2,048 that one holds */
	TENSOR_BLOCKS_A_PROCESSOR = 4, /* more registers a thread */
	WARPS = CUDA_CEILING_THREADS / 32,
	GROUPS = WARPS / 4,                      /* of warps that work on one product together */
	MMA_CELLS = CUDA_CEILING_SUMS * 16 * 16, /* that a warp leaves */
	CHECKED = 4096,                          /* numbers of a copy, at both ends */
	MOST_STEPS = 65536, /* sums of ones stay exact: 128 of them a step are 2^23 */
};

/* 1 GiB an array takes 0.5 ms to copy at 4 TB/s; and it must be far beyond what L2 keeps. */
static const size_t MOST_ARRAY_BYTES = 1 << 30;
enum { TIMES_L2 = 4, PARTS_OF_MEMORY = 8, PARTS_OF_L2 = 8 };

enum place { IN_MEMORY, IN_L2, IN_REGISTERS };

struct plan {
	const char *name, *unit, *variant;
	enum place place;
	int blocks_a_processor;
	/* Of a task: units of work of one step; numbers it leaves in out, and what each is. */
	double (*work)(const struct cuda_ceiling_task *task);
	size_t (*n_out)(const struct cuda_ceiling_task *task);
	double (*expected)(const struct cuda_ceiling_task *task);
};

static double copy_bytes(const struct cuda_ceiling_task *task)
{
	return 2.0 * (double)task->n * sizeof *task->a; /* read and written */
}

static size_t n_threads(const struct cuda_ceiling_task *task)
{
	return (size_t)task->n_blocks * CUDA_CEILING_THREADS;
}

static double fma_flops(const struct cuda_ceiling_task *task)
{
	return 2.0 * CUDA_CEILING_ROUNDS * CUDA_CEILING_CHAINS * (double)n_threads(task);
}

static double fma_sum(const struct cuda_ceiling_task *task)
{
	return (double)task->n_steps * CUDA_CEILING_ROUNDS;
}

static double mma_flops(const struct cuda_ceiling_task *task)
{
	return 2.0 * 16 * 16 * 16 * CUDA_CEILING_SUMS * WARPS * (double)task->n_blocks;
}

static size_t mma_cells(const struct cuda_ceiling_task *task)
{
	return (size_t)task->n_blocks * WARPS * MMA_CELLS;
}

static double mma_sum(const struct cuda_ceiling_task *task)
{
	return 16.0 * (double)task->n_steps;
}

static double wgmma_flops(const struct cuda_ceiling_task *task)
{
	return 2.0 * CUDA_CEILING_TALL * CUDA_CEILING_WIDE * CUDA_CEILING_DEEP *
	       CUDA_CEILING_GROUP * GROUPS * (double)task->n_blocks;
}

static double wgmma_sum(const struct cuda_ceiling_task *task)
{
	return (double)CUDA_CEILING_DEEP * CUDA_CEILING_GROUP * (double)task->n_steps;
}

static const struct plan plans[] = {
	{ "copy.DRAM", "B/s", "copy", IN_MEMORY, BLOCKS_A_PROCESSOR, copy_bytes, NULL, NULL },
	{ "memcpy.DRAM", "B/s", "memcpy", IN_MEMORY, BLOCKS_A_PROCESSOR, copy_bytes, NULL, NULL },
	{ "copy.L2", "B/s", "copy", IN_L2, BLOCKS_A_PROCESSOR, copy_bytes, NULL, NULL },
	{ "fma.f32-cuda", "FLOP/s", "fma", IN_REGISTERS, BLOCKS_A_PROCESSOR, fma_flops, n_threads,
	  fma_sum },
	{ "fma.bf16-mma", "FLOP/s", "mma", IN_REGISTERS, TENSOR_BLOCKS_A_PROCESSOR, mma_flops,
	  mma_cells, mma_sum },
	{ "fma.bf16-wgmma", "FLOP/s", "wgmma", IN_REGISTERS, TENSOR_BLOCKS_A_PROCESSOR, wgmma_flops,
	  n_threads, wgmma_sum },
};

struct measuring {
	const struct cuda_ceilings_wish *wish;
	const struct cuda_device *device;
	const struct plan *plan;
	struct cuda_run *run;
	struct cuda_ceiling_task task;
	double *rates;
	struct why why;
};

char *cuda_without_advice(char *text)
{
	static const char *const advice[] = { "; see `stoke doctor`, or use device=cpu.",
					      ", or use device=cpu.", ", or device=cpu." };
	for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++) {
		char *at = strstr(text, advice[i]);
		if (at)
			snprintf(at, strlen(at) + 1, ".");
	}
	return text;
}

/* ---- what it works on */

/* The host's numbers are a pattern, so that a copy which did nothing shows. */
static bool take_arrays(struct measuring *at, size_t bytes)
{
	size_t n = bytes / sizeof *at->task.a / 2 * 2;
	double *pattern = allocate(n, sizeof *pattern);
	for (size_t i = 0; i < n; i++)
		pattern[i] = (double)(i % 8191) + 1;
	at->task.n = n;
	at->task.b = cuda_run_array(at->run, pattern, n * sizeof *pattern);
	at->task.a = cuda_run_array(at->run, NULL, n * sizeof *pattern);
	free(pattern);
	return cuda_run_is_good(at->run, &at->why);
}

/* Others may have most of the memory: half of it will do, down to what is far beyond L2. */
static bool take_memory(struct measuring *at)
{
	size_t least = at->device->l2_bytes * TIMES_L2;
	size_t bytes = at->device->memory_bytes / PARTS_OF_MEMORY;
	bytes = bytes > MOST_ARRAY_BYTES ? MOST_ARRAY_BYTES : bytes;
	if (bytes < least)
		return why_fail(&at->why, "an eighth of the device's memory is not four times its "
					  "L2, so the cache would be measured");
	while (!take_arrays(at, bytes)) {
		bytes /= 2;
		if (bytes < least)
			return false;
		cuda_run_free(at->run);
		at->run = cuda_run_new("ceiling", at->plan->variant, &at->why);
		if (!at->run)
			return false;
	}
	return true;
}

static bool take_l2(struct measuring *at)
{
	size_t bytes = at->device->l2_bytes / PARTS_OF_L2;
	return bytes >= 4096 ? take_arrays(at, bytes)
			     : why_fail(&at->why, "the device does not say how large its L2 is");
}

static bool take_registers(struct measuring *at)
{
	size_t bytes = at->plan->n_out(&at->task) * sizeof *at->task.out;
	at->task.out = cuda_run_array(at->run, NULL, bytes);
	return cuda_run_is_good(at->run, &at->why);
}

/* ---- time */

static bool time_once(struct measuring *at, double *ns)
{
	if (!cuda_run_time(at->run, &at->task, ns))
		return cuda_run_is_good(at->run, &at->why);
	return *ns > 0 || why_fail(&at->why, "the device's clock stood still");
}

/* Long enough, and warm. */
static bool prepare(struct measuring *at)
{
	double ns = 0, sum_ns = 0;
	for (at->task.n_steps = 1;; at->task.n_steps *= 2) {
		if (!time_once(at, &ns))
			return false;
		sum_ns += ns;
		if (ns >= at->wish->repeat_ns || at->task.n_steps >= MOST_STEPS)
			break;
	}
	while (sum_ns < at->wish->warm_ns) {
		if (!time_once(at, &ns))
			return false;
		sum_ns += ns;
	}
	return true;
}

static bool copy_is_right(struct measuring *at)
{
	size_t n = at->task.n < CHECKED ? at->task.n : CHECKED, first = at->task.n - n;
	double *numbers = allocate(n, sizeof *numbers);
	bool is_right = true;
	for (int end = 0; end < 2 && is_right; end++) {
		size_t from = end ? first : 0;
		is_right =
			cuda_run_copy_out(at->run, numbers, at->task.a + from, n * sizeof *numbers);
		for (size_t i = 0; i < n && is_right; i++)
			is_right = numbers[i] == (double)((from + i) % 8191) + 1;
	}
	free(numbers);
	return is_right;
}

static bool sums_are_right(struct measuring *at)
{
	size_t n = at->plan->n_out(&at->task);
	double expected = at->plan->expected(&at->task);
	float *numbers = allocate(n, sizeof *numbers);
	bool is_right = cuda_run_copy_out(at->run, numbers, at->task.out, n * sizeof *numbers);
	for (size_t i = 0; i < n && is_right; i++)
		is_right = (double)numbers[i] == expected;
	free(numbers);
	return is_right;
}

static bool is_right(struct measuring *at)
{
	bool is_good = at->plan->place == IN_REGISTERS ? sums_are_right(at) : copy_is_right(at);
	if (is_good)
		return true;
	return cuda_run_is_good(at->run, &at->why) &&
	       why_fail(&at->why, "its result was wrong, so its time says nothing");
}

static bool measure(struct measuring *at)
{
	double ns;
	bool has_taken = at->plan->place == IN_MEMORY ? take_memory(at)
			 : at->plan->place == IN_L2   ? take_l2(at)
						      : take_registers(at);
	if (!has_taken || !prepare(at))
		return false;
	for (unsigned i = 0; i < at->wish->n_repeats; i++) {
		if (!time_once(at, &ns))
			return false;
		at->rates[i] = at->plan->work(&at->task) * at->task.n_steps / (ns * 1e-9);
	}
	return is_right(at);
}

static void measure_plan(struct measuring *at,
			 void (*take)(void *into, const struct cuda_ceiling *ceiling), void *into)
{
	const struct plan *plan = at->plan;
	at->task = (struct cuda_ceiling_task){ .major = at->device->major };
	at->task.n_blocks =
		(unsigned)at->device->n_multiprocessors * (unsigned)plan->blocks_a_processor;
	at->run = cuda_run_new("ceiling", plan->variant, &at->why);
	bool is_good = at->run && measure(at);
	struct cuda_ceiling ceiling = { .name = plan->name,
					.unit = plan->unit,
					.set_bytes = 2 * at->task.n * sizeof *at->task.a,
					.rates = at->rates,
					.n_rates = is_good ? at->wish->n_repeats : 0,
					.reason =
						is_good ? "" : cuda_without_advice(at->why.text) };
	cuda_run_free(at->run);
	take(into, &ceiling);
}

const struct cuda_device *cuda_ceilings_measure(const struct cuda_ceilings_wish *wish,
						void (*take)(void *into,
							     const struct cuda_ceiling *ceiling),
						void *into, struct why *why)
{
	struct measuring at = { .wish = wish, .device = cuda_run_device(why) };
	if (!at.device) {
		cuda_without_advice(why->text);
		return NULL;
	}
	at.rates = allocate(wish->n_repeats + 1, sizeof *at.rates);
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		at.plan = &plans[i];
		if (wish->say)
			wish->say(at.plan->name);
		measure_plan(&at, take, into);
	}
	free(at.rates);
	return at.device;
}
