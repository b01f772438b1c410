/* Mocks lie in the folder of the running test. */
#include "tests/fixture_library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void *fixture_library(const char *name)
{
	char path[PATH_MAX] = "", file[PATH_MAX + 64];
	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		return NULL;
	char *slash = strrchr(path, '/');
	snprintf(file, sizeof file, "%.*s/%s.so", slash ? (int)(slash - path) : 0, path, name);
	void *handle = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	return handle;
}

bool fixture_library_find(void *library, const char *name, void *into)
{
	void *address = library ? dlsym(library, name) : NULL;
	if (!address)
		fprintf(stderr, "there is no %s\n", name);
	else
		memcpy(into, &address, sizeof address);
	return address != NULL;
}
