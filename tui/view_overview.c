/*
 * What runs, how busy each thread is, where the time goes, what the program says of itself, and
 * what could not be measured. Each value carries the mark of where it comes from.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counters/bandwidth.h"
#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/trust.h"
#include "tui/actions.h"
#include "tui/imported.h"
#include "tui/overview_state.h"
#include "tui/window.h"

static const uint64_t SECOND_NS = 1000 * 1000 * 1000;

static void take_samples(struct overview_state *state, const struct view_context *context)
{
	if (!tree_series(state->tree))
		return;
	for (; state->next_sample < state->moment.n[TABLE_SAMPLES]; state->next_sample++) {
		const struct sample_row *sample =
			recording_sample(context->recording, state->next_sample);
		/* Events read together have rows of their own: those of one are enough. */
		if (state->next_sample == 0 || sample->series != tree_series(state->tree))
			continue;
		state->last_time_ns = sample->time_ns;
		if (!thread_choice_takes(&state->only, context->recording, sample->thread))
			continue;
		state->n_samples += sample->count;
		overview_threads_add(state, sample);
	}
}

static void make_room_for_series(struct overview_state *state)
{
	uint64_t n = state->moment.n[TABLE_SERIES];
	if (n <= state->n_last)
		return;
	state->last = reallocate(state->last, n, sizeof *state->last);
	memset(state->last + state->n_last, 0, (n - state->n_last) * sizeof *state->last);
	state->n_last = n;
}

static void take_readings(struct overview_state *state, const struct view_context *context)
{
	make_room_for_series(state);
	for (; state->next_reading < state->moment.n[TABLE_READINGS]; state->next_reading++) {
		const struct reading_row *row =
			recording_reading(context->recording, state->next_reading);
		if (row->series < state->n_last)
			state->last[row->series] = *row;
	}
}

/* ---- drawing: each section takes the rows it needs and returns the next free one */

static const char *fact(const struct view_context *context, const struct overview_state *state,
			const char *key)
{
	for (uint64_t i = 1; i < state->moment.n[TABLE_FACTS]; i++) {
		const struct fact_row *row = recording_fact(context->recording, i);
		if (strcmp(recording_string_at(context->recording, row->key), key) == 0)
			return recording_string_at(context->recording, row->value);
	}
	return NULL;
}

static const char *text_of(const struct view_context *context, uint32_t id)
{
	return recording_string_at(context->recording, id);
}

static int draw_run(const struct overview_state *state, const struct view_context *context,
		    const struct canvas *canvas)
{
	char elapsed[TEXT_BYTES];
	const char *host = fact(context, state, "host");
	uint64_t end = context->is_live ? context->now_ns : state->last_time_ns;
	uint64_t start = context->recording->start_ns;
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "Running  ");
	canvas_text(canvas, x, 0, canvas->width - x, MEANING_TEXT, context->command);
	const char *format = imported_from(context->recording);
	text_duration(elapsed, sizeof elapsed, end > start ? (double)(end - start) : 0);
	x = canvas_print(canvas, 0, 1, MEANING_DIM, "%-9s%s%s%s", "",
			 imported_has_times(context->recording) ? elapsed
								: TEXT_UNKNOWN " no times",
			 host ? " on " : "", host ? host : "");
	if (format)
		canvas_print(canvas, x, 1, MEANING_DIM, "  imported from %s", format);
	else if (context->has_ended && context->exit_status < 0)
		canvas_print(canvas, x, 1, MEANING_WARNING, "  has ended");
	else if (context->has_ended)
		canvas_print(canvas, x, 1, context->exit_status ? MEANING_WARNING : MEANING_GOOD,
			     "  ended with status %d", context->exit_status);
	else
		canvas_print(canvas, x, 1, MEANING_GOOD,
			     context->is_live ? "  running" : "  recording stopped");
	return 2;
}

/* What is held in memory while it grows, and what may be: an hour must not take all there is. */
static int draw_budget(const struct view_context *context, const struct canvas *canvas, int y)
{
	char samples[TEXT_BYTES], samples_most[TEXT_BYTES], stacks[TEXT_BYTES];
	char stacks_most[TEXT_BYTES], held[TEXT_BYTES];
	if (!context->is_live)
		return y;
	struct recording_memory memory = recording_memory(context->recording);
	canvas_print(
		canvas, 9, y, MEANING_DIM, "memory: samples %s of %s, stacks %s of %s; views %s",
		text_memory(samples, sizeof samples, (double)memory.samples_bytes),
		text_memory(samples_most, sizeof samples_most, (double)memory.samples_budget_bytes),
		text_memory(stacks, sizeof stacks, (double)memory.stacks_bytes),
		text_memory(stacks_most, sizeof stacks_most, (double)memory.stacks_budget_bytes),
		text_memory(held, sizeof held, (double)context->views_bytes));
	return y + 1;
}

/* A counter that lies is to be seen at once. */
static enum meaning trust_meaning(const char *trust)
{
	return *trust == 'F' ? MEANING_WARNING : MEANING_DIM;
}

static int draw_sampling(const struct overview_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	char count[TEXT_BYTES];
	uint32_t id = tree_series(state->tree);
	int x = canvas_print(canvas, 0, y, MEANING_HEADER, "Sampling ");
	if (!id) {
		canvas_print(canvas, x, y, MEANING_DIM, TEXT_UNKNOWN " no sample yet");
		return y + 2;
	}
	const struct series_row *series = recording_series(context->recording, id);
	const char *rate = fact(context, state, "sampling.frequency_hz");
	const char *graph = fact(context, state, "sampling.call_graph");
	const char *lost = fact(context, state, "sampling.lost");
	const char *cut = fact(context, state, "sampling.truncated");
	x += canvas_print(canvas, x, y, MEANING_TEXT, "%s %s", origin_glyph(series->origin),
			  text_of(context, series->name));
	const char *trust = trust_of(context->recording, text_of(context, series->name));
	if (*trust)
		x += canvas_print(canvas, x, y, trust_meaning(trust), " (trust %s)", trust);
	if (rate)
		x += canvas_print(canvas, x, y, MEANING_TEXT, " at %s Hz", rate);
	x += canvas_print(canvas, x, y, MEANING_TEXT, ", %s samples",
			  text_count(count, sizeof count, state->n_samples));
	if (graph)
		x += canvas_print(canvas, x, y, MEANING_DIM, ", %s stacks", graph);
	if (lost && cut)
		canvas_print(canvas, x, y, MEANING_DIM, ", %s lost, %s truncated", lost, cut);
	return draw_budget(context, canvas, y + 1) + 1;
}

static void draw_progress(const struct view_context *context, const struct canvas *canvas, int y,
			  const struct reading_row *row)
{
	char ratio[TEXT_BYTES];
	canvas_print(canvas, 2, y, MEANING_TEXT, "%-*s%8s %s", OVERVIEW_NAME_COLUMNS, "progress",
		     text_ratio(ratio, sizeof ratio, row->value), origin_glyph(row->origin));
	canvas_bar(canvas, 14 + OVERVIEW_NAME_COLUMNS, y, canvas->width > 70 ? 30 : 10, row->value);
	(void)context;
}

/* Work since the start over the time since the start. */
static void draw_work(const struct view_context *context, const struct canvas *canvas, int y,
		      const struct reading_row *row, const struct series_row *series)
{
	char total[TEXT_BYTES], rate[TEXT_BYTES], unit[TEXT_BYTES];
	double seconds = (double)(row->time_ns - context->recording->start_ns) * 1e-9;
	const char *name = text_of(context, series->unit);
	snprintf(unit, sizeof unit, "%.20s/s", name);
	canvas_print(canvas, 2, y, MEANING_TEXT, "%-*s%s in all, %s on average %s",
		     OVERVIEW_NAME_COLUMNS, text_of(context, series->name),
		     text_rate(total, sizeof total, row->value, name),
		     text_rate(rate, sizeof rate, seconds > 0 ? row->value / seconds : NAN, unit),
		     origin_glyph(row->origin));
}

static int draw_workload(const struct overview_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y, int rows)
{
	bool has_header = false;
	for (uint32_t id = 1; id < state->n_last; id++) {
		const struct series_row *series = recording_series(context->recording, id);
		const struct reading_row *row = &state->last[id];
		if (!(series->flags & (SERIES_PROGRESS | SERIES_QUALITY | SERIES_WORK)) ||
		    row->time_ns == 0 || rows < 2)
			continue;
		if (!has_header) {
			canvas_print(canvas, 0, y++, MEANING_HEADER,
				     "Reports  by the program itself");
			has_header = true;
			rows--;
		}
		if (series->flags & SERIES_PROGRESS)
			draw_progress(context, canvas, y, row);
		else if (series->flags & SERIES_WORK)
			draw_work(context, canvas, y, row, series);
		else
			canvas_print(canvas, 2, y, MEANING_TEXT, "%-*s%8.5g %s",
				     OVERVIEW_NAME_COLUMNS, text_of(context, series->name),
				     row->value, origin_glyph(row->origin));
		y++;
		rows--;
	}
	return has_header ? y + 1 : y;
}

/* The last reading of a series by its name; NULL = there is no such series or no reading. */
static const struct reading_row *last_of(const struct overview_state *state,
					 const struct view_context *context, const char *name,
					 const struct series_row **series)
{
	for (uint32_t id = 1; id < state->n_last; id++) {
		const struct series_row *row = recording_series(context->recording, id);
		if (strcmp(text_of(context, row->name), name) == 0 && state->last[id].time_ns) {
			*series = row;
			return &state->last[id];
		}
	}
	return NULL;
}

/* Traffic, its share of the ceiling, and by what it is known. */
static int draw_memory(const struct overview_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y)
{
	char rate[TEXT_BYTES], ratio[TEXT_BYTES];
	const struct series_row *series, *other;
	const struct reading_row *bytes = last_of(state, context, BANDWIDTH_SERIES, &series);
	if (!bytes || y >= canvas->height)
		return y;
	const struct reading_row *share = last_of(state, context, BANDWIDTH_RATIO_SERIES, &other);
	int x = canvas_print(canvas, 0, y, MEANING_HEADER, "Memory   ");
	x += canvas_print(canvas, x, y, MEANING_TEXT, "%s %s", origin_glyph(bytes->origin),
			  text_rate(rate, sizeof rate, bytes->value, "B/s"));
	if (share)
		x += canvas_print(canvas, x, y, MEANING_TEXT, ", %s of the measured ceiling",
				  text_ratio(ratio, sizeof ratio, share->value));
	const char *device = text_of(context, series->device);
	const char *trust = trust_of(context->recording, BANDWIDTH_SERIES);
	if (*device)
		x += canvas_print(canvas, x, y, MEANING_DIM, ", by %s", device);
	if (*trust)
		canvas_print(canvas, x, y, trust_meaning(trust), " (trust %s)", trust);
	return y + 2;
}

static void draw_notes(const struct overview_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y)
{
	static const enum meaning meanings[N_SEVERITIES] = { MEANING_DIM, MEANING_WARNING,
							     MEANING_ERROR };
	static const char *const marks[N_SEVERITIES] = { "  i ", "  ! ", "  X " };
	uint64_t n = state->moment.n[TABLE_NOTES];
	if (n <= 1 || y >= canvas->height - 1)
		return;
	canvas_print(canvas, 0, y++, MEANING_HEADER, "Notes    %llu (4 shows all)",
		     (unsigned long long)(n - 1));
	for (uint64_t i = n; i-- > 1 && y < canvas->height;) {
		const struct note_row *row = recording_note_row(context->recording, i);
		int x = canvas_text(canvas, 0, y, 4, meanings[row->severity], marks[row->severity]);
		canvas_text(canvas, x, y, canvas->width - x, MEANING_TEXT,
			    text_of(context, row->text));
		y++;
	}
}

static int note_rows(const struct overview_state *state)
{
	uint64_t n_notes = state->moment.n[TABLE_NOTES] - 1;
	return n_notes == 0 ? 0 : n_notes > 3 ? 5 : (int)n_notes + 2;
}

/* All above the functions; returns the next free row. */
static int draw_above(const struct overview_state *state, const struct view_context *context,
		      const struct canvas *canvas)
{
	int notes = note_rows(state);
	int y = draw_run(state, context, canvas);
	y = draw_sampling(state, context, canvas, y);
	int rows = canvas->height - y - notes;
	y = overview_threads_draw(state, context, canvas, y, rows / 3 + 1);
	y = draw_memory(state, context, canvas, y);
	return draw_workload(state, context, canvas, y, canvas->height - y - notes - 4);
}

static void overview_draw(const void *opaque, const struct view_context *context,
			  const struct canvas *canvas)
{
	const struct overview_state *state = opaque;
	int y = draw_above(state, context, canvas);
	y = overview_list_draw(state, context, canvas, y);
	draw_notes(state, context, canvas, y);
}

/* ---- taking in */

/* The functions stand where the rest leaves room: that is known once the rest has been drawn. */
static void show(struct overview_state *state, const struct view_context *context)
{
	struct canvas above = canvas_new(context->width, context->height);
	int y = draw_above(state, context, &above);
	canvas_free(&above);
	overview_list_show(state, context, y, context->height - y - note_rows(state) - 1);
}

/* Threads of another process: from the start. */
static void choose_threads(struct overview_state *state, const struct view_focus *focus)
{
	if (thread_choice_is_same(&state->only, &focus->only))
		return;
	state->only = focus->only;
	overview_threads_forget(state);
	state->n_samples = state->next_sample = 0;
}

static bool overview_update(void *opaque, const struct view_context *context)
{
	struct overview_state *state = opaque;
	struct tree_options options = { .root = TREE_ROOT_NAME };
	struct moment before = state->moment;
	choose_threads(state, context->focus);
	bool is_changed = window_tree(&state->tree, &options, context);
	state->moment = recording_moment(context->recording);
	is_changed |= state->list.is_changed || state->width != context->width ||
		      state->height != context->height;
	state->width = context->width;
	state->height = context->height;
	is_changed |= memcmp(&before, &state->moment, sizeof before) != 0;
	uint64_t second = context->now_ns / SECOND_NS; /* the elapsed time moves by seconds */
	is_changed |= context->is_live && second != state->drawn_second;
	state->drawn_second = second;
	if (!is_changed)
		return false;
	if (!state->functions)
		state->functions = allocate(OVERVIEW_MOST_FUNCTIONS, sizeof *state->functions);
	if (tree_update(state->tree))
		state->n_functions =
			tree_functions(state->tree, state->functions, OVERVIEW_MOST_FUNCTIONS);
	take_samples(state, context);
	take_readings(state, context);
	overview_threads_rank(state, context);
	show(state, context);
	return true;
}

/* ---- keys */

static uint32_t selected_function(const struct overview_state *state)
{
	const struct tree_function *function = overview_selected(state);
	return function ? function->function : 0;
}

static unsigned to_flame(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)input;
	return action_go(context, selected_function(opaque), REACTION_TO_FLAME);
}

static unsigned to_callers(void *opaque, const struct view_context *context,
			   const struct input *input)
{
	(void)input;
	return action_go(context, selected_function(opaque), REACTION_TO_CALLERS);
}

static unsigned to_lines(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	(void)input;
	return action_go(context, selected_function(opaque), REACTION_TO_LINES);
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	(void)context;
	overview_list_click(opaque, input->x, input->y);
	return REACTION_REDRAW;
}

static const char *chosen(const void *opaque, const struct view_context *context)
{
	const struct tree_function *function = overview_selected(opaque);
	return function ? text_of(context, function->name) : "";
}

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct tree_function *function = overview_selected(opaque);
	return subject_of_function(context->recording, function ? function->function : 0);
}

static struct list *overview_list(void *opaque)
{
	return &((struct overview_state *)opaque)->list;
}

static size_t overview_held_bytes(const void *opaque)
{
	return tree_bytes(((const struct overview_state *)opaque)->tree);
}

static void overview_close(void *opaque)
{
	struct overview_state *state = opaque;
	tree_close(state->tree);
	free(state->functions);
	overview_threads_forget(state);
	free(state->last);
	list_free(&state->list);
}

static const struct binding bindings[] = {
	{ KEY_RETURN, KEY_DOUBLE_CLICK, "Enter", "show in the flame graph", to_flame, true },
	{ 'c', 's', "c", "callers and callees", to_callers, true },
	{ 'a', 0, "a", "annotate: its source lines with their time", to_lines, true },
	{ KEY_CLICK, 0, "click", "select; on a header: sort by it, again: invert", click, false },
	{ 0 },
};

const struct view view_overview = {
	.name = "overview",
	.title = "Overview",
	.summary = "what runs, how busy it is, where the time goes, what it reports",
	.order = 1,
	.follows_process = true,
	.state_bytes = sizeof(struct overview_state),
	.bindings = bindings,
	.update = overview_update,
	.draw = overview_draw,
	.chosen = chosen,
	.subject = subject,
	.close = overview_close,
	.held_bytes = overview_held_bytes,
	.list = overview_list,
};
