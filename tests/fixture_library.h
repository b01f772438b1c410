/*
 * fixture_library: mock libraries, built beside the tests. Once loaded, what they stand for is
 * found by its own name: the loader compares sonames.
 */
#ifndef TESTS_FIXTURE_LIBRARY_H
#define TESTS_FIXTURE_LIBRARY_H

/* fixture_library: load "mock_nvml" for the rest of the process; its handle, or NULL and a line. */
void *fixture_library(const char *name);

#endif
