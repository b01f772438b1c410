/* Devices, what they last reported, and a lane for each stream. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/gpu_state.h"
#include "tui/paragraph.h"

enum {
	READING_COLUMNS = 38,
	MOST_READING_ROWS = 4,
	FRAME_ROWS = 4, /* heads of lanes and table, and a row between them */
};

static const char *text_of(const struct view_context *context, uint32_t id)
{
	return recording_string_at(context->recording, id);
}

int gpu_count_devices(const struct gpu_summary *summary)
{
	int n = 0;
	for (int i = 0; i < GPU_MOST_DEVICES; i++)
		n += summary->devices[i].name != NULL;
	return n;
}

int gpu_lanes_shown(const struct gpu_state *state, int height)
{
	int n = (int)state->summary->n_lanes;
	/* Half of the screen at most: the table is the point. */
	return n < height / 3 ? n : height / 3;
}

bool gpu_shows_plots(const struct gpu_state *state)
{
	return state->is_plots || state->summary->n_lanes == 0;
}

/* ---- drawing: each part returns the next free row */

static int draw_nothing(const struct gpu_state *state, const struct canvas *canvas)
{
	const char *reason = state->summary->reason;
	canvas_text(canvas, 0, 0, canvas->width, MEANING_HEADER, "No GPU work is recorded");
	int y = 1 + paragraph_draw(canvas, 0, 1, canvas->width, MEANING_TEXT,
				   reason ? reason
					  : "The recording says nothing of a GPU: the program used "
					    "none, or it was recorded by another tool.");
	return y + paragraph_draw(canvas, 0, y + 1, canvas->width, MEANING_DIM,
				  "`stoke doctor` says what this machine has. A CUDA program "
				  "started by stoke run or stoke record is traced by itself.");
}

static int draw_devices(const struct gpu_state *state, const struct canvas *canvas)
{
	int y = 0;
	for (int i = 0; i < GPU_MOST_DEVICES; i++) {
		const struct gpu_device_facts *device = &state->summary->devices[i];
		char memory[TEXT_BYTES], rate[TEXT_BYTES];
		if (!device->name)
			continue;
		int x = canvas_print(canvas, 0, y, MEANING_HEADER, "GPU %d  ", i);
		x += canvas_print(canvas, x, y, MEANING_TEXT, "%s", device->name);
		if (device->multiprocessors)
			canvas_print(
				canvas, x, y, MEANING_DIM,
				"  %u multiprocessors, %u.%u, %s at %s (rated)",
				device->multiprocessors, device->major, device->minor,
				text_memory(memory, sizeof memory, device->memory_bytes),
				text_rate(rate, sizeof rate, device->memory_bytes_per_s, "B/s"));
		y++;
	}
	return y;
}

/* Of those that were read: as many to a row as have room. */
static size_t count_read(const struct gpu_plots *plots)
{
	size_t n = 0;
	for (size_t i = 0; i < plots->n; i++)
		n += plots->tracks.rows[plots->order[i]].n > 0;
	return n;
}

static int columns_of_readings(int width)
{
	return width / READING_COLUMNS > 0 ? width / READING_COLUMNS : 1;
}

/* A third, or what lanes and table leave, as far as there are plots for it. */
static int strip_rows(const struct gpu_state *state, int width, int height)
{
	int left = height - gpu_count_devices(state->summary) - gpu_lanes_shown(state, height) -
		   FRAME_ROWS - (int)state->summary->n_work;
	int most = left > height / 3 ? left : height / 3;
	int wanted = gpu_plots_wanted_rows(&state->plots, width);
	if (state->plots.n == 0)
		return 0;
	return wanted < most ? wanted : most;
}

int gpu_metric_rows(const struct gpu_state *state, int width, int height)
{
	size_t n = count_read(&state->plots);
	int a_row = columns_of_readings(width), rows = ((int)n + a_row - 1) / a_row;
	if (height >= GPU_STRIP_HEIGHT)
		return strip_rows(state, width, height);
	/* The rest is behind `p`. */
	return rows < MOST_READING_ROWS ? rows : MOST_READING_ROWS;
}

static void draw_readings(const struct gpu_state *state, const struct view_context *context,
			  const struct canvas *canvas)
{
	int a_row = columns_of_readings(canvas->width), at = 0;
	for (size_t i = 0; i < state->plots.n; i++) {
		const struct track *track = &state->plots.tracks.rows[state->plots.order[i]];
		const struct series_row *series =
			recording_series(context->recording, track->series);
		char value[TEXT_BYTES];
		const char *unit = text_of(context, series->unit);
		const char *name = text_of(context, series->name);
		if (track->n == 0)
			continue;
		/* "GPU power" of "GPU 0": the device says it already. */
		name += strncmp(name, "GPU ", 4) == 0 ? 4 : 0;
		canvas_print(canvas, at % a_row * READING_COLUMNS, at / a_row, MEANING_TEXT,
			     "%s %-5s %-20.20s%s", origin_glyph(track_origin(track)),
			     text_of(context, series->device), name,
			     text_value(value, sizeof value, track->last, unit));
		at++;
	}
}

static int draw_metrics(const struct gpu_state *state, const struct view_context *context,
			const struct canvas *canvas, int y)
{
	int rows = gpu_metric_rows(state, canvas->width, canvas->height);
	const struct canvas part = canvas_part(canvas, 0, y, canvas->width, rows);
	if (canvas->height >= GPU_STRIP_HEIGHT && rows > 0)
		gpu_plots_draw(&state->plots, context, state->summary, &part);
	else
		draw_readings(state, context, &part);
	return y + rows;
}

static void draw_lane(const struct gpu_summary *summary, const struct view_context *context,
		      const struct canvas *canvas, int y, const struct gpu_lane *lane)
{
	static const char *const blocks[] = { " ",      "\u2581", "\u2582", "\u2583", "\u2584",
					      "\u2585", "\u2586", "\u2587", "\u2588" };
	const struct series_row *series = recording_series(context->recording, lane->series);
	int columns = canvas->width - GPU_LABEL_COLUMNS - GPU_SHARE_COLUMNS;
	char share[TEXT_BYTES];
	double whole = (double)(summary->to_ns - summary->from_ns);
	canvas_text(canvas, 0, y, GPU_LABEL_COLUMNS - 1, MEANING_TEXT,
		    text_of(context, series->name));
	for (int i = 0; i < columns && i < GPU_MOST_COLUMNS; i++) {
		/* The least work still shows. */
		int level = (int)ceilf(lane->share[i] * 8);
		canvas_text(canvas, GPU_LABEL_COLUMNS + i, y, 1,
			    lane->is_host ? MEANING_DIM : MEANING_BAR,
			    blocks[level < 0   ? 0
				   : level > 8 ? 8
					       : level]);
	}
	canvas_print(canvas, canvas->width - GPU_SHARE_COLUMNS, y, MEANING_TEXT, "%9s",
		     text_ratio(share, sizeof share, (double)lane->busy_ns / whole));
}

static void draw_lanes(const struct gpu_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y)
{
	const struct gpu_summary *summary = state->summary;
	char from[TEXT_BYTES], length[TEXT_BYTES];
	int n = gpu_lanes_shown(state, context->height);
	uint64_t start = context->recording->start_ns;
	canvas_print(
		canvas, 0, y, MEANING_HEADER, "%-*s%s from %s on%s", GPU_LABEL_COLUMNS, "stream",
		text_duration(length, sizeof length, (double)(summary->to_ns - summary->from_ns)),
		text_duration(from, sizeof from,
			      summary->from_ns > start ? (double)(summary->from_ns - start) : 0),
		n < (int)summary->n_lanes ? "; more streams do not fit" : "");
	canvas_print(canvas, canvas->width - GPU_SHARE_COLUMNS, y, MEANING_HEADER, "%9s", "busy");
	for (int i = 0; i < n; i++)
		draw_lane(summary, context, canvas, y + 1 + i, &summary->lanes[i]);
}

static int draw_no_work(const struct gpu_summary *summary, const struct canvas *canvas, int y)
{
	if (summary->n_lanes > 0)
		return 0;
	return paragraph_draw(canvas, 0, y, canvas->width, MEANING_DIM,
			      summary->reason ? summary->reason
					      : "No GPU work by this program yet.");
}

int gpu_table_y(const struct gpu_state *state, int width, int height)
{
	return gpu_count_devices(state->summary) + gpu_metric_rows(state, width, height) +
	       gpu_lanes_shown(state, height) + 2;
}

int gpu_plots_top(const struct gpu_state *state, int width)
{
	/* Too low for a cell to be drawn in: only rows are counted. */
	const struct canvas nowhere = { .width = width };
	return gpu_count_devices(state->summary) + draw_no_work(state->summary, &nowhere, 0);
}

void gpu_draw(const void *opaque, const struct view_context *context, const struct canvas *canvas)
{
	const struct gpu_state *state = opaque;
	if (!state->summary)
		return;
	if (state->summary->n_lanes == 0 && state->plots.n == 0 &&
	    gpu_count_devices(state->summary) == 0) {
		draw_nothing(state, canvas);
		return;
	}
	int y = draw_devices(state, canvas);
	y += draw_no_work(state->summary, canvas, y);
	if (gpu_shows_plots(state)) {
		const struct canvas part =
			canvas_part(canvas, 0, y, canvas->width, canvas->height - y);
		gpu_plots_draw(&state->plots, context, state->summary, &part);
		return;
	}
	y = draw_metrics(state, context, canvas, y);
	draw_lanes(state, context, canvas, y);
	gpu_table_draw(state, context, canvas);
}
