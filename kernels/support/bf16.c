/* Sixteen at a time by the compiler's vectors: one text for each instruction set. */
#include "kernels/support/bf16.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LANES = 16 };

typedef uint32_t vector_bits __attribute__((vector_size(64)));
typedef uint16_t vector_half __attribute__((vector_size(32)));

static inline __attribute__((always_inline)) void round_all(uint16_t *to, const float *from,
							    size_t n)
{
	size_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		vector_bits bits;
		memcpy(&bits, from + i, sizeof bits);
		vector_bits rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
		vector_bits is_nan = (vector_bits)((bits & 0x7fffffffu) > 0x7f800000u);
		rounded = (is_nan & (bits | 0x400000u)) | (~is_nan & rounded);
		vector_half half = __builtin_convertvector(rounded >> 16, vector_half);
		memcpy(to + i, &half, sizeof half);
	}
	for (; i < n; i++)
		to[i] = bf16_from_f32(from[i]);
}

void bf16_round_portable(uint16_t *to, const float *from, size_t n)
{
	round_all(to, from, n);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void bf16_round_avx2(uint16_t *to, const float *from, size_t n)
{
	round_all(to, from, n);
}

__attribute__((target("avx512f,avx512bw"))) void bf16_round_avx512(uint16_t *to, const float *from,
								   size_t n)
{
	round_all(to, from, n);
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) void
bf16_round_dot(uint16_t *to, const float *from, size_t n)
{
	size_t i = 0;
	for (; i + LANES <= n; i += LANES)
		_mm256_storeu_si256((__m256i *)(to + i),
				    (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(from + i)));
	if (i < n) {
		__mmask16 rest = (__mmask16)((1u << (n - i)) - 1);
		__m512 last = _mm512_maskz_loadu_ps(rest, from + i);
		_mm256_mask_storeu_epi16(to + i, rest, (__m256i)_mm512_cvtneps_pbh(last));
	}
}
#endif
