/*
 * Many kernels with next to nothing to do, so that starting them is what takes time, two ways:
 *
 *   each    one launch after the other: some microseconds of the host for each
 *   graph   all of them once as a graph, whose nodes the device starts by itself
 *
 * Source  CUDA C++ Programming Guide, CUDA graphs
 */
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tasks.h"

enum { THREADS = 256 };

__global__ void add_one(uint32_t *x, size_t n)
{
	size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
	if (i < n)
		x[i]++;
}

static const char *launch_each(const void *opaque)
{
	const struct cuda_launches_task *task = (const struct cuda_launches_task *)opaque;
	for (size_t i = 0; i < task->n_launches; i++)
		launch(add_one, dim3(blocks_for(task->n, THREADS)), dim3(THREADS), task->x,
		       task->n);
	return NULL;
}

/* The last graph, for the task it was made of. */
static struct cuda_launches_task known;
static cudaGraph_t graph;
static cudaGraphExec_t ready;

/* A chain: each node waits for the one before. */
static cudaError_t build(struct cuda_launches_task *task)
{
	cudaGraphNode_t last, node;
	void *arguments[] = { &task->x, &task->n };
	cudaKernelNodeParams parameters = {};
	parameters.func = (void *)add_one;
	parameters.gridDim = dim3(blocks_for(task->n, THREADS));
	parameters.blockDim = dim3(THREADS);
	parameters.kernelParams = arguments;
	cudaError_t code = cudaGraphCreate(&graph, 0);
	for (size_t i = 0; i < task->n_launches && code == cudaSuccess; i++) {
		code = cudaGraphAddKernelNode(&node, graph, i ? &last : NULL, i ? 1 : 0,
					      &parameters);
		last = node;
	}
	return code == cudaSuccess ? cudaGraphInstantiate(&ready, graph, 0) : code;
}

static void forget()
{
	if (ready)
		cudaGraphExecDestroy(ready);
	if (graph)
		cudaGraphDestroy(graph);
	ready = NULL;
	graph = NULL;
	known = cuda_launches_task{};
}

static const char *launch_graph(const void *opaque)
{
	struct cuda_launches_task task = *(const struct cuda_launches_task *)opaque;
	cudaError_t code = cudaSuccess;
	if (task.x != known.x || task.n != known.n || task.n_launches != known.n_launches) {
		forget();
		code = build(&task);
	}
	if (code == cudaSuccess)
		code = cudaGraphLaunch(ready, 0);
	if (code != cudaSuccess) {
		forget();
		return "The GPU refused a graph of these launches; use variant=each or fewer "
		       "launches=.";
	}
	known = task;
	return NULL;
}

const struct cuda_kernel launches_kernels[] = {
	{ "launches", "each", "one launch after the other", launch_each },
	{ "launches", "graph", "all of them by one launch of a graph", launch_graph },
	{},
};
