#include "tests/fixture_rows.h"

#include "workloads/support/random.h"

float fixture_element(size_t row, struct random *random, size_t j)
{
	double normal = random_normal(random);
	switch (row % FIXTURE_ROWS) {
	case 1:
		return 0;
	case 2:
		return -7.25f;
	case 3:
		return (float)(normal * 300);
	case 4:
		return (float)(normal * 1e-12);
	case 5:
		return (float)(j == 3 ? 1e4 : normal + 1000);
	case 6:
		return (float)(normal * 100);
	case 7:
		return (float)(normal + 3000 * ((double)(j / 128 % 3) - 1));
	default:
		return (float)normal;
	}
}
