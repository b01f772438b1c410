/* How busy each thread is: of all that had samples, the busiest. See overview_state.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "tui/imported.h"
#include "tui/overview_state.h"

/* CPU use is the share of the last second; longer blurs phases, shorter flickers. */
static const uint64_t RECENT_NS = 1000 * 1000 * 1000;

static struct overview_busy *busy_of(struct overview_state *state, uint32_t thread)
{
	uint32_t *place = hash_map_at(&state->busy_of, (uint64_t)thread + 1);
	if (!*place) {
		if (state->n_busy == state->busy_capacity) {
			state->busy_capacity = state->busy_capacity ? state->busy_capacity * 2 : 16;
			state->busy =
				reallocate(state->busy, state->busy_capacity, sizeof *state->busy);
		}
		state->busy[state->n_busy] = (struct overview_busy){ .thread = thread };
		*place = ++state->n_busy;
	}
	return &state->busy[*place - 1];
}

void overview_threads_add(struct overview_state *state, const struct sample_row *sample)
{
	state->whole += (double)sample->weight;
	busy_of(state, sample->thread)->weight += sample->weight;
}

/* Rows are nearly in time order, so the last second is at the end. */
static void find_recent(struct overview_state *state, const struct view_context *context)
{
	uint64_t end = context->is_live ? context->now_ns : state->last_time_ns;
	for (uint32_t i = 0; i < state->n_busy; i++)
		state->busy[i].recent = 0;
	state->whole_recent = 0;
	for (uint64_t id = state->next_sample; id-- > 1;) {
		const struct sample_row *sample = recording_sample(context->recording, id);
		if (sample->time_ns + RECENT_NS + RECENT_NS / 10 < end)
			break;
		if (sample->time_ns + RECENT_NS < end || sample->series != tree_series(state->tree))
			continue;
		uint32_t place = hash_map_get(&state->busy_of, (uint64_t)sample->thread + 1);
		if (place) {
			state->busy[place - 1].recent += sample->weight;
			state->whole_recent += (double)sample->weight;
		}
	}
}

/* The first of equals stays the first. */
static void find_top(struct overview_state *state)
{
	state->n_top = 0;
	for (uint32_t i = 0; i < state->n_busy; i++) {
		uint32_t at = state->n_top < OVERVIEW_MOST_THREADS ? state->n_top++
								   : OVERVIEW_MOST_THREADS;
		for (; at > 0 && state->top[at - 1].weight < state->busy[i].weight; at--)
			if (at < OVERVIEW_MOST_THREADS)
				state->top[at] = state->top[at - 1];
		if (at < OVERVIEW_MOST_THREADS)
			state->top[at] = state->busy[i];
	}
}

void overview_threads_rank(struct overview_state *state, const struct view_context *context)
{
	find_recent(state, context);
	find_top(state);
}

void overview_threads_forget(struct overview_state *state)
{
	hash_map_free(&state->busy_of);
	free(state->busy);
	state->busy = NULL;
	state->n_busy = state->busy_capacity = state->n_top = 0;
	state->whole = 0;
}

/* ---- drawing */

static bool is_in_ns(const struct overview_state *state, const struct view_context *context)
{
	const struct series_row *series =
		recording_series(context->recording, tree_series(state->tree));
	return strcmp(recording_string_at(context->recording, series->unit), "ns") == 0;
}

static void draw_thread(const struct overview_state *state, const struct view_context *context,
			const struct canvas *canvas, int y, const struct overview_busy *busy)
{
	char share[TEXT_BYTES], name[96];
	const struct series_row *series =
		recording_series(context->recording, tree_series(state->tree));
	const struct thread_row *thread = recording_thread(context->recording, busy->thread);
	bool has_times = imported_has_times(context->recording);
	bool is_time = has_times && is_in_ns(state, context);
	double whole = has_times ? state->whole_recent : state->whole;
	double ratio =
		(double)(has_times ? busy->recent : busy->weight) / (is_time     ? (double)RECENT_NS
								     : whole > 0 ? whole
										 : NAN);
	int bar = canvas->width > 70 ? 30 : canvas->width > 50 ? 15 : 5;
	/* Text of other tools may know a thread by its name only. */
	int n = snprintf(name, sizeof name, "%.40s",
			 recording_string_at(context->recording, thread->name));
	if (thread->tid)
		snprintf(name + n, sizeof name - (size_t)n, " %u", thread->tid);
	canvas_text(canvas, 2, y, OVERVIEW_NAME_COLUMNS - 1, MEANING_TEXT, name);
	canvas_print(canvas, 2 + OVERVIEW_NAME_COLUMNS, y, MEANING_TEXT, "%8s %s",
		     text_ratio(share, sizeof share, ratio), origin_glyph(series->origin));
	canvas_bar(canvas, 14 + OVERVIEW_NAME_COLUMNS, y, bar, ratio);
}

int overview_threads_draw(const struct overview_state *state, const struct view_context *context,
			  const struct canvas *canvas, int y, int rows)
{
	uint32_t n = state->n_top;
	if (n == 0 || rows < 2)
		return y;
	if (n > (uint32_t)rows - 1)
		n = (uint32_t)rows - 1;
	int x = canvas_print(canvas, 0, y, MEANING_HEADER, "Threads  %s",
			     !imported_has_times(context->recording) ? "share of all samples"
			     : is_in_ns(state, context)              ? "CPU in the last second"
							: "share of the last second's events");
	if (n < state->n_busy)
		canvas_print(canvas, x, y, MEANING_DIM, ", of the busiest %u of %u", n,
			     state->n_busy);
	for (uint32_t i = 0; i < n; i++)
		draw_thread(state, context, canvas, ++y, &state->top[i]);
	return y + 2;
}
