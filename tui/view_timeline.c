/*
 * Samples over time: a plot for each thread, and all of them in a heat map whose columns are
 * seconds and whose rows are parts of a second, where what repeats or hesitates shows as a pattern
 * (Gregg, "FlameScope", 2018). Here the window of time is chosen that every view follows.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/timeline_state.h"
#include "tui/window.h"

static const uint64_t SECOND_NS = 1000000000;
static const uint64_t LEAST_AXIS_NS = 100 * 1000 * 1000; /* five slots; below it is all one bar */
static const uint64_t MOST_SLOTS = 1 << 20;              /* 5 h 49 min of 20 ms: 4 MiB */

/* ---- taking in */

static struct timeline_lane *lane_of(struct timeline_state *state, uint32_t thread)
{
	uint32_t *place = hash_map_at(&state->lane_of, (uint64_t)thread + 1);
	if (!state->lanes)
		state->lanes = allocate(TIMELINE_MOST_LANES, sizeof *state->lanes);
	if (!*place && state->n_lanes < TIMELINE_MOST_LANES) {
		bool is_last = state->n_lanes == TIMELINE_MOST_LANES - 1;
		state->lanes[state->n_lanes++].thread = is_last ? 0 : thread;
		*place = (uint32_t)state->n_lanes;
	}
	return &state->lanes[*place ? *place - 1 : TIMELINE_MOST_LANES - 1];
}

static void add_slot(struct timeline_state *state, uint64_t at_ns, uint64_t weight)
{
	uint64_t slot = at_ns / (SECOND_NS / TIMELINE_SLOTS_A_SECOND);
	if (slot >= MOST_SLOTS)
		return;
	if (slot >= state->slot_capacity) {
		uint64_t before = state->slot_capacity;
		state->slot_capacity = slot + slot / 2 + 1024;
		state->slots = reallocate(state->slots, state->slot_capacity, sizeof *state->slots);
		memset(state->slots + before, 0,
		       (state->slot_capacity - before) * sizeof *state->slots);
	}
	state->slots[slot] += (float)weight;
	if (slot >= state->n_slots)
		state->n_slots = slot + 1;
}

/* Another process: from the start, on the same axis. */
static void forget_lanes(struct timeline_state *state)
{
	for (int i = 0; i < state->n_lanes; i++)
		bins_free(&state->lanes[i].bins);
	if (state->lanes)
		memset(state->lanes, 0, TIMELINE_MOST_LANES * sizeof *state->lanes);
	if (state->slots)
		memset(state->slots, 0, state->slot_capacity * sizeof *state->slots);
	hash_map_free(&state->lane_of);
	state->lane_of = (struct hash_map){ 0 };
	state->n_lanes = state->first_lane = 0;
	state->next_sample = 0;
}

static bool take_samples(struct timeline_state *state, const struct view_context *context)
{
	uint64_t n = recording_moment(context->recording).n[TABLE_SAMPLES];
	uint64_t start = context->recording->start_ns, before = state->next_sample;
	for (state->next_sample = before ? before : 1; state->next_sample < n;
	     state->next_sample++) {
		const struct sample_row *row =
			recording_sample(context->recording, state->next_sample);
		if (!state->series)
			state->series = row->series;
		if (row->series != state->series)
			continue;
		uint64_t at = row->time_ns > start ? row->time_ns - start : 0;
		uint64_t end = at + SECOND_NS / TIMELINE_SLOTS_A_SECOND;
		state->end_ns = end > state->end_ns ? end : state->end_ns;
		if (!thread_choice_takes(&state->only, context->recording, row->thread))
			continue;
		struct timeline_lane *lane = lane_of(state, row->thread);
		lane->weight += row->weight;
		bins_add(&lane->bins, at, (double)row->weight);
		add_slot(state, at, row->weight);
	}
	return state->next_sample != before;
}

static bool timeline_update(void *opaque, const struct view_context *context)
{
	struct timeline_state *state = opaque;
	const struct view_focus *focus = context->focus;
	bool is_other = !thread_choice_is_same(&state->only, &focus->only);
	if (is_other)
		forget_lanes(state);
	state->only = focus->only;
	bool is_changed = take_samples(state, context) || is_other;
	is_changed |= state->must_draw || state->width != context->width ||
		      state->height != context->height || state->from_ns != focus->from_ns ||
		      state->to_ns != focus->to_ns;
	state->must_draw = false;
	state->width = context->width;
	state->height = context->height;
	state->from_ns = focus->from_ns;
	state->to_ns = focus->to_ns;
	return is_changed;
}

bool timeline_is_time(const struct timeline_state *state, const struct view_context *context)
{
	const struct series_row *row = recording_series(context->recording, state->series);
	return strcmp(recording_string_at(context->recording, row->unit), "ns") == 0;
}

/* ---- layout */

static int clamp(int value, int least, int most)
{
	value = value > most ? most : value;
	return value < least ? least : value;
}

/* As many rows as fit that part a second into whole slots. */
static int rows_of_map(int available)
{
	static const int choices[] = { 50, 25, 10, 5, 2, 1 };
	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
		if (choices[i] <= available)
			return choices[i];
	return 0;
}

static void lay_out_axis(struct timeline_layout *layout, const struct timeline_state *state,
			 const struct view_context *context)
{
	const struct view_focus *focus = context->focus;
	uint64_t start = context->recording->start_ns, end = state->end_ns;
	if (state->is_zoomed && focus->from_ns > start)
		layout->from_ns = focus->from_ns - start;
	if (state->is_zoomed && focus->to_ns > start)
		end = focus->to_ns - start;
	if (end < layout->from_ns + LEAST_AXIS_NS)
		end = layout->from_ns + LEAST_AXIS_NS;
	layout->to_ns = end;
}

static void lay_out_map(struct timeline_layout *layout, const struct timeline_state *state)
{
	uint64_t first = layout->from_ns / SECOND_NS;
	uint64_t n = (layout->to_ns + SECOND_NS - 1) / SECOND_NS - first;
	uint64_t room = layout->columns > 0 ? (uint64_t)layout->columns : 1;
	layout->second_columns = n > 0 && n < room ? clamp((int)(room / n), 1, 4) : 1;
	uint64_t fit = room / (uint64_t)layout->second_columns;
	/* More seconds than columns: those before the cursor's, and it. */
	uint64_t cursor = state->cursor_ns / SECOND_NS;
	if (n > fit && cursor >= first + fit)
		first = cursor - fit + 1;
	layout->first_second = first;
	layout->n_seconds = n < fit ? n : fit;
}

struct timeline_layout timeline_layout(const struct timeline_state *state,
				       const struct view_context *context)
{
	struct timeline_layout layout = { 0 };
	int height = state->height - TIMELINE_FRAME_ROWS;
	bool shows_both = height >= 12;
	lay_out_axis(&layout, state, context);
	layout.label_columns = state->width > 60   ? TIMELINE_LABEL_COLUMNS
			       : state->width > 20 ? 10
						   : 0;
	layout.columns = state->width - layout.label_columns;
	layout.map_rows = shows_both         ? rows_of_map(height * 2 / 3)
			  : state->is_in_map ? rows_of_map(height + 1)
					     : 0;
	int rows = shows_both ? height - layout.map_rows : layout.map_rows ? 0 : height + 1;
	layout.lane_rows = state->n_lanes ? clamp(rows / state->n_lanes, 1, 4) : 1;
	layout.lanes_shown = clamp(rows / layout.lane_rows, 0, state->n_lanes);
	layout.ruler_y = 1 + layout.lanes_shown * layout.lane_rows;
	layout.map_y = layout.lanes_shown || shows_both ? layout.ruler_y + 2 : 1;
	lay_out_map(&layout, state);
	return layout;
}

uint64_t timeline_time_of(const struct timeline_layout *layout, int i, int n)
{
	return layout->from_ns +
	       (uint64_t)((double)(layout->to_ns - layout->from_ns) * i / (n > 0 ? n : 1));
}

/* Rounded up, so that a step always leaves the column. */
uint64_t timeline_step_ns(const struct timeline_state *state, const struct timeline_layout *layout)
{
	uint64_t columns = layout->columns > 0 ? (uint64_t)layout->columns : 1;
	if (state->is_in_map && layout->map_rows)
		return SECOND_NS / (uint64_t)layout->map_rows;
	return (layout->to_ns - layout->from_ns + columns - 1) / columns;
}

/* ---- keys */

/* The start of the column or cell that a time lies in. */
static uint64_t start_of_cell(const struct timeline_state *state,
			      const struct timeline_layout *layout, uint64_t at_ns)
{
	uint64_t step = timeline_step_ns(state, layout);
	if (state->is_in_map && layout->map_rows)
		return at_ns / step * step;
	int n = layout->columns > 0 ? layout->columns : 1;
	/* Two more nanoseconds: what rounding has taken from a column's start. */
	double column = (double)(at_ns - layout->from_ns + 2) * n /
			(double)(layout->to_ns - layout->from_ns);
	return timeline_time_of(layout, clamp((int)column, 0, n - 1), n);
}

static unsigned move_to(struct timeline_state *state, const struct timeline_layout *layout,
			uint64_t at_ns)
{
	if (at_ns < layout->from_ns)
		at_ns = layout->from_ns;
	if (at_ns >= layout->to_ns)
		at_ns = layout->to_ns - 1;
	state->cursor_ns = start_of_cell(state, layout, at_ns);
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned move_by(struct timeline_state *state, const struct view_context *context,
			uint64_t distance_ns, bool is_back)
{
	struct timeline_layout layout = timeline_layout(state, context);
	uint64_t at = state->cursor_ns;
	at = !is_back ? at + distance_ns : at > distance_ns ? at - distance_ns : 0;
	return move_to(state, &layout, at);
}

static uint64_t sideways_ns(const struct timeline_state *state, const struct view_context *context)
{
	struct timeline_layout layout = timeline_layout(state, context);
	uint64_t step = timeline_step_ns(state, &layout);
	return state->is_in_map && layout.map_rows ? SECOND_NS : step;
}

static unsigned left(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)input;
	return move_by(opaque, context, sideways_ns(opaque, context), true);
}

static unsigned right(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)input;
	return move_by(opaque, context, sideways_ns(opaque, context), false);
}

static unsigned page_left(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	(void)input;
	return move_by(opaque, context, 10 * sideways_ns(opaque, context), true);
}

static unsigned page_right(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)input;
	return move_by(opaque, context, 10 * sideways_ns(opaque, context), false);
}

/* In the heat map a part of a second, in the plots a thread. */
static unsigned vertically(struct timeline_state *state, const struct view_context *context,
			   bool is_up)
{
	struct timeline_layout layout = timeline_layout(state, context);
	if (state->is_in_map && layout.map_rows)
		return move_by(state, context, timeline_step_ns(state, &layout), is_up);
	state->first_lane =
		clamp(state->first_lane + (is_up ? -1 : 1), 0, state->n_lanes - layout.lanes_shown);
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned up(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)input;
	return vertically(opaque, context, true);
}

static unsigned down(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)input;
	return vertically(opaque, context, false);
}

static unsigned mark(void *opaque, const struct view_context *context, const struct input *input)
{
	struct timeline_state *state = opaque;
	(void)context;
	(void)input;
	state->has_mark = !state->has_mark;
	state->mark_ns = state->cursor_ns;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned take_window(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct timeline_state *state = opaque;
	struct timeline_layout layout = timeline_layout(state, context);
	uint64_t start = context->recording->start_ns, from = state->cursor_ns;
	uint64_t to = state->cursor_ns;
	(void)input;
	if (state->has_mark && state->mark_ns < from)
		from = state->mark_ns;
	if (state->has_mark && state->mark_ns > to)
		to = state->mark_ns;
	context->focus->from_ns = start + from;
	context->focus->to_ns = start + to + timeline_step_ns(state, &layout);
	state->has_mark = false;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned cancel(void *opaque, const struct view_context *context, const struct input *input)
{
	struct timeline_state *state = opaque;
	(void)context;
	(void)input;
	if (!state->has_mark)
		return REACTION_NONE; /* the driver's: it clears the window */
	state->has_mark = false;
	state->must_draw = true;
	return REACTION_REDRAW;
}

static unsigned change_pane(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct timeline_state *state = opaque;
	(void)input;
	state->is_in_map = !state->is_in_map;
	struct timeline_layout layout = timeline_layout(state, context);
	return move_to(state, &layout, state->cursor_ns);
}

static unsigned zoom(void *opaque, const struct view_context *context, const struct input *input)
{
	struct timeline_state *state = opaque;
	(void)input;
	state->is_zoomed = !state->is_zoomed;
	struct timeline_layout layout = timeline_layout(state, context);
	return move_to(state, &layout, state->cursor_ns);
}

static unsigned first(void *opaque, const struct view_context *context, const struct input *input)
{
	struct timeline_layout layout = timeline_layout(opaque, context);
	(void)input;
	return move_to(opaque, &layout, 0);
}

static unsigned last(void *opaque, const struct view_context *context, const struct input *input)
{
	struct timeline_layout layout = timeline_layout(opaque, context);
	(void)input;
	return move_to(opaque, &layout, UINT64_MAX);
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct timeline_state *state = opaque;
	struct timeline_layout layout = timeline_layout(state, context);
	int x = input->x - layout.label_columns, row = input->y - layout.map_y;
	if (x < 0 || layout.columns < 1)
		return REACTION_REDRAW;
	state->is_in_map = layout.map_rows > 0 && row >= 0 && row < layout.map_rows;
	if (!state->is_in_map)
		return move_to(state, &layout,
			       layout.from_ns + (layout.to_ns - layout.from_ns) * (uint64_t)x /
							(uint64_t)layout.columns);
	uint64_t second = layout.first_second + (uint64_t)(x / layout.second_columns);
	return move_to(state, &layout,
		       second * SECOND_NS + SECOND_NS * (uint64_t)row / (uint64_t)layout.map_rows);
}

static unsigned double_click(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	click(opaque, context, input);
	return take_window(opaque, context, input);
}

/* The column or cell that the cursor is in. */
static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct timeline_state *state = opaque;
	struct timeline_layout layout = timeline_layout(state, context);
	uint64_t start = context->recording->start_ns;
	bool is_in_map = state->is_in_map && layout.map_rows;
	return (struct view_subject){
		.kind = SUBJECT_MOMENT,
		.name = is_in_map ? "a cell of the heat map" : "a column of the plots",
		.from_ns = start + state->cursor_ns,
		.to_ns = start + state->cursor_ns + timeline_step_ns(state, &layout),
	};
}

static void timeline_close(void *opaque)
{
	struct timeline_state *state = opaque;
	for (int i = 0; i < state->n_lanes; i++)
		bins_free(&state->lanes[i].bins);
	free(state->lanes);
	free(state->slots);
	hash_map_free(&state->lane_of);
}

static const struct binding bindings[] = {
	{ ' ', 0, "Space", "mark one end of a window", mark, true },
	{ KEY_RETURN, 0, "Enter", "take the window: every view follows it", take_window, true },
	{ KEY_ESCAPE, 0, "Esc", "forget the mark, then the window", cancel, true },
	{ 'm', 0, "m", "between plots and heat map", change_pane, true },
	{ 'z', 0, "z", "show only the window, or all of the time", zoom, true },
	{ KEY_ARROW_LEFT, 'h', "Left h", "earlier; in the heat map by a second", left, false },
	{ KEY_ARROW_RIGHT, 'l', "Right l", "later; in the heat map by a second", right, false },
	{ KEY_ARROW_UP, 'k', "Up k", "threads before; in the heat map earlier", up, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "threads after; in the heat map later", down, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "ten columns earlier", page_left, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "ten columns later", page_right, false },
	{ KEY_START, 'g', "g", "to the start", first, false },
	{ KEY_FINISH, 'G', "G", "to the end", last, false },
	{ KEY_CLICK, 0, "click", "put the cursor there", click, false },
	{ KEY_DOUBLE_CLICK, 0, "double click", "take the window there", double_click, false },
	{ 0 },
};

const struct view view_timeline = {
	.name = "timeline",
	.title = "Timeline",
	.summary = "samples over time by thread, and the window of time that every view follows",
	.order = 5,
	.follows_process = true,
	.state_bytes = sizeof(struct timeline_state),
	.bindings = bindings,
	.update = timeline_update,
	.draw = timeline_draw,
	.subject = subject,
	.close = timeline_close,
};
