/*
 * fixture_bench: what every benchmark needs: a clock that does not count other programs, and the
 * middle of repeated measurements.
 */
#ifndef TESTS_FIXTURE_BENCH_H
#define TESTS_FIXTURE_BENCH_H

#include <stddef.h>

/* bench_seconds: this thread's time on a CPU: what others run on a shared machine is not in it. */
double bench_seconds(void);

/* bench_median: sorts the values; n at least 1; of an even number the upper middle. */
double bench_median(double *values, size_t n);

#endif
