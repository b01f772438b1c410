/*
 * The GPU: its devices, a lane for each stream, what ran by time, and what the device and its
 * driver measured, as plots under the ceilings of the device. Without a GPU it says why, and what
 * to do about it.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/why.h"
#include "tui/gpu_state.h"
#include "tui/list_keys.h"

static const char *text_of(const struct view_context *context, uint32_t id)
{
	return recording_string_at(context->recording, id);
}

/* ---- taking in */

static void keep_visible(struct gpu_state *state, const struct view_context *context)
{
	state->table_y = gpu_count_devices(state->summary) +
			 gpu_metric_rows(state, context->width, context->height) +
			 gpu_lanes_shown(state, context->height) + 3;
	size_t n = state->summary->n_work;
	size_t rows =
		context->height > state->table_y ? (size_t)(context->height - state->table_y) : 1;
	if (state->selected >= n)
		state->selected = n ? n - 1 : 0;
	if (state->selected < state->first)
		state->first = state->selected;
	if (state->selected >= state->first + rows)
		state->first = state->selected - rows + 1;
}

static bool gpu_update(void *opaque, const struct view_context *context)
{
	struct gpu_state *state = opaque;
	struct moment now = recording_moment(context->recording);
	if (!state->summary) {
		state->summary = allocate(1, sizeof *state->summary);
		state->is_stale = true;
	}
	bool has_new_plots = gpu_plots_update(&state->plots, context);
	bool is_changed =
		state->is_stale || has_new_plots || memcmp(&now, &state->moment, sizeof now) != 0 ||
		state->width != context->width || state->height != context->height ||
		state->from_ns != context->focus->from_ns || state->to_ns != context->focus->to_ns;
	if (!is_changed)
		return false;
	state->moment = now;
	state->width = context->width;
	state->height = context->height;
	state->from_ns = context->focus->from_ns;
	state->to_ns = context->focus->to_ns;
	state->is_stale = false;
	gpu_summary_read(state->summary, context->recording, state->from_ns, state->to_ns,
			 context->width - GPU_LABEL_COLUMNS - GPU_SHARE_COLUMNS);
	keep_visible(state, context);
	return true;
}

/* ---- keys */

static int plots_height(const struct gpu_state *state, const struct view_context *context)
{
	return context->height - gpu_plots_top(state, context->width);
}

static unsigned move(struct gpu_state *state, const struct view_context *context, long rows)
{
	if (gpu_shows_plots(state)) {
		gpu_plots_move(&state->plots, rows, context->width, plots_height(state, context));
		return REACTION_REDRAW;
	}
	state->selected = list_move(state->selected, rows, state->summary->n_work);
	keep_visible(state, context);
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	return move(opaque, context, list_step(input->key, context->height / 2));
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct gpu_state *state = opaque;
	(void)context;
	(void)input;
	bool is_kernel = state->summary->n_work && !gpu_shows_plots(state);
	return is_kernel ? REACTION_TO_FLAME : REACTION_REDRAW;
}

static unsigned show_plots(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct gpu_state *state = opaque;
	(void)input;
	state->is_plots = !state->is_plots;
	state->is_stale = true;
	return move(state, context, 0);
}

static unsigned fit(void *opaque, const struct view_context *context, const struct input *input)
{
	struct gpu_state *state = opaque;
	(void)context;
	(void)input;
	state->plots.is_fitted = !state->plots.is_fitted;
	state->is_stale = true;
	return REACTION_REDRAW;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct gpu_state *state = opaque;
	if (gpu_shows_plots(state)) {
		gpu_plots_click(&state->plots, input->y - gpu_plots_top(state, context->width),
				context->width, plots_height(state, context));
		return REACTION_REDRAW;
	}
	return move(state, context,
		    (long)state->first + input->y - state->table_y - (long)state->selected);
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct gpu_state *state = opaque;
	return state->summary && state->summary->n_work
		       ? text_of(context, state->summary->work[state->selected].name)
		       : "";
}

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct gpu_state *state = opaque;
	uint32_t series =
		state->summary && gpu_shows_plots(state) ? gpu_plots_series(&state->plots) : 0;
	if (series)
		return (struct view_subject){
			.kind = SUBJECT_COUNTER,
			.id = series,
			.name = text_of(context,
					recording_series(context->recording, series)->name),
		};
	if (!state->summary || state->summary->n_work == 0)
		return (struct view_subject){ 0 };
	uint32_t name = state->summary->work[state->selected].name;
	return (struct view_subject){ .kind = SUBJECT_GPU,
				      .id = name,
				      .name = text_of(context, name) };
}

static void gpu_close(void *opaque)
{
	struct gpu_state *state = opaque;
	gpu_plots_free(&state->plots);
	free(state->summary);
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ 'p', 0, "p", "plots of the metrics, or kernels and streams", show_plots, true },
	{ 'y', 0, "y", "plots up to the ceiling, or to the greatest value", fit, false },
	{ KEY_ARROW_UP, 'k', "Up k", "up", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "down", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "page down", move_key, false },
	{ KEY_START, 'g', "g", "to the first", move_key, false },
	{ KEY_FINISH, 'G', "G", "to the last", move_key, false },
	{ KEY_WHEEL_UP, 0, "wheel", "up", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "wheel", "down", move_key, false },
	{ KEY_CLICK, 0, "click", "select", click, false },
	{ 0 },
};

const struct view view_gpu = {
	.name = "gpu",
	.title = "GPU",
	.summary = "GPUs: streams as lanes, metrics as plots, kernels and copies by time",
	.order = 9,
	.state_bytes = sizeof(struct gpu_state),
	.bindings = bindings,
	.update = gpu_update,
	.draw = gpu_draw,
	.chosen = chosen,
	.subject = subject,
	.close = gpu_close,
};
