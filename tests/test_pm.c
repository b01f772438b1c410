/*
 * From names of metrics to readings: configuration, decoding and the source, with CUPTI and the
 * driver played by mocks whose values are known, and every call failing in turn.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/pm_library.h"
#include "gpu/pm_sampling.h"
#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"
#include "tests/fixture_inject.h"
#include "tests/fixture_library.h"

extern const struct source source_pm;

static size_t (*n_open)(void);
static int (*trigger)(void);
static struct pm_library library;

static void script(const char *text)
{
	setenv("MOCK_SCRIPT", text, 1);
}

static uint32_t count_metrics(void)
{
	uint32_t n = 0;
	while (pm_metrics[n].name)
		n++;
	return n;
}

static int set_up(void **state)
{
	struct why why;
	(void)state;
	script("");
	void *mock = fixture_library("mock_cupti_pm");
	if (!fixture_library_find(mock, "mock_pm_n_open", &n_open) ||
	    !fixture_library_find(mock, "mock_pm_trigger", &trigger) ||
	    !fixture_library("mock_cuda"))
		return -1;
	return pm_library_open(&library, NULL, &why) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	pm_library_close(&library);
	return 0;
}

static struct pm_config *configure(const char *chip, const char *how, struct why *why)
{
	script(how);
	struct pm_config *config = pm_config_open(&library.calls, chip, NULL, why);
	script("");
	return config;
}

static void what_fits_is_chosen(void **state)
{
	struct why why;
	size_t bytes;
	(void)state;
	struct pm_config *config = configure("GH100", "", &why);
	assert_int_equal(pm_config_n(config), count_metrics());
	assert_string_equal(pm_config_names(config)[0], "dram__bytes_read.sum.per_second");
	assert_int_equal(pm_config_image(config, &bytes)[0], count_metrics());
	pm_config_close(config);
	config = configure("GH100", "metrics=3", &why);
	assert_int_equal(pm_config_n(config), 3);
	for (uint32_t i = 0; i < 3; i++) /* the most wanted */
		assert_ptr_equal(pm_config_metric(config, i), &pm_metrics[i]);
	assert_int_equal(pm_config_image(config, &bytes)[0], 3);
	pm_config_close(config);
	config = configure("TU102", "", &why);
	assert_in_range(pm_config_n(config), 10, count_metrics() - 1);
	for (uint32_t i = 0; i < pm_config_n(config); i++)
		assert_null(strstr(pm_config_names(config)[i], "Triage"));
	pm_config_close(config);
	assert_int_equal(n_open(), 0);
}

static void unknown_chips_are_named(void **state)
{
	struct why why;
	(void)state;
	assert_null(configure("XY999", "", &why));
	assert_non_null(strstr(why.text, "does not know the chip XY999"));
	assert_null(configure("GH100", "metrics=0", &why));
	assert_non_null(strstr(why.text, "pass"));
	assert_int_equal(n_open(), 0);
}

static void values_are_in_their_units(void **state)
{
	struct why why;
	double values[PM_MOST_METRICS];
	(void)state;
	struct pm_config *config = configure("GH100", "", &why);
	uint32_t n = pm_config_n(config);
	assert_true(pm_config_evaluate(config, NULL, 0, 7, values, &why));
	for (uint32_t i = 0; i + 1 < n; i++) {
		bool is_ratio = strcmp(pm_config_metric(config, i)->unit, "ratio") == 0;
		assert_float_equal(values[i], (100.0 * (i + 1) + 7) * (is_ratio ? 0.01 : 1), 1e-9);
	}
	assert_true(isnan(values[n - 1]));
	script("cuptiProfilerHostEvaluateToGpuValues=7");
	assert_false(pm_config_evaluate(config, NULL, 0, 7, values, &why));
	for (uint32_t i = 0; i < n; i++)
		assert_true(isnan(values[i]));
	script("");
	pm_config_close(config);
}

struct seen {
	uint64_t n, last_end_ns, first_start_ns;
	double sum;
};

static void see(void *context, const struct pm_sample *sample)
{
	struct seen *seen = context;
	assert_true(sample->end_ns > sample->start_ns);
	assert_true(sample->end_ns > seen->last_end_ns);
	seen->first_start_ns = seen->n ? seen->first_start_ns : sample->start_ns;
	seen->last_end_ns = sample->end_ns;
	seen->sum += sample->values[0];
	seen->n++;
}

static struct pm_sampling *open_sampling(const char *how, struct why *why)
{
	script(how);
	struct pm_sampling *sampling = pm_sampling_open(&library.calls, 0, 100, why);
	script("");
	return sampling;
}

static void samples_come_once(void **state)
{
	struct why why;
	bool is_overflown = true;
	struct seen seen = { 0 };
	(void)state;
	struct pm_sampling *sampling = open_sampling("", &why);
	assert_non_null(sampling);
	assert_string_equal(pm_sampling_chip(sampling), "GH100");
	assert_int_equal(trigger(), CUPTI_PM_BY_TIME);
	assert_true(pm_sampling_read(sampling, see, &seen, &is_overflown, &why));
	assert_int_equal(seen.n, 5);
	assert_float_equal(seen.sum, 5 * 100 + 0 + 1 + 2 + 3 + 4, 1e-9);
	assert_false(is_overflown);
	/* More than an image holds: several, in order. */
	script("samples=11,room=2,overflow=1");
	assert_true(pm_sampling_read(sampling, see, &seen, &is_overflown, &why));
	assert_int_equal(seen.n, 16);
	assert_int_equal(seen.last_end_ns - seen.first_start_ns, 16 * 10000000ull);
	assert_true(is_overflown);
	/* None, and more than can be. */
	script("samples=0");
	assert_true(pm_sampling_read(sampling, see, &seen, &is_overflown, &why));
	assert_int_equal(seen.n, 16);
	script("claimed=100000000");
	assert_true(pm_sampling_read(sampling, see, &seen, &is_overflown, &why));
	assert_in_range(seen.n, 16, 16 + 512);
	script("");
	pm_sampling_close(sampling);
	assert_int_equal(n_open(), 0);
}

/* Chips without the timer count by cycles of their clock. */
static void old_chips_have_no_timer(void **state)
{
	struct why why;
	(void)state;
	struct pm_sampling *sampling = open_sampling("turing=1", &why);
	assert_non_null(sampling);
	assert_int_equal(trigger(), CUPTI_PM_BY_CYCLES);
	pm_sampling_close(sampling);
}

static void every_call_may_fail(void **state)
{
	static const char *const calls[] = {
		"cuptiDeviceGetChipName",
		"cuptiPmSamplingGetCounterAvailability",
		"cuptiProfilerHostInitialize",
		"cuptiProfilerHostConfigAddMetrics",
		"cuptiProfilerHostGetConfigImageSize",
		"cuptiProfilerHostGetConfigImage",
		"cuptiProfilerHostGetNumOfPasses",
		"cuptiPmSamplingEnable",
		"cuptiPmSamplingSetConfig",
		"cuptiPmSamplingGetCounterDataSize",
		"cuptiPmSamplingCounterDataImageInitialize",
		"cuptiPmSamplingStart",
	};
	static const int codes[] = { 1, 7, 15, 35, 38, 39, 40, 41, 43, 999 };
	char text[96];
	struct why why;
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++) {
			snprintf(text, sizeof text, "%s=%d", calls[i], codes[j]);
			assert_null(open_sampling(text, &why));
			assert_non_null(strstr(why.text, "GPU counters cannot be sampled"));
			snprintf(text, sizeof text, "code %d", codes[j]);
			assert_non_null(strstr(why.text, text));
			assert_int_equal(n_open(), 0);
		}
	assert_null(open_sampling("cuptiPmSamplingEnable=35", &why));
	assert_non_null(strstr(why.text, "NVreg_RestrictProfilingToAdminUsers"));
}

static void sizes_are_not_believed(void **state)
{
	static const char *const scripts[] = { "image=0", "image=9000000000000", "data=0",
					       "data=9000000000000" };
	struct why why;
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_null(open_sampling(scripts[i], &why));
		assert_non_null(strstr(why.text, "a size that cannot be"));
		assert_int_equal(n_open(), 0);
	}
}

static void every_read_may_fail(void **state)
{
	static const char *const calls[] = {
		"cuptiPmSamplingDecodeData",
		"cuptiPmSamplingGetCounterDataInfo",
		"cuptiPmSamplingCounterDataGetSampleInfo",
		"cuptiProfilerHostEvaluateToGpuValues",
		"cuptiPmSamplingCounterDataImageInitialize",
	};
	char text[96];
	struct why why;
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct seen seen = { 0 };
		bool is_overflown;
		struct pm_sampling *sampling = open_sampling("", &why);
		snprintf(text, sizeof text, "%s=9", calls[i]);
		script(text);
		assert_false(pm_sampling_read(sampling, see, &seen, &is_overflown, &why));
		assert_non_null(strstr(why.text, calls[i]));
		script("cuptiPmSamplingStop=9,cuptiPmSamplingDisable=9");
		pm_sampling_close(sampling);
		script("");
		assert_int_equal(n_open(), 0);
	}
}

/* ---- the source */

static uint64_t count_readings(const struct recording *recording, const char *name, double *last)
{
	uint64_t n = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_READINGS]; i++) {
		const struct reading_row *row = recording_reading(recording, i);
		const struct series_row *series = recording_series(recording, row->series);
		if (strcmp(recording_string_at(recording, series->name), name) != 0)
			continue;
		*last = row->value;
		n++;
	}
	return n;
}

static struct recording *record(const char *how, const char *later, bool *is_open, struct why *why)
{
	struct sampling sampling;
	sampling_defaults(&sampling);
	struct target target = { .sampling = &sampling };
	struct recording *recording = recording_new();
	void *state = allocate(1, source_pm.state_bytes);
	assert_false(source_pm.wanted(&target)); /* unless asked for */
	sampling.gpu_hz = 100;
	assert_true(source_pm.wanted(&target));
	script(how);
	*is_open = source_pm.open(state, &target, recording, why);
	script(later);
	if (*is_open) {
		source_pm.drain(state, recording, false);
		source_pm.drain(state, recording, true);
		source_pm.close(state);
	}
	script("");
	free(state);
	recording_publish(recording);
	assert_int_equal(n_open(), 0);
	return recording;
}

static void readings_are_recorded(void **state)
{
	bool is_open;
	struct why why;
	double last = 0;
	(void)state;
	struct recording *recording = record("", "", &is_open, &why);
	assert_true(is_open);
	assert_int_equal(count_readings(recording, "GPU DRAM read", &last), 10);
	assert_float_equal(last, 104, 1e-9);
	/* Never a number that was not measured. */
	assert_int_equal(count_readings(recording, "GPU compute engine", &last), 0);
	const struct reading_row *first = recording_reading(recording, 1);
	assert_true(first->time_ns <= now_ns() && first->time_ns + 1000000000 > now_ns());
	recording_free(recording);
	recording = record("metrics=2,count=3", "overflow=1", &is_open, &why);
	assert_int_equal(count_readings(recording, "GPU DRAM read", &last), 30);
	assert_true(fixture_has_note(recording, "were lost"));
	recording_free(recording);
}

static void missing_things_are_said(void **state)
{
	static const char *const scripts[][2] = {
		{ "cuInit=100", "cuInit gives 100" },
		{ "count=0", "knows no device" },
		{ "cuDeviceGetCount=3", "knows no device" },
		{ "cuptiProfilerInitialize=35", "NVreg_Restrict" },
		{ "cuptiPmSamplingEnable=39", "other profiler" },
	};
	struct why why;
	bool is_open;
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct recording *recording = record(scripts[i][0], "", &is_open, &why);
		assert_false(is_open);
		assert_non_null(strstr(why.text, scripts[i][1]));
		recording_free(recording);
	}
}

/* The device falls off the bus while it is sampled: a note, and the rest goes on. */
static void a_lost_device_is_left_alone(void **state)
{
	struct why why;
	bool is_open;
	(void)state;
	struct recording *recording = record("", "cuptiPmSamplingDecodeData=999", &is_open, &why);
	assert_true(is_open);
	assert_true(fixture_has_note(recording, "GPU 0: GPU counters cannot be sampled"));
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_chosen),
		cmocka_unit_test(unknown_chips_are_named),
		cmocka_unit_test(values_are_in_their_units),
		cmocka_unit_test(samples_come_once),
		cmocka_unit_test(old_chips_have_no_timer),
		cmocka_unit_test(every_call_may_fail),
		cmocka_unit_test(sizes_are_not_believed),
		cmocka_unit_test(every_read_may_fail),
		cmocka_unit_test(readings_are_recorded),
		cmocka_unit_test(missing_things_are_said),
		cmocka_unit_test(a_lost_device_is_left_alone),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
