/* A hash of threads by tid. See stack_threads.h. */
#include "sampler/stack_threads.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"

enum { FIRST_SLOTS = 64 };

void stack_threads_free(struct stack_threads *threads)
{
	for (uint32_t i = 0; i < threads->n_slots; i++)
		free(threads->slots[i]);
	free(threads->slots);
	memset(threads, 0, sizeof *threads);
}

static uint32_t slot_of(const struct stack_threads *threads, uint32_t tid)
{
	uint32_t mask = threads->n_slots - 1;
	uint32_t slot = tid * 2654435769u & mask; /* 2^32 / golden ratio */
	while (threads->slots[slot] && threads->slots[slot]->tid != tid)
		slot = (slot + 1) & mask;
	return slot;
}

static void rehash(struct stack_threads *threads, uint32_t n_slots)
{
	struct stack_threads old = *threads;
	threads->slots = allocate(n_slots, sizeof(struct stack_thread *));
	threads->n_slots = n_slots;
	for (uint32_t i = 0; i < old.n_slots; i++)
		if (old.slots[i])
			threads->slots[slot_of(threads, old.slots[i]->tid)] = old.slots[i];
	free(old.slots);
}

struct stack_thread *stack_threads_get(struct stack_threads *threads, uint32_t pid, uint32_t tid)
{
	if (threads->last && threads->last->tid == tid)
		return threads->last;
	if (threads->n_used * 2 >= threads->n_slots)
		rehash(threads, threads->n_slots ? threads->n_slots * 2 : FIRST_SLOTS);
	uint32_t slot = slot_of(threads, tid);
	if (!threads->slots[slot]) {
		threads->slots[slot] = allocate(1, sizeof **threads->slots);
		threads->slots[slot]->tid = tid;
		threads->slots[slot]->pid = pid;
		threads->n_used++;
	}
	return threads->last = threads->slots[slot];
}

void stack_thread_rename(struct stack_thread *thread, const char *name)
{
	text_clean(thread->name, sizeof thread->name, name);
	thread->row = 0;
}

void stack_threads_exit(struct stack_threads *threads, uint32_t tid)
{
	if (threads->n_slots == 0)
		return;
	uint32_t slot = slot_of(threads, tid);
	if (!threads->slots[slot])
		return;
	if (threads->last == threads->slots[slot])
		threads->last = NULL;
	free(threads->slots[slot]);
	threads->slots[slot] = NULL;
	threads->n_used--;
	rehash(threads, threads->n_slots); /* closes the hole in the probe sequences */
}

static struct thread_row row_of(const struct stack_thread *thread, struct recording *recording,
				const struct stack_process *process, uint64_t time_ns)
{
	const char *name = thread->name[0] ? thread->name : process->name;
	return (struct thread_row){
		.pid = thread->pid == STACK_THREAD_NONE ? 0 : thread->pid,
		.tid = thread->tid == STACK_THREAD_NONE ? 0 : thread->tid,
		.name = recording_add_string(recording, name[0] ? name : "[unnamed]"),
		.process_name =
			recording_add_string(recording, process->name[0] ? process->name : name),
		.start_ns = time_ns,
		.parent_pid = process->parent_pid,
		.flags = process->is_followed && thread->pid != STACK_THREAD_NONE ? THREAD_FOLLOWED
										  : 0,
	};
}

uint32_t stack_thread_row(struct stack_thread *thread, struct recording *recording,
			  const struct stack_process *process, uint64_t time_ns)
{
	if (thread->row)
		return thread->row;
	struct thread_row row = row_of(thread, recording, process, time_ns);
	return thread->row = recording_add_thread(recording, &row);
}

void stack_thread_end(const struct stack_thread *thread, struct recording *recording,
		      const struct stack_process *process, uint64_t time_ns)
{
	struct thread_row row = row_of(thread, recording, process, time_ns);
	row.flags |= THREAD_ENDED;
	recording_add_thread(recording, &row);
}
