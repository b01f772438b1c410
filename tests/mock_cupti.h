/*
 * mock_cupti: how a test drives the stand-in for CUPTI: what a CUDA program would do.
 * MOCK_SCRIPT (mock_script.h) makes calls fail, and bends what is delivered:
 *   reverse=1    records of a buffer last first
 *   late=1       records only at the forced flush at the end
 *   duplicate=1  each record twice
 *   lose=N       every Nth record is left out and counted as dropped
 *   broken=1     records whose end is before their start
 *   room=N       a reading of PC samples gives N of them
 */
#ifndef TESTS_MOCK_CUPTI_H
#define TESTS_MOCK_CUPTI_H

#include <stdint.h>

/* One launch on a stream: the call-backs (runtime, and the driver's within it) and a kernel. */
void mock_cupti_launch(const char *kernel, uint32_t stream, uint64_t duration_ns);
/* A graph with n kernels under one launch. */
void mock_cupti_graph(const char *kernel, uint32_t n);
/* A copy (as of CUpti_ActivityMemcpyKind) and a wait for it. */
void mock_cupti_copy(uint32_t kind, uint64_t bytes);
/* A kernel that nobody launched. */
void mock_cupti_stray(const char *kernel);
/* A fill and a copy to another device under one launch each, the number 42 that the program gave
 * the fill, and 5 us of overhead. */
void mock_cupti_others(void);
/* A context with a module that has line information, or its end. */
void mock_cupti_context(void);
void mock_cupti_context_end(void);
/* Samples of an instruction (of line 100 + offset / 16 of kernel.cu) for a reason (0:
 * long_scoreboard, 1: the same, not issued, 2: selected), to be read. */
void mock_cupti_sample(const char *kernel, uint64_t offset, uint32_t reason, uint32_t n);
/* What CUPTI's own thread does every flush period. */
void mock_cupti_deliver(void);

#endif
