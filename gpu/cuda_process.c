/* Source: proc(5). What a program changes of its own environment is not seen there. */
#include "gpu/cuda_process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OURS "libstoke-cupti.so"

enum { MOST_ENVIRONMENT_BYTES = 4 << 20 };

struct findings {
	bool has_driver, has_ours, names_ours, names_other, has_memory;
};

bool cuda_process_is_ours(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strcmp(slash ? slash + 1 : path, OURS) == 0;
}

static FILE *open_file(const char *root, uint32_t pid, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/proc/%u/%s", root, pid, name);
	return fopen(path, "re");
}

static bool read_maps(const char *root, uint32_t pid, struct findings *out)
{
	char *line = NULL;
	size_t capacity = 0;
	FILE *file = open_file(root, pid, "maps");
	if (!file)
		return false;
	while (getline(&line, &capacity, file) > 0) {
		out->has_driver |= strstr(line, "/libcuda.so") || strstr(line, "/libcupti.so");
		out->has_ours |= strstr(line, "/" OURS) != NULL;
	}
	free(line);
	fclose(file);
	return true;
}

static void take_variable(struct findings *out, const char *variable)
{
	static const char path[] = "CUDA_INJECTION64_PATH=", memory[] = "STOKE_GPU_FD=";
	if (strncmp(variable, path, sizeof path - 1) == 0 && variable[sizeof path - 1]) {
		out->names_ours = cuda_process_is_ours(variable + sizeof path - 1);
		out->names_other = !out->names_ours;
	}
	out->has_memory |= strncmp(variable, memory, sizeof memory - 1) == 0;
}

static void read_environment(const char *root, uint32_t pid, struct findings *out)
{
	char *variable = NULL;
	size_t capacity = 0, total = 0;
	FILE *file = open_file(root, pid, "environ");
	while (file && total < MOST_ENVIRONMENT_BYTES) {
		ssize_t n = getdelim(&variable, &capacity, '\0', file);
		if (n <= 0)
			break;
		take_variable(out, variable);
		total += (size_t)n;
	}
	free(variable);
	if (file)
		fclose(file);
}

enum cuda_use cuda_process_look(const char *root, uint32_t pid)
{
	struct findings found = { 0 };
	if (!read_maps(root, pid, &found))
		return CUDA_NOT_IN_SIGHT;
	if (!found.has_driver && !found.has_ours)
		return CUDA_NOT_USED;
	read_environment(root, pid, &found);
	if (found.has_ours)
		return found.has_memory ? CUDA_STARTED_BY : CUDA_LISTENING;
	if (found.names_ours)
		return CUDA_NOT_BEGUN;
	return found.names_other ? CUDA_OTHER_TOOL : CUDA_BARE;
}
