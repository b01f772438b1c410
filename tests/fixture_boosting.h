/*
 * fixture_boosting: a booster on generated data, and checks of it.
 */
#ifndef TESTS_FIXTURE_BOOSTING_H
#define TESTS_FIXTURE_BOOSTING_H

#include "workloads/support/gbdt_booster.h"

enum { TRIAL_LOSSES = 5, TRIAL_VALIDATION_ROWS = 2000 };
extern const enum gbdt_loss_kind trial_losses[TRIAL_LOSSES];

struct trial {
	struct gbdt_data train, validation;
	struct gbdt_booster booster;
	struct crew *crew;
};

/* trial_loss: with a weight, a delta and three classes. trial_settings: of a usual training. */
struct gbdt_loss trial_loss(enum gbdt_loss_kind kind);
struct gbdt_booster_settings trial_settings(enum gbdt_loss_kind kind);

/* trial_start: 20 features; lost = share of missing values. */
void trial_start(struct trial *trial, const struct gbdt_booster_settings *settings, size_t n_rows,
		 double lost, unsigned n_threads);
void trial_end(struct trial *trial);

/* Fail the test unless all trees are equal, or unless the tree grown last is right. */
void trial_same_models(const struct gbdt_model *a, const struct gbdt_model *b);
void trial_check_tree(const struct trial *trial);

#endif
