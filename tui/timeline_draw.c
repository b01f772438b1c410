/* Plots, ruler, heat map and the cursor's line. See timeline_state.h. */
#include <math.h>
#include <stdio.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/imported.h"
#include "tui/plot.h"
#include "tui/process_words.h"
#include "tui/timeline_state.h"
#include "tui/window.h"

static const uint64_t SECOND_NS = 1000000000;

static bool is_in_window(const struct view_context *context, uint64_t from_ns, uint64_t to_ns)
{
	const struct view_focus *focus = context->focus;
	uint64_t start = context->recording->start_ns;
	return start + to_ns > focus->from_ns && (!focus->to_ns || start + from_ns < focus->to_ns);
}

/* From the mark to the cursor, both ends in. */
static bool is_marked(const struct timeline_state *state, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t low = state->cursor_ns, high = state->cursor_ns;
	if (state->has_mark && state->mark_ns < low)
		low = state->mark_ns;
	if (state->has_mark && state->mark_ns > high)
		high = state->mark_ns;
	return to_ns > low && from_ns <= high;
}

/* CPU time is drawn against the time itself; other events against the most of any thread. */
static double scale_of(const struct timeline_state *state, const struct view_context *context,
		       const struct timeline_layout *layout)
{
	double most = 0;
	int n = layout->columns * 2;
	double dot_ns = (double)(layout->to_ns - layout->from_ns) / (n > 0 ? n : 1);
	if (timeline_is_time(state, context))
		return dot_ns;
	for (int lane = 0; lane < state->n_lanes; lane++)
		for (int i = 0; i < n; i++) {
			double sum =
				bins_sum(&state->lanes[lane].bins, timeline_time_of(layout, i, n),
					 timeline_time_of(layout, i + 1, n), NULL);
			most = sum > most ? sum : most;
		}
	return most;
}

static void draw_label(const struct timeline_state *state, const struct view_context *context,
		       const struct canvas *canvas, const struct timeline_layout *layout, int y,
		       const struct timeline_lane *lane)
{
	char share[TEXT_BYTES];
	double whole = 0;
	const struct thread_row *row = recording_thread(context->recording, lane->thread);
	int columns = layout->label_columns - 1;
	for (int i = 0; i < state->n_lanes; i++)
		whole += (double)state->lanes[i].weight;
	if (columns < 1)
		return;
	const char *label =
		lane->thread ? recording_string_at(context->recording, row->name) : "other threads";
	if (lane->thread && row->tid) /* text of other tools may hold names only */
		label = arena_print(context->frame, "%s %u", label, row->tid);
	text_ratio(share, sizeof share, (double)lane->weight / whole);
	if (columns > 15) {
		canvas_text(canvas, columns - 7, y, 7, MEANING_DIM, share);
		columns -= 8;
	}
	canvas_text(canvas, 0, y, columns, MEANING_TEXT, label);
}

static void draw_lane(const struct timeline_state *state, const struct view_context *context,
		      const struct canvas *canvas, const struct timeline_layout *layout, int at,
		      double scale)
{
	const struct timeline_lane *lane = &state->lanes[state->first_lane + at];
	int n = layout->columns * 2, y = 1 + at * layout->lane_rows;
	double *values = arena_take(context->frame, (size_t)(n + 1) * sizeof *values);
	for (int i = 0; i < n; i++)
		values[i] = bins_sum(&lane->bins, timeline_time_of(layout, i, n),
				     timeline_time_of(layout, i + 1, n), NULL) /
			    scale;
	draw_label(state, context, canvas, layout, y, lane);
	struct canvas plot =
		canvas_part(canvas, layout->label_columns, y, layout->columns, layout->lane_rows);
	plot_area(&plot, values, MEANING_BAR);
	for (int i = 0; i < layout->columns && window_is_set(context->focus); i++)
		if (!is_in_window(context, timeline_time_of(layout, i * 2, n),
				  timeline_time_of(layout, i * 2 + 2, n)))
			for (int row = 0; row < layout->lane_rows; row++)
				canvas_mark(canvas, layout->label_columns + i, y + row, 1,
					    MEANING_DIM);
}

/* The window is a double line, the cursor and what is marked a pointer under it. */
static void draw_ruler(const struct timeline_state *state, const struct view_context *context,
		       const struct canvas *canvas, const struct timeline_layout *layout)
{
	char from[TEXT_BYTES], to[TEXT_BYTES];
	int y = layout->ruler_y, n = layout->columns, x = layout->label_columns;
	for (int i = 0; i < n; i++) {
		uint64_t start = timeline_time_of(layout, i, n),
			 end = timeline_time_of(layout, i + 1, n);
		bool is_chosen = window_is_set(context->focus) && is_in_window(context, start, end);
		if (!state->is_in_map && is_marked(state, start, end))
			canvas_text(canvas, x + i, y, 1, MEANING_SELECTED, "\u25b2");
		else
			canvas_text(canvas, x + i, y, 1, is_chosen ? MEANING_KEY : MEANING_DIM,
				    is_chosen ? "\u2550" : "\u2500");
	}
	if (x > 0)
		canvas_print(canvas, 0, y, MEANING_DIM, "%.*s", x - 1,
			     arena_print(context->frame, "%s to %s",
					 text_duration(from, sizeof from, (double)layout->from_ns),
					 text_duration(to, sizeof to, (double)layout->to_ns)));
}

/* ---- the heat map */

static double cell_of(const struct timeline_state *state, const struct timeline_layout *layout,
		      uint64_t second, int row)
{
	int slots = TIMELINE_SLOTS_A_SECOND / layout->map_rows;
	uint64_t slot = second * TIMELINE_SLOTS_A_SECOND + (uint64_t)(row * slots);
	double sum = 0;
	if (slot >= state->n_slots)
		return NAN;
	for (int i = 0; i < slots && slot + (uint64_t)i < state->n_slots; i++)
		sum += (double)state->slots[slot + (uint64_t)i];
	return sum;
}

static double hottest_cell(const struct timeline_state *state, const struct timeline_layout *layout)
{
	double most = 0;
	for (uint64_t second = 0; second < layout->n_seconds; second++)
		for (int row = 0; row < layout->map_rows; row++) {
			double cell = cell_of(state, layout, layout->first_second + second, row);
			most = cell > most ? cell : most;
		}
	return most;
}

struct cell_place {
	uint64_t column;
	int row;
	double ratio; /* of the hottest; NaN = outside the recording */
};

static void draw_cell(const struct timeline_state *state, const struct view_context *context,
		      const struct canvas *canvas, const struct timeline_layout *layout,
		      const struct cell_place *place)
{
	int row = place->row;
	uint64_t step = SECOND_NS / (uint64_t)layout->map_rows;
	uint64_t from = (layout->first_second + place->column) * SECOND_NS + step * (uint64_t)row;
	bool is_dim = window_is_set(context->focus) && !is_in_window(context, from, from + step);
	int x = layout->label_columns + (int)place->column * layout->second_columns;
	int y = layout->map_y + row;
	for (int i = 0; i < layout->second_columns; i++)
		plot_shade(canvas, x + i, y, place->ratio, is_dim ? MEANING_DIM : MEANING_BAR);
	if (state->is_in_map && is_marked(state, from, from + step))
		canvas_mark(canvas, x, y, layout->second_columns, MEANING_SELECTED);
}

static void draw_map(const struct timeline_state *state, const struct view_context *context,
		     const struct canvas *canvas, const struct timeline_layout *layout)
{
	double hottest = hottest_cell(state, layout);
	double step_ns = (double)SECOND_NS / layout->map_rows;
	const struct series_row *series = recording_series(context->recording, state->series);
	char most[TEXT_BYTES], step[TEXT_BYTES];
	if (timeline_is_time(state, context))
		snprintf(most, sizeof most, "%.2f CPUs busy", hottest / step_ns);
	else
		text_value(most, sizeof most, hottest,
			   recording_string_at(context->recording, series->unit));
	canvas_print(canvas, 0, layout->map_y - 1, MEANING_HEADER,
		     "Heat map  a column is a second, a row %s; \u2588 is %s %s",
		     text_duration(step, sizeof step, step_ns), most, origin_glyph(series->origin));
	for (int row = 0; row < layout->map_rows; row++) {
		char offset[TEXT_BYTES];
		text_duration(offset, sizeof offset, step_ns * row);
		canvas_print(canvas, 0, layout->map_y + row, MEANING_DIM, "%*.*s",
			     layout->label_columns > 0 ? layout->label_columns - 1 : 0,
			     layout->label_columns, row == 0 ? "second + 0" : offset);
		for (uint64_t column = 0; column < layout->n_seconds; column++)
			draw_cell(
				state, context, canvas, layout,
				&(struct cell_place){
					column, row,
					cell_of(state, layout, layout->first_second + column, row) /
						hottest });
	}
}

static void draw_cursor(const struct timeline_state *state, const struct view_context *context,
			const struct canvas *canvas, const struct timeline_layout *layout)
{
	char value[TEXT_BYTES], step_text[TEXT_BYTES];
	uint64_t step = timeline_step_ns(state, layout);
	double sum = 0;
	const struct series_row *series = recording_series(context->recording, state->series);
	for (int i = 0; i < state->n_lanes; i++)
		sum += bins_sum(&state->lanes[i].bins, state->cursor_ns, state->cursor_ns + step,
				NULL);
	int x = canvas_print(canvas, 0, canvas->height - 1, MEANING_TEXT,
			     "at %.3f s  %s in %s %s  ", (double)state->cursor_ns * 1e-9,
			     text_value(value, sizeof value, sum,
					recording_string_at(context->recording, series->unit)),
			     text_duration(step_text, sizeof step_text, (double)step),
			     origin_glyph(series->origin));
	if (state->has_mark)
		canvas_print(canvas, x, canvas->height - 1, MEANING_HEADER,
			     "marked %.3f s; Enter takes what lies between",
			     (double)state->mark_ns * 1e-9);
}

void timeline_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas)
{
	const struct timeline_state *state = opaque;
	struct timeline_layout layout = timeline_layout(state, context);
	if (state->n_lanes == 0) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    process_words_none(context, "No sample yet."));
		return;
	}
	if (!imported_has_times(context->recording)) {
		canvas_print(canvas, 0, 0, MEANING_DIM,
			     TEXT_UNKNOWN " The %s file that was imported holds no times.",
			     imported_from(context->recording));
		return;
	}
	const struct series_row *series = recording_series(context->recording, state->series);
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "Threads   %s %s over time%s",
			     origin_glyph(series->origin),
			     recording_string_at(context->recording, series->name),
			     timeline_is_time(state, context) ? ", full height is one CPU" : "");
	if (layout.lanes_shown && layout.lanes_shown < state->n_lanes)
		canvas_print(canvas, x, 0, MEANING_DIM, "  %d-%d of %d", state->first_lane + 1,
			     state->first_lane + layout.lanes_shown, state->n_lanes);
	double scale = scale_of(state, context, &layout);
	for (int i = 0; i < layout.lanes_shown && state->first_lane + i < state->n_lanes; i++)
		draw_lane(state, context, canvas, &layout, i, scale);
	if (layout.lanes_shown)
		draw_ruler(state, context, canvas, &layout);
	if (layout.map_rows && layout.map_y < canvas->height)
		draw_map(state, context, canvas, &layout);
	if (canvas->height > TIMELINE_FRAME_ROWS)
		canvas_fill(canvas, 0, canvas->height - 1, canvas->width, MEANING_TEXT, 0);
	if (canvas->height > TIMELINE_FRAME_ROWS)
		draw_cursor(state, context, canvas, &layout);
}
