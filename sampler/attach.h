/*
 * attach: what runs already as a target: its processes and threads, whether they still run, and the
 * descriptors that following them one by one takes. target_attach (target.h) begins it.
 */
#ifndef SAMPLER_ATTACH_H
#define SAMPLER_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sampler/base/why.h"

struct target;

/*
 * attach_check_list: is this a list of numbers of processes or threads, as `option` takes it?
 * Errors  false and a sentence with the word that is none
 */
bool attach_check_list(const char *option, const char *list, struct why *why);

/* attach_open_pid_fd: a descriptor that can be read when the process has ended, close-on-exec; the
 * caller's. -1 and errno, of kernels before 5.3 too. */
int attach_open_pid_fd(pid_t pid);

/* attach_has_ended: all attached processes have ended, or all threads of -t. Never of the whole
 * machine. */
bool attach_has_ended(const struct target *target);

/*
 * attach_list_threads: the threads that the target has now, in no order: those of its processes; of
 * -t those that still run; -1, everything, for the whole machine; its pid if it was launched.
 * *threads  [out] at least one, to be freed
 */
uint32_t attach_list_threads(const struct target *target, pid_t **threads);

/* attach_list_tasks: the threads of one process now; 0 if it is gone. *threads is to be freed. */
uint32_t attach_list_tasks(pid_t process, pid_t **threads);

/* attach_list_processes: the same for processes; of the whole machine all there are. *processes is
 * to be freed. */
uint32_t attach_list_processes(const struct target *target, pid_t **processes);

/* attach_read_name: what a thread of a process is called now (15 bytes at most, as it says);
 * false if there is none. */
bool attach_read_name(pid_t process, pid_t thread, char name[16]);

/* attach_read_parent: who made a process, or looks after it now; 0 = not known. */
pid_t attach_read_parent(pid_t process);

/* attach_has_process: is this process one of those attached to (or the launched one, or is it the
 * whole machine)? */
bool attach_has_process(const struct target *target, pid_t pid);

/* attach_describe: what is attached to, for a person: "gzip -9 big (4711)", "3 processes: ...",
 * "everything on all 4 CPUs". Cleaned. Returns `out`. */
const char *attach_describe(const struct target *target, char *out, size_t bytes);

/*
 * attach_reserve: room for so many more descriptors: the soft limit is raised as far as the hard
 * one allows.
 * Errors  false and a sentence that says how many are needed and what to do
 */
bool attach_reserve(const struct target *target, uint64_t n_fds, struct why *why);

/* attach_explain: the sentence for an errno of perf_event_open on what is attached to; `event` is
 * what was to be opened. Always false. */
bool attach_explain(const struct target *target, const char *event, int error, struct why *why);

/* attach_may_watch_machine: 0 if the kernel lets us sample every process, else the errno. */
int attach_may_watch_machine(void);

/* attach_close: free what target_attach filled in. A zeroed target is fine. */
void attach_close(struct target *target);

#endif
