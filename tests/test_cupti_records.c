/*
 * Records of CUPTI's beside kernels, copies and waits: each has its place in the recording, and
 * calls that only tell more may fail. As test_cupti.c, by a mock in a child process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sampler/recording.h"
#include "tests/fixture_cupti.h"
#include "tests/fixture_inject.h"

int InitializeInjection(void);

enum { LAUNCHES = 40 };

static struct recording *record(const char *script, void (*program)(void))
{
	return fixture_inject_started(script, InitializeInjection, program);
}

static void run_launches(void)
{
	for (int i = 0; i < LAUNCHES; i++)
		mock.launch("softmax", 7, 10);
	mock.deliver();
}

static void run_others(void)
{
	mock.others();
	mock.launch("softmax", 7, 10);
}

static const struct span_row *find_span(const struct recording *recording, const char *name,
					const char *lane)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SPANS]; i++) {
		const struct span_row *span = recording_span(recording, i);
		const struct series_row *series = recording_series(recording, span->series);
		if (strcmp(recording_string_at(recording, span->name), name) == 0 &&
		    strcmp(recording_string_at(recording, series->name), lane) == 0)
			return span;
	}
	fail_msg("no %s in %s", name, lane);
	return NULL;
}

/* Fills, copies between devices, overhead, and the program's own numbers for its work. */
static void every_kind_of_record_has_its_place(void **state)
{
	(void)state;
	struct recording *recording = record("", run_others);
	assert_int_equal(find_span(recording, "fill", "stream 7")->duration_ns, 700);
	assert_float_equal(find_span(recording, "fill", "stream 7")->bytes, 4096, 0);
	assert_int_equal(
		find_span(recording, "copy device to other device", "stream 13")->duration_ns,
		9000);
	assert_int_equal(
		find_span(recording, "profiling overhead", "profiling overhead")->duration_ns,
		5000);
	assert_int_equal(find_span(recording, "42", "external ids 0")->duration_ns, 700);
	assert_int_equal(fixture_count_spans(recording, "42"), 1);
	assert_int_equal(fixture_fact(recording, "gpu.external_correlations"), 1);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), 3);
	assert_int_equal(fixture_fact(recording, "gpu.unmatched"), 0);
	assert_false(fixture_has_note(recording, ""));
	recording_free(recording);
}

/* They cost what they would have told, and nothing else. */
static void some_calls_are_done_without(void **state)
{
	static const char *const scripts[] = { "cuptiActivityFlushAll=999",
					       "cuptiActivityGetNumDroppedRecords=999" };
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct recording *recording = record(scripts[i], run_launches);
		assert_int_equal(fixture_fact(recording, "gpu.matched"), LAUNCHES);
		assert_int_equal(fixture_count_spans(recording, "softmax"), LAUNCHES);
		recording_free(recording);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_record_has_its_place),
		cmocka_unit_test(some_calls_are_done_without),
	};
	return cmocka_run_group_tests(tests, fixture_cupti_load, NULL);
}
