/*
 * gemm_fetch: a tile's cells of C brought into L1 shortly before they are written. Fetched at the
 * start they would be gone again: A and B stream by, and rows of C a power of two apart share a
 * set. On Zen 4 that is two in a hundred of a product of 4096. Header-only.
 */
#ifndef KERNELS_SUPPORT_GEMM_FETCH_H
#define KERNELS_SUPPORT_GEMM_FETCH_H

#include <stddef.h>
#include <stdint.h>

/* gemm_fetch_point: after how many groups; what is left takes some 450 multiply-adds of each unit,
 * about 120 ns: as long as a line takes from main memory. Tiles are two vectors wide. */
static inline __attribute__((always_inline)) size_t gemm_fetch_point(size_t n_groups, size_t n_rows)
{
	const size_t n_left = 448 / n_rows;
	return n_groups > n_left ? n_groups - n_left : 0;
}

/* gemm_fetch: rows x columns of cells of 4 bytes. */
static inline __attribute__((always_inline)) void gemm_fetch(const void *c, size_t c_row,
							     size_t n_rows, size_t n_columns)
{
	const uint32_t *cells = c;
	for (size_t i = 0; i < n_rows; i++)
		for (size_t j = 0; j < n_columns; j += 16)
			__builtin_prefetch(cells + i * c_row + j);
}

#endif
