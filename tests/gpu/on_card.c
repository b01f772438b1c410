/*
 * What on_card.sh measures of the CUDA kernels themselves, beside NVIDIA's own where there is such:
 * one mode a question, one line a figure. Uses libstoke-cuda.so as workloads do, and cuBLAS by
 * dlopen. Times are between two events of the device, medians of the repeats.
 *
 * Usage: on_card LIBRARY device | ladder | bf16 | norm | copy SECONDS | calibrate | pace STEPS N
 * STOKE_ON_CARD_SMALL=1: sizes for the emulated library, whose times say nothing.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/cuda/library.h"
#include "kernels/cuda/tasks.h"
#include "kernels/support/gemm_task.h"
#include "kernels/support/rows_task.h"

enum { WARM_UP = 2, REPEATS = 11 };

static const struct cuda_library *library;
static struct cuda_device device;
static bool is_small;

static _Noreturn void stop(int status, const char *text)
{
	printf("%s\n", text);
	exit(status);
}

static void check(const char *problem)
{
	if (problem)
		stop(1, problem);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void open_library(const char *path)
{
	stoke_cuda_library_function *function;
	void *handle = dlopen(path, RTLD_NOW);
	void *address = handle ? dlsym(handle, "stoke_cuda_library") : NULL;
	if (!address)
		stop(3, handle ? "it has no stoke_cuda_library" : dlerror());
	memcpy(&function, &address, sizeof function);
	library = function();
	const char *problem = library->open(&device);
	if (problem)
		stop(3, problem);
}

static const struct cuda_kernel *find(const char *family, const char *name)
{
	for (const struct cuda_kernel *at = library->kernels; at->name; at++)
		if (strcmp(at->family, family) == 0 && (!name || strcmp(at->name, name) == 0))
			return at;
	stop(1, "no such kernel");
}

static const struct cuda_kernel *next(const struct cuda_kernel *kernel)
{
	return kernel[1].name && strcmp(kernel[1].family, kernel->family) == 0 ? kernel + 1 : NULL;
}

static void *take(size_t bytes)
{
	void *memory = NULL;
	check(library->take(&memory, bytes));
	check(library->clear(memory, bytes));
	return memory;
}

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

static double median_ns(const struct cuda_kernel *kernel, const void *task)
{
	double ns[REPEATS];
	for (int i = 0; i < WARM_UP; i++)
		check(library->time(kernel, task, &ns[0]));
	for (int i = 0; i < REPEATS; i++)
		check(library->time(kernel, task, &ns[i]));
	qsort(ns, REPEATS, sizeof ns[0], compare);
	return ns[REPEATS / 2];
}

/* ---- cuBLAS: column-major, so C = A B of rows is its C' = B' A' */

typedef int cublas_create(void **handle);
typedef int cublas_sgemm(void *, int, int, int, int, int, const float *, const float *, int,
			 const float *, int, const float *, float *, int);
typedef int cublas_gemm_ex(void *, int, int, int, int, int, const void *, const void *, int, int,
			   const void *, int, int, const void *, void *, int, int, int, int);

enum { CUDA_R_32F = 0, CUDA_R_16BF = 14, CUBLAS_COMPUTE_32F = 68, CUBLAS_DEFAULT = -1 };

static struct {
	void *handle;
	cublas_sgemm *sgemm;
	cublas_gemm_ex *gemm_ex;
} cublas;

static bool open_cublas(void)
{
	static const char *const names[] = { "libcublas.so.13", "libcublas.so.12",
					     "/usr/local/cuda/lib64/libcublas.so" };
	cublas_create *create = NULL;
	void *handle = NULL, *at;
	for (size_t i = 0; i < sizeof names / sizeof names[0] && !handle; i++)
		handle = dlopen(names[i], RTLD_NOW);
	if (!handle || !(at = dlsym(handle, "cublasCreate_v2")))
		return false;
	memcpy(&create, &at, sizeof at);
	if (!(at = dlsym(handle, "cublasSgemm_v2")))
		return false;
	memcpy(&cublas.sgemm, &at, sizeof at);
	if (!(at = dlsym(handle, "cublasGemmEx")))
		return false;
	memcpy(&cublas.gemm_ex, &at, sizeof at);
	return create(&cublas.handle) == 0;
}

static const char *launch_sgemm(const void *opaque)
{
	const struct gemm_task *task = opaque;
	const float one = 1, zero = 0;
	int n = (int)task->n, m = (int)task->m, k = (int)task->k;
	int code = cublas.sgemm(cublas.handle, 0, 0, n, m, k, &one, task->b, n, task->a, k, &zero,
				task->c, n);
	return code ? "cublasSgemm failed" : NULL;
}

static const char *launch_bf16(const void *opaque)
{
	const struct gemm_task *task = opaque;
	const float one = 1, zero = 0;
	int n = (int)task->n, m = (int)task->m, k = (int)task->k;
	int code = cublas.gemm_ex(cublas.handle, 0, 0, n, m, k, &one, task->b, CUDA_R_16BF, n,
				  task->a, CUDA_R_16BF, k, &zero, task->c, CUDA_R_32F, n,
				  CUBLAS_COMPUTE_32F, CUBLAS_DEFAULT);
	return code ? "cublasGemmEx failed" : NULL;
}

/* ---- products */

/* Numbers, not zeros: power, and with it the clock, depends on what is multiplied. */
static void fill(void *memory, size_t bytes, unsigned keep)
{
	uint32_t *host = malloc(bytes), state = 1;
	for (size_t i = 0; i < bytes / 4; i++) {
		state = state * 1664525u + 1013904223u;
		/* f32 in 0.5 ... 2, or two bf16 of the same range */
		uint32_t high = 0x3f00u + (state >> 24);
		uint32_t low = keep ? state >> 8 & 0xffff : 0x3f00u + (state >> 16 & 0xff);
		host[i] = high << 16 | low;
	}
	check(library->copy_in(memory, host, bytes));
	free(host);
}

static void products(const char *family, size_t n, size_t element_bytes,
		     const char *(*launch)(const void *))
{
	struct gemm_task task = gemm_task_plain(n, n, n, take(n * n * element_bytes),
						take(n * n * element_bytes), take(n * n * 4));
	double flops = 2.0 * (double)n * (double)n * (double)n;
	fill((void *)(uintptr_t)task.a, n * n * element_bytes, element_bytes == 4);
	fill((void *)(uintptr_t)task.b, n * n * element_bytes, element_bytes == 4);
	for (const struct cuda_kernel *at = find(family, NULL); at; at = next(at))
		printf("%s %s %zu %.1f GFLOP/s\n", family, at->name, n,
		       flops / median_ns(at, &task));
	if (open_cublas()) {
		const struct cuda_kernel theirs = { "cublas", "cublas", "", launch };
		printf("%s cublas %zu %.1f GFLOP/s\n", family, n,
		       flops / median_ns(&theirs, &task));
	} else {
		printf("%s cublas - there is no cuBLAS, or it does not start\n", family);
	}
}

/* ---- memory */

static struct cuda_ceiling_task copy_task(size_t bytes)
{
	return (struct cuda_ceiling_task){
		.a = take(bytes),
		.b = take(bytes),
		.n = bytes / sizeof(double),
		.n_blocks = (unsigned)device.n_multiprocessors * 8,
		.n_steps = 1,
		.major = device.major,
	};
}

static size_t copied_bytes(void)
{
	return is_small ? 1 << 16 : (size_t)1 << 30;
}

/* The same bytes in and out as the copy. */
static void norm(void)
{
	size_t bytes = copied_bytes(), n = 4096;
	struct cuda_ceiling_task copy = copy_task(bytes);
	double copied = 2 * (double)bytes / median_ns(find("ceiling", "copy"), &copy);
	printf("copy %.1f GB/s\n", copied);
	library->give(copy.a);
	library->give((void *)(uintptr_t)copy.b);
	struct rows_task rows = { .rows = bytes / 4 / n,
				  .n = n,
				  .x = take(bytes),
				  .y = take(bytes),
				  .weight = take(n * 4),
				  .bias = take(n * 4),
				  .epsilon = 1e-5f,
				  .scratch = take(bytes) };
	fill((void *)(uintptr_t)rows.x, bytes, 1);
	for (const struct cuda_kernel *at = find("rmsnorm", NULL); at; at = next(at)) {
		double rate = 2 * (double)bytes / median_ns(at, &rows);
		printf("rmsnorm %s %.1f GB/s %.1f %%\n", at->name, rate, 100 * rate / copied);
	}
}

/* Ten to a wait: the device never idles, and the clock is looked at often. */
static void copy(double seconds)
{
	enum { TO_A_WAIT = 10 };
	size_t bytes = copied_bytes();
	struct cuda_ceiling_task task = copy_task(bytes);
	const struct cuda_kernel *kernel = find("ceiling", "copy");
	uint64_t n = 0;
	check(library->start(kernel, &task));
	check(library->wait());
	double start = now_s(), passed;
	do {
		for (int i = 0; i < TO_A_WAIT; i++)
			check(library->start(kernel, &task));
		check(library->wait());
		n += TO_A_WAIT;
		passed = now_s() - start;
	} while (passed < seconds);
	printf("copied %.3f s %.2f GB/s\n", passed, 2e-9 * (double)bytes * (double)n / passed);
}

/* ---- launches */

static double run_pace(unsigned n_steps, unsigned n)
{
	struct cuda_ceiling_task task = { .n_blocks = (unsigned)device.n_multiprocessors,
					  .n_steps = n_steps,
					  .major = device.major };
	const struct cuda_kernel *kernel = find("ceiling", "fma");
	task.out = take((size_t)task.n_blocks * CUDA_CEILING_THREADS * 4);
	check(library->start(kernel, &task));
	check(library->wait());
	double start = now_s();
	for (unsigned i = 0; i < n; i++) {
		check(library->start(kernel, &task));
		check(library->wait());
	}
	double seconds = now_s() - start;
	library->give(task.out);
	return seconds;
}

/* So many steps that launching and waiting take 100 us: 10,000 launches a second. */
static unsigned calibrate(void)
{
	enum { LAUNCHES = 500, LEAST = 8 };
	unsigned low = LEAST, high = LEAST;
	while (run_pace(high, LAUNCHES) < LAUNCHES * 100e-6 && high < 1u << 20)
		high *= 2;
	while (high - low > low / 50 + 1) {
		unsigned middle = low + (high - low) / 2;
		if (run_pace(middle, LAUNCHES) < LAUNCHES * 100e-6)
			low = middle;
		else
			high = middle;
	}
	return high;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		stop(2, "Usage: on_card LIBRARY MODE [ARGUMENT...]");
	const char *mode = argv[2];
	is_small = getenv("STOKE_ON_CARD_SMALL") != NULL;
	open_library(argv[1]);
	if (strcmp(mode, "device") == 0)
		printf("%s, compute capability %d.%d, %d multiprocessors\n", device.name,
		       device.major, device.minor, device.n_multiprocessors);
	else if (strcmp(mode, "ladder") == 0)
		products("gemm", is_small ? 64 : 4096, 4, launch_sgemm);
	else if (strcmp(mode, "bf16") == 0)
		products("gemm_bf16", is_small ? 64 : 8192, 2, launch_bf16);
	else if (strcmp(mode, "norm") == 0)
		norm();
	else if (strcmp(mode, "copy") == 0 && argc > 3)
		copy(strtod(argv[3], NULL));
	else if (strcmp(mode, "calibrate") == 0)
		printf("%u\n", is_small ? 8 : calibrate());
	else if (strcmp(mode, "pace") == 0 && argc > 4)
		printf("%.6f\n", run_pace((unsigned)strtoul(argv[3], NULL, 10),
					  (unsigned)strtoul(argv[4], NULL, 10)));
	else
		stop(2, "no such mode");
	return 0;
}
