/* The overview: however many threads and series there are, the busiest and the program's own are
 * shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/recording.h"
#include "tests/fixture_frames.h"
#include "tui/face.h"

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

static char *overview_of(const struct recording *recording)
{
	struct face_settings settings = { .recording = recording,
					  .command = "busy",
					  .view = "overview" };
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(100, 30);
	char *shown;
	size_t n;
	face_draw(face, &canvas, 2000);
	FILE *out = open_memstream(&shown, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	canvas_free(&canvas);
	face_free(face);
	return shown;
}

static void expect(const char *shown, const char *part, bool is_there)
{
	if ((strstr(shown, part) != NULL) != is_there)
		fail_msg("%s \"%s\" on\n%s", is_there ? "no" : "there is", part, shown);
}

static void the_busiest_of_many_threads_are_shown(void **state)
{
	struct recording *recording = busy_threads(40);
	char *shown = overview_of(recording), *last, *before;
	(void)state;
	expect(shown, "of the busiest", true);
	expect(shown, " of 40", true);
	expect(shown, "busy 100", false);
	assert_non_null(last = strstr(shown, "busy 139"));
	assert_non_null(before = strstr(shown, "busy 138"));
	assert_true(last < before);
	/* Of the events of all threads: 40 of 820. */
	assert_non_null(strstr(last, "4.9 %"));
	assert_true(strstr(last, "4.9 %") < before);
	free(shown);
	recording_free(recording);
}

static void few_threads_are_all_shown(void **state)
{
	struct recording *recording = busy_threads(3);
	char *shown = overview_of(recording);
	(void)state;
	expect(shown, "of the busiest", false);
	expect(shown, "busy 100", true);
	expect(shown, "50.0 %", true);
	free(shown);
	recording_free(recording);
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
	char *shown = overview_of(recording);
	expect(shown, "Reports  by the program itself", true);
	expect(shown, "62.5 %", true);
	free(shown);
	recording_free(recording);
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
