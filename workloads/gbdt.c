/*
 * Gradient boosting: on generated data whose best possible result is known, or on any table of
 * numbers. A unit of work is one round: a tree, or one for each class. With a model loaded it is
 * one prediction of all rows.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_booster.h"
#include "workloads/support/gbdt_input.h"
#include "workloads/support/gbdt_metrics.h"
#include "workloads/support/gbdt_selfcheck.h"
#include "workloads/support/gbdt_tuner.h"
#include "workloads/workload.h"

enum {
	ROWS,
	FEATURES,
	CLASSES,
	LOST,
	DATA,
	LABEL,
	VALIDATE,
	LOSS,
	WEIGHT,
	DELTA,
	ROUNDS,
	RATE,
	GROWTH,
	DEPTH,
	LEAVES,
	BINS,
	EDGES,
	MISSING,
	LAMBDA,
	GAMMA,
	CHILD,
	ENTROPY,
	INFORMATION,
	ROW_SHARE,
	COLUMN_SHARE,
	STOP,
	TUNE,
	ORDER,
	TOGETHER,
	HISTOGRAM,
	SIMD,
	PARTITION,
	WALK,
	MEMORY,
	POOL,
	THREADS,
	SAVE,
	LOAD,
	PREDICTIONS,
	SEED
};

/* Trees on 28 features cannot learn a smooth product exactly: 100 rounds come within 0.02 of the
 * generator's own AUC on 20,000 rows and more, and within 0.08 on 4,000. */
static const double AUC_SLACK = 0.05, AUC_SLACK_OF_FEW_ROWS = 0.15;
enum { MANY_ROWS = 20000 };
static const uint64_t ROUNDS_BEFORE_AUC_COUNTS = 100;
static const double VALIDATION_SHARE = 0.2;
/* Sorting the validation scores costs a tenth of a tree, so not after each one. */
enum { CHECK_EVERY = 5 };

struct state {
	struct crew *crew;
	struct gbdt_data train, validation;
	struct gbdt_booster booster;
	struct gbdt_model loaded; /* trees to predict with, instead of training */
	float *loaded_scores;
	uint64_t n_wanted, n_passes;
	double first_loss, loss, ceiling_auc;
	bool must_fall; /* the training loss, at every tree */
	bool has_risen, checks_auc;
	char *save_path, *predictions_path;
	struct why failure; /* of saving */
};

static bool is_generated(const struct setting *settings)
{
	return settings[DATA].text[0] == '\0';
}

static struct gbdt_loss loss_of(const struct setting *settings)
{
	struct gbdt_loss loss = { .kind = (enum gbdt_loss_kind)settings[LOSS].choice,
				  .positive_weight = 1,
				  .delta = (float)settings[DELTA].number,
				  .n_classes = 1 };
	if (loss.kind == GBDT_LOSS_SOFTMAX)
		loss.n_classes = is_generated(settings) ? (unsigned)settings[CLASSES].number : 0;
	return loss;
}

static void make_data(struct state *state, const struct setting *settings,
		      const struct gbdt_loss *loss)
{
	struct gbdt_data_settings data = { .n_rows = (size_t)settings[ROWS].number,
					   .n_features = (size_t)settings[FEATURES].number,
					   .loss = loss->kind,
					   .n_classes = loss->n_classes,
					   .missing_share = settings[LOST].number,
					   .seed = (uint64_t)settings[SEED].number };
	probe_phase_begin("generate");
	gbdt_data_make(&state->train, &data);
	if (settings[ORDER].choice == 1)
		gbdt_data_sort(&state->train);
	data.n_rows = (size_t)((double)data.n_rows * VALIDATION_SHARE) + 100;
	data.seed++;
	gbdt_data_make(&state->validation, &data);
	probe_phase_end("generate", PROBE_UNKNOWN);
	if (loss->kind != GBDT_LOSS_LOGISTIC)
		return;
	state->ceiling_auc = gbdt_auc(state->validation.true_score, state->validation.labels,
				      state->validation.n_rows);
	probe_quality("auc possible", state->ceiling_auc);
}

static bool read_data(struct state *state, const struct setting *settings, struct gbdt_loss *loss,
		      struct why *why)
{
	const char *label = settings[LABEL].text, *validate = settings[VALIDATE].text;
	if (!gbdt_input_read(&state->train, settings[DATA].text, label, loss, why))
		return false;
	if (!validate[0]) {
		size_t n = (size_t)((double)state->train.n_rows * VALIDATION_SHARE);
		gbdt_data_split(&state->train, &state->validation, n > 0 ? n : 1,
				(uint64_t)settings[SEED].number);
	} else if (!gbdt_input_read(&state->validation, validate, label, loss, why)) {
		return false;
	} else if (state->train.n_features != state->validation.n_features) {
		return why_fail(why, "%s has %zu features, %s has %zu.", settings[DATA].text,
				state->train.n_features, validate, state->validation.n_features);
	}
	if (settings[ORDER].choice == 1)
		gbdt_data_sort(&state->train);
	return true;
}

static struct gbdt_booster_settings booster_settings(const struct setting *settings,
						     const struct gbdt_loss *loss)
{
	static const unsigned together[] = { 16, 4, 1 };
	struct gbdt_booster_settings booster = {
		.loss = *loss,
		.cuts = { .n_bins = (unsigned)settings[BINS].number,
			  .edges = (enum gbdt_edges)settings[EDGES].choice,
			  .missing = (enum gbdt_missing)settings[MISSING].choice },
		.together = together[settings[TOGETHER].choice],
		.walk = (enum gbdt_walk)settings[WALK].choice,
		.check_every = CHECK_EVERY,
		.patience = (unsigned)settings[STOP].number,
	};
	booster.grow = (struct gbdt_grow_settings){
		.split = { .lambda = settings[LAMBDA].number,
			   .gamma = settings[GAMMA].number,
			   .least_hessian = settings[CHILD].number,
			   .entropy = (enum gbdt_entropy)settings[ENTROPY].choice,
			   .information_weight = settings[INFORMATION].number },
		.depth = (unsigned)settings[DEPTH].number,
		.n_leaves = (unsigned)settings[LEAVES].number,
		.growth = (enum gbdt_growth)settings[GROWTH].choice,
		.learning_rate = settings[RATE].number,
		.row_share = settings[ROW_SHARE].number,
		.column_share = settings[COLUMN_SHARE].number,
		.method = (enum gbdt_method)settings[HISTOGRAM].choice,
		.memory = (enum gbdt_memory)settings[MEMORY].choice,
		.is_partition_branchy = settings[PARTITION].choice == 1,
		.seed = (uint64_t)settings[SEED].number,
	};
	return booster;
}

/* By levels without a bound, by leaves LightGBM's usual number. */
static void bound_leaves(struct gbdt_booster_settings *booster)
{
	enum { USUAL_LEAVES = 31 };
	if (booster->grow.growth == GBDT_GROWTH_LEAF && booster->grow.n_leaves == 0)
		booster->grow.n_leaves = USUAL_LEAVES;
}

/* What of the result is known beforehand. */
static void expect(struct state *state, const struct setting *settings,
		   const struct gbdt_booster_settings *booster)
{
	enum gbdt_loss_kind kind = booster->loss.kind;
	bool is_whole = booster->grow.row_share == 1 && booster->grow.column_share == 1;
	/* Newton steps with a small rate lower these losses at every tree. */
	state->must_fall = is_whole && kind <= GBDT_LOSS_HUBER;
	state->checks_auc = is_generated(settings) && kind == GBDT_LOSS_LOGISTIC &&
			    settings[TUNE].choice == 0 && settings[BINS].number >= 32 &&
			    settings[DEPTH].number >= 4 && settings[RATE].number >= 0.05 &&
			    settings[FEATURES].number <= 100 && settings[LOST].number == 0 &&
			    settings[ROW_SHARE].number >= 0.5 &&
			    settings[COLUMN_SHARE].number >= 0.5 && settings[LAMBDA].number <= 10 &&
			    settings[GAMMA].number <= 1 && settings[CHILD].number <= 10 &&
			    settings[INFORMATION].number <= 1 &&
			    (settings[LEAVES].number == 0 || settings[LEAVES].number >= 16);
}

static bool start_training(struct state *state, const struct setting *settings,
			   struct gbdt_loss *loss, struct why *why)
{
	if (loss->kind != GBDT_LOSS_LOGISTIC &&
	    (settings[TUNE].choice == 1 || settings[ENTROPY].choice != GBDT_ENTROPY_OFF))
		return why_fail(why, "tune= and entropy= are for loss=logistic.");
	if (loss->kind == GBDT_LOSS_LOGISTIC)
		loss->positive_weight =
			settings[WEIGHT].number > 0
				? (float)settings[WEIGHT].number
				: gbdt_loss_weight(state->train.labels, state->train.n_rows);
	struct gbdt_booster_settings booster = booster_settings(settings, loss);
	state->n_wanted = (uint64_t)settings[ROUNDS].number;
	if (!gbdt_simd_resolve(&booster.grow.split.simd))
		return why_fail(why, "This CPU cannot run simd=%s; choose another or auto.",
				settings[SIMD].text);
	if (settings[TUNE].choice == 1)
		state->n_wanted = gbdt_tune(&booster, &state->train);
	bound_leaves(&booster);
	expect(state, settings, &booster);
	gbdt_booster_start(&state->booster, &booster, state->crew, &state->train,
			   &state->validation);
	state->first_loss = state->loss =
		gbdt_loss_mean(&booster.loss, state->crew, state->booster.scores,
			       state->train.labels, state->train.n_rows);
	return true;
}

/* Rows to predict: of the file, or generated ones. */
static bool start_predicting(struct state *state, const struct setting *settings, struct why *why)
{
	if (!gbdt_model_load(&state->loaded, settings[LOAD].text, why))
		return false;
	size_t n_features = state->loaded.n_features;
	state->n_wanted = (uint64_t)settings[ROUNDS].number;
	if (is_generated(settings)) {
		if (n_features != (size_t)settings[FEATURES].number ||
		    state->loaded.loss.n_classes > 1)
			return why_fail(why,
					"%s was trained on %zu features; give data= with as many "
					"columns.",
					settings[LOAD].text, n_features);
		make_data(state, settings, &state->loaded.loss);
	} else if (!gbdt_input_read_features(&state->validation, settings[DATA].text, n_features,
					     why)) {
		return false;
	}
	state->loaded_scores =
		allocate(state->validation.n_rows * state->loaded.loss.n_classes, sizeof(float));
	return true;
}

static bool check_choices(const struct setting *settings, struct why *why)
{
	enum gbdt_method method = (enum gbdt_method)settings[HISTOGRAM].choice;
	if (method != GBDT_METHOD_AUTO && !gbdt_method_usable(method))
		return why_fail(why, "This CPU cannot run histogram=%s; choose another or auto.",
				settings[HISTOGRAM].text);
	return true;
}

static void gbdt_finish(void *opaque);

static void *gbdt_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct gbdt_loss loss = loss_of(settings);
	bool is_loading = settings[LOAD].text[0] != '\0', is_good = check_choices(settings, why);
	state->crew = crew_new_waiting((unsigned)settings[THREADS].number, "gbdt",
				       (enum crew_waits)settings[POOL].choice);
	state->save_path = settings[SAVE].text[0] ? strdup(settings[SAVE].text) : NULL;
	state->predictions_path =
		settings[PREDICTIONS].text[0] ? strdup(settings[PREDICTIONS].text) : NULL;
	if (is_good && is_loading) {
		is_good = start_predicting(state, settings, why);
	} else if (is_good) {
		if (is_generated(settings))
			make_data(state, settings, &loss);
		else
			is_good = read_data(state, settings, &loss, why);
		is_good = is_good && start_training(state, settings, &loss, why);
	}
	if (is_good)
		return state;
	gbdt_finish(state);
	return NULL;
}

static struct work gbdt_work(const void *opaque)
{
	const struct state *state = opaque;
	if (state->loaded.n_features > 0) {
		double n = (double)state->n_passes * (double)state->validation.n_rows;
		return (struct work){ 0, n * (double)state->loaded.n_features * sizeof(float), n };
	}
	struct gbdt_grow_work work = gbdt_grower_work(state->booster.grower);
	double n = (double)work.n_updates;
	return (struct work){ 2 * n, 17 * n + 8 * (double)work.n_visits, n };
}

static void tell(const char *name, double value)
{
	if (!isnan(value))
		probe_quality(name, value);
}

static void report(struct state *state)
{
	struct gbdt_booster *booster = &state->booster;
	double loss = gbdt_loss_mean(&booster->settings.loss, state->crew, booster->scores,
				     state->train.labels, state->train.n_rows);
	if (!booster->is_stopped) /* then trees are dropped */
		state->has_risen |= loss > state->loss * (1 + 1e-6);
	state->loss = loss;
	tell("loss", loss);
	tell("auc", booster->quality.auc);
	tell("pr auc", booster->quality.pr_auc);
	tell("accuracy", booster->quality.accuracy);
	tell("rmse", booster->quality.rmse);
	probe_progress((double)booster->n_rounds / (double)state->n_wanted);
	struct work work = gbdt_work(state);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
}

/* One line a row: what the score stands for, one column a class. */
static bool write_predictions(const struct state *state, const struct gbdt_loss *loss,
			      const float *scores, struct why *why)
{
	size_t n = state->validation.n_rows;
	FILE *file = fopen(state->predictions_path, "w");
	if (!file)
		return why_fail(why, "Cannot write %s: %s.", state->predictions_path,
				strerror(errno));
	for (size_t row = 0; row < n; row++)
		for (unsigned class = 0; class < loss->n_classes; class ++)
			fprintf(file, "%.9g%c",
				gbdt_loss_transform(loss, (double)scores[class * n + row]),
				class + 1 < loss->n_classes ? ',' : '\n');
	bool has_failed = ferror(file) != 0;
	has_failed |= fclose(file) != 0;
	return !has_failed ||
	       why_fail(why, "Cannot write %s: %s.", state->predictions_path, strerror(errno));
}

static void write_files(struct state *state)
{
	bool is_loaded = state->loaded.n_features > 0;
	const struct gbdt_model *model = is_loaded ? &state->loaded : &state->booster.model;
	const float *scores = is_loaded ? state->loaded_scores : state->booster.validation_scores;
	if (state->save_path && !gbdt_model_save(model, state->save_path, &state->failure))
		return;
	if (state->predictions_path)
		write_predictions(state, &model->loss, scores, &state->failure);
}

static bool predict_once(struct state *state)
{
	const struct gbdt_data *data = &state->validation;
	probe_phase_begin("predict");
	gbdt_model_predict_raw(&state->loaded, state->crew, data->features, data->n_rows,
			       state->loaded_scores);
	probe_phase_end("predict", PROBE_UNKNOWN);
	state->n_passes++;
	probe_progress((double)state->n_passes / (double)state->n_wanted);
	struct work work = gbdt_work(state);
	probe_work((struct probe_work){ 0, work.bytes, work.items });
	if (data->labels && state->n_passes == 1) {
		struct gbdt_quality quality =
			gbdt_quality_of(&state->loaded.loss, state->crew, state->loaded_scores,
					data->labels, data->n_rows);
		tell("auc", quality.auc);
		tell("pr auc", quality.pr_auc);
		tell("accuracy", quality.accuracy);
	}
	if (state->n_passes < state->n_wanted)
		return true;
	write_files(state);
	return false;
}

static bool gbdt_run(void *opaque)
{
	struct state *state = opaque;
	struct gbdt_booster *booster = &state->booster;
	if (state->loaded.n_features > 0)
		return predict_once(state);
	bool goes_on = gbdt_booster_round(booster) && booster->n_rounds < state->n_wanted;
	if (!goes_on)
		gbdt_booster_measure(booster);
	if (!goes_on || booster->n_rounds % CHECK_EVERY == 0)
		report(state);
	if (!goes_on)
		write_files(state);
	return goes_on;
}

/* The stored trees, applied anew to bins and to raw values, must give the scores of training. */
static bool check_scores(struct state *state, struct why *why)
{
	struct gbdt_booster *booster = &state->booster;
	size_t n = state->validation.n_rows * booster->model.loss.n_classes;
	float *scores = allocate(n, sizeof(float));
	gbdt_model_predict(&booster->model, &booster->validation_bins, state->crew,
			   booster->settings.walk, scores);
	bool is_same = memcmp(scores, booster->validation_scores, n * sizeof(float)) == 0;
	gbdt_model_predict_raw(&booster->model, state->crew, state->validation.features,
			       state->validation.n_rows, scores);
	bool is_same_raw = memcmp(scores, booster->validation_scores, n * sizeof(float)) == 0;
	free(scores);
	if (!is_same)
		return why_fail(why, "gbdt: the stored trees do not give the trained scores.");
	return is_same_raw || why_fail(why, "gbdt: raw values do not go where their bins go.");
}

static bool check_quality(struct state *state, struct why *why)
{
	double slack = state->train.n_rows >= MANY_ROWS ? AUC_SLACK : AUC_SLACK_OF_FEW_ROWS;
	if (state->must_fall && (state->has_risen || !(state->loss < state->first_loss)))
		return why_fail(why, "gbdt: the training loss did not fall at every tree.");
	if (state->checks_auc && state->booster.n_rounds >= ROUNDS_BEFORE_AUC_COUNTS &&
	    !(state->booster.quality.auc > state->ceiling_auc - slack))
		return why_fail(why, "gbdt: AUC %.4f is too far below the possible %.4f.",
				state->booster.quality.auc, state->ceiling_auc);
	return true;
}

static void print_quality(const struct state *state)
{
	const struct gbdt_booster *booster = &state->booster;
	const struct gbdt_quality *quality = &booster->quality;
	printf("gbdt: %zu trees, histograms %s, training loss %.5f", booster->model.n_trees,
	       gbdt_method_name(gbdt_grower_method(booster->grower)), state->loss);
	if (!isnan(quality->auc))
		printf(", AUC %.4f, PR-AUC %.4f", quality->auc, quality->pr_auc);
	if (!isnan(quality->accuracy))
		printf(", accuracy %.4f", quality->accuracy);
	if (!isnan(quality->rmse))
		printf(", RMSE %.4f", quality->rmse);
	printf(" on %zu other rows\n", state->validation.n_rows);
}

static bool gbdt_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	struct gbdt_booster *booster = &state->booster;
	if (state->failure.text[0])
		return why_fail(why, "%s", state->failure.text);
	if (state->loaded.n_features > 0 || booster->n_rounds == 0)
		return true;
	gbdt_booster_measure(booster);
	report(state);
	if (!booster->is_stopped && /* else the tree grown last is gone */
	    !gbdt_grower_check(booster->grower, &booster->model.trees[booster->model.n_trees - 1],
			       why))
		return false;
	if (!check_quality(state, why) || !check_scores(state, why) ||
	    !gbdt_selfcheck(state->crew, why))
		return false;
	print_quality(state);
	return true;
}

static void gbdt_finish(void *opaque)
{
	struct state *state = opaque;
	gbdt_booster_free(&state->booster);
	gbdt_model_free(&state->loaded);
	gbdt_data_free(&state->train);
	gbdt_data_free(&state->validation);
	crew_free(state->crew);
	free(state->loaded_scores);
	free(state->save_path);
	free(state->predictions_path);
	free(state);
}

static const struct parameter parameters[] = {
	[ROWS] = { "rows", "training rows (S 20k, M 200k, L 2m: 1, 10, 100 MB of bins)",
		   PARAMETER_INTEGER, "200k", 100, 5e7, NULL },
	[FEATURES] = { "features", "columns, six of which matter", PARAMETER_INTEGER, "28", 6, 1000,
		       NULL },
	[CLASSES] = { "classes", "of generated data for loss=softmax", PARAMETER_INTEGER, "5", 2,
		      64, NULL },
	[LOST] = { "lost", "share of generated values that are missing", PARAMETER_REAL, "0", 0,
		   0.9, NULL },
	[DATA] = { "data", "a CSV file to learn from instead", PARAMETER_TEXT, "", 0, 0, NULL },
	[LABEL] = { "label", "its label's column, by name or number; else the last", PARAMETER_TEXT,
		    "", 0, 0, NULL },
	[VALIDATE] = { "validate", "a CSV file to measure on; else a fifth of the rows",
		       PARAMETER_TEXT, "", 0, 0, NULL },
	[LOSS] = { "loss", "what is minimised", PARAMETER_CHOICE, "logistic", 0, 0,
		   GBDT_LOSS_CHOICES },
	[WEIGHT] = { "weight", "of positive rows; 0 = sqrt(negatives / positives), at most 8",
		     PARAMETER_REAL, "1", 0, 1e6, NULL },
	[DELTA] = { "delta", "huber: distances beyond count once", PARAMETER_REAL, "1", 1e-6, 1e6,
		    NULL },
	[ROUNDS] = { "rounds", "trees a class; with load=, passes", PARAMETER_INTEGER, "2000", 1,
		     20000, NULL },
	[RATE] = { "rate", "learning rate", PARAMETER_REAL, "0.1", 0.0001, 0.3, NULL },
	[GROWTH] = { "growth", "by levels or the best leaf first", PARAMETER_CHOICE, "depth", 0, 0,
		     "depth|leaf" },
	[DEPTH] = { "depth", "of a tree", PARAMETER_INTEGER, "6", 1, 8, NULL },
	[LEAVES] = { "leaves", "of a tree at most; 0 = by the depth, or 31 by growth=leaf",
		     PARAMETER_INTEGER, "0", 0, 256, NULL },
	[BINS] = { "bins", "a feature: 8 bytes each while summed (16 x 256: more than the L1)",
		   PARAMETER_INTEGER, "64", 2, 256, NULL },
	[EDGES] = { "edges", "of bins: rows alike, or half of them for the outer fifth",
		    PARAMETER_CHOICE, "even", 0, 0, "even|tails" },
	[MISSING] = { "missing", "values: a side learned at each split, or the median",
		      PARAMETER_CHOICE, "learn", 0, 0, "learn|median" },
	[LAMBDA] = { "lambda", "L2 penalty on leaves", PARAMETER_REAL, "1", 0, 1e6, NULL },
	[GAMMA] = { "gamma", "gain that a split must bring", PARAMETER_REAL, "0", 0, 1e6, NULL },
	[CHILD] = { "child", "least sum of hessians in a leaf", PARAMETER_REAL, "1", 0, 1e6, NULL },
	[ENTROPY] = { "entropy", "information gain beside the loss's (a second histogram)",
		      PARAMETER_CHOICE, "off", 0, 0, GBDT_ENTROPY_CHOICES },
	[INFORMATION] = { "information", "weight of entropy=", PARAMETER_REAL, "0.1", 0, 1e3,
			  NULL },
	[ROW_SHARE] = { "row_share", "of rows drawn for each tree", PARAMETER_REAL, "1", 0.01, 1,
			NULL },
	[COLUMN_SHARE] = { "column_share", "of features drawn for each tree", PARAMETER_REAL, "1",
			   0.01, 1, NULL },
	[STOP] = { "stop", "after so many rounds without a better PR-AUC; 0 = never",
		   PARAMETER_INTEGER, "0", 0, 20000, NULL },
	[TUNE] = { "tune", "settings from the data, as PKBoost does", PARAMETER_CHOICE, "off", 0, 0,
		   "off|paper" },
	[ORDER] = { "order", "of rows: sorted by feature 0, neighbours hit the same bin",
		    PARAMETER_CHOICE, "shuffled", 0, 0, "shuffled|sorted" },
	[TOGETHER] = { "together", "features a pass over the rows; 1 = by columns",
		       PARAMETER_CHOICE, "16", 0, 0, "16|4|1" },
	[HISTOGRAM] = { "histogram", "how a bin is updated; auto = timed at the start",
			PARAMETER_CHOICE, "auto", 0, 0, GBDT_METHOD_CHOICES },
	[SIMD] = { "simd", "of all other loops", PARAMETER_CHOICE, "auto", 0, 0,
		   GBDT_SIMD_CHOICES },
	[PARTITION] = { "partition", "of rows: arithmetic or a branch nobody can predict",
			PARAMETER_CHOICE, "branchless", 0, 0, "branchless|branchy" },
	[WALK] = { "walk", "down a tree: arithmetic or branches", PARAMETER_CHOICE, "branchless", 0,
		   0, "branchless|branchy" },
	[MEMORY] = { "memory", "of histograms: kept, or taken and freed each node",
		     PARAMETER_CHOICE, "pool", 0, 0, "pool|malloc" },
	[POOL] = { "pool", "how threads wait: asleep or spinning", PARAMETER_CHOICE, "futex", 0, 0,
		   "futex|spin" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[SAVE] = { "save", "the model to this file when done", PARAMETER_TEXT, "", 0, 0, NULL },
	[LOAD] = { "load", "a model and only predict", PARAMETER_TEXT, "", 0, 0, NULL },
	[PREDICTIONS] = { "predictions", "of the rows measured on, to this file", PARAMETER_TEXT,
			  "", 0, 0, NULL },
	[SEED] = { "seed", "of data and samples", PARAMETER_INTEGER, "42", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_gbdt = {
	.name = "gbdt",
	.summary = "histogram gradient boosting: trees on generated data, AUC against the best "
		   "possible, or on any CSV file",
	.teaches =
		"Most time goes to build_histogram: for each row of a node, read its bins and add "
		"its gradient to each. Gradients are whole numbers, so sums are exact and the "
		"sibling's histogram comes free by subtraction. Each switch changes one thing: "
		"bins=256 leaves the first-level cache, together=1 reads a row's gradient once a "
		"feature instead of once in sixteen, order=sorted together=1 makes each addition "
		"wait for the last, histogram= and simd= change instructions, partition=branchy "
		"and walk=branchy bring branches that nobody can predict, memory=malloc page "
		"faults, pool=spin threads that burn a CPU in wait_spinning without working, "
		"entropy= a second histogram. Below the root rows are visited in an order that "
		"only the tree knows, so rows= beyond the caches costs most there.",
	.source = "Chen and Guestrin, XGBoost (KDD 2016); Ke et al., LightGBM (NIPS 2017); Shi et "
		  "al., quantized training (NeurIPS 2022); PKBoost",
	.parameters = parameters,
	.prepare = gbdt_prepare,
	.run = gbdt_run,
	.verify = gbdt_verify,
	.work = gbdt_work,
	.finish = gbdt_finish,
};
