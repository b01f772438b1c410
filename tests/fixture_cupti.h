/*
 * fixture_cupti: CUPTI's mock for tests whose programs run in children.
 */
#ifndef TESTS_FIXTURE_CUPTI_H
#define TESTS_FIXTURE_CUPTI_H

#include <stdint.h>

/* What a CUDA program would do: mock_cupti.h, found in the library. */
struct fixture_cupti {
	void (*launch)(const char *kernel, uint32_t stream, uint64_t duration_ns);
	void (*graph)(const char *kernel, uint32_t n);
	void (*copy)(uint32_t kind, uint64_t bytes);
	void (*stray)(const char *kernel);
	void (*others)(void);
	void (*context)(void);
	void (*context_end)(void);
	void (*sample)(const char *kernel, uint64_t offset, uint32_t reason, uint32_t n);
	void (*deliver)(void);
};
extern struct fixture_cupti mock;

/* fixture_cupti_load: fill it in; a group's set-up, which takes no state. Else -1 and a line. */
int fixture_cupti_load(void **state);

#endif
