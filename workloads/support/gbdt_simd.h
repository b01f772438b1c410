/*
 * gbdt_simd: which instructions the booster's loops use. Results do not depend on it, bit for bit.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_SIMD_H
#define WORKLOADS_SUPPORT_GBDT_SIMD_H

#include <stdbool.h>

/* In the order of GBDT_SIMD_CHOICES. */
enum gbdt_simd { GBDT_SIMD_AUTO, GBDT_SIMD_SCALAR, GBDT_SIMD_AVX2, GBDT_SIMD_AVX512 };
#define GBDT_SIMD_CHOICES "auto|scalar|avx2|avx512"

/* gbdt_simd_resolve: AUTO becomes the widest of this CPU; false if it has not what is asked for. */
bool gbdt_simd_resolve(enum gbdt_simd *simd);

/* A function that is compiled for an instruction set and called only where the CPU has it. */
#if defined(__x86_64__)
#define GBDT_AVX2   __attribute__((target("avx2,fma")))
#define GBDT_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#else
#define GBDT_AVX2
#define GBDT_AVX512
#endif

#endif
