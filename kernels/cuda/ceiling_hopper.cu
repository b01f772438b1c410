/*
 * The tensor cores' ceiling where a warp at a time does not reach it: from compute capability 9.0
 * on, four warps together multiply 64 x 16 by 16 x 128 straight from shared memory (wgmma), as the
 * vendor's own libraries do. Compiled for sm_90a, the only code that has the instruction.
 *
 * Shared memory holds ones all over, so every sum grows by 16 whatever the layout says; what is
 * checked is that it did.
 * Source  PTX ISA 8.0, "Asynchronous Warpgroup Level Matrix Multiply-Accumulate" (shapes, matrix
 *         descriptors, core matrices of 8 x 16 bytes, the proxy fence)
 */
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tasks.h"

enum {
	THREADS = CUDA_CEILING_THREADS, /* two groups of four warps */
	GROUP = CUDA_CEILING_GROUP,
	CELLS = CUDA_CEILING_WIDE * CUDA_CEILING_TALL / 128, /* of C, a thread: 64 */
	OPERAND_BYTES = 4096, /* of 128 x 16 bf16, the larger one; both are read from here */
	ONES = 0x3f803f80,    /* two of bf16 */
};

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
/* Where an operand lies, in 16 bytes: its start, and how far its core matrices are apart in both
 * directions: 128 and 256 bytes, so that nothing beyond OPERAND_BYTES is read. */
__device__ static uint64_t describe(const void *shared)
{
	uint64_t at = (uint64_t)__cvta_generic_to_shared(shared);
	return (at & 0x3ffff) >> 4 | (uint64_t)(128 >> 4) << 16 | (uint64_t)(256 >> 4) << 32;
}

#define FOUR(i)                                                                                    \
	"+f"(sums[i]), "+f"(sums[(i) + 1]), "+f"(sums[(i) + 2]), "+f"(sums[(i) + 3])
#define SIXTEEN(i) FOUR(i), FOUR((i) + 4), FOUR((i) + 8), FOUR((i) + 12)

__device__ static void multiply(float (&sums)[CELLS], const uint32_t *shared)
{
	uint64_t operand = describe(shared);
	asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
	for (unsigned i = 0; i < GROUP; i++)
		asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
			     "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15,"
			     "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29,"
			     "%30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43,"
			     "%44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57,"
			     "%58, %59, %60, %61, %62, %63}, %64, %64, 1, 1, 1, 0, 0;"
			     : SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48)
			     : "l"(operand));
	asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
	asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

/* What was written by stores is seen by the tensor cores' own way to memory. */
__device__ static void show_to_tensor_cores()
{
	asm volatile("fence.proxy.async;" ::: "memory");
}
#elif defined(__CUDACC__)
/* Never called: launch_wgmma asks first. The sums stay 0, which would be found out. */
__device__ static void multiply(float (&)[CELLS], const uint32_t *)
{
}

__device__ static void show_to_tensor_cores()
{
}
#else
static void multiply(float (&sums)[CELLS], const uint32_t *shared)
{
	for (unsigned i = 0; i < GROUP * CELLS; i++)
		sums[i % CELLS] += emulated_dot(shared, shared, CUDA_CEILING_DEEP);
}

static void show_to_tensor_cores()
{
}
#endif

__global__ void __launch_bounds__(THREADS, 2) ceiling_wgmma(float *out, unsigned n_steps)
{
	__shared__ __align__(128) uint32_t ones[OPERAND_BYTES / 4];
	float sums[CELLS], sum = 0;
	for (unsigned i = threadIdx.x; i < OPERAND_BYTES / 4; i += THREADS)
		ones[i] = ONES;
#pragma unroll
	for (unsigned i = 0; i < CELLS; i++)
		sums[i] = 0;
	show_to_tensor_cores();
	__syncthreads();
	for (unsigned step = 0; step < n_steps; step++)
		multiply(sums, ones);
#pragma unroll
	for (unsigned i = 0; i < CELLS; i++)
		sum = fmaxf(sum, sums[i]);
#pragma unroll
	for (unsigned i = 0; i < CELLS; i++) /* all the same, or wrong */
		sum = sums[i] == sum ? sum : -1;
	out[(size_t)blockIdx.x * THREADS + threadIdx.x] = sum;
}

static const char *launch_wgmma(const void *opaque)
{
	const struct cuda_ceiling_task *task = (const struct cuda_ceiling_task *)opaque;
	if (task->major != 9)
		return "Only devices of compute capability 9 have the instruction (wgmma).";
	launch(ceiling_wgmma, dim3(task->n_blocks), dim3(THREADS), task->out, task->n_steps);
	return NULL;
}

const struct cuda_kernel ceiling_hopper_kernels[] = {
	{ "ceiling", "wgmma", "bf16 on the tensor cores, four warps together", launch_wgmma },
	{},
};
