/*
 * perf_replay: what perf's records do: mappings, names of threads, and a sample's stack as rows.
 * The same for a live ring and for a perf.data file. One thread.
 */
#ifndef SAMPLER_PERF_REPLAY_H
#define SAMPLER_PERF_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/perf_record.h"
#include "sampler/stack_threads.h"

struct address_space;
struct chain_cache;
struct process;
struct module_store;
struct recording;
struct unwinder;

struct perf_replay {
	struct recording *recording; /* borrowed */
	struct address_space *space;
	struct unwinder *unwinder;
	struct stack_threads threads;
	struct module_store *store; /* what build-ids a file says; NULL for a live ring */
	struct chain_cache *chains;
	uint32_t frame_truncated;
	bool is_attached; /* threads without a COMM record are asked for their names */
};

/* perf_replay_open: unwinder_kind as in enum unwinder_kind (target.h). For a file set `store`
 * (borrowed) and call address_space_set_offline after it. */
void perf_replay_open(struct perf_replay *replay, struct recording *recording, int unwinder_kind);
void perf_replay_close(struct perf_replay *replay); /* a zeroed one is fine */

/*
 * perf_replay_read_proc: the mappings and the name of a process that runs already.
 * Returns false if its mappings may not be read
 */
bool perf_replay_read_proc(struct perf_replay *replay, pid_t pid);

/*
 * perf_replay_task: take in a record of MMAP, MMAP2, COMM, FORK or EXIT; others do nothing.
 * Returns false if the record makes no sense
 */
bool perf_replay_task(struct perf_replay *replay, const struct perf_event_header *header,
		      const struct perf_layout *layout);

/*
 * perf_replay_stack: a sample's stack as an id of TABLE_STACKS.
 *
 * unwind   unwind the copied stack by its rules where registers were sampled; else the kernel's
 *          chain of frame pointers stands, with the leaf repaired
 */
uint32_t perf_replay_stack(struct perf_replay *replay, const struct perf_event_header *header,
			   const struct perf_sample *sample, bool unwind);

/* perf_replay_thread: the row of the thread that was sampled, under its present name. */
uint32_t perf_replay_thread(struct perf_replay *replay, uint32_t pid, uint32_t tid,
			    uint64_t time_ns);

#endif
