/*
 * gemm_bf16: C (m,n) = A (m,k) B (k,n), A and B of bf16 (uint16_t, the upper half of an f32), C of
 * f32; or C += A B; any sizes, A and B by any strides. 2 m n k FLOPs; 2 (mk + kn) + 4 mn
 * algorithmic bytes (+ 4 mn when adding).
 * Error   products are exact; at most k + 1 roundings of the sum of absolute products. vdpbf16ps
 *         and AMX take denormal inputs and results for zeros and round to even
 * Source  Intel, "BFLOAT16 - Hardware Numerics Definition" (2018); SDM, VDPBF16PS, TDPBF16PS
 */
#ifndef KERNELS_GEMM_BF16_H
#define KERNELS_GEMM_BF16_H

#include "kernels/support/gemm_task.h"

/* gemm_bf16_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the
 * fastest. */
gemm_function *gemm_bf16_variant(const char *name);

#endif
