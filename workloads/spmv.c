/* A sparse matrix times a vector, over and over. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/spmv.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/passes.h"
#include "workloads/support/random.h"

enum { ROWS, EACH, COLUMNS, LENGTHS, SHARES, VARIANT, THREADS, REPEATS, SEED };

/* How far from the diagonal near columns are: 1024 floats of x are 4 KiB. */
enum { NEAR = 1024 };

struct state {
	struct spmv_task task;
	uint32_t *starts, *columns;
	float *values, *x, *y;
	bool is_near, is_skewed, is_by_values;
	size_t each;
	spmv_function *multiply;
	struct passes passes;
	uint64_t seed;
};

static void spmv_finish(void *opaque)
{
	struct state *state = opaque;
	crew_free(state->passes.crew);
	free(state->starts);
	free(state->columns);
	free(state->values);
	free(state->x);
	free(state->y);
	free(state);
}

/* Skewed: the i-th row's is as 1 / sqrt(i), so the first quarter of rows has half of all. */
static size_t length_of(const struct state *state, size_t row)
{
	double m = (double)state->task.m, each = (double)state->each;
	double length = state->is_skewed ? each * sqrt(m / (double)(row + 1)) / 2 : each;
	return length < 1 ? 1 : length > m ? state->task.m : (size_t)length;
}

static void fill_row(struct state *state, struct random *random, size_t row)
{
	size_t m = state->task.m;
	for (uint32_t k = state->starts[row]; k < state->starts[row + 1]; k++) {
		size_t any = (size_t)(random_unit(random) * (double)m);
		size_t near = (row + m - NEAR % m + random_bits(random) % (2 * NEAR)) % m;
		state->columns[k] = (uint32_t)(state->is_near ? near : any);
		state->values[k] = (float)(2 * random_unit(random) - 1);
	}
	state->x[row] = (float)(2 * random_unit(random) - 1);
	state->y[row] = 0;
}

/* Lengths first, to know how much memory they need. */
static bool fill(struct state *state, struct why *why)
{
	struct random random = { state->seed };
	size_t m = state->task.m, n_values = 0;
	state->starts = aligned_take((m + 1) * sizeof *state->starts);
	for (size_t row = 0; state->starts && row <= m; row++) {
		state->starts[row] = (uint32_t)n_values;
		n_values += row < m ? length_of(state, row) : 0;
	}
	if (n_values > UINT32_MAX)
		return why_fail(why, "%zu values are too many; use fewer rows= or each=.",
				n_values);
	state->columns = aligned_take(n_values * sizeof *state->columns);
	state->values = aligned_take(n_values * sizeof *state->values);
	state->x = aligned_take(m * sizeof *state->x);
	state->y = aligned_take(m * sizeof *state->y);
	if (!state->starts || !state->columns || !state->values || !state->x || !state->y)
		return why_fail(why, "No memory for %zu values; use fewer rows=.", n_values);
	for (size_t row = 0; row < m; row++)
		fill_row(state, &random, row);
	state->task =
		(struct spmv_task){ m,        m,       state->starts, state->columns, state->values,
				    state->x, state->y };
	return true;
}

static void *spmv_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->multiply = spmv_variant(settings[VARIANT].text);
	state->task.m = (size_t)settings[ROWS].number;
	state->each = (size_t)settings[EACH].number;
	state->is_near = settings[COLUMNS].choice == 1;
	state->is_skewed = settings[LENGTHS].choice == 1;
	state->is_by_values = settings[SHARES].choice == 0;
	state->seed = (uint64_t)settings[SEED].number;
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "spmv");
	if (!state->multiply)
		why_fail(why, "This CPU cannot run variant=%s; choose another or auto.",
			 settings[VARIANT].text);
	probe_phase_begin("fill");
	bool is_good = state->multiply && fill(state, why);
	probe_phase_end("fill", PROBE_UNKNOWN);
	if (!is_good) {
		spmv_finish(state);
		return NULL;
	}
	passes->each = (struct probe_work){ spmv_flops(&state->task), spmv_bytes(&state->task),
					    spmv_flops(&state->task) / 2 };
	snprintf(passes->phase, sizeof passes->phase, "spmv %s, %s columns, %s rows",
		 settings[VARIANT].text, settings[COLUMNS].text, settings[LENGTHS].text);
	return state;
}

static void multiply_share(void *opaque, unsigned share, unsigned n_shares)
{
	const struct state *state = opaque;
	size_t from, to;
	crew_part(state->task.m, share, n_shares, &from, &to);
	if (state->is_by_values) {
		from = spmv_cut(&state->task, share, n_shares);
		to = spmv_cut(&state->task, share + 1, n_shares);
	}
	state->multiply(&state->task, from, to);
}

static bool spmv_run(void *opaque)
{
	struct state *state = opaque;
	return passes_run(&state->passes, multiply_share, state);
}

static struct work spmv_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

static bool row_is_right(const struct spmv_task *task, size_t row, struct why *why)
{
	double right = 0, absolute = 0, n = task->starts[row + 1] - (double)task->starts[row];
	for (uint32_t k = task->starts[row]; k < task->starts[row + 1]; k++) {
		double term = (double)task->values[k] * task->x[task->columns[k]];
		right += term;
		absolute += fabs(term);
	}
	return fabs(task->y[row] - right) <= (n + 2) * 0x1p-24 * absolute ||
	       why_fail(why, "spmv: y[%zu] is %.9g and should be %.9g.", row, task->y[row], right);
}

static bool spmv_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 500 };
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	size_t m = state->task.m;
	for (int sample = 0; sample < SAMPLES && state->passes.n_done > 0; sample++) {
		size_t row = sample ? (size_t)(random_unit(&random) * (double)m) : m - 1;
		if (!row_is_right(&state->task, row, why))
			return false;
	}
	return true;
}

static const struct parameter parameters[] = {
	[ROWS] = { "rows", "and columns (S 1k: 140 KiB, M 50k: 7 MiB, L 4m: 534 MiB)",
		   PARAMETER_INTEGER, "1m", 1, 1e8, "1k|50k|4m" },
	[EACH] = { "each", "values a row, on average", PARAMETER_INTEGER, "16", 1, 4096, NULL },
	[COLUMNS] = { "columns", "anywhere, or near the diagonal", PARAMETER_CHOICE, "random", 0, 0,
		      "random|near" },
	[LENGTHS] = { "lengths", "of rows: all the same, or few long and many short ones",
		      PARAMETER_CHOICE, "even", 0, 0, "even|skewed" },
	[SHARES] = { "shares", "each thread as many values, or as many rows", PARAMETER_CHOICE,
		     "values", 0, 0, "values|rows" },
	[VARIANT] = { "variant", "which kernel", PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|one|four|avx2|avx512" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "products", PARAMETER_INTEGER, "5000", 1, 1e9, NULL },
	[SEED] = { "seed", "of matrix and vector", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_spmv = {
	.name = "spmv",
	.summary = "a sparse matrix times a vector: values stream, the vector is looked up",
	.teaches =
		"A value is read with its column, and x is looked up there: eight bytes that "
		"stream and four from anywhere. columns=near looks them up in 8 KiB that stay in "
		"L1, and the streams are the limit; columns=random needs another line of x for "
		"each value, from whatever cache holds x: the same work and the same algorithmic "
		"bytes, several times slower. lengths=skewed shares=rows gives one thread most of "
		"the values and the others the waiting; shares=values cuts where the work is.",
	.source = "Saad, Iterative Methods for Sparse Linear Systems (2003)",
	.parameters = parameters,
	.prepare = spmv_prepare,
	.run = spmv_run,
	.verify = spmv_verify,
	.work = spmv_work,
	.finish = spmv_finish,
};
