/* The overview: however many threads and series there are, the busiest and the program's own are
 * shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "sampler/recording.h"
#include "tests/fixture_frames.h"
#include "tests/fixture_shown.h"

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

/* Thread 100 + i counts i + 1 events. */
static struct recording *busy_threads(uint32_t n)
{
	const struct fixture_frame frame = { .name = "work", .module = "/bin/busy" };
	struct recording *recording = recording_new();
	struct series_row series = { .name = text(recording, "cycles"),
				     .unit = text(recording, "events"),
				     .source = text(recording, "fixture"),
				     .origin = ORIGIN_MEASURED,
				     .flags = SERIES_SAMPLES };
	struct sample_row row = { .series = (uint16_t)recording_add_series(recording, &series),
				  .stack = fixture_stack(recording, 0, &frame),
				  .cpu = SAMPLE_CPU_UNKNOWN,
				  .count = 1 };
	for (uint32_t i = 0; i < n; i++) {
		struct thread_row thread = { .pid = 100,
					     .tid = 100 + i,
					     .name = text(recording, "busy") };
		row.thread = recording_add_thread(recording, &thread);
		row.weight = i + 1;
		row.time_ns = 1000 + i;
		recording_add_sample(recording, &row);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static struct shown overview_of(struct recording *recording)
{
	return shown_open(recording, "overview", 100, 30);
}

static void the_busiest_of_many_threads_are_shown(void **state)
{
	struct shown screen = overview_of(busy_threads(40));
	const char *last, *before;
	(void)state;
	shown_has(&screen, "of the busiest");
	shown_has(&screen, " of 40");
	shown_not(&screen, "busy 100");
	assert_non_null(last = strstr(screen.text, "busy 139"));
	assert_non_null(before = strstr(screen.text, "busy 138"));
	assert_true(last < before);
	/* Of the events of all threads: 40 of 820. */
	assert_non_null(strstr(last, "4.9 %"));
	assert_true(strstr(last, "4.9 %") < before);
	shown_close(&screen);
}

static void few_threads_are_all_shown(void **state)
{
	struct shown screen = overview_of(busy_threads(3));
	(void)state;
	shown_not(&screen, "of the busiest");
	shown_has(&screen, "busy 100");
	shown_has(&screen, "50.0 %");
	shown_close(&screen);
}

/* Eight GPUs have more than a hundred series before those of the program come. */
static void reports_of_the_program_have_their_place(void **state)
{
	struct recording *recording = busy_threads(1);
	struct reading_row reading = { .time_ns = 1500, .running_ratio = 1 };
	char name[32];
	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "metric %d", i);
		struct series_row series = { .name = text(recording, i < 199 ? name : "progress"),
					     .unit = text(recording, "ratio"),
					     .source = text(recording, "fixture"),
					     .origin = ORIGIN_SOFTWARE,
					     .flags = i < 199 ? 0 : SERIES_PROGRESS };
		reading.series = recording_add_series(recording, &series);
		reading.origin = ORIGIN_SOFTWARE;
		reading.value = 0.625;
		recording_add_reading(recording, &reading);
	}
	recording_publish(recording);
	struct shown screen = overview_of(recording);
	shown_has(&screen, "Reports  by the program itself");
	shown_has(&screen, "62.5 %");
	shown_close(&screen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_busiest_of_many_threads_are_shown),
		cmocka_unit_test(few_threads_are_all_shown),
		cmocka_unit_test(reports_of_the_program_have_their_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
