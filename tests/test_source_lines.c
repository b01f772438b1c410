/* Source lines: what a recording says of them may be anything. */
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
#include "tui/view.h"

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

static char *screen_of(const struct recording *recording, const char *keys)
{
	char *shown = NULL;
	size_t n;
	struct face_settings settings = { .recording = recording,
					  .command = "lies",
					  .view = "functions" };
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(100, 24);
	face_draw(face, &canvas, 2000);
	face_keys(face, keys);
	face_draw(face, &canvas, 3000);
	FILE *out = open_memstream(&shown, &n);
	canvas_write(&canvas, out, true, NULL);
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

static void far_lines_are_told_not_listed(void **state)
{
	(void)state;
	struct recording *recording = two_lines(5, 4000000000, 3000);
	char *shown = screen_of(recording, "a");
	expect(shown, "4000000000", true); /* the hottest */
	expect(shown, "25.0 % in other files or no line", true);
	free(shown);
	shown = screen_of(recording, "aHHg");
	expect(shown, "3999934464", true); /* the first of those listed */
	free(shown);
	recording_free(recording);
	recording = two_lines(5, 4000000000, 500);
	shown = screen_of(recording, "aG");
	expect(shown, "131076", true); /* the last */
	expect(shown, "33.3 % in other files or no line", true);
	free(shown);
	shown = screen_of(recording, "aH");
	expect(shown, "    5", true);
	free(shown);
	recording_free(recording);
}

static void near_lines_are_all_listed(void **state)
{
	(void)state;
	struct recording *recording = two_lines(100000, 200000, 3000);
	char *shown = screen_of(recording, "ag");
	expect(shown, "100000", true);
	expect(shown, "other files", false);
	free(shown);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(far_lines_are_told_not_listed),
		cmocka_unit_test(near_lines_are_all_listed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
