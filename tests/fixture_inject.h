/*
 * fixture_inject: a program with libstoke-cupti.so's code in it, in a child process as in life, and
 * what the source makes of what it sent.
 */
#ifndef TESTS_FIXTURE_INJECT_H
#define TESTS_FIXTURE_INJECT_H

#include <stdbool.h>
#include <stdint.h>

struct recording;
struct sample_row;

/*
 * fixture_inject: run `program` in a child that is recorded, to its end, which must be good.
 * script  MOCK_SCRIPT in the child
 */
struct recording *fixture_inject(const char *script, void (*program)(void));

/*
 * fixture_inject_started: the same, the library started first, as the driver does.
 * start  InitializeInjection, which only tests linked with the library have
 */
struct recording *fixture_inject_started(const char *script, int (*start)(void),
					 void (*program)(void));

/* fixture_inject_killed: the same, for one that ends by that signal. */
struct recording *fixture_inject_killed(const char *script, int (*start)(void),
					void (*program)(void), int signal);

/* fixture_fact: UINT64_MAX where there is none. */
uint64_t fixture_fact(const struct recording *recording, const char *key);

/* A note that contains the part. */
bool fixture_has_note(const struct recording *recording, const char *part);

uint64_t fixture_count_spans(const struct recording *recording, const char *name);

/* fixture_is_stall: a sample of the series gpu-stalls. */
bool fixture_is_stall(const struct recording *recording, const struct sample_row *sample);

/* fixture_count_stalls: their weights' sum. */
uint64_t fixture_count_stalls(const struct recording *recording);

/* fixture_count_frames_of: frames of a stack whose file's path has this part. */
uint32_t fixture_count_frames_of(const struct recording *recording, uint32_t stack,
				 const char *part);

#endif
