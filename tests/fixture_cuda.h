/*
 * fixture_cuda: the emulated library of CUDA kernels (cuda_emulation.hpp) and memory "on the
 * device".
 */
#ifndef TESTS_FIXTURE_CUDA_H
#define TESTS_FIXTURE_CUDA_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/cuda/library.h"

/* fixture_cuda_open: load it and name it in STOKE_CUDA_LIBRARY; false and a line. Where
 * STOKE_TEST_CUDA holds the path of a libstoke-cuda.so, that one is taken: so the same tests run on
 * a card. */
bool fixture_cuda_open(void);
/* fixture_cuda_needs_script: ends the test, skipped, on a card, whose calls do not fail at will. */
void fixture_cuda_needs_script(void);
void fixture_cuda_close(void);

/* fixture_cuda_both_orders: a group of tests with the emulation's threads in turn from the first
 * and from the last one; how many failed. */
struct CMUnitTest;
int fixture_cuda_both_orders(const struct CMUnitTest *tests, size_t n);

/* The kernels of a family, one after the other; NULL behind the last. */
const struct cuda_kernel *fixture_cuda_kernels(const char *family);
const struct cuda_kernel *fixture_cuda_next(const struct cuda_kernel *kernel);

/* fixture_cuda_give: a copy on the device (NULL: memory), until fixture_cuda_free. What fails,
 * fails the test. */
void *fixture_cuda_give(const void *host, size_t bytes);
void fixture_cuda_fetch(void *host, const void *device, size_t bytes);
void fixture_cuda_launch(const struct cuda_kernel *kernel, const void *task);
void fixture_cuda_free(void);

/* fixture_cuda_workload: run here, by its words with spaces between; its status. */
int fixture_cuda_workload(const char *words);

/* fixture_cuda_failing: a workload in a child where calls fail as the script says (NULL: no
 * library): its status, and what it wrote to stderr. "any=2,after=40" of a script: every call fails
 * but for the first 40. */
int fixture_cuda_failing(const char *words, const char *script, char *text, size_t size);

#endif
