/*
 * drift_stream: a model in use: batches come, are predicted, then their labels are known. When the
 * watch asks for it, trees are added that fit the newest rows, from the scores of the moment on.
 */
#ifndef WORKLOADS_SUPPORT_DRIFT_STREAM_H
#define WORKLOADS_SUPPORT_DRIFT_STREAM_H

#include "workloads/support/drift_data.h"
#include "workloads/support/drift_watch.h"
#include "workloads/support/gbdt_booster.h"

struct drift_stream {
	struct crew *crew;
	struct gbdt_booster_settings settings; /* of training */
	struct gbdt_model model;
	struct drift_watch watch;
	double positive_weight;  /* negatives / positives of the training rows */
	unsigned n_new_trees;    /* a metamorphosis; 0 = the model stays as it is */
	struct gbdt_data buffer; /* the newest rows; room for buffer_rows */
	size_t buffer_rows, n_buffered;
	double window[2], rows_in_window[2]; /* vulnerability of the last batches */
	/* What has been */
	double quality, vulnerability; /* of the last batch */
	unsigned n_batches, n_metamorphoses, n_rolled_back;
};

/* drift_stream_start: takes the trees of a trained booster; rows of `calibration`, which it has not
 * learned from, say what is normal. */
void drift_stream_start(struct drift_stream *stream, struct gbdt_booster *booster,
			const struct gbdt_data *calibration, unsigned n_new_trees);
void drift_stream_free(struct drift_stream *stream);

/* drift_stream_batch: predict, measure, watch, and change the model if need be. The state after
 * the check: METAMORPHOSIS if the model was changed, or a change was tried and taken back. */
enum drift_state drift_stream_batch(struct drift_stream *stream, const struct gbdt_data *batch);

/* drift_stream_change: a metamorphosis. False if it was taken back: the PR-AUC of buffered rows
 * that the new trees did not learn from was worse with them. */
bool drift_stream_change(struct drift_stream *stream);

#endif
