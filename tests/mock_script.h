/*
 * mock_script: makes chosen calls of a mock library fail. The environment variable MOCK_SCRIPT
 * holds "name=code,name=code"; it is read anew at every call, so a test changes it as it goes.
 */
#ifndef TESTS_MOCK_SCRIPT_H
#define TESTS_MOCK_SCRIPT_H

#include <stdlib.h>
#include <string.h>

/* The number behind "name=" in the script, or `otherwise`. */
static inline long mock_script(const char *name, long otherwise)
{
	const char *at = getenv("MOCK_SCRIPT");
	size_t n = strlen(name);
	for (; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, name, n) == 0 && at[n] == '=')
			return strtol(at + n + 1, NULL, 10);
	return otherwise;
}

#endif
