/*
 * A model in use while the world changes. job=stream: a model is trained, then batches come, and
 * from one of them on five columns change their sign: a unit of work is a round of training or a
 * batch. job=scenarios: fifteen changes of the test rows under two models that stay as they are: a
 * unit of work is a round of training or a scenario.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sampler/base/probe.h"
#include "workloads/support/crew.h"
#include "workloads/support/drift_stream.h"
#include "workloads/support/gbdt_metrics.h"
#include "workloads/support/gbdt_tuner.h"
#include "workloads/workload.h"

enum {
	JOB,
	ROWS,
	BATCH,
	BATCHES,
	AT,
	CHANGE,
	COLUMNS,
	POSITIVES,
	STEALTH,
	SIGNAL,
	TREES,
	PAUSE,
	POOL,
	THREADS,
	SEED
};

enum { JOB_STREAM, JOB_SCENARIOS };
enum { CHANGE_FLIP, CHANGE_NOISE, CHANGE_SHIFT, CHANGE_NONE };
/* Batches whose mean stands for the time right after the change, and for the end. */
enum { FIRST_BATCHES = 5, LAST_BATCHES = 12 };
/* By job. The stream's signal leaves less in columns that do not change, so that a model notices.
 */
static const double usual_share[] = { 0.03, 0.002 }, usual_signal[] = { 0.6, 1 };
/* What the figures below are promised of: a model of enough rows, batches whose PR-AUC is more than
 * chance, and a change of most that is informative. Any other stream shows what comes of it. */
enum {
	LEAST_TREES = 60,
	LEAST_BATCHES = 30,
	LEAST_ROWS = 20000,
	LEAST_BATCH = 2500,
	LEAST_COLUMNS = 12
};
static const double LEAST_POSITIVES = 0.03, MOST_POSITIVES = 0.1, MOST_STEALTH = 0.08;
static const double LEAST_SIGNAL = 0.6, MOST_SIGNAL = 1;
static const double MOST_LOSS = 0.04, DEVIATIONS = 3;
static const unsigned MOST_BATCHES_TO_ALERT = 2;

/* One policy of training, and what became of it. */
struct policy {
	const char *name;
	struct gbdt_booster booster;
	unsigned n_rounds;
	bool is_trained;
	double quality, loss_sum; /* PR-AUC of unchanged rows; sum of relative losses */
};

struct state {
	struct crew *crew;
	struct gbdt_data train, calibration, test;
	struct policy policies[2]; /* weighted small steps; leaves without weights */
	unsigned n_policies;
	struct drift_stream stream;
	bool is_streaming, is_alert;
	int job, change;
	struct drift_data_settings batch;
	unsigned n_batches, at, n_trees, n_flipped, columns[DRIFT_INFORMATIVE];
	double pause_seconds, work_rows;
	/* Stream */
	double before_sum, after_sum, first_sum;
	double before_squares, after_squares;
	unsigned n_before, n_after, n_first, alert_after; /* batches; 0 = none yet */
	unsigned n_false_changes;                         /* before the drift */
	unsigned scenario;
};

static struct gbdt_booster_settings weighted_settings(void)
{
	struct gbdt_booster_settings settings = {
		.loss = { GBDT_LOSS_LOGISTIC, 1, 1, 1 },
		.grow = { .method = GBDT_METHOD_AUTO },
		.together = GBDT_MOST_TOGETHER,
	};
	gbdt_simd_resolve(&settings.grow.split.simd);
	return settings;
}

/* What LightGBM does when nothing is asked of it: 31 leaves, rate 0.1, 100 trees, no weights. */
static struct gbdt_booster_settings leaf_settings(void)
{
	struct gbdt_booster_settings settings = weighted_settings();
	settings.cuts.n_bins = GBDT_MOST_BINS;
	settings.check_every = 10;
	settings.grow.growth = GBDT_GROWTH_LEAF;
	settings.grow.depth = GBDT_MOST_DEPTH;
	settings.grow.n_leaves = 31;
	settings.grow.learning_rate = 0.1;
	settings.grow.row_share = settings.grow.column_share = 1;
	settings.grow.split.least_hessian = 1e-3;
	return settings;
}

static void start_policies(struct state *state, uint64_t seed)
{
	struct gbdt_booster_settings weighted = weighted_settings(), leaf = leaf_settings();
	struct policy *policies = state->policies;
	weighted.grow.seed = seed;
	policies[0].name = "weighted";
	policies[0].n_rounds = gbdt_tune(&weighted, &state->train);
	gbdt_booster_start(&policies[0].booster, &weighted, state->crew, &state->train,
			   &state->calibration);
	state->n_policies = state->job == JOB_SCENARIOS ? 2 : 1;
	if (state->n_policies < 2)
		return;
	policies[1].name = "leaf-wise";
	policies[1].n_rounds = 100;
	gbdt_booster_start(&policies[1].booster, &leaf, state->crew, &state->train,
			   &state->calibration);
}

static double or_usual(const struct setting *setting, double usual)
{
	return setting->number > 0 ? setting->number : usual;
}

static void *drift_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	int job = settings[JOB].choice;
	struct drift_data_settings data = {
		.n_rows = (size_t)settings[ROWS].number,
		.positive_share = or_usual(&settings[POSITIVES], usual_share[job]),
		.stealth_share = settings[STEALTH].number,
		.signal = or_usual(&settings[SIGNAL], usual_signal[job]),
		.seed = (uint64_t)settings[SEED].number
	};
	(void)why;
	state->crew = crew_new_waiting((unsigned)settings[THREADS].number, "drift",
				       (enum crew_waits)settings[POOL].choice);
	state->job = job;
	state->change = settings[CHANGE].choice;
	state->batch = data;
	state->batch.n_rows = (size_t)settings[BATCH].number;
	state->n_batches = (unsigned)settings[BATCHES].number;
	state->at = (unsigned)settings[AT].number;
	state->n_trees = (unsigned)settings[TREES].number;
	state->pause_seconds = settings[PAUSE].number / 1000;
	state->n_flipped = (unsigned)settings[COLUMNS].number;
	drift_informative(state->columns);
	probe_phase_begin("generate");
	drift_data_make(&state->train, &data);
	data.seed += 1000003; /* far from the seeds of batches */
	data.n_rows /= 3;
	drift_data_make(&state->calibration, &data);
	data.seed++;
	data.n_rows = (size_t)settings[ROWS].number;
	drift_data_make(&state->test, &data);
	probe_phase_end("generate", PROBE_UNKNOWN);
	start_policies(state, (uint64_t)settings[SEED].number);
	return state;
}

/* ---- training */

/* True while there is something left to train. */
static bool train_some(struct state *state)
{
	for (unsigned i = 0; i < state->n_policies; i++) {
		struct policy *policy = &state->policies[i];
		struct gbdt_booster *booster = &policy->booster;
		if (policy->is_trained)
			continue;
		probe_phase_begin("train");
		policy->is_trained =
			!gbdt_booster_round(booster) || booster->n_rounds >= policy->n_rounds;
		probe_phase_end("train", PROBE_UNKNOWN);
		state->work_rows += (double)state->train.n_rows;
		if (booster->n_rounds % booster->settings.check_every == 0)
			probe_quality("pr auc", booster->quality.pr_auc);
		return true;
	}
	return false;
}

/* ---- the stream */

static void make_batch(struct state *state, struct gbdt_data *batch)
{
	bool is_changed = state->stream.n_batches >= state->at;
	state->batch.seed++;
	probe_phase_begin("batch");
	drift_data_make(batch, &state->batch);
	if (is_changed && state->change == CHANGE_FLIP)
		drift_flip_signs(batch, state->columns, state->n_flipped);
	else if (is_changed && state->change == CHANGE_NOISE)
		drift_apply(batch, DRIFT_NOISE_HEAVY, state->columns, state->batch.seed);
	else if (is_changed && state->change == CHANGE_SHIFT)
		drift_apply(batch, DRIFT_SHIFT_EXTREME, state->columns, state->batch.seed);
	probe_phase_end("batch", PROBE_UNKNOWN);
}

static bool has_drifted(const struct state *state)
{
	return state->change != CHANGE_NONE && state->stream.n_batches > state->at;
}

/* The phase "alert" stands over all that is done until the model is well again. */
static void show_state(struct state *state, enum drift_state now)
{
	bool is_alert = now != DRIFT_NORMAL;
	if (is_alert && !state->is_alert)
		probe_phase_begin("alert");
	if (!is_alert && state->is_alert)
		probe_phase_end("alert", PROBE_UNKNOWN);
	state->is_alert = is_alert;
}

static void count_batch(struct state *state, enum drift_state now)
{
	const struct drift_stream *stream = &state->stream;
	unsigned since = stream->n_batches - state->at; /* batches since the change, this one too */
	if (isnan(stream->quality))
		return;
	if (!has_drifted(state)) {
		state->before_sum += stream->quality;
		state->before_squares += stream->quality * stream->quality;
		state->n_before++;
		state->n_false_changes = stream->n_metamorphoses;
		return;
	}
	if (now != DRIFT_NORMAL && state->alert_after == 0)
		state->alert_after = since;
	if (since <= FIRST_BATCHES) {
		state->first_sum += stream->quality;
		state->n_first++;
	}
	if (stream->n_batches + LAST_BATCHES > state->n_batches) {
		state->after_sum += stream->quality;
		state->after_squares += stream->quality * stream->quality;
		state->n_after++;
	}
}

static void sleep_for(double seconds)
{
	struct timespec span = { (time_t)seconds, (long)((seconds - floor(seconds)) * 1e9) };
	if (seconds > 0)
		nanosleep(&span, NULL);
}

static bool stream_batch(struct state *state)
{
	struct drift_stream *stream = &state->stream;
	struct gbdt_data batch;
	if (!state->is_streaming) {
		drift_stream_start(stream, &state->policies[0].booster, &state->calibration,
				   state->n_trees);
		state->is_streaming = true;
	}
	make_batch(state, &batch);
	enum drift_state now = drift_stream_batch(stream, &batch);
	show_state(state, now);
	count_batch(state, now);
	state->work_rows += (double)batch.n_rows;
	gbdt_data_free(&batch);
	if (!isnan(stream->quality))
		probe_quality("pr auc", stream->quality);
	probe_quality("vulnerability",
		      stream->vulnerability / stream->watch.settings.vulnerability);
	probe_quality("metamorphoses", stream->n_metamorphoses);
	probe_progress((double)stream->n_batches / state->n_batches);
	sleep_for(state->pause_seconds);
	return stream->n_batches < state->n_batches;
}

/* ---- scenarios */

static double quality_of(const struct state *state, const struct policy *policy,
			 const struct gbdt_data *data)
{
	float *scores = allocate(data->n_rows, sizeof *scores);
	probe_phase_begin("predict");
	gbdt_model_predict_raw(&policy->booster.model, state->crew, data->features, data->n_rows,
			       scores);
	probe_phase_end("predict", PROBE_UNKNOWN);
	double quality = gbdt_pr_auc(scores, data->labels, data->n_rows);
	free(scores);
	return quality;
}

static bool try_scenario(struct state *state)
{
	enum drift_scenario scenario = (enum drift_scenario)state->scenario;
	struct gbdt_data changed;
	uint32_t *rows = allocate(state->test.n_rows, sizeof *rows);
	if (state->scenario == 0)
		printf("drift: PR-AUC lost, in %%     weighted  leaf-wise\n");
	for (uint32_t row = 0; row < state->test.n_rows; row++)
		rows[row] = row;
	gbdt_data_take(&changed, &state->test, rows, state->test.n_rows);
	free(rows);
	probe_phase_begin(drift_scenario_name(scenario));
	drift_apply(&changed, scenario, state->columns, state->batch.seed + scenario);
	printf("  %-24s", drift_scenario_name(scenario));
	for (unsigned i = 0; i < state->n_policies; i++) {
		struct policy *policy = &state->policies[i];
		if (state->scenario == 0)
			policy->quality = quality_of(state, policy, &state->test);
		double lost = 1 - quality_of(state, policy, &changed) / policy->quality;
		policy->loss_sum += lost;
		printf("  %8.1f", 100 * lost);
		probe_quality(i == 0 ? "lost, weighted" : "lost, leaf-wise", lost);
	}
	printf("\n");
	probe_phase_end(drift_scenario_name(scenario), PROBE_UNKNOWN);
	gbdt_data_free(&changed);
	state->work_rows += (double)state->test.n_rows * state->n_policies;
	state->scenario++;
	probe_progress((double)state->scenario / DRIFT_SCENARIOS);
	return state->scenario < DRIFT_SCENARIOS;
}

static struct work drift_work(const void *opaque)
{
	const struct state *state = opaque;
	double n = state->work_rows;
	return (struct work){ 0, n * DRIFT_FEATURES * sizeof(float), n };
}

static bool drift_run(void *opaque)
{
	struct state *state = opaque;
	bool goes_on = train_some(state);
	if (!goes_on)
		goes_on = state->job == JOB_STREAM ? stream_batch(state) : try_scenario(state);
	struct work work = drift_work(state);
	probe_work((struct probe_work){ 0, work.bytes, work.items });
	return goes_on;
}

/* ---- checks and the result */

static bool is_usual(const struct state *state)
{
	const struct drift_data_settings *data = &state->batch;
	return state->train.n_rows >= LEAST_ROWS && data->n_rows >= LEAST_BATCH &&
	       data->positive_share >= LEAST_POSITIVES && data->positive_share <= MOST_POSITIVES &&
	       data->stealth_share <= MOST_STEALTH && data->signal >= LEAST_SIGNAL &&
	       data->signal <= MOST_SIGNAL;
}

/* How far the mean of n values is from what it stands for, squared: the chance of which rows came.
 */
static double chance_of(double sum, double squares, unsigned n)
{
	return n > 1 ? fmax(squares - sum * sum / n, 0) / (n - 1) / n : 0;
}

static bool check_stream(const struct state *state, struct why *why)
{
	const struct drift_stream *stream = &state->stream;
	if (state->n_false_changes > 0 && is_usual(state))
		return why_fail(why, "drift: %u metamorphoses without a change of the data.",
				state->n_false_changes);
	if (state->n_after == 0 || stream->n_batches < state->n_batches)
		return true;
	double before = state->before_sum / state->n_before;
	double after = state->after_sum / state->n_after;
	bool is_promised = is_usual(state) && state->n_trees >= LEAST_TREES &&
			   state->change == CHANGE_FLIP && state->n_flipped >= LEAST_COLUMNS &&
			   state->n_before >= 5 && state->n_batches >= state->at + LEAST_BATCHES;
	if (is_promised && (state->alert_after == 0 || state->alert_after > MOST_BATCHES_TO_ALERT))
		return why_fail(why, "drift: the alert came after %u batches.", state->alert_after);
	double chance = sqrt(chance_of(state->before_sum, state->before_squares, state->n_before) +
			     chance_of(state->after_sum, state->after_squares, state->n_after));
	if (is_promised && after < before * (1 - MOST_LOSS) - DEVIATIONS * chance)
		return why_fail(why, "drift: PR-AUC was %.3f before the change and is %.3f now.",
				before, after);
	return true;
}

static void print_stream(const struct state *state)
{
	const struct drift_stream *stream = &state->stream;
	printf("drift: %zu trees; PR-AUC %.3f in %u batches", stream->model.n_trees,
	       state->before_sum / state->n_before, state->n_before);
	if (state->n_first > 0)
		printf(", %.3f in the first %u after the change", state->first_sum / state->n_first,
		       state->n_first);
	if (state->n_after > 0)
		printf(", %.3f in the last %u (%+.1f %%)", state->after_sum / state->n_after,
		       state->n_after,
		       100 * (state->after_sum / state->n_after /
				      (state->before_sum / state->n_before) -
			      1));
	if (state->alert_after > 0)
		printf("; alert after %u", state->alert_after);
	printf("; %u metamorphoses, %u taken back", stream->n_metamorphoses, stream->n_rolled_back);
	if (state->n_false_changes > 0)
		printf(", %u before any change", state->n_false_changes);
	printf("\n");
}

static bool drift_verify(void *opaque, struct why *why)
{
	struct state *state = opaque;
	if (state->job == JOB_SCENARIOS) {
		if (state->scenario < DRIFT_SCENARIOS)
			return true;
		for (unsigned i = 0; i < 2; i++)
			printf("drift: %s, PR-AUC %.3f, loses %.1f %% in the mean of %d "
			       "scenarios\n",
			       state->policies[i].name, state->policies[i].quality,
			       100 * state->policies[i].loss_sum / DRIFT_SCENARIOS,
			       DRIFT_SCENARIOS);
		return true;
	}
	if (!state->is_streaming || state->n_before == 0)
		return true;
	if (!check_stream(state, why))
		return false;
	print_stream(state);
	return true;
}

static void drift_finish(void *opaque)
{
	struct state *state = opaque;
	if (state->is_alert)
		probe_phase_end("alert", PROBE_UNKNOWN);
	for (unsigned i = 0; i < state->n_policies; i++)
		gbdt_booster_free(&state->policies[i].booster);
	drift_stream_free(&state->stream);
	gbdt_data_free(&state->train);
	gbdt_data_free(&state->calibration);
	gbdt_data_free(&state->test);
	crew_free(state->crew);
	free(state);
}

static const struct parameter parameters[] = {
	[JOB] = { "job", "a stream that changes, or fifteen changes of still models",
		  PARAMETER_CHOICE, "stream", 0, 0, "stream|scenarios" },
	[ROWS] = { "rows", "to learn from (S 10k, M 30k, L 300k: 0.3, 1, 10 MB of bins)",
		   PARAMETER_INTEGER, "30k", 3000, 1e7, "10k|30k|300k" },
	[BATCH] = { "batch", "rows of a batch", PARAMETER_INTEGER, "2500", 100, 1e6, NULL },
	[BATCHES] = { "batches", "that come", PARAMETER_INTEGER, "40", 1, 1e6, NULL },
	[AT] = { "at", "the batch from which on the world is another", PARAMETER_INTEGER, "10", 1,
		 1e6, NULL },
	[CHANGE] = { "change", "columns change their sign, heavy noise, a shift of six, or nothing",
		     PARAMETER_CHOICE, "flip", 0, 0, "flip|noise|shift|none" },
	[COLUMNS] = { "columns", "that change their sign, the most informative first",
		      PARAMETER_INTEGER, "12", 1, DRIFT_INFORMATIVE, NULL },
	[POSITIVES] = { "positives", "share of rows; 0 = 0.03, scenarios 0.002", PARAMETER_REAL,
			"0", 0, 0.5, NULL },
	[STEALTH] = { "stealth", "share of positives that nobody can find", PARAMETER_REAL, "0.08",
		      0, 0.9, NULL },
	[SIGNAL] = { "signal", "how far positives lie; 0 = 0.6, scenarios 1", PARAMETER_REAL, "0",
		     0, 10, NULL },
	[TREES] = { "trees", "added by a metamorphosis; 0 = the model stays", PARAMETER_INTEGER,
		    "60", 0, 1000, NULL },
	[PAUSE] = { "pause", "milliseconds between batches", PARAMETER_REAL, "0", 0, 60000, NULL },
	[POOL] = CREW_WAITS_PARAMETER,
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "0", 0, 256, NULL },
	[SEED] = { "seed", "of data and samples", PARAMETER_INTEGER, "42", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_drift = {
	.name = "drift",
	.summary = "a boosted model in a stream whose data changes: alert, metamorphosis, recovery",
	.teaches =
		"A program of phases: training, then batch after batch until the data changes: "
		"PR-AUC falls, the phase \"alert\" begins, a \"metamorphosis\" adds trees that fit "
		"the newest rows, and the quality comes back. The profile of each phase is "
		"another: histograms while it learns, walks down trees and random numbers while "
		"it only predicts. trees=0 shows what becomes of a model that stays as it is, "
		"trees=5 one that changes too little, change=none a watch that should do nothing. "
		"job=scenarios compares class weights and small steps with leaf-wise growth at "
		"LightGBM's defaults, without weights, under fifteen changes of six informative "
		"columns. Every figure it prints is measured in that run.",
	.source = "PKBoost (2025), its living booster and its adaptive regressor",
	.parameters = parameters,
	.prepare = drift_prepare,
	.run = drift_run,
	.verify = drift_verify,
	.work = drift_work,
	.finish = drift_finish,
};
