/*
 * bf16: the upper half of an f32; rounded to the nearest, ties to even. NaN stays NaN.
 * Source: Intel, BFLOAT16 - Hardware Numerics Definition (2018)
 */
#ifndef KERNELS_SUPPORT_BF16_H
#define KERNELS_SUPPORT_BF16_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t bf16_from_f32(float value)
{
	union {
		float f32;
		uint32_t bits;
	} as = { value };
	if ((as.bits & 0x7fffffff) > 0x7f800000)
		return (uint16_t)((as.bits | 0x400000) >> 16);
	return (uint16_t)((as.bits + 0x7fff + (as.bits >> 16 & 1)) >> 16);
}

static inline float f32_from_bf16(uint16_t value)
{
	union {
		uint32_t bits;
		float f32;
	} as = { (uint32_t)value << 16 };
	return as.f32;
}

/* bf16_round_*: n floats, the same result with every instruction set; but _dot, the instruction of
 * AVX512-BF16, makes zeros of denormal numbers, as that set's products do with theirs. */
typedef void bf16_round_function(uint16_t *to, const float *from, size_t n);

bf16_round_function bf16_round_portable;
#if defined(__x86_64__)
bf16_round_function bf16_round_avx2, bf16_round_avx512, bf16_round_dot;
#endif

#endif
