/*
 * gbdt_bins: features as small numbers: quantile edges ("cuts"), and the bins of rows in two
 * layouts: columns, in which a partition and a tree walk read one feature, and groups of up to 16
 * features side by side, in which a histogram reads all of a row at once.
 * Source: Ke et al., "LightGBM" (NIPS 2017); the tail-heavy schedule: PKBoost.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_BINS_H
#define WORKLOADS_SUPPORT_GBDT_BINS_H

#include <stddef.h>
#include <stdint.h>

struct crew;

enum { GBDT_MOST_BINS = 256, GBDT_MOST_TOGETHER = 16 };

/* Even: equally many rows a bin. Tails: a quarter of the edges for the lowest tenth of the distinct
 * values, a quarter for the highest. */
enum gbdt_edges { GBDT_EDGES_EVEN, GBDT_EDGES_TAILS };
/* Learn: a bin of its own, sent where it helps most. Median: as if it were the median. */
enum gbdt_missing { GBDT_MISSING_LEARN, GBDT_MISSING_MEDIAN };

struct gbdt_cut_settings {
	unsigned n_bins; /* 2 ... GBDT_MOST_BINS, that of missing values included */
	enum gbdt_edges edges;
	enum gbdt_missing missing;
};

/* A value belongs to the first bin whose edge is not below it. */
struct gbdt_cut {
	float edges[GBDT_MOST_BINS]; /* ascending; infinite from n_edges on */
	float median;
	uint16_t n_edges;
	uint8_t first; /* bin of the smallest values: 1 if 0 is that of missing ones, else 0 */
};

struct gbdt_cuts {
	size_t n_features;
	unsigned n_bins; /* the most any feature has */
	struct gbdt_cut *features;
};

/* gbdt_cuts_make: from column-major values, NaN = missing. */
void gbdt_cuts_make(struct gbdt_cuts *cuts, struct crew *crew, const float *values, size_t n_rows,
		    size_t n_features, const struct gbdt_cut_settings *settings);
void gbdt_cuts_free(struct gbdt_cuts *cuts);

/* gbdt_cut_bin: of one value; what gbdt_bins_make does for all. */
uint8_t gbdt_cut_bin(const struct gbdt_cut *cut, float value);

struct gbdt_bins {
	size_t n_rows, n_features;
	const struct gbdt_cuts *cuts; /* borrowed */
	uint8_t *columns;             /* [feature][row] */
	/* [group][row][together]; the same memory as columns when together is 1 */
	uint8_t *groups;
	unsigned n_groups, together; /* bytes a row in a group, 1, 2, 4, 8 or 16 */
};

/* gbdt_bins_make: together = most features in a group; 1 = columns only. */
void gbdt_bins_make(struct gbdt_bins *bins, struct crew *crew, const struct gbdt_cuts *cuts,
		    const float *values, size_t n_rows, unsigned together);
void gbdt_bins_free(struct gbdt_bins *bins);

/* gbdt_bins_group: features [*from, *to) of a group, and its bins. */
const uint8_t *gbdt_bins_group(const struct gbdt_bins *bins, unsigned group, size_t *from,
			       size_t *to);

#endif
