/*
 * Processes are named by number, and numbers are used again: a pidfd, opened before anything else
 * is read, says for good whether it is still the process that was meant. perf needs a descriptor
 * for each thread, CPU and event, so limits of shells are soon too low; what is inherited by new
 * threads takes none.
 * Source: pidfd_open(2), perf_event_open(2), proc_pid_task(5).
 */
#include "sampler/attach.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sampler/base/file.h"
#include "sampler/base/text.h"
#include "sampler/target.h"

struct numbers {
	pid_t *all;
	uint32_t n, capacity;
};

static void add(struct numbers *numbers, pid_t number)
{
	if (numbers->n == numbers->capacity) {
		numbers->capacity = numbers->capacity ? numbers->capacity * 2 : 16;
		numbers->all = reallocate(numbers->all, numbers->capacity, sizeof *numbers->all);
	}
	numbers->all[numbers->n++] = number;
}

static bool has(const struct numbers *numbers, pid_t number)
{
	for (uint32_t i = 0; i < numbers->n; i++)
		if (numbers->all[i] == number)
			return true;
	return false;
}

/* ---- lists as typed */

/* The number up to a comma or the end; *text then stands behind it. 0 = it is none. */
static pid_t read_number(const char **text)
{
	int value = 0;
	const char *at = *text;
	for (; isdigit((unsigned char)*at); at++) {
		if (value > (INT_MAX - 9) / 10)
			return 0;
		value = value * 10 + (*at - '0');
	}
	if ((*at != ',' && *at != '\0') || (*at == ',' && at[1] == '\0'))
		return 0;
	*text = at + (*at == ',');
	return value;
}

bool attach_check_list(const char *option, const char *list, struct why *why)
{
	char word[64], clean[64];
	do {
		const char *start = list;
		if (read_number(&list) > 0)
			continue;
		size_t n = strcspn(start, ",");
		snprintf(word, sizeof word, "%.*s", n < sizeof word ? (int)n : 60, start);
		return why_fail(why,
				"%s takes numbers with commas between, such as 123,456; "
				"\"%s\" is none.",
				option, text_clean(clean, sizeof clean, word));
	} while (*list);
	return true;
}

static void read_list(struct numbers *numbers, const char *list)
{
	while (*list) {
		pid_t number = read_number(&list);
		if (number <= 0)
			return;
		if (!has(numbers, number))
			add(numbers, number);
	}
}

/* ---- what /proc says */

/* The process that a number, of a process or a thread, belongs to; 0 if there is none. */
static pid_t process_of(pid_t number)
{
	char path[64], line[128];
	int process = 0;
	snprintf(path, sizeof path, "/proc/%d/status", number);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	if (file)
		fclose(file);
	return process;
}

static void list_numbers(struct numbers *numbers, const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			add(numbers, (pid_t)strtol(entry->d_name, NULL, 10));
	if (folder)
		closedir(folder);
}

static void list_tasks(struct numbers *threads, pid_t process)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", process);
	list_numbers(threads, path);
}

/* ---- whether they still run */

static bool is_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	return poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLIN;
}

/* Without a pidfd (kernels before 5.3) what its parent has not collected still counts as there. */
static bool has_process_ended(const struct target *target, uint32_t i)
{
	if (target->process_fds[i] >= 0)
		return is_readable(target->process_fds[i]);
	return kill(target->processes[i], 0) != 0 && errno == ESRCH;
}

static bool has_thread_ended(pid_t process, pid_t thread)
{
	return syscall(SYS_tgkill, process, thread, 0) != 0 && errno == ESRCH;
}

/* Of which of the target's processes a thread is; -1 if of none any more. */
static pid_t owner_of(const struct target *target, pid_t thread)
{
	for (uint32_t i = 0; i < target->n_processes; i++)
		if (!has_process_ended(target, i) &&
		    !has_thread_ended(target->processes[i], thread))
			return target->processes[i];
	return -1;
}

bool attach_has_ended(const struct target *target)
{
	bool is_any_left = target->is_whole_machine || target->n_processes == 0;
	for (uint32_t i = 0; i < target->n_processes && !is_any_left; i++)
		is_any_left = !has_process_ended(target, i);
	if (!is_any_left || !target->is_thread_list)
		return !is_any_left;
	for (uint32_t i = 0; i < target->n_threads; i++)
		if (owner_of(target, target->threads[i]) > 0)
			return false;
	return true;
}

/* ---- attaching */

int attach_open_pid_fd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool add_process(struct target *target, pid_t pid, struct why *why)
{
	int fd = attach_open_pid_fd(pid);
	bool is_there = kill(pid, 0) == 0 || errno != ESRCH;
	if (!is_there || (fd >= 0 && is_readable(fd))) {
		if (fd >= 0)
			close(fd);
		return why_fail(why,
				is_there ? "Process %d has ended already; its parent has not "
					   "collected it."
					 : "Process %d does not exist (any more).",
				pid);
	}
	uint32_t n = target->n_processes;
	target->processes = reallocate(target->processes, n + 1, sizeof *target->processes);
	target->process_fds = reallocate(target->process_fds, n + 1, sizeof *target->process_fds);
	target->processes[n] = pid;
	target->process_fds[n] = fd;
	target->n_processes++;
	return true;
}

static bool check_process(pid_t pid, struct why *why)
{
	char name[16] = "?", clean[16];
	pid_t process = process_of(pid);
	if (process == getpid())
		return why_fail(why, "Process %d is this profiler itself.", pid);
	if (process <= 0 || process == pid)
		return true;
	attach_read_name(process, process, name);
	return why_fail(why,
			"%d is a thread of process %d (%s): give -t %d, or -p %d for all its "
			"threads.",
			pid, process, text_clean(clean, sizeof clean, name), pid, process);
}

static bool attach_processes(struct target *target, const struct numbers *list, struct why *why)
{
	struct numbers threads = { 0 };
	for (uint32_t i = 0; i < list->n; i++) {
		if (!check_process(list->all[i], why) || !add_process(target, list->all[i], why))
			break;
		list_tasks(&threads, list->all[i]);
	}
	target->threads = threads.all;
	target->n_threads = threads.n;
	return target->n_processes == list->n;
}

static bool has_process(const struct target *target, pid_t pid)
{
	for (uint32_t i = 0; i < target->n_processes; i++)
		if (target->processes[i] == pid)
			return true;
	return false;
}

static bool attach_threads(struct target *target, struct numbers *list, struct why *why)
{
	target->is_thread_list = true;
	for (uint32_t i = 0; i < list->n; i++) {
		pid_t process = process_of(list->all[i]);
		if (process <= 0)
			return why_fail(why, "Thread %d does not exist (any more).", list->all[i]);
		if (process == getpid())
			return why_fail(why, "Thread %d is this profiler's own.", list->all[i]);
		if (!has_process(target, process) && !add_process(target, process, why))
			return false;
	}
	target->threads = list->all;
	target->n_threads = list->n;
	*list = (struct numbers){ 0 };
	return true;
}

static bool is_of_user(pid_t pid)
{
	struct stat status;
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", pid);
	return pid != getpid() && stat(path, &status) == 0 && status.st_uid == geteuid();
}

/* Those that end while we look are none of them any more. */
static bool attach_user(struct target *target, struct why *why)
{
	struct numbers threads = { 0 }, processes = { 0 };
	struct why ignored;
	target->may_leave_out = true;
	list_numbers(&processes, "/proc");
	for (uint32_t i = 0; i < processes.n; i++)
		if (is_of_user(processes.all[i]) && add_process(target, processes.all[i], &ignored))
			list_tasks(&threads, processes.all[i]);
	free(processes.all);
	target->threads = threads.all;
	target->n_threads = threads.n;
	return target->n_threads > 0 ||
	       why_fail(why, "No other process of this user runs here: there is nothing to attach "
			     "to.");
}

static bool find_threads(struct target *target, const struct attach_request *request,
			 struct why *why)
{
	struct numbers list = { 0 };
	const char *typed = request->processes ? request->processes : request->threads;
	if (request->is_user)
		return attach_user(target, why);
	if (!attach_check_list(request->processes ? "-p" : "-t", typed, why))
		return false;
	read_list(&list, typed);
	bool is_good = request->processes ? attach_processes(target, &list, why)
					  : attach_threads(target, &list, why);
	free(list.all);
	return is_good;
}

static void begin(struct target *target, const struct sampling *sampling)
{
	target->sampling = sampling;
	if (target->is_launched)
		return;
	target->pid = -1;
	target->pid_fd = target->start_fd = target->error_fd = target->output_fd = -1;
	target->probe_fd = target->gpu_fd = -1;
}

bool target_attach(struct target *target, const struct attach_request *request,
		   const struct sampling *sampling, struct why *why)
{
	begin(target, sampling);
	target->is_whole_machine = request->is_whole_machine;
	if (request->is_whole_machine)
		return true;
	if (!find_threads(target, request, why)) {
		attach_close(target);
		return false;
	}
	if (target->is_launched)
		return true;
	target->pid = target->processes[0];
	if (target->n_processes == 1 && target->process_fds[0] >= 0)
		target->pid_fd = fcntl(target->process_fds[0], F_DUPFD_CLOEXEC, 0);
	return true;
}

bool target_is_attached(const struct target *target)
{
	return target->is_whole_machine || target->n_threads > 0;
}

void attach_close(struct target *target)
{
	for (uint32_t i = 0; i < target->n_processes; i++)
		if (target->process_fds[i] >= 0)
			close(target->process_fds[i]);
	free(target->process_fds);
	free(target->processes);
	free(target->threads);
	target->process_fds = NULL;
	target->processes = target->threads = NULL;
	target->n_processes = target->n_threads = 0;
}

/* ---- for those who follow it */

uint32_t attach_list_threads(const struct target *target, pid_t **threads)
{
	struct numbers list = { 0 };
	bool is_list = !target->is_whole_machine && target->n_threads > 0;
	for (uint32_t i = 0; is_list && target->is_thread_list && i < target->n_threads; i++)
		if (owner_of(target, target->threads[i]) > 0)
			add(&list, target->threads[i]);
	for (uint32_t i = 0; is_list && !target->is_thread_list && i < target->n_processes; i++)
		if (!has_process_ended(target, i))
			list_tasks(&list, target->processes[i]);
	if (list.n == 0)
		add(&list, target->is_whole_machine ? -1
			   : is_list                ? target->threads[0]
						    : target->pid);
	*threads = list.all;
	return list.n;
}

uint32_t attach_list_tasks(pid_t process, pid_t **threads)
{
	struct numbers list = { 0 };
	list_tasks(&list, process);
	*threads = list.all;
	return list.n;
}

uint32_t attach_list_processes(const struct target *target, pid_t **processes)
{
	struct numbers list = { 0 };
	if (target->is_whole_machine)
		list_numbers(&list, "/proc");
	for (uint32_t i = 0; i < target->n_processes; i++)
		add(&list, target->processes[i]);
	if (list.n == 0)
		add(&list, target->pid);
	*processes = list.all;
	return list.n;
}

bool attach_read_name(pid_t process, pid_t thread, char name[16])
{
	char path[64], line[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/comm", process, thread);
	if (!file_read_line(path, line, sizeof line))
		return false;
	snprintf(name, 16, "%.15s", line);
	return true;
}

/* "4711 (name, which may hold blanks and brackets) S 4000 ...": behind the last bracket. */
pid_t attach_read_parent(pid_t process)
{
	char path[64], line[512];
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", process);
	if (!file_read_line(path, line, sizeof line))
		return 0;
	const char *end = strrchr(line, ')');
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 && parent > 0 ? parent : 0;
}

bool attach_has_process(const struct target *target, pid_t pid)
{
	if (target->is_whole_machine)
		return true;
	return target->n_processes ? has_process(target, pid) : target->pid == pid;
}
