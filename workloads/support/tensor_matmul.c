/* The products themselves are kernels/gemm.c and kernels/gemm_bf16.c, which rounds operands as it
 * packs them; here they are shared out to threads. */
#include "workloads/support/tensor_matmul.h"

#include <stdlib.h>

#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"
#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/tensor_simd.h"

/* Waking a sleeping thread takes about 10 us; a core does this many FLOPs in 20 us. */
static const double LEAST_FLOPS_TO_SHARE = 2e6;

struct matmul_room {
	struct crew *crew;
	enum matmul_order order;
	enum matmul_precision precision;
	gemm_function *multiply, *multiply_bf16;
	void **workspaces; /* one a thread */
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
	free(room->workspaces);
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

static struct gemm_task task_of(const struct matmul_room *room, const struct matmul *matmul)
{
	struct gemm_task task = tensor_matmul_task(matmul);
	task.is_rounding = is_bf16(room);
	return task;
}

static gemm_function *choice(const struct matmul_room *room)
{
	return is_bf16(room) ? room->multiply_bf16 : room->multiply;
}

void tensor_matmul_share(struct matmul_room *room, unsigned share, const struct matmul *matmul)
{
	struct gemm_task task = task_of(room, matmul);
	task.workspace = room->workspaces[share];
	choice(room)(&task);
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
		choice(job->room)(&part);
}

void tensor_matmul_f32(struct matmul_room *room, const struct matmul *matmul)
{
	struct job job = { room, task_of(room, matmul) };
	if (crew_size(room->crew) == 1 || gemm_flops(&job.task) < LEAST_FLOPS_TO_SHARE)
		tensor_matmul_share(room, 0, matmul);
	else
		crew_run(room->crew, matmul_job, &job);
}
