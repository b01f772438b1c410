/*
 * fixture_rows: what the rows of a test matrix hold, so that each is hard in another way.
 */
#ifndef TESTS_FIXTURE_ROWS_H
#define TESTS_FIXTURE_ROWS_H

#include <stddef.h>

struct random;

enum { FIXTURE_ROWS = 8 };

/* fixture_element: by row (again after FIXTURE_ROWS): normal; zeros; one value; large; small; one
 * value far from the others; logits x 100; a level for each 128, far apart. */
float fixture_element(size_t row, struct random *random, size_t j);

#endif
