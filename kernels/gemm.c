/*
 * The same product six ways, each for one more thing the machine has: a cache line used whole
 * (ipj), a block that stays in the cache (blocked), operands copied into the order they are read
 * (packed), wider registers. The arithmetic is the same; the first and the last are a hundred
 * times apart.
 */
#include "kernels/gemm.h"

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/gemm_tiles_f32.h"

/* The textbook's order. Each step down a column of B opens another cache line. */
static void gemm_ijp(const struct gemm_task *task)
{
	const float *a = task->a, *b = task->b;
	float *c = task->c;
	for (size_t i = 0; i < task->m; i++) {
		for (size_t j = 0; j < task->n; j++) {
			float sum = task->is_adding ? c[i * task->c_row + j] : 0;
			for (size_t p = 0; p < task->k; p++)
				sum += a[i * task->a_row + p * task->a_column] *
				       b[p * task->b_row + j * task->b_column];
			c[i * task->c_row + j] = sum;
		}
	}
}

/* One row of C += x times one row of B. */
static void add_row(float *restrict c, float x, const float *restrict b, size_t b_column, size_t n)
{
	if (b_column == 1) {
		for (size_t j = 0; j < n; j++)
			c[j] += x * b[j];
		return;
	}
	for (size_t j = 0; j < n; j++)
		c[j] += x * b[j * b_column];
}

/* Two loops exchanged: B and C are walked along their rows. */
static void add_ipj(const struct gemm_task *task)
{
	const float *a = task->a, *b = task->b;
	for (size_t i = 0; i < task->m; i++)
		for (size_t p = 0; p < task->k; p++)
			add_row((float *)task->c + i * task->c_row,
				a[i * task->a_row + p * task->a_column], b + p * task->b_row,
				task->b_column, task->n);
}

static void gemm_ipj(const struct gemm_task *task)
{
	gemm_task_clear(task);
	add_ipj(task);
}

/* 64 x 256 floats of B are 64 KiB: they stay in L2 while all rows of A pass by. */
static void gemm_blocked(const struct gemm_task *task)
{
	gemm_task_blocked(task, 64, 256, sizeof(float), add_ipj);
}

static void gemm_packed(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_f32_portable, task);
}

#if defined(__x86_64__)
static void gemm_packed_avx2(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_f32_avx2, task);
}

static void gemm_packed_avx512(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_f32_avx512, task);
}
#elif defined(__aarch64__)
static void gemm_packed_neon(const struct gemm_task *task)
{
	gemm_blocks(&gemm_tile_f32_neon, task);
}
#endif

static double gemm_flops_square(size_t n)
{
	return 2.0 * (double)n * (double)n * (double)n;
}

static double gemm_bytes_square(size_t n)
{
	return 12.0 * (double)n * (double)n;
}

static const struct variant variants[] = {
	{ "ijp", "three loops as in a textbook, down the columns of B", NULL,
	  (void (*)(void))gemm_ijp },
	{ "ipj", "two loops exchanged: along the rows of B and C", NULL, (void (*)(void))gemm_ipj },
	{ "blocked", "a block of B that stays in the cache while A passes by", NULL,
	  (void (*)(void))gemm_blocked },
	{ "packed", "blocks copied into reading order, C in 128-bit registers", NULL,
	  (void (*)(void))gemm_packed },
#if defined(__x86_64__)
	{ "packed-avx2", "6 x 16 of C in registers, fused multiply-add", cpu_has_avx2,
	  (void (*)(void))gemm_packed_avx2 },
	{ "packed-avx512", "14 x 32 of C in registers", cpu_has_avx512,
	  (void (*)(void))gemm_packed_avx512 },
#elif defined(__aarch64__)
	{ "packed-neon", "6 x 16 of C in registers, fused multiply-add", NULL,
	  (void (*)(void))gemm_packed_neon },
#endif
	{ 0 },
};

gemm_function *gemm_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (gemm_function *)variant->function : NULL;
}

const struct kernel kernel_gemm = {
	.name = "gemm",
	.summary = "C = A B of f32: the speed of the multiply-add units",
	.source = "Goto and van de Geijn, ACM TOMS 34 (2008)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = gemm_flops_square,
	.bytes = gemm_bytes_square,
};
