/*
 * cuda_run: one kernel of libstoke-cuda.so, its arrays on the device and its times: what a workload
 * needs for device=cuda. The library is opened when the first is made: beside stoke, in
 * ../lib/stoke, or where STOKE_CUDA_LIBRARY says.
 *
 * A failure stays: what is asked of a failed run does nothing, and cuda_run_is_good and
 * cuda_run_fetch tell its sentence. A run of NULL (device=cpu) is good and has nothing to fetch.
 * Thread  one at a time
 */
#ifndef WORKLOADS_SUPPORT_CUDA_RUN_H
#define WORKLOADS_SUPPORT_CUDA_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/cuda/library.h"
#include "sampler/base/why.h"
#include "workloads/support/passes.h"

/* The setting of every workload that has such kernels. */
#define CUDA_RUN_PARAMETER                                                                         \
	{                                                                                          \
		"device", "where the kernel runs; cuda: an NVIDIA GPU", PARAMETER_CHOICE, "cpu",   \
			0, 0, "cpu|cuda"                                                           \
	}

struct cuda_run;

/* cuda_run_new: family and variant as in kernels/cuda; "auto" = the last of the family. NULL and a
 * sentence without library, driver, device or such a kernel. */
struct cuda_run *cuda_run_new(const char *family, const char *variant, struct why *why);
void cuda_run_free(struct cuda_run *run); /* and its arrays */

/* cuda_run_array: memory on the device, a copy of the host's (NULL: as it comes).
 * cuda_run_result: the same, and cuda_run_fetch brings it back. NULL after a failure. */
void *cuda_run_array(struct cuda_run *run, const void *host, size_t bytes);
void *cuda_run_result(struct cuda_run *run, void *host, size_t bytes);

bool cuda_run_is_good(const struct cuda_run *run, struct why *why);
bool cuda_run_fetch(struct cuda_run *run, struct why *why);

/* cuda_run_launch: the kernel once, until it has finished. Tells its time on the device as quality
 * "kernel us". False after a failure. */
bool cuda_run_launch(struct cuda_run *run, const void *task);

/* cuda_run_time: the kernel once, and how long it took on the device. False after a failure. */
bool cuda_run_time(struct cuda_run *run, const void *task, double *ns);

/* cuda_run_copy_out: a part of an array to the host. False after a failure. */
bool cuda_run_copy_out(struct cuda_run *run, void *host, const void *from, size_t bytes);

/* cuda_run_pass: that, as a pass. False when it was the last, or failed. */
bool cuda_run_pass(struct cuda_run *run, const void *task, struct passes *passes);

/* cuda_run_variant: the name of the kernel, of "auto" too. */
const char *cuda_run_variant(const struct cuda_run *run);

/* cuda_run_device: opens the device; NULL and a sentence if there is none. */
const struct cuda_device *cuda_run_device(struct why *why);

/* cuda_run_library: opens the device too; for what is more than a kernel and its arrays
 * (tensor_device.c). cuda_run_kernel: of that library; NULL if there is none. */
const struct cuda_library *cuda_run_library(struct why *why);
const struct cuda_kernel *cuda_run_kernel(const char *family, const char *variant);

/* cuda_run_is_missing: has a run failed for want of library, driver or device? */
bool cuda_run_is_missing(void);

#endif
