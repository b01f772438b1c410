/*
 * Five loops around the tile. A tile at the edge of C works on a copy, so that only one form of
 * `multiply` is needed: the copy has every cell, and what it adds to cells that are not there is
 * dropped.
 */
#include "kernels/support/gemm_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/support/dispatch.h"
#include "sampler/base/why.h"

/* The part of the product at hand: rows [i, i + m), depth [p, p + k), columns [j, j + n). */
struct block {
	size_t i, p, j, m, k, n;
	char *packed_a, *packed_b;
	uint16_t *rounded; /* a strip of either */
};

enum {
	C_BYTES = 4,
	LINE_BYTES = 64,
	LINES_AHEAD = 4, /* of those that are rounded; each may be on another page */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

static size_t packed_depth(const struct gemm_tile *tile, const struct block *block)
{
	return round_up(block->k, tile->group);
}

static size_t strips_at_once(const struct gemm_tile *tile, size_t lane_stride)
{
	return lane_stride == 1 && tile->strips_at_once ? tile->strips_at_once : 1;
}

static size_t source_bytes(const struct gemm_tile *tile, const struct gemm_task *task)
{
	return task->is_rounding ? sizeof(float) : tile->element_bytes;
}

static void fetch_line(const float *from, size_t n)
{
	for (size_t i = 0; i < n; i += LINE_BYTES / sizeof *from)
		__builtin_prefetch(from + i);
}

/* The strip's floats rounded, line by line as they lie; then they take half as much of the cache
 * that packing goes through. A line more between lanes: a power of two apart they would share a
 * set of it. */
static struct gemm_strip round_strip(const struct gemm_tile *tile, const struct gemm_strip *strip,
				     uint16_t *to)
{
	bool is_by_lanes = strip->lane_stride != 1;
	const float *from = strip->from;
	size_t n_lines = is_by_lanes ? strip->n_lanes : strip->n_depth;
	size_t n = is_by_lanes ? strip->n_depth : strip->n_lanes;
	size_t step = is_by_lanes ? strip->lane_stride : strip->depth_stride;
	size_t to_step = is_by_lanes ? n + LINE_BYTES / sizeof *to : n;
	for (size_t i = 0; i < n_lines; i++, from += step) {
		if (!is_by_lanes && i + LINES_AHEAD < n_lines)
			fetch_line(from + LINES_AHEAD * step, n);
		if (!is_by_lanes || strip->depth_stride == 1)
			tile->round(to + i * to_step, from, n);
		else
			for (size_t p = 0; p < n; p++)
				to[i * to_step + p] = bf16_from_f32(from[p * strip->depth_stride]);
	}
	return (struct gemm_strip){ to, strip->n_lanes, strip->n_depth, is_by_lanes ? to_step : 1,
				    is_by_lanes ? 1 : to_step };
}

static void pack_a(const struct gemm_tile *tile, const struct gemm_task *task, struct block *block)
{
	size_t rows = tile->rows * strips_at_once(tile, task->a_row);
	size_t bytes = rows * packed_depth(tile, block) * tile->packed_bytes;
	char *to = block->packed_a;
	for (size_t i = 0; i < block->m; i += rows, to += bytes) {
		size_t at = (block->i + i) * task->a_row + block->p * task->a_column;
		struct gemm_strip strip = { (const char *)task->a + at * source_bytes(tile, task),
					    least(rows, block->m - i), block->k, task->a_row,
					    task->a_column };
		if (task->is_rounding)
			strip = round_strip(tile, &strip, block->rounded);
		tile->pack_rows(to, &strip);
	}
}

static void pack_b(const struct gemm_tile *tile, const struct gemm_task *task, struct block *block)
{
	size_t columns = tile->columns * strips_at_once(tile, task->b_column);
	size_t bytes = columns * packed_depth(tile, block) * tile->packed_bytes;
	char *to = block->packed_b;
	for (size_t j = 0; j < block->n; j += columns, to += bytes) {
		size_t at = block->p * task->b_row + (block->j + j) * task->b_column;
		struct gemm_strip strip = { (const char *)task->b + at * source_bytes(tile, task),
					    least(columns, block->n - j), block->k, task->b_column,
					    task->b_row };
		if (task->is_rounding)
			strip = round_strip(tile, &strip, block->rounded);
		tile->pack_columns(to, &strip);
	}
}

/* A tile of which only n_rows x n_columns cells exist. */
static void multiply_edge(const struct gemm_tile *tile, size_t n_groups, const char *const at[2],
			  char *c, const struct gemm_task *edge)
{
	_Alignas(64) char copy[GEMM_TILE_CELLS * C_BYTES];
	size_t row_bytes = tile->columns * C_BYTES;
	bool is_few = edge->m <= tile->few_rows;
	memset(copy, 0, (is_few ? tile->few_rows : tile->rows) * row_bytes);
	for (size_t i = 0; edge->is_adding && i < edge->m; i++)
		memcpy(copy + i * row_bytes, c + i * edge->c_row * C_BYTES, edge->n * C_BYTES);
	(is_few ? tile->multiply_few : tile->multiply)(n_groups, at[0], at[1], copy, tile->columns,
						       edge->is_adding);
	for (size_t i = 0; i < edge->m; i++)
		memcpy(c + i * edge->c_row * C_BYTES, copy + i * row_bytes, edge->n * C_BYTES);
}

/* The packed blocks' product: a strip of B in L1 meets every strip of A from L2. */
static void multiply_block(const struct gemm_tile *tile, const struct gemm_task *task,
			   const struct block *block)
{
	size_t depth = packed_depth(tile, block), n_groups = depth / tile->group;
	bool is_adding = task->is_adding || block->p > 0;
	const char *b = block->packed_b;
	for (size_t j = 0; j < block->n; j += tile->columns) {
		const char *a = block->packed_a;
		char *c = (char *)task->c + (block->i * task->c_row + block->j + j) * C_BYTES;
		size_t n_columns = least(tile->columns, block->n - j);
		for (size_t i = 0; i < block->m; i += tile->rows) {
			size_t n_rows = least(tile->rows, block->m - i);
			struct gemm_task edge = { .m = n_rows,
						  .n = n_columns,
						  .c_row = task->c_row,
						  .is_adding = is_adding };
			if (n_rows == tile->rows && n_columns == tile->columns)
				tile->multiply(n_groups, a, b, c, task->c_row, is_adding);
			else
				multiply_edge(tile, n_groups, (const char *const[]){ a, b }, c,
					      &edge);
			a += tile->rows * depth * tile->packed_bytes;
			c += tile->rows * task->c_row * C_BYTES;
		}
		b += tile->columns * depth * tile->packed_bytes;
	}
}

/* Rows of a block, as even as whole tiles can be: a last block of a tile or two would have B read
 * for hardly anything. At most rows_most, rounded up to tiles. */
static size_t rows_of_block(const struct gemm_tile *tile, size_t m)
{
	size_t n_tiles = (m + tile->rows - 1) / tile->rows;
	size_t n_blocks = (m + tile->rows_most - 1) / tile->rows_most;
	return (n_tiles + n_blocks - 1) / n_blocks * tile->rows;
}

static void multiply_blocks(const struct gemm_tile *tile, const struct gemm_task *task,
			    struct block *block)
{
	size_t rows = rows_of_block(tile, task->m);
	for (block->j = 0; block->j < task->n; block->j += tile->columns_most) {
		block->n = least(tile->columns_most, task->n - block->j);
		for (block->p = 0; block->p < task->k; block->p += tile->depth) {
			block->k = least(tile->depth, task->k - block->p);
			pack_b(tile, task, block);
			for (block->i = 0; block->i < task->m; block->i += rows) {
				block->m = least(rows, task->m - block->i);
				pack_a(tile, task, block);
				multiply_block(tile, task, block);
			}
		}
	}
}

static void clear(const struct gemm_task *task)
{
	for (size_t i = 0; i < task->m; i++)
		memset((char *)task->c + i * task->c_row * C_BYTES, 0, task->n * C_BYTES);
}

/* Of the largest strip that is rounded. */
static size_t rounded_bytes(const struct gemm_tile *tile, size_t depth)
{
	size_t lanes = tile->rows > tile->columns ? tile->rows : tile->columns;
	size_t n_strips = tile->strips_at_once ? tile->strips_at_once : 1;
	return n_strips * lanes * (depth * sizeof(uint16_t) + LINE_BYTES);
}

void gemm_blocks(const struct gemm_tile *tile, const struct gemm_task *task)
{
	if (task->m == 0 || task->n == 0)
		return;
	if (task->k == 0) {
		if (!task->is_adding)
			clear(task);
		return;
	}
	size_t depth = round_up(least(task->k, tile->depth), tile->group);
	size_t rows = round_up(least(task->m, tile->rows_most), tile->rows);
	size_t columns = round_up(least(task->n, tile->columns_most), tile->columns);
	size_t a_bytes = round_up(rows * depth * tile->packed_bytes, 64);
	size_t b_bytes = round_up(columns * depth * tile->packed_bytes, 64);
	size_t bytes = a_bytes + b_bytes + (task->is_rounding ? rounded_bytes(tile, depth) : 0);
	if (task->workspace && bytes > GEMM_WORKSPACE_BYTES)
		die("a tile's blocks of %zu bytes do not fit the workspace", bytes);
	char *memory = task->workspace ? task->workspace : aligned_take(bytes);
	if (!memory)
		die("no memory for %zu bytes of packed matrices", bytes);
	struct block block = { .packed_a = memory,
			       .packed_b = memory + a_bytes,
			       .rounded = (uint16_t *)(void *)(memory + a_bytes + b_bytes) };
	if (tile->begin)
		tile->begin();
	multiply_blocks(tile, task, &block);
	if (tile->end)
		tile->end();
	if (!task->workspace)
		free(memory);
}
