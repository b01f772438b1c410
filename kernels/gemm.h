/*
 * gemm: C (m,n) = A (m,k) B (k,n) of f32, or C += A B; any sizes, A and B by any strides.
 * 2 m n k FLOPs; 4 (mk + kn + mn) algorithmic bytes, each matrix once (+ 4 mn when adding).
 * Error   at most k + 1 roundings of the sum of absolute products, in every variant
 * Source  Goto and van de Geijn (ACM TOMS 34, 2008); see support/gemm_blocks.h
 */
#ifndef KERNELS_GEMM_H
#define KERNELS_GEMM_H

#include "kernels/support/gemm_task.h"

/* gemm_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the fastest. */
gemm_function *gemm_variant(const char *name);

#endif
