/* STREAM's triad over arrays that no cache holds: what main memory gives. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/triad.h"
#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/workload.h"

enum { SIZE_MIB, VARIANT, THREADS, REPEATS };

static const double SCALE = 3.0;

struct state {
	double *a, *b, *c;
	size_t n;
	triad_function *triad;
	struct crew *crew;
	uint64_t n_done, n_wanted;
};

static void fill_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->n, share, n_shares, &from, &to);
	for (size_t i = from; i < to; i++) {
		state->a[i] = 0;
		state->b[i] = 1 + (double)(i % 1024) / 1024;
		state->c[i] = 2 - (double)(i % 511) / 512;
	}
}

static void triad_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->n, share, n_shares, &from, &to);
	state->triad(state->a + from, state->b + from, state->c + from, SCALE, to - from);
}

static void *triad_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	state->n = (size_t)(settings[SIZE_MIB].number * 1048576 / 24);
	state->n_wanted = (uint64_t)settings[REPEATS].number;
	state->triad = triad_variant(settings[VARIANT].text);
	if (!state->triad) {
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
		free(state);
		return NULL;
	}
	state->a = aligned_alloc(64, (state->n * sizeof(double) + 63) / 64 * 64);
	state->b = aligned_alloc(64, (state->n * sizeof(double) + 63) / 64 * 64);
	state->c = aligned_alloc(64, (state->n * sizeof(double) + 63) / 64 * 64);
	if (!state->a || !state->b || !state->c) {
		why_fail(why, "No memory for three arrays of %zu doubles; use a smaller size=.",
			 state->n);
		free(state->a);
		free(state->b);
		free(state->c);
		free(state);
		return NULL;
	}
	state->crew = crew_new((unsigned)settings[THREADS].number, "triad");
	probe_phase_begin("fill");
	crew_run(state->crew, fill_share, state); /* each thread touches its own pages first */
	probe_phase_end("fill",
			(struct probe_work){ 0, 24.0 * (double)state->n, (double)state->n });
	return state;
}

static struct work triad_work(const void *opaque)
{
	const struct state *state = opaque;
	double n = (double)state->n * (double)state->n_done;
	return (struct work){ .flops = 2 * n, .bytes = 24 * n, .items = n };
}

static bool triad_run(void *opaque)
{
	struct state *state = opaque;
	double n = (double)state->n;
	probe_phase_begin("triad");
	crew_run(state->crew, triad_share, state);
	probe_phase_end("triad", (struct probe_work){ 2 * n, 24 * n, n });
	state->n_done++;
	struct work work = triad_work(state);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
	probe_progress((double)state->n_done / (double)state->n_wanted);
	return state->n_done < state->n_wanted;
}

static bool triad_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	for (size_t i = 0; i < state->n; i++) {
		double b = 1 + (double)(i % 1024) / 1024, c = 2 - (double)(i % 511) / 512;
		/* All terms are multiples of 2^-10 below 16: exact, fused or not. */
		if (state->n_done && state->a[i] != b + SCALE * c)
			return why_fail(why, "triad: a[%zu] is %.17g and should be %.17g.", i,
					state->a[i], b + SCALE * c);
	}
	return true;
}

static void triad_finish(void *opaque)
{
	struct state *state = opaque;
	crew_free(state->crew);
	free(state->a);
	free(state->b);
	free(state->c);
	free(state);
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "all three arrays together, MiB (S 3, M 300, L 3000)",
		       PARAMETER_REAL, "768", 0.001, 65536, NULL },
	[VARIANT] = { "variant", "which kernel", PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|scalar|avx2|avx512|nontemporal" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes over the arrays", PARAMETER_INTEGER, "500", 1, 1e9, NULL },
	{ 0 },
};

const struct workload workload_triad = {
	.name = "triad",
	.summary = "a = b + s c over arrays larger than the caches: memory bandwidth",
	.teaches =
		"Two floating-point operations for every 24 bytes: no processor is slow enough to "
		"be the limit here. Time goes to waiting for memory, at one hot instruction. "
		"variant=nontemporal saves a quarter of the traffic, because a line that is "
		"overwritten whole need not be fetched first; threads=1 shows that one core alone "
		"cannot use all the bandwidth; size=1 fits the caches and is many times faster.",
	.source = "McCalpin, STREAM",
	.parameters = parameters,
	.prepare = triad_prepare,
	.run = triad_run,
	.verify = triad_verify,
	.work = triad_work,
	.finish = triad_finish,
};
