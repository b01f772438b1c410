/*
 * tensor: what the kernels of the tensor engine share (tensor_*.cu). They are the twins of
 * workloads/support/tensor_loops.c and tensor_rows.c: the same formulas in single precision, each
 * result by one thread or one block in one order, so that a run can be repeated bit by bit.
 */
#ifndef KERNELS_CUDA_TENSOR_CUH
#define KERNELS_CUDA_TENSOR_CUH

#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/tensor.h"

enum {
	ELEMENT_THREADS = 256,
	/* 16 blocks for each multiprocessor of the largest device we know; threads walk on. */
	MOST_ELEMENT_BLOCKS = 132 * 16,
};

/* The elements of one thread. */
#define EACH_ELEMENT(i, n)                                                                         \
	for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n);                    \
	     i += (size_t)gridDim.x * blockDim.x)

template <typename Task> void start_elements(void (*kernel)(Task), size_t n, const Task &task)
{
	if (n > 0)
		launch(kernel, dim3(blocks_for(n, ELEMENT_THREADS, MOST_ELEMENT_BLOCKS)),
		       dim3(ELEMENT_THREADS), task);
}

/* out = softmax(scale a) of n columns, by the whole block; out may be a. Returns, to each thread,
 * the logarithm of the sum of exp(scale a). */
__device__ inline float softmax_row(float *out, const float *a, size_t n, float scale)
{
	float at_most = -INFINITY, sum = 0;
	EACH_COLUMN(j, n)
	at_most = fmaxf(at_most, scale * a[j]);
	at_most = over_block<most>(at_most);
	EACH_COLUMN(j, n)
	sum += out[j] = expf(scale * a[j] - at_most);
	sum = over_block<add>(sum);
	float inverse = 1 / sum;
	EACH_COLUMN(j, n)
	out[j] *= inverse;
	return at_most + logf(sum);
}

/* out (+)= scale b (a - sum a b): a = gradient, b = softmax; out may be a. */
__device__ inline void softmax_back_row(float *out, const float *a, const float *b, size_t n,
					float scale, bool adds)
{
	float sum = 0;
	EACH_COLUMN(j, n)
	sum += a[j] * b[j];
	sum = over_block<add>(sum);
	EACH_COLUMN(j, n)
	{
		float value = scale * b[j] * (a[j] - sum);
		out[j] = adds ? out[j] + value : value;
	}
}

/* launch_product: of tensor_product.cu, with the tile that fits. */
const char *launch_product(const void *task);

#endif
