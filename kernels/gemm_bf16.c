/* The ladder of gemm.c for bf16; sums are f32 throughout. */
#include "kernels/gemm_bf16.h"

#include "kernels/kernel.h"
#include "kernels/support/bf16.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemm_tiles_dot.h"

static void gemm_ijp(const struct gemm_task *task)
{
	const uint16_t *a = task->a, *b = task->b;
	float *c = task->c;
	for (size_t i = 0; i < task->m; i++) {
		for (size_t j = 0; j < task->n; j++) {
			float sum = task->is_adding ? c[i * task->c_row + j] : 0;
			for (size_t p = 0; p < task->k; p++)
				sum += f32_from_bf16(a[i * task->a_row + p * task->a_column]) *
				       f32_from_bf16(b[p * task->b_row + j * task->b_column]);
			c[i * task->c_row + j] = sum;
		}
	}
}

static void add_ipj(const struct gemm_task *task)
{
	const uint16_t *a = task->a, *b = task->b;
	for (size_t i = 0; i < task->m; i++) {
		float *c = (float *)task->c + i * task->c_row;
		for (size_t p = 0; p < task->k; p++) {
			float x = f32_from_bf16(a[i * task->a_row + p * task->a_column]);
			const uint16_t *row = b + p * task->b_row;
			for (size_t j = 0; j < task->n; j++)
				c[j] += x * f32_from_bf16(row[j * task->b_column]);
		}
	}
}

static void gemm_ipj(const struct gemm_task *task)
{
	gemm_task_clear(task);
	add_ipj(task);
}

/* 128 x 256 bf16 of B are 64 KiB, as in gemm.c: they stay in L2 while all rows of A pass by. */
static void gemm_blocked(const struct gemm_task *task)
{
	gemm_task_blocked(task, 128, 256, sizeof(uint16_t), add_ipj);
}

static void gemm_packed(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_bf16_portable, task);
}

#if defined(__x86_64__)
static void gemm_packed_avx2(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_bf16_avx2, task);
}

static void gemm_packed_avx512(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_bf16_avx512, task);
}

static void gemm_packed_dot(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_bf16_dot, task);
}

static void gemm_packed_amx(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_bf16_amx, task);
}
#elif defined(__aarch64__)
static void gemm_packed_neon(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_bf16_neon, task);
}
#endif

static double gemm_flops_square(size_t n)
{
	return 2.0 * (double)n * (double)n * (double)n;
}

static double gemm_bytes_square(size_t n)
{
	return 8.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "ijp", "three loops as in a textbook, down the columns of B", NULL,
	  (void (*)(void))gemm_ijp },
	{ "ipj", "two loops exchanged: along the rows of B and C", NULL, (void (*)(void))gemm_ipj },
	{ "blocked", "a block of B that stays in the cache while A passes by", NULL,
	  (void (*)(void))gemm_blocked },
	{ "packed", "widened to f32 when packed, C in 128-bit registers", NULL,
	  (void (*)(void))gemm_packed },
#if defined(__x86_64__)
	{ "packed-avx2", "widened to f32 when packed, 6 x 16 of C in registers", cpu_has_avx2,
	  (void (*)(void))gemm_packed_avx2 },
	{ "packed-avx512", "widened to f32 when packed, 14 x 32 of C in registers", cpu_has_avx512,
	  (void (*)(void))gemm_packed_avx512 },
	{ "packed-dot", "pairs multiplied and added at once (vdpbf16ps)", cpu_has_avx512_bf16,
	  (void (*)(void))gemm_packed_dot },
	{ "packed-amx", "tiles of 16 x 32 (tdpbf16ps), 32 x 32 of C in tiles", cpu_has_amx_bf16,
	  (void (*)(void))gemm_packed_amx },
#elif defined(__aarch64__)
	{ "packed-neon", "widened to f32 when packed, 6 x 16 of C in registers", NULL,
	  (void (*)(void))gemm_packed_neon },
#endif
	{ 0 },
};

gemm_function *gemm_bf16_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (gemm_function *)variant->function : NULL;
}

const struct kernel kernel_gemm_bf16 = {
	.name = "gemm_bf16",
	.summary = "C = A B of bf16, summed in f32",
	.source = "Intel, BFLOAT16 - Hardware Numerics Definition (2018)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = gemm_flops_square,
	.bytes = gemm_bytes_square,
};
