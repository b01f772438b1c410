/*
 * cuda_process: whether a process that runs uses CUDA, and whether libstoke-cupti.so was loaded
 * into it: from its maps and the environment it was started with.
 */
#ifndef GPU_CUDA_PROCESS_H
#define GPU_CUDA_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

enum cuda_use {
	CUDA_NOT_USED,    /* no driver is mapped (yet) */
	CUDA_NOT_BEGUN,   /* mapped, and the library will be loaded with the first call */
	CUDA_BARE,        /* used, and the library was not asked for */
	CUDA_OTHER_TOOL,  /* the variable names another library */
	CUDA_STARTED_BY,  /* a stoke that started it is told already */
	CUDA_LISTENING,   /* the library is there, and nobody's */
	CUDA_NOT_IN_SIGHT /* we may not look, or it has ended */
};

/* cuda_process_look: from /proc below `root` ("" = this machine). Cost: one reading of its maps;
 * 0.1 to 2 ms. */
enum cuda_use cuda_process_look(const char *root, uint32_t pid);

/* cuda_process_is_ours: a value of CUDA_INJECTION64_PATH names libstoke-cupti.so, of any build. */
bool cuda_process_is_ours(const char *path);

#endif
