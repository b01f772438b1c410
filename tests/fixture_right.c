/* See fixture_right.h. */
#include "tests/fixture_right.h"

#include <math.h>
#include <stdlib.h>

#include "workloads/support/random.h"

static const double ROUNDING = 0x1p-24, TINY = 0x1p-126;

struct right right_exactly(double value)
{
	return (struct right){ value, fabs(value) };
}

bool right_is_near(float found, struct right right, double n_roundings)
{
	return fabs((double)found - right.value) <= n_roundings * ROUNDING * right.scale + TINY;
}

float *right_numbers(size_t n, double least, double most, uint64_t seed)
{
	static const float hard[] = { 0, 90, -90, 200, -200, 1e-20F };
	struct random random = { seed };
	float *values = calloc(n + 1, sizeof *values);
	for (size_t i = 0; i < n; i++) {
		values[i] = (float)(least + (most - least) * random_unit(&random));
		if (i % 7 == 6 && least < 0)
			values[i] = hard[i / 7 % (sizeof hard / sizeof hard[0])];
	}
	return values;
}
