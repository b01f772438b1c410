/* Softmax, RMSNorm or LayerNorm of the rows of a matrix, over and over. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/layernorm.h"
#include "kernels/rmsnorm.h"
#include "kernels/softmax.h"
#include "kernels/support/dispatch.h"
#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/random.h"
#include "workloads/workload.h"

enum { SIZE_MIB, KIND, N, VARIANT, THREADS, REPEATS, SEED, DEVICE };

enum kind { SOFTMAX, RMSNORM, LAYERNORM };

static const float EPSILON = 1e-5f; /* as in PyTorch and in Llama's RMSNorm */

/* FLOPs an element, as the kernels' headers count them. */
static const struct {
	const char *name;
	rows_function *(*variant)(const char *name);
	double flops_each;
} kinds[] = {
	[SOFTMAX] = { "softmax", softmax_variant, 4 },
	[RMSNORM] = { "rmsnorm", rmsnorm_variant, 4 },
	[LAYERNORM] = { "layernorm", layernorm_variant, 8 },
};

struct state {
	struct rows_task task;
	float *x, *y, *weight, *bias, *scratch;
	enum kind kind;
	rows_function *function;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct rows_task device_task;
	struct crew *crew;
	char phase[64];
	uint64_t n_done, n_wanted, seed;
};

static void norm_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->crew);
	free(state->x);
	free(state->y);
	free(state->weight);
	free(state->bias);
	free(state->scratch);
	free(state);
}

/* Each row has its own sequence, so that the number of threads does not matter. */
static void fill_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t n = state->task.n, from, to;
	crew_part(state->task.rows, share, n_shares, &from, &to);
	for (size_t row = from; row < to; row++) {
		struct random random = { state->seed + row * 0x9e3779b97f4a7c15u };
		for (size_t j = 0; j < n; j++)
			state->x[row * n + j] = (float)(8 * random_unit(&random) - 4);
	}
	memset(state->y + from * n, 0, (to - from) * n * sizeof(float));
	memset(state->scratch + from * n, 0, (to - from) * n * sizeof(float));
}

static bool take_memory(struct state *state, struct why *why)
{
	struct rows_task *task = &state->task;
	size_t bytes = task->rows * task->n * sizeof(float);
	struct random random = { ~state->seed };
	task->x = state->x = aligned_take(bytes);
	task->y = state->y = aligned_take(bytes);
	task->scratch = state->scratch = aligned_take(bytes);
	task->weight = state->weight = allocate(task->n, sizeof(float));
	task->bias = state->bias = allocate(task->n, sizeof(float));
	for (size_t j = 0; j < task->n; j++) {
		state->weight[j] = (float)(0.5 + random_unit(&random));
		state->bias[j] = (float)(random_unit(&random) - 0.5);
	}
	return (state->x && state->y && state->scratch) ||
	       why_fail(why, "No memory for three matrices of %zu x %zu; use a smaller size=.",
			task->rows, task->n);
}

static bool go_to_device(struct state *state, const char *variant, struct why *why)
{
	const char *family = kinds[state->kind].name;
	struct rows_task *task = &state->device_task;
	size_t row = state->task.n * sizeof(float), bytes = state->task.rows * row;
	if (!(state->cuda = cuda_run_new(family, variant, why)))
		return false;
	*task = state->task;
	task->x = cuda_run_array(state->cuda, state->x, bytes);
	task->y = cuda_run_result(state->cuda, state->y, bytes);
	task->weight = cuda_run_array(state->cuda, state->weight, row);
	task->bias = cuda_run_array(state->cuda, state->bias, row);
	task->scratch = cuda_run_array(state->cuda, NULL, bytes);
	snprintf(state->phase, sizeof state->phase, "cuda %s %s %zux%zu", family,
		 cuda_run_variant(state->cuda), task->rows, task->n);
	return cuda_run_is_good(state->cuda, why);
}

static void *norm_prepare(const struct setting *settings, struct why *why)
{
	enum kind kind = (enum kind)settings[KIND].choice;
	bool is_cuda = settings[DEVICE].choice == 1;
	rows_function *function = is_cuda ? NULL : kinds[kind].variant(settings[VARIANT].text);
	if (!function && !is_cuda) {
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
		return NULL;
	}
	struct state *state = allocate(1, sizeof *state);
	size_t n = (size_t)settings[N].number;
	double rows = settings[SIZE_MIB].number * 1048576 / (double)(2 * sizeof(float) * n);
	state->kind = kind;
	state->function = function;
	state->seed = (uint64_t)settings[SEED].number;
	state->n_wanted = (uint64_t)settings[REPEATS].number;
	state->task = (struct rows_task){ .rows = rows < 1 ? 1 : (size_t)rows,
					  .n = n,
					  .epsilon = EPSILON };
	state->crew = crew_new((unsigned)settings[THREADS].number, "norm");
	if (!take_memory(state, why)) {
		norm_finish(state);
		return NULL;
	}
	double elements = (double)state->task.rows * (double)n;
	snprintf(state->phase, sizeof state->phase, "%s %s %zux%zu", kinds[kind].name,
		 settings[VARIANT].text, state->task.rows, n);
	probe_phase_begin("fill");
	crew_run(state->crew, fill_share, state);
	probe_phase_end("fill", (struct probe_work){ 0, 12 * elements, elements });
	if (is_cuda && !go_to_device(state, settings[VARIANT].text, why)) {
		norm_finish(state);
		return NULL;
	}
	return state;
}

static void norm_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	struct rows_task part = rows_task_share(&state->task, share, n_shares);
	if (part.rows > 0)
		state->function(&part);
}

static struct probe_work work_of(const struct state *state, uint64_t n_passes)
{
	double elements = (double)state->task.rows * (double)state->task.n * (double)n_passes;
	return (struct probe_work){ kinds[state->kind].flops_each * elements, 8 * elements,
				    elements };
}

static struct work norm_work(const void *opaque)
{
	const struct state *state = opaque;
	struct probe_work work = work_of(state, state->n_done);
	return (struct work){ work.flops, work.bytes, work.items };
}

static bool norm_run(void *opaque)
{
	struct state *state = opaque;
	probe_phase_begin(state->phase);
	bool is_done = true;
	if (state->cuda)
		is_done = cuda_run_launch(state->cuda, &state->device_task);
	else
		crew_run(state->crew, norm_share, state);
	probe_phase_end(state->phase, is_done ? work_of(state, 1) : PROBE_UNKNOWN);
	if (!is_done)
		return false; /* norm_verify says why */
	state->n_done++;
	probe_work(work_of(state, state->n_done));
	probe_progress((double)state->n_done / (double)state->n_wanted);
	return state->n_done < state->n_wanted;
}

/* What every y of a row is made with, in fp64: y = f(x - away) / root. */
static void row_terms(const struct state *state, const float *x, double *away, double *root)
{
	size_t n = state->task.n;
	double mean = 0, most = x[0], sum = 0;
	for (size_t j = 0; j < n; j++) {
		mean += x[j] / (double)n;
		most = fmax(most, x[j]);
	}
	*away = state->kind == SOFTMAX ? most : state->kind == LAYERNORM ? mean : 0;
	for (size_t j = 0; j < n; j++)
		sum += state->kind == SOFTMAX ? exp(x[j] - most)
					      : (x[j] - *away) * (x[j] - *away) / (double)n;
	*root = state->kind == SOFTMAX ? sum : sqrt(sum + EPSILON);
}

/* x is between -4 and 4: n + 32 roundings of values up to 8 / root (softmax: of y) bound all. */
static bool row_is_right(const struct state *state, size_t row, struct why *why)
{
	size_t n = state->task.n;
	const float *x = state->x + row * n, *y = state->y + row * n;
	double away, root;
	row_terms(state, x, &away, &root);
	for (size_t j = 0; j < n; j++) {
		double right = state->kind == SOFTMAX ? exp(x[j] - away) / root
						      : (x[j] - away) / root * state->weight[j];
		double scale = state->kind == SOFTMAX ? right : 64 / root / root + 8 / root + 1;
		right += state->kind == LAYERNORM ? state->bias[j] : 0;
		if (!(fabs(y[j] - right) <= ((double)n + 32) * 0x1p-24 * scale))
			return why_fail(why, "norm: y[%zu][%zu] is %.9g and should be %.9g.", row,
					j, y[j], right);
	}
	return true;
}

static bool norm_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 50 };
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (int i = 0; i < SAMPLES && state->n_done > 0; i++) {
		double row = random_unit(&random) * (double)state->task.rows;
		if (!row_is_right(state, (size_t)row, why))
			return false;
	}
	return state->n_done == 0 || row_is_right(state, state->task.rows - 1, why);
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "x and y together, MiB (S 0.5, M 16, L 1024)", PARAMETER_REAL, "512",
		       0.001, 65536, "0.5|16|1024" },
	[KIND] = { "kind", "what is done with each row", PARAMETER_CHOICE, "rmsnorm", 0, 0,
		   "softmax|rmsnorm|layernorm" },
	[N] = { "n", "elements a row", PARAMETER_INTEGER, "4096", 1, 1e6, NULL },
	[VARIANT] = { "variant",
		      "which kernel; unfused, fused, online (softmax) and vectorised with "
		      "device=cuda",
		      PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|unfused|fused|fused-avx2|fused-avx512|fused-neon|nontemporal|online|"
		      "vectorised" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes over the matrix", PARAMETER_INTEGER, "500", 1, 1e9, NULL },
	[SEED] = { "seed", "of the matrix", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_norm = {
	.name = "norm",
	.summary = "softmax, RMSNorm or LayerNorm: separate passes over memory, or one",
	.teaches =
		"A few operations an element, so memory is the limit, and what counts is how often "
		"the matrix goes through it. variant=unfused does one simple thing at a time, as "
		"operations called one by one do: four to seven passes. fused takes a row through "
		"all of them while it is in the cache. nontemporal also spares fetching each line "
		"of y only to overwrite it, and fetches the next row meanwhile. With size=0.5 all "
		"fits the cache and fusing gains much less. kind=softmax adds an exponential an "
		"element, which is where the scalar variants spend their time. device=cuda "
		"variant=unfused is six kernels where vectorised is one that keeps the row in "
		"registers.",
	.source = "Zhang and Sennrich (2019); Ba, Kiros, Hinton (2016); Bridle (1990)",
	.parameters = parameters,
	.prepare = norm_prepare,
	.run = norm_run,
	.verify = norm_verify,
	.work = norm_work,
	.finish = norm_finish,
};
