/* See sides.h. */
#include "tui/sides.h"

#include <stdio.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/window.h"

static uint64_t end_of(const struct recording *recording)
{
	uint64_t n = recording_moment(recording).n[TABLE_SAMPLES];
	return n > 1 ? recording_sample(recording, n - 1)->time_ns + 1 : recording->start_ns;
}

static void name_side(struct side *side, const struct view_context *context)
{
	struct view_focus window = { .from_ns = side->from_ns, .to_ns = side->to_ns };
	char text[2 * TEXT_BYTES + 8];
	if (side->is_other)
		snprintf(side->name, sizeof side->name, "%s", context->against_name);
	else if (window_is_set(&window))
		snprintf(side->name, sizeof side->name, "%s of this recording",
			 window_text(&window, context->recording, text, sizeof text));
	else
		snprintf(side->name, sizeof side->name, "all of this recording");
}

/* What was kept, or what is before B, or behind it. */
static void choose_a(struct side *a, const struct side *b, const struct view_context *context)
{
	const struct view_focus *focus = context->focus;
	uint64_t start = context->recording->start_ns;
	*a = (struct side){ .is_other = context->against != NULL };
	if (a->is_other)
		return;
	if (focus->has_kept)
		*a = (struct side){ .from_ns = focus->kept_from_ns, .to_ns = focus->kept_to_ns };
	else if (b->from_ns > start)
		*a = (struct side){ .from_ns = start, .to_ns = b->from_ns };
	else
		*a = (struct side){ .from_ns = b->to_ns, .to_ns = end_of(context->recording) };
}

void sides_choose(struct side sides[N_COMPARED], const struct view_context *context)
{
	const struct view_focus *focus = context->focus;
	uint64_t start = context->recording->start_ns, end = end_of(context->recording);
	struct side *b = &sides[COMPARE_B];
	*b = (struct side){ .from_ns = focus->from_ns, .to_ns = focus->to_ns };
	if (!context->against && !window_is_set(focus))
		*b = (struct side){ .from_ns = start + (end - start) / 2, .to_ns = end };
	choose_a(&sides[COMPARE_A], b, context);
	name_side(&sides[COMPARE_A], context);
	name_side(b, context);
}

bool sides_of_picture(struct side sides[N_COMPARED], const struct view_context *context)
{
	const struct view_focus *focus = context->focus;
	struct side *b = &sides[COMPARE_B];
	*b = (struct side){ .from_ns = focus->from_ns, .to_ns = focus->to_ns };
	if (!context->against && !focus->has_kept && !window_is_set(focus))
		return false;
	struct side *a = &sides[COMPARE_A];
	choose_a(a, b, context);
	if (!a->is_other && !focus->has_kept && a->from_ns == b->to_ns)
		a->to_ns = 0; /* it grows while the program runs */
	name_side(a, context);
	name_side(b, context);
	return true;
}
