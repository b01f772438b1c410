/* What the GPU view plots: which series, under which ceiling; and the device's roofline by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_gpu.h"
#include "tui/gpu_plots_state.h"
#include "tui/gpu_summary.h"
#include "tui/plot.h"
#include "tui/roofline_device.h"

struct seen {
	struct recording *recording;
	struct gpu_summary *summary;
	struct gpu_plots *plots;
	struct view_focus focus;
	struct arena arena;
	struct view_context context;
};

static void look(struct seen *seen)
{
	seen->context = (struct view_context){ .recording = seen->recording,
					       .frame = &seen->arena,
					       .width = 80,
					       .height = 21,
					       .focus = &seen->focus };
	gpu_summary_read(seen->summary, seen->recording, seen->focus.from_ns, seen->focus.to_ns,
			 40);
	gpu_plots_update(seen->plots, &seen->context);
}

static void begin(struct seen *seen, struct recording *recording)
{
	*seen = (struct seen){ .recording = recording };
	seen->summary = calloc(1, sizeof *seen->summary);
	seen->plots = calloc(1, sizeof *seen->plots);
	look(seen);
}

static void end(struct seen *seen)
{
	gpu_plots_free(seen->plots);
	free(seen->plots);
	free(seen->summary);
	arena_close(&seen->arena);
	recording_free(seen->recording);
}

static const struct track *track_of(const struct seen *seen, const char *name)
{
	for (size_t i = 0; i < seen->plots->tracks.n; i++) {
		const struct track *track = &seen->plots->tracks.rows[i];
		if (strcmp(gpu_plots_name(seen->recording, track), name) == 0)
			return track;
	}
	fail_msg("no %s", name);
	return NULL;
}

static struct gpu_limit limit_of(const struct seen *seen, const char *name)
{
	return gpu_plots_limit(seen->plots, seen->recording, seen->summary, track_of(seen, name));
}

static void ceilings_are_of_this_device(void **state)
{
	static const char *const memory[] = { "GPU DRAM traffic", "GPU DRAM read",
					      "GPU DRAM write" };
	struct seen seen;
	(void)state;
	begin(&seen, fixture_gpu());
	for (int i = 0; i < 3; i++) {
		struct gpu_limit limit = limit_of(&seen, memory[i]);
		assert_true(limit.value == 4.3e12); /* the better of two copies */
		assert_int_equal(limit.origin, ORIGIN_SOFTWARE);
		assert_string_equal(limit.words, "copied");
	}
	assert_true(limit_of(&seen, "GPU power").value == 700);
	assert_true(limit_of(&seen, "GPU memory used").value == 150754820096.0);
	assert_true(isnan(limit_of(&seen, "GPU SM clock").value));
	assert_true(isnan(limit_of(&seen, "GPU PCIe read").value));
	assert_true(isnan(limit_of(&seen, "GPU DRAM use").value)); /* 100 % is its scale */
	/* The program ran on another device of that name, which nobody measured. */
	recording_add_fact(seen.recording, "gpu.0.uuid", "GPU-another");
	recording_publish(seen.recording);
	look(&seen);
	struct gpu_limit limit = limit_of(&seen, "GPU DRAM read");
	assert_true(limit.value == 4812000000000.0);
	assert_int_equal(limit.origin, ORIGIN_MODELLED);
	assert_string_equal(limit.words, "rated");
	end(&seen);
}

static const char *name_at(const struct seen *seen, size_t place)
{
	return gpu_plots_name(seen->recording,
			      &seen->plots->tracks.rows[seen->plots->order[place]]);
}

static void the_most_wanted_come_first(void **state)
{
	struct seen seen;
	(void)state;
	begin(&seen, fixture_gpu());
	assert_string_equal(name_at(&seen, 0), "GPU DRAM traffic");
	assert_string_equal(name_at(&seen, 3), "GPU DRAM use");
	assert_string_equal(name_at(&seen, seen.plots->n - 1), "GPU NVLink sent"); /* missing */
	assert_int_equal(seen.plots->n, 14); /* 16 series; limits are lines in others */
	for (size_t i = 0; i < seen.plots->n; i++)
		assert_string_not_equal(name_at(&seen, i), "GPU power limit");
	assert_null(seen.plots->counters_reason);
	assert_null(seen.plots->driver_reason);
	/* By hand: 20 readings of 0, 0, 3.2, 1.8, 1.8, ... TB/s. */
	const struct track *traffic = track_of(&seen, "GPU DRAM traffic");
	assert_int_equal(traffic->n, 20);
	assert_true(traffic->least == 0 && traffic->most == 3.2e12 && traffic->last == 1.8e12);
	double values[20];
	struct track_axis axis = { .from_ns = 0, .to_ns = 20000000, .low = 0, .high = 4e12 };
	tracks_values(&seen.plots->tracks, traffic, &axis, 20, values);
	for (int i = 0; i < 19; i++) { /* a bin is as wide as the time between two readings */
		double expected = i < 3 ? 0 : i % 3 == 0 ? 0.8 : 0.45;
		if (i > 0)
			assert_float_equal(values[i], expected, 1e-9);
	}
	end(&seen);
}

static void windows_cut(void **state)
{
	struct seen seen;
	(void)state;
	begin(&seen, fixture_gpu());
	seen.focus.from_ns = seen.recording->start_ns + 5500000;
	seen.focus.to_ns = seen.recording->start_ns + 8500000;
	look(&seen);
	const struct track *traffic = track_of(&seen, "GPU DRAM traffic");
	assert_int_equal(traffic->n, 3);
	assert_int_equal(seen.plots->tracks.origin_ns, seen.focus.from_ns);
	assert_true(gpu_plots_is_missing(track_of(&seen, "GPU power"))); /* read at 20 ms */
	end(&seen);
}

/* Whatever is selected can be seen whole. */
static void every_plot_can_be_reached(void **state)
{
	static const int heights[] = { 5, 12, 21, 37, 60 };
	struct seen seen;
	(void)state;
	begin(&seen, fixture_gpu());
	for (size_t h = 0; h < sizeof heights / sizeof heights[0]; h++) {
		list_go(&seen.plots->list, -1000);
		for (size_t i = 0; i < seen.plots->n; i++) {
			int rows = gpu_plots_top_rows(seen.plots, 80) + 1;
			gpu_plots_keep_visible(seen.plots, 80, heights[h]);
			assert_true(i > 0 || seen.plots->first == 0);
			assert_int_equal(seen.plots->list.selected, i);
			for (size_t k = seen.plots->first; k <= i; k++)
				rows += gpu_plots_rows(seen.plots, k, heights[h]);
			assert_true(rows <= heights[h]);
			list_go(&seen.plots->list, 1);
		}
	}
	list_go(&seen.plots->list, -1000);
	gpu_plots_keep_visible(seen.plots, 80, 21);
	gpu_plots_click(seen.plots, 1 + 3 + 2, 80, 21); /* in the second plot */
	assert_int_equal(seen.plots->list.selected, 1);
	assert_true(seen.plots->list.has_hit_row);
	gpu_plots_click(seen.plots, 1, 80, 21);
	list_sort(&seen.plots->list, list_find(&seen.plots->list, "metric"));
	look(&seen); /* what was selected still is */
	assert_int_equal(gpu_plots_series(seen.plots), track_of(&seen, "GPU DRAM traffic")->series);
	assert_true(seen.plots->list.selected > 1); /* behind busy and DRAM read */
	for (int width = 1; width < 130; width += 9) {
		struct canvas canvas = canvas_new(width, 30);
		gpu_plots_draw(seen.plots, &seen.context, seen.summary, &canvas);
		canvas_free(&canvas);
	}
	end(&seen);
}

static void what_is_missing_says_why(void **state)
{
	struct seen seen;
	(void)state;
	begin(&seen, fixture_known());
	assert_int_equal(seen.plots->n, 0);
	assert_non_null(strstr(seen.plots->counters_reason, "--gpu-metrics"));
	assert_non_null(strstr(seen.plots->driver_reason, "stoke doctor"));
	assert_null(seen.plots->stalls_reason); /* nobody used a GPU */
	recording_add_fact(seen.recording, "gpu.stalls", "not sampled; --gpu-stalls does.");
	recording_note(seen.recording, SEVERITY_WARNING, "pm", "GPU 0: counters are refused.", "");
	recording_publish(seen.recording);
	look(&seen);
	assert_string_equal(seen.plots->counters_reason, "GPU 0: counters are refused.");
	assert_string_equal(seen.plots->stalls_reason, "not sampled; --gpu-stalls does.");
	assert_int_equal(gpu_plots_series(seen.plots), 0);
	list_go(&seen.plots->list, 1);
	gpu_plots_keep_visible(seen.plots, 80, 20);
	struct canvas canvas = canvas_new(80, 20);
	gpu_plots_draw(seen.plots, &seen.context, seen.summary, &canvas);
	canvas_free(&canvas);
	recording_add_fact(seen.recording, "gpu.stalls", "sampled every 4096 cycles");
	recording_publish(seen.recording);
	look(&seen);
	assert_null(seen.plots->stalls_reason);
	end(&seen);
}

/* Braille by hand: two rows are eight dots; the line is dotted, one dot a character. */
static void lines_lie_where_they_should(void **state)
{
	static const double values[] = { 0.5, 0.5, 0, 0, 1, 1 };
	struct canvas canvas = canvas_new(3, 2);
	(void)state;
	plot_area_under(&canvas, values, 1, MEANING_BAR);
	assert_string_equal(canvas.cells[0].text, "\u2801");
	assert_int_equal(canvas.cells[0].meaning, MEANING_TEXT);
	assert_string_equal(canvas.cells[1].text, "\u2801");
	assert_string_equal(canvas.cells[2].text, "\u28ff");
	assert_int_equal(canvas.cells[2].meaning, MEANING_BAR);
	assert_string_equal(canvas.cells[3].text, "\u28ff");
	canvas_clear(&canvas);
	plot_area_under(&canvas, values, 0.625, MEANING_BAR); /* the fifth dot */
	assert_string_equal(canvas.cells[0].text, "\u2840");
	assert_string_equal(canvas.cells[1].text, "\u2840");
	canvas_clear(&canvas);
	plot_area_under(&canvas, values, NAN, MEANING_BAR);
	assert_string_equal(canvas.cells[1].text, " ");
	canvas_free(&canvas);
}

/* ---- the roofline */

/*
 * 29 launches of 410 us, each 2 x 1024^3 FLOP and 3 x 4 MiB. At 60 TFLOP/s that is 35.79 us, at
 * 4.3 TB/s 2.926 us: arithmetic bounds it, and 374.21 us are lost each time.
 */
static void kernels_lie_under_the_devices_roofs(void **state)
{
	struct recording *recording = fixture_gpu();
	struct roofline_device *device = calloc(1, sizeof *device);
	(void)state;
	roofline_device_read(device, recording, 0, 0);
	assert_true(device->has_work);
	assert_string_equal(roofline_device_name(device), "NVIDIA H200");
	assert_non_null(device->ceilings);
	assert_int_equal(device->n, 1);
	const struct roofline_kernel *gemm = &device->kernels[0];
	assert_int_equal(gemm->n, 29);
	assert_string_equal(recording_string_at(recording, gemm->phase), "gemm");
	assert_float_equal(gemm->work.seconds, 29 * 410e-6, 1e-12);
	assert_float_equal(roofline_intensity(&gemm->work), 2.0 * 1024 / 12, 1e-9);
	assert_float_equal(roofline_ridge(&gemm->roofline, ROOFLINE_MEMORY), 60 / 4.3, 1e-9);
	assert_int_equal(gemm->verdict.bound, BOUND_COMPUTE);
	double least = 29 * 2.0 * 1024 * 1024 * 1024 / 60e12;
	assert_float_equal(gemm->verdict.least_seconds, least, 1e-12);
	assert_float_equal(gemm->verdict.least_seconds / 29, 35.79e-6, 0.01e-6);
	assert_float_equal(gemm->verdict.lost_seconds, 29 * 410e-6 - least, 1e-12);
	assert_float_equal(gemm->verdict.attained_ratio, 35.79 / 410, 1e-4);
	/* The phase that told it is held against the same roofs: 30 of 12.68 ms in all. */
	struct ceilings *ceilings = ceilings_load(recording);
	struct roofline_phases *phases = roofline_phases_open(recording, 0, 0, ceilings);
	assert_int_equal(phases->n, 1);
	assert_int_equal(phases->rows[0].all_verdict.bound, BOUND_BEATEN); /* by the CPUs' */
	roofline_device_judge(device, recording, phases);
	assert_int_equal(phases->rows[0].all_verdict.bound, BOUND_COMPUTE);
	assert_float_equal(phases->rows[0].all_verdict.least_seconds, least * 30 / 29, 1e-12);
	roofline_phases_close(phases);
	phases = roofline_phases_open(recording, 0, 0, ceilings);
	roofline_device_settle(recording, 0, 0, phases);
	assert_int_equal(phases->rows[0].all_verdict.bound, BOUND_COMPUTE);
	assert_null(phases->rows[0].roofline.compute); /* nothing that is gone is pointed to */
	roofline_phases_close(phases);
	ceilings_free(ceilings);
	roofline_device_free(device);
	free(device);
	recording_free(recording);
}

static void a_device_nobody_measured_has_no_roof(void **state)
{
	struct recording *recording = fixture_gpu();
	struct roofline_device *device = calloc(1, sizeof *device);
	(void)state;
	recording_add_fact(recording, "gpu.0.uuid", "GPU-another");
	recording_publish(recording);
	roofline_device_read(device, recording, 0, 0);
	assert_int_equal(device->n, 1);
	assert_null(device->ceilings);
	assert_int_equal(device->kernels[0].verdict.bound, BOUND_UNKNOWN);
	assert_true(isnan(device->kernels[0].verdict.attained_ratio));
	roofline_device_free(device);
	recording_free(recording);
	recording = fixture_known();
	roofline_device_read(device, recording, 0, 0);
	assert_false(device->has_work);
	assert_int_equal(device->n, 0);
	roofline_device_free(device);
	free(device);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ceilings_are_of_this_device),
		cmocka_unit_test(the_most_wanted_come_first),
		cmocka_unit_test(windows_cut),
		cmocka_unit_test(every_plot_can_be_reached),
		cmocka_unit_test(what_is_missing_says_why),
		cmocka_unit_test(lines_lie_where_they_should),
		cmocka_unit_test(kernels_lie_under_the_devices_roofs),
		cmocka_unit_test(a_device_nobody_measured_has_no_roof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
