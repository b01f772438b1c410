/*
 * cuda_emulation: enough of CUDA for the sources of kernels/cuda to be compiled by a plain C++
 * compiler and run without a GPU, so that their arithmetic, their bounds and their barriers are
 * tested anywhere.
 *
 * A block's threads are coroutines on one thread of the machine: each runs to its next barrier
 * before the next one starts. So what lacks a barrier reads what is not yet, or no longer, there;
 * CUDA_EMULATION_ORDER=backward starts each block's threads from the last, which a missing barrier
 * does not survive either. A barrier that some threads of a block (or warp) pass by while others
 * wait ends the process with a sentence. Not emulated: time, caches, how
 * tensor cores round (here each sum is one of floats in order).
 *
 * The runtime's calls fail as MOCK_SCRIPT says (mock_script.h): each by its name, or "any" of them,
 * from the first or "after" so many.
 */
#ifndef TESTS_CUDA_EMULATION_HPP
#define TESTS_CUDA_EMULATION_HPP

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __shared__   static
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)
#define __forceinline__ inline

struct dim3 {
	unsigned x, y, z;
	dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
	{
	}
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

struct alignas(8) float2 {
	float x, y;
};
struct alignas(16) float4 {
	float x, y, z, w;
};
struct alignas(16) double2 {
	double x, y;
};
struct alignas(16) int4 {
	int x, y, z, w;
};
struct alignas(16) uint4 {
	unsigned x, y, z, w;
};

static inline float4 make_float4(float x, float y, float z, float w)
{
	return float4{ x, y, z, w };
}

static inline double2 make_double2(double x, double y)
{
	return double2{ x, y };
}

/* A load past the first cache: there is none. */
template <typename T> T __ldcg(const T *at)
{
	return *at;
}

void __syncthreads();
void __syncwarp(unsigned mask = 0xffffffff);

/* emulated_exchange: every thread of the warp gives 8 bytes, gets those of the lane it asks for. */
uint64_t emulated_exchange(uint64_t value, unsigned lane);
unsigned emulated_lane();
unsigned emulated_match(uint64_t value);

template <typename T> T emulated_from(T value, unsigned lane)
{
	uint64_t bits = 0;
	T out;
	memcpy(&bits, &value, sizeof value);
	bits = emulated_exchange(bits, lane);
	memcpy(&out, &bits, sizeof out);
	return out;
}

template <typename T> T __shfl_sync(unsigned, T value, unsigned lane)
{
	return emulated_from(value, lane % 32);
}

template <typename T> T __shfl_xor_sync(unsigned, T value, unsigned bits)
{
	return emulated_from(value, emulated_lane() ^ bits);
}

template <typename T> T __shfl_down_sync(unsigned, T value, unsigned n)
{
	unsigned lane = emulated_lane();
	return emulated_from(value, lane + n < 32 ? lane + n : lane);
}

template <typename T> T __shfl_up_sync(unsigned, T value, unsigned n)
{
	unsigned lane = emulated_lane();
	return emulated_from(value, lane >= n ? lane - n : lane);
}

/* Which lanes of the warp have the same value. */
static inline unsigned __match_any_sync(unsigned, unsigned value)
{
	return emulated_match(value);
}

static inline int __popc(unsigned bits)
{
	return __builtin_popcount(bits);
}

template <typename T> T atomicAdd(T *to, T value)
{
	T old = *to;
	*to = old + value;
	return old;
}

static inline int __dp4a(int a, int b, int sum)
{
	for (int i = 0; i < 4; i++)
		sum += (int8_t)(a >> 8 * i) * (int8_t)(b >> 8 * i);
	return sum;
}

static inline float __uint_as_float(unsigned bits)
{
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline float rsqrtf(float x)
{
	return 1 / sqrtf(x);
}

/* ---- tensor cores: each lane has the whole square, and does all of it */

struct __nv_bfloat16 {
	uint16_t bits;
};

static inline float emulated_float(__nv_bfloat16 value)
{
	return __uint_as_float((unsigned)value.bits << 16);
}

static inline __nv_bfloat16 __float2bfloat16(float value)
{
	unsigned bits;
	memcpy(&bits, &value, sizeof bits);
	return __nv_bfloat16{ (uint16_t)(bits >> 16) }; /* for what bf16 holds exactly */
}

/* emulated_dot: of n (even) bf16 each, two in a word. */
static inline float emulated_dot(const uint32_t *a, const uint32_t *b, unsigned n)
{
	float sum = 0;
	for (unsigned i = 0; i < n / 2; i++)
		sum += __uint_as_float(a[i] << 16) * __uint_as_float(b[i] << 16) +
		       __uint_as_float(a[i] & 0xffff0000) * __uint_as_float(b[i] & 0xffff0000);
	return sum;
}

namespace nvcuda::wmma
{
struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
enum layout_t { mem_row_major };

template <typename Use, int m, int n, int k, typename T, typename Layout = void> struct fragment {
	T x[16][16];
};

template <typename F, typename T> void fill_fragment(F &to, T value)
{
	for (auto &row : to.x)
		for (auto &cell : row)
			cell = value;
}

/* All lanes have read before any goes on: it may store there. */
template <typename F, typename T>
void load_matrix_sync(F &to, const T *from, unsigned row, layout_t = mem_row_major)
{
	for (unsigned i = 0; i < 16; i++)
		for (unsigned j = 0; j < 16; j++)
			to.x[i][j] = from[i * row + j];
	__syncwarp();
}

template <typename F, typename T>
void store_matrix_sync(T *to, const F &from, unsigned row, layout_t)
{
	__syncwarp();
	for (unsigned i = 0; i < 16; i++)
		for (unsigned j = 0; j < 16; j++)
			to[i * row + j] = from.x[i][j];
}

template <typename D, typename A, typename B>
void mma_sync(D &d, const A &a, const B &b, const D &c)
{
	for (unsigned i = 0; i < 16; i++)
		for (unsigned j = 0; j < 16; j++) {
			float sum = c.x[i][j];
			for (unsigned p = 0; p < 16; p++)
				sum += emulated_float(a.x[i][p]) * emulated_float(b.x[p][j]);
			d.x[i][j] = sum;
		}
}
} // namespace nvcuda::wmma

/* ---- starting */

void emulated_run(dim3 grid, dim3 block, void (*body)(void *), void *argument);

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, Arguments... arguments)
{
	auto body = [&] { kernel(arguments...); };
	emulated_run(
		grid, block, [](void *opaque) { (*static_cast<decltype(body) *>(opaque))(); },
		&body);
}

/* ---- the runtime, with the numbers of driver_types.h */

enum cudaError_t {
	cudaSuccess = 0,
	cudaErrorMemoryAllocation = 2,
	cudaErrorInvalidConfiguration = 9,
	cudaErrorNoDevice = 100,
};
enum cudaMemcpyKind {
	cudaMemcpyHostToDevice = 1,
	cudaMemcpyDeviceToHost = 2,
	cudaMemcpyDeviceToDevice = 3,
};
typedef double *cudaEvent_t;
struct cudaDeviceProp {
	char name[256];
	size_t totalGlobalMem;
	int major, minor, multiProcessorCount, l2CacheSize;
	struct {
		char bytes[16];
	} uuid;
};

const char *cudaGetErrorString(cudaError_t code);
const char *cudaGetErrorName(cudaError_t code);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventRecord(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaGetLastError();

/* Graphs: chains of one kernel, which takes a pointer and a size. */
struct emulated_graph {
	void (*kernel)(uint32_t *, size_t);
	dim3 grid, block;
	uint32_t *x;
	size_t n, n_nodes;
};
typedef struct emulated_graph *cudaGraph_t, *cudaGraphExec_t;
typedef int cudaGraphNode_t;
struct cudaKernelNodeParams {
	void *func;
	dim3 gridDim, blockDim;
	void **kernelParams;
};
cudaError_t cudaGraphCreate(cudaGraph_t *graph, unsigned flags);
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t *node, cudaGraph_t graph,
				   const cudaGraphNode_t *after, size_t n_after,
				   const cudaKernelNodeParams *parameters);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ready, cudaGraph_t graph, unsigned flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, int stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);

#endif
