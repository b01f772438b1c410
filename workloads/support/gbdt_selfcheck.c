/* See gbdt_selfcheck.h. All of it lies in one phase: it is no part of the work. */
#include "workloads/support/gbdt_selfcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/gbdt_booster.h"

enum { ROWS = 2000, FEATURES = 12, CONSTANT = 7, ROUNDS = 4, CLASSES = 3 };
/* Of a quotient in double and a gradient in float. */
static const double STEP = 1e-4, TOLERANCE = 1e-4;

/* One way to train. */
struct way {
	unsigned together;
	enum gbdt_simd simd;
	enum gbdt_method method;
};

static struct gbdt_booster_settings settings_of(enum gbdt_loss_kind kind, const struct way *way)
{
	return (struct gbdt_booster_settings){
		.loss = { kind, 2, 1, kind == GBDT_LOSS_SOFTMAX ? CLASSES : 1 },
		.cuts = { 100, GBDT_EDGES_TAILS, GBDT_MISSING_LEARN },
		.grow = { .split = { .lambda = 1, .least_hessian = 1, .simd = way->simd },
			  .depth = 5,
			  .learning_rate = 0.1,
			  .row_share = 1,
			  .column_share = 1,
			  .method = way->method },
		.together = way->together,
		.check_every = 2 * ROUNDS,
	};
}

static void make(struct gbdt_data *data, enum gbdt_loss_kind kind)
{
	struct gbdt_data_settings settings = { .n_rows = ROWS,
					       .n_features = FEATURES,
					       .loss = kind,
					       .n_classes = CLASSES,
					       .missing_share = 0.05,
					       .seed = 20 };
	gbdt_data_make(data, &settings);
	for (size_t row = 0; row < ROWS; row++)
		data->features[CONSTANT * ROWS + row] = 3;
}

/* The loss at a row when one class's score moves by so much. */
static double loss_at(const struct gbdt_booster *booster, size_t row, unsigned class, double move)
{
	double scores[CLASSES] = { 0 };
	for (unsigned i = 0; i < booster->settings.loss.n_classes; i++)
		scores[i] = (double)booster->scores[i * ROWS + row];
	scores[class] += move;
	return gbdt_loss_of(&booster->settings.loss, scores, (double)booster->train->labels[row]);
}

static bool check_gradients(struct gbdt_booster *booster, struct why *why)
{
	unsigned class = booster->settings.loss.n_classes - 1;
	struct gbdt_gradient_inputs inputs = { .loss = &booster->settings.loss,
					       .class = class,
					       .scores = booster->scores + class * ROWS,
					       .labels = booster->train->labels,
					       .simd = booster->settings.grow.split.simd };
	if (booster->settings.loss.kind == GBDT_LOSS_SOFTMAX)
		gbdt_gradients_normalize(&booster->gradients, booster->crew,
					 &booster->settings.loss, booster->scores);
	gbdt_gradients_compute(&booster->gradients, booster->crew, &inputs);
	for (size_t row = 0; row < ROWS; row++) {
		double quotient =
			(loss_at(booster, row, class, STEP) - loss_at(booster, row, class, -STEP)) /
			(2 * STEP);
		double gradient = (double)booster->gradients.gradient[row];
		if (!(fabs(gradient - quotient) <= TOLERANCE * fmax(1, fabs(quotient))))
			return why_fail(why, "gbdt: a gradient is %g, the difference of losses %g.",
					gradient, quotient);
	}
	return true;
}

static bool check_raw(struct gbdt_booster *booster, struct why *why)
{
	size_t n = (size_t)ROWS * booster->settings.loss.n_classes;
	float *scores = allocate(n, sizeof *scores);
	gbdt_model_predict_raw(&booster->model, booster->crew, booster->train->features, ROWS,
			       scores);
	bool is_same = memcmp(scores, booster->scores, n * sizeof *scores) == 0;
	free(scores);
	return is_same || why_fail(why, "gbdt: raw values do not go where their bins go.");
}

static bool check_constant(const struct gbdt_model *model, struct why *why)
{
	bool is_split = false;
	for (size_t i = 0; i < model->n_trees; i++)
		for (uint32_t k = 0; k < model->trees[i].n_nodes; k++)
			is_split |= model->trees[i].nodes[k].left &&
				    model->trees[i].nodes[k].feature == CONSTANT;
	return !is_split || why_fail(why, "gbdt: a constant column was split.");
}

static bool train(struct gbdt_booster *booster, struct why *why)
{
	const struct gbdt_loss *loss = &booster->settings.loss;
	double before = gbdt_loss_mean(loss, NULL, booster->scores, booster->train->labels, ROWS);
	for (unsigned round = 0; round < ROUNDS; round++) {
		gbdt_booster_round(booster);
		double now =
			gbdt_loss_mean(loss, NULL, booster->scores, booster->train->labels, ROWS);
		if (!(now < before))
			return why_fail(why, "gbdt: a tree brings the loss from %g to %g.", before,
					now);
		before = now;
		if (!gbdt_grower_check(booster->grower,
				       &booster->model.trees[booster->model.n_trees - 1], why))
			return false;
	}
	return true;
}

static bool check_loss(enum gbdt_loss_kind kind, struct crew *crew, struct why *why)
{
	struct gbdt_data data;
	struct gbdt_booster booster;
	struct way way = { GBDT_MOST_TOGETHER, GBDT_SIMD_SCALAR, GBDT_METHOD_SCALAR };
	struct gbdt_booster_settings settings = settings_of(kind, &way);
	make(&data, kind);
	gbdt_booster_start(&booster, &settings, crew, &data, &data);
	bool is_good = train(&booster, why) && check_gradients(&booster, why) &&
		       check_raw(&booster, why) && check_constant(&booster.model, why);
	gbdt_booster_free(&booster);
	gbdt_data_free(&data);
	return is_good;
}

/* The scores of a training of some rounds. */
static void train_by(const struct way *way, struct crew *crew, const struct gbdt_data *data,
		     float *scores)
{
	struct gbdt_booster booster;
	struct gbdt_booster_settings settings = settings_of(GBDT_LOSS_LOGISTIC, way);
	gbdt_booster_start(&booster, &settings, crew, data, data);
	for (unsigned round = 0; round < ROUNDS; round++)
		gbdt_booster_round(&booster);
	memcpy(scores, booster.scores, ROWS * sizeof *scores);
	gbdt_booster_free(&booster);
}

static bool check_ways(struct crew *alone, struct crew *crew, struct why *why)
{
	static const struct way ways[] = {
		{ 16, GBDT_SIMD_SCALAR, GBDT_METHOD_PACKED },
		{ 4, GBDT_SIMD_AVX2, GBDT_METHOD_AVX2 },
		{ 16, GBDT_SIMD_AVX512, GBDT_METHOD_AVX512 },
		{ 1, GBDT_SIMD_SCALAR, GBDT_METHOD_PACKED },
	};
	const struct way plain = { 16, GBDT_SIMD_SCALAR, GBDT_METHOD_SCALAR };
	struct gbdt_data data;
	float *right = allocate(ROWS, sizeof *right), *scores = allocate(ROWS, sizeof *scores);
	bool is_good = true;
	make(&data, GBDT_LOSS_LOGISTIC);
	train_by(&plain, alone, &data, right);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		enum gbdt_simd simd = ways[i].simd;
		if (!gbdt_simd_resolve(&simd) || !gbdt_method_usable(ways[i].method))
			continue;
		train_by(&ways[i], crew, &data, scores);
		for (size_t row = 0; row < ROWS; row++)
			is_good &= scores[row] == right[row];
	}
	gbdt_data_free(&data);
	free(right);
	free(scores);
	return is_good ||
	       why_fail(why, "gbdt: trees differ by threads, instructions or layout of bins.");
}

bool gbdt_selfcheck(struct crew *crew, struct why *why)
{
	struct crew *alone = crew_new(1, "check");
	probe_phase_begin("self check");
	bool is_good = check_ways(alone, crew, why);
	for (int kind = GBDT_LOSS_LOGISTIC; is_good && kind <= GBDT_LOSS_SOFTMAX; kind++)
		is_good = check_loss((enum gbdt_loss_kind)kind, alone, why);
	probe_phase_end("self check", PROBE_UNKNOWN);
	crew_free(alone);
	return is_good;
}
