/* What stands between the matrix products of a language model, over and over. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cross_entropy.h"
#include "kernels/rope.h"
#include "kernels/support/dispatch.h"
#include "kernels/swiglu.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"

enum { SIZE_MIB, KIND, N, VARIANT, THREADS, REPEATS, SEED };

enum kind { ROPE, SWIGLU, CROSS_ENTROPY };

/* Heads a token, as in models of some billion weights; every position from 0 on. */
enum { HEADS = 32 };

struct state {
	enum kind kind;
	size_t rows, n;         /* RoPE: rows / HEADS tokens */
	float *a, *b;           /* x, gate or logits; up, and scratch of the others */
	float *y, *scratch;     /* scratch: rows, n */
	float *cosines, *sines; /* RoPE: rows / HEADS, n / 2 */
	float *losses;          /* cross-entropy: rows */
	uint32_t *targets;
	rope_function *rope;
	swiglu_function *swiglu;
	cross_entropy_function *cross_entropy;
	struct passes passes;
	uint64_t seed;
};

static void decoder_finish(void *opaque)
{
	struct state *state = opaque;
	crew_free(state->passes.crew);
	free(state->a);
	free(state->b);
	free(state->y);
	free(state->scratch);
	free(state->cosines);
	free(state->sines);
	free(state->losses);
	free(state->targets);
	free(state);
}

static struct rope_task rope_of(const struct state *state)
{
	return (struct rope_task){ .n_tokens = state->rows / HEADS,
				   .n_heads = HEADS,
				   .half = state->n / 2,
				   .base = 10000,
				   .x = state->a,
				   .y = state->y,
				   .cosines = state->cosines,
				   .sines = state->sines };
}

static struct cross_entropy_task cross_entropy_of(const struct state *state)
{
	return (struct cross_entropy_task){ .rows = state->rows,
					    .n = state->n,
					    .x = state->a,
					    .targets = state->targets,
					    .losses = state->losses,
					    .gradient = state->y,
					    .scratch = state->scratch };
}

/* Only what the kind needs. */
static bool take_memory(struct state *state, struct why *why)
{
	size_t bytes = state->rows * state->n * sizeof(float);
	size_t table_bytes = state->rows / HEADS * (state->n / 2) * sizeof(float);
	bool is_rope = state->kind == ROPE, is_loss = state->kind == CROSS_ENTROPY;
	state->a = aligned_take(bytes);
	state->y = aligned_take(bytes);
	state->b = aligned_take(state->kind == SWIGLU ? bytes : 1);
	state->scratch = aligned_take(is_rope ? 1 : bytes);
	state->cosines = aligned_take(is_rope ? table_bytes : 1);
	state->sines = aligned_take(is_rope ? table_bytes : 1);
	state->losses = aligned_take(is_loss ? state->rows * sizeof(float) : 1);
	state->targets = aligned_take(is_loss ? state->rows * sizeof(uint32_t) : 1);
	return (state->a && state->y && state->b && state->scratch && state->cosines &&
		state->sines && state->losses && state->targets) ||
	       why_fail(why, "No memory for %zu rows of %zu; use a smaller size=.", state->rows,
			state->n);
}

/* Each row has its own sequence, so that the number of threads does not matter. */
static void fill_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t n = state->n, from, to;
	crew_part(state->rows, share, n_shares, &from, &to);
	for (size_t row = from; row < to; row++) {
		struct random random = { state->seed + row * 0x9e3779b97f4a7c15u };
		for (size_t i = row * n; i < (row + 1) * n; i++) {
			state->a[i] = (float)(16 * random_unit(&random) - 8);
			if (state->kind == SWIGLU)
				state->b[i] = (float)(2 * random_unit(&random) - 1);
			if (state->kind != ROPE)
				state->scratch[i] = 0;
			state->y[i] = 0;
		}
		if (state->kind == CROSS_ENTROPY)
			state->targets[row] = (uint32_t)(random_unit(&random) * (double)n);
	}
}

static bool find_variant(struct state *state, const struct setting *settings, struct why *why)
{
	const char *name = settings[VARIANT].text;
	if (state->kind == ROPE)
		state->rope = rope_variant(name);
	else if (state->kind == SWIGLU)
		state->swiglu = swiglu_variant(name);
	else
		state->cross_entropy = cross_entropy_variant(name);
	return state->rope || state->swiglu || state->cross_entropy ||
	       why_fail(why,
			"There is no variant=%s of kind=%s on this CPU; choose another or auto.",
			name, settings[KIND].text);
}

static struct probe_work work_of_pass(const struct state *state)
{
	double rows = (double)state->rows, cells = rows * (double)state->n;
	struct rope_task rope = rope_of(state);
	if (state->kind == ROPE)
		return (struct probe_work){ rope_flops(&rope), rope_bytes(&rope), cells };
	if (state->kind == SWIGLU)
		return (struct probe_work){ 5 * cells, 12 * cells, cells };
	return (struct probe_work){ 4 * cells + 4 * rows, 8 * cells + 8 * rows, cells };
}

static void *decoder_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->kind = (enum kind)settings[KIND].choice;
	state->n = (size_t)settings[N].number;
	state->seed = (uint64_t)settings[SEED].number;
	size_t row_bytes = (state->kind == SWIGLU ? 12 : 8) * state->n;
	state->rows = (size_t)(settings[SIZE_MIB].number * 1048576 / (double)row_bytes);
	state->rows = state->rows < 1 ? 1 : state->rows;
	if (state->kind == ROPE) /* whole tokens, pairs */
		state->rows = (state->rows + HEADS - 1) / HEADS * HEADS, state->n += state->n % 2;
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "decoder");
	if (!find_variant(state, settings, why) || !take_memory(state, why)) {
		decoder_finish(state);
		return NULL;
	}
	passes->each = work_of_pass(state);
	snprintf(passes->phase, sizeof passes->phase, "%s %s %zux%zu", settings[KIND].text,
		 settings[VARIANT].text, state->rows, state->n);
	probe_phase_begin("fill");
	crew_run(passes->crew, fill_share, state);
	struct rope_task rope = rope_of(state);
	if (state->kind == ROPE)
		rope_fill(&rope, state->cosines, state->sines);
	probe_phase_end("fill", (struct probe_work){ 0, passes->each.bytes, passes->each.items });
	return state;
}

static void decode_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->kind == ROPE ? state->rows / HEADS : state->rows, share, n_shares, &from,
		  &to);
	if (from == to)
		return;
	if (state->kind == ROPE) {
		struct rope_task task = rope_of(state);
		state->rope(&task, from, to);
	} else if (state->kind == SWIGLU) {
		size_t at = from * state->n;
		state->swiglu(&(struct swiglu_task){ (to - from) * state->n, state->a + at,
						     state->b + at, state->y + at,
						     state->scratch + at });
	} else {
		struct cross_entropy_task whole = cross_entropy_of(state);
		struct cross_entropy_task part = cross_entropy_share(&whole, share, n_shares);
		state->cross_entropy(&part);
	}
}

static bool decoder_run(void *opaque)
{
	struct state *state = opaque;
	return passes_run(&state->passes, decode_share, state);
}

static struct work decoder_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

/* log(sum of exp(x)); |x| <= 8, so nothing overflows. */
static double log_total(const struct state *state, size_t row)
{
	double total = 0;
	for (size_t j = 0; j < state->n; j++)
		total += exp((double)state->a[row * state->n + j]);
	return log(total);
}

/* y[row][j] in fp64, and a bound of what is added up to make it. */
static double right_of(const struct state *state, size_t row, size_t j, double log_sum,
		       double *scale)
{
	size_t n = state->n, half = n / 2, at = row * n + j;
	double x = state->a[at];
	if (state->kind == SWIGLU) {
		*scale = fabs(x * state->b[at]);
		return x / (1 + exp(-x)) * state->b[at];
	}
	if (state->kind == CROSS_ENTROPY) {
		*scale = (double)n * exp(x - log_sum) + 1;
		return exp(x - log_sum) - (j == state->targets[row]);
	}
	size_t token = row / HEADS;
	double position = (double)token, pair = (double)(j % half) / (double)half;
	double angle = position * pow(10000, -pair);
	double other = state->a[j < half ? at + half : at - half];
	*scale = fabs(x) + fabs(other);
	return x * cos(angle) + (j < half ? -other : other) * sin(angle);
}

static bool row_is_right(const struct state *state, size_t row, struct why *why)
{
	double log_sum = state->kind == CROSS_ENTROPY ? log_total(state, row) : 0, scale;
	for (size_t j = 0; j < state->n; j++) {
		double right = right_of(state, row, j, log_sum, &scale);
		double got = state->y[row * state->n + j];
		if (!(fabs(got - right) <= 64 * 0x1p-24 * scale))
			return why_fail(why, "decoder: y[%zu][%zu] is %.9g and should be %.9g.",
					row, j, got, right);
	}
	if (state->kind != CROSS_ENTROPY)
		return true;
	double right = log_sum - state->a[row * state->n + state->targets[row]];
	return fabs(state->losses[row] - right) <= ((double)state->n + 64) * 0x1p-24 * 16 ||
	       why_fail(why, "decoder: the loss of row %zu is %.9g and should be %.9g.", row,
			state->losses[row], right);
}

static bool decoder_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 40 };
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	for (int sample = 0; sample < SAMPLES && state->passes.n_done > 0; sample++) {
		size_t row = (size_t)(random_unit(&random) * (double)state->rows);
		if (!row_is_right(state, sample ? row : state->rows - 1, why))
			return false;
	}
	return true;
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "all inputs and outputs, MiB (S 0.25, M 16, L 512)", PARAMETER_REAL,
		       "256", 0.001, 65536, "0.25|16|512" },
	[KIND] = { "kind", "what is done with each row", PARAMETER_CHOICE, "swiglu", 0, 0,
		   "rope|swiglu|cross-entropy" },
	[N] = { "n", "elements a row: of a head, a layer, a vocabulary", PARAMETER_INTEGER, "128",
		1, 1e6, NULL },
	[VARIANT] = { "variant", "which kernel; computed and table only of rope", PARAMETER_CHOICE,
		      "auto", 0, 0,
		      "auto|computed|table|table-avx2|table-avx512|table-neon|unfused|fused|"
		      "fused-avx2|fused-avx512|fused-neon|nontemporal" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes over all rows", PARAMETER_INTEGER, "1000", 1, 1e9, NULL },
	[SEED] = { "seed", "of the rows", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_decoder = {
	.name = "decoder",
	.summary = "RoPE, SwiGLU or cross-entropy: what stands between a model's matrix products",
	.teaches =
		"Few operations an element, some of them costly. kind=rope variant=computed takes "
		"a power, a sine and a cosine for a turn of four products; table looks them up, "
		"and memory is the limit at once: some forty times faster for one table. "
		"kind=swiglu variant=unfused makes three passes of one, fused-avx512 takes sixteen "
		"exponentials at a time by multiplications and shifts, where the scalar loop calls "
		"a function for each, and nontemporal spares fetching lines that are only "
		"overwritten. kind=cross-entropy with a vocabulary's n=32000 reads each row again "
		"from L2.",
	.source = "Su et al. (2021); Shazeer (2020); Blanchard, Higham, Higham (2021)",
	.parameters = parameters,
	.prepare = decoder_prepare,
	.run = decoder_run,
	.verify = decoder_verify,
	.work = decoder_work,
	.finish = decoder_finish,
};
