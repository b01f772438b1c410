/*
 * timer_processes: the processes and threads that samples of libstoke-timer.so are of: how they
 * begin, what they are called, which code they map, and when they have ended.
 */
#ifndef SAMPLER_TIMER_PROCESSES_H
#define SAMPLER_TIMER_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/hash_map.h"
#include "sampler/timer_memory.h"

struct perf_replay;

struct timer_seen {
	uint32_t pid;
	bool has_ended;
	uint64_t next_read_ns, wait_ns; /* when its mappings may be read from /proc again */
	uint64_t rest_ns;               /* of threads that ended, not yet a sample's worth */
};

struct timer_processes {
	struct perf_replay *replay; /* borrowed */
	struct timer_seen *seen;
	uint32_t n_seen, n_threads;
	struct hash_map by_pid; /* -> its place in `seen` + 1 */
	struct hash_map threads;
	uint64_t n_programs; /* that began with the library */
};

/* timer_processes_who: of whom a record is; valid until the next call. NULL: of nobody there can
 * be. */
struct timer_seen *timer_processes_who(struct timer_processes *processes,
				       const struct shared_record *record);

/* timer_processes_begin: a record of TIMER_STARTED or TIMER_FORKED; false if it makes no sense. */
bool timer_processes_begin(struct timer_processes *processes, const struct shared_record *record);

/* timer_processes_rename: what the thread says it is called now. */
void timer_processes_rename(struct timer_processes *processes, uint32_t pid, uint32_t tid,
			    const char name[TIMER_NAME_BYTES]);

/* timer_processes_read_again: its mappings, from /proc; false if they were read a moment ago. */
bool timer_processes_read_again(struct timer_processes *processes, struct timer_seen *seen);

/* timer_processes_read_helped: what was looked for is there: the next read need not wait. */
void timer_processes_read_helped(struct timer_seen *seen);

/* timer_processes_look_for_ends: tell of those that are gone. Cost: a file of /proc each */
void timer_processes_look_for_ends(struct timer_processes *processes, uint64_t now);

void timer_processes_free(struct timer_processes *processes);

#endif
