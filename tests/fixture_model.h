/*
 * fixture_model: a program under the cache model, as source_model records it: accesses and misses
 * by call path and line, and the same by array, of numbers that can be worked out by hand.
 */
#ifndef TESTS_FIXTURE_MODEL_H
#define TESTS_FIXTURE_MODEL_H

struct recording;

struct recording *fixture_model(void);

#endif
