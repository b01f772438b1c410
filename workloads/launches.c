/*
 * Many steps with next to nothing to do, over and over: on a GPU kernels, here jobs for a crew of
 * threads. A step adds one to every element, so what was done is counted exactly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/passes.h"

enum { LAUNCHES, N, VARIANT, THREADS, REPEATS, DEVICE };

struct state {
	uint32_t *x;
	size_t n, n_launches;
	bool is_batch;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct cuda_launches_task device_task;
	struct passes passes;
};

static void launches_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->passes.crew);
	free(state->x);
	free(state);
}

static bool go_to_device(struct state *state, const char *variant, struct why *why)
{
	struct passes *passes = &state->passes;
	if (!(state->cuda = cuda_run_new("launches", variant, why)))
		return false;
	state->device_task = (struct cuda_launches_task){
		.x = cuda_run_result(state->cuda, state->x, state->n * sizeof *state->x),
		.n = state->n,
		.n_launches = state->n_launches,
	};
	snprintf(passes->phase, sizeof passes->phase, "cuda launches %s %zux%zu",
		 cuda_run_variant(state->cuda), state->n_launches, state->n);
	return cuda_run_is_good(state->cuda, why);
}

static bool choose(struct state *state, const struct setting *settings, struct why *why)
{
	const char *variant = settings[VARIANT].text;
	struct passes *passes = &state->passes;
	if (settings[DEVICE].choice == 1)
		return go_to_device(state, variant, why);
	state->is_batch = strcmp(variant, "each") != 0;
	snprintf(passes->phase, sizeof passes->phase, "launches %s %zux%zu",
		 state->is_batch ? "batch" : "each", state->n_launches, state->n);
	return strcmp(variant, "graph") != 0 ||
	       why_fail(why, "variant=graph is for device=cuda; with device=cpu use batch.");
}

static void *launches_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->n = (size_t)settings[N].number;
	state->n_launches = (size_t)settings[LAUNCHES].number;
	state->x = allocate(state->n, sizeof *state->x);
	double steps = (double)state->n_launches;
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->each = (struct probe_work){ 0, 8 * steps * (double)state->n, steps };
	passes->crew = crew_new((unsigned)settings[THREADS].number, "launches");
	if (!choose(state, settings, why)) {
		launches_finish(state);
		return NULL;
	}
	return state;
}

static void step(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->n, share, n_shares, &from, &to);
	for (size_t i = from; i < to; i++)
		state->x[i]++;
}

/* All steps of a share, without waiting for the others. */
static void batch(void *opaque, unsigned share, unsigned n_shares)
{
	const struct state *state = opaque;
	for (size_t i = 0; i < state->n_launches; i++)
		step(opaque, share, n_shares);
}

/* All threads are woken, and waited for, at every step. */
static bool run_each(struct state *state)
{
	struct passes *passes = &state->passes;
	probe_phase_begin(passes->phase);
	for (size_t i = 0; i < state->n_launches; i++)
		crew_run(passes->crew, step, state);
	probe_phase_end(passes->phase, passes->each);
	passes->n_done++;
	return passes_tell(passes);
}

static bool launches_run(void *opaque)
{
	struct state *state = opaque;
	if (state->cuda)
		return cuda_run_pass(state->cuda, &state->device_task, &state->passes);
	return state->is_batch ? passes_run(&state->passes, batch, state) : run_each(state);
}

static struct work launches_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

static bool launches_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	uint32_t right = (uint32_t)(state->passes.n_done * state->n_launches);
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (size_t i = 0; i < state->n; i++)
		if (state->x[i] != right)
			return why_fail(why, "launches: x[%zu] is %u and should be %u.", i,
					state->x[i], right);
	return true;
}

static const struct parameter parameters[] = {
	[LAUNCHES] = { "launches", "steps a pass", PARAMETER_INTEGER, "1000", 1, 100000, NULL },
	[N] = { "n", "elements (S 1k: 4 KB, M 1m: 4 MB, L 100m: 400 MB)", PARAMETER_INTEGER, "1024",
		1, 1e9, "1k|1m|100m" },
	[VARIANT] = { "variant", "batch with device=cpu, graph with device=cuda", PARAMETER_CHOICE,
		      "auto", 0, 0, "auto|each|batch|graph" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes", PARAMETER_INTEGER, "500", 1, 1e9, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_launches = {
	.name = "launches",
	.summary = "thousands of steps with nothing to do: what starting them costs",
	.teaches =
		"Each step adds one to a thousand numbers: far less than a microsecond of work. "
		"variant=each starts every step by itself: with device=cuda a launch of a kernel, "
		"some microseconds of the host's time, and the GPU waits for them; with device=cpu "
		"all threads are woken and waited for. variant=graph hands all steps to the GPU at "
		"once, batch to the threads. Raise n until each and graph take the same time: that "
		"is how large a step must be for its start not to matter.",
	.source = "NVIDIA, CUDA C++ Programming Guide, CUDA graphs",
	.parameters = parameters,
	.prepare = launches_prepare,
	.run = launches_run,
	.verify = launches_verify,
	.work = launches_work,
	.finish = launches_finish,
};
