/*
 * rows_neon: four elements of a row at a time, as rows_avx2.h and rows_exponential.h do eight.
 * Header-only.
 */
#ifndef KERNELS_SUPPORT_ROWS_NEON_H
#define KERNELS_SUPPORT_ROWS_NEON_H

#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <stddef.h>

#include "kernels/support/exponential.h"

/* rows_sum_neon: of a row. */
static inline float rows_sum_neon(const float *x, size_t n)
{
	float32x4_t sums[2] = { vdupq_n_f32(0), vdupq_n_f32(0) };
	float rest = 0;
	size_t j = 0;
	for (; j + 8 <= n; j += 8) {
		sums[0] = vaddq_f32(sums[0], vld1q_f32(x + j));
		sums[1] = vaddq_f32(sums[1], vld1q_f32(x + j + 4));
	}
	for (; j < n; j++)
		rest += x[j];
	return rest + vaddvq_f32(vaddq_f32(sums[0], sums[1]));
}

/* rows_squares_neon: the sum of (x - away)^2. */
static inline float rows_squares_neon(const float *x, size_t n, float away)
{
	float32x4_t sums[2] = { vdupq_n_f32(0), vdupq_n_f32(0) }, middle = vdupq_n_f32(away);
	float rest = 0;
	size_t j = 0;
	for (; j + 8 <= n; j += 8) {
		float32x4_t a = vsubq_f32(vld1q_f32(x + j), middle);
		float32x4_t b = vsubq_f32(vld1q_f32(x + j + 4), middle);
		sums[0] = vfmaq_f32(sums[0], a, a);
		sums[1] = vfmaq_f32(sums[1], b, b);
	}
	for (; j < n; j++)
		rest += (x[j] - away) * (x[j] - away);
	return rest + vaddvq_f32(vaddq_f32(sums[0], sums[1]));
}

static inline float rows_greatest_neon(const float *x, size_t n)
{
	float32x4_t most = vdupq_n_f32(-INFINITY);
	float greatest = x[0];
	size_t j = 0;
	for (; j + 4 <= n; j += 4)
		most = vmaxq_f32(most, vld1q_f32(x + j));
	for (; j < n; j++)
		greatest = x[j] > greatest ? x[j] : greatest;
	return fmaxf(greatest, vmaxvq_f32(most));
}

/* rows_exponentials_neon: exp(x - most) into `to`; their sum. */
static inline float rows_exponentials_neon(float *to, const float *x, size_t n, float most)
{
	float32x4_t away = vdupq_n_f32(most), sums = vdupq_n_f32(0);
	float rest = 0;
	size_t j = 0;
	for (; j + 4 <= n; j += 4) {
		float32x4_t value = exponential_four(vsubq_f32(vld1q_f32(x + j), away));
		vst1q_f32(to + j, value);
		sums = vaddq_f32(sums, value);
	}
	for (; j < n; j++)
		rest += to[j] = expf(x[j] - most);
	return rest + vaddvq_f32(sums);
}

static inline void rows_scale_neon(float *y, size_t n, float factor)
{
	size_t j = 0;
	for (; j + 4 <= n; j += 4)
		vst1q_f32(y + j, vmulq_n_f32(vld1q_f32(y + j), factor));
	for (; j < n; j++)
		y[j] *= factor;
}
#endif

#endif
