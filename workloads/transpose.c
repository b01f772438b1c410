/* A square matrix transposed over and over. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/support/dispatch.h"
#include "kernels/transpose.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"

enum { N, PAD, VARIANT, THREADS, REPEATS, SEED, DEVICE };

struct state {
	struct transpose_task task;
	float *x, *y;
	transpose_function *transpose;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct transpose_task device_task;
	struct passes passes;
	uint64_t seed;
};

static void transpose_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->passes.crew);
	free(state->x);
	free(state->y);
	free(state);
}

/* What stands at x[i][j]: every cell has its own bits, so that a wrong place shows. */
static float cell(const struct state *state, size_t i, size_t j)
{
	struct random random = { state->seed + i * state->task.n + j };
	return (float)(random_bits(&random) >> 40);
}

static void fill_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->task.n, share, n_shares, &from, &to);
	for (size_t i = from; i < to; i++) {
		for (size_t j = 0; j < state->task.x_row; j++) {
			state->x[i * state->task.x_row + j] = cell(state, i, j);
			state->y[i * state->task.y_row + j] = 0;
		}
	}
}

static bool go_to_device(struct state *state, const char *variant, struct why *why)
{
	struct passes *passes = &state->passes;
	size_t n = state->task.n, bytes = n * state->task.x_row * sizeof(float);
	if (!(state->cuda = cuda_run_new("transpose", variant, why)))
		return false;
	state->device_task = state->task;
	state->device_task.x = cuda_run_array(state->cuda, state->x, bytes);
	state->device_task.y = cuda_run_result(state->cuda, state->y, bytes);
	snprintf(passes->phase, sizeof passes->phase, "cuda transpose %s %zux%zu+%zu",
		 cuda_run_variant(state->cuda), n, n, state->task.x_row - n);
	return cuda_run_is_good(state->cuda, why);
}

static void *transpose_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	size_t n = (size_t)settings[N].number, row = n + (size_t)settings[PAD].number;
	bool is_cuda = settings[DEVICE].choice == 1;
	state->transpose = is_cuda ? NULL : transpose_variant(settings[VARIANT].text);
	state->seed = (uint64_t)settings[SEED].number;
	state->x = aligned_take(n * row * sizeof(float));
	state->y = aligned_take(n * row * sizeof(float));
	state->task = (struct transpose_task){ n, n, state->x, row, state->y, row };
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "transpose");
	if (!state->transpose && !is_cuda)
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
	else if (!state->x || !state->y)
		why_fail(why, "No memory for two matrices of %zu x %zu; use a smaller n=.", n, n);
	if ((!state->transpose && !is_cuda) || !state->x || !state->y) {
		transpose_finish(state);
		return NULL;
	}
	double cells = (double)n * (double)n;
	passes->each = (struct probe_work){ 0, 8 * cells, cells };
	snprintf(passes->phase, sizeof passes->phase, "transpose %s %zux%zu+%s",
		 settings[VARIANT].text, n, n, settings[PAD].text);
	probe_phase_begin("fill");
	crew_run(passes->crew, fill_share, state);
	probe_phase_end("fill", (struct probe_work){ 0, 8 * cells, cells });
	if (is_cuda && !go_to_device(state, settings[VARIANT].text, why)) {
		transpose_finish(state);
		return NULL;
	}
	return state;
}

static void transpose_some(void *opaque, unsigned share, unsigned n_shares)
{
	const struct state *state = opaque;
	struct transpose_task part = transpose_share(&state->task, share, n_shares);
	if (part.n > 0)
		state->transpose(&part);
}

static bool transpose_run(void *opaque)
{
	struct state *state = opaque;
	if (state->cuda)
		return cuda_run_pass(state->cuda, &state->device_task, &state->passes);
	return passes_run(&state->passes, transpose_some, state);
}

static struct work transpose_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

/* Some whole rows of y, the last among them. */
static bool transpose_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 40 };
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	size_t n = state->task.n;
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (int sample = 0; sample < SAMPLES && state->passes.n_done > 0; sample++) {
		size_t j = sample ? (size_t)(random_unit(&random) * (double)n) : n - 1;
		for (size_t i = 0; i < n; i++)
			if (state->y[j * state->task.y_row + i] != cell(state, i, j))
				return why_fail(why, "transpose: y[%zu][%zu] is not x[%zu][%zu].",
						j, i, i, j);
	}
	return true;
}

static const struct parameter parameters[] = {
	[N] = { "n", "rows and columns (S 64: 32 KiB, M 1024: 8 MiB, L 8192: 512 MiB)",
		PARAMETER_INTEGER, "4096", 1, 65536, "64|1024|8192" },
	[PAD] = { "pad", "unused elements behind each row (16 = a cache line)", PARAMETER_INTEGER,
		  "0", 0, 4096, NULL },
	[VARIANT] = { "variant", "which kernel; naive, tiled and padded with device=cuda",
		      PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|naive|tiled|avx2|avx512|nontemporal|neon|padded" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "transpositions", PARAMETER_INTEGER, "2000", 1, 1e9, NULL },
	[SEED] = { "seed", "of the matrix", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_transpose = {
	.name = "transpose",
	.summary = "rows become columns: no arithmetic, only the order of memory",
	.teaches =
		"One of the two matrices must be walked down its columns. variant=naive does it "
		"for all of a row, and each store opens another line of the cache, which is gone "
		"before its neighbour is written. tiled takes a block whose lines all stay, avx512 "
		"turns a square in registers, nontemporal also spares fetching lines of y only to "
		"overwrite them. Rows a power of two apart fall into the same few places of a "
		"cache: n=4096 pad=16 against pad=0 moves them apart and changes nothing else. "
		"Also look at the misses of the address translation. device=cuda: tiled goes "
		"through shared memory, and padded keeps a column of it out of one bank.",
	.source = "Lam, Rothberg, Wolf, The cache performance of blocked algorithms (1991)",
	.parameters = parameters,
	.prepare = transpose_prepare,
	.run = transpose_run,
	.verify = transpose_verify,
	.work = transpose_work,
	.finish = transpose_finish,
};
