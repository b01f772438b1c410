/*
 * launch: how a kernel is started, and what the files beside share. The same sources are compiled
 * by a plain C++ compiler for the tests, which bring their own `launch` (tests/cuda_emulation.h).
 */
#ifndef KERNELS_CUDA_LAUNCH_CUH
#define KERNELS_CUDA_LAUNCH_CUH

#include <stddef.h>
#include <stdint.h>

#include "kernels/cuda/library.h"

#ifdef __CUDACC__
#include <cuda_runtime.h>

/* launch: kernel<<<grid, block>>>(arguments...), in order with all before it. */
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, Arguments... arguments)
{
	kernel<<<grid, block>>>(arguments...);
}
#endif

/* The lists at the end of each family's file; library.cu puts them together. */
extern const struct cuda_kernel stream_kernels[], gemm_kernels[], rmsnorm_kernels[],
	softmax_kernels[], layernorm_kernels[], transpose_kernels[], reduction_kernels[],
	scan_kernels[], histogram_kernels[], hadamard_kernels[], attention_kernels[],
	gemv_kernels[], gemm_bf16_kernels[], launches_kernels[], tensor_loop_kernels[],
	tensor_row_kernels[], tensor_product_kernels[], tensor_attention_kernels[],
	ceiling_kernels[], ceiling_hopper_kernels[];

/* cuda_refused: "The GPU refused to WHAT: ...", valid until the next one. */
const char *cuda_refused(const char *what, cudaError_t code);

enum { WARP = 32 };

/* How many blocks of this size cover n, and no more than `most` (of kernels whose grid walks on).
 */
static inline unsigned blocks_for(size_t n, unsigned size, unsigned most = 0x7fffffff)
{
	size_t blocks = (n + size - 1) / size;
	return blocks < most ? (unsigned)blocks : most;
}

#endif
