/*
 * gpu_stalls: what kernels waited for, line by line, on its way into the recording: samples (series
 * "gpu-stalls") below the kernel and, where it is always launched from one place, below that place:
 *
 *   train;step;gemm;gemm.cu:57;stall: long_scoreboard
 *
 * CUPTI says which kernel a sample is of, not which launch: a kernel with several launch stacks
 * stands below what they have in common and the frame [launched in several places].
 */
#ifndef GPU_GPU_STALLS_H
#define GPU_GPU_STALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu/gpu_record.h"

struct gpu_stalls;
struct gpu_tables;
struct recording;

/* gpu_stalls_new: both are borrowed until gpu_stalls_free. */
struct gpu_stalls *gpu_stalls_new(struct recording *recording, struct gpu_tables *tables);
void gpu_stalls_free(struct gpu_stalls *stalls); /* NULL is fine */

/* gpu_stalls_add: a record of GPU_STALLS; false if it makes no sense. */
bool gpu_stalls_add(struct gpu_stalls *stalls, const struct shared_record *record);
/* The same of GPU_STALL_COUNT and GPU_STALL_PROBLEM. */
void gpu_stalls_count(struct gpu_stalls *stalls, const struct gpu_stall_count *count);
void gpu_stalls_refused(struct gpu_stalls *stalls, const struct gpu_problem *problem);

/*
 * gpu_stalls_add_kernel: one ran.
 * name    strings, as gpu_tables_name gives it
 * stack   that it was launched from, with the kernel itself as its last frame
 * thread  that launched it
 */
void gpu_stalls_add_kernel(struct gpu_stalls *stalls, uint32_t pid, uint32_t name, uint32_t stack,
			   uint32_t thread);

/* gpu_stalls_emit: append the samples whose kernel has been heard of; all of them if is_last, when
 * what was lost is noted too. is_asked: sampling was wanted. has_gpu: the program used a GPU. */
struct gpu_stalls_end {
	bool is_last, is_asked, has_gpu;
};
void gpu_stalls_emit(struct gpu_stalls *stalls, uint64_t now_ns, const struct gpu_stalls_end *end);

#endif
