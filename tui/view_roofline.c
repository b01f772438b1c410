/*
 * Phases of the program under the ceilings measured on this machine: how many operations they do
 * with each byte, how fast they are, and how fast they could be. No counter is needed: the work is
 * the program's own word.
 */
#include <stdlib.h>

#include "sampler/recording.h"
#include "tui/roofline_state.h"

/* Live dots stand for this much: long enough to be steady, short enough to move. */
static const uint64_t RECENT_NS = 5ull * 1000 * 1000 * 1000;
/* Taking in costs up to 0.1 s in a long recording; ten times that between. */
static const uint64_t AGAIN_NS = 1000 * 1000 * 1000;

static void forget(struct roofline_state *state)
{
	roofline_phases_close(state->phases);
	ceilings_free(state->ceilings);
	roofline_device_free(&state->device);
	state->phases = NULL;
	state->ceilings = NULL;
}

static void take_in(struct roofline_state *state, const struct view_context *context,
		    const struct moment *moment)
{
	uint64_t from_ns = context->focus->from_ns;
	forget(state);
	state->n_spans = moment->n[TABLE_SPANS];
	state->n_facts = moment->n[TABLE_FACTS];
	state->from_ns = context->focus->from_ns;
	state->to_ns = context->focus->to_ns;
	state->next_ns = context->now_ns + AGAIN_NS;
	state->ceilings = ceilings_load(context->recording);
	if (state->is_recent && !from_ns && context->now_ns > RECENT_NS)
		from_ns = context->now_ns - RECENT_NS;
	state->phases = roofline_phases_open(context->recording, from_ns, context->focus->to_ns,
					     state->ceilings);
	roofline_device_read(&state->device, context->recording, from_ns, context->focus->to_ns);
	roofline_device_judge(&state->device, context->recording, state->phases);
	size_t n = roofline_count(state);
	if (state->selected >= n)
		state->selected = n ? n - 1 : 0;
}

size_t roofline_count(const struct roofline_state *state)
{
	return state->phases ? state->phases->n + state->device.n : 0;
}

int roofline_header_rows(const struct roofline_state *state)
{
	return state->device.has_work ? 2 : 1;
}

/* Letters are phases, digits are kernels. */
struct roofline_item roofline_item_at(const struct roofline_state *state, size_t place)
{
	size_t n = state->phases->n;
	if (place >= n) {
		const struct roofline_kernel *kernel = &state->device.kernels[place - n];
		return (struct roofline_item){
			.kernel = kernel,
			.name = kernel->name,
			.letter = place - n < 9 ? (char)('1' + (place - n)) : '#',
			.is_on_device = true,
			.work = &kernel->work,
			.roofline = &kernel->roofline,
			.verdict = &kernel->verdict,
		};
	}
	const struct roofline_phase *phase = &state->phases->rows[place];
	return (struct roofline_item){
		.phase = phase,
		.name = phase->name,
		.letter = place < ROOFLINE_MOST_LETTERS ? (char)('a' + place) : '+',
		.is_on_device = roofline_device_did(&state->device, phase->name),
		.work = &phase->all,
		.roofline = &phase->roofline,
		.verdict = &phase->all_verdict,
	};
}

static bool is_due(const struct roofline_state *state, const struct view_context *context,
		   const struct moment *moment)
{
	bool is_other_window =
		state->from_ns != context->focus->from_ns || state->to_ns != context->focus->to_ns;
	bool is_new = state->n_spans != moment->n[TABLE_SPANS] ||
		      state->n_facts != moment->n[TABLE_FACTS] ||
		      (state->is_recent && context->is_live);
	return !state->phases || is_other_window ||
	       (is_new && (!context->is_live || context->now_ns >= state->next_ns));
}

/* The table gets what it needs, up to a third; the plot the rest. */
int roofline_table_rows(const struct roofline_state *state)
{
	int wanted = 1 + (int)roofline_count(state);
	int most = state->height / 3;
	int rows = wanted < most ? wanted : most;
	if (roofline_plot_rows(state) == 0)
		rows = state->height - roofline_header_rows(state) - ROOFLINE_DETAIL_ROWS;
	return rows > 0 ? rows : 0;
}

int roofline_plot_rows(const struct roofline_state *state)
{
	int wanted = 1 + (int)roofline_count(state);
	int table = wanted < state->height / 3 ? wanted : state->height / 3;
	int rows = state->height - roofline_header_rows(state) - ROOFLINE_AXIS_ROWS - table -
		   ROOFLINE_DETAIL_ROWS;
	if (rows < ROOFLINE_LEAST_PLOT_ROWS || state->width < ROOFLINE_LEAST_PLOT_COLUMNS)
		return 0;
	return rows;
}

static bool roofline_update(void *opaque, const struct view_context *context)
{
	struct roofline_state *state = opaque;
	struct moment moment = recording_moment(context->recording);
	if (!state->knows_live) {
		state->knows_live = true;
		state->is_recent = context->is_live;
	}
	bool is_changed = is_due(state, context, &moment);
	if (is_changed)
		take_in(state, context, &moment);
	is_changed |= state->must_draw || state->list.is_changed ||
		      state->width != context->width || state->height != context->height;
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	if (is_changed)
		roofline_table_show(state, context);
	return is_changed;
}

/* ---- keys */

static unsigned recent(void *opaque, const struct view_context *context, const struct input *input)
{
	struct roofline_state *state = opaque;
	(void)input;
	struct moment moment = recording_moment(context->recording);
	state->is_recent = !state->is_recent;
	take_in(state, context, &moment);
	state->must_draw = true;
	return REACTION_REDRAW;
}

static void roofline_close(void *opaque)
{
	forget(opaque);
	list_free(&((struct roofline_state *)opaque)->list);
}

static struct list *roofline_list(void *opaque)
{
	return &((struct roofline_state *)opaque)->list;
}

static const struct binding bindings[] = {
	{ 'm', 0, "m", "the last 5 seconds, or all of the time", recent, true },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct roofline_state *state = opaque;
	if (state->list.n == 0)
		return (struct view_subject){ 0 };
	size_t row = list_row(&state->list);
	if (row >= roofline_count(state)) /* read anew since it was laid out */
		return (struct view_subject){ 0 };
	const struct roofline_item item = roofline_item_at(state, row);
	uint32_t name = item.name;
	return (struct view_subject){ .kind = item.kernel ? SUBJECT_GPU : SUBJECT_PHASE,
				      .id = name,
				      .name = recording_string_at(context->recording, name) };
}

const struct view view_roofline = {
	.name = "roofline",
	.title = "Roofline",
	.summary =
		"phases and GPU kernels by exact work under the ceilings measured on this machine",
	.order = 12,
	.key = '0',
	.state_bytes = sizeof(struct roofline_state),
	.bindings = bindings,
	.update = roofline_update,
	.draw = roofline_draw,
	.subject = subject,
	.close = roofline_close,
	.list = roofline_list,
};
