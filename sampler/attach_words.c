/*
 * What is said of attaching: what is attached to, why not, and what to do about it. Permission is
 * refused for different reasons with the same errno, so the machine and the process are looked at.
 * Source: perf_event_open(2), ptrace(2) on access mode checks.
 */
#include "sampler/attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/library.h"
#include "sampler/base/text.h"
#include "sampler/perf_event.h"
#include "sampler/target.h"

enum {
	OTHER_FDS = 256, /* files, rings' sources, libraries' own */
	NAMED_PROCESSES = 4,
};

static const char *name_of(pid_t pid, char *out, size_t bytes)
{
	char name[16];
	return text_clean(out, bytes, attach_read_name(pid, pid, name) ? name : "?");
}

/* Its command line with spaces between, else (a kernel's thread) its name. */
static const char *command_of(pid_t pid, char *out, size_t bytes)
{
	char path[64], line[1024];
	snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
	if (file)
		fclose(file);
	while (n > 0 && line[n - 1] == '\0')
		n--;
	if (n == 0)
		return name_of(pid, out, bytes);
	for (size_t i = 0; i < n; i++)
		if (line[i] == '\0')
			line[i] = ' ';
	line[n] = '\0';
	return text_clean(out, bytes, line);
}

static size_t print_more(char *out, size_t bytes, size_t used, const char *text)
{
	int n = used < bytes ? snprintf(out + used, bytes - used, "%s", text) : 0;
	return used + (n > 0 ? (size_t)n : 0);
}

const char *attach_describe(const struct target *target, char *out, size_t bytes)
{
	char text[1100], name[1024];
	if (target->is_whole_machine) {
		snprintf(text, sizeof text, "everything on all %ld CPUs",
			 sysconf(_SC_NPROCESSORS_ONLN));
		return text_clean(out, bytes, text);
	}
	if (target->n_processes == 1) {
		command_of(target->processes[0], name, sizeof name);
		snprintf(text, sizeof text, "%s (%d)", name, target->processes[0]);
		return text_clean(out, bytes, text);
	}
	snprintf(text, sizeof text, "%u processes%s", target->n_processes,
		 target->may_leave_out ? " of this user" : ": ");
	size_t used = print_more(out, bytes, 0, text);
	for (uint32_t i = 0; !target->may_leave_out && i < target->n_processes; i++) {
		name_of(target->processes[i], name, sizeof name);
		snprintf(text, sizeof text, "%s%.32s (%d)", i ? ", " : "", name,
			 target->processes[i]);
		used = print_more(out, bytes, used, i < NAMED_PROCESSES ? text : " ...");
		if (i >= NAMED_PROCESSES)
			break;
	}
	return out;
}

static uint64_t count_open(void)
{
	uint64_t n = 0;
	DIR *folder = opendir("/proc/self/fd");
	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

bool attach_reserve(const struct target *target, uint64_t n_fds, struct why *why)
{
	struct rlimit limit;
	uint64_t wanted = n_fds + count_open() + OTHER_FDS;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return true;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted)
		return true;
	return why_fail(why,
			"Following %u threads on every CPU takes %llu descriptors, and the hard "
			"limit is %llu: raise it (`ulimit -Hn` as root), choose threads with -t, "
			"or watch the whole machine with -a.",
			target->n_threads, (unsigned long long)wanted,
			(unsigned long long)limit.rlim_max);
}

static bool explain_whole_machine(struct why *why)
{
	return why_fail(why,
			"Watching the whole machine is not permitted (kernel.perf_event_paranoid "
			"is %d): run `sysctl kernel.perf_event_paranoid=0` as root or give "
			"CAP_PERFMON; your own processes can be watched with -p.",
			perf_event_paranoid());
}

static bool explain_process(const struct target *target, struct why *why)
{
	struct stat status;
	char path[64], name[32];
	pid_t pid = target->processes[0];
	for (uint32_t i = 0; i < target->n_processes; i++) {
		snprintf(path, sizeof path, "/proc/%d", target->processes[i]);
		if (stat(path, &status) == 0 && status.st_uid != geteuid()) {
			pid = target->processes[i];
			break;
		}
	}
	snprintf(path, sizeof path, "/proc/%d", pid);
	name_of(pid, name, sizeof name);
	if (stat(path, &status) == 0 && status.st_uid != geteuid())
		return why_fail(why,
				"Process %d (%s) belongs to user %u: attach to it as that user, as "
				"root, or with CAP_PERFMON and CAP_SYS_PTRACE.",
				pid, name, status.st_uid);
	return why_fail(why,
			"Attaching to process %d (%s) is not permitted: it has other rights than "
			"you, or hides its memory; do it as root or with CAP_PERFMON.",
			pid, name);
}

/* May we open events at all, on ourselves? */
static int try_event(pid_t pid, int cpu)
{
	struct perf_event_attr attribute = { .type = PERF_TYPE_SOFTWARE,
					     .size = sizeof attribute,
					     .config = PERF_COUNT_SW_CPU_CLOCK,
					     .exclude_kernel = 1,
					     .exclude_hv = 1,
					     .disabled = 1 };
	int fd = perf_event_open_fd(&attribute, pid, cpu);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -fd : 0;
}

int attach_may_watch_machine(void)
{
	return try_event(-1, 0);
}

static bool explain_forbidden(const struct target *target, int error, struct why *why)
{
	char what[96];
	char *timer = library_beside_program("libstoke-timer.so"); /* what it can be started with */
	attach_describe(target, what, sizeof what);
	why_fail(why,
		 "Cannot attach to %s: what runs already cannot be profiled without "
		 "perf_event_open, which is forbidden here (%s). Permit it (in a container "
		 "--cap-add PERFMON or --security-opt seccomp=unconfined; kernel."
		 "perf_event_paranoid is %d)%s.",
		 what, strerror(error), perf_event_paranoid(),
		 timer ? ", or start the program with `stoke record -- CMD`, which then needs none"
		       : "");
	free(timer);
	return false;
}

bool attach_explain(const struct target *target, const char *event, int error, struct why *why)
{
	int own = error == EACCES || error == EPERM ? try_event(0, -1) : 0;
	if (error == ENOSYS || own)
		return explain_forbidden(target, own ? own : error, why);
	if (error == ESRCH)
		return why_fail(why, "Cannot attach: %s ended before it could be followed.",
				target->is_thread_list ? "the threads" : "the process");
	if ((error == EACCES || error == EPERM) && target->is_whole_machine)
		return explain_whole_machine(why);
	if ((error == EACCES || error == EPERM) && target->n_processes > 0)
		return explain_process(target, why);
	return perf_event_explain(event, error, why);
}
