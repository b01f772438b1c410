/*
 * The products themselves are kernels/gemm.c and kernels/gemm_bf16.c; here they are shared out to
 * threads, and operands rounded to bf16 where that is asked for. Rounding reads and writes each
 * operand once more, which pays when the product is many times longer than that.
 */
#include "workloads/support/tensor_matmul.h"

#include <stdlib.h>

#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"
#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/tensor_loops.h"
#include "workloads/support/tensor_simd.h"

/* Waking a sleeping thread takes about 10 us; a core does this many FLOPs in 20 us. */
static const double LEAST_FLOPS_TO_SHARE = 2e6;

/* Room for an operand in bf16; it grows and stays. */
struct narrow {
	uint16_t *at;
	size_t n_room;
};

struct matmul_room {
	struct crew *crew;
	enum matmul_order order;
	enum matmul_precision precision;
	gemm_function *multiply, *multiply_bf16;
	void **workspaces;      /* one a thread */
	struct narrow *narrows; /* two a thread, and two for operands that all threads read */
};

/* What every CPU of this family runs. */
#if defined(__aarch64__)
#define PORTABLE "packed-neon"
#else
#define PORTABLE "packed"
#endif

static gemm_function *choose(enum matmul_order order)
{
	static const char *const packed[] = {
		[SIMD_PORTABLE] = PORTABLE,
		[SIMD_AVX2] = "packed-avx2",
		[SIMD_AVX512] = "packed-avx512",
	};
	static const char *const slow[] = {
		[MATMUL_BLOCKED] = "blocked", [MATMUL_IPJ] = "ipj", [MATMUL_IJP] = "ijp"
	};
	const char *name = order == MATMUL_PACKED ? packed[tensor_simd()] : slow[order];
	gemm_function *multiply = gemm_variant(name);
	if (!multiply)
		die("there is no kernel gemm %s", name);
	return multiply;
}

/* The widest has instructions of its own for bf16; the others widen what was rounded. */
static gemm_function *choose_bf16(void)
{
	static const char *const names[] = {
		[SIMD_PORTABLE] = PORTABLE,
		[SIMD_AVX2] = "packed-avx2",
		[SIMD_AVX512] = "auto",
	};
	gemm_function *multiply = gemm_bf16_variant(names[tensor_simd()]);
	if (!multiply)
		die("there is no kernel gemm_bf16 %s", names[tensor_simd()]);
	return multiply;
}

struct matmul_room *matmul_room_new(struct crew *crew, enum matmul_order order)
{
	struct matmul_room *room = allocate(1, sizeof *room);
	unsigned n = crew_size(crew);
	room->crew = crew;
	room->order = order;
	room->multiply = choose(order);
	room->multiply_bf16 = choose_bf16();
	room->workspaces = allocate(n, sizeof *room->workspaces);
	room->narrows = allocate(2 * (n + 1), sizeof *room->narrows);
	for (unsigned i = 0; i < n && order == MATMUL_PACKED; i++) {
		room->workspaces[i] = aligned_take(GEMM_WORKSPACE_BYTES);
		if (!room->workspaces[i])
			die("no memory for %u workspaces of matrix products", n);
	}
	return room;
}

void matmul_room_free(struct matmul_room *room)
{
	if (!room)
		return;
	unsigned n = crew_size(room->crew);
	for (unsigned i = 0; i < n; i++)
		free(room->workspaces[i]);
	for (unsigned i = 0; i < 2 * (n + 1); i++)
		free(room->narrows[i].at);
	free(room->workspaces);
	free(room->narrows);
	free(room);
}

void matmul_room_precision(struct matmul_room *room, enum matmul_precision precision)
{
	room->precision = precision;
}

static bool is_bf16(const struct matmul_room *room)
{
	return room->precision == MATMUL_BF16 && room->order == MATMUL_PACKED;
}

struct gemm_task tensor_matmul_task(const struct matmul *matmul)
{
	return (struct gemm_task){ .m = matmul->m,
				   .n = matmul->n,
				   .k = matmul->k,
				   .a = matmul->a.at,
				   .a_row = matmul->a.row_step,
				   .a_column = matmul->a.column_step,
				   .b = matmul->b.at,
				   .b_row = matmul->b.row_step,
				   .b_column = matmul->b.column_step,
				   .c = matmul->c,
				   .c_row = matmul->c_step,
				   .is_adding = matmul->accumulates };
}

/* An operand as lines of successive floats, to be rounded one behind the other. */
struct lines {
	const float *from;
	uint16_t *to;
	size_t n_lines, length, step;
};

static struct lines lines_of(struct matmul_operand operand, size_t rows, size_t columns,
			     struct narrow *narrow)
{
	bool is_by_rows = operand.column_step == 1;
	if (!is_by_rows && operand.row_step != 1)
		die("a matrix product of a matrix with two steps");
	if (narrow->n_room < rows * columns) {
		free(narrow->at);
		narrow->n_room = rows * columns;
		narrow->at = allocate(narrow->n_room, sizeof *narrow->at);
	}
	return (struct lines){ operand.at, narrow->at, is_by_rows ? rows : columns,
			       is_by_rows ? columns : rows,
			       is_by_rows ? operand.row_step : operand.column_step };
}

static void narrow_lines(const struct lines *lines, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		tensor_narrow(lines->to + i * lines->length, lines->from + i * lines->step,
			      lines->length);
}

/* The same product of what the lines will hold. */
static struct gemm_task narrow_task(const struct matmul *matmul, const struct lines *a,
				    const struct lines *b)
{
	struct gemm_task task = tensor_matmul_task(matmul);
	task.a = a->to;
	task.a_row = matmul->a.column_step == 1 ? a->length : 1;
	task.a_column = matmul->a.column_step == 1 ? 1 : a->length;
	task.b = b->to;
	task.b_row = matmul->b.column_step == 1 ? b->length : 1;
	task.b_column = matmul->b.column_step == 1 ? 1 : b->length;
	return task;
}

void tensor_matmul_share(struct matmul_room *room, unsigned share, const struct matmul *matmul)
{
	struct gemm_task task = tensor_matmul_task(matmul);
	gemm_function *multiply = room->multiply;
	if (is_bf16(room)) {
		struct narrow *narrow = &room->narrows[(size_t)2 * share];
		struct lines a = lines_of(matmul->a, matmul->m, matmul->k, &narrow[0]);
		struct lines b = lines_of(matmul->b, matmul->k, matmul->n, &narrow[1]);
		narrow_lines(&a, 0, a.n_lines);
		narrow_lines(&b, 0, b.n_lines);
		task = narrow_task(matmul, &a, &b);
		multiply = room->multiply_bf16;
	}
	task.workspace = room->workspaces[share];
	multiply(&task);
}

struct job {
	struct matmul_room *room;
	struct gemm_task task;
	gemm_function *multiply;
	size_t element_bytes;
	struct lines a, b;
};

static void narrow_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct job *job = opaque;
	const struct lines *both[] = { &job->a, &job->b };
	for (int i = 0; i < 2; i++) {
		size_t from, to;
		crew_part(both[i]->n_lines, share, n_shares, &from, &to);
		narrow_lines(both[i], from, to);
	}
}

static void matmul_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct job *job = opaque;
	struct gemm_task part = gemm_task_share(&job->task, job->element_bytes, share, n_shares);
	part.workspace = job->room->workspaces[share];
	if (part.m > 0 && part.n > 0)
		job->multiply(&part);
}

void tensor_matmul_f32(struct matmul_room *room, const struct matmul *matmul)
{
	struct job job = { .room = room,
			   .task = tensor_matmul_task(matmul),
			   .multiply = room->multiply,
			   .element_bytes = sizeof(float) };
	if (crew_size(room->crew) == 1 || gemm_flops(&job.task) < LEAST_FLOPS_TO_SHARE) {
		tensor_matmul_share(room, 0, matmul);
		return;
	}
	if (is_bf16(room)) {
		struct narrow *narrow = &room->narrows[(size_t)2 * crew_size(room->crew)];
		job.a = lines_of(matmul->a, matmul->m, matmul->k, &narrow[0]);
		job.b = lines_of(matmul->b, matmul->k, matmul->n, &narrow[1]);
		crew_run(room->crew, narrow_job, &job);
		job.task = narrow_task(matmul, &job.a, &job.b);
		job.multiply = room->multiply_bf16;
		job.element_bytes = sizeof(uint16_t);
	}
	crew_run(room->crew, matmul_job, &job);
}
