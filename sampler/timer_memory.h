/*
 * timer_memory: what libstoke-timer.so inside a program tells the profiler: the only contract
 * between them. A page of what the profiler wants, a ring of records, and beside each record a
 * block of bytes for what is long: registers and a copy of the stack, or text.
 *
 * The program may write anything into all of it: the profiler goes by the shape that it made
 * itself, and looks at copies. Compiled into the library too.
 */
#ifndef SAMPLER_TIMER_MEMORY_H
#define SAMPLER_TIMER_MEMORY_H

#include <stddef.h>

#include "sampler/base/shared_ring.h"
#include "sampler/base/why.h"
#include "sampler/unwind.h"

enum {
	TIMER_MAGIC = 0x54494d52, /* "TIMR" */
	TIMER_VERSION = 1,
	TIMER_NAME_BYTES = 16,      /* as prctl(PR_GET_NAME) has them */
	TIMER_CONTROL_BYTES = 4096, /* a page: the ring behind it begins on one */
	TIMER_MOST_PID = 4194304,   /* PID_MAX_LIMIT of 64-bit kernels */
	TIMER_REGISTER_BYTES = UNWIND_N_REGISTERS * 8,
};

/* Of the memory; fixed when it is made. */
struct timer_shape {
	uint32_t n_records;   /* a power of two */
	uint32_t block_bytes; /* whole pages */
	uint32_t stack_bytes; /* of stack that a sample holds at most; a multiple of 8 */
};

enum timer_state { TIMER_OFF, TIMER_ON, TIMER_OVER /* nobody reads any more */ };

/* What the profiler asks for; at the memory's start. */
struct timer_control {
	uint32_t magic, version;
	struct timer_shape shape;
	uint32_t only_pid;        /* sample this process's first thread only; 0 = all of all */
	uint64_t interval_ns;     /* of CPU time between samples */
	_Atomic uint32_t state;   /* enum timer_state */
	_Atomic uint64_t lost_ns; /* CPU time of samples that found the ring full */
};

enum timer_record_type {
	TIMER_STARTED = 1, /* struct timer_process: the library is in a new program */
	TIMER_FORKED,      /* struct timer_process: a child with its parent's mappings */
	TIMER_MAPS,        /* struct timer_maps; block: lines of /proc/self/maps that are code */
	TIMER_SAMPLE,      /* struct timer_sample; block: registers, then stack */
	TIMER_REST,        /* struct timer_sample: a thread ends; CPU time since its last sample */
	TIMER_PROBLEM,     /* struct timer_problem */
};

struct timer_process {
	uint32_t parent_pid;
	char name[TIMER_NAME_BYTES];
};

struct timer_maps {
	uint32_t bytes;
};

struct timer_sample {
	uint64_t cpu_ns; /* of this thread since its last sample: the sample's weight */
	uint32_t stack_bytes;
	char name[TIMER_NAME_BYTES]; /* of the thread */
};

enum timer_problem_code {
	TIMER_REFUSED = 1, /* no timer for a thread; error is an errno */
	TIMER_TAKEN,       /* another handler of SIGPROF stands where ours did */
	TIMER_SHARED,      /* the program handles SIGPROF too, and gets its own */
	TIMER_MISSED,      /* at its end: error is CPU time that is in no sample, in ms */
};

struct timer_problem {
	uint32_t code, error;
};

static inline size_t timer_memory_bytes(const struct timer_shape *shape)
{
	size_t ring_bytes = shared_ring_bytes(shape->n_records);
	size_t page = TIMER_CONTROL_BYTES;
	return TIMER_CONTROL_BYTES + (ring_bytes + page - 1) / page * page +
	       (size_t)shape->n_records * shape->block_bytes;
}

static inline struct shared_ring *timer_memory_ring(void *memory)
{
	return (struct shared_ring *)((char *)memory + TIMER_CONTROL_BYTES);
}

/* The block that goes with the record at a place of the ring. */
static inline void *timer_memory_block(void *memory, const struct timer_shape *shape,
				       uint64_t place)
{
	size_t blocks = (size_t)shape->n_records * shape->block_bytes;
	return (char *)memory + timer_memory_bytes(shape) - blocks +
	       (place & (shape->n_records - 1)) * shape->block_bytes;
}

/*
 * timer_memory_create: a descriptor of memory for samples of up to stack_bytes of stack each, as
 * many as come in a quarter of a second at interval_ns from every CPU it may use; -1 and a
 * sentence. Its size cannot be changed any more.
 */
int timer_memory_create(uint32_t stack_bytes, uint64_t interval_ns, struct why *why);

/* timer_memory_map: NULL and a sentence; *shape [out] is taken from what stands in it, once and
 * before the program has it. */
struct timer_control *timer_memory_map(int fd, struct timer_shape *shape, struct why *why);
void timer_memory_unmap(struct timer_control *memory, const struct timer_shape *shape);

#endif
