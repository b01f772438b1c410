/*
 * thread_choice: whose samples count: everybody's, those of one process, or those of one thread.
 * Kept small enough to be copied and compared wherever a window of time is.
 */
#ifndef SAMPLER_THREAD_CHOICE_H
#define SAMPLER_THREAD_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/recording.h"

/* Zeroed: everybody. */
struct thread_choice {
	uint32_t pid;  /* 0 = any */
	uint32_t tid;  /* 0 = any */
	uint32_t name; /* strings: of the process, where no number tells it; 0 = any */
};

static inline bool thread_choice_is_set(const struct thread_choice *choice)
{
	return choice->pid || choice->tid || choice->name;
}

static inline bool thread_choice_is_same(const struct thread_choice *a,
					 const struct thread_choice *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->name == b->name;
}

/* thread_choice_takes: a row of TABLE_THREADS. Cost: none where nothing is chosen, else a look at
 * the row. */
static inline bool thread_choice_takes(const struct thread_choice *choice,
				       const struct recording *recording, uint32_t thread)
{
	if (!thread_choice_is_set(choice))
		return true;
	const struct thread_row *row = recording_thread(recording, thread);
	return (!choice->pid || row->pid == choice->pid) &&
	       (!choice->tid || row->tid == choice->tid) &&
	       (!choice->name || row->process_name == choice->name);
}

#endif
