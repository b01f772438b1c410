/* Boosting: measures of quality, losses, trees, samples and stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fixture_boosting.h"
#include "tests/fixture_stride.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_histogram.h"
#include "workloads/support/gbdt_metrics.h"
#include "workloads/support/gbdt_tuner.h"
#include "workloads/support/random.h"

/* ---- measures */

static void auc_is_the_share_of_right_pairs(void **state)
{
	const float labels[] = { 0, 0, 1, 1 };
	const float perfect[] = { 1, 2, 3, 4 }, worst[] = { 4, 3, 2, 1 }, ties[] = { 1, 1, 1, 1 };
	const float half[] = { 1, 3, 2, 4 }, zeros[] = { -0.0F, 0.0F, 0.0F, -0.0F };
	(void)state;
	assert_float_equal(gbdt_auc(perfect, labels, 4), 1, 1e-12);
	assert_float_equal(gbdt_auc(worst, labels, 4), 0, 1e-12);
	assert_float_equal(gbdt_auc(ties, labels, 4), 0.5, 1e-12);
	assert_float_equal(gbdt_auc(half, labels, 4), 0.75, 1e-12);
	assert_float_equal(gbdt_auc(zeros, labels, 4), 0.5, 1e-12);
}

static void auc_agrees_with_all_pairs(void **state)
{
	enum { N = 300 };
	struct random random = { 3 };
	float scores[N], labels[N];
	double right = 0, pairs = 0;
	(void)state;
	for (int i = 0; i < N; i++) {
		scores[i] = (float)(random_bits(&random) % 40) - 20; /* many ties, both signs */
		labels[i] = (float)(random_bits(&random) % 4 == 0);
	}
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			if (labels[i] > labels[j]) {
				pairs++;
				right += scores[i] > scores[j]    ? 1
					 : scores[i] == scores[j] ? 0.5
								  : 0;
			}
	assert_float_equal(gbdt_auc(scores, labels, N), right / pairs, 1e-12);
}

/* Worked by hand: the mean over positives of the precision at their score. */
static void pr_auc_is_average_precision(void **state)
{
	const float labels[] = { 1, 0, 1, 0 };
	const float order[] = { 4, 3, 2, 1 };   /* (1/1 + 2/3) / 2 */
	const float tied[] = { 3, 3, 1, 2 };    /* (1/2 + 2/4) / 2 */
	const float reverse[] = { 1, 2, 3, 4 }; /* 0 1 0 1 from below: (1/2 + 2/4) / 2 */
	const float same[] = { 7, 7, 7, 7 };    /* the share of positives */
	(void)state;
	assert_float_equal(gbdt_pr_auc(order, labels, 4), (1 + 2.0 / 3) / 2, 1e-12);
	assert_float_equal(gbdt_pr_auc(tied, labels, 4), 0.5, 1e-12);
	assert_float_equal(gbdt_pr_auc(reverse, labels, 4), 0.5, 1e-12);
	assert_float_equal(gbdt_pr_auc(same, labels, 4), 0.5, 1e-12);
}

/* ---- losses */

/* Derivatives by differences, in double, of the loss in double. */
static void differentiate(const struct gbdt_loss *loss, const float *scores, size_t n, size_t row,
			  unsigned class, double label, double *first, double *second)
{
	const double step = 1e-4;
	double at[3], values[3];
	for (int i = 0; i < 3; i++) {
		for (unsigned k = 0; k < loss->n_classes; k++)
			at[k] = (double)scores[k * n + row];
		at[class] += (i - 1) * step;
		values[i] = gbdt_loss_of(loss, at, label);
	}
	*first = (values[2] - values[0]) / (2 * step);
	*second = (values[2] - 2 * values[1] + values[0]) / (step * step);
}

static void derivatives_agree_with_differences(void **state)
{
	enum { N = 37, MOST = 3 * N };
	struct crew *crew = crew_new(2, "t");
	(void)state;
	for (size_t kind = 0; kind < TRIAL_LOSSES; kind++) {
		struct gbdt_loss loss = trial_loss(trial_losses[kind]);
		struct gbdt_gradients gradients;
		float scores[MOST], labels[N];
		struct random random = { kind };
		for (int i = 0; i < MOST; i++)
			scores[i] = (float)(4 * random_unit(&random) - 2);
		for (int i = 0; i < N; i++)
			labels[i] =
				(float)(random_bits(&random) % (trial_losses[kind] == 0 ? 2 : 3));
		gbdt_gradients_new(&gradients, N);
		if (loss.kind == GBDT_LOSS_SOFTMAX)
			gbdt_gradients_normalize(&gradients, crew, &loss, scores);
		for (unsigned class = 0; class < loss.n_classes; class ++) {
			struct gbdt_gradient_inputs inputs = { .loss = &loss,
							       .class = class,
							       .scores = scores + class * N,
							       .labels = labels,
							       .simd = GBDT_SIMD_SCALAR };
			gbdt_gradients_compute(&gradients, crew, &inputs);
			for (size_t row = 0; row < N; row++) {
				double first, second;
				differentiate(&loss, scores, N, row, class, (double)labels[row],
					      &first, &second);
				assert_float_equal(gradients.gradient[row], first, 1e-5);
				double distance = fabs((double)scores[row] - (double)labels[row]);
				/* Beyond delta, the parabola that touches the loss. */
				if (loss.kind == GBDT_LOSS_HUBER && distance > 0.69)
					second = fmin(1, 0.7 / distance);
				assert_float_equal(gradients.hessian[row], second, 1e-4);
			}
		}
		gbdt_gradients_free(&gradients);
	}
	crew_free(crew);
}

/* The same bits by all instructions, and whole multiples of the unit that are not biased. */
static void gradients_are_rounded_without_bias(void **state)
{
	enum { N = 100003 };
	struct crew *crew = crew_new(2, "t");
	struct gbdt_loss loss = trial_loss(GBDT_LOSS_LOGISTIC);
	struct gbdt_gradients reference, other;
	float *scores = calloc(N, sizeof *scores), *labels = calloc(N, sizeof *labels);
	struct random random = { 8 };
	double sum = 0, rounded = 0, size = 0;
	(void)state;
	for (int i = 0; i < N; i++) {
		scores[i] = (float)(6 * random_normal(&random));
		labels[i] = (float)(random_bits(&random) % 2);
	}
	gbdt_gradients_new(&reference, N);
	gbdt_gradients_new(&other, N);
	struct gbdt_gradient_inputs inputs = { .loss = &loss,
					       .scores = scores,
					       .labels = labels,
					       .simd = GBDT_SIMD_SCALAR,
					       .seed = 5 };
	gbdt_gradients_compute(&reference, crew, &inputs);
	for (int simd = GBDT_SIMD_AVX2; simd <= GBDT_SIMD_AVX512; simd++) {
		enum gbdt_simd resolved = (enum gbdt_simd)simd;
		if (!gbdt_simd_resolve(&resolved)) {
			print_message("SKIP simd %d: this CPU cannot run it\n", simd);
			continue;
		}
		inputs.simd = resolved;
		gbdt_gradients_compute(&other, crew, &inputs);
		assert_memory_equal(reference.pairs, other.pairs, N * sizeof(uint32_t));
	}
	for (int i = 0; i < N; i++) {
		double value = ((int32_t)reference.pairs[i] >> 16) * reference.gradient_unit;
		assert_true(fabs(value - (double)reference.gradient[i]) <
			    1.001 * reference.gradient_unit);
		sum += (double)reference.gradient[i];
		rounded += value;
		size += reference.gradient_unit;
	}
	/* Each is off by less than a unit; without bias the sum of n is off by about sqrt(n / 8).
	 */
	assert_true(fabs(sum - rounded) < size / N * 4 * sqrt(N / 8.0) + size / 256);
	gbdt_gradients_free(&reference);
	gbdt_gradients_free(&other);
	free(scores);
	free(labels);
	crew_free(crew);
}

/* ---- trees */

/* One change each, none of which may change the trees. */
static void trees_do_not_depend_on_how(void **state)
{
	enum { ROWS = FIXTURE_LENGTH(40000, 8000) };
	struct trial reference;
	struct gbdt_booster_settings settings = trial_settings(GBDT_LOSS_LOGISTIC);
	(void)state;
	settings.grow.row_share = 0.7;
	settings.grow.column_share = 0.6;
	trial_start(&reference, &settings, ROWS, 0.05, 1);
	for (int round = 0; round < 3; round++)
		gbdt_booster_round(&reference.booster);
	trial_check_tree(&reference);
	assert_true(reference.booster.model.trees[0].n_nodes > 30);
	for (int change = 0; change < 7; change++) {
		struct trial trial;
		struct gbdt_booster_settings other = settings;
		other.together = change == 0 ? 1 : change == 1 ? 4 : 16;
		other.grow.method = change == 2 ? GBDT_METHOD_SCALAR : GBDT_METHOD_AUTO;
		other.grow.memory = change == 3 ? GBDT_MEMORY_MALLOC : GBDT_MEMORY_POOL;
		other.grow.is_partition_branchy = change == 4;
		other.grow.split.simd = change == 5 ? GBDT_SIMD_SCALAR : settings.grow.split.simd;
		other.walk = change == 6 ? GBDT_WALK_BRANCHY : GBDT_WALK_BRANCHLESS;
		trial_start(&trial, &other, ROWS, 0.05, 1 + (unsigned)change);
		for (int round = 0; round < 3; round++)
			gbdt_booster_round(&trial.booster);
		trial_same_models(&reference.booster.model, &trial.booster.model);
		assert_memory_equal(reference.booster.scores, trial.booster.scores,
				    ROWS * sizeof(float));
		trial_end(&trial);
	}
	trial_end(&reference);
}

static unsigned leaves_of(const struct gbdt_tree *tree)
{
	return (tree->n_nodes + 1) / 2;
}

static void both_growths_are_right(void **state)
{
	struct trial by_level, by_leaf;
	struct gbdt_booster_settings settings = trial_settings(GBDT_LOSS_LOGISTIC);
	(void)state;
	settings.grow.depth = 4;
	trial_start(&by_level, &settings, 20000, 0, 2);
	settings.grow.growth =
		GBDT_GROWTH_LEAF; /* without a bound the same leaves, in another order */
	trial_start(&by_leaf, &settings, 20000, 0, 2);
	gbdt_booster_round(&by_level.booster);
	gbdt_booster_round(&by_leaf.booster);
	assert_int_equal(leaves_of(&by_level.booster.model.trees[0]),
			 leaves_of(&by_leaf.booster.model.trees[0]));
	assert_memory_equal(by_level.booster.scores, by_leaf.booster.scores, 20000 * sizeof(float));
	trial_end(&by_level);
	trial_end(&by_leaf);
	settings.grow.depth = 8;
	settings.grow.n_leaves = 16;
	trial_start(&by_leaf, &settings, 20000, 0, 2);
	settings.grow.depth = 4;
	settings.grow.growth = GBDT_GROWTH_DEPTH;
	trial_start(&by_level, &settings, 20000, 0, 2);
	gbdt_booster_round(&by_level.booster);
	gbdt_booster_round(&by_leaf.booster);
	assert_int_equal(leaves_of(&by_leaf.booster.model.trees[0]), 16);
	assert_true(by_leaf.booster.model.trees[0].depth > 4);
	trial_check_tree(&by_leaf);
	trial_check_tree(&by_level);
	/* With as many leaves, the best first serve the training loss better. */
	assert_true(gbdt_loss_mean(&settings.loss, NULL, by_leaf.booster.scores,
				   by_leaf.train.labels, 20000) <=
		    gbdt_loss_mean(&settings.loss, NULL, by_level.booster.scores,
				   by_level.train.labels, 20000));
	trial_end(&by_level);
	trial_end(&by_leaf);
}

enum { LEARNED_ROUNDS = FIXTURE_LENGTH(30, 8) };
static const double LEARNED_RATIO = FIXTURE_LENGTH(0.9, 0.98);

static void every_loss_is_learned(void **state)
{
	(void)state;
	for (size_t i = 0; i < TRIAL_LOSSES; i++) {
		struct trial trial;
		struct gbdt_booster_settings settings = trial_settings(trial_losses[i]);
		settings.grow.split.entropy = i == 0 ? GBDT_ENTROPY_PER_SAMPLE : GBDT_ENTROPY_OFF;
		settings.grow.split.information_weight = 0.1;
		trial_start(&trial, &settings, 6000, 0, 2);
		double first = gbdt_loss_mean(&settings.loss, NULL, trial.booster.validation_scores,
					      trial.validation.labels, 2000);
		double before = INFINITY;
		for (int round = 0; round < LEARNED_ROUNDS; round++) {
			gbdt_booster_round(&trial.booster);
			trial_check_tree(&trial);
			double now = gbdt_loss_mean(&settings.loss, trial.crew,
						    trial.booster.scores, trial.train.labels, 6000);
			assert_true(now < before);
			before = now;
		}
		gbdt_booster_measure(&trial.booster);
		assert_true(trial.booster.quality.loss < LEARNED_RATIO * first);
		trial_end(&trial);
	}
}

/* Half of the values of the column that decides are missing, and most of those rows positive. */
static void missing_values_find_their_side(void **state)
{
	enum { ROWS = 4000 };
	struct trial trial;
	struct gbdt_booster_settings settings = trial_settings(GBDT_LOSS_LOGISTIC);
	struct random random = { 1 };
	float *features = calloc(ROWS * 2, sizeof *features),
	      *labels = calloc(ROWS, sizeof *labels);
	struct gbdt_data data = {
		.n_rows = ROWS, .n_features = 2, .features = features, .labels = labels
	};
	double quality[2];
	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		bool is_missing = row % 2;
		features[row] = is_missing ? NAN : (float)random_unit(&random);
		features[ROWS + row] = (float)random_unit(&random);
		labels[row] = is_missing ? row % 10 != 1 : features[row] > 0.9F;
	}
	trial.crew = crew_new(2, "t");
	for (int missing = 0; missing < 2; missing++) {
		settings.cuts.missing = (enum gbdt_missing)missing;
		settings.grow.depth = 2;
		gbdt_booster_start(&trial.booster, &settings, trial.crew, &data, &data);
		gbdt_booster_round(&trial.booster);
		trial_check_tree(&trial);
		gbdt_booster_measure(&trial.booster);
		quality[missing] = trial.booster.quality.auc;
		float scores[ROWS];
		gbdt_model_predict_raw(&trial.booster.model, trial.crew, features, ROWS, scores);
		assert_memory_equal(scores, trial.booster.validation_scores, sizeof scores);
		gbdt_booster_free(&trial.booster);
	}
	/* 0.919 if an edge of a bin lay at 0.9, where the labels turn. */
	assert_true(quality[GBDT_MISSING_LEARN] > 0.9);
	assert_true(quality[GBDT_MISSING_MEDIAN] < quality[GBDT_MISSING_LEARN]);
	crew_free(trial.crew);
	free(features);
	free(labels);
}

static void training_stops_at_its_best(void **state)
{
	enum { PATIENCE = FIXTURE_LENGTH(30, 8) };
	struct trial trial;
	struct gbdt_booster_settings settings = trial_settings(GBDT_LOSS_LOGISTIC);
	size_t n = 0;
	(void)state;
	settings.patience = PATIENCE;
	settings.grow.learning_rate = 0.3;
	settings.grow.depth = FIXTURE_LENGTH(6, 4);
	trial_start(&trial, &settings, 3000, 0, 2);
	while (n < 1000 && gbdt_booster_round(&trial.booster))
		n++;
	assert_true(n > PATIENCE && n < 1000);
	assert_true(trial.booster.is_stopped);
	assert_int_equal(trial.booster.model.n_trees, trial.booster.best_rounds);
	assert_true(trial.booster.best_rounds + PATIENCE <= n + 1);
	float *scores = calloc(2000, sizeof *scores);
	gbdt_model_predict(&trial.booster.model, &trial.booster.validation_bins, trial.crew,
			   GBDT_WALK_BRANCHY, scores);
	assert_memory_equal(scores, trial.booster.validation_scores, 2000 * sizeof *scores);
	assert_false(gbdt_booster_round(&trial.booster));
	free(scores);
	trial_end(&trial);
}

/* PKBoost's headline set: 170,884 x 30 with 0.17 % positives. */
static void tuner_gives_the_authors_settings(void **state)
{
	enum { ROWS = 170884 };
	struct gbdt_booster_settings settings = trial_settings(GBDT_LOSS_LOGISTIC);
	float *labels = calloc(ROWS, sizeof *labels);
	struct gbdt_data data = { .n_rows = ROWS, .n_features = 30, .labels = labels };
	(void)state;
	for (int i = 0; i < 290; i++)
		labels[i] = 1;
	assert_int_equal(gbdt_tune(&settings, &data), 2000);
	assert_float_equal(settings.grow.learning_rate, 0.0255, 1e-9);
	assert_int_equal(settings.grow.depth, 4);
	assert_float_equal(settings.grow.split.lambda, 0.5477, 1e-4);
	assert_float_equal(settings.grow.split.least_hessian, 2.9, 1e-9);
	assert_float_equal(settings.loss.positive_weight, 8, 1e-6);
	assert_int_equal(settings.patience, 120);
	free(labels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auc_is_the_share_of_right_pairs),
		cmocka_unit_test(auc_agrees_with_all_pairs),
		cmocka_unit_test(pr_auc_is_average_precision),
		cmocka_unit_test(derivatives_agree_with_differences),
		cmocka_unit_test(gradients_are_rounded_without_bias),
		cmocka_unit_test(trees_do_not_depend_on_how),
		cmocka_unit_test(both_growths_are_right),
		cmocka_unit_test(every_loss_is_learned),
		cmocka_unit_test(missing_values_find_their_side),
		cmocka_unit_test(training_stops_at_its_best),
		cmocka_unit_test(tuner_gives_the_authors_settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
