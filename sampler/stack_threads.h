/*
 * stack_threads: which thread is which row of the recording, by tid. Collector's thread only.
 */
#ifndef SAMPLER_STACK_THREADS_H
#define SAMPLER_STACK_THREADS_H

#include <stdbool.h>
#include <stdint.h>

struct recording;

enum {
	/* Most stacks share their outer half with the thread's sample before. */
	STACK_THREAD_FRAMES = 128,
};

/* The kernel's number for one that has just ended. */
#define STACK_THREAD_NONE UINT32_MAX

struct stack_thread {
	uint32_t tid, pid;
	uint32_t row; /* TABLE_THREADS; 0 = not written under its present name */
	char name[16];
	/* The last sample's frames, outermost first, and the stack id at each depth. */
	uint32_t n_last;
	uint32_t last_frames[STACK_THREAD_FRAMES], last_stacks[STACK_THREAD_FRAMES];
};

struct stack_threads {
	struct stack_thread **slots; /* open addressing by tid */
	uint32_t n_slots, n_used;
	struct stack_thread *last;
};

void stack_threads_free(struct stack_threads *threads);

/* stack_threads_get: the thread with this tid; made if unknown, with an empty name. */
struct stack_thread *stack_threads_get(struct stack_threads *threads, uint32_t pid, uint32_t tid);

/* stack_thread_rename: names it (cleaned of control characters); its next sample gets a new row. */
void stack_thread_rename(struct stack_thread *thread, const char *name);

/* stack_threads_exit: forget a thread; its row stays. */
void stack_threads_exit(struct stack_threads *threads, uint32_t tid);

/* What a thread's row says of its process. */
struct stack_process {
	const char *name;    /* may be "" */
	uint32_t parent_pid; /* 0 = not known */
	bool is_followed;    /* its end will be told */
};

/* stack_thread_row: its row, written at the first call after a rename. */
uint32_t stack_thread_row(struct stack_thread *thread, struct recording *recording,
			  const struct stack_process *process, uint64_t time_ns);

/* stack_thread_end: a row that tells the end of the process that this is the first thread of. */
void stack_thread_end(const struct stack_thread *thread, struct recording *recording,
		      const struct stack_process *process, uint64_t time_ns);

#endif
