/*
 * attach_message: how a profiler asks libstoke-cupti.so in a program that runs already to tell it
 * of GPU work. The library listens on an abstract unix socket (SOCK_SEQPACKET). The profiler sends
 * one request with the descriptor of a ring (gpu_record.h, sampler/probe_memory.h) and gets one
 * answer; what cannot be said in it comes through the ring. The connection stands for the
 * attachment: it lasts until either side ends it. A profiler that wants the last records shuts its
 * writing side down and reads the ring once the library has closed its own.
 */
#ifndef GPU_ATTACH_MESSAGE_H
#define GPU_ATTACH_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	GPU_ATTACH_MAGIC = 0x4b545453, /* "STTK" */
	GPU_ATTACH_VERSION = 1,        /* of this and of gpu_record.h */
	GPU_ATTACH_STALLS = 1,         /* flag: sample what kernels wait for */
};

#define GPU_ATTACH_NAME "stoke-gpu-"

struct gpu_attach_request {
	uint32_t magic, version, flags;
	uint32_t n_records; /* of the ring */
	uint32_t pid;       /* the program's number as the profiler sees it, for its records */
	uint32_t reserved[3];
};

enum gpu_attach_code {
	GPU_ATTACH_DONE,       /* records follow */
	GPU_ATTACH_TAKEN,      /* another profiler is attached; its pid, 0 = not in sight */
	GPU_ATTACH_OTHER_USER, /* neither the program's user nor root */
	GPU_ATTACH_NO_SENSE,   /* not a request, or of another version */
	GPU_ATTACH_BAD_MEMORY, /* not a sealed ring of the size demanded */
};

struct gpu_attach_answer {
	uint32_t magic, version, code, pid;
};

/* gpu_attach_address: where a process listens; returns the address's length.
 * pid_namespace  inode of /proc/PID/ns/pid: numbers of processes are of a namespace */
static inline socklen_t gpu_attach_address(struct sockaddr_un *out, uint64_t pid_namespace,
					   uint32_t pid)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int n = snprintf(out->sun_path + 1, sizeof out->sun_path - 1, GPU_ATTACH_NAME "%llu-%u",
			 (unsigned long long)pid_namespace, pid);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

#endif
