/* Rounds and stopping. See gbdt_booster.h. */
#include "workloads/support/gbdt_booster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "sampler/base/why.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_metrics.h"

static const struct gbdt_quality NOT_MEASURED = { NAN, NAN, NAN, NAN, NAN, NAN };

/* PKBoost's: a smaller rise of the mean of three measures is chance. */
static const double LEAST_PROGRESS = 1e-5;

struct gbdt_quality gbdt_quality_of(const struct gbdt_loss *loss, struct crew *crew,
				    const float *scores, const float *labels, size_t n)
{
	struct gbdt_quality quality = NOT_MEASURED;
	quality.loss = gbdt_loss_mean(loss, crew, scores, labels, n);
	quality.score = -quality.loss;
	if (loss->kind == GBDT_LOSS_LOGISTIC) {
		quality.auc = gbdt_auc(scores, labels, n);
		quality.pr_auc = gbdt_pr_auc(scores, labels, n);
		quality.score = quality.pr_auc;
	} else if (loss->kind == GBDT_LOSS_SOFTMAX) {
		quality.accuracy = gbdt_accuracy(scores, labels, n, loss->n_classes);
		quality.score = quality.accuracy;
	} else if (loss->kind != GBDT_LOSS_POISSON) {
		quality.rmse = gbdt_rmse(scores, labels, n);
	}
	return quality;
}

void gbdt_booster_start(struct gbdt_booster *booster, const struct gbdt_booster_settings *settings,
			struct crew *crew, const struct gbdt_data *train,
			const struct gbdt_data *validation)
{
	size_t n_classes = settings->loss.n_classes;
	*booster = (struct gbdt_booster){ .settings = *settings,
					  .crew = crew,
					  .train = train,
					  .validation = validation,
					  .quality = NOT_MEASURED,
					  .best_score = -INFINITY };
	probe_phase_begin("bin features");
	gbdt_cuts_make(&booster->cuts, crew, train->features, train->n_rows, train->n_features,
		       &settings->cuts);
	gbdt_bins_make(&booster->bins, crew, &booster->cuts, train->features, train->n_rows,
		       settings->together);
	/* Trees are walked by columns. */
	gbdt_bins_make(&booster->validation_bins, crew, &booster->cuts, validation->features,
		       validation->n_rows, 1);
	probe_phase_end("bin features", PROBE_UNKNOWN);
	gbdt_gradients_new(&booster->gradients, train->n_rows);
	booster->grower = gbdt_grower_new(&booster->bins, train->labels, crew, &settings->grow);
	booster->model.loss = settings->loss;
	booster->model.n_features = train->n_features;
	if (!settings->starts_at_zero)
		gbdt_loss_base(&settings->loss, train->labels, train->n_rows, booster->model.base);
	booster->scores = allocate(n_classes * train->n_rows, sizeof(float));
	booster->validation_scores = allocate(n_classes * validation->n_rows, sizeof(float));
	gbdt_model_start(&booster->model, train->n_rows, booster->scores);
	gbdt_model_start(&booster->model, validation->n_rows, booster->validation_scores);
}

void gbdt_booster_from(struct gbdt_booster *booster, const float *scores,
		       const float *validation_scores)
{
	size_t n_classes = booster->settings.loss.n_classes;
	memset(booster->model.base, 0, sizeof booster->model.base);
	memcpy(booster->scores, scores, n_classes * booster->train->n_rows * sizeof(float));
	memcpy(booster->validation_scores, validation_scores,
	       n_classes * booster->validation->n_rows * sizeof(float));
}

void gbdt_booster_free(struct gbdt_booster *booster)
{
	gbdt_grower_free(booster->grower);
	gbdt_gradients_free(&booster->gradients);
	gbdt_bins_free(&booster->bins);
	gbdt_bins_free(&booster->validation_bins);
	gbdt_cuts_free(&booster->cuts);
	gbdt_model_free(&booster->model);
	free(booster->scores);
	free(booster->validation_scores);
	memset(booster, 0, sizeof *booster);
}

static void add_tree(struct gbdt_booster *booster, unsigned class)
{
	struct gbdt_tree tree;
	struct gbdt_gradient_inputs inputs = {
		.loss = &booster->settings.loss,
		.class = class,
		.scores = booster->scores + class * booster->train->n_rows,
		.labels = booster->train->labels,
		.simd = booster->settings.grow.split.simd,
		.seed = (uint32_t)booster->model.n_trees * 0x85ebca6bU,
	};
	probe_phase_begin("gradients");
	gbdt_gradients_compute(&booster->gradients, booster->crew, &inputs);
	probe_phase_end("gradients", PROBE_UNKNOWN);
	gbdt_grow(booster->grower, &booster->gradients, &tree);
	gbdt_model_add(&booster->model, &tree);
	probe_phase_begin("predict");
	gbdt_grower_score(booster->grower, &tree, booster->settings.walk,
			  booster->scores + class * booster->train->n_rows);
	gbdt_predict(&tree, &booster->validation_bins, booster->crew, booster->settings.walk,
		     booster->validation_scores + class * booster->validation->n_rows);
	probe_phase_end("predict", PROBE_UNKNOWN);
}

void gbdt_booster_measure(struct gbdt_booster *booster)
{
	probe_phase_begin("evaluate");
	booster->quality =
		gbdt_quality_of(&booster->settings.loss, booster->crew, booster->validation_scores,
				booster->validation->labels, booster->validation->n_rows);
	probe_phase_end("evaluate", PROBE_UNKNOWN);
}

/* The mean of three measures is what must rise; the trees of the best are kept. */
static void consider_stopping(struct gbdt_booster *booster)
{
	double mean = 0;
	gbdt_booster_measure(booster);
	booster->recent[booster->n_checks++ % 3] = booster->quality.score;
	unsigned n = booster->n_checks < 3 ? booster->n_checks : 3;
	for (unsigned i = 0; i < n; i++)
		mean += booster->recent[i] / n;
	if (mean > booster->best_score + LEAST_PROGRESS) {
		booster->best_score = mean;
		booster->best_rounds = booster->n_rounds;
	} else if (booster->settings.patience > 0 &&
		   booster->n_rounds >= booster->best_rounds + booster->settings.patience) {
		booster->is_stopped = true;
		gbdt_model_truncate(&booster->model,
				    booster->best_rounds * booster->settings.loss.n_classes);
	}
}

/* After trees were dropped the scores are those of the others. */
static void score_anew(struct gbdt_booster *booster)
{
	gbdt_model_predict(&booster->model, &booster->bins, booster->crew, booster->settings.walk,
			   booster->scores);
	gbdt_model_predict(&booster->model, &booster->validation_bins, booster->crew,
			   booster->settings.walk, booster->validation_scores);
	gbdt_booster_measure(booster);
}

bool gbdt_booster_round(struct gbdt_booster *booster)
{
	unsigned n_classes = booster->settings.loss.n_classes;
	if (booster->is_stopped)
		return false;
	if (booster->settings.loss.kind == GBDT_LOSS_SOFTMAX)
		gbdt_gradients_normalize(&booster->gradients, booster->crew,
					 &booster->settings.loss, booster->scores);
	for (unsigned class = 0; class < n_classes; class ++)
		add_tree(booster, class);
	booster->n_rounds++;
	if (booster->n_rounds % booster->settings.check_every == 0) {
		consider_stopping(booster);
		if (booster->is_stopped)
			score_anew(booster);
	}
	return !booster->is_stopped;
}
