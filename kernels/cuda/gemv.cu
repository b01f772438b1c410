/*
 * y = A x with weights of 32, 16, 8 and 4 bits, two ways:
 *
 *   row    a thread a row: the threads of a warp read 32 rows, a line of memory each
 *   warp   a warp a row: 32 x 16 bytes side by side; int8 and int4 by four products an instruction
 *
 * Source  Dettmers et al., "LLM.int8()" (2022); CUDA C++ Programming Guide, dot products of bytes
 */
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/tasks.h"

enum { THREADS = 256, VECTOR_BYTES = 16 };

__device__ static float f32_of(uint16_t bf16)
{
	return __uint_as_float((unsigned)bf16 << 16);
}

/* A[row][j] x[j], as it is kept, but for the scales of row and x. */
template <gemv_type type>
__device__ float term(const cuda_gemv_task &task, const char *row, const uint16_t *scales, size_t j)
{
	if constexpr (type == GEMV_F32)
		return ((const float *)row)[j] * task.x.values[j];
	if constexpr (type == GEMV_BF16)
		return f32_of(((const uint16_t *)row)[j]) * task.x.values[j];
	if constexpr (type == GEMV_INT8)
		return (float)(((const int8_t *)row)[j] * task.x.quantized[j]);
	unsigned byte = ((const uint8_t *)row)[j / 128 * 64 + j % 64];
	int weight = (int)(byte >> (j % 128 / 64 * 4) & 15) - 8;
	return f32_of(scales[j / GEMV_GROUP]) * (float)(weight * task.x.quantized[j]);
}

template <gemv_type type> __device__ float scale_of(const cuda_gemv_task &task, size_t row)
{
	if (type == GEMV_INT8)
		return task.weights.scales[row] * task.x.scale;
	return type == GEMV_INT4 ? task.x.scale : 1;
}

template <gemv_type type> __global__ void gemv_row(struct cuda_gemv_task task)
{
	size_t row = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (row >= task.weights.m)
		return;
	const char *values = (const char *)task.weights.values + row * task.weights.row_bytes;
	const uint16_t *scales = task.weights.group_scales + row * task.weights.row_scales;
	float sum = 0;
	for (size_t j = 0; j < task.weights.n; j++)
		sum += term<type>(task, values, scales, j);
	task.y[row] = sum * scale_of<type>(task, row);
}

/* ---- a warp a row: sums over the vectors of a row that this lane has */

__device__ static float sum_f32(const cuda_gemv_task &task, const char *row, unsigned at)
{
	float4 a = *(const float4 *)(row + at), x = *(const float4 *)(task.x.values + at / 4);
	return a.x * x.x + a.y * x.y + a.z * x.z + a.w * x.w;
}

__device__ static float sum_two(unsigned pair, const float *x)
{
	return f32_of((uint16_t)pair) * x[0] + f32_of((uint16_t)(pair >> 16)) * x[1];
}

__device__ static float sum_bf16(const cuda_gemv_task &task, const char *row, unsigned at)
{
	uint4 a = *(const uint4 *)(row + at);
	const float *x = task.x.values + at / 2;
	return sum_two(a.x, x) + sum_two(a.y, x + 2) + sum_two(a.z, x + 4) + sum_two(a.w, x + 6);
}

__device__ static int dot_16(int4 a, int4 x)
{
	return __dp4a(a.x, x.x, __dp4a(a.y, x.y, __dp4a(a.z, x.z, __dp4a(a.w, x.w, 0))));
}

__device__ static int4 halves(uint4 bytes, unsigned shift)
{
	const unsigned mask = 0x0f0f0f0f;
	return int4{ (int)(bytes.x >> shift & mask), (int)(bytes.y >> shift & mask),
		     (int)(bytes.z >> shift & mask), (int)(bytes.w >> shift & mask) };
}

/* Byte t of 64 has weights t and 64 + t: 16 bytes are two runs of 16, each within one group. */
__device__ static float sum_int4(const cuda_gemv_task &task, const char *row,
				 const uint16_t *scales, unsigned at)
{
	const int4 eights = { 0x08080808, 0x08080808, 0x08080808, 0x08080808 };
	uint4 bytes = *(const uint4 *)(row + at);
	float sum = 0;
	for (unsigned half = 0; half < 2; half++) {
		unsigned j = at / 64 * 128 + half * 64 + at % 64;
		int4 x = *(const int4 *)(task.x.quantized + j);
		int dot = dot_16(halves(bytes, half * 4), x) - dot_16(eights, x);
		sum += f32_of(scales[j / GEMV_GROUP]) * (float)dot;
	}
	return sum;
}

template <gemv_type type> __global__ void gemv_warp(struct cuda_gemv_task task)
{
	size_t row = ((size_t)blockIdx.x * THREADS + threadIdx.x) / WARP;
	unsigned lane = threadIdx.x % WARP;
	if (row >= task.weights.m)
		return; /* the whole warp */
	const char *values = (const char *)task.weights.values + row * task.weights.row_bytes;
	const uint16_t *scales = task.weights.group_scales + row * task.weights.row_scales;
	float sum = 0;
	int exact = 0; /* int8: below 2^31 for rows of up to 66,000 */
	for (unsigned at = lane * VECTOR_BYTES; at < task.weights.row_bytes;
	     at += WARP * VECTOR_BYTES) {
		if (type == GEMV_F32)
			sum += sum_f32(task, values, at);
		else if (type == GEMV_BF16)
			sum += sum_bf16(task, values, at);
		else if (type == GEMV_INT8)
			exact += dot_16(*(const int4 *)(values + at),
					*(const int4 *)(task.x.quantized + at));
		else
			sum += sum_int4(task, values, scales, at);
	}
	for (unsigned bits = WARP / 2; bits > 0; bits /= 2)
		exact += __shfl_xor_sync(0xffffffff, exact, bits);
	sum = over_warp<add>(sum) + (float)exact;
	if (lane == 0)
		task.y[row] = sum * scale_of<type>(task, row);
}

template <gemv_type type> static const char *launch_row(const void *opaque)
{
	const struct cuda_gemv_task *task = (const struct cuda_gemv_task *)opaque;
	launch(gemv_row<type>, dim3(blocks_for(task->weights.m, THREADS)), dim3(THREADS), *task);
	return NULL;
}

template <gemv_type type> static const char *launch_warp(const void *opaque)
{
	const struct cuda_gemv_task *task = (const struct cuda_gemv_task *)opaque;
	if (task->weights.row_bytes % VECTOR_BYTES)
		return "gemv: variant=warp takes rows of whole 16 bytes; use variant=row or an n= "
		       "that is a multiple of 8.";
	launch(gemv_warp<type>, dim3(blocks_for(task->weights.m, THREADS / WARP)), dim3(THREADS),
	       *task);
	return NULL;
}

const struct cuda_kernel gemv_kernels[] = {
	{ "gemv_f32", "row", "a thread a row", launch_row<GEMV_F32> },
	{ "gemv_f32", "warp", "a warp a row, 16 bytes a load", launch_warp<GEMV_F32> },
	{ "gemv_bf16", "row", "a thread a row", launch_row<GEMV_BF16> },
	{ "gemv_bf16", "warp", "a warp a row, 16 bytes a load", launch_warp<GEMV_BF16> },
	{ "gemv_int8", "row", "a thread a row", launch_row<GEMV_INT8> },
	{ "gemv_int8", "warp", "a warp a row, four products at once", launch_warp<GEMV_INT8> },
	{ "gemv_int4", "row", "a thread a row", launch_row<GEMV_INT4> },
	{ "gemv_int4", "warp", "a warp a row, four products at once", launch_warp<GEMV_INT4> },
	{},
};
