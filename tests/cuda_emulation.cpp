/*
 * Coroutines that stay from block to block: each begins by ucontext, once; later turns are jumps
 * from stack to stack, which need no call of the kernel. One that waits gives the processor back to
 * the block's loop, which continues it when all that it waits for have come. See
 * cuda_emulation.hpp.
 */
#include "tests/cuda_emulation.hpp"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "tests/mock_script.h"

enum { MOST_THREADS = 1024, STACK_BYTES = 64 << 10, LANES = 32 };

enum waiting { READY, FOR_WARP, FOR_BLOCK, FINISHED };

/* Where to go on: what the compiler's jumps keep. */
struct place {
	void *words[5];
};

struct coroutine {
	struct place place;
	bool is_begun;
	enum waiting waiting;
	dim3 index;
};

dim3 threadIdx, blockIdx, blockDim, gridDim;

static struct coroutine coroutines[MOST_THREADS];
static uint64_t given[MOST_THREADS];
static unsigned n_threads, current;
static struct place loop;
static char *stacks;
static void (*body)(void *);
static void *argument;
static bool is_misconfigured; /* a launch that the device would have refused */

/* noipa: the compiler must not conclude, from what a function does before it jumps, that nothing
 * else has changed when it comes back. */
__attribute__((noipa, no_sanitize("address"))) static void jump_to(struct place *place)
{
	__builtin_longjmp(place->words, 1);
}

/* From a coroutine to the block's loop, until its next turn. */
__attribute__((noipa)) static void wait_for(enum waiting what)
{
	struct coroutine *own = &coroutines[current];
	own->waiting = what;
	if (__builtin_setjmp(own->place.words) == 0)
		jump_to(&loop);
}

void __syncthreads()
{
	wait_for(FOR_BLOCK);
}

void __syncwarp(unsigned)
{
	wait_for(FOR_WARP);
}

unsigned emulated_lane()
{
	return current % LANES;
}

uint64_t emulated_exchange(uint64_t value, unsigned lane)
{
	given[current] = value;
	wait_for(FOR_WARP);
	uint64_t got = given[current / LANES * LANES + lane % LANES];
	wait_for(FOR_WARP); /* all have read before anyone gives again */
	return got;
}

unsigned emulated_match(uint64_t value)
{
	unsigned same = 0, first = current / LANES * LANES;
	given[current] = value;
	wait_for(FOR_WARP);
	for (unsigned lane = 0; lane < LANES && first + lane < n_threads; lane++)
		same |= (unsigned)(given[first + lane] == value) << lane;
	wait_for(FOR_WARP);
	return same;
}

static void live()
{
	for (;;) {
		body(argument);
		wait_for(FINISHED);
	}
}

static void begin(unsigned i)
{
	static ucontext_t context;
	coroutines[i].is_begun = true;
	getcontext(&context);
	context.uc_stack.ss_sp = stacks + (size_t)i * STACK_BYTES;
	context.uc_stack.ss_size = STACK_BYTES;
	context.uc_link = NULL;
	makecontext(&context, live, 0);
	setcontext(&context);
}

/* The turn of the current one, until it waits. */
__attribute__((noipa)) static void give_turn()
{
	if (__builtin_setjmp(loop.words) != 0)
		return;
	threadIdx = coroutines[current].index;
	if (coroutines[current].is_begun)
		jump_to(&coroutines[current].place);
	begin(current);
}

static void prepare(unsigned i)
{
	struct coroutine *at = &coroutines[i];
	at->waiting = READY;
	at->index = dim3(i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y);
}

/* All of these wait for the same, but for those that have finished: they go on. */
static bool release(unsigned from, unsigned to, enum waiting what)
{
	bool is_any = false;
	for (unsigned i = from; i < to; i++) {
		if (coroutines[i].waiting != what && coroutines[i].waiting != FINISHED)
			return false;
		is_any |= coroutines[i].waiting == what;
	}
	for (unsigned i = from; i < to && is_any; i++)
		if (coroutines[i].waiting == what)
			coroutines[i].waiting = READY;
	return is_any;
}

static bool release_some()
{
	bool is_any = release(0, n_threads, FOR_BLOCK);
	for (unsigned from = 0; from < n_threads; from += LANES)
		is_any |= release(from, from + LANES < n_threads ? from + LANES : n_threads,
				  FOR_WARP);
	return is_any;
}

static bool run_ready(bool is_backward)
{
	bool is_left = false;
	for (unsigned step = 0; step < n_threads; step++) {
		current = is_backward ? n_threads - 1 - step : step;
		if (coroutines[current].waiting == READY)
			give_turn();
		is_left |= coroutines[current].waiting != FINISHED;
	}
	return is_left;
}

static void run_block(bool is_backward)
{
	for (unsigned i = 0; i < n_threads; i++)
		prepare(i);
	while (run_ready(is_backward)) {
		if (!release_some()) {
			fputs("cuda_emulation: some threads wait at a barrier that others have "
			      "passed by.\n",
			      stderr);
			abort();
		}
	}
}

void emulated_run(dim3 grid, dim3 block, void (*what)(void *), void *of)
{
	const char *order = getenv("CUDA_EMULATION_ORDER");
	n_threads = block.x * block.y * block.z;
	if (n_threads == 0 || n_threads > MOST_THREADS || grid.x * grid.y * grid.z == 0 ||
	    grid.y > 65535 || grid.z > 65535) {
		is_misconfigured = true;
		return;
	}
	if (!stacks)
		stacks = (char *)mmap(NULL, (size_t)MOST_THREADS * STACK_BYTES,
				      PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stacks == MAP_FAILED)
		abort();
	body = what;
	argument = of;
	gridDim = grid;
	blockDim = block;
	for (unsigned z = 0; z < grid.z; z++)
		for (unsigned y = 0; y < grid.y; y++)
			for (unsigned x = 0; x < grid.x; x++) {
				blockIdx = dim3(x, y, z);
				run_block(order && strcmp(order, "backward") == 0);
			}
}

/* ---- the runtime */

static cudaError_t code_of(const char *name)
{
	static long n_calls;
	long after = mock_script("after", -1);
	if (after >= 0 && n_calls++ < after)
		return cudaSuccess;
	return (cudaError_t)mock_script(name, mock_script("any", cudaSuccess));
}

const char *cudaGetErrorString(cudaError_t)
{
	return "as the test wishes";
}

const char *cudaGetErrorName(cudaError_t)
{
	return "cudaErrorScripted";
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
	*version = 13000;
	return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
	*version = (int)mock_script("driver", 13000);
	return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *n)
{
	*n = (int)mock_script("devices", 1);
	return code_of("cudaGetDeviceCount");
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int)
{
	snprintf(properties->name, sizeof properties->name, "emulated GPU");
	properties->totalGlobalMem = (size_t)mock_script("memory", 1 << 30);
	properties->l2CacheSize = (int)mock_script("l2", 1 << 16);
	for (int i = 0; i < 16; i++)
		properties->uuid.bytes[i] = (char)(0xe0 + i);
	properties->major = (int)mock_script("major", 9);
	properties->minor = 0;
	properties->multiProcessorCount = 1;
	return code_of("cudaGetDeviceProperties");
}

cudaError_t cudaSetDevice(int)
{
	return code_of("cudaSetDevice");
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
	cudaError_t code = code_of("cudaMalloc");
	if (code != cudaSuccess)
		return code;
	if (posix_memalign(memory, 256, bytes) != 0)
		return cudaErrorMemoryAllocation;
	memset(*memory, 0xff,
	       bytes); /* as left by others; as floats NaN: what is not written is seen */
	return cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
	free(memory);
	return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
	cudaError_t code = code_of(kind == cudaMemcpyHostToDevice ? "copy_in" : "copy_out");
	if (code == cudaSuccess)
		memcpy(to, from, bytes);
	if (code == cudaSuccess && kind == cudaMemcpyDeviceToHost && bytes)
		*(char *)to = (char)(*(char *)to ^ (char)mock_script("corrupt", 0));
	return code;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind)
{
	cudaError_t code = code_of("cudaMemcpyAsync");
	if (code == cudaSuccess)
		memcpy(to, from, bytes);
	return code;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes)
{
	memset(memory, value, bytes);
	return code_of("cudaMemsetAsync");
}

cudaError_t cudaDeviceSynchronize()
{
	return code_of("cudaDeviceSynchronize");
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
	static double events[2]; /* the library has two */
	static unsigned n;
	*event = &events[n++ % 2];
	return code_of("cudaEventCreate");
}

cudaError_t cudaEventRecord(cudaEvent_t event)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	*event = (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
	return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t)
{
	return code_of("cudaEventSynchronize");
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
	*milliseconds = (float)(*to - *from);
	return code_of("cudaEventElapsedTime");
}

cudaError_t cudaGetLastError()
{
	cudaError_t code =
		is_misconfigured ? cudaErrorInvalidConfiguration : code_of("cudaGetLastError");
	is_misconfigured = false;
	return code;
}

cudaError_t cudaGraphCreate(cudaGraph_t *graph, unsigned)
{
	*graph = (cudaGraph_t)calloc(1, sizeof **graph);
	return code_of("cudaGraphCreate");
}

/* The nodes are a chain, each behind the last one added. */
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t *node, cudaGraph_t graph,
				   const cudaGraphNode_t *after, size_t n_after,
				   const cudaKernelNodeParams *parameters)
{
	bool is_chain = graph->n_nodes == 0 ? n_after == 0
					    : n_after == 1 && *after == (int)graph->n_nodes - 1;
	if (!is_chain)
		return cudaErrorInvalidConfiguration;
	*node = (int)graph->n_nodes++;
	memcpy(&graph->kernel, &parameters->func, sizeof graph->kernel);
	graph->grid = parameters->gridDim;
	graph->block = parameters->blockDim;
	graph->x = *(uint32_t **)parameters->kernelParams[0];
	graph->n = *(size_t *)parameters->kernelParams[1];
	return code_of("cudaGraphAddKernelNode");
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ready, cudaGraph_t graph, unsigned)
{
	*ready = (cudaGraphExec_t)malloc(sizeof **ready);
	**ready = *graph;
	return code_of("cudaGraphInstantiate");
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, int)
{
	for (size_t i = 0; i < ready->n_nodes; i++)
		launch(ready->kernel, ready->grid, ready->block, ready->x, ready->n);
	return code_of("cudaGraphLaunch");
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready)
{
	free(ready);
	return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
	free(graph);
	return cudaSuccess;
}
