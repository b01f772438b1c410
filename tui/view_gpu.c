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

static const char *text_of(const struct view_context *context, uint32_t id)
{
	return recording_string_at(context->recording, id);
}

/* ---- taking in */

static int plots_height(const struct gpu_state *state, const struct view_context *context)
{
	return context->height - gpu_plots_top(state, context->width);
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
	bool is_read = state->is_stale || memcmp(&now, &state->moment, sizeof now) != 0 ||
		       state->width != context->width || state->height != context->height ||
		       state->from_ns != context->focus->from_ns ||
		       state->to_ns != context->focus->to_ns;
	if (!is_read && !has_new_plots && !state->table.is_changed)
		return false;
	state->moment = now;
	state->width = context->width;
	state->height = context->height;
	state->from_ns = context->focus->from_ns;
	state->to_ns = context->focus->to_ns;
	state->is_stale = false;
	if (is_read)
		gpu_summary_read(state->summary, context->recording, state->from_ns, state->to_ns,
				 context->width - GPU_LABEL_COLUMNS - GPU_SHARE_COLUMNS);
	gpu_table_show(state, context);
	gpu_plots_keep_visible(&state->plots, context->width,
			       gpu_shows_plots(state) ? plots_height(state, context)
						      : context->height);
	return true;
}

/* ---- keys */

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	const struct gpu_state *state = opaque;
	(void)context;
	(void)input;
	return gpu_table_selected(state) && !gpu_shows_plots(state) ? REACTION_TO_FLAME
								    : REACTION_REDRAW;
}

static unsigned show_plots(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct gpu_state *state = opaque;
	(void)input;
	(void)context;
	state->is_plots = !state->is_plots;
	state->is_stale = true;
	return REACTION_REDRAW;
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

/* Plots are higher than a row; the table's clicks are the list's. */
static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct gpu_state *state = opaque;
	if (!gpu_shows_plots(state))
		return REACTION_NONE;
	gpu_plots_click(&state->plots, input->y - gpu_plots_top(state, context->width),
			context->width, plots_height(state, context));
	return REACTION_REDRAW;
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct gpu_state *state = opaque;
	const struct gpu_work *work = state->summary ? gpu_table_selected(state) : NULL;
	return work ? text_of(context, work->name) : "";
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
	const struct gpu_work *work = state->summary ? gpu_table_selected(state) : NULL;
	if (!work)
		return (struct view_subject){ 0 };
	uint32_t name = work->name;
	return (struct view_subject){ .kind = SUBJECT_GPU,
				      .id = name,
				      .name = text_of(context, name) };
}

static void gpu_close(void *opaque)
{
	struct gpu_state *state = opaque;
	gpu_plots_free(&state->plots);
	list_free(&state->table);
	free(state->summary);
}

static struct list *gpu_list(void *opaque)
{
	struct gpu_state *state = opaque;
	return state->summary && gpu_shows_plots(state) ? &state->plots.list : &state->table;
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ 'p', 0, "p", "plots of the metrics, or kernels and streams", show_plots, true },
	{ 'y', 0, "y", "plots up to the ceiling, or to the greatest value", fit, false },
	{ KEY_CLICK, 0, "click", "select a plot", click, false },
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
	.list = gpu_list,
};
