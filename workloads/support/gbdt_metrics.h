/*
 * gbdt_metrics: how good scores are.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_METRICS_H
#define WORKLOADS_SUPPORT_GBDT_METRICS_H

#include <stddef.h>

/*
 * gbdt_auc: area under the ROC curve of scores for 0/1 labels; ties count half.
 * Source: Hanley and McNeil, Radiology 143 (1982): the Mann-Whitney form. NaN if a class is empty.
 */
double gbdt_auc(const float *scores, const float *labels, size_t n);

/*
 * gbdt_pr_auc: area under the precision-recall curve as average precision: the mean over positives
 * of the precision at their score; rows of one score count together. NaN without positives.
 * Source: Davis and Goadrich, "The relationship between precision-recall and ROC curves" (2006).
 */
double gbdt_pr_auc(const float *scores, const float *labels, size_t n);

/* gbdt_rmse: root of the mean squared distance. */
double gbdt_rmse(const float *values, const float *labels, size_t n);

/* gbdt_accuracy: share of rows whose largest score is their label's; scores are [class][row]. */
double gbdt_accuracy(const float *scores, const float *labels, size_t n, unsigned n_classes);

#endif
