/*
 * fixture_told: a recording of several processes whose threads tell phases, nested, begun again and
 * overlapping, row by row as a live one comes, with what each sample's phase has to be by going
 * through all spans.
 */
#ifndef TESTS_FIXTURE_TOLD_H
#define TESTS_FIXTURE_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "workloads/support/random.h"

enum {
	TOLD_PROCESSES = 4,
	TOLD_THREADS = 3, /* of each process; the last of each tells nothing */
	TOLD_ROWS = TOLD_PROCESSES * TOLD_THREADS,
	TOLD_MOST_SPANS = 20000,
	TOLD_DEPTH = 6,
	TOLD_FUNCTIONS = 300, /* so that few samples move beside many nodes */
	TOLD_NAMES = 4,
};

struct told_span {
	uint64_t from_ns, to_ns;
	uint32_t name, row; /* row: threads; 0 = of nobody */
	uint32_t told;      /* the row of the recording's spans that told it last */
	unsigned at_step;   /* when its end is told: later than it ended */
};

struct told {
	struct recording *recording; /* owned by the caller */
	struct random random;
	uint32_t threads[TOLD_ROWS + 1], stacks[TOLD_FUNCTIONS];
	uint32_t names[TOLD_NAMES];
	uint32_t series, other_series, phases;
	uint64_t time_ns;
	struct told_span open[TOLD_ROWS + 1][TOLD_DEPTH];
	bool is_told[TOLD_ROWS + 1][TOLD_DEPTH]; /* as open */
	int depth[TOLD_ROWS + 1];
	struct told_span *spans; /* ended ones; freed by told_end */
	uint32_t n_spans;
	unsigned step;
	bool has_nobody; /* phases that name no thread, too */
};

void told_start(struct told *told, uint64_t seed, bool has_nobody);

/* told_step: a slot of time: phases begin and end, also at its very border, each thread is sampled
 * in two events; and publish. */
void told_step(struct told *told);

/* told_phase: what phases_at has to answer, slowly. */
uint32_t told_phase(const struct told *told, uint32_t row, uint64_t time_ns);

/* told_tell: the ends of all spans that have ended. Until then told_phase knows more. */
void told_tell(struct told *told);
void told_end(struct told *told);

#endif
