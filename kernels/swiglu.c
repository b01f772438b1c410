/*
 * With e = exp(-|g|), 1 / (1 + exp(-g)) is 1 / (1 + e) or e / (1 + e): the exponential is of
 * something <= 0, so nothing overflows.
 */
#include "kernels/swiglu.h"

#include <math.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "kernels/support/exponential.h"
#include "kernels/support/rows_avx512.h"

static float gate_of(float g)
{
	float e = expf(-fabsf(g));
	return (g < 0 ? e : 1) / (1 + e);
}

/* Three operations called one by one: 8 n elements move. */
static void swiglu_unfused(const struct swiglu_task *task)
{
	for (size_t i = 0; i < task->n; i++)
		task->scratch[i] = gate_of(task->gate[i]);
	for (size_t i = 0; i < task->n; i++)
		task->scratch[i] *= task->gate[i];
	for (size_t i = 0; i < task->n; i++)
		task->y[i] = task->scratch[i] * task->up[i];
}

static void swiglu_rest(const struct swiglu_task *task, size_t from)
{
	for (size_t i = from; i < task->n; i++)
		task->y[i] = task->gate[i] * gate_of(task->gate[i]) * task->up[i];
}

static void swiglu_fused(const struct swiglu_task *task)
{
	swiglu_rest(task, 0);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void swiglu_avx2(const struct swiglu_task *task)
{
	const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1);
	size_t i = 0;
	for (; i + 8 <= task->n; i += 8) {
		__m256 g = _mm256_loadu_ps(task->gate + i);
		__m256 e = exponential_eight(_mm256_or_ps(g, sign));
		__m256 above = _mm256_mul_ps(g, _mm256_blendv_ps(one, e, g));
		__m256 y = _mm256_div_ps(above, _mm256_add_ps(one, e));
		_mm256_storeu_ps(task->y + i, _mm256_mul_ps(y, _mm256_loadu_ps(task->up + i)));
	}
	swiglu_rest(task, i);
}

__attribute__((target("avx512f,avx512dq"), always_inline)) static inline void
gate_sixteen(const struct swiglu_task *task, size_t i, __mmask16 lanes, bool is_past_caches)
{
	const __m512 one = _mm512_set1_ps(1);
	__m512 g = _mm512_maskz_loadu_ps(lanes, task->gate + i);
	__m512 e = exponential_sixteen(_mm512_or_ps(g, _mm512_set1_ps(-0.0f)));
	__mmask16 is_negative = _mm512_movepi32_mask(_mm512_castps_si512(g));
	__m512 above = _mm512_mul_ps(g, _mm512_mask_blend_ps(is_negative, one, e));
	__m512 y = _mm512_div_ps(above, _mm512_add_ps(one, e));
	y = _mm512_mul_ps(y, _mm512_maskz_loadu_ps(lanes, task->up + i));
	rows_store(task->y + i, y, lanes, is_past_caches);
}

__attribute__((target("avx512f,avx512dq"), always_inline)) static inline void
gate_all(const struct swiglu_task *task, bool is_past_caches)
{
	size_t i = rows_head(task->y, task->n);
	if (i > 0)
		gate_sixteen(task, 0, rows_lanes(0, i), false);
	for (; i + 16 <= task->n; i += 16)
		gate_sixteen(task, i, 0xffff, is_past_caches);
	if (i < task->n)
		gate_sixteen(task, i, rows_lanes(i, task->n), false);
	if (is_past_caches)
		_mm_sfence();
}

__attribute__((target("avx512f,avx512dq"))) static void
swiglu_avx512(const struct swiglu_task *task)
{
	gate_all(task, false);
}

__attribute__((target("avx512f,avx512dq"))) static void
swiglu_nontemporal(const struct swiglu_task *task)
{
	gate_all(task, true);
}
#elif defined(__aarch64__)
static void swiglu_neon(const struct swiglu_task *task)
{
	const float32x4_t one = vdupq_n_f32(1);
	size_t i = 0;
	for (; i + 4 <= task->n; i += 4) {
		float32x4_t g = vld1q_f32(task->gate + i);
		float32x4_t e = exponential_four(vnegq_f32(vabsq_f32(g)));
		float32x4_t above = vmulq_f32(g, vbslq_f32(vcltzq_f32(g), e, one));
		float32x4_t y = vdivq_f32(above, vaddq_f32(one, e));
		vst1q_f32(task->y + i, vmulq_f32(y, vld1q_f32(task->up + i)));
	}
	swiglu_rest(task, i);
}
#endif

static double swiglu_flops(size_t n)
{
	return 5.0 * (double)n;
}

static double swiglu_bytes(size_t n)
{
	return 12.0 * (double)n;
}

static const struct variant variants[] = {
	{ "unfused", "three passes, as separate operations make them", NULL,
	  (void (*)(void))swiglu_unfused },
	{ "fused", "one pass", NULL, (void (*)(void))swiglu_fused },
#if defined(__x86_64__)
	{ "fused-avx2", "eight exponentials at a time", cpu_has_avx2, (void (*)(void))swiglu_avx2 },
	{ "fused-avx512", "sixteen exponentials at a time", cpu_has_avx512,
	  (void (*)(void))swiglu_avx512 },
	{ "nontemporal", "and stored past the caches: no line is fetched to be overwritten",
	  cpu_has_avx512, (void (*)(void))swiglu_nontemporal },
#elif defined(__aarch64__)
	{ "fused-neon", "four exponentials at a time", NULL, (void (*)(void))swiglu_neon },
#endif
	{ 0 },
};

swiglu_function *swiglu_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (swiglu_function *)variant->function : NULL;
}

const struct kernel kernel_swiglu = {
	.name = "swiglu",
	.summary = "g sigmoid(g) u: a feed-forward layer's gate",
	.source = "Shazeer, GLU variants improve Transformer (2020)",
	.variants = variants,
	.tolerance = 1e-5,
	.flops = swiglu_flops,
	.bytes = swiglu_bytes,
};
