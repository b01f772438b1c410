/*
 * gemm_tiles_f32: register tiles of f32 products. Each holds its cells of C in registers over the
 * whole depth of a block, so the multiply-add units and not the loads are the limit.
 */
#ifndef KERNELS_SUPPORT_GEMM_TILES_F32_H
#define KERNELS_SUPPORT_GEMM_TILES_F32_H

#include "kernels/support/gemm_blocks.h"

extern const struct gemm_tile gemm_tile_f32_portable; /* 6 x 8, 128-bit vectors of any CPU */

/* The multiplications alone, for types that are widened to f32 when packed. */
void gemm_multiply_f32_portable(size_t n_groups, const void *a, const void *b, void *c,
				size_t c_row, bool is_adding);
#if defined(__aarch64__)
extern const struct gemm_tile gemm_tile_f32_neon; /* 6 x 16 */

void gemm_multiply_f32_neon(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
			    bool is_adding);
#endif
#if defined(__x86_64__)
extern const struct gemm_tile gemm_tile_f32_avx2;   /* 6 x 16 */
extern const struct gemm_tile gemm_tile_f32_avx512; /* 14 x 32 */

void gemm_multiply_f32_avx2(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
			    bool is_adding);
void gemm_multiply_f32_avx512(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
			      bool is_adding);
#endif

#endif
