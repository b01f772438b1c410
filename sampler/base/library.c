/* Function pointers travel as bytes: ISO C has no conversion from what dlsym returns. */
#include "sampler/base/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool take_symbols(void *handle, const char *what, const char *package,
			 const struct library_symbol *symbols, void *calls, struct why *why)
{
	for (; symbols->name; symbols++) {
		void *address = dlsym(handle, symbols->name);
		if (!address && symbols->is_required)
			return why_fail(why, "%s has no %s; install a newer %s.", what,
					symbols->name, package);
		memcpy((char *)calls + symbols->offset, &address, sizeof address);
	}
	return true;
}

void *library_open(const char *const *names, const char *what, const char *package,
		   const struct library_symbol *symbols, void *calls, struct why *why)
{
	for (const char *const *name = names; *name; name++) {
		void *handle = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
		if (!handle)
			continue;
		if (take_symbols(handle, what, package, symbols, calls, why))
			return handle;
		dlclose(handle);
		return NULL;
	}
	why_fail(why, "%s (%s) is not installed; install the %s.", what, names[0], package);
	return NULL;
}

char *library_beside_program(const char *name)
{
	static const char *const folders[] = { "", "../lib/stoke/" };
	char path[PATH_MAX] = "", *real;
	if (readlink("/proc/self/exe", path, sizeof path - 1) <= 0)
		path[0] = '\0';
	char *slash = strrchr(path, '/');
	size_t folder_bytes = slash ? (size_t)(slash - path) + 1 : 0;
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		snprintf(path + folder_bytes, sizeof path - folder_bytes, "%s%s", folders[i], name);
		if (access(path, R_OK) == 0 && (real = realpath(path, NULL)))
			return real;
	}
	return NULL;
}

void library_close(void *handle)
{
	if (handle)
		dlclose(handle);
}
