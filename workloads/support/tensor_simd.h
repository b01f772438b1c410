/*
 * tensor_simd: which instructions the tensor engine's loops use. One choice for the process, made
 * before any work.
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_SIMD_H
#define WORKLOADS_SUPPORT_TENSOR_SIMD_H

#include <stdbool.h>

/* In the order of TENSOR_SIMD_CHOICES. */
enum tensor_simd { SIMD_AUTO, SIMD_PORTABLE, SIMD_AVX2, SIMD_AVX512 };
#define TENSOR_SIMD_CHOICES "auto|portable|avx2|avx512"

/* tensor_simd_use: false when this CPU (or this kind of CPU) has them not; then nothing changes. */
bool tensor_simd_use(enum tensor_simd simd);

/* tensor_simd: what is used: never SIMD_AUTO. */
enum tensor_simd tensor_simd(void);

/* tensor_simd_name: "portable", "avx2" or "avx512". */
const char *tensor_simd_name(void);

#endif
