/*
 * One matrix times one vector over and over, as a language model does for every word it says.
 * Many rows are copies of others: only the reading of them is of interest, and quantizing takes
 * longer than it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "kernels/gemv.h"
#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/random.h"
#include "workloads/workload.h"

enum { SIZE_MIB, TYPE, N, VARIANT, THREADS, REPEATS, SEED, DEVICE };

enum { DISTINCT_ROWS = 64 };

struct state {
	struct gemv_weights weights;
	struct gemv_vector x;
	float *y;
	gemv_function *gemv;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct cuda_gemv_task device_task;
	struct crew *crew;
	char phase[64];
	uint64_t n_done, n_wanted, seed;
};

static void gemv_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->crew);
	gemv_weights_free(&state->weights);
	gemv_vector_free(&state->x);
	free(state->y);
	free(state);
}

static void fill_row(struct random *random, float *row, size_t n)
{
	for (size_t j = 0; j < n; j++)
		row[j] = (float)random_normal(random);
}

/* A row like one DISTINCT_ROWS before it. */
static void copy_row(struct gemv_weights *weights, size_t row)
{
	size_t from = row - DISTINCT_ROWS, n = weights->row_scales;
	char *values = weights->values;
	memcpy(values + row * weights->row_bytes, values + from * weights->row_bytes,
	       weights->row_bytes);
	if (weights->scales)
		weights->scales[row] = weights->scales[from];
	if (weights->group_scales)
		memcpy(weights->group_scales + row * n, weights->group_scales + from * n,
		       n * sizeof *weights->group_scales);
}

static void fill(struct state *state)
{
	struct gemv_weights *weights = &state->weights;
	struct random random = { state->seed };
	float *row = allocate(weights->n, sizeof *row);
	fill_row(&random, row, weights->n);
	gemv_vector_set(&state->x, row);
	for (size_t i = 0; i < weights->m && i < DISTINCT_ROWS; i++) {
		fill_row(&random, row, weights->n);
		gemv_weights_set_row(weights, i, row);
	}
	for (size_t i = DISTINCT_ROWS; i < weights->m; i++)
		copy_row(weights, i);
	free(row);
}

/* Rows that fit the size; the bytes of one are asked of a matrix of one row. */
static size_t rows_that_fit(enum gemv_type type, size_t n, double mib)
{
	struct gemv_weights one;
	bool is_good = gemv_weights_start(&one, type, 1, n);
	double rows = is_good ? mib * 1048576 / gemv_weights_bytes(&one) : 0;
	gemv_weights_free(&one);
	return rows < 1 ? 1 : (size_t)rows;
}

/* Weights in the forms they have here; x both as it is and quantized. */
static bool take_to_device(struct state *state, struct why *why)
{
	const struct gemv_weights *weights = &state->weights;
	struct cuda_gemv_task *task = &state->device_task;
	size_t n_scales = weights->m * weights->row_scales;
	task->weights = *weights;
	task->x = state->x;
	task->weights.values =
		cuda_run_array(state->cuda, weights->values, weights->m * weights->row_bytes);
	if (weights->scales)
		task->weights.scales = cuda_run_array(state->cuda, weights->scales,
						      n_scales * sizeof *weights->scales);
	if (weights->group_scales)
		task->weights.group_scales =
			cuda_run_array(state->cuda, weights->group_scales,
				       n_scales * sizeof *weights->group_scales);
	task->x.values = cuda_run_array(state->cuda, state->x.values, weights->n * sizeof(float));
	size_t padded = (weights->n + GEMV_PADDING - 1) / GEMV_PADDING * GEMV_PADDING;
	task->x.quantized = cuda_run_array(state->cuda, state->x.quantized, padded);
	task->y = cuda_run_result(state->cuda, state->y, weights->m * sizeof *state->y);
	return cuda_run_is_good(state->cuda, why);
}

static bool go_to_device(struct state *state, const char *variant, struct why *why)
{
	const char *type = gemv_type_name(state->weights.type);
	char family[32];
	if (state->weights.type == GEMV_TERNARY)
		return why_fail(why, "There is no type=ternary with device=cuda; it takes "
				     "f32|bf16|int8|int4.");
	snprintf(family, sizeof family, "gemv_%s", type);
	if (!(state->cuda = cuda_run_new(family, variant, why)))
		return false;
	snprintf(state->phase, sizeof state->phase, "cuda %s %s %zux%zu", family,
		 cuda_run_variant(state->cuda), state->weights.m, state->weights.n);
	return take_to_device(state, why);
}

static void *gemv_prepare(const struct setting *settings, struct why *why)
{
	enum gemv_type type = (enum gemv_type)settings[TYPE].choice;
	bool is_cuda = settings[DEVICE].choice == 1;
	gemv_function *gemv = is_cuda ? NULL : gemv_variant(type, settings[VARIANT].text);
	if (!gemv && !is_cuda) {
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
		return NULL;
	}
	size_t n = (size_t)settings[N].number;
	size_t m = rows_that_fit(type, n, settings[SIZE_MIB].number);
	struct state *state = allocate(1, sizeof *state);
	state->gemv = gemv;
	state->seed = (uint64_t)settings[SEED].number;
	state->n_wanted = (uint64_t)settings[REPEATS].number;
	state->y = allocate(m, sizeof *state->y);
	state->crew = crew_new((unsigned)settings[THREADS].number, "gemv");
	bool has_weights = gemv_weights_start(&state->weights, type, m, n);
	if (!has_weights || !gemv_vector_start(&state->x, n)) {
		why_fail(why, "No memory for %zu rows of %zu weights; use a smaller size=.", m, n);
		gemv_finish(state);
		return NULL;
	}
	snprintf(state->phase, sizeof state->phase, "%s %s %zux%zu", gemv_type_name(type),
		 settings[VARIANT].text, m, n);
	probe_phase_begin("fill");
	fill(state);
	probe_phase_end("fill", (struct probe_work){ 0, gemv_weights_bytes(&state->weights),
						     (double)m * (double)n });
	if (is_cuda && !go_to_device(state, settings[VARIANT].text, why)) {
		gemv_finish(state);
		return NULL;
	}
	return state;
}

static void multiply_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->weights.m, share, n_shares, &from, &to);
	state->gemv(&state->weights, &state->x, state->y, from, to);
}

static struct probe_work work_of(const struct state *state, uint64_t n_products)
{
	double n = (double)n_products;
	double weights = (double)state->weights.m * (double)state->weights.n;
	return (struct probe_work){ 2 * weights * n, gemv_weights_bytes(&state->weights) * n,
				    weights * n };
}

static struct work gemv_work(const void *opaque)
{
	const struct state *state = opaque;
	struct probe_work work = work_of(state, state->n_done);
	return (struct work){ work.flops, work.bytes, work.items };
}

static bool gemv_run(void *opaque)
{
	struct state *state = opaque;
	probe_phase_begin(state->phase);
	bool is_done = true;
	if (state->cuda)
		is_done = cuda_run_launch(state->cuda, &state->device_task);
	else
		crew_run(state->crew, multiply_share, state);
	probe_phase_end(state->phase, is_done ? work_of(state, 1) : PROBE_UNKNOWN);
	if (!is_done)
		return false; /* gemv_verify says why */
	state->n_done++;
	probe_work(work_of(state, state->n_done));
	probe_progress((double)state->n_done / (double)state->n_wanted);
	return state->n_done < state->n_wanted;
}

static bool row_is_right(const struct state *state, size_t row, struct why *why)
{
	const struct gemv_weights *weights = &state->weights;
	bool is_float = weights->type <= GEMV_BF16;
	double sum = 0, scale = 0, got = state->y[row];
	for (size_t j = 0; j < weights->n; j++) {
		double x = is_float ? state->x.values[j]
				    : (double)state->x.quantized[j] * state->x.scale;
		double term = gemv_weight(weights, row, j) * x;
		sum += term;
		scale += fabs(term);
	}
	/* n + 2 roundings; int4 works with values up to twice as large (gemv_int4.c). */
	if (fabs(got - sum) <= 2 * ((double)weights->n + 2) * 0x1p-24 * scale)
		return true;
	return why_fail(why, "gemv: y[%zu] is %.9g and should be %.9g.", row, got, sum);
}

static bool gemv_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 200 };
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (int i = 0; i < SAMPLES && state->n_done > 0; i++) {
		double row = random_unit(&random) * (double)state->weights.m;
		if (!row_is_right(state, (size_t)row, why))
			return false;
	}
	return state->n_done == 0 || row_is_right(state, state->weights.m - 1, why);
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "all weights, MiB (S 0.5, M 24, L 768)", PARAMETER_REAL, "768",
		       0.001, 65536, "0.5|24|768" },
	[TYPE] = { "type", "of the weights", PARAMETER_CHOICE, "f32", 0, 0,
		   "f32|bf16|int8|int4|ternary" },
	[N] = { "n", "weights a row", PARAMETER_INTEGER, "4096", 1, 65536, NULL },
	[VARIANT] = { "variant", "which kernel; row and warp with device=cuda", PARAMETER_CHOICE,
		      "auto", 0, 0, "auto|scalar|avx2|avx512|neon|row|warp" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "products", PARAMETER_INTEGER, "500", 1, 1e9, NULL },
	[SEED] = { "seed", "of weights and vector", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_gemv = {
	.name = "gemv",
	.summary = "y = A x with weights from 32 bits down to two: a language model's next word",
	.teaches =
		"A matrix times a vector uses every weight once: two operations for its bytes, far "
		"below what the processor could do, so the time is that of reading memory. Fewer "
		"bytes a weight are therefore more weights a second: compare type=f32, bf16, int8, "
		"int4 and ternary by items, not by bytes. variant=scalar shows the other side: "
		"unpacking bits one by one makes the small types the slow ones. With size=0.5 all "
		"fits the cache, and arithmetic is the limit after all.",
	.source = "Dettmers et al., LLM.int8() (2022); Frantar et al., GPTQ (2023); Ma et al., The "
		  "era of 1-bit LLMs (2024)",
	.parameters = parameters,
	.prepare = gemv_prepare,
	.run = gemv_run,
	.verify = gemv_verify,
	.work = gemv_work,
	.finish = gemv_finish,
};
