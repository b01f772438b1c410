/*
 * A power, a sine and a cosine take some forty times as long as the turn they are for, and every
 * head and layer turns by the same angles: with a table, memory is the limit again.
 */
#include "kernels/rope.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static double angle_of(const struct rope_task *task, size_t token, size_t j)
{
	double position = (double)(task->first_position + token);
	return position * pow(task->base, -(double)j / (double)task->half);
}

void rope_fill(const struct rope_task *task, float *cosines, float *sines)
{
	for (size_t i = 0; i < task->n_tokens * task->half; i++) {
		double angle = angle_of(task, i / task->half, i % task->half);
		cosines[i] = (float)cos(angle);
		sines[i] = (float)sin(angle);
	}
}

static void rope_computed(const struct rope_task *task, size_t from, size_t to)
{
	size_t half = task->half;
	for (size_t row = from * task->n_heads; row < to * task->n_heads; row++) {
		const float *x = task->x + row * 2 * half;
		float *y = task->y + row * 2 * half;
		for (size_t j = 0; j < half; j++) {
			double angle = angle_of(task, row / task->n_heads, j);
			float cosine = (float)cos(angle), sine = (float)sin(angle);
			float a = x[j], b = x[j + half];
			y[j] = a * cosine - b * sine;
			y[j + half] = a * sine + b * cosine;
		}
	}
}

/* One head at one position. */
typedef void turn_function(const float *x, float *y, const float *cosines, const float *sines,
			   size_t from, size_t half);

static void turn(const float *x, float *y, const float *cosines, const float *sines, size_t from,
		 size_t half)
{
	for (size_t j = from; j < half; j++) {
		float a = x[j], b = x[j + half];
		y[j] = a * cosines[j] - b * sines[j];
		y[j + half] = a * sines[j] + b * cosines[j];
	}
}

static inline __attribute__((always_inline)) void
turn_all(const struct rope_task *task, size_t from, size_t to, turn_function *turn_head)
{
	size_t half = task->half;
	for (size_t token = from; token < to; token++) {
		for (size_t head = 0; head < task->n_heads; head++) {
			size_t at = (token * task->n_heads + head) * 2 * half;
			turn_head(task->x + at, task->y + at, task->cosines + token * half,
				  task->sines + token * half, 0, half);
		}
	}
}

static void rope_table(const struct rope_task *task, size_t from, size_t to)
{
	turn_all(task, from, to, turn);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void turn_avx2(const float *x, float *y,
							  const float *cosines, const float *sines,
							  size_t from, size_t half)
{
	size_t j = from;
	for (; j + 8 <= half; j += 8) {
		__m256 cosine = _mm256_loadu_ps(cosines + j), sine = _mm256_loadu_ps(sines + j);
		__m256 a = _mm256_loadu_ps(x + j), b = _mm256_loadu_ps(x + j + half);
		_mm256_storeu_ps(y + j, _mm256_fmsub_ps(a, cosine, _mm256_mul_ps(b, sine)));
		_mm256_storeu_ps(y + j + half, _mm256_fmadd_ps(a, sine, _mm256_mul_ps(b, cosine)));
	}
	turn(x, y, cosines, sines, j, half);
}

static void rope_avx2(const struct rope_task *task, size_t from, size_t to)
{
	turn_all(task, from, to, turn_avx2);
}

__attribute__((target("avx512f"))) static void turn_avx512(const float *x, float *y,
							   const float *cosines, const float *sines,
							   size_t from, size_t half)
{
	for (size_t j = from; j < half; j += 16) {
		__mmask16 lanes = half - j < 16 ? (__mmask16)((1u << (half - j)) - 1) : 0xffff;
		__m512 cosine = _mm512_maskz_loadu_ps(lanes, cosines + j);
		__m512 sine = _mm512_maskz_loadu_ps(lanes, sines + j);
		__m512 a = _mm512_maskz_loadu_ps(lanes, x + j);
		__m512 b = _mm512_maskz_loadu_ps(lanes, x + j + half);
		_mm512_mask_storeu_ps(y + j, lanes,
				      _mm512_fmsub_ps(a, cosine, _mm512_mul_ps(b, sine)));
		_mm512_mask_storeu_ps(y + j + half, lanes,
				      _mm512_fmadd_ps(a, sine, _mm512_mul_ps(b, cosine)));
	}
}

static void rope_avx512(const struct rope_task *task, size_t from, size_t to)
{
	turn_all(task, from, to, turn_avx512);
}
#elif defined(__aarch64__)
static void turn_neon(const float *x, float *y, const float *cosines, const float *sines,
		      size_t from, size_t half)
{
	size_t j = from;
	for (; j + 4 <= half; j += 4) {
		float32x4_t cosine = vld1q_f32(cosines + j), sine = vld1q_f32(sines + j);
		float32x4_t a = vld1q_f32(x + j), b = vld1q_f32(x + j + half);
		vst1q_f32(y + j, vfmsq_f32(vmulq_f32(a, cosine), b, sine));
		vst1q_f32(y + j + half, vfmaq_f32(vmulq_f32(b, cosine), a, sine));
	}
	turn(x, y, cosines, sines, j, half);
}

static void rope_neon(const struct rope_task *task, size_t from, size_t to)
{
	turn_all(task, from, to, turn_neon);
}
#endif

double rope_flops(const struct rope_task *task)
{
	return 6.0 * (double)task->n_tokens * (double)task->n_heads * (double)task->half;
}

double rope_bytes(const struct rope_task *task)
{
	double pairs = (double)task->n_tokens * (double)task->half;
	return 16.0 * pairs * (double)task->n_heads + 8.0 * pairs;
}

/* n tokens of 32 heads of 128. */
static double tokens_flops(size_t n)
{
	return rope_flops(&(struct rope_task){ .n_tokens = n, .n_heads = 32, .half = 64 });
}

static double tokens_bytes(size_t n)
{
	return rope_bytes(&(struct rope_task){ .n_tokens = n, .n_heads = 32, .half = 64 });
}

static const struct variant variants[] = {
	{ "computed", "sine and cosine of each pair where it is turned", NULL,
	  (void (*)(void))rope_computed },
	{ "table", "sines and cosines from a table, as all heads share them", NULL,
	  (void (*)(void))rope_table },
#if defined(__x86_64__)
	{ "table-avx2", "eight pairs at a time", cpu_has_avx2, (void (*)(void))rope_avx2 },
	{ "table-avx512", "sixteen pairs at a time", cpu_has_avx512, (void (*)(void))rope_avx512 },
#elif defined(__aarch64__)
	{ "table-neon", "four pairs at a time", NULL, (void (*)(void))rope_neon },
#endif
	{ 0 },
};

rope_function *rope_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (rope_function *)variant->function : NULL;
}

const struct kernel kernel_rope = {
	.name = "rope",
	.summary = "pairs turned by an angle that tells a token's position",
	.source = "Su et al., RoFormer (2021)",
	.variants = variants,
	.tolerance = 1e-6,
	.flops = tokens_flops,
	.bytes = tokens_bytes,
};
