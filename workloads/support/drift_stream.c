/*
 * A metamorphosis learns from four fifths of the buffer and is judged by the fifth it has not seen,
 * against the old model on the same rows: after a real change the quality of before is no measure.
 * More and stronger trees than PKBoost's classifier adds (5); its regressor's 60 to 120 are what
 * brings the quality back.
 */
#include "workloads/support/drift_stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "sampler/base/why.h"
#include "workloads/support/gbdt_metrics.h"

enum { HELD_OUT_EVERY = 5 };
/* PKBoost's regressor: new trees are held back more, and learn faster, but not too fast. */
static const double LAMBDA_FACTOR = 5, GAMMA_FACTOR = 2, RATE_FACTOR = 1.5, MOST_RATE = 0.05;

static double vulnerability_of(const struct drift_stream *stream, const float *scores,
			       const float *labels, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += drift_vulnerability(1 / (1 + exp(-(double)scores[i])), (double)labels[i],
					   stream->positive_weight);
	return sum / (double)n;
}

static float *scores_of(const struct drift_stream *stream, const struct gbdt_data *data)
{
	float *scores = allocate(data->n_rows, sizeof *scores);
	probe_phase_begin("predict");
	gbdt_model_predict_raw(&stream->model, stream->crew, data->features, data->n_rows, scores);
	probe_phase_end("predict", PROBE_UNKNOWN);
	return scores;
}

static double share_of_positives(const struct gbdt_data *data)
{
	double n = 0;
	for (size_t i = 0; i < data->n_rows; i++)
		n += (double)data->labels[i];
	return n / (double)data->n_rows;
}

void drift_stream_start(struct drift_stream *stream, struct gbdt_booster *booster,
			const struct gbdt_data *calibration, unsigned n_new_trees)
{
	double share = share_of_positives(booster->train);
	size_t n_rows = booster->train->n_rows;
	*stream = (struct drift_stream){ .crew = booster->crew,
					 .settings = booster->settings,
					 .model = booster->model,
					 .positive_weight = (1 - share) / fmax(share, 1e-9),
					 .n_new_trees = n_new_trees,
					 .buffer_rows = drift_buffer_rows(n_rows) };
	booster->model = (struct gbdt_model){ .loss = booster->model.loss };
	size_t n_features = booster->train->n_features;
	stream->buffer =
		(struct gbdt_data){ .n_features = n_features,
				    .features = allocate(stream->buffer_rows * n_features,
							 sizeof(float)),
				    .labels = allocate(stream->buffer_rows, sizeof(float)) };
	struct drift_watch_settings settings = drift_watch_usual(share, n_rows);
	float *scores = scores_of(stream, calibration);
	settings.quality = gbdt_pr_auc(scores, calibration->labels, calibration->n_rows);
	settings.vulnerability = fmax(
		vulnerability_of(stream, scores, calibration->labels, calibration->n_rows), 1e-6);
	free(scores);
	drift_watch_start(&stream->watch, &settings);
}

void drift_stream_free(struct drift_stream *stream)
{
	gbdt_model_free(&stream->model);
	gbdt_data_free(&stream->buffer);
	memset(stream, 0, sizeof *stream);
}

/* Rows of a ring; column-major with buffer_rows a column. */
static void remember(struct drift_stream *stream, const struct gbdt_data *batch)
{
	for (size_t row = 0; row < batch->n_rows; row++) {
		size_t place = stream->n_buffered++ % stream->buffer_rows;
		stream->buffer.labels[place] = batch->labels[row];
		for (size_t f = 0; f < batch->n_features; f++)
			stream->buffer.features[f * stream->buffer_rows + place] =
				batch->features[f * batch->n_rows + row];
	}
}

/* Every fifth row of the buffer apart. */
static void part_buffer(struct drift_stream *stream, struct gbdt_data *learned,
			struct gbdt_data *held_out)
{
	size_t n =
		stream->n_buffered < stream->buffer_rows ? stream->n_buffered : stream->buffer_rows;
	size_t n_learned = 0, n_held_out = 0;
	uint32_t *rows = allocate(2 * n, sizeof *rows);
	for (uint32_t row = 0; row < n; row++)
		if (row % HELD_OUT_EVERY == 0)
			rows[n + n_held_out++] = row;
		else
			rows[n_learned++] = row;
	stream->buffer.n_rows = stream->buffer_rows;
	gbdt_data_take(learned, &stream->buffer, rows, n_learned);
	gbdt_data_take(held_out, &stream->buffer, rows + n, n_held_out);
	free(rows);
}

static struct gbdt_booster_settings settings_of_change(const struct drift_stream *stream)
{
	struct gbdt_booster_settings settings = stream->settings;
	settings.grow.split.lambda *= LAMBDA_FACTOR;
	settings.grow.split.gamma *= GAMMA_FACTOR;
	settings.grow.learning_rate = fmin(settings.grow.learning_rate * RATE_FACTOR, MOST_RATE);
	settings.grow.seed += stream->n_metamorphoses + 1;
	settings.patience = 0;
	settings.check_every = stream->n_new_trees + 1;
	return settings;
}

/* Trees go over from one model to the other. */
static void move_trees(struct gbdt_model *to, struct gbdt_model *from)
{
	for (size_t i = 0; i < from->n_trees; i++)
		gbdt_model_add(to, &from->trees[i]);
	from->n_trees = 0;
}

bool drift_stream_change(struct drift_stream *stream)
{
	struct gbdt_data learned, held_out;
	struct gbdt_booster booster;
	struct gbdt_booster_settings settings = settings_of_change(stream);
	size_t n_trees = stream->model.n_trees;
	probe_phase_begin("metamorphosis");
	part_buffer(stream, &learned, &held_out);
	float *scores = scores_of(stream, &learned), *before = scores_of(stream, &held_out);
	gbdt_booster_start(&booster, &settings, stream->crew, &learned, &held_out);
	gbdt_booster_from(&booster, scores, before);
	for (unsigned i = 0; i < stream->n_new_trees; i++)
		gbdt_booster_round(&booster);
	double old = gbdt_pr_auc(before, held_out.labels, held_out.n_rows);
	double new = gbdt_pr_auc(booster.validation_scores, held_out.labels, held_out.n_rows);
	move_trees(&stream->model, &booster.model);
	bool is_better = new >= old;
	if (!is_better)
		gbdt_model_truncate(&stream->model, n_trees);
	stream->n_metamorphoses++;
	stream->n_rolled_back += !is_better;
	gbdt_booster_free(&booster);
	gbdt_data_free(&learned);
	gbdt_data_free(&held_out);
	free(scores);
	free(before);
	probe_phase_end("metamorphosis", PROBE_UNKNOWN);
	return is_better;
}

enum drift_state drift_stream_batch(struct drift_stream *stream, const struct gbdt_data *batch)
{
	float *scores = scores_of(stream, batch);
	double n = (double)batch->n_rows;
	probe_phase_begin("watch");
	stream->quality = gbdt_pr_auc(scores, batch->labels, batch->n_rows);
	unsigned at = stream->n_batches++ % 2; /* of two batches, PKBoost's 5000 rows */
	stream->window[at] = n * vulnerability_of(stream, scores, batch->labels, batch->n_rows);
	stream->rows_in_window[at] = n;
	stream->vulnerability = (stream->window[0] + stream->window[1]) /
				(stream->rows_in_window[0] + stream->rows_in_window[1]);
	free(scores);
	remember(stream, batch);
	enum drift_state state = drift_watch_check(&stream->watch, stream->quality,
						   stream->vulnerability, batch->n_rows);
	probe_phase_end("watch", PROBE_UNKNOWN);
	if (state != DRIFT_METAMORPHOSIS || stream->n_new_trees == 0)
		return state;
	drift_stream_change(stream);
	stream->rows_in_window[0] = stream->rows_in_window[1] = 0;
	stream->window[0] = stream->window[1] = 0;
	drift_watch_changed(&stream->watch);
	return state;
}
