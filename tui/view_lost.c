/*
 * Lost time: a flame graph whose widths are the time above what the measured ceilings allow. It
 * answers where time can be won, which is not where time goes: a function at its bound is narrow
 * however long it runs. Colours say how much of the bound is reached.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counters/ceilings.h"
#include "counters/roofline_phases.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/flame_state.h"
#include "tui/paragraph.h"
#include "tui/process_words.h"
#include "tui/roofline_device.h"

/* Live, weights of what was seen before change as phases go on: all is weighed anew this often. */
static const uint64_t AGAIN_NS = 3ull * 1000 * 1000 * 1000;

/* The flame graph's keys act on the first member. */
struct lost_state {
	struct flame_state flame;
	struct roofline_phases *phases;
	struct ceilings *ceilings;
	struct moment moment;
	uint64_t from_ns, to_ns, next_ns;
	struct thread_choice only;
	uint32_t series;
	uint64_t lost, bounded, all; /* weights of samples; bounded: in phases with a known bound */
};

static uint64_t weigh_lost(const void *opaque, const struct sample_row *sample)
{
	double ratio = roofline_lost_ratio(opaque, sample->time_ns);
	return isnan(ratio) ? 0 : (uint64_t)llround((double)sample->weight * ratio);
}

static uint64_t weigh_bounded(const void *opaque, const struct sample_row *sample)
{
	return isnan(roofline_lost_ratio(opaque, sample->time_ns)) ? 0 : sample->weight;
}

/* 2 = samples of a clock, 1 = of cycles, which are as good; 0 = of something that is no time. */
static int time_rank(const struct recording *recording, uint32_t series)
{
	const struct series_row *row = recording_series(recording, series);
	const char *name = recording_string_at(recording, row->name);
	if (strcmp(recording_string_at(recording, row->unit), "ns") == 0)
		return row->flags & SERIES_VALUES ? 0 : 2;
	return strcasestr(name, "cycles") || strcasestr(name, "clk") ? 1 : 0;
}

/* The first of the best rank; 0 = no sample is of time. */
static uint32_t find_time(const struct lost_state *state, const struct recording *recording)
{
	uint64_t n_series = state->moment.n[TABLE_SERIES];
	bool *has_samples = allocate(n_series, sizeof *has_samples);
	uint32_t best = 0;
	for (uint64_t id = 1; id < state->moment.n[TABLE_SAMPLES]; id++)
		has_samples[recording_sample(recording, id)->series] = true;
	for (uint32_t series = 1; series < n_series; series++)
		if (has_samples[series] &&
		    time_rank(recording, series) > (best ? time_rank(recording, best) : 0))
			best = series;
	free(has_samples);
	return best;
}

static void sum(struct lost_state *state, const struct view_context *context)
{
	const struct view_focus *focus = context->focus;
	state->lost = state->bounded = state->all = 0;
	state->series = find_time(state, context->recording);
	for (uint64_t id = 1; id < state->moment.n[TABLE_SAMPLES]; id++) {
		const struct sample_row *sample = recording_sample(context->recording, id);
		if (sample->series != state->series || sample->time_ns < focus->from_ns ||
		    (focus->to_ns && sample->time_ns >= focus->to_ns) ||
		    !thread_choice_takes(&focus->only, context->recording, sample->thread))
			continue;
		state->all += sample->weight;
		state->bounded += weigh_bounded(state->phases, sample);
		state->lost += weigh_lost(state->phases, sample);
	}
}

/* Widths and colours of the flame graph. */
static void set_up(struct lost_state *state)
{
	struct flame_state *flame = &state->flame;
	struct tree_options *options = &flame->look.options;
	options->series = state->series;
	options->weigh = weigh_lost;
	options->weigh_context = state->phases;
	flame->has_own_rates = true;
	flame->rates.n_sums = 2;
	flame->rates.sums[0] = (struct tree_sum){ state->series, weigh_lost, state->phases };
	flame->rates.sums[1] = (struct tree_sum){ state->series, weigh_bounded, state->phases };
	flame->rates.n = 1;
	flame->rates.rows[0] = (struct rate){ .name = "of the bound",
					      .unit = "ratio",
					      .denominator = 1,
					      .factor = -1,
					      .offset = 1,
					      .is_low_bad = true,
					      .origin = ORIGIN_MODELLED };
}

static void forget(struct lost_state *state)
{
	roofline_phases_close(state->phases);
	ceilings_free(state->ceilings);
	state->phases = NULL;
	state->ceilings = NULL;
}

static void take_in(struct lost_state *state, const struct view_context *context)
{
	struct flame_state *flame = &state->flame;
	bool is_first = !flame->tree;
	forget(state);
	state->moment = recording_moment(context->recording);
	state->from_ns = context->focus->from_ns;
	state->to_ns = context->focus->to_ns;
	state->only = context->focus->only;
	state->next_ns = context->now_ns + AGAIN_NS;
	state->ceilings = ceilings_load(context->recording);
	state->phases = roofline_phases_open(context->recording, state->from_ns, state->to_ns,
					     state->ceilings);
	roofline_device_settle(context->recording, state->from_ns, state->to_ns, state->phases);
	sum(state, context);
	if (is_first) {
		flame->look.options.root = TREE_ROOT_NAME;
		flame->colour = FLAME_BY_RATE;
	}
	set_up(state);
	/* Steps back lead to trees whose weights are gone. */
	flame->n_undo = flame->n_redo = 0;
	flame_open_tree(flame, context);
}

static bool is_due(const struct lost_state *state, const struct view_context *context)
{
	struct moment moment = recording_moment(context->recording);
	bool is_new = moment.n[TABLE_SPANS] != state->moment.n[TABLE_SPANS] ||
		      moment.n[TABLE_SAMPLES] != state->moment.n[TABLE_SAMPLES] ||
		      moment.n[TABLE_FACTS] != state->moment.n[TABLE_FACTS];
	if (!state->phases || state->from_ns != context->focus->from_ns ||
	    state->to_ns != context->focus->to_ns ||
	    !thread_choice_is_same(&state->only, &context->focus->only))
		return true;
	/* Whoever has zoomed in looks at something: it stays. */
	bool may_change = !state->flame.look.zoom && !state->flame.is_frozen;
	return is_new && (!context->is_live || (may_change && context->now_ns >= state->next_ns));
}

/* A row below the flame graph says what its widths are. */
static struct view_context context_of_flame(const struct view_context *context)
{
	struct view_context inner = *context;
	inner.height = context->height > 1 ? context->height - 1 : context->height;
	return inner;
}

static bool lost_update(void *opaque, const struct view_context *context)
{
	struct lost_state *state = opaque;
	struct view_context inner = context_of_flame(context);
	bool is_changed = is_due(state, context);
	if (is_changed)
		take_in(state, &inner);
	/* Whatever a key has set (reset, for one), widths stay lost time. */
	if (state->flame.look.options.weigh != weigh_lost) {
		set_up(state);
		flame_open_tree(&state->flame, &inner);
	}
	return flame_update(&state->flame, &inner) || is_changed;
}

static void draw_reason(const struct lost_state *state, const struct view_context *context,
			const struct canvas *canvas)
{
	const char *text = "Everything runs at its bound: no time is lost.";
	bool is_sampled = state->moment.n[TABLE_SAMPLES] > 1;
	if (state->phases->is_modelled)
		text = "The program ran under the cache model, which slows it: its lost time is "
		       "not known. Record without --model.";
	else if (!is_sampled || (state->series && state->all == 0))
		text = process_words_none(context, "No sample yet.");
	else if (!state->ceilings)
		text = "Lost time is time above what this machine could do, and that is not known: "
		       "run `stoke bench` (10 s), then record again.";
	else if (state->phases->n == 0)
		text = "No phase has told its work, so nothing says how long it had to take. "
		       "Built-in workloads do, and programs that call probe_phase_end of probe.h.";
	else if (!state->series)
		text = "The samples are of events, not of time, so nothing says where time was "
		       "lost: sample a clock too (-e cpu-clock,EVENT).";
	else if (state->bounded == 0)
		text = "No sample lies in a phase whose bound is known.";
	paragraph_draw(canvas, 0, 0, canvas->width, MEANING_DIM, text);
}

static void draw_summary(const struct lost_state *state, const struct view_context *context,
			 const struct canvas *canvas, int y)
{
	char lost[TEXT_BYTES], all[TEXT_BYTES], ratio[TEXT_BYTES], rest[TEXT_BYTES];
	const struct recording *recording = context->recording;
	const char *unit =
		recording_string_at(recording, recording_series(recording, state->series)->unit);
	double whole = (double)state->all;
	int x = canvas_print(canvas, 0, y, MEANING_TEXT, "%s lost %s of %s (%s)",
			     origin_glyph(ORIGIN_MODELLED),
			     text_value(lost, sizeof lost, (double)state->lost, unit),
			     text_value(all, sizeof all, whole, unit),
			     text_ratio(ratio, sizeof ratio, (double)state->lost / whole));
	canvas_print(canvas, x, y, MEANING_DIM, "; no bound known for %s: not shown",
		     text_ratio(rest, sizeof rest, 1 - (double)state->bounded / whole));
}

static void lost_draw(const void *opaque, const struct view_context *context,
		      const struct canvas *canvas)
{
	const struct lost_state *state = opaque;
	struct view_context inner = context_of_flame(context);
	struct canvas graph = canvas_part(canvas, 0, 0, canvas->width, inner.height);
	if (state->lost == 0) {
		draw_reason(state, context, canvas);
		return;
	}
	flame_draw(&state->flame, &inner, &graph);
	if (canvas->height > 1)
		draw_summary(state, context, canvas, canvas->height - 1);
}

static const char *lost_chosen(const void *opaque, const struct view_context *context)
{
	const struct lost_state *state = opaque;
	return recording_string_at(context->recording,
				   flame_node_at(&state->flame, state->flame.look.selected)->name);
}

static void lost_close(void *opaque)
{
	struct lost_state *state = opaque;
	flame_close(&state->flame);
	forget(state);
}

const struct view view_lost = {
	.name = "lost",
	.title = "Lost",
	.summary = "where time can be won: widths are the time above the roofline",
	.order = 13,
	.key = 'L',
	.follows_process = true,
	.state_bytes = sizeof(struct lost_state),
	.bindings = flame_bindings,
	.update = lost_update,
	.draw = lost_draw,
	.chosen = lost_chosen,
	.held_bytes = flame_held_bytes,
	.subject = flame_subject, /* the flame graph is the first member */
	.close = lost_close,
};
