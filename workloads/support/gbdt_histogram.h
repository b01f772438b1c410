/*
 * gbdt_histogram: sums of gradients and hessians over the rows of a node, by feature and bin.
 *
 * Gradients come as whole multiples of a small unit (gbdt_loss.h), so sums are exact: they do not
 * depend on the order of rows, on threads or on the instructions used, and a histogram found by
 * subtraction equals one built from rows bit for bit.
 * Source: Shi et al., "Quantized training of gradient boosting decision trees" (NeurIPS 2022).
 */
#ifndef WORKLOADS_SUPPORT_GBDT_HISTOGRAM_H
#define WORKLOADS_SUPPORT_GBDT_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/support/gbdt_bins.h"

/* A bin. The second plane of a histogram (for entropy) has positives and rows in their place. */
struct gbdt_sums {
	int64_t gradient, hessian;
};

/* A row: gradient in the upper 16 bits (two's complement), hessian in the lower. */
static inline uint32_t gbdt_pair(int32_t gradient, uint32_t hessian)
{
	return ((uint32_t)gradient << 16) | hessian;
}

/*
 * How a row is added to a bin. In the order of GBDT_METHOD_CHOICES.
 * scalar: two additions of 64 bits; packed: one, gradient above hessian, emptied before either can
 * overflow; avx2: one of 128 bits; avx512: packed, eight features gathered and scattered at once.
 * Auto takes the fastest, as timed on the first rows.
 */
enum gbdt_method {
	GBDT_METHOD_AUTO,
	GBDT_METHOD_SCALAR,
	GBDT_METHOD_PACKED,
	GBDT_METHOD_AVX2,
	GBDT_METHOD_AVX512
};
#define GBDT_METHOD_CHOICES "auto|scalar|packed|avx2|avx512"

bool gbdt_method_usable(enum gbdt_method method);
const char *gbdt_method_name(enum gbdt_method method);

struct gbdt_histogram_job {
	const uint8_t *bins; /* of a group: [row][stride] */
	size_t stride;
	unsigned n_features, n_bins;
	const uint32_t *rows;
	size_t n_rows;
	const uint32_t *pairs; /* by row */
	struct gbdt_sums *out; /* [feature][n_bins]; added to */
	void *table;           /* from gbdt_table_new; one a thread */
};

/* gbdt_table_new: a small histogram that stays in the cache. Freed with free(). */
void *gbdt_table_new(void);

/* build_histogram: the hot loop of boosting. */
void build_histogram(enum gbdt_method method, const struct gbdt_histogram_job *job);

/* gbdt_method_fastest: all that are usable here, timed on a job of some thousand rows. */
enum gbdt_method gbdt_method_fastest(const struct gbdt_histogram_job *job);

/* subtract_histogram: parent less child, in the parent's place: the sibling. */
void subtract_histogram(struct gbdt_sums *parent, const struct gbdt_sums *child, size_t n);

#endif
