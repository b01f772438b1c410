/* The products themselves are kernels/gemm.c; here they are shared out to threads. */
#include "workloads/support/tensor_matmul.h"

#include <stdlib.h>

#include "kernels/gemm.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/tensor_simd.h"

enum { LINE_BYTES = 64 };

/* Waking a sleeping thread takes about 10 us; a core does this many FLOPs in 20 us. */
static const double LEAST_FLOPS_TO_SHARE = 2e6;

struct matmul_room {
	struct crew *crew;
	gemm_function *multiply;
	void **workspaces; /* one a thread */
};

static gemm_function *choose(enum matmul_order order)
{
	static const char *const packed[] = {
		[SIMD_PORTABLE] = "packed",
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

struct matmul_room *matmul_room_new(struct crew *crew, enum matmul_order order)
{
	struct matmul_room *room = allocate(1, sizeof *room);
	unsigned n = crew_size(crew);
	room->crew = crew;
	room->multiply = choose(order);
	room->workspaces = allocate(n, sizeof *room->workspaces);
	for (unsigned i = 0; i < n && order == MATMUL_PACKED; i++) {
		room->workspaces[i] = aligned_alloc(LINE_BYTES, GEMM_WORKSPACE_BYTES);
		if (!room->workspaces[i])
			die("no memory for %u workspaces of matrix products", n);
	}
	return room;
}

void matmul_room_free(struct matmul_room *room)
{
	if (!room)
		return;
	for (unsigned i = 0; i < crew_size(room->crew); i++)
		free(room->workspaces[i]);
	free(room->workspaces);
	free(room);
}

static struct gemm_task task_of(const struct matmul *matmul)
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

void tensor_matmul_share(struct matmul_room *room, unsigned share, const struct matmul *matmul)
{
	struct gemm_task task = task_of(matmul);
	task.workspace = room->workspaces[share];
	room->multiply(&task);
}

struct job {
	struct matmul_room *room;
	struct gemm_task task;
};

static void matmul_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct job *job = opaque;
	struct gemm_task part = gemm_task_share(&job->task, sizeof(float), share, n_shares);
	part.workspace = job->room->workspaces[share];
	if (part.m > 0 && part.n > 0)
		job->room->multiply(&part);
}

void tensor_matmul_f32(struct matmul_room *room, const struct matmul *matmul)
{
	struct job job = { room, task_of(matmul) };
	if (crew_size(room->crew) > 1 && gemm_flops(&job.task) >= LEAST_FLOPS_TO_SHARE)
		crew_run(room->crew, matmul_job, &job);
	else
		tensor_matmul_share(room, 0, matmul);
}
