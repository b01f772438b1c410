/*
 * tensor_vector: sixteen floats at a time, through the compiler's vector extensions: one text is
 * compiled for each instruction set. For the files that hold the tensor engine's loops only.
 *
 * Every function is inlined into one that says which instructions it may use; that is why vectors
 * may be passed by value although the default instruction set has none so wide (-Wno-psabi).
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_VECTOR_H
#define WORKLOADS_SUPPORT_TENSOR_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VECTOR_LANES = 16 };

typedef float vector_f32 __attribute__((vector_size(64)));
typedef int32_t vector_i32 __attribute__((vector_size(64)));

typedef uint32_t vector_u32 __attribute__((vector_size(64)));

#define VECTOR_INLINE static inline __attribute__((always_inline))

/* vector_load: n <= 16 floats from anywhere; the lanes behind them are 0. */
VECTOR_INLINE vector_f32 vector_load(const float *from, size_t n)
{
	vector_f32 out = { 0 };
	if (n >= VECTOR_LANES)
		memcpy(&out, from, sizeof out);
	else
		memcpy(&out, from, n * sizeof(float));
	return out;
}

VECTOR_INLINE void vector_store(float *to, vector_f32 value, size_t n)
{
	if (n >= VECTOR_LANES)
		memcpy(to, &value, sizeof value);
	else
		memcpy(to, &value, n * sizeof(float));
}

VECTOR_INLINE vector_f32 vector_fill(float value)
{
	return value - (vector_f32){ 0 };
}

/* vector_choose: a where the mask is set, else b. */
VECTOR_INLINE vector_f32 vector_choose(vector_i32 mask, vector_f32 a, vector_f32 b)
{
	return (vector_f32)((mask & (vector_i32)a) | (~mask & (vector_i32)b));
}

VECTOR_INLINE vector_f32 vector_most(vector_f32 a, vector_f32 b)
{
	return vector_choose(a > b, a, b);
}

VECTOR_INLINE float vector_sum(vector_f32 value)
{
	float sum = 0;
	for (int i = 0; i < VECTOR_LANES; i++)
		sum += value[i];
	return sum;
}

/*
 * vector_exp: within 2 units in the last place from -87 to 88; outside it stays at the ends
 * (1.6e-38, 1.7e38), so that nothing becomes infinite. NaN stays NaN.
 * Source  Cody and Waite, Software Manual for the Elementary Functions (1980): reduction by
 *         ln 2 in two parts; the polynomial is the Taylor series to x^7, whose remainder over
 *         |x| < 0.35 is below 6e-9.
 */
VECTOR_INLINE vector_f32 vector_exp(vector_f32 x)
{
	const float log2_e = 1.44269504F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
	const float to_whole = 12582912.0F; /* 1.5 * 2^23: adding it rounds to a whole number */
	x = vector_choose(x > 88.0F, vector_fill(88.0F), x);
	x = vector_choose(x < -87.0F, vector_fill(-87.0F), x);
	vector_f32 shifted = x * log2_e + to_whole;
	vector_f32 whole = shifted - to_whole;
	vector_f32 rest = x - whole * ln2_high - whole * ln2_low;
	vector_f32 sum = rest * (1.0F / 5040) + 1.0F / 720;
	sum = sum * rest + 1.0F / 120;
	sum = sum * rest + 1.0F / 24;
	sum = sum * rest + 1.0F / 6;
	sum = sum * rest + 0.5F;
	sum = sum * rest * rest + rest + 1.0F;
	/* The low bits of `shifted` are the whole number; 2 to its power goes into the exponent. */
	vector_i32 power = ((vector_i32)shifted - 0x4b400000 + 127) << 23;
	return vector_choose(x >= -87.0F, sum * (vector_f32)power, x);
}

VECTOR_INLINE vector_f32 vector_sigmoid(vector_f32 x)
{
	return 1.0F / (1.0F + vector_exp(-x));
}

/* vector_tanh: near 0 by its series, where 1 - 2 / (e^2x + 1) would cancel. */
VECTOR_INLINE vector_f32 vector_tanh(vector_f32 x)
{
	vector_f32 far = 1.0F - 2.0F / (vector_exp(2.0F * x) + 1.0F);
	vector_f32 square = x * x;
	vector_f32 near =
		x + x * square *
			    (-1.0F / 3 + square * (2.0F / 15 + square * (-17.0F / 315 +
									 square * 62.0F / 2835)));
	return vector_choose((square < 0.0625F), near, far);
}

/*
 * vector_square_root: within 2 units in the last place for x >= 0; the processor's own instruction
 * would need another name for each instruction set.
 * Source  Newton's iteration for 1 / sqrt(x); first guess by Lomont, "Fast inverse square root"
 *         (2003).
 */
VECTOR_INLINE vector_f32 vector_square_root(vector_f32 x)
{
	vector_f32 inverse = (vector_f32)(0x5f375a86 - ((vector_i32)x >> 1)), half = 0.5F * x;
	inverse = inverse * (1.5F - half * inverse * inverse);
	inverse = inverse * (1.5F - half * inverse * inverse);
	inverse = inverse * (1.5F - half * inverse * inverse);
	vector_f32 root = x * inverse;
	root = root + 0.5F * inverse * (x - root * root);
	return vector_choose(x > 3e38F, x, root);
}

#endif
