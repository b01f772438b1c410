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
#include "workloads/support/gbdt_settings.h"
#include "workloads/support/gbdt_tuner.h"
#include "workloads/workload.h"

/* Trees on 28 features cannot learn a smooth product exactly: 100 rounds come within 0.02 of the
 * generator's own AUC on 20,000 rows and more, and within 0.08 on 4,000. */
static const double AUC_SLACK = 0.05, AUC_SLACK_OF_FEW_ROWS = 0.15;
enum { MANY_ROWS = 20000, FEW_ROWS = 4000 };
static const uint64_t ROUNDS_BEFORE_AUC_COUNTS = 100;
static const double VALIDATION_SHARE = 0.2;
/* What gradients rounded to 16 bits leave of a loss that has fallen as far as it can. */
static const double LEAST_RISE = 1e-6;
/* With a smaller penalty, or a larger weight, a leaf of rows that were thought sure and are not
 * takes a step past its goal. */
static const double LEAST_LAMBDA = 0.1, MOST_WEIGHT = 100;

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
};

static void make_data(struct state *state, const struct setting *settings,
		      const struct gbdt_loss *loss)
{
	struct gbdt_data_settings data = { .n_rows = (size_t)settings[GBDT_SET_ROWS].number,
					   .n_features = (size_t)settings[GBDT_SET_FEATURES].number,
					   .loss = loss->kind,
					   .n_classes = loss->n_classes,
					   .missing_share = settings[GBDT_SET_LOST].number,
					   .seed = (uint64_t)settings[GBDT_SET_SEED].number };
	probe_phase_begin("generate");
	gbdt_data_make(&state->train, &data);
	if (settings[GBDT_SET_ORDER].choice == 1)
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
	const char *label = settings[GBDT_SET_LABEL].text, *data = settings[GBDT_SET_DATA].text,
		   *validate = settings[GBDT_SET_VALIDATE].text;
	if (!gbdt_input_read(&state->train, data, label, loss, why))
		return false;
	if (!validate[0]) {
		size_t n = (size_t)((double)state->train.n_rows * VALIDATION_SHARE);
		gbdt_data_split(&state->train, &state->validation, n > 0 ? n : 1,
				(uint64_t)settings[GBDT_SET_SEED].number);
	} else if (!gbdt_input_read(&state->validation, validate, label, loss, why) ||
		   !gbdt_input_same(&state->train, &state->validation, data, validate, why)) {
		return false;
	}
	if (settings[GBDT_SET_ORDER].choice == 1)
		gbdt_data_sort(&state->train);
	return true;
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
	state->must_fall = is_whole && kind <= GBDT_LOSS_HUBER &&
			   booster->grow.split.lambda >= LEAST_LAMBDA &&
			   (double)booster->loss.positive_weight <= MOST_WEIGHT;
	state->checks_auc =
		gbdt_settings_generate(settings) && kind == GBDT_LOSS_LOGISTIC &&
		settings[GBDT_SET_ROWS].number >= FEW_ROWS && settings[GBDT_SET_TUNE].choice == 0 &&
		settings[GBDT_SET_BINS].number >= 32 && settings[GBDT_SET_DEPTH].number >= 4 &&
		settings[GBDT_SET_RATE].number >= 0.05 &&
		settings[GBDT_SET_FEATURES].number <= 100 && settings[GBDT_SET_LOST].number == 0 &&
		settings[GBDT_SET_ROW_SHARE].number >= 0.5 &&
		settings[GBDT_SET_COLUMN_SHARE].number >= 0.5 &&
		settings[GBDT_SET_LAMBDA].number <= 10 && settings[GBDT_SET_GAMMA].number <= 1 &&
		settings[GBDT_SET_CHILD].number <= 10 &&
		settings[GBDT_SET_INFORMATION].number <= 1 &&
		(settings[GBDT_SET_LEAVES].number == 0 || settings[GBDT_SET_LEAVES].number >= 16);
}

/* Without positives there is no PR-AUC: every model would be as good as none. */
static bool can_stop(const struct gbdt_booster_settings *booster, const struct gbdt_data *data,
		     struct why *why)
{
	bool has_positives = booster->loss.kind != GBDT_LOSS_LOGISTIC || booster->patience == 0;
	for (size_t row = 0; row < data->n_rows && !has_positives; row++)
		has_positives = data->labels[row] > 0;
	return has_positives ||
	       why_fail(why,
			"stop= and tune=paper follow the PR-AUC, and none of the %zu rows to "
			"measure on is positive; give more rows, validate= or another seed=.",
			data->n_rows);
}

static bool start_training(struct state *state, const struct setting *settings,
			   struct gbdt_loss *loss, struct why *why)
{
	if (loss->kind != GBDT_LOSS_LOGISTIC &&
	    (settings[GBDT_SET_TUNE].choice == 1 ||
	     settings[GBDT_SET_ENTROPY].choice != GBDT_ENTROPY_OFF))
		return why_fail(why, "tune= and entropy= are for loss=logistic.");
	if (loss->kind == GBDT_LOSS_LOGISTIC)
		loss->positive_weight =
			settings[GBDT_SET_WEIGHT].number > 0
				? (float)settings[GBDT_SET_WEIGHT].number
				: gbdt_loss_weight(state->train.labels, state->train.n_rows);
	struct gbdt_booster_settings booster = gbdt_settings_booster(settings, loss);
	state->n_wanted = (uint64_t)settings[GBDT_SET_ROUNDS].number;
	if (!gbdt_simd_resolve(&booster.grow.split.simd))
		return why_fail(why, "This CPU cannot run simd=%s; choose another or auto.",
				settings[GBDT_SET_SIMD].text);
	if (settings[GBDT_SET_TUNE].choice == 1)
		state->n_wanted = gbdt_tune(&booster, &state->train);
	if (!can_stop(&booster, &state->validation, why))
		return false;
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
	const char *path = settings[GBDT_SET_LOAD].text;
	struct gbdt_model *model = &state->loaded;
	if (!gbdt_model_load(model, path, why))
		return false;
	state->n_wanted = (uint64_t)settings[GBDT_SET_ROUNDS].number;
	if (!gbdt_settings_generate(settings)) {
		if (!gbdt_input_read_features(&state->validation, settings[GBDT_SET_DATA].text,
					      settings[GBDT_SET_LABEL].text, &model->loss,
					      model->n_features, why))
			return false;
	} else if (model->n_features != (size_t)settings[GBDT_SET_FEATURES].number) {
		return why_fail(why,
				"%s was trained on %zu features; give data= with as many columns.",
				path, model->n_features);
	} else {
		make_data(state, settings, &model->loss);
	}
	state->loaded_scores =
		allocate(state->validation.n_rows * model->loss.n_classes, sizeof(float));
	return true;
}

static bool check_choices(const struct setting *settings, struct why *why)
{
	enum gbdt_method method = (enum gbdt_method)settings[GBDT_SET_HISTOGRAM].choice;
	if (method != GBDT_METHOD_AUTO && !gbdt_method_usable(method))
		return why_fail(why, "This CPU cannot run histogram=%s; choose another or auto.",
				settings[GBDT_SET_HISTOGRAM].text);
	if (gbdt_settings_generate(settings) &&
	    (settings[GBDT_SET_LABEL].text[0] || settings[GBDT_SET_VALIDATE].text[0]))
		return why_fail(why, "label= and validate= go with data=FILE; give it.");
	return true;
}

static void gbdt_finish(void *opaque);

static void *gbdt_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct gbdt_loss loss = gbdt_settings_loss(settings);
	bool is_loading = settings[GBDT_SET_LOAD].text[0] != '\0',
	     is_good = check_choices(settings, why);
	state->crew = crew_new_waiting((unsigned)settings[GBDT_SET_THREADS].number, "gbdt",
				       (enum crew_waits)settings[GBDT_SET_POOL].choice);
	state->save_path =
		settings[GBDT_SET_SAVE].text[0] ? strdup(settings[GBDT_SET_SAVE].text) : NULL;
	state->predictions_path = settings[GBDT_SET_PREDICTIONS].text[0]
					  ? strdup(settings[GBDT_SET_PREDICTIONS].text)
					  : NULL;
	if (is_good && is_loading) {
		is_good = start_predicting(state, settings, why);
	} else if (is_good) {
		if (gbdt_settings_generate(settings))
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

static void tell_quality(const struct gbdt_quality *quality)
{
	tell("auc", quality->auc);
	tell("pr auc", quality->pr_auc);
	tell("accuracy", quality->accuracy);
	tell("rmse", quality->rmse);
}

static void report(struct state *state)
{
	struct gbdt_booster *booster = &state->booster;
	double loss = gbdt_loss_mean(&booster->settings.loss, state->crew, booster->scores,
				     state->train.labels, state->train.n_rows);
	if (!booster->is_stopped) /* then trees are dropped */
		state->has_risen |= loss > state->loss + LEAST_RISE * state->first_loss;
	state->loss = loss;
	tell("loss", loss);
	tell_quality(&booster->quality);
	probe_progress((double)booster->n_rounds / (double)state->n_wanted);
	struct work work = gbdt_work(state);
	probe_work((struct probe_work){ work.flops, work.bytes, work.items });
}

/* One line a row: what the scores stand for, one column a class. */
static bool write_predictions(const struct state *state, const struct gbdt_loss *loss,
			      const float *scores, struct why *why)
{
	size_t n = state->validation.n_rows;
	double values[GBDT_MOST_CLASSES];
	FILE *file = fopen(state->predictions_path, "w");
	if (!file)
		return why_fail(why, "Cannot write %s: %s.", state->predictions_path,
				strerror(errno));
	for (size_t row = 0; row < n; row++) {
		for (unsigned class = 0; class < loss->n_classes; class ++)
			values[class] = (double)scores[class * n + row];
		gbdt_loss_transform(loss, values);
		for (unsigned class = 0; class < loss->n_classes; class ++)
			fprintf(file, "%.9g%c", values[class],
				class + 1 < loss->n_classes ? ',' : '\n');
	}
	bool has_failed = ferror(file) != 0;
	has_failed |= fclose(file) != 0;
	return !has_failed ||
	       why_fail(why, "Cannot write %s: %s.", state->predictions_path, strerror(errno));
}

/* However the work has ended: time that is up, or the user, ends it as well as the last round. */
static bool write_files(const struct state *state, struct why *why)
{
	bool is_loaded = state->loaded.n_features > 0;
	const struct gbdt_model *model = is_loaded ? &state->loaded : &state->booster.model;
	const float *scores = is_loaded ? state->loaded_scores : state->booster.validation_scores;
	if (state->save_path && !gbdt_model_save(model, state->save_path, why))
		return false;
	return !state->predictions_path || write_predictions(state, &model->loss, scores, why);
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
		tell_quality(&quality);
	}
	return state->n_passes < state->n_wanted;
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
	if (!goes_on || booster->n_rounds % GBDT_CHECK_EVERY == 0)
		report(state);
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

static bool has_split(const struct gbdt_model *model)
{
	bool is_any = false;
	for (size_t i = 0; i < model->n_trees; i++)
		is_any |= model->trees[i].n_nodes > 1;
	return is_any;
}

static bool check_quality(struct state *state, struct why *why)
{
	double slack = state->train.n_rows >= MANY_ROWS ? AUC_SLACK : AUC_SLACK_OF_FEW_ROWS;
	/* One leaf for all rows (gamma=, child=) leaves them where they began. */
	if (state->must_fall && (state->has_risen || (has_split(&state->booster.model) &&
						      !(state->loss < state->first_loss))))
		return why_fail(why, "gbdt: the training loss did not fall at every tree.");
	if (state->checks_auc && state->booster.n_rounds >= ROUNDS_BEFORE_AUC_COUNTS &&
	    !(state->booster.quality.auc > state->ceiling_auc - slack))
		return why_fail(why, "gbdt: AUC %.4f is too far below the possible %.4f.",
				state->booster.quality.auc, state->ceiling_auc);
	return true;
}

static void print_quality(const struct gbdt_quality *quality)
{
	if (!isnan(quality->auc))
		printf(", AUC %.4f, PR-AUC %.4f", quality->auc, quality->pr_auc);
	else if (!isnan(quality->accuracy))
		printf(", accuracy %.4f", quality->accuracy);
	else if (!isnan(quality->rmse))
		printf(", RMSE %.4f", quality->rmse);
	else
		printf(", loss %.5f", quality->loss);
}

static void print_training(const struct state *state)
{
	const struct gbdt_booster *booster = &state->booster;
	printf("gbdt: %zu trees, histograms %s, training loss %.5f", booster->model.n_trees,
	       gbdt_method_name(gbdt_grower_method(booster->grower)), state->loss);
	print_quality(&booster->quality);
	printf(" on %zu other rows\n", state->validation.n_rows);
}

static void print_prediction(const struct state *state)
{
	const struct gbdt_data *data = &state->validation;
	printf("gbdt: %zu rows predicted by %zu trees", data->n_rows, state->loaded.n_trees);
	if (data->labels) {
		struct gbdt_quality quality =
			gbdt_quality_of(&state->loaded.loss, state->crew, state->loaded_scores,
					data->labels, data->n_rows);
		print_quality(&quality);
	}
	printf("\n");
}

/* Rows alone must get what they got among the others, by whichever thread. */
static bool check_prediction(const struct state *state, struct why *why)
{
	enum { ROWS = 100 };
	const struct gbdt_data *data = &state->validation;
	const struct gbdt_model *model = &state->loaded;
	float alone[GBDT_MOST_CLASSES], *values = allocate(data->n_features, sizeof *values);
	bool is_same = true;
	for (size_t i = 0; i < ROWS; i++) {
		size_t row = i * data->n_rows / ROWS;
		for (size_t feature = 0; feature < data->n_features; feature++)
			values[feature] = data->features[feature * data->n_rows + row];
		gbdt_model_predict_raw(model, state->crew, values, 1, alone);
		for (unsigned class = 0; class < model->loss.n_classes; class ++)
			is_same &= alone[class] == state->loaded_scores[class * data->n_rows + row];
	}
	free(values);
	return is_same || why_fail(why, "gbdt: a row alone is not predicted as among others.");
}

static bool gbdt_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	struct gbdt_booster *booster = &state->booster;
	if (!write_files(state, why))
		return false;
	if (state->loaded.n_features > 0) {
		if (!check_prediction(state, why))
			return false;
		print_prediction(state);
		return true;
	}
	gbdt_booster_measure(booster);
	report(state);
	if (!booster->is_stopped && /* else the tree grown last is gone */
	    !gbdt_grower_check(booster->grower, &booster->model.trees[booster->model.n_trees - 1],
			       why))
		return false;
	if (!check_quality(state, why) || !check_scores(state, why) ||
	    !gbdt_selfcheck(state->crew, why))
		return false;
	print_training(state);
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
	.parameters = gbdt_parameters,
	.prepare = gbdt_prepare,
	.run = gbdt_run,
	.verify = gbdt_verify,
	.work = gbdt_work,
	.finish = gbdt_finish,
};
