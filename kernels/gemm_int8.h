/*
 * gemm_int8: C (m,n) = A (m,k) B (k,n), A of uint8_t, B of int8_t, C of int32_t; or C += A B; any
 * sizes, A and B by any strides. 2 m n k operations; mk + kn + 4 mn algorithmic bytes (+ 4 mn when
 * adding). Exact modulo 2^32: no overflow for k <= 65,793 (255 x 128 k < 2^31).
 * Source  Intel SDM, VPDPBUSD, TDPBUSD; Rodriguez et al., "Lower numerical precision deep
 *         learning" (Intel, 2018)
 */
#ifndef KERNELS_GEMM_INT8_H
#define KERNELS_GEMM_INT8_H

#include "kernels/support/gemm_task.h"

/* gemm_int8_variant: by name; NULL if there is none or this CPU cannot run it. "auto" = the
 * fastest. */
gemm_function *gemm_int8_variant(const char *name);

#endif
