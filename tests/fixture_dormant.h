/*
 * fixture_dormant: a CUDA program that nobody profiles yet: this test, started again, which does
 * what it is told a byte at a time. CUPTI and the driver are mocks.
 */
#ifndef TESTS_FIXTURE_DORMANT_H
#define TESTS_FIXTURE_DORMANT_H

#include <stdbool.h>
#include <sys/types.h>

/* Kernels of each of two names that order 'r' launches; the last ones are left to a flush. */
enum { DORMANT_LAUNCHES = 40 };

struct dormant {
	pid_t pid;
	int in, out;
};

/*
 * fixture_dormant_start: it has said that it is ready.
 * mode    its first argument: "--dormant" has the library's code in it, "--elsewhere" too, in a
 *         network namespace of its own; "--injected" loads the library that CUDA_INJECTION64_PATH
 *         names, "--bare" only the file that TEST_DRIVER names
 * script  MOCK_SCRIPT in it
 */
struct dormant fixture_dormant_start(const char *mode, const char *script);

/*
 * fixture_dormant_do: one order, done when it returns. False: it has ended instead.
 * 'r' launches, 't' starts threads that launch for ever, 'f' forks a child that launches and stays
 * for a while, 'c' closes all descriptors, 'k' launches and is killed
 */
bool fixture_dormant_do(const struct dormant *dormant, char order);

/* fixture_dormant_end: closes its input, upon which it leaves; its status as of waitpid. */
int fixture_dormant_end(struct dormant *dormant);

/* fixture_dormant_main: the program, for main; initialize is InitializeInjection. */
int fixture_dormant_main(const char *mode, int (*initialize)(void));

#endif
