/*
 * Each plot is three or four rows: to the left its name, last value, share of its ceiling and
 * where that comes from, to the right the values as dots with the ceiling as a dotted line.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/gpu_plots_state.h"
#include "tui/gpu_summary.h"
#include "tui/paragraph.h"
#include "tui/plot.h"

enum {
	WIDE = 70, /* columns from which on names and values have all they need */
	LEFT_COLUMNS = 31,
	LEFT_NARROW = 20,
	FEW_ROWS = 30, /* below, plots take three rows, above four */
};

static int left_columns(int width)
{
	return width >= WIDE ? LEFT_COLUMNS : LEFT_NARROW;
}

int gpu_plots_rows(const struct gpu_plots *plots, size_t place, int height)
{
	if (gpu_plots_is_missing(gpu_plots_track(plots, place)))
		return 1;
	return height < FEW_ROWS ? 3 : 4;
}

/* "GPU DRAM read" of "GPU 0": the device says it already. */
static const char *short_name(const struct recording *recording, const struct track *track)
{
	const char *name = gpu_plots_name(recording, track);
	return strncmp(name, "GPU ", 4) == 0 ? name + 4 : name;
}

static const char *device_name(const struct recording *recording, const struct track *track)
{
	return recording_string_at(recording, recording_series(recording, track->series)->device);
}

static const char *unit_name(const struct recording *recording, const struct track *track)
{
	return recording_string_at(recording, recording_series(recording, track->series)->unit);
}

/* ---- what is not there */

static int draw_reason(const struct canvas *canvas, int y, const char *what, const char *reason)
{
	char text[512];
	snprintf(text, sizeof text, "%s: %s", what, reason);
	canvas_text(canvas, 0, y, 1, MEANING_DIM, TEXT_UNKNOWN);
	return paragraph_draw(canvas, 2, y, canvas->width - 2, MEANING_DIM, text);
}

static int draw_reasons(const struct gpu_plots *plots, const struct canvas *canvas, int y)
{
	int top = y;
	if (plots->counters_reason)
		y += draw_reason(canvas, y,
				 "DRAM, L2, SMs, tensor pipe, warps, PCIe, NVLink by the device's "
				 "counters",
				 plots->counters_reason);
	if (plots->driver_reason)
		y += draw_reason(canvas, y, "power, clocks, memory, temperature by the driver",
				 plots->driver_reason);
	if (plots->stalls_reason)
		y += draw_reason(canvas, y, "what kernels wait for, line by line",
				 plots->stalls_reason);
	return y - top;
}

int gpu_plots_top_rows(const struct gpu_plots *plots, int width)
{
	/* Too low for a cell to be drawn in: only rows are counted. */
	const struct canvas nowhere = { .width = width };
	return 1 + draw_reasons(plots, &nowhere, 0);
}

static void draw_missing(const struct recording *recording, const struct canvas *canvas, int y,
			 const struct track *track)
{
	const struct series_row *series = recording_series(recording, track->series);
	int x = canvas_print(canvas, 0, y, MEANING_TEXT, "%s %s %s",
			     origin_glyph(ORIGIN_UNAVAILABLE), device_name(recording, track),
			     short_name(recording, track));
	canvas_text(canvas, x + 2, y, canvas->width - x - 2, MEANING_DIM,
		    series->reason ? recording_string_at(recording, series->reason)
				   : "no reading in this part of the time");
}

/* ---- one plot */

struct frame {
	const struct gpu_plots *plots;
	const struct view_context *context;
	const struct gpu_summary *summary;
	const struct canvas *canvas;
};

/* The lanes' time where there are lanes, so that both stand one above the other. */
static struct track_axis axis_of(const struct frame *frame, const struct track *track,
				 const struct gpu_limit *limit)
{
	const struct tracks *tracks = &frame->plots->tracks;
	const struct gpu_summary *summary = frame->summary;
	struct track_axis axis = tracks_axis(tracks, track, false);
	const char *unit = unit_name(frame->context->recording, track);
	if (summary->n_lanes && summary->to_ns > tracks->origin_ns &&
	    summary->to_ns > summary->from_ns) {
		axis.from_ns = summary->from_ns > tracks->origin_ns
				       ? summary->from_ns - tracks->origin_ns
				       : 0;
		axis.to_ns = summary->to_ns - tracks->origin_ns;
	}
	if (frame->plots->is_fitted)
		return axis;
	if (limit->value > axis.high)
		axis.high = limit->value;
	else if (strcmp(unit, "ratio") == 0 && axis.high < 1)
		axis.high = 1;
	return axis;
}

/* "74.6 % of 4.30 TB/s ○ copied" */
static void draw_limit(const struct canvas *canvas, int y, const struct track *track,
		       const struct gpu_limit *limit, const char *unit)
{
	char share[TEXT_BYTES], value[TEXT_BYTES];
	bool is_wide = canvas->width >= WIDE;
	int x = canvas_print(canvas, 2, y, MEANING_TEXT, "%s of ",
			     text_ratio(share, sizeof share, track->last / limit->value));
	x += canvas_text(canvas, 2 + x, y, left_columns(canvas->width) - 2 - x, MEANING_DIM,
			 text_value(value, sizeof value, limit->value, unit));
	if (is_wide)
		canvas_print(canvas, 3 + x, y, MEANING_DIM, "%s %s", origin_glyph(limit->origin),
			     limit->words);
}

static void draw_range(const struct canvas *canvas, int y, const struct track *track,
		       const char *unit)
{
	char least[TEXT_BYTES], most[TEXT_BYTES];
	const struct canvas left =
		canvas_part(canvas, 0, 0, left_columns(canvas->width) - 1, canvas->height);
	canvas_print(&left, 2, y, MEANING_DIM, "%s to %s",
		     text_value(least, sizeof least, track->least, unit),
		     text_value(most, sizeof most, track->most, unit));
}

static void draw_words(const struct frame *frame, int y, int rows, const struct track *track,
		       const struct gpu_limit *limit)
{
	const struct recording *recording = frame->context->recording;
	const struct canvas *canvas = frame->canvas;
	const char *unit = unit_name(recording, track);
	char value[TEXT_BYTES];
	int left = left_columns(canvas->width), row = y + 2;
	canvas_print(canvas, 0, y, MEANING_TEXT, "%s %s ", origin_glyph(track_origin(track)),
		     device_name(recording, track));
	canvas_text(canvas, 3 + text_width(device_name(recording, track)), y,
		    left - 4 - text_width(device_name(recording, track)), MEANING_HEADER,
		    short_name(recording, track));
	canvas_text(canvas, 2, y + 1, left - 3, MEANING_TEXT,
		    text_value(value, sizeof value, track->last, unit));
	if (limit->value > 0)
		draw_limit(canvas, row++, track, limit, unit);
	if (row < y + rows)
		draw_range(canvas, row, track, unit);
}

static void draw_plot(const struct frame *frame, int y, int rows, const struct track *track)
{
	const struct recording *recording = frame->context->recording;
	const struct canvas *canvas = frame->canvas;
	const struct gpu_limit limit =
		gpu_plots_limit(frame->plots, recording, frame->summary, track);
	int left = left_columns(canvas->width), columns = canvas->width - left;
	draw_words(frame, y, rows, track, &limit);
	if (columns < 2)
		return;
	struct track_axis axis = axis_of(frame, track, &limit);
	double *values = arena_take(frame->context->frame, (size_t)columns * 2 * sizeof *values);
	tracks_values(&frame->plots->tracks, track, &axis, columns * 2, values);
	const struct canvas part = canvas_part(canvas, left, y, columns, rows);
	double line = (limit.value - axis.low) / (axis.high - axis.low);
	plot_area_under(&part, values, line <= 1 ? line : NAN, MEANING_BAR);
}

/* ---- all of them */

static void draw_header(const struct frame *frame, size_t last)
{
	const struct gpu_plots *plots = frame->plots;
	const struct canvas *canvas = frame->canvas;
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "%-*s", left_columns(canvas->width),
			     "metric, last value");
	canvas_print(canvas, x, 0, MEANING_HEADER, "%s",
		     plots->is_fitted ? "up to its greatest value (y)"
				      : "up to its ceiling, dotted (y)");
	char where[48];
	snprintf(where, sizeof where, "%zu-%zu of %zu", plots->first + 1, last, plots->n);
	if (last < plots->n || plots->first > 0)
		canvas_text(canvas, canvas->width - text_width(where), 0, canvas->width,
			    MEANING_DIM, where);
}

/* Times as everywhere else: since the recording began. */
static void draw_time(const struct frame *frame, int y)
{
	const struct tracks *tracks = &frame->plots->tracks;
	const struct gpu_limit none = { .value = NAN };
	uint64_t start = frame->context->recording->start_ns;
	if (frame->plots->list.n == 0)
		return;
	struct track_axis axis =
		axis_of(frame, gpu_plots_track(frame->plots, frame->plots->first), &none);
	uint64_t shift = tracks->origin_ns > start ? tracks->origin_ns - start : 0;
	axis.from_ns += shift;
	axis.to_ns += shift;
	track_draw_time(frame->canvas, y, left_columns(frame->canvas->width), &axis);
}

void gpu_plots_draw(const struct gpu_plots *plots, const struct view_context *context,
		    const struct gpu_summary *summary, const struct canvas *canvas)
{
	const struct frame frame = { plots, context, summary, canvas };
	int y = 1 + draw_reasons(plots, canvas, 1);
	size_t i = plots->first;
	for (; i < plots->list.n; i++) {
		const struct track *track = gpu_plots_track(plots, i);
		int rows = gpu_plots_rows(plots, i, canvas->height);
		if (y + rows >= canvas->height)
			break;
		if (gpu_plots_is_missing(track))
			draw_missing(context->recording, canvas, y, track);
		else
			draw_plot(&frame, y, rows, track);
		if (i == plots->list.selected)
			canvas_mark(canvas, 0, y, left_columns(canvas->width) - 1,
				    MEANING_SELECTED);
		y += rows;
	}
	draw_header(&frame, i);
	draw_time(&frame, y);
}
