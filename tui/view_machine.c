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
	struct ceilings_devices devices;
	uint64_t n_facts;
	int scroll, width, height;
	size_t selected; /* an item */
};

/* ---- what the cursor can be on: the picture, the ceilings, and each fact, which are in the order
 * that they are shown in */

enum { ITEM_PICTURE, ITEM_CEILINGS, ITEM_FACTS };

static size_t count_items(const struct state *state)
{
	return state->machine ? ITEM_FACTS + state->machine->n_facts : 0;
}

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
		ceilings_devices_free(&state->devices);
		ceilings_devices_load(&state->devices, context->recording);
		if (state->selected >= count_items(state))
			state->selected = 0;
	}
	state->n_facts = now.n[TABLE_FACTS];
	state->width = context->width;
	state->height = context->height;
	return is_changed;
}

static int draw_ceilings(const struct state *state, const struct canvas *canvas, int y, int columns)
{
	int top = y;
	if (state->ceilings) {
		y += ceilings_table_draw(state->ceilings, canvas, 0, y, columns);
	} else {
		canvas_text(canvas, 0, y, columns, MEANING_HEADER, "Ceilings");
		y += 1 + paragraph_draw(canvas, 2, y + 1, columns - 2, MEANING_DIM,
					TEXT_UNKNOWN
					" not measured on this machine when the recording "
					"began; `stoke bench` does, once");
	}
	return y - top + ceilings_table_draw_devices(&state->devices, NULL, canvas, 0, y, columns);
}

/* Where things are, in rows from the top of all that can be scrolled to. */
struct place {
	int picture_rows, ceilings_rows;
	int table_x, table_y, table_columns, left_columns, rows;
};

static struct place find_places(const struct state *state, const struct view_context *context)
{
	struct place place = { 0 };
	bool is_beside = context->width >= LEAST_BESIDE;
	/* Too narrow for a cell to be drawn in: only rows are counted. */
	const struct canvas nowhere = { .width = context->width };
	place.left_columns = is_beside ? LEFT_COLUMNS : context->width;
	place.table_x = is_beside ? LEFT_COLUMNS + 2 : 0;
	place.table_columns = context->width - place.table_x;
	place.picture_rows = machine_picture_draw(state->machine, context->frame, &nowhere, 0, 0,
						  place.left_columns);
	place.ceilings_rows = draw_ceilings(state, &nowhere, 0, place.left_columns);
	int table_rows =
		machine_table_draw(state->machine, &nowhere, place.table_x, 0, place.table_columns);
	int left_rows = place.picture_rows + place.ceilings_rows;
	place.table_y = is_beside ? 0 : left_rows;
	place.rows =
		place.table_y + table_rows > left_rows ? place.table_y + table_rows : left_rows;
	return place;
}

static int row_of(const struct state *state, const struct place *place, size_t item)
{
	if (item == ITEM_PICTURE)
		return 0;
	if (item == ITEM_CEILINGS)
		return place->picture_rows;
	return place->table_y +
	       machine_table_row(state->machine, place->table_columns, item - ITEM_FACTS);
}

static void machine_draw(const void *opaque, const struct view_context *context,
			 const struct canvas *canvas)
{
	const struct state *state = opaque;
	if (!state->machine) {
		canvas_text(canvas, 0, 0, canvas->width, MEANING_DIM,
			    "This recording says nothing of the machine it was made on.");
		return;
	}
	struct place place = find_places(state, context);
	int y = -state->scroll;
	machine_table_draw(state->machine, canvas, place.table_x, place.table_y + y,
			   place.table_columns);
	machine_picture_draw(state->machine, context->frame, canvas, 0, y, place.left_columns);
	draw_ceilings(state, canvas, y + place.picture_rows, place.left_columns);
	bool is_left = state->selected < ITEM_FACTS;
	canvas_mark(canvas, is_left ? 0 : place.table_x, y + row_of(state, &place, state->selected),
		    is_left ? place.left_columns : place.table_columns, MEANING_SELECTED);
}

static void machine_close(void *opaque)
{
	struct state *state = opaque;
	machine_free(state->machine);
	ceilings_free(state->ceilings);
	ceilings_devices_free(&state->devices);
}

/* ---- keys */

static bool is_visible(const struct state *state, const struct view_context *context,
		       const struct place *place, size_t item)
{
	int y = row_of(state, place, item) - state->scroll;
	return y >= 0 && y < context->height;
}

static void scroll(struct state *state, const struct view_context *context,
		   const struct place *place, long rows)
{
	int most = place->rows > context->height ? place->rows - context->height : 0;
	long at = state->scroll + rows;
	state->scroll = (int)(at > most ? most : at);
	state->scroll = state->scroll < 0 ? 0 : state->scroll;
}

/* To the next item if it can be seen, else a row closer to it. */
static void step(struct state *state, const struct view_context *context, const struct place *place,
		 bool is_down)
{
	size_t n = count_items(state), next = state->selected + (is_down ? 1 : (size_t)-1);
	if (next >= n) {
		scroll(state, context, place, is_down ? 1 : -1);
		return;
	}
	if (!is_visible(state, context, place, next))
		scroll(state, context, place, row_of(state, place, next) > state->scroll ? 1 : -1);
	if (is_visible(state, context, place, next))
		state->selected = next;
}

static unsigned move_key(void *opaque, const struct view_context *context,
			 const struct input *input)
{
	struct state *state = opaque;
	long rows = list_step(input->key, context->height - 1);
	if (!state->machine)
		return REACTION_REDRAW;
	struct place place = find_places(state, context);
	if (rows == 1 || rows == -1) {
		step(state, context, &place, rows > 0);
		return REACTION_REDRAW;
	}
	scroll(state, context, &place, rows);
	for (size_t i = 0; i < count_items(state); i++) /* the first that can be seen */
		if (!is_visible(state, context, &place, state->selected) &&
		    is_visible(state, context, &place, i))
			state->selected = i;
	return REACTION_REDRAW;
}

static unsigned click(void *opaque, const struct view_context *context, const struct input *input)
{
	struct state *state = opaque;
	if (!state->machine)
		return REACTION_REDRAW;
	struct place place = find_places(state, context);
	int y = input->y + state->scroll;
	bool is_left = place.table_x ? input->x < place.table_x : y < place.table_y;
	size_t end = is_left ? ITEM_FACTS : count_items(state);
	for (size_t i = is_left ? ITEM_PICTURE : ITEM_FACTS; i < end; i++)
		if (row_of(state, &place, i) <= y)
			state->selected = i;
	return REACTION_REDRAW;
}

static struct view_subject subject(const void *opaque, const struct view_context *context)
{
	const struct state *state = opaque;
	static const char *const names[] = { "picture", "ceilings" };
	(void)context;
	if (!state->machine)
		return (struct view_subject){ 0 };
	return (struct view_subject){
		.kind = SUBJECT_MACHINE,
		.name = state->selected < ITEM_FACTS
				? names[state->selected]
				: state->machine->facts[state->selected - ITEM_FACTS].key,
	};
}

static const struct binding bindings[] = {
	{ KEY_ARROW_UP, 'k', "Up k", "to the fact above", move_key, false },
	{ KEY_ARROW_DOWN, 'j', "Down j", "to the fact below", move_key, false },
	{ KEY_PAGE_UP, 'b', "PgUp b", "a page up", move_key, false },
	{ KEY_PAGE_DOWN, 'f', "PgDn f", "a page down", move_key, true },
	{ KEY_CONTROL_B, KEY_CONTROL_F, "Ctrl-B Ctrl-F", "page up, page down", move_key, false },
	{ KEY_CONTROL_U, KEY_CONTROL_D, "Ctrl-U Ctrl-D", "half a page up, half a page down",
	  move_key, false },
	{ KEY_START, 'g', "g", "to the start", move_key, false },
	{ KEY_FINISH, 'G', "G", "to the end", move_key, false },
	{ KEY_CLICK, 0, "click", "put the cursor there", click, false },
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
	.subject = subject,
	.close = machine_close,
};
