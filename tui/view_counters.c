/*
 * Readings over time: every series with its last, least and greatest value and a sparkline, the
 * selected one as a plot. Work that only ever grows is shown as a rate. What is not available
 * keeps its place and says why.
 */
#include <math.h>
#include <stdlib.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/counters_state.h"
#include "tui/list_keys.h"

/* ---- taking in */

static struct counters_track *track_of(struct counters_state *state, uint32_t series,
				       uint32_t thread)
{
	uint32_t *place = hash_map_at(&state->places, ((uint64_t)series << 32 | thread) + 1);
	if (!*place && state->n_tracks == COUNTERS_MOST_TRACKS)
		return NULL;
	if (!state->tracks)
		state->tracks = allocate(COUNTERS_MOST_TRACKS, sizeof *state->tracks);
	if (!*place) {
		state->tracks[state->n_tracks++] = (struct counters_track){
			.series = series, .thread = thread, .last = NAN, .least = NAN, .most = NAN
		};
		*place = (uint32_t)state->n_tracks;
	}
	return &state->tracks[*place - 1];
}

static void add_value(struct counters_state *state, const struct view_context *context,
		      struct counters_track *track, uint64_t time_ns, double value)
{
	uint64_t start = context->recording->start_ns;
	uint64_t at = time_ns > start ? time_ns - start : 0;
	bins_add(&track->bins, at, value);
	track->last = value;
	track->least = track->n == 0 || value < track->least ? value : track->least;
	track->most = track->n == 0 || value > track->most ? value : track->most;
	track->first_ns = track->n == 0 ? time_ns : track->first_ns;
	track->last_ns = time_ns;
	track->n++;
	state->end_ns = at > state->end_ns ? at : state->end_ns;
}

/* Work since the start becomes work a second, over the time since the reading before. */
static void add_work(struct counters_state *state, const struct view_context *context,
		     struct counters_track *track, const struct reading_row *row)
{
	if (track->total_ns && row->time_ns > track->total_ns && row->value >= track->total)
		add_value(state, context, track, row->time_ns,
			  (row->value - track->total) /
				  ((double)(row->time_ns - track->total_ns) * 1e-9));
	track->total = row->value;
	track->total_ns = row->time_ns;
}

static void take_reading(struct counters_state *state, const struct view_context *context,
			 const struct reading_row *row)
{
	const struct view_focus *focus = context->focus;
	if (row->time_ns < focus->from_ns || (focus->to_ns && row->time_ns >= focus->to_ns))
		return;
	struct counters_track *track = track_of(state, row->series, row->thread);
	if (!track)
		return;
	track->origin = row->origin;
	track->running_ratio = (double)row->running_ratio;
	if (row->origin == ORIGIN_UNAVAILABLE || !isfinite(row->value))
		track->last = NAN;
	else if (recording_series(context->recording, row->series)->flags & SERIES_WORK)
		add_work(state, context, track, row);
	else
		add_value(state, context, track, row->time_ns, row->value);
}

/* Series are listed before they have readings, and if they never get any. */
static void take_series(struct counters_state *state, const struct view_context *context,
			uint64_t n)
{
	for (; state->next_series < n; state->next_series++) {
		const struct series_row *row =
			recording_series(context->recording, state->next_series);
		bool has_readings = !(row->flags & (SERIES_SAMPLES | SERIES_SPANS));
		if (has_readings || row->origin == ORIGIN_UNAVAILABLE)
			track_of(state, (uint32_t)state->next_series, 0);
	}
}

static void forget(struct counters_state *state, const struct view_context *context)
{
	for (size_t i = 0; i < state->n_tracks; i++)
		bins_free(&state->tracks[i].bins);
	hash_map_free(&state->places);
	state->n_tracks = 0;
	state->next_reading = state->next_series = 1;
	state->end_ns = 0;
	state->from_ns = context->focus->from_ns;
	state->to_ns = context->focus->to_ns;
}

static bool take_in(struct counters_state *state, const struct view_context *context)
{
	struct moment moment = recording_moment(context->recording);
	bool is_other =
		state->from_ns != context->focus->from_ns || state->to_ns != context->focus->to_ns;
	if (is_other || state->next_series == 0)
		forget(state, context);
	bool is_changed = is_other || state->next_series != moment.n[TABLE_SERIES] ||
			  state->next_reading != moment.n[TABLE_READINGS];
	take_series(state, context, moment.n[TABLE_SERIES]);
	for (; state->next_reading < moment.n[TABLE_READINGS]; state->next_reading++)
		take_reading(state, context,
			     recording_reading(context->recording, state->next_reading));
	return is_changed;
}

int counters_plot_rows(const struct counters_state *state)
{
	int half = state->height / 2 - COUNTERS_PLOT_FRAME;
	return state->height < COUNTERS_LEAST_PLOT ? 0 : half > 16 ? 16 : half;
}

int counters_list_rows(const struct counters_state *state)
{
	int plot = counters_plot_rows(state);
	int rows = state->height - 1 - (plot ? plot + COUNTERS_PLOT_FRAME : 0);
	return rows > 0 ? rows : 0;
}

static void keep_visible(struct counters_state *state)
{
	size_t rows = (size_t)counters_list_rows(state);
	if (state->selected >= state->n_tracks)
		state->selected = state->n_tracks ? state->n_tracks - 1 : 0;
	if (state->selected < state->first)
		state->first = state->selected;
	if (rows > 0 && state->selected >= state->first + rows)
		state->first = state->selected - rows + 1;
}

static bool counters_update(void *opaque, const struct view_context *context)
{
	struct counters_state *state = opaque;
	bool is_changed = take_in(state, context);
	is_changed |= state->must_draw || state->width != context->width ||
		      state->height != context->height;
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	if (is_changed)
		keep_visible(state);
	return is_changed;
}

/* ---- keys */

static unsigned move(struct counters_state *state, long rows)
{
	state->selected = list_move(state->selected, rows, state->n_tracks);
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)context;
	return move(opaque, list_step(input->key, (long)counters_list_rows(opaque)));
}

static unsigned fit(void *opaque, const struct view_context *context, const struct input *input)
{
	struct counters_state *state = opaque;
	(void)context;
	(void)input;
	state->is_fitted = !state->is_fitted;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct counters_state *state = opaque;
	(void)context;
	if (input->y < 1 || input->y > counters_list_rows(state))
		return REACTION_REDRAW;
	return move(state, (long)state->first + input->y - 1 - (long)state->selected);
}

static void counters_close(void *opaque)
{
	struct counters_state *state = opaque;
	for (size_t i = 0; i < state->n_tracks; i++)
		bins_free(&state->tracks[i].bins);
	free(state->tracks);
	hash_map_free(&state->places);
}

static const struct binding bindings[] = {
	{ KEY_ARROW_UP, 'k', "Up k", "the counter above", move_key, true },
	{ KEY_ARROW_DOWN, 'j', "Down j", "the counter below", move_key, true },
	{ 'y', 0, "y", "the plot from zero, or from the least value", fit, true },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_START, 'g', "g", "to the first", move_key, false },
	{ KEY_FINISH, 'G', "G", "to the last", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ KEY_CLICK, 0, "click", "select", click, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct counters_state *state = opaque;
	if (state->n_tracks == 0)
		return (struct view_subject){ 0 };
	uint32_t series = state->tracks[state->selected].series;
	return (struct view_subject){ .kind = SUBJECT_COUNTER,
				      .id = series,
				      .name = recording_string_at(
					      context->recording,
					      recording_series(context->recording, series)->name) };
}

const struct view view_counters = {
	.name = "counters",
	.title = "Counters",
	.summary = "readings over time: counters, rates, what the program reports",
	.order = 6,
	.state_bytes = sizeof(struct counters_state),
	.bindings = bindings,
	.update = counters_update,
	.draw = counters_draw,
	.subject = subject,
	.close = counters_close,
};
