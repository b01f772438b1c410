/*
 * fixture_stride: how many of a loop's cases are tried.
 *
 * The thread sanitizer makes code twenty times slower and finds nothing where there is one thread.
 * Long loops of one thread take every FIXTURE_STRIDE-th case there, and all cases in the release
 * and address-sanitizer builds. A prime, so that what varies with a period is still seen.
 * FIXTURE_LENGTH: the length of a run of many threads, where a short one shows the same races.
 */
#ifndef TESTS_FIXTURE_STRIDE_H
#define TESTS_FIXTURE_STRIDE_H

#ifdef __SANITIZE_THREAD__
#define FIXTURE_STRIDE                       17
#define FIXTURE_LENGTH(whole, under_threads) under_threads
#else
#define FIXTURE_STRIDE                       1
#define FIXTURE_LENGTH(whole, under_threads) whole
#endif

#endif
