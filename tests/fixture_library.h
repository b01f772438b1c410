/*
 * fixture_library: mock libraries, built beside the tests. Once loaded, what they stand for is
 * found by its own name: the loader compares sonames.
 */
#ifndef TESTS_FIXTURE_LIBRARY_H
#define TESTS_FIXTURE_LIBRARY_H

#include <stdbool.h>

/* fixture_library: load "mock_nvml" for the rest of the process; its handle, or NULL and a line. */
void *fixture_library(const char *name);

/* fixture_library_find: a function of a library by its name, into a pointer to such functions;
 * false and a line if there is none, or no library (NULL). */
bool fixture_library_find(void *library, const char *name, void *into);

#endif
