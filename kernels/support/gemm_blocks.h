/*
 * gemm_blocks: the loops around a register tile: blocks of A and B are copied ("packed") into the
 * order the tile reads them, sized so that one waits in L2 and a strip of the other in L1.
 * Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (ACM TOMS 34,
 * 2008); Van Zee and van de Geijn, "BLIS" (ACM TOMS 41, 2015), figure 1.
 */
#ifndef KERNELS_SUPPORT_GEMM_BLOCKS_H
#define KERNELS_SUPPORT_GEMM_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/support/bf16.h"
#include "kernels/support/gemm_task.h"

/* Some rows of A, or columns of B ("lanes"), along a part of k ("depth"), in the caller's memory.
 */
struct gemm_strip {
	const void *from;
	size_t n_lanes, n_depth;
	size_t lane_stride, depth_stride; /* in elements */
};

/*
 * gemm_tile: a register tile of C, rows x columns, and how its operands are packed: `group`
 * successive elements of k of one lane lie together, then the other lanes, then the next group;
 * missing lanes and depth are zeros.
 */
struct gemm_tile {
	size_t rows, columns, group;
	size_t element_bytes, packed_bytes;    /* of an element of A or B: as given, as packed */
	size_t rows_most, columns_most, depth; /* of a packed block */
	/* Where lanes lie together, so many strips are given at once, one behind the other when
	 * packed, the last with what lanes there are; 0 = one. */
	size_t strips_at_once;
	bf16_round_function *round; /* of tiles of bf16 */
	void (*pack_rows)(void *to, const struct gemm_strip *strip);
	void (*pack_columns)(void *to, const struct gemm_strip *strip);
	/* C's tile = or += a b over n_groups groups of k. */
	void (*multiply)(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
			 bool is_adding);
	/* The same for the first few_rows rows of a tile, which is what C often ends with; 0 and
	 * NULL = there is none, and `multiply` does it. */
	size_t few_rows;
	void (*multiply_few)(size_t n_groups, const void *a, const void *b, void *c, size_t c_row,
			     bool is_adding);
	void (*begin)(void), (*end)(void); /* around a whole product; NULL = nothing */
};

/* The largest rows x columns of a tile. */
enum { GEMM_TILE_CELLS = 32 * 32 };

/* gemm_blocks: the task with this tile. Dies without memory. */
void gemm_blocks(const struct gemm_tile *tile, const struct gemm_task *task);

#endif
