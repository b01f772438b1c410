/* Each thread counts to itself, in memory that is or is not in one cache line with the others'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/sharing.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/passes.h"

enum { LAYOUT, VARIANT, THREADS, N, REPEATS };

struct state {
	uint64_t *counters;
	size_t apart; /* from counter to counter, in counters */
	uint64_t n;
	sharing_function *count;
	struct passes passes;
};

static void sharing_finish(void *opaque)
{
	struct state *state = opaque;
	crew_free(state->passes.crew);
	free(state->counters);
	free(state);
}

static void *sharing_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->apart = settings[LAYOUT].choice ? SHARING_APART_BYTES / sizeof(uint64_t) : 1;
	state->n = (uint64_t)settings[N].number;
	state->count = sharing_variant(settings[VARIANT].text);
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "sharing");
	size_t n_shares = crew_size(passes->crew);
	size_t bytes = n_shares * state->apart * sizeof *state->counters;
	state->counters = aligned_take(bytes);
	if (!state->counters) {
		why_fail(why, "No memory for %zu counters.", n_shares);
		sharing_finish(state);
		return NULL;
	}
	memset(state->counters, 0, bytes);
	double n = (double)state->n * (double)n_shares;
	passes->each = (struct probe_work){ 0, 16 * n, n };
	snprintf(passes->phase, sizeof passes->phase, "count %s %s", settings[VARIANT].text,
		 settings[LAYOUT].text);
	return state;
}

static void count_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	(void)n_shares;
	state->count(state->counters + share * state->apart, state->n);
}

static bool sharing_run(void *opaque)
{
	struct state *state = opaque;
	bool is_more = passes_run(&state->passes, count_share, state);
	probe_quality("ns an addition", state->passes.last_ns / (double)state->n);
	return is_more;
}

static struct work sharing_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

static bool sharing_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	uint64_t right = state->passes.n_done * state->n;
	for (unsigned i = 0; i < crew_size(state->passes.crew); i++)
		if (state->counters[i * state->apart] != right)
			return why_fail(why, "sharing: counter %u is %llu and should be %llu.", i,
					(unsigned long long)state->counters[i * state->apart],
					(unsigned long long)right);
	return true;
}

static const struct parameter parameters[] = {
	[LAYOUT] = { "layout", "counters side by side, or 128 bytes apart", PARAMETER_CHOICE,
		     "together", 0, 0, "together|apart" },
	[VARIANT] = { "variant", "how a counter is kept", PARAMETER_CHOICE, "memory", 0, 0,
		      "auto|atomic|memory|register" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[N] = { "n", "additions a pass and thread (S 1m, M 10m, L 100m: of 64 bytes)",
		PARAMETER_INTEGER, "10m", 1, 1e12, "1m|10m|100m" },
	[REPEATS] = { "repeats", "passes", PARAMETER_INTEGER, "2000", 1, 1e9, NULL },
	{ 0 },
};

const struct workload workload_sharing = {
	.name = "sharing",
	.summary = "false sharing: counters of different threads in one cache line, or apart",
	.teaches =
		"No thread ever looks at another's counter. layout=together still puts them into "
		"one line of the cache, and a core must own the whole line to write to it: it goes "
		"back and forth, and two threads take longer than one after the other. "
		"layout=apart changes nothing but the addresses, by 128 bytes: two lines, as some "
		"prefetchers fetch pairs. variant=atomic makes every addition wait for the line; "
		"memory can store into the core's own buffer meanwhile and suffers less; register "
		"stores once and does not care. With threads=1 layouts are the same.",
	.source = "Torrellas, Lam, Hennessy, False sharing and spatial locality (1994)",
	.parameters = parameters,
	.prepare = sharing_prepare,
	.run = sharing_run,
	.verify = sharing_verify,
	.work = sharing_work,
	.finish = sharing_finish,
};
