/* See fixture_boosting.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fixture_boosting.h"
#include "workloads/support/crew.h"

const enum gbdt_loss_kind trial_losses[TRIAL_LOSSES] = { GBDT_LOSS_LOGISTIC, GBDT_LOSS_SQUARED,
							 GBDT_LOSS_HUBER, GBDT_LOSS_POISSON,
							 GBDT_LOSS_SOFTMAX };

struct gbdt_loss trial_loss(enum gbdt_loss_kind kind)
{
	return (struct gbdt_loss){ .kind = kind,
				   .positive_weight = 3,
				   .delta = 0.7F,
				   .n_classes = kind == GBDT_LOSS_SOFTMAX ? 3 : 1 };
}

struct gbdt_booster_settings trial_settings(enum gbdt_loss_kind kind)
{
	struct gbdt_booster_settings settings = {
		.loss = trial_loss(kind),
		.cuts = { 64, GBDT_EDGES_EVEN, GBDT_MISSING_LEARN },
		.grow = { .split = { .lambda = 1, .least_hessian = 1 },
			  .depth = 5,
			  .learning_rate = 0.1,
			  .row_share = 1,
			  .column_share = 1,
			  .method = GBDT_METHOD_PACKED },
		.together = 16,
		.check_every = 5,
	};
	gbdt_simd_resolve(&settings.grow.split.simd);
	return settings;
}

void trial_start(struct trial *trial, const struct gbdt_booster_settings *settings, size_t n_rows,
		 double lost, unsigned n_threads)
{
	struct gbdt_data_settings data = { .n_rows = n_rows,
					   .n_features = 20,
					   .loss = settings->loss.kind,
					   .n_classes = settings->loss.n_classes,
					   .missing_share = lost,
					   .seed = 7 };
	gbdt_data_make(&trial->train, &data);
	data.n_rows = 2000;
	data.seed = 8;
	gbdt_data_make(&trial->validation, &data);
	trial->crew = crew_new_waiting(n_threads, "t", n_threads % 2 ? CREW_SLEEPS : CREW_SPINS);
	gbdt_booster_start(&trial->booster, settings, trial->crew, &trial->train,
			   &trial->validation);
}

void trial_end(struct trial *trial)
{
	gbdt_booster_free(&trial->booster);
	gbdt_data_free(&trial->train);
	gbdt_data_free(&trial->validation);
	crew_free(trial->crew);
}

void trial_same_models(const struct gbdt_model *a, const struct gbdt_model *b)
{
	assert_int_equal(a->n_trees, b->n_trees);
	assert_memory_equal(a->base, b->base, sizeof a->base);
	for (size_t i = 0; i < a->n_trees; i++) {
		assert_int_equal(a->trees[i].n_nodes, b->trees[i].n_nodes);
		assert_memory_equal(a->trees[i].nodes, b->trees[i].nodes,
				    a->trees[i].n_nodes * sizeof *a->trees[i].nodes);
	}
}

void trial_check_tree(const struct trial *trial)
{
	struct why why;
	const struct gbdt_model *model = &trial->booster.model;
	if (!gbdt_grower_check(trial->booster.grower, &model->trees[model->n_trees - 1], &why))
		fail_msg("%s", why.text);
}
