/*
 * inject_stalls: what kernels wait for, line by line: CUPTI's PC sampling in the program, where
 * the profiler asks for it. Continuous mode: kernels run side by side as they would without.
 * What is sampled is read when the program itself comes by in a call of CUDA's; no thread is
 * started in it, and nobody waits for anybody.
 */
#ifndef GPU_INJECT_STALLS_H
#define GPU_INJECT_STALLS_H

#include <stdbool.h>
#include <stdint.h>

struct inject_ring;

/* inject_stalls_find: sampling is wanted; false if the library cannot (which is told). Again for
 * each profiler, after inject_stalls_end; the others are to be called between the two only. */
bool inject_stalls_find(struct inject_ring *ring, void *library);

/* inject_stalls_refuse: tells that a call failed; nothing is sampled. */
void inject_stalls_refuse(int code, const char *function);

/* inject_stalls_resource: a call-back of CUPTI's of that domain. */
void inject_stalls_resource(uint32_t id, const void *data);

/* inject_stalls_meet: a context that the program uses; sampled from here on if it was made before
 * anybody listened. Modules that were loaded before have no lines. */
void inject_stalls_meet(void *context);

/* inject_stalls_pass: the program is here; every 100 ms that means something. Any thread. */
void inject_stalls_pass(void);

/* inject_stalls_end: the last samples, at the program's end or the profiler's. */
void inject_stalls_end(void);

#endif
