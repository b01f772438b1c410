/* How often each value occurs, counted over and over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/tasks.h"
#include "kernels/histogram.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"

enum { SIZE_MIB, BINS, SAME, TABLES, VARIANT, THREADS, REPEATS, SEED, DEVICE };

struct state {
	uint32_t *values, *right;
	uint32_t *tables; /* a share: its counts, then its scratch */
	size_t n, n_bins, table_step;
	bool is_shared;
	histogram_function *count;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct cuda_histogram_task device_task;
	struct passes passes;
	double same_ratio;
	uint64_t seed;
};

static void histogram_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	crew_free(state->passes.crew);
	free(state->values);
	free(state->right);
	free(state->tables);
	free(state);
}

/* A random value, but for `same` in a hundred the first bin. Shares have their own sequences. */
static void fill(struct state *state)
{
	struct random random = { state->seed };
	for (size_t i = 0; i < state->n; i++) {
		bool is_same = random_unit(&random) < state->same_ratio;
		double bin = random_unit(&random) * (double)state->n_bins;
		state->values[i] = is_same ? 0 : (uint32_t)bin;
		state->right[state->values[i]]++;
	}
}

static bool take_memory(struct state *state, struct why *why)
{
	size_t n_shares = crew_size(state->passes.crew);
	/* Tables of two threads are no neighbours in a line of the cache. */
	state->table_step = (HISTOGRAM_COPIES * state->n_bins + 63) / 32 * 32;
	state->values = aligned_take(state->n * sizeof *state->values);
	state->right = allocate(state->n_bins, sizeof *state->right);
	state->tables = aligned_take(n_shares * state->table_step * sizeof *state->tables);
	return (state->values && state->tables) ||
	       why_fail(why, "No memory for %zu values; use a smaller size=.", state->n);
}

static bool go_to_device(struct state *state, const struct setting *settings, struct why *why)
{
	struct passes *passes = &state->passes;
	if (state->is_shared)
		return why_fail(why, "tables=shared is for device=cpu; with device=cuda use "
				     "variant=global.");
	if (!(state->cuda = cuda_run_new("histogram", settings[VARIANT].text, why)))
		return false;
	state->device_task = (struct cuda_histogram_task){
		.values = cuda_run_array(state->cuda, state->values,
					 state->n * sizeof *state->values),
		.counts = cuda_run_result(state->cuda, state->tables,
					  state->n_bins * sizeof *state->tables),
		.n = state->n,
		.n_bins = state->n_bins,
	};
	snprintf(passes->phase, sizeof passes->phase, "cuda histogram %s, %s%% the same",
		 cuda_run_variant(state->cuda), settings[SAME].text);
	return cuda_run_is_good(state->cuda, why);
}

static void *histogram_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->is_shared = settings[TABLES].choice == 1;
	bool is_cuda = settings[DEVICE].choice == 1;
	const char *variant = state->is_shared ? "atomic" : settings[VARIANT].text;
	state->count = is_cuda ? NULL : histogram_variant(variant);
	state->n = (size_t)(settings[SIZE_MIB].number * 1048576 / sizeof(uint32_t));
	state->n_bins = (size_t)settings[BINS].number;
	state->same_ratio = settings[SAME].number / 100;
	state->seed = (uint64_t)settings[SEED].number;
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "histogram");
	if (!state->count && !is_cuda)
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
	if ((!state->count && !is_cuda) || !take_memory(state, why)) {
		histogram_finish(state);
		return NULL;
	}
	double n = (double)state->n;
	passes->each = (struct probe_work){ 0, 4 * n + 8 * (double)state->n_bins, n };
	snprintf(passes->phase, sizeof passes->phase, "count %s, %s%% the same, %s",
		 settings[TABLES].text, settings[SAME].text,
		 state->is_shared ? "atomic" : settings[VARIANT].text);
	probe_phase_begin("fill");
	fill(state);
	probe_phase_end("fill", (struct probe_work){ 0, 4 * n, n });
	if (is_cuda && !go_to_device(state, settings, why)) {
		histogram_finish(state);
		return NULL;
	}
	return state;
}

static void count_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->n, share, n_shares, &from, &to);
	uint32_t *table = state->tables + (state->is_shared ? 0 : share * state->table_step);
	if (!state->is_shared)
		memset(table, 0, state->n_bins * sizeof *table);
	state->count(&(struct histogram_task){ .values = state->values + from,
					       .n = to - from,
					       .n_bins = state->n_bins,
					       .counts = table,
					       .scratch = table + state->n_bins });
}

/* The result is in the first table. */
static bool histogram_run(void *opaque)
{
	struct state *state = opaque;
	unsigned n_shares = crew_size(state->passes.crew);
	if (state->cuda)
		return cuda_run_pass(state->cuda, &state->device_task, &state->passes);
	memset(state->tables, 0, state->n_bins * sizeof *state->tables);
	bool is_more = passes_run(&state->passes, count_share, state);
	for (unsigned share = 1; share < n_shares && !state->is_shared; share++)
		for (size_t bin = 0; bin < state->n_bins; bin++)
			state->tables[bin] += state->tables[share * state->table_step + bin];
	return is_more;
}

static struct work histogram_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

static bool histogram_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (size_t bin = 0; bin < state->n_bins && state->passes.n_done > 0; bin++)
		if (state->tables[bin] != state->right[bin])
			return why_fail(why, "histogram: bin %zu has %u values, not %u.", bin,
					state->tables[bin], state->right[bin]);
	return true;
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "values, MiB (S 0.25, M 16, L 512)", PARAMETER_REAL, "64", 0.001,
		       16383, "0.25|16|512" },
	[BINS] = { "bins", "counts, of 4 bytes", PARAMETER_INTEGER, "256", 1, 4e6, NULL },
	[SAME] = { "same", "of a hundred values in the first bin (10, 40, 90)", PARAMETER_REAL, "0",
		   0, 100, NULL },
	[TABLES] = { "tables", "a private one each thread, or one that all share", PARAMETER_CHOICE,
		     "private", 0, 0, "private|shared" },
	[VARIANT] = { "variant",
		      "which kernel, for private tables; from copies on with device=cuda",
		      PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|one|atomic|sixteen-avx512|copies|global|shared|matched" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes over the values", PARAMETER_INTEGER, "2000", 1, 1e9,
		      NULL },
	[SEED] = { "seed", "of the values", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_histogram = {
	.name = "histogram",
	.summary = "counting values: additions that wait for each other, and threads that do",
	.teaches =
		"Each value is one load, addition and store of a count. With variant=one and "
		"same=90 the next count is nearly always the one just stored, and its load waits "
		"for that store to be forwarded: the same instructions, far fewer a cycle. "
		"variant=copies counts into four tables in turns and does not care. tables=shared "
		"lets all threads count into one table by locked additions: each takes the line "
		"away from the other threads, the more so with same=90, where all want the same "
		"one. With bins=4000000 the counts no longer fit the cache, and that is the limit. "
		"device=cuda: with "
		"same=90 global has all threads of a GPU queue for one count, shared those of a "
		"block, copies those of a warp, and matched adds once for all equal values.",
	.source = "Intel Optimization Manual; Fog, Microarchitecture",
	.parameters = parameters,
	.prepare = histogram_prepare,
	.run = histogram_run,
	.verify = histogram_verify,
	.work = histogram_work,
	.finish = histogram_finish,
};
