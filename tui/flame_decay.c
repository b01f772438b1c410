/*
 * A flame graph that forgets: a sample weighs half as much each FLAME_HALF_NS. Weights are worked
 * out anew a few times a second, over the samples that still weigh something.
 */
#include <math.h>

#include "sampler/recording.h"
#include "sampler/tree.h"
#include "tui/flame_state.h"

/* Live, weights fade this often: smooth to look at, and cheap. */
static const uint64_t DECAY_STEP_NS = 250000000;
/* 2^-12 is less than a column of the widest screen. */
enum { MOST_HALVES = 12 };

uint64_t flame_weigh_decayed(const void *context, const struct sample_row *sample)
{
	const struct flame_state *state = context;
	double age_ns =
		sample->time_ns < state->decay_ns ? (double)(state->decay_ns - sample->time_ns) : 0;
	return (uint64_t)llround((double)sample->weight * exp2(-age_ns / (double)FLAME_HALF_NS));
}

bool flame_decay(struct flame_state *state, const struct view_context *context)
{
	uint64_t horizon_ns = MOST_HALVES * FLAME_HALF_NS, now = context->now_ns;
	if (!state->is_decaying || state->is_frozen || now < state->decay_ns + DECAY_STEP_NS)
		return false;
	state->decay_ns = now;
	uint64_t from_ns = now > horizon_ns ? now - horizon_ns : 0;
	tree_forget(state->tree, from_ns);
	if (state->other.tree)
		tree_forget(state->other.tree, from_ns);
	state->n_inside = state->n_found = 0;
	return true;
}

unsigned flame_toggle_decay(void *opaque, const struct view_context *context,
			    const struct input *input)
{
	struct flame_state *state = opaque;
	(void)input;
	if (state->has_own_rates) /* their weights are not of time */
		return REACTION_REDRAW;
	state->is_decaying = !state->is_decaying;
	state->decay_ns = context->now_ns;
	flame_open_tree(state, context);
	return REACTION_REDRAW;
}
