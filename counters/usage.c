/* Source: getrusage(2); RUSAGE_CHILDREN covers descendants that were waited for. proc_pid_stat(5),
 * proc_stat(5). */
#include "counters/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/file.h"

static double seconds_between(struct timeval before, struct timeval after)
{
	return (double)(after.tv_sec - before.tv_sec) +
	       (double)(after.tv_usec - before.tv_usec) / 1e6;
}

double usage_user_seconds(const struct rusage *before, const struct rusage *after)
{
	return seconds_between(before->ru_utime, after->ru_utime);
}

double usage_system_seconds(const struct rusage *before, const struct rusage *after)
{
	return seconds_between(before->ru_stime, after->ru_stime);
}

bool usage_count(const struct perf_event_attr *attribute, const struct rusage *before,
		 const struct rusage *after, struct count *count)
{
	double minor = (double)(after->ru_minflt - before->ru_minflt);
	double major = (double)(after->ru_majflt - before->ru_majflt);
	double value;
	/* The accounting is of user code and the kernel together. */
	if (attribute->type != PERF_TYPE_SOFTWARE || attribute->exclude_user ||
	    attribute->exclude_kernel)
		return false;
	switch (attribute->config) {
	case PERF_COUNT_SW_CPU_CLOCK:
	case PERF_COUNT_SW_TASK_CLOCK:
		value = 1e9 *
			(usage_user_seconds(before, after) + usage_system_seconds(before, after));
		break;
	case PERF_COUNT_SW_PAGE_FAULTS:
		value = minor + major;
		break;
	case PERF_COUNT_SW_PAGE_FAULTS_MIN:
		value = minor;
		break;
	case PERF_COUNT_SW_PAGE_FAULTS_MAJ:
		value = major;
		break;
	case PERF_COUNT_SW_CONTEXT_SWITCHES:
		value = (double)(after->ru_nvcsw - before->ru_nvcsw) +
			(double)(after->ru_nivcsw - before->ru_nivcsw);
		break;
	default:
		return false;
	}
	*count = (struct count){ .value = value, .running_ratio = 1, .origin = ORIGIN_SOFTWARE };
	return true;
}

double usage_seconds(uint64_t ticks)
{
	long per_second = sysconf(_SC_CLK_TCK);
	return (double)ticks / (double)(per_second > 0 ? per_second : 100);
}

/* Behind the name, which may hold blanks and brackets, field 3 begins. */
static bool parse_stat(const char *line, struct usage_times *times)
{
	enum { USER = 14, SYSTEM = 15, START = 22 };
	uint64_t fields[START + 1] = { 0 };
	const char *at = strrchr(line, ')');
	if (!at || strlen(at) < 4)
		return false;
	at += 3; /* ") S" */
	for (int field = 4; field <= START; field++) {
		char *end = NULL;
		fields[field] = strtoumax(at, &end, 10);
		if (end == at)
			return false;
		at = end;
	}
	*times = (struct usage_times){ fields[USER], fields[SYSTEM], fields[START] };
	return true;
}

bool usage_of_process(const char *root, pid_t pid, struct usage_times *times)
{
	char path[512], line[1024];
	snprintf(path, sizeof path, "%s/proc/%d/stat", root, (int)pid);
	return file_read_line(path, line, sizeof line) && parse_stat(line, times);
}

bool usage_of_thread(const char *root, pid_t thread, struct usage_times *times)
{
	char path[512], line[1024];
	/* Without task/ it would be the whole process. */
	snprintf(path, sizeof path, "%s/proc/%d/task/%d/stat", root, (int)thread, (int)thread);
	return file_read_line(path, line, sizeof line) && parse_stat(line, times);
}

bool usage_of_machine(const char *root, struct usage_times *times)
{
	enum { USER, NICE, SYSTEM, IDLE, WAIT, INTERRUPT, SOFT_INTERRUPT, N_FIELDS };
	uint64_t fields[N_FIELDS];
	char path[512], line[1024];
	snprintf(path, sizeof path, "%s/proc/stat", root);
	if (!file_read_line(path, line, sizeof line) || strncmp(line, "cpu ", 4) != 0)
		return false;
	const char *at = line + 4;
	for (int i = 0; i < N_FIELDS; i++) {
		char *end = NULL;
		fields[i] = strtoumax(at, &end, 10);
		if (end == at)
			return false;
		at = end;
	}
	*times = (struct usage_times){
		.user_ticks = fields[USER] + fields[NICE],
		.system_ticks = fields[SYSTEM] + fields[INTERRUPT] + fields[SOFT_INTERRUPT],
	};
	return true;
}
