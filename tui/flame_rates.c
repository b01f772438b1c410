/* Colours by a rate: the value of each box, and the scale they are on. See flame_state.h. */
#include <math.h>

#include "sampler/recording.h"
#include "tui/flame_state.h"

const struct rate *flame_rate(const struct flame_state *state)
{
	int place = state->colour - FLAME_BY_RATE;
	return place >= 0 && place < (int)state->rates.n ? &state->rates.rows[place] : NULL;
}

double flame_rate_of(const struct flame_state *state, uint32_t node)
{
	if (!state->sums)
		return NAN;
	return rates_value(flame_rate(state), tree_sums_of(state->sums, node));
}

/* Over the boxes that can be read: narrow ones have a few samples, and any value by chance. */
static void find_scale(struct flame_state *state)
{
	state->rate_low = INFINITY;
	state->rate_high = -INFINITY;
	for (int least = state->width / 20; state->rate_high < state->rate_low; least = 1) {
		for (size_t i = 0; i < state->flame.n_boxes; i++) {
			const struct flame_box *box = &state->flame.boxes[i];
			double value = flame_rate_of(state, box->node);
			if (box->width < least || isnan(value))
				continue;
			state->rate_low = fmin(state->rate_low, value);
			state->rate_high = fmax(state->rate_high, value);
		}
		if (least <= 1)
			break;
	}
	if (state->rate_high < state->rate_low)
		state->rate_low = state->rate_high = NAN;
}

bool flame_take_rates(struct flame_state *state, const struct view_context *context)
{
	if (!state->has_own_rates)
		rates_find(&state->rates, context->recording, tree_series(state->tree));
	if (state->colour >= FLAME_BY_RATE + (int)state->rates.n &&
	    state->colour != FLAME_BY_CHANGE)
		state->colour = FLAME_BY_KIND;
	if (!flame_rate(state))
		return false;
	if (!state->sums)
		state->sums = tree_sums_open(context->recording, state->tree, state->rates.sums,
					     state->rates.n_sums);
	bool is_changed = tree_sums_update(state->sums);
	find_scale(state);
	return is_changed;
}
