/*
 * gbdt_partition: rows of a node to the left and right of its split, each side in its old order, so
 * that what comes next reads memory forwards.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_PARTITION_H
#define WORKLOADS_SUPPORT_GBDT_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/support/gbdt_simd.h"

struct gbdt_partition {
	const uint8_t *column; /* bins of the feature, by row */
	uint8_t low, high;
	uint32_t *rows;    /* n of them; those that go left end up at its start */
	uint32_t *scratch; /* as many; those that go right, from its start */
	size_t n;
	enum gbdt_simd simd; /* never AUTO */
	bool is_branchy;     /* an `if` that nobody can predict, in place of arithmetic */
};

/* partition_rows: how many went left. */
size_t partition_rows(const struct gbdt_partition *partition);

#endif
