/* The ladder of gemm.c for bytes; sums are exact modulo 2^32, so they are made without sign. */
#include "kernels/gemm_int8.h"

#include <stdint.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemm_tiles_dot.h"

static void gemm_ijp(const struct gemm_task *task)
{
	const uint8_t *a = task->a;
	const int8_t *b = task->b;
	int32_t *c = task->c;
	for (size_t i = 0; i < task->m; i++) {
		for (size_t j = 0; j < task->n; j++) {
			uint32_t sum = task->is_adding ? (uint32_t)c[i * task->c_row + j] : 0;
			for (size_t p = 0; p < task->k; p++)
				sum += (uint32_t)(a[i * task->a_row + p * task->a_column] *
						  b[p * task->b_row + j * task->b_column]);
			c[i * task->c_row + j] = (int32_t)sum;
		}
	}
}

static void add_ipj(const struct gemm_task *task)
{
	const uint8_t *a = task->a;
	const int8_t *b = task->b;
	for (size_t i = 0; i < task->m; i++) {
		uint32_t *c = (uint32_t *)task->c + i * task->c_row;
		for (size_t p = 0; p < task->k; p++) {
			int x = a[i * task->a_row + p * task->a_column];
			const int8_t *row = b + p * task->b_row;
			for (size_t j = 0; j < task->n; j++)
				c[j] += (uint32_t)(x * row[j * task->b_column]);
		}
	}
}

static void gemm_ipj(const struct gemm_task *task)
{
	gemm_task_clear(task);
	add_ipj(task);
}

/* 256 x 256 bytes of B are 64 KiB, as in gemm.c: they stay in L2 while all rows of A pass by. */
static void gemm_blocked(const struct gemm_task *task)
{
	gemm_task_blocked(task, 256, 256, sizeof(uint8_t), add_ipj);
}

static void gemm_packed(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_int8_portable, task);
}

#if defined(__x86_64__)
static void gemm_packed_avx2(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_int8_avx2, task);
}

static void gemm_packed_dot(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_int8_dot, task);
}

static void gemm_packed_amx(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_int8_amx, task);
}
#elif defined(__aarch64__)
static void gemm_packed_neon(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_int8_neon, task);
}
#endif

static double gemm_flops_square(size_t n)
{
	return 2.0 * (double)n * (double)n * (double)n;
}

static double gemm_bytes_square(size_t n)
{
	return 6.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "ijp", "three loops as in a textbook, down the columns of B", NULL,
	  (void (*)(void))gemm_ijp },
	{ "ipj", "two loops exchanged: along the rows of B and C", NULL, (void (*)(void))gemm_ipj },
	{ "blocked", "a block of B that stays in the cache while A passes by", NULL,
	  (void (*)(void))gemm_blocked },
	{ "packed", "widened to f32 when packed, exact over 512 products", NULL,
	  (void (*)(void))gemm_packed },
#if defined(__x86_64__)
	{ "packed-avx2", "widened to 16 bits when packed, 6 x 16 of C in registers", cpu_has_avx2,
	  (void (*)(void))gemm_packed_avx2 },
	{ "packed-dot", "fours multiplied and added at once (vpdpbusd)", cpu_has_avx512_vnni,
	  (void (*)(void))gemm_packed_dot },
	{ "packed-amx", "tiles of 16 x 64 (tdpbusd), 32 x 32 of C in tiles", cpu_has_amx_int8,
	  (void (*)(void))gemm_packed_amx },
#elif defined(__aarch64__)
	{ "packed-neon", "widened to f32 when packed, 6 x 16 of C in registers", NULL,
	  (void (*)(void))gemm_packed_neon },
#endif
	{ 0 },
};

gemm_function *gemm_int8_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (gemm_function *)variant->function : NULL;
}

const struct kernel kernel_gemm_int8 = {
	.name = "gemm_int8",
	.summary = "C = A B of unsigned by signed bytes, summed exactly in 32 bits",
	.source = "Rodriguez et al., Lower numerical precision deep learning (Intel, 2018)",
	.variants = variants,
	.tolerance = 0,
	.flops = gemm_flops_square,
	.bytes = gemm_bytes_square,
};
