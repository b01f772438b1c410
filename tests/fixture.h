/*
 * fixture: recordings that are the same every time, for screens and layouts.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <stdint.h>

struct recording;

/* fixture_known: two threads, kernel, inlined, JIT and special frames, wide names, readings, notes;
 * its clock starts at a fixed time. */
struct recording *fixture_known(void);

/* fixture_timed: three threads that take turns for 6.2 s, readings of four series ten times a
 * second, one series that is not available. */
struct recording *fixture_timed(void);

/* fixture_random: n_stacks random stacks from a seed, some very deep, with names of any kind. */
struct recording *fixture_random(uint64_t seed, unsigned n_stacks);

/* fixture_hostile: names, threads, modules, facts and notes that hold whatever breaks quoting in
 * some format; two series of samples, spans, and readings that are not finite or not available. */
struct recording *fixture_hostile(void);

/* The names of fixture_hostile's functions; NULL after the last. */
extern const char *const fixture_hostile_names[];

#endif
