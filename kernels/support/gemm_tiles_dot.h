/*
 * gemm_tiles_dot: register tiles of instructions that multiply and add two bf16 or four bytes at
 * once, and AMX's, that do it for whole tiles. bf16 without such instructions is widened to f32
 * when packed, bytes to 16 bits or to f32.
 */
#ifndef KERNELS_SUPPORT_GEMM_TILES_DOT_H
#define KERNELS_SUPPORT_GEMM_TILES_DOT_H

#include "kernels/support/gemm_blocks.h"

extern const struct gemm_tile gemm_tile_bf16_portable; /* as f32, 6 x 8 */
extern const struct gemm_tile gemm_tile_int8_portable; /* as f32, 6 x 8 */
#if defined(__aarch64__)
extern const struct gemm_tile gemm_tile_bf16_neon; /* as f32, 6 x 16 */
extern const struct gemm_tile gemm_tile_int8_neon; /* as f32, 6 x 16 */
#endif
#if defined(__x86_64__)
extern const struct gemm_tile gemm_tile_bf16_avx2;   /* as f32, 6 x 16 */
extern const struct gemm_tile gemm_tile_bf16_avx512; /* as f32, 14 x 32 */
extern const struct gemm_tile gemm_tile_bf16_dot;    /* vdpbf16ps, 14 x 32 */
extern const struct gemm_tile gemm_tile_bf16_amx;    /* tdpbf16ps, 32 x 32 */

extern const struct gemm_tile gemm_tile_int8_avx2; /* as 16 bits, vpmaddwd, 6 x 16 */
extern const struct gemm_tile gemm_tile_int8_dot;  /* vpdpbusd, 14 x 32 */
extern const struct gemm_tile gemm_tile_int8_amx;  /* tdpbusd, 32 x 32 */
#endif

#endif
