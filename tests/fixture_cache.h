/*
 * fixture_cache: a cache model by its text.
 */
#ifndef TESTS_FIXTURE_CACHE_H
#define TESTS_FIXTURE_CACHE_H

struct cache_model;

/* fixture_cache: this machine's geometry but for what the text says, and of one core unless it says
 * otherwise. What is wrong with it fails the test. */
struct cache_model *fixture_cache(const char *text);

#endif
