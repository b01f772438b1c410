/*
 * Processes and their threads: how busy each is, where it spends its time, who made it. What is
 * chosen here, every view shows alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/rates.h"
#include "sampler/recording.h"
#include "tui/actions.h"
#include "tui/imported.h"
#include "tui/processes_state.h"
#include "tui/window.h"

static const uint64_t SECOND_NS = 1000000000;
/* Live, what has been recorded before the view is opened takes some frames of 50 ms or so. */
static const uint64_t MOST_A_FRAME = 200000;

/* ---- taking in */

static bool is_cycles(const char *name)
{
	return strstr(name, "cycles") != NULL;
}

/*
 * Cycles are sampled so that a CPU that is busy gives as many samples a second as were asked for,
 * whatever its clock is: samples are CPU time, about.
 */
static void find_clock(struct processes_state *state, const struct view_context *context)
{
	const struct recording *recording = context->recording;
	const struct series_row *series = recording_series(recording, state->processes.series);
	const char *frequency = recording_fact_text(recording, "sampling.frequency_hz");
	double hz = frequency ? strtod(frequency, NULL) : 0;
	state->clock = PROCESSES_NO_CLOCK;
	if (strcmp(recording_string_at(recording, series->unit), "ns") == 0)
		state->clock = PROCESSES_IS_CLOCK;
	else if (hz > 0 && is_cycles(recording_string_at(recording, series->name)))
		state->clock = PROCESSES_ESTIMATED;
	state->sample_ns = hz > 0 ? 1e9 / hz : NAN;
}

static void find_window(struct processes_state *state, const struct view_context *context)
{
	const struct view_focus *focus = context->focus;
	uint64_t start = context->recording->start_ns, end = state->processes.last_ns;
	uint64_t from = focus->from_ns > start ? focus->from_ns : start;
	if (context->now_ns > end) /* other events may have samples later */
		end = context->now_ns;
	if (focus->to_ns)
		end = focus->to_ns;
	bool is_known = end > from && imported_has_times(context->recording);
	state->window_ns = is_known ? (double)(end - from) : NAN;
}

static bool samples_kernel(const struct processes_state *state, const struct recording *recording)
{
	const char *user_only = recording_fact_text(recording, "sampling.user_only");
	return state->processes.all.kernel || (user_only && strcmp(user_only, "no") == 0);
}

static void take_recent(struct processes_state *state, const struct view_context *context)
{
	state->has_recent = context->is_live && !window_is_set(context->focus) &&
			    state->clock == PROCESSES_IS_CLOCK;
	if (state->has_recent && context->now_ns > SECOND_NS)
		processes_recent(&state->processes, context->recording, context->now_ns - SECOND_NS,
				 context->now_ns);
}

static bool take_in(struct processes_state *state, const struct view_context *context)
{
	struct processes_part part = { context->focus->from_ns, context->focus->to_ns,
				       state->series, context->is_live ? MOST_A_FRAME : 0 };
	uint64_t second = context->now_ns / SECOND_NS; /* what is recent moves by seconds */
	bool is_changed = processes_update(&state->processes, context->recording, &part);
	is_changed |= context->is_live && second != state->drawn_second;
	state->drawn_second = second;
	if (!is_changed)
		return false;
	find_clock(state, context);
	find_window(state, context);
	take_recent(state, context);
	state->has_kernel = samples_kernel(state, context->recording);
	return true;
}

static bool processes_view_update(void *opaque, const struct view_context *context)
{
	struct processes_state *state = opaque;
	bool is_changed = take_in(state, context);
	is_changed |= strncmp(state->searched, context->search, sizeof state->searched - 1) != 0;
	is_changed |= state->list.is_changed || state->must_draw ||
		      state->width != context->width || state->height != context->height ||
		      !thread_choice_is_same(&state->only, &context->focus->only);
	if (!is_changed)
		return false;
	state->must_draw = false;
	state->only = context->focus->only;
	snprintf(state->searched, sizeof state->searched, "%s", context->search);
	state->width = context->width;
	state->height = context->height;
	processes_show(state, context);
	return true;
}

/* ---- keys */

static unsigned changed(struct processes_state *state)
{
	state->must_draw = true;
	return REACTION_REDRAW;
}

/* The same again: all of them. */
static unsigned choose(void *opaque, const struct view_context *context, const struct input *input)
{
	struct processes_state *state = opaque;
	const struct processes_line *line = processes_selected(state);
	struct thread_choice choice, *only = &context->focus->only;
	(void)input;
	if (!line)
		return REACTION_REDRAW;
	bool is_any = line->thread ? processes_choice_of_thread(&state->processes, line->thread - 1,
								&choice)
				   : processes_choice(&state->processes, line->process, &choice);
	if (is_any)
		*only = thread_choice_is_same(only, &choice) ? (struct thread_choice){ 0 } : choice;
	return changed(state);
}

static unsigned choose_and_go(void *opaque, const struct view_context *context,
			      const struct input *input)
{
	struct processes_state *state = opaque;
	const struct processes_line *line = processes_selected(state);
	if (line)
		context->focus->only = (struct thread_choice){ 0 };
	choose(opaque, context, input);
	return line ? REACTION_TO_PICTURE : REACTION_REDRAW;
}

static unsigned tree_or_flat(void *opaque, const struct view_context *context,
			     const struct input *input)
{
	struct processes_state *state = opaque;
	(void)context;
	(void)input;
	state->is_tree = !state->is_tree;
	return changed(state);
}

static unsigned open_line(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct processes_state *state = opaque;
	const struct processes_line *line = processes_selected(state);
	(void)context;
	(void)input;
	if (line && !processes_lines_open(&state->lines, line) && line->can_close)
		list_go(&state->list, 1); /* on to what is in it */
	return changed(state);
}

/* What is closed already, or has nothing in it: back to what it is in. */
static unsigned close_line(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct processes_state *state = opaque;
	const struct processes_line *line = processes_selected(state);
	(void)context;
	(void)input;
	if (!line || processes_lines_close(&state->lines, line))
		return changed(state);
	for (size_t place = state->list.selected; place-- > 0;)
		if (state->lines.rows[state->list.entries[place].row].level < line->level) {
			list_select(&state->list, place);
			break;
		}
	return changed(state);
}

static unsigned turn_line(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	const struct processes_line *line = processes_selected(opaque);
	if (line && !line->can_open)
		return close_line(opaque, context, input);
	return open_line(opaque, context, input);
}

static unsigned open_all(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct processes_state *state = opaque;
	(void)context;
	(void)input;
	processes_lines_all(&state->lines, &state->processes, true);
	return changed(state);
}

static unsigned close_all(void *opaque, const struct view_context *context,
			  const struct input *input)
{
	struct processes_state *state = opaque;
	(void)context;
	(void)input;
	processes_lines_all(&state->lines, &state->processes, false);
	return changed(state);
}

static unsigned next_event(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	struct processes_state *state = opaque;
	(void)input;
	if (state->processes.series)
		state->series = rates_next_event(context->recording, state->processes.series);
	return changed(state);
}

/* Where most of the selected one's time ends. */
static uint32_t hottest_of(const struct processes_state *state)
{
	const struct processes_line *line = processes_selected(state);
	if (!line)
		return 0;
	return line->thread ? state->processes.threads[line->thread - 1].sum.hottest
			    : state->processes.rows[line->process].sum.hottest;
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)input;
	return action_go(context, hottest_of(opaque), REACTION_TO_CALLERS);
}

static unsigned to_lines(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)input;
	return action_go(context, hottest_of(opaque), REACTION_TO_LINES);
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter",
	  "only this one: every view shows just it, the same again: all of them", choose, true },
	{ 's', 0, "s", "show it in the flame graph, alone", choose_and_go, true },
	{ 't', KEY_FUNCTION_5, "t", "tree or flat: below what made it; also F5", tree_or_flat,
	  true },
	{ '+', KEY_ARROW_RIGHT, "+", "threads: open what is selected", open_line, true },
	{ '-', KEY_ARROW_LEFT, "-", "close it, or go to what it is in", close_line, false },
	{ ' ', 0, "Space", "open or close it", turn_line, false },
	{ 'E', '*', "E", "everything open", open_all, false },
	{ 'C', '_', "C", "everything closed", close_all, false },
	{ '/', KEY_FUNCTION_4, "/", "keep only what matches: numbers and names", action_search,
	  true },
	{ KEY_FUNCTION_3, '\\', "F3", "keep only what matches", action_search, false },
	{ 'c', 0, "c", "callers and callees of its hottest function", to_callers, false },
	{ 'a', 0, "a", "annotate: lines of its hottest function", to_lines, false },
	{ 'w', 0, "w", "by the next event that was sampled", next_event, false },
	{ 0 },
};

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct processes_state *state = opaque;
	const struct processes_line *line = processes_selected(state);
	if (!line)
		return (struct view_subject){ 0 };
	uint32_t name = line->thread ? state->processes.threads[line->thread - 1].name
				     : state->processes.rows[line->process].name;
	return (struct view_subject){ .kind = SUBJECT_THREAD,
				      .name = recording_string_at(context->recording, name) };
}

static struct list *processes_list(void *opaque)
{
	return &((struct processes_state *)opaque)->list;
}

static size_t processes_held_bytes(const void *opaque)
{
	return processes_bytes(&((const struct processes_state *)opaque)->processes);
}

static void processes_close(void *opaque)
{
	struct processes_state *state = opaque;
	processes_free(&state->processes);
	processes_lines_free(&state->lines);
	list_free(&state->list);
}

const struct view view_processes = {
	.name = "processes",
	.title = "Processes",
	.summary = "processes and their threads: how busy each is; one of them alone in every view",
	.order = 15,
	.key = 'T',
	.is_of_several = true,
	.follows_process = true,
	.state_bytes = sizeof(struct processes_state),
	.bindings = bindings,
	.update = processes_view_update,
	.draw = processes_draw,
	.subject = subject,
	.close = processes_close,
	.held_bytes = processes_held_bytes,
	.list = processes_list,
};
