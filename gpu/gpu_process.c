/* Source: proc(5), pid_namespaces(7), namespaces(7). */
#include "gpu/gpu_process.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/text.h"

enum { LINE_BYTES = 512, MOST_FILES = 65536 };

/* The host's namespace of processes; its number is fixed (PROC_PID_INIT_INO of the kernel). */
static const char HOST_NAMESPACE[] = "pid:[4026531836]";

static void take_line(struct gpu_process *out, const char *line)
{
	if (strncmp(line, "Name:\t", 6) == 0)
		text_clean(out->name, sizeof out->name, line + 6);
	else if (strncmp(line, "PPid:\t", 6) == 0)
		out->parent = (uint32_t)strtoul(line + 6, NULL, 10);
	else if (strncmp(line, "NSpid:\t", 7) == 0) /* from the outermost in */
		out->inner_pid = (uint32_t)strtoul(strrchr(line, '\t') + 1, NULL, 10);
}

bool gpu_process_read(const char *root, uint32_t pid, struct gpu_process *out)
{
	char path[PATH_MAX], line[LINE_BYTES];
	*out = (struct gpu_process){ .pid = pid, .inner_pid = pid };
	snprintf(path, sizeof path, "%s/proc/%u/status", root, pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		take_line(out, line);
	}
	fclose(file);
	return out->name[0] != '\0';
}

bool gpu_process_sees_host(const char *root)
{
	char path[PATH_MAX], text[64];
	snprintf(path, sizeof path, "%s/proc/self/ns/pid", root);
	ssize_t n = readlink(path, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return strcmp(text, HOST_NAMESPACE) == 0;
}

static bool is_device(const char *folder, const char *name)
{
	char path[PATH_MAX], text[64];
	int length = snprintf(path, sizeof path, "%s/%s", folder, name);
	ssize_t n = length < (int)sizeof path ? readlink(path, text, sizeof text - 1) : -1;
	text[n > 0 ? n : 0] = '\0';
	return strncmp(text, "/dev/nvidia", 11) == 0;
}

bool gpu_process_has_device(const char *root, uint32_t pid)
{
	char path[PATH_MAX - 256];
	bool is_found = false;
	snprintf(path, sizeof path, "%s/proc/%u/fd", root, pid);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	for (int i = 0; folder && i < MOST_FILES && !is_found && (entry = readdir(folder)); i++)
		is_found = is_device(path, entry->d_name);
	if (folder)
		closedir(folder);
	return is_found;
}

char *gpu_process_print(const struct gpu_process *process, char *out, size_t bytes)
{
	const char *name = process->name[0] ? process->name : "[not in sight]";
	if (process->inner_pid != process->pid)
		snprintf(out, bytes, "%u (%u in its container) %s", process->pid,
			 process->inner_pid, name);
	else
		snprintf(out, bytes, "%u %s", process->pid, name);
	return out;
}
