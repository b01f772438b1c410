/*
 * The sum of an array, or all sums from its beginning. By several threads, a scan is two passes:
 * each thread's sum, and then its scan from the sum of those before it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "kernels/reduction.h"
#include "kernels/scan.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"

enum { SIZE_MIB, KIND, DATA, VARIANT, THREADS, REPEATS, SEED, DEVICE };

enum { LINE_FLOATS = 16, SCRATCH_MORE = 64 /* tasks.h */ };

struct state {
	size_t n;
	float *x, *y;
	float *sums; /* a share, each in its own cache line */
	bool is_scan, is_exact;
	const char *variant;
	scan_function *scan;
	reduction_function *sum;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct cuda_scan_task device_scan;
	struct cuda_sum_task device_sum;
	float total;
	struct passes passes;
	uint64_t seed;
};

static void scan_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->passes.crew);
	free(state->x);
	free(state->y);
	free(state->sums);
	free(state);
}

/* Multiples of 1/8 from -1 to 1: their sums are exact in any order while they are below 2^21, as
 * those of 2^36 such steps are. Or real numbers of [0, 1), whose sums are rounded. */
static void fill(struct state *state)
{
	struct random random = { state->seed };
	for (size_t i = 0; i < state->n; i++) {
		double eighths = (double)(random_bits(&random) >> 32) * 0x1p-32 * 17;
		double real = random_unit(&random);
		state->x[i] = (float)(state->is_exact ? (floor(eighths) - 8) / 8 : real);
	}
	if (state->y)
		memset(state->y, 0, state->n * sizeof *state->y);
}

static bool take(struct state *state, struct why *why)
{
	state->x = aligned_take(state->n * sizeof *state->x);
	state->y = state->is_scan ? aligned_take(state->n * sizeof *state->y) : NULL;
	state->sums = aligned_take((crew_size(state->passes.crew) + 1) * LINE_FLOATS *
				   sizeof *state->sums);
	return (state->x && state->sums && (state->y || !state->is_scan)) ||
	       why_fail(why, "No memory for %zu numbers; use a smaller size=.", state->n);
}

static bool go_to_device(struct state *state, struct why *why)
{
	struct passes *passes = &state->passes;
	size_t bytes = state->n * sizeof(float);
	const char *family = state->is_scan ? "scan" : "reduction";
	if (!(state->cuda = cuda_run_new(family, state->variant, why)))
		return false;
	state->variant = cuda_run_variant(state->cuda);
	const float *x = cuda_run_array(state->cuda, state->x, bytes);
	if (state->is_scan)
		state->device_scan = (struct cuda_scan_task){
			.x = x,
			.y = cuda_run_result(state->cuda, state->y, bytes),
			.scratch = cuda_run_array(state->cuda, NULL,
						  bytes + SCRATCH_MORE * sizeof(float)),
			.n = state->n,
		};
	else
		state->device_sum = (struct cuda_sum_task){
			.x = x,
			.y = cuda_run_result(state->cuda, &state->total, sizeof state->total),
			.n = state->n,
		};
	snprintf(passes->phase, sizeof passes->phase, "cuda %s %s", family, state->variant);
	return cuda_run_is_good(state->cuda, why);
}

static void *scan_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->is_scan = settings[KIND].choice == 0;
	state->is_exact = settings[DATA].choice == 0;
	state->variant = settings[VARIANT].text;
	bool is_cuda = settings[DEVICE].choice == 1;
	state->scan = is_cuda ? NULL : scan_variant(state->variant);
	/* A scan's first pass needs any sum. */
	state->sum = is_cuda ? NULL : reduction_variant(state->is_scan ? "auto" : state->variant);
	double each_bytes = state->is_scan ? 8 : 4;
	state->n = (size_t)(settings[SIZE_MIB].number * 1048576 / each_bytes);
	state->seed = (uint64_t)settings[SEED].number;
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "scan");
	bool is_here = is_cuda ? true : state->is_scan ? state->scan != NULL : state->sum != NULL;
	if (!is_here)
		why_fail(why,
			 "There is no variant=%s of kind=%s on this CPU; choose another or "
			 "auto.",
			 state->variant, settings[KIND].text);
	if (!is_here || !take(state, why)) {
		scan_finish(state);
		return NULL;
	}
	double n = (double)state->n;
	passes->each = (struct probe_work){ n, each_bytes * n, n };
	snprintf(passes->phase, sizeof passes->phase, "%s %s", settings[KIND].text, state->variant);
	probe_phase_begin("fill");
	fill(state);
	probe_phase_end("fill", (struct probe_work){ 0, 4 * n, n });
	if (is_cuda && !go_to_device(state, why)) {
		scan_finish(state);
		return NULL;
	}
	return state;
}

static void sum_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->n, share, n_shares, &from, &to);
	state->sums[(size_t)share * LINE_FLOATS] = state->sum(state->x + from, to - from);
}

static void scan_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->n, share, n_shares, &from, &to);
	float before = 0;
	for (unsigned i = 0; i < share; i++)
		before += state->sums[(size_t)i * LINE_FLOATS];
	float last = state->scan(state->x + from, state->y + from, to - from, before);
	if (share + 1 == n_shares)
		state->total = last;
}

static bool scan_run(void *opaque)
{
	struct state *state = opaque;
	unsigned n_shares = crew_size(state->passes.crew);
	if (state->cuda)
		return cuda_run_pass(state->cuda,
				     state->is_scan ? (const void *)&state->device_scan
						    : &state->device_sum,
				     &state->passes);
	if (state->is_scan) {
		probe_phase_begin("sums of shares");
		if (n_shares > 1)
			crew_run(state->passes.crew, sum_share, state);
		probe_phase_end("sums of shares", (struct probe_work){ 0, 0, 0 });
		return passes_run(&state->passes, scan_share, state);
	}
	bool is_more = passes_run(&state->passes, sum_share, state);
	state->total = 0;
	for (unsigned i = 0; i < n_shares; i++)
		state->total += state->sums[(size_t)i * LINE_FLOATS];
	return is_more;
}

/* Of the sum, each of |x|'s sum. On a device some 16 threads or more share the chain. */
static double roundings_of(const struct state *state)
{
	if (state->cuda && strcmp(state->variant, "atomic") == 0)
		return (double)state->n;
	return reduction_roundings(state->cuda ? "four" : state->variant, state->n);
}

static struct work scan_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

/* Each sum in fp64; real numbers are positive, so the sum is that of absolute values too. */
static bool scan_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	double right = 0, roundings = 0;
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	if (state->cuda && state->is_scan && state->n)
		state->total = state->y[state->n - 1];
	for (size_t i = 0; i < state->n && state->passes.n_done > 0; i++) {
		right += state->x[i];
		roundings = state->is_exact ? 0 : ((double)i + 40) * 0x1p-24;
		if (state->is_scan && !(fabs(state->y[i] - right) <= roundings * right))
			return why_fail(why, "scan: y[%zu] is %.9g and should be %.9g.", i,
					state->y[i], right);
	}
	if (state->passes.n_done == 0)
		return true;
	probe_quality("relative error", right != 0 ? fabs(state->total / right - 1) : 0);
	if (!state->is_scan && !state->is_exact)
		roundings = (roundings_of(state) + 256) * 0x1p-24;
	return fabs(state->total - right) <= roundings * right ||
	       why_fail(why, "scan: the sum is %.9g and should be %.9g.", state->total, right);
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "all arrays, MiB (S 0.02, M 8, L 512)", PARAMETER_REAL, "256", 0.001,
		       65536, "0.02|8|512" },
	[KIND] = { "kind", "all sums from the beginning, or only the last", PARAMETER_CHOICE,
		   "scan", 0, 0, "scan|sum" },
	[DATA] = { "data", "multiples of 1/8, whose sums are exact, or real numbers",
		   PARAMETER_CHOICE, "eighths", 0, 0, "eighths|real" },
	[VARIANT] = { "variant",
		      "which kernel; compensated, pairwise, four only of sum; from atomic "
		      "on with device=cuda",
		      PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|one|compensated|pairwise|four|avx2|avx512|neon|atomic|tree|shuffles|"
		      "steps|blocks" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes", PARAMETER_INTEGER, "2000", 1, 1e9, NULL },
	[SEED] = { "seed", "of the numbers", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_scan = {
	.name = "scan",
	.summary = "the sum of an array, or all sums from its beginning: chains of additions",
	.teaches =
		"One sum is a chain: variant=one adds one number every three or four cycles, "
		"because each addition waits for the last, and no width of the machine helps. "
		"kind=sum with four or avx512 has several chains and meets the speed of memory. A "
		"scan seems to be a chain by nature; avx512 does sixteen sums by four steps and "
		"leaves one addition in the chain. By two threads it reads the numbers twice, so "
		"from memory two threads gain little, and with size=0.02 much. kind=sum data=real "
		"shows that more sums also round less: compare the error of one, four, pairwise "
		"and compensated. device=cuda kind=sum: atomic lets all threads queue for one "
		"place, tree and shuffles meet in a block first.",
	.source = "Blelloch (1990); Higham (2002), chapter 4",
	.parameters = parameters,
	.prepare = scan_prepare,
	.run = scan_run,
	.verify = scan_verify,
	.work = scan_work,
	.finish = scan_finish,
};
