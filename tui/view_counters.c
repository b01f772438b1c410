/*
 * Readings over time: every series with its last, least and greatest value and a sparkline, the
 * selected one as a plot. Work that only ever grows is shown as a rate. What is not available
 * keeps its place and says why.
 */
#include "sampler/recording.h"
#include "tui/counters_state.h"
#include "tui/list_keys.h"

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
	if (state->selected >= state->tracks.n)
		state->selected = state->tracks.n ? state->tracks.n - 1 : 0;
	if (state->selected < state->first)
		state->first = state->selected;
	if (rows > 0 && state->selected >= state->first + rows)
		state->first = state->selected - rows + 1;
}

static bool counters_update(void *opaque, const struct view_context *context)
{
	struct counters_state *state = opaque;
	bool is_changed = tracks_take_in(&state->tracks, context);
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
	state->selected = list_move(state->selected, rows, state->tracks.n);
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
	tracks_free(&((struct counters_state *)opaque)->tracks);
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
	if (state->tracks.n == 0)
		return (struct view_subject){ 0 };
	uint32_t series = state->tracks.rows[state->selected].series;
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
