/*
 * gpu_work: how much work kernels did, where the program told it exactly: a phase with its FLOPs
 * and bytes (probe.h), in which one kernel ran, once or often, and nothing else of kernels. What is
 * of several kernels is nobody's, and stays unknown.
 */
#ifndef TUI_GPU_WORK_H
#define TUI_GPU_WORK_H

struct gpu_summary;
struct recording;

/*
 * gpu_work_read: exact_* of the summary's rows, from the phases inside its window.
 * Cost  nothing without such phases; else a sort of the device's spans and the phases
 */
void gpu_work_read(struct gpu_summary *summary, const struct recording *recording);

#endif
