/*
 * Gradient boosting with logistic loss on data whose best possible AUC is known. A unit of work is
 * one tree.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_data.h"
#include "workloads/support/gbdt_tree.h"
#include "workloads/workload.h"

enum { ROWS, FEATURES, ROUNDS, DEPTH, BINS, RATE, LAMBDA, THREADS, SEED };

/* Trees on 28 features cannot learn a smooth product exactly: 100 rounds come within 0.02 of the
 * generator's own AUC on 20,000 rows and more, and within 0.08 on 4,000. */
static const double AUC_SLACK = 0.05, AUC_SLACK_OF_FEW_ROWS = 0.15;
enum { MANY_ROWS = 20000 };
static const uint64_t ROUNDS_BEFORE_AUC_COUNTS = 100;
/* Sums of 10^5 doubles differ by their order in the twelfth place. */
static const double SUBTRACTION_TOLERANCE = 1e-9;
static const double VALIDATION_SHARE = 0.2;

struct state {
	struct crew *crew;
	struct gbdt_data train, validation;
	struct gbdt_bins bins, validation_bins;
	struct gbdt_grower *grower;
	struct gbdt_gradient *gradients;
	float *scores, *validation_scores;
	float base_score;
	struct gbdt_tree *trees;
	uint64_t n_trees, n_wanted;
	double first_loss, loss, best_auc, auc, ceiling_auc;
	bool has_loss_risen;
};

static void gradients_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	size_t from, to;
	crew_part(state->train.n_rows, share, n_shares, &from, &to);
	for (size_t row = from; row < to; row++) {
		float p = 1 / (1 + expf(-state->scores[row]));
		state->gradients[row].gradient = p - state->train.labels[row];
		state->gradients[row].hessian = p * (1 - p);
	}
}

/* Mean logistic loss, written so that large scores do not overflow. */
static double log_loss(const float *scores, const float *labels, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		double score = scores[i];
		sum += fmax(score, 0) - score * labels[i] + log1p(exp(-fabs(score)));
	}
	return sum / (double)n;
}

static void start_scores(struct state *state)
{
	double positives = 0;
	for (size_t row = 0; row < state->train.n_rows; row++)
		positives += state->train.labels[row];
	double ratio = (positives + 1) / ((double)state->train.n_rows + 2);
	state->base_score = (float)log(ratio / (1 - ratio));
	for (size_t row = 0; row < state->train.n_rows; row++)
		state->scores[row] = state->base_score;
	for (size_t row = 0; row < state->validation.n_rows; row++)
		state->validation_scores[row] = state->base_score;
	state->first_loss = state->loss =
		log_loss(state->scores, state->train.labels, state->train.n_rows);
}

static void make_data(struct state *state, const struct setting *settings)
{
	size_t n_rows = (size_t)settings[ROWS].number,
	       n_features = (size_t)settings[FEATURES].number;
	uint64_t seed = (uint64_t)settings[SEED].number;
	probe_phase_begin("generate");
	gbdt_data_make(&state->train, n_rows, n_features, seed);
	gbdt_data_make(&state->validation, (size_t)((double)n_rows * VALIDATION_SHARE) + 100,
		       n_features, seed + 1);
	state->ceiling_auc = gbdt_auc(state->validation.true_score, state->validation.labels,
				      state->validation.n_rows);
	probe_phase_end("generate", PROBE_UNKNOWN);
	probe_quality("auc possible", state->ceiling_auc);
}

static void make_bins(struct state *state, const struct setting *settings)
{
	probe_phase_begin("bin features");
	gbdt_bins_make(&state->bins, state->crew, state->train.features, state->train.n_rows,
		       state->train.n_features, (size_t)settings[BINS].number);
	gbdt_bins_apply(&state->validation_bins, state->crew, &state->bins,
			state->validation.features, state->validation.n_rows);
	probe_phase_end("bin features", PROBE_UNKNOWN);
}

static void *gbdt_prepare(const struct setting *settings, struct why *why)
{
	(void)why;
	struct state *state = allocate(1, sizeof *state);
	struct gbdt_settings grow = { .depth = (unsigned)settings[DEPTH].number,
				      .lambda = settings[LAMBDA].number,
				      .least_hessian = 1,
				      .learning_rate = settings[RATE].number };
	state->crew = crew_new((unsigned)settings[THREADS].number, "gbdt");
	make_data(state, settings);
	make_bins(state, settings);
	state->grower = gbdt_grower_new(&state->bins, state->crew, &grow);
	state->gradients = allocate(state->train.n_rows, sizeof *state->gradients);
	state->scores = allocate(state->train.n_rows, sizeof(float));
	state->validation_scores = allocate(state->validation.n_rows, sizeof(float));
	state->n_wanted = (uint64_t)settings[ROUNDS].number;
	state->trees = allocate(state->n_wanted, sizeof *state->trees);
	start_scores(state);
	return state;
}

static struct work gbdt_work(const void *opaque)
{
	const struct state *state = opaque;
	double n = (double)gbdt_grower_updates(state->grower);
	return (struct work){ .flops = 2 * n, .bytes = 45 * n, .items = n };
}

static void report(struct state *state)
{
	size_t n = state->validation.n_rows;
	double loss = log_loss(state->scores, state->train.labels, state->train.n_rows);
	/* Newton steps with a small rate lower the training loss at every tree. */
	state->has_loss_risen |= loss > state->loss * (1 + 1e-6);
	state->loss = loss;
	state->auc = gbdt_auc(state->validation_scores, state->validation.labels, n);
	state->best_auc = fmax(state->best_auc, state->auc);
	probe_quality("loss", loss);
	probe_quality("auc", state->auc);
	probe_progress((double)state->n_trees / (double)state->n_wanted);
	struct work work = gbdt_work(state);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
}

static bool gbdt_run(void *opaque)
{
	struct state *state = opaque;
	struct gbdt_tree *tree = &state->trees[state->n_trees];
	probe_phase_begin("gradients");
	crew_run(state->crew, gradients_share, state);
	probe_phase_end("gradients", PROBE_UNKNOWN);
	gbdt_grow(state->grower, state->gradients, tree);
	state->n_trees++;
	probe_phase_begin("predict");
	gbdt_predict(tree, &state->bins, state->crew, state->scores);
	gbdt_predict(tree, &state->validation_bins, state->crew, state->validation_scores);
	probe_phase_end("predict", PROBE_UNKNOWN);
	/* Sorting the validation scores costs a tenth of a tree, so not after each one. */
	if (state->n_trees % 5 == 0 || state->n_trees == state->n_wanted) {
		probe_phase_begin("evaluate");
		report(state);
		probe_phase_end("evaluate", PROBE_UNKNOWN);
	}
	return state->n_trees < state->n_wanted;
}

/* The stored trees, applied anew, must give the scores that training has kept. */
static bool check_scores(struct state *state, struct why *why)
{
	size_t n = state->validation.n_rows;
	float *scores = allocate(n, sizeof(float));
	for (size_t row = 0; row < n; row++)
		scores[row] = state->base_score;
	for (uint64_t i = 0; i < state->n_trees; i++)
		gbdt_predict(&state->trees[i], &state->validation_bins, state->crew, scores);
	bool is_same = memcmp(scores, state->validation_scores, n * sizeof(float)) == 0;
	free(scores);
	return is_same || why_fail(why, "gbdt: the stored trees do not give the trained scores.");
}

static bool gbdt_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	double difference = gbdt_grower_check(state->grower);
	double slack = state->train.n_rows >= MANY_ROWS ? AUC_SLACK : AUC_SLACK_OF_FEW_ROWS;
	if (state->n_trees == 0)
		return true;
	report(state);
	if (difference > SUBTRACTION_TOLERANCE)
		return why_fail(why, "gbdt: a subtracted histogram is off by %g.", difference);
	if (state->has_loss_risen || !(state->loss < state->first_loss))
		return why_fail(why, "gbdt: the training loss did not fall at every tree.");
	if (state->n_trees >= ROUNDS_BEFORE_AUC_COUNTS &&
	    !(state->auc > state->ceiling_auc - slack))
		return why_fail(why, "gbdt: AUC %.4f is too far below the possible %.4f.",
				state->auc, state->ceiling_auc);
	return check_scores(state, why);
}

static void gbdt_finish(void *opaque)
{
	struct state *state = opaque;
	crew_free(state->crew);
	gbdt_grower_free(state->grower);
	gbdt_bins_free(&state->bins);
	gbdt_bins_free(&state->validation_bins);
	gbdt_data_free(&state->train);
	gbdt_data_free(&state->validation);
	free(state->gradients);
	free(state->scores);
	free(state->validation_scores);
	free(state->trees);
	free(state);
}

static const struct parameter parameters[] = {
	[ROWS] = { "rows", "training rows (S 20k, M 200k, L 2m)", PARAMETER_INTEGER, "200k", 100,
		   5e7, NULL },
	[FEATURES] = { "features", "columns, six of which matter", PARAMETER_INTEGER, "28", 6, 1000,
		       NULL },
	[ROUNDS] = { "rounds", "trees", PARAMETER_INTEGER, "2000", 1, 20000, NULL },
	[DEPTH] = { "depth", "of a tree", PARAMETER_INTEGER, "6", 1, 8, NULL },
	[BINS] = { "bins", "a feature", PARAMETER_INTEGER, "64", 2, 256, NULL },
	[RATE] = { "rate", "learning rate", PARAMETER_REAL, "0.1", 0.0001, 0.3, NULL },
	[LAMBDA] = { "lambda", "L2 penalty on leaves", PARAMETER_REAL, "1", 0, 1e6, NULL },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[SEED] = { "seed", "of the data", PARAMETER_INTEGER, "42", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_gbdt = {
	.name = "gbdt",
	.summary = "histogram gradient boosting: trees on generated data, AUC against the best "
		   "possible",
	.teaches =
		"Nearly all time goes to build_histogram: for each row of a node, read its bin and "
		"add its gradient there. The bins of one feature fit the first-level cache, the "
		"rows do not: below the root they are visited in an order that only the tree "
		"knows. Fewer bins or rows= that fit the cache make it faster; the sibling's "
		"histogram comes free by subtraction, and partition_rows shows what a branch that "
		"nobody can predict would cost.",
	.source = "Chen and Guestrin, XGBoost (KDD 2016); Ke et al., LightGBM (NIPS 2017)",
	.parameters = parameters,
	.prepare = gbdt_prepare,
	.run = gbdt_run,
	.verify = gbdt_verify,
	.work = gbdt_work,
	.finish = gbdt_finish,
};
