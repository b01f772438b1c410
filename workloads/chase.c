/* A walk through memory in random order, each step's address in the line before. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels/pointer_chase.h"
#include "sampler/base/probe.h"
#include "sampler/base/why.h"
#include "workloads/workload.h"

enum { SIZE_KIB, CHAINS, PAGES, REPEATS, SEED };

struct state {
	struct chase chase;
	pointer_chase_function *walk;
	uint64_t right, got; /* sums of all values: known, and of the last walk */
	uint64_t n_done, n_wanted;
	char phase[64];
};

static void chase_finish(void *opaque)
{
	struct state *state = opaque;
	chase_free(&state->chase);
	free(state);
}

static void *chase_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	double lines = settings[SIZE_KIB].number * 1024 / sizeof(struct chase_node);
	size_t n = lines < 1 ? 1 : (size_t)lines;
	state->walk = pointer_chase_variant(settings[CHAINS].choice ? "four" : "one");
	state->n_wanted = (uint64_t)settings[REPEATS].number;
	snprintf(state->phase, sizeof state->phase, "walk %zu lines, %s chains", n,
		 settings[CHAINS].text);
	probe_phase_begin("link");
	bool is_good = chase_start(&state->chase, n, (uint64_t)settings[SEED].number,
				   settings[PAGES].choice == 0);
	probe_phase_end("link",
			(struct probe_work){ 0, (double)n * sizeof(struct chase_node), (double)n });
	if (!is_good) {
		why_fail(why, "No memory for %zu cache lines; use a smaller size=.", n);
		chase_finish(state);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		state->right += state->chase.nodes[i].value;
	return state;
}

static struct probe_work work_of(const struct state *state, uint64_t n_walks)
{
	double lines = (double)state->chase.n * (double)n_walks;
	return (struct probe_work){ 0, lines * sizeof(struct chase_node), lines };
}

static struct work chase_work(const void *opaque)
{
	const struct state *state = opaque;
	struct probe_work work = work_of(state, state->n_done);
	return (struct work){ work.flops, work.bytes, work.items };
}

static double now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* At least this many steps a unit, so that reporting them costs nothing beside. */
enum { LEAST_STEPS = 1 << 20 };

static bool chase_run(void *opaque)
{
	struct state *state = opaque;
	uint64_t n_walks = LEAST_STEPS / state->chase.n + 1;
	if (n_walks > state->n_wanted - state->n_done)
		n_walks = state->n_wanted - state->n_done;
	probe_phase_begin(state->phase);
	double start_ns = now_ns();
	for (uint64_t i = 0; i < n_walks; i++)
		state->got = state->walk(&state->chase);
	double step_ns = (now_ns() - start_ns) / work_of(state, n_walks).items;
	probe_phase_end(state->phase, work_of(state, n_walks));
	probe_quality("ns a step", step_ns);
	state->n_done += n_walks;
	probe_work(work_of(state, state->n_done));
	probe_progress((double)state->n_done / (double)state->n_wanted);
	return state->n_done < state->n_wanted;
}

static bool chase_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	return state->n_done == 0 || state->got == state->right ||
	       why_fail(why, "chase: a walk did not visit each of the %zu lines once.",
			state->chase.n);
}

static const struct parameter parameters[] = {
	[SIZE_KIB] = { "size", "KiB of lines (S 16, M 512, L 262144)", PARAMETER_REAL, "262144",
		       0.0625, 67108864, "16|512|262144" },
	[CHAINS] = { "chains", "walks at once", PARAMETER_CHOICE, "1", 0, 0, "1|4" },
	[PAGES] = { "pages", "huge where Linux gives them, from 4 MiB on", PARAMETER_CHOICE, "huge",
		    0, 0, "huge|small" },
	[REPEATS] = { "repeats", "walks", PARAMETER_INTEGER, "1m", 1, 1e12, NULL },
	[SEED] = { "seed", "of the order", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_chase = {
	.name = "chase",
	.summary = "a random walk through memory: nothing but waiting for each line",
	.teaches = "Every step reads the address of the next, so no step can begin before the one "
		   "before has ended, and the time of a step is the latency of whatever holds the "
		   "lines: size=16 stays in L1, 512 in L2, 262144 in none. chains=4 walks four "
		   "ways at "
		   "once for nearly the time of one: waiting overlaps where the program lets it. "
		   "pages=small adds the search for the page's address to every step.",
	.source = "McVoy and Staelin, lmbench (USENIX 1996)",
	.parameters = parameters,
	.prepare = chase_prepare,
	.run = chase_run,
	.verify = chase_verify,
	.work = chase_work,
	.finish = chase_finish,
};
