/* The sum of those numbers that are large enough, over and over. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/branches.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"

enum { SIZE_MIB, ORDER, CHOSEN, VARIANT, THREADS, REPEATS, SEED };

enum { RANGE = 1000000, LINE_BYTES = 64 };

/* A share's result, in its own cache line. */
struct result {
	_Alignas(LINE_BYTES) struct branches_sum sum;
};

struct state {
	int32_t *x;
	size_t n;
	int32_t least;
	struct result *results;
	struct branches_sum right;
	branches_function *add;
	struct passes passes;
	uint64_t seed;
};

static void branch_finish(void *opaque)
{
	struct state *state = opaque;
	crew_free(state->passes.crew);
	free(state->x);
	free(state->results);
	free(state);
}

/* Both orders have the same numbers: the multiples of a fixed step, as they are or shuffled. */
static void fill(struct state *state, bool is_sorted)
{
	struct random random = { state->seed };
	for (size_t i = 0; i < state->n; i++) {
		state->x[i] = (int32_t)((double)i / (double)state->n * RANGE);
		if (state->x[i] >= state->least) {
			state->right.sum += state->x[i];
			state->right.count++;
		}
	}
	for (size_t i = state->n; i > 1 && !is_sorted; i--) { /* Fisher and Yates */
		size_t other = (size_t)(random_unit(&random) * (double)i);
		int32_t kept = state->x[i - 1];
		state->x[i - 1] = state->x[other];
		state->x[other] = kept;
	}
}

static void *branch_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->add = branches_variant(settings[VARIANT].text);
	state->n = (size_t)(settings[SIZE_MIB].number * 1048576 / sizeof(int32_t));
	state->least = (int32_t)((100 - settings[CHOSEN].number) / 100 * RANGE);
	state->seed = (uint64_t)settings[SEED].number;
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "branch");
	state->x = aligned_take(state->n * sizeof *state->x);
	state->results = aligned_take(crew_size(passes->crew) * sizeof *state->results);
	if (!state->add)
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
	else if (!state->x || !state->results)
		why_fail(why, "No memory for %zu numbers; use a smaller size=.", state->n);
	if (!state->add || !state->x || !state->results) {
		branch_finish(state);
		return NULL;
	}
	double n = (double)state->n;
	passes->each = (struct probe_work){ 0, 4 * n, n };
	snprintf(passes->phase, sizeof passes->phase, "add %s %s", settings[VARIANT].text,
		 settings[ORDER].text);
	probe_phase_begin("fill");
	fill(state, settings[ORDER].choice == 1);
	probe_phase_end("fill", (struct probe_work){ 0, 4 * n, n });
	return state;
}

static void add_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->n, share, n_shares, &from, &to);
	state->results[share].sum = state->add(state->x + from, to - from, state->least);
}

static bool branch_run(void *opaque)
{
	struct state *state = opaque;
	bool is_more = passes_run(&state->passes, add_share, state);
	probe_quality("ns an element", state->passes.last_ns / (double)state->n);
	return is_more;
}

static struct work branch_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

static bool branch_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	struct branches_sum got = { 0, 0 };
	for (unsigned i = 0; i < crew_size(state->passes.crew) && state->passes.n_done > 0; i++) {
		got.sum += state->results[i].sum.sum;
		got.count += state->results[i].sum.count;
	}
	return state->passes.n_done == 0 ||
	       (got.sum == state->right.sum && got.count == state->right.count) ||
	       why_fail(why, "branch: %llu numbers were added, not %llu, or not the right ones.",
			(unsigned long long)got.count, (unsigned long long)state->right.count);
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "numbers, MiB (S 0.016, M 16, L 512)", PARAMETER_REAL, "16", 0.001,
		       16383, "0.016|16|512" },
	[ORDER] = { "order", "of the same numbers", PARAMETER_CHOICE, "shuffled", 0, 0,
		    "shuffled|sorted" },
	[CHOSEN] = { "chosen", "of a hundred numbers are added", PARAMETER_REAL, "50", 0, 100,
		     NULL },
	[VARIANT] = { "variant", "which kernel", PARAMETER_CHOICE, "branchy", 0, 0,
		      "auto|branchy|branchless|avx2|avx512|neon" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes over the numbers", PARAMETER_INTEGER, "5000", 1, 1e9,
		      NULL },
	[SEED] = { "seed", "of the order", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_branch = {
	.name = "branch",
	.summary = "a jump that nobody can guess, and its twin without one",
	.teaches =
		"Every number is compared and added or not. order=shuffled makes the jump a coin's "
		"toss: half of the guesses are wrong, and each costs the work begun on the wrong "
		"side. order=sorted has the same numbers and instructions, and the jump goes one "
		"way and then the other: no misses. chosen=1 is easy in any order, as misses are "
		"the rarer side at most. variant=branchless computes both sides and takes a mask: "
		"the same time for any data; avx512 does it for sixteen. (size=0.016 fits L1: "
		"predictors then learn even the shuffled order by heart, from pass to pass.)",
	.source = "Smith, A study of branch prediction strategies (1981)",
	.parameters = parameters,
	.prepare = branch_prepare,
	.run = branch_run,
	.verify = branch_verify,
	.work = branch_work,
	.finish = branch_finish,
};
