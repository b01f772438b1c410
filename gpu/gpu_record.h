/*
 * gpu_record: what libstoke-cupti.so inside a program tells the profiler, as payloads of a
 * shared_ring (sampler/base/shared_ring.h) of GPU_RING_RECORDS. Long things (names, paths, stacks)
 * come in pieces, once; later records refer to them by id. Ids are of one process.
 */
#ifndef GPU_GPU_RECORD_H
#define GPU_GPU_RECORD_H

#include <stdint.h>

#include "sampler/base/shared_ring.h"

enum {
	/* 4 MiB; more than a second of 10,000 launches a second, of two records each. */
	GPU_RING_RECORDS = 1 << 15,
	GPU_TEXT_BYTES = 72,
	GPU_MOST_TEXT_BYTES = 8192, /* names of C++ templates */
	GPU_FRAMES = 9,
	GPU_MOST_FRAMES = 128,
	GPU_STALL_REASONS = 5,
	GPU_MODULE_SHIFT = 48, /* a frame: module << 48 | address in the module */
};

/* Numbers apart from enum shared_record_type: a mixed-up ring is noticed. */
enum gpu_record_type {
	GPU_NAME = 100,    /* gpu_text: a kernel's linkage name, or a function of the interface */
	GPU_MODULE,        /* gpu_text: path of a mapped file */
	GPU_FRAMES_OF,     /* gpu_frames */
	GPU_LAUNCH,        /* gpu_launch: sent as the call returns; its time is that of the call */
	GPU_KERNEL,        /* gpu_kernel */
	GPU_COPY,          /* gpu_copy */
	GPU_FILL,          /* gpu_copy */
	GPU_SYNC,          /* gpu_copy: start, end, correlation, context, stream; kind */
	GPU_OVERHEAD,      /* gpu_copy: start, end; kind */
	GPU_EXTERNAL,      /* gpu_external */
	GPU_DEVICE,        /* gpu_device */
	GPU_DROPPED,       /* gpu_count: records that CUPTI had no room for */
	GPU_PROBLEM,       /* gpu_problem */
	GPU_STARTED,       /* gpu_problem: its text is the library that was found */
	GPU_RANGE_IN,      /* gpu_range_in */
	GPU_RANGE,         /* gpu_range: of the record's thread */
	GPU_STALLS,        /* gpu_stall_line */
	GPU_STALL_COUNT,   /* gpu_stall_count */
	GPU_STALL_PROBLEM, /* gpu_problem: what kernels wait for is not sampled */
	GPU_ANEW, /* no payload: modules are numbered anew; may be another program (exec) */
};

/* What a call of CUDA's is for; only these are listened to. */
enum gpu_call_kind {
	GPU_CALL_LAUNCH, /* of a kernel or a graph */
	GPU_CALL_COPY,   /* copies and fills */
	GPU_CALL_SYNC,   /* waits */
	N_GPU_CALL_KINDS,
};

struct gpu_text {
	uint64_t id;
	uint16_t offset, total, reserved[2];
	char text[GPU_TEXT_BYTES];
};

/* Return addresses, innermost first. */
struct gpu_frames {
	uint64_t id;
	uint16_t first, total, reserved[2];
	uint64_t frames[GPU_FRAMES];
};

struct gpu_launch {
	uint64_t stack; /* gpu_frames.id; 0 = none could be taken */
	uint64_t function;
	uint64_t ranges; /* gpu_range_in.id: the innermost NVTX range at the call; 0 = none */
	uint64_t duration_ns;
	uint32_t correlation, kind; /* enum gpu_call_kind */
};

/* A name within another: what NVTX ranges are open in a thread is one number. */
struct gpu_range_in {
	uint64_t id, outer;    /* 0 = nothing around it */
	uint64_t name, domain; /* gpu_text.id; domain 0 = none */
};

/* An NVTX range that has ended. */
struct gpu_range {
	uint64_t start_ns, end_ns, name, domain;
	uint32_t is_of_process, reserved; /* started and ended by number, in any thread */
};

struct gpu_kernel {
	uint64_t start_ns, end_ns, name, graph_node;
	uint32_t correlation, device, context, stream, graph;
	uint32_t grid[3];
	uint16_t block[3], registers;
	uint32_t shared_static_bytes, shared_dynamic_bytes, local_bytes, shared_executed_bytes;
};

struct gpu_copy {
	uint64_t start_ns, end_ns, bytes, graph_node;
	uint32_t correlation, device, context, stream, graph, kind, to_device, reserved;
};

/* Samples of a kernel's source line, by what its warps waited for. */
struct gpu_stall_line {
	uint64_t function; /* gpu_text.id: as kernels name it */
	uint64_t file;     /* the same; 0 = the line is not known */
	uint32_t line, n;
	uint64_t reasons[GPU_STALL_REASONS]; /* gpu_text.id */
	uint32_t n_samples[GPU_STALL_REASONS];
};

/* What one reading had beside those. */
struct gpu_stall_count {
	uint64_t n_samples, n_dropped; /* n_samples: of all kernels, with those dropped */
	uint64_t n_foreign;            /* in kernels that are not the program's */
	uint32_t is_on, is_full;       /* sampling has begun; the device's buffer ran over */
	uint32_t period, reserved;     /* a sample every 2^period cycles; 0 = not known */
};

struct gpu_external {
	uint64_t id;
	uint32_t correlation, kind;
};

struct gpu_device {
	uint64_t name, memory_bytes, memory_bytes_per_s;
	uint32_t id, multiprocessors, warps, blocks, shared_bytes, registers, clock_khz;
	uint32_t major, minor, l2_bytes;
	uint8_t uuid[16]; /* zeros: not said */
};

struct gpu_count {
	uint64_t n;
};

/* Codes beyond those of CUPTI, for what it cannot say itself. */
enum gpu_problem_code {
	GPU_NO_CUPTI = 100001,
	GPU_FORKED,      /* a process forked off after CUDA began uses it */
	GPU_NO_FUNCTION, /* the library is too old, or gives nothing */
};

/* A call that failed. */
struct gpu_problem {
	uint32_t code, is_fatal;
	char text[GPU_TEXT_BYTES]; /* name of the function, or of what is in the way */
};

_Static_assert(sizeof(struct gpu_text) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");
_Static_assert(sizeof(struct gpu_frames) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");
_Static_assert(sizeof(struct gpu_kernel) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");
_Static_assert(sizeof(struct gpu_copy) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");
_Static_assert(sizeof(struct gpu_device) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");
_Static_assert(sizeof(struct gpu_launch) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");
_Static_assert(sizeof(struct gpu_range) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");
_Static_assert(sizeof(struct gpu_stall_line) <= SHARED_RING_PAYLOAD_BYTES,
	       "a payload is too large");
_Static_assert(sizeof(struct gpu_problem) <= SHARED_RING_PAYLOAD_BYTES, "a payload is too large");

#endif
