/*
 * One matrix product over and over. A unit of work is a band of rows of C: all of them where that
 * takes a fraction of a second, fewer for the slow variants, so that a run can end in time. With
 * device=cuda it is all of C, and the same checks are made of what the device gives back.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"
#include "kernels/gemm_int8.h"
#include "kernels/support/bf16.h"
#include "kernels/support/dispatch.h"
#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/cuda_run.h"
#include "workloads/support/random.h"
#include "workloads/workload.h"

enum { SIZE, TYPE, N, M, K, VARIANT, LAYOUT, THREADS, REPEATS, SEED, DEVICE };

enum { C_BYTES = 4 };

/* In the order of type=. */
static const struct type {
	const char *name;
	size_t element_bytes; /* of A and B; C's are 4 */
	gemm_function *(*variant)(const char *name);
	const char *family; /* of CUDA kernels; NULL = there are none */
} types[] = {
	{ "f32", 4, gemm_variant, "gemm" },
	{ "bf16", 2, gemm_bf16_variant, "gemm_bf16" },
	{ "int8", 1, gemm_int8_variant, NULL },
};

struct state {
	struct gemm_task task;
	const struct type *type;
	char *a, *b, *c;
	gemm_function *gemm;
	struct crew *crew;
	struct cuda_run *cuda; /* NULL: device=cpu */
	struct gemm_task device_task;
	void **workspaces; /* one a thread */
	char phase[64];
	size_t band_rows, next_row, rows_right; /* rows_right: of C, written at least once */
	uint64_t n_done, n_wanted, seed;        /* whole products */
	double flops, bytes, cells;
};

/* Between -1 and 1, or any bytes; the same for any number of threads: each row has its own
 * sequence. */
static void fill_row(const struct type *type, void *to, size_t n, uint64_t seed)
{
	struct random random = { seed };
	for (size_t i = 0; i < n; i++) {
		float value = (float)(2 * random_unit(&random) - 1);
		if (type->element_bytes == 4)
			((float *)to)[i] = value;
		else if (type->element_bytes == 2)
			((uint16_t *)to)[i] = bf16_from_f32(value);
		else
			((uint8_t *)to)[i] = (uint8_t)random_bits(&random);
	}
}

static void fill_rows(const struct state *state, char *to, size_t n, size_t from, size_t end)
{
	uint64_t seed = to == state->a ? state->seed : ~state->seed;
	for (size_t i = from; i < end; i++)
		fill_row(state->type, to + i * n * state->type->element_bytes, n,
			 seed + i * 0x9e3779b97f4a7c15u);
}

static void fill_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	const struct gemm_task *task = &state->task;
	size_t from, to;
	crew_part(task->m, share, n_shares, &from, &to);
	fill_rows(state, state->a, task->k, from, to);
	memset(state->c + from * task->n * C_BYTES, 0, (to - from) * task->n * C_BYTES);
	crew_part(task->k, share, n_shares, &from, &to);
	fill_rows(state, state->b, task->n, from, to);
}

static void gemm_finish(void *opaque)
{
	struct state *state = opaque;
	cuda_run_free(state->cuda);
	for (unsigned i = 0; state->workspaces && i < crew_size(state->crew); i++)
		free(state->workspaces[i]);
	free(state->workspaces);
	crew_free(state->crew);
	free(state->a);
	free(state->b);
	free(state->c);
	free(state);
}

static size_t side(const struct setting *settings, int which)
{
	static const size_t sides[] = { 128, 1024, 4096 }; /* S, M, L */
	size_t n = (size_t)settings[N].number, given = (size_t)settings[which].number;
	if (n == 0)
		n = sides[settings[SIZE].choice];
	return given ? given : n;
}

/* A product without packing does some 1 GFLOP/s: its bands are of a fifth of a second. */
static size_t rows_of_band(const char *variant, const struct gemm_task *task)
{
	if (strncmp(variant, "packed", 6) == 0 || strcmp(variant, "auto") == 0)
		return task->m;
	double rows = 2e8 / (2.0 * (double)task->n * (double)task->k);
	return rows < 1 ? 1 : rows < (double)task->m ? (size_t)rows : task->m;
}

static bool take_memory(struct state *state, struct why *why)
{
	const struct gemm_task *task = &state->task;
	state->a = aligned_take(task->m * task->k * state->type->element_bytes);
	state->b = aligned_take(task->k * task->n * state->type->element_bytes);
	state->c = aligned_take(task->m * task->n * C_BYTES);
	state->workspaces = allocate(crew_size(state->crew), sizeof *state->workspaces);
	bool has_all = state->a && state->b && state->c;
	for (unsigned i = 0; i < crew_size(state->crew); i++) {
		state->workspaces[i] = aligned_take(GEMM_WORKSPACE_BYTES);
		has_all &= state->workspaces[i] != NULL;
	}
	return has_all ||
	       why_fail(why, "No memory for matrices of %zu x %zu x %zu; use a smaller n=.",
			task->m, task->n, task->k);
}

/* The same matrices on the device; a unit of work is the whole product there. */
static bool go_to_device(struct state *state, const char *variant, struct why *why)
{
	const struct gemm_task *task = &state->task;
	size_t each = state->type->element_bytes;
	if (!state->type->family)
		return why_fail(why, "There is no type=%s with device=cuda; it takes f32|bf16.",
				state->type->name);
	if (!(state->cuda = cuda_run_new(state->type->family, variant, why)))
		return false;
	state->device_task = *task;
	state->device_task.a = cuda_run_array(state->cuda, state->a, task->m * task->k * each);
	state->device_task.b = cuda_run_array(state->cuda, state->b, task->k * task->n * each);
	state->device_task.c = cuda_run_result(state->cuda, state->c, task->m * task->n * C_BYTES);
	state->band_rows = task->m;
	snprintf(state->phase, sizeof state->phase, "cuda %s %s %zux%zux%zu", state->type->name,
		 cuda_run_variant(state->cuda), task->m, task->n, task->k);
	return cuda_run_is_good(state->cuda, why);
}

static void *gemm_prepare(const struct setting *settings, struct why *why)
{
	const struct type *type = &types[settings[TYPE].choice];
	bool is_cuda = settings[DEVICE].choice == 1;
	gemm_function *gemm = is_cuda ? NULL : type->variant(settings[VARIANT].text);
	if (!gemm && !is_cuda) {
		why_fail(why,
			 "There is no variant=%s of type=%s on this CPU; choose another or auto.",
			 settings[VARIANT].text, type->name);
		return NULL;
	}
	struct state *state = allocate(1, sizeof *state);
	state->type = type;
	struct gemm_task *task = &state->task;
	state->gemm = gemm;
	state->seed = (uint64_t)settings[SEED].number;
	state->n_wanted = (uint64_t)settings[REPEATS].number;
	*task = gemm_task_plain(side(settings, M), side(settings, N), side(settings, K), NULL, NULL,
				NULL);
	state->band_rows = rows_of_band(settings[VARIANT].text, task);
	snprintf(state->phase, sizeof state->phase, "%s %s %zux%zux%zu", type->name,
		 settings[VARIANT].text, task->m, task->n, task->k);
	state->crew = crew_new((unsigned)settings[THREADS].number, "gemm");
	if (!take_memory(state, why)) {
		gemm_finish(state);
		return NULL;
	}
	task->a = state->a;
	task->b = state->b;
	task->c = state->c;
	if (settings[LAYOUT].choice) {
		task->b_row = 1;
		task->b_column = task->k;
	}
	double cells =
		(double)task->m * (double)(task->k + task->n) + (double)task->k * (double)task->n;
	probe_phase_begin("fill");
	crew_run(state->crew, fill_share, state);
	probe_phase_end("fill", (struct probe_work){ 0, 4 * cells, cells });
	if (is_cuda && !go_to_device(state, settings[VARIANT].text, why)) {
		gemm_finish(state);
		return NULL;
	}
	return state;
}

/* The rows at hand, as a product of their own. */
static struct gemm_task band_of(const struct state *state)
{
	struct gemm_task band = state->task;
	size_t left = band.m - state->next_row;
	band.m = state->band_rows < left ? state->band_rows : left;
	band.a = state->a + state->next_row * band.a_row * state->type->element_bytes;
	band.c = state->c + state->next_row * band.c_row * C_BYTES;
	return band;
}

static void multiply_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	struct gemm_task band = band_of(state);
	struct gemm_task part = gemm_task_share(&band, state->type->element_bytes, share, n_shares);
	part.workspace = state->workspaces[share];
	if (part.m > 0 && part.n > 0)
		state->gemm(&part);
}

static struct work gemm_work(const void *opaque)
{
	const struct state *state = opaque;
	return (struct work){ state->flops, state->bytes, state->cells };
}

static bool gemm_run(void *opaque)
{
	struct state *state = opaque;
	struct gemm_task band = band_of(state);
	struct probe_work work = { gemm_flops(&band), gemm_bytes(&band, state->type->element_bytes),
				   (double)band.m * (double)band.n };
	probe_phase_begin(state->phase);
	bool is_done = true;
	if (state->cuda)
		is_done = cuda_run_launch(state->cuda, &state->device_task);
	else
		crew_run(state->crew, multiply_share, state);
	probe_phase_end(state->phase, is_done ? work : PROBE_UNKNOWN);
	if (!is_done)
		return false; /* gemm_verify says why */
	state->flops += work.flops;
	state->bytes += work.bytes;
	state->cells += work.items;
	state->next_row += band.m;
	if (state->rows_right < state->next_row)
		state->rows_right = state->next_row;
	if (state->next_row == state->task.m) {
		state->next_row = 0;
		state->n_done++;
	}
	probe_work((struct probe_work){ state->flops, state->bytes, state->cells });
	probe_progress(((double)state->n_done + (double)state->next_row / (double)state->task.m) /
		       (double)state->n_wanted);
	return state->n_done < state->n_wanted;
}

static double element(const struct type *type, const void *values, size_t at, bool is_signed)
{
	if (type->element_bytes == 4)
		return ((const float *)values)[at];
	if (type->element_bytes == 2)
		return f32_from_bf16(((const uint16_t *)values)[at]);
	return is_signed ? ((const int8_t *)values)[at] : ((const uint8_t *)values)[at];
}

/* One cell in fp64: k + 2 roundings of 2^-24 each are what f32 may differ by; bytes are exact. */
static bool cell_is_right(const struct state *state, size_t i, size_t j, struct why *why)
{
	const struct gemm_task *task = &state->task;
	const void *cell = state->c + (i * task->c_row + j) * C_BYTES;
	bool is_exact = state->type->element_bytes == 1;
	double sum = 0, scale = 0;
	double got = is_exact ? *(const int32_t *)cell : *(const float *)cell;
	for (size_t p = 0; p < task->k; p++) {
		double x =
			element(state->type, task->a, i * task->a_row + p * task->a_column, false) *
			element(state->type, task->b, p * task->b_row + j * task->b_column, true);
		sum += x;
		scale += fabs(x);
	}
	double allowed = is_exact ? 0 : ((double)task->k + 2) * 0x1p-24 * scale;
	if (fabs(got - sum) <= allowed)
		return true;
	return why_fail(why, "gemm: C[%zu][%zu] is %.9g and should be %.9g.", i, j, got, sum);
}

static bool gemm_verify(void *opaque, struct why *why)
{
	enum { SAMPLES = 500 }; /* with 4096 products each: 4 ms */
	const struct state *state = opaque;
	struct random random = { state->seed ^ 0x5eed };
	if (!cuda_run_fetch(state->cuda, why))
		return false;
	for (int i = 0; i < SAMPLES && state->rows_right > 0; i++) {
		size_t row = (size_t)(random_unit(&random) * (double)state->rows_right);
		size_t column = (size_t)(random_unit(&random) * (double)state->task.n);
		if (!cell_is_right(state, row, column, why))
			return false;
	}
	return state->rows_right == 0 ||
	       cell_is_right(state, state->rows_right - 1, state->task.n - 1, why);
}

static const struct parameter parameters[] = {
	[SIZE] = { "size", "S, M, L: n = 128, 1024, 4096 (f32: 192 KiB, 12 MiB, 192 MiB)",
		   PARAMETER_CHOICE, "M", 0, 0, "S|M|L" },
	[TYPE] = { "type", "of A and B; int8 is unsigned by signed", PARAMETER_CHOICE, "f32", 0, 0,
		   "f32|bf16|int8" },
	[N] = { "n", "columns of B and C; 0 = by size", PARAMETER_INTEGER, "0", 0, 32768, NULL },
	[M] = { "m", "rows of A and C; 0 = n", PARAMETER_INTEGER, "0", 0, 32768, NULL },
	[K] = { "k", "columns of A, rows of B; 0 = n", PARAMETER_INTEGER, "0", 0, 32768, NULL },
	[VARIANT] = { "variant", "which kernel; from naive on those of device=cuda",
		      PARAMETER_CHOICE, "auto", 0, 0,
		      "auto|ijp|ipj|blocked|packed|packed-avx2|packed-avx512|packed-dot|packed-"
		      "amx|packed-neon|naive|coalesced|tiled|registers|vectorised|warps|double-"
		      "buffer|"
		      "fragments|staged" },
	[LAYOUT] = { "layout", "of B in memory", PARAMETER_CHOICE, "rows", 0, 0, "rows|columns" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[REPEATS] = { "repeats", "products", PARAMETER_INTEGER, "500", 1, 1e9, NULL },
	[SEED] = { "seed", "of the matrices", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	[DEVICE] = CUDA_RUN_PARAMETER,
	{ 0 },
};

const struct workload workload_gemm = {
	.name = "gemm",
	.summary = "C = A B: from three plain loops to the multiply-add units' limit",
	.teaches =
		"The same additions and multiplications, in another order, a hundred times as "
		"fast. "
		"variant=ijp walks down the columns of B and waits for a cache line at every step "
		"(layout=columns puts them where it wants them); ipj exchanges two loops and walks "
		"along rows; blocked keeps a part of B in the cache; packed copies blocks into the "
		"order they are read and keeps C in registers, and with wide registers nothing but "
		"the multiply-add units is left to wait for. type=bf16 and int8 make two and four "
		"products in the time of one, where the CPU has instructions for it (packed-dot, "
		"packed-amx). size=S, M and L fit L2, L3 and "
		"neither: the packed variants hardly notice. device=cuda climbs the same ladder "
		"on a GPU: naive asks for 32 lines where coalesced asks for one, tiled uses each "
		"number 32 times from shared memory, registers eight times more, and the last "
		"three keep loads wide, apart and early.",
	.source =
		"Goto and van de Geijn, ACM TOMS 34 (2008); Van Zee and van de Geijn, BLIS (2015)",
	.parameters = parameters,
	.prepare = gemm_prepare,
	.run = gemm_run,
	.verify = gemm_verify,
	.work = gemm_work,
	.finish = gemm_finish,
};
