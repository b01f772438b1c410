/*
 * Matrix products of the tensor engine. Two of three in a training step are of a transposed matrix,
 * and attention's are a batch of small ones, half of each without use; so here strides are free, a
 * batch lies in the grid's third dimension, and tiles beyond a diagonal are left out. 256 threads
 * compute 32 x 32, 64 x 64 or 128 x 128 cells, 2 x 2 to 8 x 8 each: the largest tile of which there
 * are enough for all multiprocessors. A large plain product goes to the ladder's last step
 * (gemm_tiles.cu).
 *
 * Each cell is summed by one thread along k: the result does not depend on the tile.
 */
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/tensor.cuh"

enum {
	APART = 16, /* threads along each side of a tile */
	PRODUCT_THREADS = APART * APART,
	DEPTH = 16,
	ENOUGH_BLOCKS = 132,  /* multiprocessors of the largest device we know */
	MOST_IN_GRID = 65535, /* of the grid's second and third dimension */
	SMALLEST = CUDA_ATTENTION_TILE / APART,
	LARGEST = 8,
};

/* Both turned so that threads read along; the odd length keeps writes in different banks. */
template <unsigned each> struct product_tiles {
	float a[DEPTH][APART * each + 1], b[DEPTH][APART * each + 1];
};

/* Where the block's tile begins, and which terms it adds up. */
struct product_part {
	size_t row, column, from, end;
};

/* One number of a tile, of those that lie next to each other in memory for neighbours. */
struct product_place {
	unsigned across, deep;
};

__device__ static product_place place_of(unsigned i, unsigned side, bool is_deep_first)
{
	return is_deep_first ? product_place{ i / DEPTH, i % DEPTH }
			     : product_place{ i % side, i / side };
}

template <unsigned each>
__device__ void fetch(product_tiles<each> &tile, const struct gemm_task &p,
		      const product_part &part)
{
	const unsigned side = APART * each;
	const float *a = (const float *)p.a, *b = (const float *)p.b;
	for (unsigned i = threadIdx.x; i < side * DEPTH; i += PRODUCT_THREADS) {
		product_place at = place_of(i, side, p.a_column == 1);
		size_t across = part.row + at.across, deep = part.from + at.deep;
		tile.a[at.deep][at.across] = across < p.m && deep < part.end
						     ? a[across * p.a_row + deep * p.a_column]
						     : 0;
		at = place_of(i, side, p.b_column != 1);
		across = part.column + at.across;
		deep = part.from + at.deep;
		tile.b[at.deep][at.across] = across < p.n && deep < part.end
						     ? b[deep * p.b_row + across * p.b_column]
						     : 0;
	}
}

template <unsigned each>
__device__ void multiply(float (&sums)[each][each], const product_tiles<each> &tile)
{
	unsigned x = threadIdx.x % APART, y = threadIdx.x / APART;
#pragma unroll
	for (unsigned i = 0; i < DEPTH; i++) {
		float left[each], right[each];
#pragma unroll
		for (unsigned j = 0; j < each; j++) {
			left[j] = tile.a[i][j * APART + y];
			right[j] = tile.b[i][j * APART + x];
		}
#pragma unroll
		for (unsigned j = 0; j < each * each; j++)
			sums[j / each][j % each] += left[j / each] * right[j % each];
	}
}

template <unsigned each>
__device__ void write_cells(const struct gemm_task &p, const product_part &part,
			    const float (&sums)[each][each])
{
	float *c = (float *)p.c;
	unsigned x = threadIdx.x % APART, y = threadIdx.x / APART;
#pragma unroll
	for (unsigned j = 0; j < each * each; j++) {
		size_t row = part.row + j / each * APART + y;
		size_t column = part.column + j % each * APART + x;
		if (row >= p.m || column >= p.n)
			continue;
		float *cell = c + row * p.c_row + column;
		*cell = p.is_adding ? *cell + sums[j / each][j % each] : sums[j / each][j % each];
	}
}

/* False: nothing of this tile is wanted. */
__device__ static bool find_part(const struct cuda_product_task &all, unsigned side,
				 product_part *part)
{
	*part = product_part{ (size_t)blockIdx.x * side, (size_t)blockIdx.y * side, 0,
			      all.first.k };
	if (all.reach == REACH_BEHIND)
		part->from = part->row;
	if (all.reach == REACH_BEFORE && part->row + side < part->end)
		part->end = part->row + side;
	return all.reach != REACH_LOWER || part->column < part->row + side;
}

__device__ static struct gemm_task one_of(const struct cuda_product_task &all, size_t i)
{
	struct gemm_task one = all.first;
	size_t outer = i / all.n_inner, inner = i % all.n_inner;
	one.a = (const float *)one.a + outer * all.outer.a + inner * all.inner.a;
	one.b = (const float *)one.b + outer * all.outer.b + inner * all.inner.b;
	one.c = (float *)one.c + outer * all.outer.c + inner * all.inner.c;
	return one;
}

template <unsigned each>
__global__ void __launch_bounds__(PRODUCT_THREADS) tensor_product(struct cuda_product_task all)
{
	__shared__ product_tiles<each> tile;
	product_part part;
	if (!find_part(all, APART * each, &part))
		return;
	size_t first = part.from;
	for (size_t i = blockIdx.z; i < all.n_outer * all.n_inner; i += gridDim.z) {
		struct gemm_task one = one_of(all, i);
		float sums[each][each] = {};
		for (part.from = first; part.from < part.end; part.from += DEPTH) {
			fetch(tile, one, part);
			__syncthreads();
			multiply(sums, tile);
			__syncthreads(); /* all have read before the next are written */
		}
		write_cells(one, part, sums);
	}
}

static size_t tiles_of(const struct cuda_product_task &task, unsigned each)
{
	return (size_t)blocks_for(task.first.m, APART * each) *
	       blocks_for(task.first.n, APART * each) * task.n_outer * task.n_inner;
}

template <unsigned each> static const char *start(const void *opaque)
{
	const struct cuda_product_task *task = (const struct cuda_product_task *)opaque;
	unsigned x = blocks_for(task->first.m, APART * each);
	unsigned y = blocks_for(task->first.n, APART * each);
	size_t z = task->n_outer * task->n_inner;
	if (x == 0 || y == 0 || z == 0)
		return NULL;
	if (y > MOST_IN_GRID)
		return "tensor_product: a matrix has more than two million columns; use a smaller "
		       "width, or device=cpu.";
	if (task->reach != REACH_ALL && each != SMALLEST)
		return "tensor_product: a triangle has tiles of 32 x 32; use variant=side-32.";
	launch(tensor_product<each>, dim3(x, y, blocks_for(z, 1, MOST_IN_GRID)),
	       dim3(PRODUCT_THREADS), *task);
	return NULL;
}

const char *launch_product(const void *opaque)
{
	const struct cuda_product_task *task = (const struct cuda_product_task *)opaque;
	const struct gemm_task *one = &task->first;
	bool is_one = task->n_outer * task->n_inner == 1 && task->reach == REACH_ALL;
	struct product plain;
	if (task->reach != REACH_ALL || tiles_of(*task, 4) < ENOUGH_BLOCKS)
		return start<SMALLEST>(opaque);
	if (tiles_of(*task, LARGEST) < ENOUGH_BLOCKS)
		return start<4>(opaque);
	if (is_one && product_of(one, &plain) &&
	    blocks_for(one->m, APART * LARGEST) <= MOST_IN_GRID)
		return launch_double_buffer(one);
	return start<LARGEST>(opaque);
}

const struct cuda_kernel tensor_product_kernels[] = {
	{ "tensor_product", "side-32", "tiles of 32 x 32", start<SMALLEST> },
	{ "tensor_product", "side-64", "tiles of 64 x 64", start<4> },
	{ "tensor_product", "side-128", "tiles of 128 x 128", start<LARGEST> },
	{ "tensor_product", "fitting", "the largest tile that keeps the device busy",
	  launch_product },
	{},
};
