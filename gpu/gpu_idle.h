/*
 * gpu_idle: why a device had nothing to do. A gap between pieces of its work is ended by a piece
 * that some thread handed over; what that thread did meanwhile is what the device waited for:
 *
 *   launch        it was launching, or had launched the next piece, which had not begun
 *   sync          it was in a call that waits
 *   copy          the same as for launches, of copies and fills
 *   host compute  it was in no such call
 *
 * Each part is a sample of the series "gpu-idle" in nanoseconds, below "[GPU idle: sync]" and so on
 * the stack: of the call, or as the CPU was sampled in that time, or, where it was not, the
 * innermost function that the calls before and after have in common. All of a device's idle time
 * between the program's first call and the device's last work is there, once.
 */
#ifndef GPU_GPU_IDLE_H
#define GPU_GPU_IDLE_H

#include <stdint.h>

#include "gpu/gpu_tables.h"

struct gpu_idle;
struct recording;
struct sample_row;

/* gpu_idle_new: both are borrowed until gpu_idle_free. */
struct gpu_idle *gpu_idle_new(struct recording *recording, const struct gpu_tables *tables);
void gpu_idle_free(struct gpu_idle *idle); /* NULL is fine */

/* gpu_idle_add_call: calls of one thread in the order they were made. */
void gpu_idle_add_call(struct gpu_idle *idle, const struct gpu_call *call);

/* gpu_idle_add_sample: the CPU's, of one series: the first that times are sampled in. */
void gpu_idle_add_sample(struct gpu_idle *idle, const struct sample_row *row);

/*
 * gpu_idle_add_work: the device works from start_ns to end_ns; work comes by its start.
 * call  that handed it over; NULL = not known
 */
void gpu_idle_add_work(struct gpu_idle *idle, uint32_t device, const struct gpu_call *call,
		       uint64_t start_ns, uint64_t end_ns);

/* gpu_idle_n_late: pieces of work that began in time already counted as idle. */
uint64_t gpu_idle_n_late(const struct gpu_idle *idle);

#endif
