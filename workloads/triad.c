/* STREAM's loops, the triad first, over arrays that no cache holds: what main memory gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "kernels/stream.h"
#include "kernels/triad.h"
#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/cuda_run.h"
#include "workloads/workload.h"

enum { SIZE_MIB, VARIANT, THREADS, REPEATS, LOOP, DEVICE };

/* In the order of loop=. */
static const struct loop {
	const char *name;
	enum cuda_stream_loop cuda;
	enum stream_loop stream; /* of the CPU, but for the triad */
	double flops, bytes;     /* an element */
	double of_b, of_c;       /* a = of_b b + of_c c */
} loops[] = {
	{ "triad", CUDA_TRIAD, STREAM_LOOPS, 2, 24, 1, 3 },
	{ "copy", CUDA_COPY, STREAM_COPY, 0, 16, 1, 0 },
	{ "scale", CUDA_SCALE, STREAM_SCALE, 1, 16, 3, 0 },
	{ "add", CUDA_ADD, STREAM_ADD, 1, 24, 1, 1 },
};

static const double SCALE = 3.0;

struct state {
	double *a, *b, *c;
	size_t n;
	const struct loop *loop;
	triad_function *triad;
	stream_function *stream;
	struct crew *crew;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct cuda_stream_task device_task;
	char phase[64];
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
	double *a = state->a + from, *b = state->b + from, *c = state->c + from;
	if (state->loop->cuda == CUDA_TRIAD)
		state->triad(a, b, c, SCALE, to - from);
	else
		state->stream(state->loop->stream, a, b, c, SCALE, to - from);
}

static void triad_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->crew);
	free(state->a);
	free(state->b);
	free(state->c);
	free(state);
}

static bool take_memory(struct state *state, struct why *why)
{
	size_t bytes = (state->n * sizeof(double) + 63) / 64 * 64;
	state->a = aligned_alloc(64, bytes);
	state->b = aligned_alloc(64, bytes);
	state->c = aligned_alloc(64, bytes);
	return (state->a && state->b && state->c) ||
	       why_fail(why, "No memory for three arrays of %zu doubles; use a smaller size=.",
			state->n);
}

static bool choose(struct state *state, const struct setting *settings, struct why *why)
{
	const char *variant = settings[VARIANT].text;
	snprintf(state->phase, sizeof state->phase, "%s", state->loop->name);
	if (settings[DEVICE].choice == 1) {
		state->cuda = cuda_run_new("stream", variant, why);
		if (state->cuda)
			snprintf(state->phase, sizeof state->phase, "cuda %s %s", state->loop->name,
				 cuda_run_variant(state->cuda));
		return state->cuda != NULL;
	}
	state->triad = triad_variant(variant);
	state->stream = stream_variant(variant);
	return (state->triad && state->stream) ||
	       why_fail(why, "This CPU cannot run variant=%s; choose another or auto.", variant);
}

static bool go_to_device(struct state *state, struct why *why)
{
	size_t bytes = state->n * sizeof(double);
	if (!state->cuda)
		return true;
	state->device_task = (struct cuda_stream_task){
		.loop = state->loop->cuda,
		.a = cuda_run_result(state->cuda, state->a, bytes),
		.b = cuda_run_array(state->cuda, state->b, bytes),
		.c = cuda_run_array(state->cuda, state->c, bytes),
		.scale = SCALE,
		.n = state->n,
	};
	return cuda_run_is_good(state->cuda, why);
}

static void *triad_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	state->n = (size_t)(settings[SIZE_MIB].number * 1048576 / 24);
	state->n_wanted = (uint64_t)settings[REPEATS].number;
	state->loop = &loops[settings[LOOP].choice];
	if (!choose(state, settings, why) || !take_memory(state, why)) {
		triad_finish(state);
		return NULL;
	}
	state->crew = crew_new((unsigned)settings[THREADS].number, "triad");
	probe_phase_begin("fill");
	crew_run(state->crew, fill_share, state); /* each thread touches its own pages first */
	probe_phase_end("fill",
			(struct probe_work){ 0, 24.0 * (double)state->n, (double)state->n });
	if (!go_to_device(state, why)) {
		triad_finish(state);
		return NULL;
	}
	return state;
}

static struct work triad_work(const void *opaque)
{
	const struct state *state = opaque;
	double n = (double)state->n * (double)state->n_done;
	const struct loop *loop = state->loop;
	return (struct work){ .flops = loop->flops * n, .bytes = loop->bytes * n, .items = n };
}

static bool triad_run(void *opaque)
{
	struct state *state = opaque;
	double n = (double)state->n;
	bool is_done = true;
	probe_phase_begin(state->phase);
	if (state->cuda)
		is_done = cuda_run_launch(state->cuda, &state->device_task);
	else
		crew_run(state->crew, triad_share, state);
	struct probe_work one = { state->loop->flops * n, state->loop->bytes * n, n };
	probe_phase_end(state->phase, is_done ? one : PROBE_UNKNOWN);
	if (!is_done)
		return false; /* triad_verify says why */
	state->n_done++;
	struct work work = triad_work(state);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
	probe_progress((double)state->n_done / (double)state->n_wanted);
	return state->n_done < state->n_wanted;
}

static bool triad_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	const struct loop *loop = state->loop;
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (size_t i = 0; i < state->n; i++) {
		double b = 1 + (double)(i % 1024) / 1024, c = 2 - (double)(i % 511) / 512;
		/* All terms are multiples of 2^-10 below 16: exact, fused or not. */
		if (state->n_done && state->a[i] != loop->of_b * b + loop->of_c * c)
			return why_fail(why, "%s: a[%zu] is %.17g and should be %.17g.", loop->name,
					i, state->a[i], loop->of_b * b + loop->of_c * c);
	}
	return true;
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "all three arrays together, MiB (S 3, M 300, L 3000)",
		       PARAMETER_REAL, "768", 0.001, 65536, "3|300|3000" },
	[VARIANT] = { "variant", "which kernel; one and wide with device=cuda", PARAMETER_CHOICE,
		      "auto", 0, 0, "auto|scalar|avx2|avx512|neon|nontemporal|one|wide" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes over the arrays", PARAMETER_INTEGER, "500", 1, 1e9, NULL },
	[LOOP] = { "loop", "a = b + 3 c, b, 3 b, or b + c", PARAMETER_CHOICE, "triad", 0, 0,
		   "triad|copy|scale|add" },
	[DEVICE] = CUDA_RUN_PARAMETER,
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
		"cannot use all the bandwidth; size=1 fits the caches and is many times faster. "
		"device=cuda does the same in a GPU's memory.",
	.source = "McCalpin, STREAM",
	.parameters = parameters,
	.prepare = triad_prepare,
	.run = triad_run,
	.verify = triad_verify,
	.work = triad_work,
	.finish = triad_finish,
};
