/*
 * session_gpu: what a program is started with so that its GPU work is recorded: the library that
 * CUDA and NVTX load into it, and the memory that library writes to.
 */
#ifndef TUI_SESSION_GPU_H
#define TUI_SESSION_GPU_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct recording;
struct sampling;

struct session_gpu {
	int fd; /* 0 = GPUs are left alone */
	char *library;
	char *environment[4]; /* for struct launch; ended by NULL */
};

/*
 * session_gpu_open: never fails for good: what is missing is a fact ("gpu.unavailable") or a note
 * of the recording, and the program runs without.
 */
void session_gpu_open(struct session_gpu *gpu, const struct sampling *sampling,
		      struct recording *recording);
void session_gpu_close(struct session_gpu *gpu);

/* session_gpu_attach: the same facts where nothing is started: programs that run already are asked
 * by the source itself (gpu/attach_gpu.h). */
void session_gpu_attach(const struct sampling *sampling, struct recording *recording);

/* session_gpu_library: path of libstoke-cupti.so of this build or installation; NULL and a
 * sentence. Freed with free(). */
char *session_gpu_library(struct why *why);

#endif
