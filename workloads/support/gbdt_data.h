/*
 * gbdt_data: rows to learn from: generated, so that the best possible result is known, or from
 * elsewhere.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_DATA_H
#define WORKLOADS_SUPPORT_GBDT_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "workloads/support/gbdt_loss.h"

/* Column-major: value of feature f in row r is features[f * n_rows + r]; NaN = missing. */
struct gbdt_data {
	size_t n_rows, n_features;
	float *features;
	float *labels;
	float *true_score; /* what the label was drawn from; NULL if nobody knows */
	char **names;      /* of the features, as the file has them; NULL if it has none */
};

struct gbdt_data_settings {
	size_t n_rows, n_features; /* at least six, which matter */
	enum gbdt_loss_kind loss;  /* labels that it accepts */
	unsigned n_classes;
	double missing_share; /* of all values */
	uint64_t seed;
};

/*
 * gbdt_data_make: six features matter, in products, steps and curves of one score: the log odds of
 * label 1 (about one row in five), the mean of a normal with a fiftieth of the labels thrown far
 * off (squared, huber), the logarithm of a count's mean, or one score of each class.
 */
void gbdt_data_make(struct gbdt_data *data, const struct gbdt_data_settings *settings);
void gbdt_data_free(struct gbdt_data *data);

/* gbdt_data_take: rows of `from`, in the order given, as data of their own, without names. */
void gbdt_data_take(struct gbdt_data *data, const struct gbdt_data *from, const uint32_t *rows,
		    size_t n);

/* gbdt_data_sort: rows by the value of feature 0: neighbours then fall into the same bin. */
void gbdt_data_sort(struct gbdt_data *data);

/* gbdt_data_split: the last n rows of a shuffle to `apart`, the others stay. */
void gbdt_data_split(struct gbdt_data *data, struct gbdt_data *apart, size_t n, uint64_t seed);

#endif
