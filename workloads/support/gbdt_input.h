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

/* gbdt_input_read_features: all columns, for a model that has so many features; no labels. If the
 * file has one column more, the last is taken to be the label. */
bool gbdt_input_read_features(struct gbdt_data *data, const char *path, size_t n_features,
			      struct why *why);

#endif
