/*
 * fixture_right: numbers as they should be, for kernels that round: a value in fp64 and the sizes
 * of what it is the sum of.
 */
#ifndef TESTS_FIXTURE_RIGHT_H
#define TESTS_FIXTURE_RIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct right {
	double value, scale;
};

struct right right_exactly(double value);

/* right_is_near: within so many roundings of single precision, or the least normal number. */
bool right_is_near(float found, struct right right, double n_roundings);

/*
 * right_numbers: n of them (and room for one) between the limits, from a seed; every seventh, where
 * the least is negative, one of those that break careless formulas. Freed with free().
 */
float *right_numbers(size_t n, double least, double most, uint64_t seed);

#endif
