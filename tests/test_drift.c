/* The watch over a model in use, what it does about change, and the data of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fixture_stride.h"
#include "workloads/support/crew.h"
#include "workloads/support/drift_stream.h"
#include "workloads/support/gbdt_metrics.h"
#include "workloads/support/gbdt_tuner.h"
#include "workloads/support/runner.h"

/* ---- the watch */

static void vulnerability_worked_by_hand(void **state)
{
	(void)state;
	assert_float_equal(drift_vulnerability(0.1, 0, 100), 0, 1e-12); /* an error of 0.1 */
	assert_float_equal(drift_vulnerability(0.9, 0, 100), 0.8 * 0.9, 1e-12);
	assert_float_equal(drift_vulnerability(0.1, 1, 50), 0.8 * 0.9 * 0.5, 1e-12);
	assert_float_equal(drift_vulnerability(0.05, 1, 1e6), 1, 1e-12); /* 0.9 * 0.95 * 5 */
	assert_float_equal(drift_vulnerability(0.5, 1, 100), 0, 1e-12);  /* not sure at all */
}

static void usual_settings_follow_size_and_rarity(void **state)
{
	struct drift_watch_settings small = drift_watch_usual(0.03, 30000);
	struct drift_watch_settings large = drift_watch_usual(0.3, 300000);
	(void)state;
	assert_float_equal(small.alert_ratio, 1.8, 1e-12);
	assert_float_equal(small.change_ratio, 2.5, 1e-12);
	assert_int_equal(small.n_alert, 1);
	assert_int_equal(small.n_change, 2);
	assert_int_equal(small.cooldown_rows, 5000);
	assert_float_equal(large.change_ratio, 3.5, 1e-12);
	assert_int_equal(large.n_change, 5);
	assert_int_equal(drift_buffer_rows(30000), 10000);
	assert_int_equal(drift_buffer_rows(300000), 20000);
}

static struct drift_watch watch_of(unsigned n_alert, unsigned n_change)
{
	struct drift_watch watch;
	struct drift_watch_settings settings = { .quality = 0.9,
						 .vulnerability = 0.01,
						 .alert_ratio = 1.8,
						 .change_ratio = 2.5,
						 .n_alert = n_alert,
						 .n_change = n_change,
						 .cooldown_rows = 5000 };
	drift_watch_start(&watch, &settings);
	return watch;
}

static void a_still_world_stays_normal(void **state)
{
	struct drift_watch watch = watch_of(1, 2);
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(drift_watch_check(&watch, 0.85 + 0.1 * (i % 2), 0.012, 2500),
				 DRIFT_NORMAL);
	/* A batch without positives says nothing. */
	assert_int_equal(drift_watch_check(&watch, NAN, 0.012, 2500), DRIFT_NORMAL);
}

static void a_fall_of_quality_is_answered(void **state)
{
	struct drift_watch watch = watch_of(1, 2);
	(void)state;
	for (int i = 0; i < 5; i++)
		drift_watch_check(&watch, 0.9, 0.01, 2500);
	/* (4 * 0.9 + 0.3) / 5 = 0.78, 13 % down */
	assert_int_equal(drift_watch_check(&watch, 0.3, 0.01, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.3, 0.01, 2500), DRIFT_METAMORPHOSIS);
	drift_watch_changed(&watch);
	/* Cooldown: 5000 rows, though it is still bad. */
	assert_int_equal(drift_watch_check(&watch, 0.5, 0.01, 2499), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.5, 0.01, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.5, 0.01, 1), DRIFT_METAMORPHOSIS);
	drift_watch_changed(&watch);
	assert_int_equal(drift_watch_check(&watch, 0.84, 0.01, 2500), DRIFT_ALERT); /* not yet */
	assert_int_equal(drift_watch_check(&watch, 0.90, 0.01, 2500), DRIFT_NORMAL);
}

/* Less than the tenth that raised the alarm may be missing, and it is still not well. */
static void what_was_begun_is_brought_to_an_end(void **state)
{
	struct drift_watch watch = watch_of(1, 2);
	(void)state;
	for (int i = 0; i < 5; i++) /* 8 % down: no alarm */
		assert_int_equal(drift_watch_check(&watch, 0.83, 0.01, 2500), DRIFT_NORMAL);
	drift_watch_check(&watch, 0.3, 0.01, 2500);
	assert_int_equal(drift_watch_check(&watch, 0.3, 0.01, 2500), DRIFT_METAMORPHOSIS);
	drift_watch_changed(&watch);
	assert_int_equal(drift_watch_check(&watch, 0.83, 0.01, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.83, 0.01, 2500), DRIFT_METAMORPHOSIS);
	drift_watch_changed(&watch);
	/* One good batch is luck; four bad ones after it are not. */
	assert_int_equal(drift_watch_check(&watch, 0.90, 0.01, 2500), DRIFT_NORMAL);
	assert_int_equal(drift_watch_check(&watch, 0.75, 0.01, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.75, 0.01, 2500), DRIFT_METAMORPHOSIS);
	drift_watch_changed(&watch);
	for (int i = 0; i < 5; i++)
		assert_int_equal(drift_watch_check(&watch, 0.90, 0.01, 2500), DRIFT_NORMAL);
	for (int i = 0; i < 20; i++)
		assert_int_equal(drift_watch_check(&watch, 0.83, 0.01, 2500), DRIFT_NORMAL);
	/* An alarm that lasts, 8 % down: five batches, and two checks. */
	for (int i = 0; i < 6; i++)
		assert_int_equal(drift_watch_check(&watch, 0.83, 0.02, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.83, 0.02, 2500), DRIFT_METAMORPHOSIS);
}

static void sure_errors_are_answered(void **state)
{
	struct drift_watch watch = watch_of(2, 3);
	(void)state;
	assert_int_equal(drift_watch_check(&watch, 0.9, 0.020, 2500), DRIFT_NORMAL);
	assert_int_equal(drift_watch_check(&watch, 0.9, 0.020, 2500), DRIFT_ALERT);
	for (int i = 0; i < 5; i++) /* worrying, but not bad */
		assert_int_equal(drift_watch_check(&watch, 0.9, 0.024, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.9, 0.026, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.9, 0.026, 2500), DRIFT_ALERT);
	assert_int_equal(drift_watch_check(&watch, 0.9, 0.026, 2500), DRIFT_METAMORPHOSIS);
	/* One good check in between starts the count anew. */
	watch = watch_of(1, 2);
	drift_watch_check(&watch, 0.9, 0.03, 2500);
	drift_watch_check(&watch, 0.9, 0.01, 2500);
	assert_int_equal(drift_watch_check(&watch, 0.9, 0.03, 2500), DRIFT_ALERT);
}

/* ---- data */

static struct gbdt_data make(size_t n, double share, uint64_t seed)
{
	struct gbdt_data data;
	struct drift_data_settings settings = { n, share, 0.08, 0.6, seed };
	drift_data_make(&data, &settings);
	return data;
}

static void scenarios_change_what_they_say(void **state)
{
	unsigned columns[DRIFT_INFORMATIVE];
	(void)state;
	drift_informative(columns);
	assert_int_equal(columns[0], 16); /* a mean of -6.7 where the scale is 1.06 */
	for (int i = 0; i < DRIFT_SCENARIOS; i++) {
		struct gbdt_data data = make(500, 0.1, 3), same = make(500, 0.1, 3);
		size_t n_changed = 0, n_other = 0;
		assert_memory_equal(data.features, same.features, 500 * 30 * sizeof(float));
		drift_apply(&data, (enum drift_scenario)i, columns, 1);
		for (size_t at = 0; at < (size_t)500 * 30; at++)
			if (data.features[at] != same.features[at])
				n_changed++;
		for (size_t row = 0; row < 500; row++) /* columns after all informative ones */
			n_other += data.features[29 * 500 + row] != same.features[29 * 500 + row];
		assert_true(n_changed > 100);
		bool is_of_all = i == DRIFT_NOISE || i == DRIFT_NOISE_HEAVY;
		assert_int_equal(n_other > 0, is_of_all);
		assert_memory_equal(data.labels, same.labels, 500 * sizeof(float));
		assert_non_null(drift_scenario_name((enum drift_scenario)i));
		gbdt_data_free(&data);
		gbdt_data_free(&same);
	}
}

/* ---- the stream */

struct trial {
	struct crew *crew;
	struct gbdt_data train, calibration;
	struct gbdt_booster booster;
	struct drift_stream stream;
};

static void trial_start(struct trial *trial, size_t n_rows, unsigned n_rounds, unsigned n_trees)
{
	struct gbdt_booster_settings settings = {
		.loss = { GBDT_LOSS_LOGISTIC, 1, 1, 1 },
		.grow = { .method = GBDT_METHOD_PACKED },
		.together = 16,
	};
	gbdt_simd_resolve(&settings.grow.split.simd);
	trial->crew = crew_new(2, "t");
	trial->train = make(n_rows, 0.03, 1);
	trial->calibration = make(n_rows / 2, 0.03, 2);
	gbdt_tune(&settings, &trial->train);
	gbdt_booster_start(&trial->booster, &settings, trial->crew, &trial->train,
			   &trial->calibration);
	while (trial->booster.n_rounds < n_rounds && gbdt_booster_round(&trial->booster))
		;
	drift_stream_start(&trial->stream, &trial->booster, &trial->calibration, n_trees);
}

static void trial_end(struct trial *trial)
{
	drift_stream_free(&trial->stream);
	gbdt_booster_free(&trial->booster);
	gbdt_data_free(&trial->train);
	gbdt_data_free(&trial->calibration);
	crew_free(trial->crew);
}

static float *scores_of(struct trial *trial, const struct gbdt_data *data)
{
	float *scores = calloc(data->n_rows, sizeof *scores);
	gbdt_model_predict_raw(&trial->stream.model, trial->crew, data->features, data->n_rows,
			       scores);
	return scores;
}

/* Labels of chance teach nothing; rows whose labels are turned teach the wrong thing. Whichever
 * way it goes, a change that was taken back leaves predictions as they were, to the last bit. */
static void a_change_for_the_worse_is_taken_back(void **state)
{
	enum { CHANGES = FIXTURE_LENGTH(8, 2) };
	struct trial trial;
	int n_back = 0, n_kept = 0;
	(void)state;
	trial_start(&trial, 6000, 60, 60);
	for (uint64_t seed = 0; seed < CHANGES; seed++) {
		struct gbdt_data batch = make(3000, 0.03, 100 + seed);
		struct gbdt_data asked = make(500, 0.1, 200 + seed);
		/* In odd turns labels are shuffled: only luck makes the new trees better. */
		for (size_t row = 0; seed % 2 && row < batch.n_rows; row++)
			batch.labels[row] = (row * 7919 + seed) % 41 == 0;
		trial.stream.buffer_rows = 3000;
		trial.stream.n_buffered = 3000;
		memcpy(trial.stream.buffer.features, batch.features,
		       3000 * DRIFT_FEATURES * sizeof(float));
		memcpy(trial.stream.buffer.labels, batch.labels, 3000 * sizeof(float));
		size_t n_trees = trial.stream.model.n_trees;
		float *before = scores_of(&trial, &asked);
		bool is_kept = drift_stream_change(&trial.stream);
		float *after = scores_of(&trial, &asked);
		assert_int_equal(trial.stream.model.n_trees, n_trees + (is_kept ? 60 : 0));
		if (!is_kept)
			assert_memory_equal(before, after, 500 * sizeof(float));
		n_kept += is_kept;
		n_back += !is_kept;
		free(before);
		free(after);
		gbdt_data_free(&batch);
		gbdt_data_free(&asked);
	}
	assert_int_equal(trial.stream.n_metamorphoses, CHANGES);
	assert_int_equal(trial.stream.n_rolled_back, n_back);
	assert_true(n_back > 0 && n_kept > 0);
	trial_end(&trial);
}

/* Training on 20,000 rows takes the thread sanitizer ten minutes; what threads can do to each other
 * shows in the short runs of the_workload_passes_its_checks. */
static void leave_out_under_the_thread_sanitizer(const char *test)
{
#ifdef __SANITIZE_THREAD__
	print_message("SKIP %s: too long under the thread sanitizer\n", test);
	skip();
#else
	(void)test;
#endif
}

static void the_stream_recovers(void **state)
{
	struct trial trial;
	unsigned columns[DRIFT_INFORMATIVE], first_alert = 0;
	double before = 0, after = 0;
	(void)state;
	leave_out_under_the_thread_sanitizer(__func__);
	drift_informative(columns);
	trial_start(&trial, 20000, 400, 60);
	for (unsigned i = 1; i <= 40; i++) {
		struct gbdt_data batch = make(2500, 0.03, 1000 + i);
		if (i > 10)
			drift_flip_signs(&batch, columns, 12);
		enum drift_state now = drift_stream_batch(&trial.stream, &batch);
		if (i <= 10)
			assert_int_not_equal(now, DRIFT_METAMORPHOSIS);
		if (i > 10 && now != DRIFT_NORMAL && !first_alert)
			first_alert = i;
		before += i <= 10 ? trial.stream.quality / 10 : 0;
		after += i > 28 ? trial.stream.quality / 12 : 0;
		gbdt_data_free(&batch);
	}
	assert_in_range(first_alert, 11, 12); /* within two batches */
	assert_true(trial.stream.n_metamorphoses >= 1);
	assert_true(after > 0.96 * before);
	trial_end(&trial);
}

static void a_stationary_stream_is_left_alone(void **state)
{
	struct trial trial;
	(void)state;
	leave_out_under_the_thread_sanitizer(__func__);
	trial_start(&trial, 20000, 400, 60);
	size_t n_trees = trial.stream.model.n_trees;
	for (unsigned i = 1; i <= 40; i++) {
		struct gbdt_data batch = make(2500, 0.03, 2000 + i);
		drift_stream_batch(&trial.stream, &batch);
		gbdt_data_free(&batch);
	}
	assert_int_equal(trial.stream.n_metamorphoses, 0);
	assert_int_equal(trial.stream.model.n_trees, n_trees);
	trial_end(&trial);
}

static void the_workload_passes_its_checks(void **state)
{
	static const char *const cases[][5] = {
		{ "rows=3000", "batches=12", "batch=500", "at=4", "columns=3" },
		{ "rows=3000", "batches=6", "batch=300", "change=none", "pool=spin" },
		{ "rows=3000", "batches=6", "at=2", "change=noise", "trees=0" },
		{ "rows=3000", "batches=6", "at=2", "change=shift", "positives=0.1" },
		/* A small model is alarmed by nothing; rows without a signal are found by none. */
		{ "rows=3000", "trees=5", "batches=12", "columns=5", "seed=1000000000000000" },
		{ "rows=4001", "batches=12", "batch=5000", "change=none", "signal=0.01" },
		{ "rows=3000", "job=scenarios", "positives=0.1", "threads=2", "seed=3" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i += FIXTURE_LENGTH(1, 3)) {
		const char *words[8] = { "drift" };
		memcpy(words + 1, cases[i], sizeof cases[i]);
		fflush(NULL);
		if (workload_main(6, (char **)words) != 0)
			fail_msg("%s %s", cases[i][1], cases[i][3]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vulnerability_worked_by_hand),
		cmocka_unit_test(usual_settings_follow_size_and_rarity),
		cmocka_unit_test(a_still_world_stays_normal),
		cmocka_unit_test(a_fall_of_quality_is_answered),
		cmocka_unit_test(what_was_begun_is_brought_to_an_end),
		cmocka_unit_test(sure_errors_are_answered),
		cmocka_unit_test(scenarios_change_what_they_say),
		cmocka_unit_test(a_change_for_the_worse_is_taken_back),
		cmocka_unit_test(the_stream_recovers),
		cmocka_unit_test(a_stationary_stream_is_left_alone),
		cmocka_unit_test(the_workload_passes_its_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
