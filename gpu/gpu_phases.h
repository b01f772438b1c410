/*
 * gpu_phases: the phases (probe.h) that a thread was in at some time of the last second or so, as
 * frames below a stack.
 */
#ifndef GPU_GPU_PHASES_H
#define GPU_GPU_PHASES_H

#include <stdint.h>

struct gpu_phases;
struct phase_event;
struct recording;

/* gpu_phases_new: borrowed until gpu_phases_free. */
struct gpu_phases *gpu_phases_new(struct recording *recording);
void gpu_phases_free(struct gpu_phases *phases); /* NULL is fine */

/* gpu_phases_add: beginnings and ends as they are told; an end without a beginning is left out. */
void gpu_phases_add(struct gpu_phases *phases, const struct phase_event *event);

/*
 * gpu_phases_stack: `stack` with the phases of the thread at that time, outermost first.
 * Cost  a look at each of the latest thousand phases; nothing where there are none
 */
uint32_t gpu_phases_stack(const struct gpu_phases *phases, uint32_t stack, uint32_t pid,
			  uint32_t tid, uint64_t time_ns);

#endif
