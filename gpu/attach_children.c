/* Source: proc_pid_task(5). */
#include "gpu/attach_children.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/recording.h"

static void read_children(const char *folder, const char *thread, attach_take *take, void *opaque)
{
	char path[PATH_MAX];
	long pid;
	int length = snprintf(path, sizeof path, "%s/%s/children", folder, thread);
	FILE *file = length < (int)sizeof path ? fopen(path, "re") : NULL;
	if (!file)
		return;
	while (fscanf(file, "%ld", &pid) == 1)
		if (pid > 0 && pid <= INT_MAX)
			take(opaque, (pid_t)pid);
	fclose(file);
}

void attach_children_of(uint32_t *n_files, pid_t pid, attach_take *take, void *opaque)
{
	char folder[64];
	snprintf(folder, sizeof folder, "/proc/%d/task", (int)pid);
	DIR *threads = *n_files > 0 ? opendir(folder) : NULL;
	const struct dirent *entry;
	while (threads && *n_files > 0 && (entry = readdir(threads))) {
		if (entry->d_name[0] == '.')
			continue;
		read_children(folder, entry->d_name, take, opaque);
		(*n_files)--;
	}
	if (threads)
		closedir(threads);
}

void attach_children_all(uint64_t until_ns, attach_take *take, void *opaque)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	while (processes && now_ns() < until_ns && (entry = readdir(processes))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		if (*end == '\0' && pid > 0 && pid <= INT_MAX)
			take(opaque, (pid_t)pid);
	}
	if (processes)
		closedir(processes);
}
