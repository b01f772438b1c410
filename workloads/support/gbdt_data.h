/*
 * gbdt_data: a classification problem whose best possible AUC is known, because we made it.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_DATA_H
#define WORKLOADS_SUPPORT_GBDT_DATA_H

#include <stddef.h>
#include <stdint.h>

/* Column-major: value of feature f in row r is features[f * n_rows + r]. */
struct gbdt_data {
	size_t n_rows, n_features;
	float *features;
	float *labels;     /* 0 or 1 */
	float *true_score; /* the log odds the label was drawn from */
};

/* gbdt_data_make: n_features >= 10 of which six matter, in products, steps and curves. */
void gbdt_data_make(struct gbdt_data *data, size_t n_rows, size_t n_features, uint64_t seed);
void gbdt_data_free(struct gbdt_data *data);

/*
 * gbdt_auc: area under the ROC curve of scores for 0/1 labels; ties count half.
 * Source: Hanley and McNeil, Radiology 143 (1982): the Mann-Whitney form. NaN if a class is empty.
 */
double gbdt_auc(const float *scores, const float *labels, size_t n);

#endif
