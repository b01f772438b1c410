/*
 * The upper half of the ladder: 128 x 128 of C a block of 256 threads, 16 deep, A's tile turned on
 * its way into shared memory so that both are read along rows, four numbers at a time.
 *
 *   vectorised      loads of 16 bytes
 *   warps           each warp has 64 x 32 of C, a thread 2 x 2 squares of 4 x 4: a warp's loads of
 *                   16 bytes hit 8 places in A's tile and 4 in B's, in different banks
 *   double-buffer   two tiles each: while one is multiplied, the next is on its way from memory;
 *                   one barrier a step. Two blocks a multiprocessor: 128 registers a thread
 *
 * Source  as gemm.cu; Kerr et al., "CUTLASS: fast linear algebra in CUDA C++" (2017)
 */
#include "kernels/cuda/gemm.cuh"

enum {
	SIDE = 128,    /* rows and columns of C a block */
	DEPTH = 16,    /* of one step along k */
	THREADS = 256, /* 8 warps */
	PAD = 4,       /* keeps rows of A's tile aligned to 16 bytes and in other banks */
	PARTS = SIDE * DEPTH / 4 / THREADS, /* 16-byte parts of each tile a thread fetches: 2 */
};

struct tiles {
	float a[DEPTH][SIDE + PAD]; /* turned: a[p][row] */
	float b[DEPTH][SIDE];
};

/* What one thread fetches of both tiles. */
struct part {
	float4 a[PARTS], b[PARTS];
};

/* The thread's two rows and columns of four, in the block's square. */
struct place {
	unsigned row[2], column[2];
};

__device__ static float4 four_of(const float *row, unsigned at, unsigned end, bool by_four)
{
	if (by_four && at + 4 <= end)
		return *(const float4 *)(row + at);
	return make_float4(at < end ? row[at] : 0, at + 1 < end ? row[at + 1] : 0,
			   at + 2 < end ? row[at + 2] : 0, at + 3 < end ? row[at + 3] : 0);
}

/* Are all rows aligned to 16 bytes? The same for every thread, so no warp goes two ways. */
__device__ static bool is_aligned(const float *matrix, unsigned row)
{
	return (size_t)matrix % 16 == 0 && row % 4 == 0;
}

__device__ static part fetch(const struct product &p, unsigned from)
{
	part out;
	bool a_aligned = is_aligned(p.a, p.a_row), b_aligned = is_aligned(p.b, p.b_row);
	float4 zero = make_float4(0, 0, 0, 0);
#pragma unroll
	for (unsigned i = 0; i < PARTS; i++) {
		unsigned at = threadIdx.x + i * THREADS;
		unsigned row = blockIdx.y * SIDE + at / (DEPTH / 4), depth = from + at / (SIDE / 4);
		out.a[i] = row < p.m ? four_of(p.a + (size_t)row * p.a_row,
					       from + at % (DEPTH / 4) * 4, p.k, a_aligned)
				     : zero;
		out.b[i] = depth < p.k ? four_of(p.b + (size_t)depth * p.b_row,
						 blockIdx.x * SIDE + at % (SIDE / 4) * 4, p.n,
						 b_aligned)
				       : zero;
	}
	return out;
}

__device__ static void store(tiles &to, const part &from)
{
#pragma unroll
	for (unsigned i = 0; i < PARTS; i++) {
		unsigned at = threadIdx.x + i * THREADS;
		unsigned row = at / (DEPTH / 4), depth = at % (DEPTH / 4) * 4;
		to.a[depth][row] = from.a[i].x;
		to.a[depth + 1][row] = from.a[i].y;
		to.a[depth + 2][row] = from.a[i].z;
		to.a[depth + 3][row] = from.a[i].w;
		*(float4 *)&to.b[at / (SIDE / 4)][at % (SIDE / 4) * 4] = from.b[i];
	}
}

/* 16 x 16 threads, each 8 x 8 in one piece. */
__device__ static place place_in_block()
{
	unsigned x = threadIdx.x % 16 * 8, y = threadIdx.x / 16 * 8;
	return place{ { y, y + 4 }, { x, x + 4 } };
}

/* 2 x 4 warps of 64 x 32; in a warp 8 x 4 threads, whose fours lie side by side. */
__device__ static place place_in_warp()
{
	unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
	unsigned y = warp / 4 * 64 + lane / 4 * 4, x = warp % 4 * 32 + lane % 4 * 4;
	return place{ { y, y + 32 }, { x, x + 16 } };
}

__device__ static void multiply(float (&sums)[8][8], const tiles &from, const place &at)
{
#pragma unroll
	for (unsigned i = 0; i < DEPTH; i++) {
		float4 a[2], b[2];
#pragma unroll
		for (unsigned half = 0; half < 2; half++) {
			a[half] = *(const float4 *)&from.a[i][at.row[half]];
			b[half] = *(const float4 *)&from.b[i][at.column[half]];
		}
		float left[8] = { a[0].x, a[0].y, a[0].z, a[0].w, a[1].x, a[1].y, a[1].z, a[1].w };
		float right[8] = { b[0].x, b[0].y, b[0].z, b[0].w, b[1].x, b[1].y, b[1].z, b[1].w };
#pragma unroll
		for (unsigned j = 0; j < 64; j++)
			sums[j / 8][j % 8] += left[j / 8] * right[j % 8];
	}
}

__device__ static void write_four(const struct product &p, unsigned row, unsigned column,
				  const float *sums)
{
	bool is_whole = row < p.m && column + 4 <= p.n && is_aligned(p.c, p.c_row);
	if (is_whole && !p.is_adding) {
		*(float4 *)(p.c + (size_t)row * p.c_row + column) =
			make_float4(sums[0], sums[1], sums[2], sums[3]);
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		write_cell(p, row, column + i, sums[i]);
}

__device__ static void write_all(const struct product &p, const float (&sums)[8][8],
				 const place &at)
{
#pragma unroll
	for (unsigned i = 0; i < 8; i++)
#pragma unroll
		for (unsigned half = 0; half < 2; half++)
			write_four(p, blockIdx.y * SIDE + at.row[i / 4] + i % 4,
				   blockIdx.x * SIDE + at.column[half], &sums[i][half * 4]);
}

__device__ static void step_by_step(const struct product &p, const place &at)
{
	__shared__ tiles tile;
	float sums[8][8] = {};
	for (unsigned from = 0; from < p.k; from += DEPTH) {
		store(tile, fetch(p, from));
		__syncthreads();
		multiply(sums, tile, at);
		__syncthreads();
	}
	write_all(p, sums, at);
}

__global__ void __launch_bounds__(THREADS) gemm_vectorised(struct product p)
{
	step_by_step(p, place_in_block());
}

__global__ void __launch_bounds__(THREADS) gemm_warps(struct product p)
{
	step_by_step(p, place_in_warp());
}

/* The barrier of a step keeps both: the next tile is whole, and the last has been read by all. */
__global__ void __launch_bounds__(THREADS, 2) gemm_double_buffer(struct product p)
{
	__shared__ tiles tile[2];
	place at = place_in_warp();
	float sums[8][8] = {};
	unsigned turn = 0;
	store(tile[0], fetch(p, 0));
	__syncthreads();
	for (unsigned from = 0; from < p.k; from += DEPTH) {
		part next = fetch(p, from + DEPTH); /* past the end: zeros */
		multiply(sums, tile[turn], at);
		store(tile[turn ^ 1], next);
		turn ^= 1;
		__syncthreads();
	}
	write_all(p, sums, at);
}

static const char *start(void (*kernel)(struct product), const void *task)
{
	struct product p;
	if (!product_of((const struct gemm_task *)task, &p))
		return PRODUCT_REFUSED;
	launch(kernel, dim3(blocks_for(p.n, SIDE), blocks_for(p.m, SIDE)), dim3(THREADS), p);
	return NULL;
}

const char *launch_vectorised(const void *task)
{
	return start(gemm_vectorised, task);
}

const char *launch_warps(const void *task)
{
	return start(gemm_warps, task);
}

const char *launch_double_buffer(const void *task)
{
	return start(gemm_double_buffer, task);
}
