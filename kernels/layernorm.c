/*
 * The variance is the mean square of differences from the mean, not mean(x^2) - mean^2, which
 * cancels to nothing where the mean is large: a second reading of a row, or of a part of it, that
 * is in the cache.
 */
#include "kernels/layernorm.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/rows_avx2.h"
#include "kernels/support/rows_layernorm.h"
#include "kernels/support/rows_neon.h"

/* Mean; difference; its square; variance; scale; weight; bias: 13 rows n elements move. */
static void layernorm_unfused(const struct rows_task *task)
{
	size_t n = task->n;
	float *square = task->scratch;
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += task->x[row * n + j];
		square[row * n] = (float)(sum / (double)n);
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] = task->x[row * n + j] - square[row * n];
	for (size_t i = 0; i < task->rows * n; i++)
		square[i] = task->y[i] * task->y[i];
	for (size_t row = 0; row < task->rows; row++) {
		double sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += square[row * n + j];
		square[row * n] = (float)(1 / sqrt(sum / (double)n + task->epsilon));
	}
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] *= square[row * n];
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] *= task->weight[j];
	for (size_t row = 0; row < task->rows; row++)
		for (size_t j = 0; j < n; j++)
			task->y[row * n + j] += task->bias[j];
}

static void layernorm_fused(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t row = 0; row < task->rows; row++) {
		const float *x = task->x + row * n;
		float *y = task->y + row * n;
		double sum = 0, squares = 0;
		for (size_t j = 0; j < n; j++)
			sum += x[j];
		float mean = (float)(sum / (double)n);
		for (size_t j = 0; j < n; j++)
			squares += (double)(x[j] - mean) * (x[j] - mean);
		float factor = (float)(1 / sqrt(squares / (double)n + task->epsilon));
		for (size_t j = 0; j < n; j++)
			y[j] = (x[j] - mean) * factor * task->weight[j] + task->bias[j];
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void layernorm_avx2(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at, *weight = task->weight, *bias = task->bias;
		float *y = task->y + at, mean = rows_sum_avx2(x, n) / (float)n;
		float variance = rows_squares_avx2(x, n, mean) / (float)n;
		float factor = 1 / sqrtf(variance + task->epsilon);
		__m256 away = _mm256_set1_ps(mean), factors = _mm256_set1_ps(factor);
		size_t j = 0;
		for (; j + 8 <= n; j += 8) {
			__m256 value = _mm256_sub_ps(_mm256_loadu_ps(x + j), away);
			value = _mm256_mul_ps(value, factors);
			_mm256_storeu_ps(y + j, _mm256_fmadd_ps(value, _mm256_loadu_ps(weight + j),
								_mm256_loadu_ps(bias + j)));
		}
		for (; j < n; j++)
			y[j] = (x[j] - mean) * factor * weight[j] + bias[j];
	}
}

static void layernorm_avx512(const struct rows_task *task)
{
	rows_layernorm(task, false);
}

static void layernorm_nontemporal(const struct rows_task *task)
{
	rows_layernorm(task, true);
}
#elif defined(__aarch64__)
static void layernorm_neon(const struct rows_task *task)
{
	size_t n = task->n;
	for (size_t at = 0; at < task->rows * n; at += n) {
		const float *x = task->x + at, *weight = task->weight, *bias = task->bias;
		float *y = task->y + at, mean = rows_sum_neon(x, n) / (float)n;
		float variance = rows_squares_neon(x, n, mean) / (float)n;
		float factor = 1 / sqrtf(variance + task->epsilon);
		size_t j = 0;
		for (; j + 4 <= n; j += 4) {
			float32x4_t value = vsubq_f32(vld1q_f32(x + j), vdupq_n_f32(mean));
			value = vmulq_n_f32(value, factor);
			vst1q_f32(y + j,
				  vfmaq_f32(vld1q_f32(bias + j), value, vld1q_f32(weight + j)));
		}
		for (; j < n; j++)
			y[j] = (x[j] - mean) * factor * weight[j] + bias[j];
	}
}
#endif

static double layernorm_flops(size_t n)
{
	return 8.0 * (double)n * (double)n;
}

static double layernorm_bytes(size_t n)
{
	return 8.0 * (double)n * (double)n + 8.0 * (double)n;
}

static const struct variant variants[] = {
	{ "unfused", "seven passes over the matrix, as separate operations make them", NULL,
	  (void (*)(void))layernorm_unfused },
	{ "fused", "row by row: all readings but the first are from the cache", NULL,
	  (void (*)(void))layernorm_fused },
#if defined(__x86_64__)
	{ "fused-avx2", "eight at a time", cpu_has_avx2, (void (*)(void))layernorm_avx2 },
	{ "fused-avx512", "sixteen at a time", cpu_has_avx512, (void (*)(void))layernorm_avx512 },
	{ "nontemporal", "and stored past the caches: no line is fetched to be overwritten",
	  cpu_has_avx512, (void (*)(void))layernorm_nontemporal },
#elif defined(__aarch64__)
	{ "fused-neon", "four at a time", NULL, (void (*)(void))layernorm_neon },
#endif
	{ 0 },
};

rows_function *layernorm_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (rows_function *)variant->function : NULL;
}

const struct kernel kernel_layernorm = {
	.name = "layernorm",
	.summary = "each row shifted to mean 0 and scaled to deviation 1, in seven passes or one",
	.source = "Ba, Kiros, Hinton (2016)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = layernorm_flops,
	.bytes = layernorm_bytes,
};
