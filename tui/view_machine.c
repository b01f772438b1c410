/*
 * The machine the recording was made on, which need not be this one. Wide screens have the picture
 * beside the table.
 */
#include "tui/list_keys.h"
#include "tui/view.h"

#include "counters/ceilings.h"
#include "counters/machine.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/ceilings_table.h"
#include "tui/machine_picture.h"
#include "tui/paragraph.h"

enum {
	LEFT_COLUMNS = 80,  /* four boxes of cores, and the whole table of ceilings */
	LEAST_BESIDE = 140, /* the narrowest that has room for both */
};

struct state {
	struct machine *machine;   /* NULL until the recording says something */
	struct ceilings *ceilings; /* NULL: not measured when it was recorded */
	uint64_t n_facts;
	int scroll, width, height;
};

static bool machine_update(void *opaque, const struct view_context *context)
{
	struct state *state = opaque;
	struct moment now = recording_moment(context->recording);
	bool is_changed = now.n[TABLE_FACTS] != state->n_facts || state->width != context->width ||
			  state->height != context->height;
	if (now.n[TABLE_FACTS] != state->n_facts) {
		machine_free(state->machine);
		ceilings_free(state->ceilings);
		state->machine = machine_load(context->recording);
		state->ceilings = ceilings_load(context->recording);
	}
	state->n_facts = now.n[TABLE_FACTS];
	state->width = context->width;
	state->height = context->height;
	return is_changed;
}

static int draw_ceilings(const struct state *state, const struct canvas *canvas, int y, int columns)
{
	if (state->ceilings)
		return ceilings_table_draw(state->ceilings, canvas, 0, y, columns);
	canvas_text(canvas, 0, y, columns, MEANING_HEADER, "Ceilings");
	return 1 + paragraph_draw(canvas, 2, y + 1, columns - 2, MEANING_DIM,
				  TEXT_UNKNOWN " not measured on this machine when the recording "
					       "began; `stoke bench` does, once");
}

static void machine_draw(const void *opaque, const struct view_context *context,
			 const struct canvas *canvas)
{
	const struct state *state = opaque;
	int y = -state->scroll;
	if (!state->machine) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    "This recording says nothing of the machine it was made on.");
		return;
	}
	if (canvas->width < LEAST_BESIDE) {
		y += machine_picture_draw(state->machine, context->frame, canvas, 0, y,
					  canvas->width);
		y += draw_ceilings(state, canvas, y, canvas->width);
		machine_table_draw(state->machine, canvas, 0, y, canvas->width);
		return;
	}
	machine_table_draw(state->machine, canvas, LEFT_COLUMNS + 2, y,
			   canvas->width - LEFT_COLUMNS - 2);
	y += machine_picture_draw(state->machine, context->frame, canvas, 0, y, LEFT_COLUMNS);
	draw_ceilings(state, canvas, y, LEFT_COLUMNS);
}

static void machine_close(void *opaque)
{
	struct state *state = opaque;
	machine_free(state->machine);
	ceilings_free(state->ceilings);
}

static unsigned move(struct state *state, long rows)
{
	/* No table is longer: each fact takes a few rows. */
	int most = state->machine ? (int)(state->machine->n_facts * 4) : 0;
	most += state->ceilings ? (int)state->ceilings->n : 0;
	state->scroll += (int)rows;
	state->scroll = state->scroll > most ? most : state->scroll;
	state->scroll = state->scroll < 0 ? 0 : state->scroll;
	return REACTION_REDRAW;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	return move(opaque, list_step(input->key, context->height - 1));
}

static const struct binding bindings[] = {
	{ KEY_ARROW_UP, 'k', "Up k", "scroll up", move_key, true },
	{ KEY_ARROW_DOWN, 'j', "Down j", "scroll down", move_key, true },
	{ KEY_PAGE_UP, 'b', "PgUp b", "a page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "a page down", move_key, true },
	{ KEY_WHEEL_UP, 0, "Wheel", "scroll", move_key, false },
	{ KEY_WHEEL_DOWN, 0, "Wheel", "scroll", move_key, false },
	{ 0 },
};

const struct view view_machine = {
	.name = "machine",
	.title = "Machine",
	.summary = "cores, caches, ceilings, counters and limits of the machine that was measured",
	.order = 8,
	.state_bytes = sizeof(struct state),
	.bindings = bindings,
	.update = machine_update,
	.draw = machine_draw,
	.close = machine_close,
};
