/* The Walsh-Hadamard transform of many rows, over and over. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/hadamard.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"

enum { SIZE_MIB, STEPS, VARIANT, THREADS, REPEATS, SEED, DEVICE };

struct state {
	struct hadamard_task task;
	float *x, *y;
	hadamard_function *transform;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct hadamard_task device_task;
	struct passes passes;
	uint64_t seed;
};

static void hadamard_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->passes.crew);
	free(state->x);
	free(state->y);
	free(state);
}

static void fill(struct state *state)
{
	struct random random = { state->seed };
	for (size_t i = 0; i < state->task.rows * state->task.n; i++) {
		state->x[i] = (float)(2 * random_unit(&random) - 1);
		state->y[i] = 0;
	}
}

static bool go_to_device(struct state *state, const char *variant, struct why *why)
{
	struct passes *passes = &state->passes;
	size_t bytes = state->task.rows * state->task.n * sizeof(float);
	if (!(state->cuda = cuda_run_new("hadamard", variant, why)))
		return false;
	state->device_task = state->task;
	state->device_task.x = cuda_run_array(state->cuda, state->x, bytes);
	state->device_task.y = cuda_run_result(state->cuda, state->y, bytes);
	snprintf(passes->phase, sizeof passes->phase, "cuda hadamard %s %zux%zu",
		 cuda_run_variant(state->cuda), state->task.rows, state->task.n);
	return cuda_run_is_good(state->cuda, why);
}

static void *hadamard_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	size_t n = (size_t)1 << (unsigned)settings[STEPS].number;
	double rows = settings[SIZE_MIB].number * 1048576 / (double)(2 * sizeof(float) * n);
	size_t n_rows = rows < 1 ? 1 : (size_t)rows;
	bool is_cuda = settings[DEVICE].choice == 1;
	state->transform = is_cuda ? NULL : hadamard_variant(settings[VARIANT].text);
	state->seed = (uint64_t)settings[SEED].number;
	state->x = aligned_take(n_rows * n * sizeof(float));
	state->y = aligned_take(n_rows * n * sizeof(float));
	state->task = (struct hadamard_task){ n_rows, n, state->x, state->y };
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "hadamard");
	if (!state->transform && !is_cuda)
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
	else if (!state->x || !state->y)
		why_fail(why, "No memory for %zu rows of %zu; use a smaller size=.", n_rows, n);
	if ((!state->transform && !is_cuda) || !state->x || !state->y) {
		hadamard_finish(state);
		return NULL;
	}
	passes->each = (struct probe_work){ hadamard_flops(&state->task),
					    hadamard_bytes(&state->task), (double)n_rows };
	snprintf(passes->phase, sizeof passes->phase, "hadamard %s %zux%zu", settings[VARIANT].text,
		 n_rows, n);
	probe_phase_begin("fill");
	fill(state);
	probe_phase_end("fill", (struct probe_work){ 0, passes->each.bytes, (double)n_rows });
	if (is_cuda && !go_to_device(state, settings[VARIANT].text, why)) {
		hadamard_finish(state);
		return NULL;
	}
	return state;
}

static void transform_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct state *state = opaque;
	struct hadamard_task part = hadamard_share(&state->task, share, n_shares);
	if (part.rows > 0)
		state->transform(&part);
}

static bool hadamard_run(void *opaque)
{
	struct state *state = opaque;
	if (state->cuda)
		return cuda_run_pass(state->cuda, &state->device_task, &state->passes);
	return passes_run(&state->passes, transform_share, state);
}

static struct work hadamard_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

/* Some elements by the definition: n roundings, whatever the variant. */
static bool hadamard_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 60 };
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	size_t n = state->task.n;
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (int sample = 0; sample < SAMPLES && state->passes.n_done > 0; sample++) {
		size_t row = (size_t)(random_unit(&random) * (double)state->task.rows);
		size_t i = sample ? (size_t)(random_unit(&random) * (double)n) : n - 1;
		double right = 0, absolute = 0, got = state->y[row * n + i];
		for (size_t j = 0; j < n; j++) {
			double x = state->x[row * n + j];
			right += __builtin_parityll(i & j) ? -x : x;
			absolute += fabs(x);
		}
		double roundings = fmin((double)n, 64); /* log2(n); "definition" n, in small rows */
		if (!(fabs(got - right) <= roundings * 0x1p-24 * absolute))
			return why_fail(why, "hadamard: y[%zu][%zu] is %.9g and should be %.9g.",
					row, i, got, right);
	}
	return true;
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "x and y together, MiB (S 0.03, M 16, L 512)", PARAMETER_REAL, "64",
		       0.001, 65536, "0.03|16|512" },
	[STEPS] = { "steps", "rows of 2^steps elements", PARAMETER_INTEGER, "12", 0, 26, NULL },
	[VARIANT] = { "variant", "which kernel; thread-0, steps, shared, shuffles with device=cuda",
		      PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|definition|steps|twofold|avx2|avx512|neon|thread-0|shared|shuffles" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "transforms of all rows", PARAMETER_INTEGER, "2000", 1, 1e9,
		      NULL },
	[SEED] = { "seed", "of the rows", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_hadamard = {
	.name = "hadamard",
	.summary = "the Walsh-Hadamard transform, which spreads outliers before quantizing",
	.teaches = "variant=definition does n^2 additions, steps n log2(n): an algorithm beats any "
		   "tuning (the FLOPs shown are n log2(n) for all). Then it is a matter of passes: "
		   "steps goes log2(n) times through the row, twofold half as often with four "
		   "elements in registers, avx512 does the first four steps without leaving a "
		   "register. steps=12 rows stay in L1; steps=20 rows do not, and each pass is one "
		   "through the cache behind; steps=24 rows are in none. device=cuda "
		   "variant=thread-0 is right and a mistake: one thread of each block works, 255 "
		   "wait.",
	.source = "Fino and Algazi (1976)",
	.parameters = parameters,
	.prepare = hadamard_prepare,
	.run = hadamard_run,
	.verify = hadamard_verify,
	.work = hadamard_work,
	.finish = hadamard_finish,
};
