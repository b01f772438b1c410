/*
 * Every return code becomes a sentence. Errors of a kernel show up at the next call that waits, so
 * `time` is where they are found.
 */
#include <stdio.h>
#include <string.h>

#include "kernels/cuda/launch.cuh"

static const struct cuda_kernel *const families[] = {
	stream_kernels,     gemm_kernels,           rmsnorm_kernels,
	softmax_kernels,    layernorm_kernels,      transpose_kernels,
	reduction_kernels,  scan_kernels,           histogram_kernels,
	hadamard_kernels,   attention_kernels,      gemv_kernels,
	launches_kernels,   gemm_bf16_kernels,      tensor_loop_kernels,
	tensor_row_kernels, tensor_product_kernels, tensor_attention_kernels,
	ceiling_kernels,    ceiling_hopper_kernels,
};

enum { MOST_KERNELS = 128 };

static struct cuda_kernel kernels[MOST_KERNELS + 1];
static char sentence[512];
static cudaEvent_t before, after;

const char *cuda_refused(const char *what, cudaError_t code)
{
	snprintf(sentence, sizeof sentence,
		 "The GPU refused to %s: %s (%s); see `stoke doctor`, or use device=cpu.", what,
		 cudaGetErrorString(code), cudaGetErrorName(code));
	return sentence;
}

/* Versions are 1000 major + 10 minor; a driver's is 0 where there is none. */
static const char *no_driver(void)
{
	int runtime = 0, driver = 0;
	cudaRuntimeGetVersion(&runtime);
	cudaDriverGetVersion(&driver);
	if (driver == 0)
		return "There is no NVIDIA driver here (libcuda.so.1): install the driver of your "
		       "GPU, or use device=cpu.";
	if (driver / 1000 >= runtime / 1000)
		return NULL;
	snprintf(sentence, sizeof sentence,
		 "The NVIDIA driver is for CUDA %d.%d and libstoke-cuda.so needs %d.%d: update the "
		 "driver, or use device=cpu.",
		 driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
	return sentence;
}

/* GPU-8-4-4-4-12. */
static void print_uuid(char (&out)[CUDA_UUID_BYTES], const char (&bytes)[16])
{
	size_t n = (size_t)snprintf(out, sizeof out, "GPU");
	for (int i = 0; i < 16; i++) {
		bool has_dash = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
		n += (size_t)snprintf(out + n, sizeof out - n, "%s%02x", has_dash ? "-" : "",
				      (unsigned)(unsigned char)bytes[i]);
	}
}

static const char *describe(struct cuda_device *device)
{
	cudaDeviceProp properties;
	cudaError_t code = cudaGetDeviceProperties(&properties, 0);
	if (code != cudaSuccess)
		return cuda_refused("be described", code);
	snprintf(device->name, sizeof device->name, "%s", properties.name);
	device->major = properties.major;
	device->minor = properties.minor;
	device->n_multiprocessors = properties.multiProcessorCount;
	device->memory_bytes = properties.totalGlobalMem;
	device->l2_bytes = (size_t)properties.l2CacheSize;
	print_uuid(device->uuid, properties.uuid.bytes);
	if (device->major >= 8)
		return NULL;
	snprintf(sentence, sizeof sentence,
		 "%s has compute capability %d.%d and the kernels need 8.0 or later: use a newer "
		 "GPU, or device=cpu.",
		 device->name, device->major, device->minor);
	return sentence;
}

static const char *library_open(struct cuda_device *device)
{
	int n = 0;
	memset(device, 0, sizeof *device);
	const char *problem = no_driver();
	if (problem)
		return problem;
	cudaError_t code = cudaGetDeviceCount(&n);
	if (code == cudaErrorNoDevice || (code == cudaSuccess && n == 0))
		return "There is an NVIDIA driver but no GPU that CUDA may use: look at nvidia-smi "
		       "and CUDA_VISIBLE_DEVICES, or use device=cpu.";
	if (code != cudaSuccess)
		return cuda_refused("be found", code);
	problem = describe(device);
	if (!problem && (code = cudaSetDevice(0)) != cudaSuccess)
		problem = cuda_refused("be opened", code);
	if (!problem && !before && (code = cudaEventCreate(&before)) != cudaSuccess)
		problem = cuda_refused("make an event", code);
	if (!problem && !after && (code = cudaEventCreate(&after)) != cudaSuccess)
		problem = cuda_refused("make an event", code);
	return problem;
}

static const char *library_take(void **memory, size_t bytes)
{
	cudaError_t code = cudaMalloc(memory, bytes ? bytes : 1);
	if (code == cudaSuccess)
		return NULL;
	*memory = NULL;
	snprintf(sentence, sizeof sentence,
		 "The GPU has no memory for an array of %.1f MiB (%s); use a smaller size.",
		 (double)bytes / 1048576, cudaGetErrorName(code));
	return sentence;
}

static void library_give(void *memory)
{
	cudaFree(memory);
}

static const char *library_copy_in(void *device, const void *host, size_t bytes)
{
	cudaError_t code = cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice);
	return code == cudaSuccess ? NULL : cuda_refused("take a copy", code);
}

static const char *library_copy_out(void *host, const void *device, size_t bytes)
{
	cudaError_t code = cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost);
	return code == cudaSuccess ? NULL : cuda_refused("give a copy", code);
}

static const char *library_clear(void *memory, size_t bytes)
{
	cudaError_t code = cudaMemsetAsync(memory, 0, bytes);
	return code == cudaSuccess ? NULL : cuda_refused("clear memory", code);
}

static const char *library_start(const struct cuda_kernel *kernel, const void *task)
{
	const char *problem = kernel->launch(task);
	cudaError_t code = cudaGetLastError(); /* of the launches: a block that is too large */
	if (!problem && code != cudaSuccess)
		problem = cuda_refused("start a kernel", code);
	return problem;
}

static const char *library_wait(void)
{
	cudaError_t code = cudaDeviceSynchronize();
	return code == cudaSuccess ? NULL : cuda_refused("finish a kernel", code);
}

static const char *library_time(const struct cuda_kernel *kernel, const void *task, double *ns)
{
	float milliseconds = 0;
	cudaEventRecord(before);
	const char *problem = library_start(kernel, task);
	if (problem)
		return problem;
	cudaEventRecord(after);
	cudaError_t code = cudaEventSynchronize(after);
	if (code == cudaSuccess)
		code = cudaEventElapsedTime(&milliseconds, before, after);
	if (code != cudaSuccess)
		return cuda_refused("finish a kernel", code);
	*ns = milliseconds * 1e6;
	return NULL;
}

static const struct cuda_library library = {
	CUDA_LIBRARY_VERSION, library_open,     library_take,  library_give,
	library_copy_in,      library_copy_out, library_clear, library_start,
	library_wait,         library_time,     kernels,
};

extern "C" __attribute__((visibility("default"))) const struct cuda_library *
stoke_cuda_library(void)
{
	int n = 0;
	for (const struct cuda_kernel *family : families)
		for (; family->name && n < MOST_KERNELS; family++)
			kernels[n++] = *family;
	return &library;
}
