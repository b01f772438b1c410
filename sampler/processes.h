/*
 * processes: what each process and each of its threads used of one event within a window of time,
 * where most of it went, who made it, and whether it has ended.
 *
 * A process is its number, under whatever names it ran: an exec is the same process, and a number
 * that was used again is too. Where nobody told numbers (text of other tools, the idle task) it is
 * its name. A thread is a row for each name that it had, so that what ran before an exec is told
 * apart. It grows with the recording: an update looks only at rows that are new.
 */
#ifndef SAMPLER_PROCESSES_H
#define SAMPLER_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "sampler/recording.h"
#include "sampler/thread_choice.h"

/* Weights are in the event's unit. */
struct process_sum {
	uint64_t weight, kernel; /* kernel: of it, what ended in the kernel */
	uint64_t n_samples;
	uint64_t recent;         /* see processes_recent */
	uint64_t hottest_weight; /* of `hottest` */
	uint32_t hottest;        /* function that most weight ended in; 0 = none known */
};

enum process_state { PROCESS_UNKNOWN, PROCESS_RUNNING, PROCESS_ENDED };

struct process_row {
	struct process_sum sum;
	uint32_t pid;               /* 0 = not known */
	uint32_t parent_pid;        /* 0 = not known */
	uint32_t parent;            /* its place in rows + 1; 0 = it has no row */
	uint32_t name, name_before; /* strings: the last one, and the one it replaced; 0 = none */
	uint32_t n_threads;         /* that have rows: threads that were sampled, and the first */
	uint32_t first_thread, last_thread; /* places in threads + 1; linked by `next` */
	uint32_t state;                     /* enum process_state: as far as the recording tells */
	uint64_t ended_ns;
};

struct process_thread {
	struct process_sum sum;
	uint32_t process; /* place in rows */
	uint32_t tid, name;
	uint32_t next;    /* of the same process: its place + 1 */
	uint32_t renamed; /* of the same tid, before: its place + 1 */
};

/* What is summed. */
struct processes_part {
	uint64_t from_ns, to_ns; /* to_ns 0 = open end */
	uint32_t series;         /* 0 = the first that has samples */
	uint64_t most;           /* rows of samples taken in by one update; 0 = all there are */
};

/* To be read only. Zeroed: nothing has been taken in. */
struct processes {
	struct process_row *rows; /* first seen first; places never change */
	size_t n_rows, rows_capacity;
	struct process_thread *threads;
	size_t n_threads, threads_capacity;
	struct process_sum all; /* of everybody; hottest is not found */
	uint32_t series;        /* what is summed; 0 while nothing has samples */
	uint64_t last_ns;       /* of the latest sample taken in */
	bool knows_ends;        /* somebody's state is known */
	bool knows_parents;

	struct processes_part part;
	uint32_t *by_thread; /* row of TABLE_THREADS -> place in threads + 1 */
	uint64_t n_by_thread, next_thread, next_sample;
	struct hash_map places; /* pid, or name without one -> place in rows + 1 */
	struct hash_map tids;   /* process, tid -> place in threads + 1, of the last name */
	struct hash_map spots; /* process or thread, function's name -> place in spot_weights + 1 */
	uint64_t *spot_weights;
	uint32_t n_spots, spots_capacity;
};

/*
 * processes_update: take in what is new; another part is summed from the start.
 * Returns  true if anything changed
 * Cost     100 to 300 ns a new sample, by how many functions each process runs
 * Thread   any one reader
 */
bool processes_update(struct processes *processes, const struct recording *recording,
		      const struct processes_part *part);

/*
 * processes_recent: sum[].recent of what is in [from_ns, to_ns), of the samples taken in.
 * Cost  the samples since from_ns, and some ns a thread
 */
void processes_recent(struct processes *processes, const struct recording *recording,
		      uint64_t from_ns, uint64_t to_ns);

void processes_free(struct processes *processes);
size_t processes_bytes(const struct processes *processes);

/* processes_choice: what takes just this process's, or this thread's, samples. False: none can,
 * since nothing tells them from others. */
bool processes_choice(const struct processes *processes, size_t row, struct thread_choice *out);
bool processes_choice_of_thread(const struct processes *processes, size_t thread,
				struct thread_choice *out);

#endif
