/*
 * gbdt_input: rows from a file, one column of which is the label.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_INPUT_H
#define WORKLOADS_SUPPORT_GBDT_INPUT_H

#include "sampler/base/why.h"
#include "workloads/support/gbdt_data.h"

/*
 * gbdt_input_read: label = name or number (from 1) of its column; "" = the last.
 *
 * loss  what the labels must be good for; softmax without n_classes takes one more than the largest
 * Errors  those of csv_read; no such column; a label that is missing or not of the loss, with its
 *         line; fewer than two columns
 */
bool gbdt_input_read(struct gbdt_data *data, const char *path, const char *label,
		     struct gbdt_loss *loss, struct why *why);

/* gbdt_input_same: do rows of two files have the same features, by number and, where both files
 * name them, by name? A sentence says which do not. */
bool gbdt_input_same(const struct gbdt_data *a, const struct gbdt_data *b, const char *a_path,
		     const char *b_path, struct why *why);

/*
 * gbdt_input_read_features: rows for a model that was trained on so many features.
 *
 * label  its column's name or number; "" = the last, if there is one more than the features
 * data   [out] labels are NULL if any row has none
 * Errors  those of csv_read; more or fewer columns; no such column; a label that is not of the loss
 */
bool gbdt_input_read_features(struct gbdt_data *data, const char *path, const char *label,
			      const struct gbdt_loss *loss, size_t n_features, struct why *why);

#endif
