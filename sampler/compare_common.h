/*
 * compare_common: what all functions share when a machine is faster in one run than in the next,
 * and what a function grew beyond that.
 *
 * Most code is the same on both sides, so the middle of the functions' changes, by weight, is the
 * machine's. It is estimated anew in each draw: what moves all of them together in a run drops out
 * of the interval of what is beyond it. A comparison whose whole changed beyond chance is not
 * looked at in this way, for then the middle may be the programs'.
 * Source  Robinson and Oshlack, A scaling normalization method, Genome Biology 11 (2010) R25: the
 *         trimmed mean of logarithms, with a third left; Anders and Huber, ibid. R106, use the
 *         median
 */
#ifndef SAMPLER_COMPARE_COMMON_H
#define SAMPLER_COMPARE_COMMON_H

#include <stddef.h>

#include "sampler/compare.h"

struct compare_common_row {
	struct compare_row *row; /* borrowed */
	double weight;           /* both sides' costs */
	double *changes;         /* [draw]: logarithms of b / a */
};

/* Zero-initialise; one comparison. */
struct compare_common {
	struct compare_common_row *rows;
	size_t n_rows, capacity;
};

/* compare_common_add: a row and its costs in all draws; left out if it is missing in one of them.
 */
void compare_common_add(struct compare_common *common, struct compare_row *row, const double *a,
			const double *b);

/*
 * compare_common_judge: fills compare->common and the rows' `beyond` and verdicts; does nothing
 * with fewer than three rows, or where one is more than half of all. critical, widening  as for the
 * rows themselves: standard errors; intervals times Student / normal Cost                rows x
 * 1000 draws, sorted: 20 ms for two hundred rows
 */
void compare_common_judge(struct compare_common *common, struct compare *compare, double critical,
			  double widening);

void compare_common_free(struct compare_common *common);

#endif
