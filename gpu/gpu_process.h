/*
 * gpu_process: who a process on a GPU is. The driver numbers processes as the host does; where we
 * are in a container these numbers say nothing of the processes we see, and where one of them is
 * in a container it has another number there.
 */
#ifndef GPU_GPU_PROCESS_H
#define GPU_GPU_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GPU_PROCESS_NAME_BYTES = 64 };

struct gpu_process {
	uint32_t pid;       /* as asked for */
	uint32_t parent;    /* 0 = not known */
	uint32_t inner_pid; /* its own number in its container; = pid outside of one */
	char name[GPU_PROCESS_NAME_BYTES]; /* cleaned; "" = no such process in sight */
};

/* gpu_process_read: from /proc below `root` ("" = this machine). False: there is none. */
bool gpu_process_read(const char *root, uint32_t pid, struct gpu_process *out);

/* gpu_process_sees_host: our numbers are the host's. */
bool gpu_process_sees_host(const char *root);

/* gpu_process_has_device: one of its open files is a GPU's. False too where we may not look. */
bool gpu_process_has_device(const char *root, uint32_t pid);

/* gpu_process_print: "4711 train", or "4711 (12 in its container) train"; written to out. */
char *gpu_process_print(const struct gpu_process *process, char *out, size_t bytes);

#endif
