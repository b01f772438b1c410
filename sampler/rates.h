/*
 * rates: ratios of events that were sampled together, for any part of a tree: instructions a
 * cycle, misses of accesses, misses of 1000 instructions, bytes a second.
 */
#ifndef SAMPLER_RATES_H
#define SAMPLER_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/recording.h"
#include "sampler/tree_sums.h"

enum { MOST_RATES = 8, RATE_NAME_BYTES = 48 };

/* offset + factor * sum[numerator] / sum[denominator] */
struct rate {
	char name[RATE_NAME_BYTES]; /* "IPC", "cache misses" */
	char unit[16];              /* as text_value takes it; "/1000" = of 1000 instructions */
	uint32_t numerator, denominator; /* places in rates.sums */
	double factor, offset;
	bool is_low_bad; /* else much is bad */
	enum origin origin;
};

struct rates {
	struct tree_sum sums[TREE_MOST_SUMS];
	size_t n_sums;
	struct rate rows[MOST_RATES];
	size_t n;
};

/*
 * rates_find: what the events of a recording allow that were read at the same moments as
 * main_series: their ratios hold for each stack. sums are of all events.
 * main_series  what the tree shows; a rate that needs another clock has none. Of an event by
 *              array ("L1-misses-by-array"): the rates of arrays
 */
void rates_find(struct rates *rates, const struct recording *recording, uint32_t main_series);

/* rates_next_event: the event that was sampled after `series`, in their order; round the end.
 * Returns series if there is no other. */
uint32_t rates_next_event(const struct recording *recording, uint32_t series);

/* rates_value: of sums from tree_sums_of; NaN where the denominator is 0 or there are none. */
double rates_value(const struct rate *rate, const uint64_t *sums);

/* rates_text: a value with its unit. Returns out (32 bytes hold it). */
char *rates_text(char *out, size_t bytes, const struct rate *rate, double value);

#endif
