/*
 * What a frame of the screen costs while a recording with 100,000 distinct stacks grows: CPU time
 * of bringing a view up to date, laying it out and drawing it, at ten frames a second and 1,000
 * samples a second. Writing to the terminal is not in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sampler/recording.h"
#include "sampler/recording_window.h"
#include "tests/fixture_growing.h"
#include "tui/canvas.h"
#include "tui/face.h"
#include "tui/view.h"

enum { FRAMES = 50, SAMPLES_A_FRAME = 100, FRAMES_A_SECOND = 10, WIDTH = 200, HEIGHT = 60 };
static const unsigned SIZES[] = { 1000, 100000 }; /* distinct stacks, about */

static double cpu_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* What was done since the last frame is of one phase, as it is told when it ends. */
static void add_phase(struct growing *growing, uint64_t from_ns)
{
	struct recording *recording = growing->recording;
	struct series_row series = { .name = recording_add_string(recording, "phases"),
				     .unit = recording_add_string(recording, "ns"),
				     .flags = SERIES_SPANS };
	struct span_row row = { .start_ns = from_ns,
				.duration_ns = growing->time_ns - from_ns,
				.series = recording_add_series(recording, &series),
				.name = recording_add_string(recording, "phase"),
				.thread = growing->threads[0] };
	recording_add_span(recording, &row);
	recording_publish(recording);
}

static void measure(struct growing *growing, const char *view, const char *keys)
{
	/* Compared with itself as it was: every box is found. */
	struct recording *against = recording_window(growing->recording, 0, 0);
	struct face_settings settings = { .recording = growing->recording,
					  .command = "prog",
					  .view = view,
					  .is_live = true,
					  .against = against,
					  .against_name = "before" };
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(WIDTH, HEIGHT);
	double start = cpu_ms(), first, spent = 0, worst = 0;
	face_draw(face, &canvas, growing->time_ns);
	first = cpu_ms() - start;
	face_keys(face, keys);
	face_draw(face, &canvas, growing->time_ns);
	for (int i = 0; i < FRAMES; i++) {
		uint64_t from_ns = growing->time_ns;
		growing_add(growing, SAMPLES_A_FRAME);
		add_phase(growing, from_ns);
		start = cpu_ms();
		face_draw(face, &canvas, growing->time_ns);
		double took = cpu_ms() - start;
		spent += took;
		worst = took > worst ? took : worst;
	}
	printf("  %-10s%-10s first %8.2f ms, then %6.2f ms a frame (worst %6.2f) = %5.1f %% of a "
	       "core\n",
	       view,
	       keys[0] == '/'                     ? "searching"
	       : keys[0] == 'p'                   ? "by phase"
	       : keys[0] == 'C'                   ? "by change"
	       : keys[0] == 't' && keys[1] == '/' ? "tree, /"
	       : keys[0] == 't'                   ? "as a tree"
						  : "",
	       first, spent / FRAMES, worst, spent / FRAMES * FRAMES_A_SECOND / 10);
	canvas_free(&canvas);
	face_free(face);
	recording_free(against);
}

int main(void)
{
	for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
		struct growing growing;
		growing_start(&growing, 1, 4);
		growing_add(&growing, SIZES[i]);
		struct moment moment = recording_moment(growing.recording);
		printf("a frame of %d x %d after %u samples, %llu stacks and callers (goal 5 "
		       "%%):\n",
		       WIDTH, HEIGHT, SIZES[i], (unsigned long long)moment.n[TABLE_STACKS]);
		measure(&growing, "flame", "");
		measure(&growing, "flame", "/function_1\r");
		measure(&growing, "flame", "ppp");
		measure(&growing, "flame", "CC");
		measure(&growing, "overview", "");
		measure(&growing, "functions", "");
		measure(&growing, "functions", "tE");
		measure(&growing, "functions", "t/function_1\r");
		recording_free(growing.recording);
	}
	return 0;
}
