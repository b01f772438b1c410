/* Attention of some heads over one sequence, over and over. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/cuda/tasks.h"
#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"
#include "workloads/workload.h"

enum { TOKENS, N, HEADS, MASK, VARIANT, THREADS, REPEATS, SEED, DEVICE };

struct state {
	struct attention_task head; /* the first; the others lie behind it */
	size_t n_heads;
	float *q, *k, *v, *y;
	attention_function *function;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct cuda_attention_task device_task;
	struct passes passes;
	uint64_t seed;
};

static void attention_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->passes.crew);
	free(state->q);
	free(state->k);
	free(state->v);
	free(state->y);
	free(state->head.workspace);
	free(state);
}

static bool take_memory(struct state *state, const char *variant, struct why *why)
{
	struct attention_task *head = &state->head;
	size_t bytes = state->n_heads * head->n_tokens * head->n * sizeof(float);
	head->q = state->q = aligned_take(bytes);
	head->k = state->k = aligned_take(bytes);
	head->v = state->v = aligned_take(bytes);
	head->y = state->y = aligned_take(bytes);
	/* The device has its own. */
	size_t workspace_bytes =
		state->function ? attention_workspace_bytes(variant, head->n_tokens, head->n,
							    crew_size(state->passes.crew))
				: 64;
	head->workspace = aligned_take(workspace_bytes);
	return (state->q && state->k && state->v && state->y && head->workspace) ||
	       why_fail(why, "No memory for %zu heads of %zu tokens; use smaller tokens=.",
			state->n_heads, head->n_tokens);
}

static void fill(struct state *state)
{
	struct random random = { state->seed };
	size_t n = state->n_heads * state->head.n_tokens * state->head.n;
	for (size_t i = 0; i < n; i++) {
		state->q[i] = (float)(4 * random_unit(&random) - 2);
		state->k[i] = (float)(4 * random_unit(&random) - 2);
		state->v[i] = (float)(2 * random_unit(&random) - 1);
		state->y[i] = 0;
	}
}

static bool go_to_device(struct state *state, const char *variant, struct why *why)
{
	const struct attention_task *head = &state->head;
	struct passes *passes = &state->passes;
	struct cuda_attention_task *task = &state->device_task;
	size_t bytes = state->n_heads * head->n_tokens * head->n * sizeof(float);
	if (!(state->cuda = cuda_run_new("attention", variant, why)))
		return false;
	variant = cuda_run_variant(state->cuda);
	bool keeps_scores = strcmp(variant, "naive") == 0;
	*task = (struct cuda_attention_task){
		.n_heads = state->n_heads,
		.n_tokens = head->n_tokens,
		.n = head->n,
		.q = cuda_run_array(state->cuda, state->q, bytes),
		.k = cuda_run_array(state->cuda, state->k, bytes),
		.v = cuda_run_array(state->cuda, state->v, bytes),
		.y = cuda_run_result(state->cuda, state->y, bytes),
		.is_causal = head->is_causal,
	};
	if (keeps_scores)
		task->scores = cuda_run_array(state->cuda, NULL,
					      head->n_tokens * head->n_tokens * sizeof(float));
	snprintf(passes->phase, sizeof passes->phase, "cuda attention %s %zux%zux%zu", variant,
		 state->n_heads, head->n_tokens, head->n);
	return cuda_run_is_good(state->cuda, why);
}

static void *attention_prepare(const struct setting *settings, struct why *why)
{
	const char *variant = settings[VARIANT].text;
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	bool is_cuda = settings[DEVICE].choice == 1;
	state->function = is_cuda ? NULL : attention_variant(variant);
	state->n_heads = (size_t)settings[HEADS].number;
	state->seed = (uint64_t)settings[SEED].number;
	state->head = (struct attention_task){ .n_tokens = (size_t)settings[TOKENS].number,
					       .n = (size_t)settings[N].number,
					       .is_causal = settings[MASK].choice == 0 };
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "attention");
	if (!state->function && !is_cuda)
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.", variant);
	if ((!state->function && !is_cuda) || !take_memory(state, variant, why)) {
		attention_finish(state);
		return NULL;
	}
	double heads = (double)state->n_heads;
	passes->each = (struct probe_work){ heads * attention_flops(&state->head),
					    heads * attention_bytes(&state->head),
					    heads * (double)state->head.n_tokens };
	snprintf(passes->phase, sizeof passes->phase, "attention %s %zux%zux%zu", variant,
		 state->n_heads, state->head.n_tokens, state->head.n);
	probe_phase_begin("fill");
	fill(state);
	probe_phase_end("fill", (struct probe_work){ 0, passes->each.bytes, passes->each.items });
	if (is_cuda && !go_to_device(state, variant, why)) {
		attention_finish(state);
		return NULL;
	}
	return state;
}

static struct attention_task head_at(const struct state *state, size_t head)
{
	struct attention_task task = state->head;
	size_t at = head * task.n_tokens * task.n;
	task.q += at;
	task.k += at;
	task.v += at;
	task.y += at;
	return task;
}

/* A share has its own part of the workspace, so heads need not wait for each other. */
static void attend(void *opaque, unsigned share, unsigned n_shares)
{
	const struct state *state = opaque;
	for (size_t head = 0; head < state->n_heads; head++) {
		struct attention_task task = head_at(state, head);
		state->function(&task, share, n_shares);
	}
}

static bool attention_run(void *opaque)
{
	struct state *state = opaque;
	if (state->cuda)
		return cuda_run_pass(state->cuda, &state->device_task, &state->passes);
	return passes_run(&state->passes, attend, state);
}

static struct work attention_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

/* Scores of |q|, |k| <= 2 are below 4 sqrt(n): their roundings bound those of all weights. */
static bool token_is_right(const struct attention_task *task, size_t i, struct why *why)
{
	size_t n = task->n, n_seen = task->is_causal ? i + 1 : task->n_tokens;
	double *weights = allocate(n_seen, sizeof *weights), most = -INFINITY, total = 0;
	double root = sqrt((double)n);
	double allowed = ((double)n + 32) * 0x1p-23 * 4 * root + (double)n_seen * 0x1p-23;
	bool is_right = true;
	for (size_t j = 0; j < n_seen; j++) {
		for (size_t p = 0; p < n; p++)
			weights[j] += (double)task->q[i * n + p] * task->k[j * n + p] / root;
		most = fmax(most, weights[j]);
	}
	for (size_t j = 0; j < n_seen; j++)
		total += weights[j] = exp(weights[j] - most);
	for (size_t p = 0; p < n && is_right; p++) {
		double right = 0, got = task->y[i * n + p];
		for (size_t j = 0; j < n_seen; j++)
			right += weights[j] / total * task->v[j * n + p];
		if (!(fabs(got - right) <= allowed))
			is_right = why_fail(why, "attention: y[%zu][%zu] is %.9g, not %.9g.", i, p,
					    got, right);
	}
	free(weights);
	return is_right;
}

static bool attention_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 12 };
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (int i = 0; i < SAMPLES && state->passes.n_done > 0; i++) {
		struct attention_task task =
			head_at(state, (size_t)(random_unit(&random) * (double)state->n_heads));
		size_t token = (size_t)(random_unit(&random) * (double)task.n_tokens);
		if (!token_is_right(&task, i ? token : task.n_tokens - 1, why))
			return false;
	}
	return true;
}

static const struct parameter parameters[] = {
	[TOKENS] = { "tokens",
		     "of the sequence (S 256, M 2048, L 8192): 4 tokens^2 bytes of scores",
		     PARAMETER_INTEGER, "2048", 1, 65536, "256|2048|8192" },
	[N] = { "n", "of a query, key and value", PARAMETER_INTEGER, "64", 1, 1024, NULL },
	[HEADS] = { "heads", "one after the other", PARAMETER_INTEGER, "6", 1, 1024, NULL },
	[MASK] = { "mask", "causal: a token looks at those before it", PARAMETER_CHOICE, "causal",
		   0, 0, "causal|full" },
	[VARIANT] = { "variant", "which kernel; naive and flash with device=cuda", PARAMETER_CHOICE,
		      "auto", 0, 0, "auto|naive|unfused|flash|flash-avx2|flash-avx512|flash-neon" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes over all heads", PARAMETER_INTEGER, "2000", 1, 1e9, NULL },
	[SEED] = { "seed", "of queries, keys and values", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_attention = {
	.name = "attention",
	.summary = "what each token takes from those before it: two products and a softmax",
	.teaches =
		"Every token is compared with all before it, so the scores are a matrix of tokens "
		"x "
		"tokens that nobody wants in the end. variant=unfused computes it as a framework "
		"does, product, mask, softmax, product, and each step carries 4 tokens^2 bytes "
		"through memory: 16 MiB at M, past the caches at tokens=8192. flash works block by "
		"block, rescaling its sums when a greater score appears, so scores never leave the "
		"cache and the diagonal's other side is not computed at all; what is left is "
		"bound by arithmetic. Compare flash with flash-avx512 for what registers give, and "
		"naive for what a plain loop costs.",
	.source = "Vaswani et al. (2017); Dao et al., FlashAttention (2022)",
	.parameters = parameters,
	.prepare = attention_prepare,
	.run = attention_run,
	.verify = attention_verify,
	.work = attention_work,
	.finish = attention_finish,
};
