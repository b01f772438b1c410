/*
 * kernels/cuda: kernels for NVIDIA GPUs, twins of those in kernels/: one .cu file a family,
 * compiled into libstoke-cuda.so where nvcc is found and opened by workloads/support/cuda_run.c
 * where a workload is asked for device=cuda. Start reading at stream.cu, then gemm.cu.
 *
 * library: what libstoke-cuda.so is to its caller: one table, in C. Calls that can fail return NULL
 * or one sentence, valid until the next call. All work goes to one stream, in order.
 * Thread  one at a time
 */
#ifndef KERNELS_CUDA_LIBRARY_H
#define KERNELS_CUDA_LIBRARY_H

#include <stddef.h>

/* Grows with every change of what is below; the caller refuses another number. */
enum { CUDA_LIBRARY_VERSION = 3, CUDA_NAME_BYTES = 256, CUDA_UUID_BYTES = 48 };

struct cuda_device {
	char name[CUDA_NAME_BYTES];
	int major, minor; /* compute capability */
	int n_multiprocessors;
	size_t memory_bytes, l2_bytes;
	char uuid[CUDA_UUID_BYTES]; /* "GPU-...", as NVML and nvidia-smi write it */
};

/* One kernel, or a chain of them that does the same; what `task` is, tasks.h says. */
struct cuda_kernel {
	const char *family; /* of the CPU's kernels: "gemm" */
	const char *name;   /* "coalesced" */
	const char *summary;
	/* Start it and return; a task it is not made for is refused with a sentence. */
	const char *(*launch)(const void *task);
};

struct cuda_library {
	int version;
	/* The device that CUDA puts first, for all that follows. */
	const char *(*open)(struct cuda_device *device);
	const char *(*take)(void **memory, size_t bytes); /* on the device, plain memory */
	void (*give)(void *memory);                       /* NULL is nothing */
	const char *(*copy_in)(void *device, const void *host, size_t bytes);
	const char *(*copy_out)(void *host, const void *device, size_t bytes); /* waits */
	const char *(*clear)(void *memory, size_t bytes);
	/* Launch and return; what then goes wrong, a later call says. */
	const char *(*start)(const struct cuda_kernel *kernel, const void *task);
	const char *(*wait)(void); /* for all that was started */
	/* Launch, wait, and take the time between two events of the device around it. */
	const char *(*time)(const struct cuda_kernel *kernel, const void *task, double *ns);
	/* In families, from slow to fast; ended by a NULL name. */
	const struct cuda_kernel *kernels;
};

/* stoke_cuda_library: the one function that the library exports. */
typedef const struct cuda_library *stoke_cuda_library_function(void);

#endif
