/*
 * attach_gpu: GPU work of programs that ran before the profiler. Those into which CUDA has loaded
 * libstoke-cupti.so (CUDA_INJECTION64_PATH in their environment) wait for somebody to tell it to
 * (inject_listen.h); of the others that use CUDA a note says, once, why nothing comes of them and
 * what to do. Programs that begin with CUDA later, and children that are started later, are found
 * within seconds. It is told of whole processes: threads are not chosen between.
 *
 * Programs of one user write to one ring; those of two must not read each other's.
 * Thread  the collector's. Nothing waits but gpu_attach_let_go.
 */
#ifndef GPU_ATTACH_GPU_H
#define GPU_ATTACH_GPU_H

#include <stdbool.h>
#include <stdint.h>

struct gpu_attach;
struct recording;
struct shared_ring;
struct target;

/* gpu_attach_is_for: the target has such programs. */
bool gpu_attach_is_for(const struct target *target);

/* gpu_attach_new: both are borrowed until gpu_attach_free. Nobody is asked yet. */
struct gpu_attach *gpu_attach_new(const struct target *target, struct recording *recording);

/*
 * gpu_attach_look: ask whom there is to ask, take answers, see who has gone.
 * Cost  a system call a process; every 5 s a reading of the maps of those that did not use CUDA,
 *       the first time, for the whole machine, of every process for 0.3 s at most
 */
void gpu_attach_look(struct gpu_attach *attach, uint64_t now_ns);

/* gpu_attach_ring: what programs write to; NULL beyond the last. They stay until gpu_attach_free,
 * each in its place. */
struct shared_ring *gpu_attach_ring(const struct gpu_attach *attach, uint32_t at);

/* gpu_attach_let_go: all write what they still have and stop; a second at most. */
void gpu_attach_let_go(struct gpu_attach *attach);

void gpu_attach_free(struct gpu_attach *attach); /* NULL is fine */

#endif
