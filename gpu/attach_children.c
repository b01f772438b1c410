/* Source: proc_pid_task(5). */
#include "gpu/attach_children.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "sampler/attach.h"

static void read_children(pid_t process, pid_t thread, attach_take *take, void *opaque)
{
	char path[80];
	long pid;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", process, thread);
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	while (fscanf(file, "%ld", &pid) == 1)
		if (pid > 0 && pid <= INT_MAX)
			take(opaque, (pid_t)pid);
	fclose(file);
}

void attach_children_of(uint32_t *n_files, pid_t pid, attach_take *take, void *opaque)
{
	pid_t *threads = NULL;
	uint32_t n = *n_files > 0 ? attach_list_tasks(pid, &threads) : 0;
	for (uint32_t i = 0; i<n && * n_files> 0; i++) {
		read_children(pid, threads[i], take, opaque);
		(*n_files)--;
	}
	free(threads);
}
