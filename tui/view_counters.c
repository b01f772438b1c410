/*
 * Readings over time: every series with its last, least and greatest value and a sparkline, the
 * selected one as a plot. Work that only ever grows is shown as a rate. What is not available
 * keeps its place and says why.
 */
#include "sampler/recording.h"
#include "tui/counters_state.h"

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

static bool counters_update(void *opaque, const struct view_context *context)
{
	struct counters_state *state = opaque;
	bool is_changed = tracks_take_in(&state->tracks, context);
	is_changed |= state->must_draw || state->list.is_changed ||
		      state->width != context->width || state->height != context->height;
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	if (is_changed)
		counters_show(state, context);
	return is_changed;
}

/* ---- keys */

static unsigned fit(void *opaque, const struct view_context *context, const struct input *input)
{
	struct counters_state *state = opaque;
	(void)context;
	(void)input;
	state->is_fitted = !state->is_fitted;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static void counters_close(void *opaque)
{
	struct counters_state *state = opaque;
	tracks_free(&state->tracks);
	list_free(&state->list);
}

static struct list *counters_list(void *opaque)
{
	return &((struct counters_state *)opaque)->list;
}

static const struct binding bindings[] = {
	{ 'y', 0, "y", "the plot from zero, or from the least value", fit, true },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct counters_state *state = opaque;
	if (state->tracks.n == 0)
		return (struct view_subject){ 0 };
	uint32_t series = counters_selected(state)->series;
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
	.list = counters_list,
};
