/*
 * bins: values over time in a fixed number of bins, which widen as time goes on; for plots of
 * recordings of any length.
 */
#ifndef TUI_BINS_H
#define TUI_BINS_H

#include <stdint.h>

enum { BINS_MOST = 4096 }; /* twice the dots of the widest screen */

struct bins {
	double *sums, *counts; /* BINS_MOST of each; NULL until the first value */
	uint64_t width_ns; /* set before the first value: narrower or wider ones to begin with */
};

/* bins_add: at_ns from any fixed start. The first width is that of the samples' slots, 20 ms. */
void bins_add(struct bins *bins, uint64_t at_ns, double value);

/*
 * bins_sum: what lies in [from_ns, to_ns); a bin that is only partly inside counts in part.
 * count  [out] how many values; 0 = none; may be NULL
 */
double bins_sum(const struct bins *bins, uint64_t from_ns, uint64_t to_ns, double *count);

void bins_free(struct bins *bins);

#endif
