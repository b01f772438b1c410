/*
 * vnni: four products of a byte without and a byte with sign, added to 32 bits, sixteen times at
 * once: VPDPBUSD (Intel SDM vol. 2). Header-only, for functions compiled for avx512f; callable
 * after cpu_has_avx512_vnni() has said yes.
 */
#ifndef KERNELS_SUPPORT_VNNI_H
#define KERNELS_SUPPORT_VNNI_H

#if defined(__x86_64__)
#include <immintrin.h>

/* vnni_add: the instruction itself, because GCC 12 copies the sums of the intrinsic to and fro:
 * with twenty-four of them it runs at half the speed. */
__attribute__((target("avx512f"), always_inline)) static inline __m512i
vnni_add(__m512i sum, __m512i unsigned_bytes, __m512i signed_bytes)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
	return sum;
}
#endif

#endif
