/*
 * gpu_activity: kernels, copies, fills and waits on their way into the recording. They are held
 * back until the launch they belong to, and those that began before them, have had time to come;
 * then each becomes a span in its stream's lane and, where the device worked, a sample of GPU time
 * below the stack that launched it.
 */
#ifndef GPU_GPU_ACTIVITY_H
#define GPU_GPU_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "gpu/gpu_record.h"

struct gpu_activities;
struct gpu_idle;
struct gpu_phases;
struct gpu_stalls;
struct gpu_tables;
struct recording;

struct gpu_counts {
	uint64_t n_spans, n_matched, n_unmatched, n_duplicates, n_malformed;
};

/* gpu_activities_new: all are borrowed until gpu_activities_free. idle hears of the device's work,
 * stalls of its kernels. */
struct gpu_activities *gpu_activities_new(struct recording *recording, struct gpu_tables *tables,
					  struct gpu_idle *idle, const struct gpu_phases *phases,
					  struct gpu_stalls *stalls);
void gpu_activities_free(struct gpu_activities *activities); /* NULL is fine */

/* One record of GPU_KERNEL, GPU_COPY, GPU_FILL, GPU_SYNC or GPU_OVERHEAD. */
void gpu_activities_add(struct gpu_activities *activities, const struct shared_record *record);

/* gpu_activities_emit: append what has been held for long enough; everything if is_last. */
void gpu_activities_emit(struct gpu_activities *activities, uint64_t now_ns, bool is_last);

struct gpu_counts gpu_activities_counts(const struct gpu_activities *activities);

#endif
