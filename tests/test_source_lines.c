/* Source lines: what a recording says of them may be anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sampler/recording.h"
#include "tests/fixture_frames.h"
#include "tests/fixture_shown.h"

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

/* One function with samples in two lines of a file that is not there. */
static struct recording *two_lines(uint32_t first, uint32_t second, uint64_t weight)
{
	struct recording *recording = recording_new();
	struct series_row series = { .name = text(recording, "cpu-clock"),
				     .unit = text(recording, "ns"),
				     .source = text(recording, "fixture"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SAMPLES };
	struct thread_row thread = { .pid = 4, .tid = 4, .name = text(recording, "main") };
	struct sample_row row = { .series = (uint16_t)recording_add_series(recording, &series),
				  .thread = recording_add_thread(recording, &thread),
				  .cpu = SAMPLE_CPU_UNKNOWN };
	const uint32_t lines[] = { first, second };
	for (int i = 0; i < 2; i++) {
		const struct fixture_frame frame = { .name = "lies",
						     .module = "/bin/lies",
						     .file = "/nowhere/lies.c",
						     .line = lines[i] };
		row.stack = fixture_stack(recording, 0, &frame);
		row.weight = i ? weight : 1000;
		row.count = 1;
		row.time_ns = 1000 + (uint64_t)i;
		recording_add_sample(recording, &row);
	}
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

/* The source of the hottest function, after these keys. */
static struct shown lines_after(struct recording *recording, const char *keys)
{
	struct shown screen = shown_open(recording, "functions", 100, 24);
	shown_press(&screen, keys);
	return screen;
}

static void far_lines_are_told_not_listed(void **state)
{
	(void)state;
	struct shown screen = lines_after(two_lines(5, 4000000000, 3000), "a");
	shown_has(&screen, "4000000000"); /* the hottest */
	shown_has(&screen, "25.0 % in other files or no line");
	shown_press(&screen, "HHg");
	shown_has(&screen, "3999934464"); /* the first of those listed */
	shown_close(&screen);
	screen = lines_after(two_lines(5, 4000000000, 500), "aG");
	shown_has(&screen, "131076"); /* the last */
	shown_has(&screen, "33.3 % in other files or no line");
	shown_close(&screen);
	screen = lines_after(two_lines(5, 4000000000, 500), "aH");
	shown_has(&screen, "    5");
	shown_close(&screen);
}

static void near_lines_are_all_listed(void **state)
{
	(void)state;
	struct shown screen = lines_after(two_lines(100000, 200000, 3000), "ag");
	shown_has(&screen, "100000");
	shown_not(&screen, "other files");
	shown_close(&screen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_lines_are_told_not_listed),
		cmocka_unit_test(near_lines_are_all_listed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
