/*
 * What a frame of the screen costs while a recording with 100,000 distinct stacks grows: CPU time
 * of bringing a view up to date, laying it out and drawing it, at ten frames a second and 1,000
 * samples a second. Writing to the terminal is not in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sampler/recording.h"
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

static void measure(struct growing *growing, const char *view, const char *keys)
{
	struct face_settings settings = {
		.recording = growing->recording, .command = "prog", .view = view, .is_live = true
	};
	struct face *face = face_new(&settings);
	struct canvas canvas = canvas_new(WIDTH, HEIGHT);
	double start = cpu_ms(), first, spent = 0, worst = 0;
	face_draw(face, &canvas, growing->time_ns);
	first = cpu_ms() - start;
	face_keys(face, keys);
	face_draw(face, &canvas, growing->time_ns);
	for (int i = 0; i < FRAMES; i++) {
		growing_add(growing, SAMPLES_A_FRAME);
		start = cpu_ms();
		face_draw(face, &canvas, growing->time_ns);
		double took = cpu_ms() - start;
		spent += took;
		worst = took > worst ? took : worst;
	}
	printf("  %-10s%-10s first %8.2f ms, then %6.2f ms a frame (worst %6.2f) = %5.1f %% of a "
	       "core\n",
	       view, keys[0] == '/' ? "searching" : "", first, spent / FRAMES, worst,
	       spent / FRAMES * FRAMES_A_SECOND / 10);
	canvas_free(&canvas);
	face_free(face);
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
		measure(&growing, "overview", "");
		measure(&growing, "functions", "");
		recording_free(growing.recording);
	}
	return 0;
}
