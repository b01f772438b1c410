/* The list of counters and the plot of one. See counters_state.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "sampler/trust.h"
#include "tui/counters_state.h"
#include "tui/imported.h"
#include "tui/plot.h"
#include "tui/window.h"

enum { VALUE_COLUMNS = 14, LEAST_PLOT = 2 };
enum { COLUMN_MARK, COLUMN_NAME, COLUMN_LAST, COLUMN_LEAST, COLUMN_MOST, COLUMN_PLOT };

/* What the list is lent. */
struct lent {
	const struct counters_state *state;
	const struct view_context *context;
};

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

/* In a column a value stands whole or without its unit, which the plot's heading then has: units
 * of metrics are as long as "instructions/cycle". */
static bool is_wide(double value, const char *unit)
{
	char text[TEXT_BYTES];
	return text_width(text_value(text, sizeof text, value, unit)) >= VALUE_COLUMNS;
}

static char *value_text(char *out, size_t bytes, double value, const char *unit)
{
	return is_wide(value, unit) ? text_rate(out, bytes, value, "")
				    : text_value(out, bytes, value, unit);
}

static void draw_value(const struct canvas *canvas, int x, int y, enum meaning meaning,
		       double value, const char *unit)
{
	char text[TEXT_BYTES];
	value_text(text, sizeof text, value, unit);
	int blank = VALUE_COLUMNS - 1 - text_width(text);
	canvas_text(canvas, x + (blank > 0 ? blank : 0), y, VALUE_COLUMNS, meaning, text);
}

/* ---- the list */

static uint64_t identity_of(const void *of, size_t row)
{
	const struct track *track = &((const struct lent *)of)->state->tracks.rows[row];
	return (uint64_t)track->series << 32 | track->thread;
}

static double value_of(const void *of, size_t row, int column)
{
	const struct track *track = &((const struct lent *)of)->state->tracks.rows[row];
	return column == COLUMN_LAST    ? track->last
	       : column == COLUMN_LEAST ? track->least
					: track->most;
}

static const char *name_at(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	(void)column;
	return name_of(lent->context, &lent->state->tracks.rows[row]);
}

static int find_columns(const struct counters_state *state, struct list_column *columns)
{
	const struct list_column usual[] = {
		{ "mark", "", "where its values come from", COLUMN_MARK, 1, 0, LIST_UNSORTED },
		{ "name", "counter", "what is read", COLUMN_NAME, name_columns(state->width) - 1, 0,
		  LIST_TEXT },
		{ "last", "last", "the last value", COLUMN_LAST, VALUE_COLUMNS - 1, 0, 0 },
		{ "least", "least", "the least value", COLUMN_LEAST, VALUE_COLUMNS - 1, 3, 0 },
		{ "most", "most", "the greatest value", COLUMN_MOST, VALUE_COLUMNS - 1, 2, 0 },
		{ "plot", "", "its values over time", COLUMN_PLOT, LEAST_PLOT, 1,
		  LIST_FILLS | LIST_UNSORTED },
	};
	memcpy(columns, usual, sizeof usual);
	return (int)(sizeof usual / sizeof usual[0]);
}

void counters_show(struct counters_state *state, const struct view_context *context)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	struct lent lent = { state, context };
	struct list_rows rows = { .of = &lent,
				  .n = state->tracks.n,
				  .identity = identity_of,
				  .value = value_of,
				  .text = name_at };
	struct list_frame frame = { state->width, 0, 1, counters_list_rows(state) };
	list_update(&state->list, &rows, columns, find_columns(state, columns), &frame);
}

const struct track *counters_selected(const struct counters_state *state)
{
	return &state->tracks.rows[list_row(&state->list)];
}

static void draw_spark(const struct lent *lent, const struct track *track,
		       const struct canvas *cell)
{
	const struct view_context *context = lent->context;
	if (cell->width < 2 || track->n == 0)
		return;
	double *values = arena_take(context->frame, (size_t)cell->width * sizeof *values);
	struct track_axis axis = tracks_axis(&lent->state->tracks, track, false);
	tracks_values(&lent->state->tracks, track, &axis, cell->width, values);
	plot_spark(cell, 0, 0, cell->width, values, MEANING_BAR);
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct lent *lent = of;
	const struct track *track = &lent->state->tracks.rows[row];
	char text[TEXT_BYTES];
	switch (column) {
	case COLUMN_MARK:
		list_put(cell, MEANING_TEXT, origin_glyph(track_origin(track)));
		return;
	case COLUMN_NAME:
		list_put(cell, MEANING_TEXT, name_of(lent->context, track));
		return;
	case COLUMN_PLOT:
		draw_spark(lent, track, cell);
		return;
	default:
		if (column == COLUMN_LAST || track->n)
			list_put_right(cell, column == COLUMN_LAST ? MEANING_TEXT : MEANING_DIM,
				       value_text(text, sizeof text, value_of(of, row, column),
						  unit_of(lent->context, track)));
	}
}

/* Why there is no value, in the place of all that is behind the last one. */
static void draw_reason(const struct lent *lent, const struct canvas *canvas, int y, size_t place)
{
	const struct list *list = &lent->state->list;
	const struct track *track = &lent->state->tracks.rows[list->entries[place].row];
	const struct series_row *row = recording_series(lent->context->recording, track->series);
	int x = -1;
	for (int i = 0; i < list->n_shown; i++)
		if (list->columns[list->shown[i].column].id == COLUMN_LAST)
			x = list->shown[i].x + list->shown[i].cells + LIST_GAP;
	if (track->n || x < 0)
		return;
	canvas_fill(canvas, x, y, canvas->width - x, MEANING_TEXT, 0);
	canvas_text(canvas, x, y, canvas->width - x, MEANING_DIM,
		    is_unavailable(lent->context, track) && row->reason
			    ? text_of(lent->context, row->reason)
			    : "no reading");
	if (place == list->selected)
		canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
}

static void draw_list(const struct counters_state *state, const struct view_context *context,
		      const struct canvas *canvas)
{
	const struct list *list = &state->list;
	struct lent lent = { state, context };
	struct list_drawing drawing = { list, canvas, &lent, draw_cell };
	int rows = counters_list_rows(state);
	char title[LIST_TITLE_BYTES] = "";
	if ((int)list->n > rows)
		snprintf(title, sizeof title, "%zu-%zu of %zu", list->first + 1,
			 list->first + (size_t)rows, list->n);
	list_draw_header(&drawing, 0, title);
	for (int i = 0; i < rows && list->first + (size_t)i < list->n; i++) {
		list_draw_row(&drawing, 1 + i, list->first + (size_t)i);
		draw_reason(&lent, canvas, 1 + i, list->first + (size_t)i);
	}
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
	int x = canvas_print(canvas, 0, y, MEANING_HEADER, "%s%s", name_of(context, track),
			     recording_series(context->recording, track->series)->flags &
					     SERIES_WORK
				     ? ", a second"
				     : "");
	if (is_wide(track->most, unit) || is_wide(track->last, unit))
		canvas_print(canvas, x, y, MEANING_DIM, "  %s", unit);
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
	draw_list(state, context, canvas);
	if (counters_plot_rows(state) > 0)
		draw_plot(state, context, canvas, counters_selected(state));
}
