/*
 * gbdt_booster: a model in training: a round fits one tree a class to the derivatives of the loss
 * at the scores of the moment. Stops when rows that it does not learn from are served no better.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_BOOSTER_H
#define WORKLOADS_SUPPORT_GBDT_BOOSTER_H

#include "workloads/support/gbdt_data.h"
#include "workloads/support/gbdt_grow.h"
#include "workloads/support/gbdt_model.h"

struct gbdt_booster_settings {
	struct gbdt_loss loss;
	struct gbdt_cut_settings cuts;
	struct gbdt_grow_settings grow;
	unsigned together; /* features a pass of the histogram; 1 = columns */
	enum gbdt_walk walk;
	bool starts_at_zero;  /* else at the labels' mean */
	unsigned check_every; /* rounds between measures of the validation rows */
	unsigned patience;    /* rounds without progress after which to stop; 0 = never */
};

/* Measured on validation rows. The first is what stopping follows; larger is better. */
struct gbdt_quality {
	double score;       /* PR-AUC; accuracy of classes; minus the loss of the others */
	double pr_auc, auc; /* logistic; else NaN */
	double accuracy;    /* softmax; else NaN */
	double rmse, loss;
};

struct gbdt_booster {
	struct gbdt_booster_settings settings;
	struct crew *crew;
	const struct gbdt_data *train, *validation;
	struct gbdt_cuts cuts;
	struct gbdt_bins bins, validation_bins;
	struct gbdt_gradients gradients;
	struct gbdt_grower *grower;
	struct gbdt_model model;
	float *scores, *validation_scores; /* [class][row] */
	size_t n_rounds;
	struct gbdt_quality quality; /* at the last check; NaN before the first */
	double recent[3];            /* scores of the last checks */
	unsigned n_checks;
	double best_score; /* mean of three */
	size_t best_rounds;
	bool is_stopped;
};

/*
 * gbdt_booster_start: bins of both sets, first scores; all but settings is
 * borrowed.
 */
void gbdt_booster_start(struct gbdt_booster *booster, const struct gbdt_booster_settings *settings,
			struct crew *crew, const struct gbdt_data *train,
			const struct gbdt_data *validation);
void gbdt_booster_free(struct gbdt_booster *booster);

/* gbdt_booster_from: start from these scores instead ([class][row], each set's); base becomes 0. */
void gbdt_booster_from(struct gbdt_booster *booster, const float *scores,
		       const float *validation_scores);

/* gbdt_booster_round: one more tree a class; false once stopping has come. */
bool gbdt_booster_round(struct gbdt_booster *booster);

/* gbdt_booster_measure: into quality. */
void gbdt_booster_measure(struct gbdt_booster *booster);

/* gbdt_quality_of: of scores [class][row]. */
struct gbdt_quality gbdt_quality_of(const struct gbdt_loss *loss, struct crew *crew,
				    const float *scores, const float *labels, size_t n);

#endif
