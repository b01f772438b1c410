/* The list of counters and the plot of one. See counters_state.h. */
#include <math.h>
#include <stdio.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "sampler/trust.h"
#include "tui/counters_state.h"
#include "tui/imported.h"
#include "tui/plot.h"
#include "tui/window.h"

enum { VALUE_COLUMNS = 13, MARK_COLUMNS = 2 };

static const char *text_of(const struct view_context *context, uint32_t id)
{
	return recording_string_at(context->recording, id);
}

static const char *unit_of(const struct view_context *context, const struct track *track)
{
	const struct series_row *row = recording_series(context->recording, track->series);
	const char *unit = text_of(context, row->unit);
	return row->flags & SERIES_WORK ? arena_print(context->frame, "%s/s", unit) : unit;
}

static const char *name_of(const struct view_context *context, const struct track *track)
{
	const struct recording *recording = context->recording;
	const struct series_row *row = recording_series(recording, track->series);
	const char *name = text_of(context, row->name), *device = text_of(context, row->device);
	if (*device)
		name = arena_print(context->frame, "%s %s", name, device);
	if (!track->thread)
		return name;
	const struct thread_row *thread = recording_thread(recording, track->thread);
	return arena_print(context->frame, "%s %s %u", name, text_of(context, thread->name),
			   thread->tid);
}

static bool is_unavailable(const struct view_context *context, const struct track *track)
{
	return track->n == 0 &&
	       recording_series(context->recording, track->series)->origin == ORIGIN_UNAVAILABLE;
}

static int name_columns(int width)
{
	return width > 100 ? 34 : width > 60 ? 20 : width / 2;
}

static void draw_value(const struct canvas *canvas, int x, int y, enum meaning meaning,
		       double value, const char *unit)
{
	char text[TEXT_BYTES];
	text_value(text, sizeof text, value, unit);
	int blank = VALUE_COLUMNS - 1 - text_width(text);
	canvas_text(canvas, x + (blank > 0 ? blank : 0), y, VALUE_COLUMNS, meaning, text);
}

static void draw_track(const struct counters_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y, const struct track *track)
{
	int name = name_columns(canvas->width), x = MARK_COLUMNS + name;
	const char *unit = unit_of(context, track);
	canvas_text(canvas, 0, y, 1, MEANING_TEXT, origin_glyph(track_origin(track)));
	canvas_text(canvas, MARK_COLUMNS, y, name - 1, MEANING_TEXT, name_of(context, track));
	draw_value(canvas, x, y, MEANING_TEXT, track->last, unit);
	x += VALUE_COLUMNS;
	if (track->n == 0) {
		const struct series_row *row = recording_series(context->recording, track->series);
		canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM,
			    is_unavailable(context, track) && row->reason
				    ? text_of(context, row->reason)
				    : "no reading");
		return;
	}
	if (canvas->width > 60) {
		draw_value(canvas, x, y, MEANING_DIM, track->least, unit);
		draw_value(canvas, x + VALUE_COLUMNS, y, MEANING_DIM, track->most, unit);
		x += 2 * VALUE_COLUMNS;
	}
	int columns = canvas->width - x;
	if (columns < 2)
		return;
	double *values = arena_take(context->frame, (size_t)columns * sizeof *values);
	struct track_axis axis = tracks_axis(&state->tracks, track, false);
	tracks_values(&state->tracks, track, &axis, columns, values);
	plot_spark(canvas, x, y, columns, values, MEANING_BAR);
}

static void draw_header(const struct counters_state *state, const struct canvas *canvas)
{
	int name = name_columns(canvas->width);
	int x = MARK_COLUMNS + name;
	int rows = counters_list_rows(state);
	canvas_text(canvas, MARK_COLUMNS, 0, name - 1, MEANING_HEADER, "counter");
	canvas_print(canvas, x, 0, MEANING_HEADER, canvas->width > 60 ? "%12s %12s %12s " : "%12s",
		     "last", "least", "most");
	x += canvas->width > 60 ? 3 * VALUE_COLUMNS : VALUE_COLUMNS;
	if ((int)state->tracks.n > rows)
		canvas_print(canvas, x, 0, MEANING_DIM, "%zu-%zu of %zu", state->first + 1,
			     state->first + (size_t)rows, state->tracks.n);
}

/* ---- the plot */

/* Where the value comes from, or why there is none and what would change that. */
static void draw_provenance(const struct view_context *context, const struct canvas *canvas, int y,
			    const struct track *track)
{
	char ratio[TEXT_BYTES];
	const struct series_row *row = recording_series(context->recording, track->series);
	enum origin origin = track_origin(track);
	int x = canvas_print(canvas, 0, y, MEANING_TEXT, "%s %s by %s", origin_glyph(origin),
			     origin == ORIGIN_UNAVAILABLE ? "not available" : origin_name(origin),
			     text_of(context, row->source));
	if (origin == ORIGIN_SCALED)
		x += canvas_print(canvas, x, y, MEANING_TEXT, ", counted for %s of the time",
				  text_ratio(ratio, sizeof ratio, track->running_ratio));
	const char *trust = trust_of(context->recording, text_of(context, row->name));
	if (*trust)
		x += canvas_print(canvas, x, y, *trust == 'F' ? MEANING_WARNING : MEANING_DIM,
				  ", trust %s", trust);
	if (row->reason)
		x += canvas_print(canvas, x, y, MEANING_WARNING, "  %s",
				  text_of(context, row->reason));
	if (row->remedy)
		canvas_print(canvas, x, y, MEANING_DIM, "  %s", text_of(context, row->remedy));
}

static void draw_plot(const struct counters_state *state, const struct view_context *context,
		      const struct canvas *canvas, const struct track *track)
{
	int rows = counters_plot_rows(state), y = 1 + counters_list_rows(state);
	int left = canvas->width > 40 ? VALUE_COLUMNS : 0, columns = canvas->width - left;
	const char *unit = unit_of(context, track);
	struct track_axis axis = tracks_axis(&state->tracks, track, state->is_fitted);
	canvas_print(canvas, 0, y, MEANING_HEADER, "%s%s", name_of(context, track),
		     recording_series(context->recording, track->series)->flags & SERIES_WORK
			     ? ", a second"
			     : "");
	draw_provenance(context, canvas, y + 2 + rows, track);
	if (track->n == 0 || columns < 1)
		return;
	double *values = arena_take(context->frame, (size_t)columns * 2 * sizeof *values);
	tracks_values(&state->tracks, track, &axis, columns * 2, values);
	struct canvas plot = canvas_part(canvas, left, y + 1, columns, rows);
	plot_area(&plot, values, MEANING_BAR);
	if (left) {
		draw_value(canvas, 0, y + 1, MEANING_DIM, axis.high, unit);
		draw_value(canvas, 0, y + rows, MEANING_DIM, axis.low, unit);
	}
	track_draw_time(canvas, y + 1 + rows, left, &axis);
}

void counters_draw(const void *opaque, const struct view_context *context,
		   const struct canvas *canvas)
{
	const struct counters_state *state = opaque;
	int rows = counters_list_rows(state);
	if (state->tracks.n == 0) {
		const char *format = imported_from(context->recording);
		if (format)
			canvas_print(canvas, 0, 0, MEANING_DIM,
				     TEXT_UNKNOWN
				     " The %s file that was imported holds no counters.",
				     format);
		else
			canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
				    "No counters were asked for; -M GROUP brings some.");
		return;
	}
	draw_header(state, canvas);
	for (int i = 0; i < rows && state->first + (size_t)i < state->tracks.n; i++) {
		size_t at = state->first + (size_t)i;
		draw_track(state, context, canvas, 1 + i, &state->tracks.rows[at]);
		if (at == state->selected)
			canvas_mark(canvas, 0, 1 + i, canvas->width, MEANING_SELECTED);
	}
	if (counters_plot_rows(state) > 0)
		draw_plot(state, context, canvas, &state->tracks.rows[state->selected]);
}
