/*
 * Numbers are the program's word: those that no kernel gives are refused, and so are more than any
 * honest program has.
 */
#include "sampler/timer_processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/address_space.h"
#include "sampler/base/text.h"
#include "sampler/perf_replay.h"
#include "sampler/recording.h"

enum { MOST_PROCESSES = 1 << 20, MOST_THREADS = 1 << 20 };

/* Reading mappings takes 0.1 ms, and code that is made at run time is in none that is known all the
 * time: each time in vain makes the next wait longer. */
static const uint64_t FIRST_WAIT_NS = 4 * 1000 * 1000, MOST_WAIT_NS = 500 * 1000 * 1000;

static struct timer_seen *see_process(struct timer_processes *processes, uint32_t pid)
{
	uint32_t place = hash_map_get(&processes->by_pid, pid);
	if (!place && processes->n_seen == MOST_PROCESSES)
		return NULL;
	if (!place) {
		uint32_t n = ++processes->n_seen;
		if ((n & (n - 1)) == 0)
			processes->seen =
				reallocate(processes->seen, 2 * (size_t)n, sizeof *processes->seen);
		*hash_map_at(&processes->by_pid, pid) = place = n;
		processes->seen[n - 1] = (struct timer_seen){ .pid = pid };
	}
	return &processes->seen[place - 1];
}

static bool is_known_thread(struct timer_processes *processes, uint32_t tid)
{
	uint32_t *place = hash_map_at(&processes->threads, tid);
	if (*place)
		return true;
	if (processes->n_threads == MOST_THREADS)
		return false;
	*place = ++processes->n_threads;
	return true;
}

static bool is_number(uint32_t number)
{
	return number > 0 && number <= TIMER_MOST_PID;
}

struct timer_seen *timer_processes_who(struct timer_processes *processes,
				       const struct shared_record *record)
{
	if (!is_number(record->pid) || !is_number(record->tid) ||
	    !is_known_thread(processes, record->tid))
		return NULL;
	return see_process(processes, record->pid);
}

/* Threads may be renamed at any time, and say what they are called with each sample. */
void timer_processes_rename(struct timer_processes *processes, uint32_t pid, uint32_t tid,
			    const char name[TIMER_NAME_BYTES])
{
	char raw[TIMER_NAME_BYTES], clean[TIMER_NAME_BYTES];
	struct stack_thread *thread = stack_threads_get(&processes->replay->threads, pid, tid);
	memcpy(raw, name, sizeof raw);
	raw[sizeof raw - 1] = '\0';
	text_clean(clean, sizeof clean, raw);
	if (strcmp(thread->name, clean) == 0)
		return;
	stack_thread_rename(thread, clean);
	struct process *process = address_space_process(processes->replay->space, (pid_t)pid);
	if (pid == tid)
		memcpy(process->name, thread->name, sizeof process->name);
}

/* What perf's records of tasks do, by the same way. */
static void tell_task(struct timer_processes *processes, uint32_t type,
		      const struct shared_record *record, uint32_t parent)
{
	const struct perf_layout layout = { 0 };
	struct {
		struct perf_event_header header;
		uint32_t pid, parent_pid, tid, parent_tid;
		uint64_t time_ns;
	} task = { { .type = type, .size = sizeof task },
		   record->pid,
		   parent,
		   record->tid,
		   parent,
		   record->time_ns };
	perf_replay_task(processes->replay, &task.header, &layout);
}

/* A number that was another's before, or that nobody has told of being forked, begins as a child of
 * who says so, and then has its own mappings. */
bool timer_processes_begin(struct timer_processes *processes, const struct shared_record *record)
{
	struct timer_process new;
	struct timer_seen *seen = timer_processes_who(processes, record);
	memcpy(&new, record->payload, sizeof new);
	if (!seen || record->pid == new.parent_pid || new.parent_pid > TIMER_MOST_PID)
		return false;
	bool is_forked = record->type == TIMER_FORKED;
	struct process *process =
		address_space_process(processes->replay->space, (pid_t)record->pid);
	if (new.parent_pid && (is_forked || seen->has_ended || !process->parent_pid))
		tell_task(processes, PERF_RECORD_FORK, record, new.parent_pid);
	if (!is_forked)
		address_space_exec(processes->replay->space, (pid_t)record->pid);
	seen->has_ended = false;
	processes->n_programs += !is_forked;
	timer_processes_rename(processes, record->pid, record->tid, new.name);
	return true;
}

/* It is gone, or only waits to be collected: "4711 (name, which may hold blanks and brackets) Z
 * 4000 ...", behind the last bracket. */
static bool has_ended(uint32_t pid)
{
	char path[64], line[512] = "";
	snprintf(path, sizeof path, "/proc/%u/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return true;
	bool is_read = fgets(line, sizeof line, file) != NULL;
	fclose(file);
	const char *end = strrchr(line, ')');
	return !is_read || (end && (end[1] == ' ') && (end[2] == 'Z' || end[2] == 'X'));
}

void timer_processes_look_for_ends(struct timer_processes *processes, uint64_t now)
{
	for (uint32_t i = 0; i < processes->n_seen; i++) {
		struct timer_seen *seen = &processes->seen[i];
		if (seen->has_ended || !has_ended(seen->pid))
			continue;
		seen->has_ended = true;
		tell_task(processes, PERF_RECORD_EXIT,
			  &(struct shared_record){
				  .pid = seen->pid, .tid = seen->pid, .time_ns = now },
			  0);
	}
}

bool timer_processes_read_again(struct timer_processes *processes, struct timer_seen *seen)
{
	uint64_t now = now_ns();
	if (now < seen->next_read_ns)
		return false;
	seen->wait_ns = seen->wait_ns ? seen->wait_ns * 2 : FIRST_WAIT_NS;
	if (seen->wait_ns > MOST_WAIT_NS)
		seen->wait_ns = MOST_WAIT_NS;
	seen->next_read_ns = now + seen->wait_ns;
	perf_replay_read_proc(processes->replay, (pid_t)seen->pid);
	return true;
}

void timer_processes_read_helped(struct timer_seen *seen)
{
	seen->wait_ns = seen->next_read_ns = 0;
}

void timer_processes_free(struct timer_processes *processes)
{
	hash_map_free(&processes->by_pid);
	hash_map_free(&processes->threads);
	free(processes->seen);
}
