/* The hottest functions, as far as the rest of the overview leaves room. See overview_state.h. */
#include "sampler/base/text.h"
#include "tui/overview_state.h"

enum { COLUMN_SELF, COLUMN_WITH, COLUMN_NAME };
enum { LIST_COLUMN = 8 /* behind "Hottest " */ };

/* What the list is lent. */
struct lent {
	const struct overview_state *state;
	const struct view_context *context;
	double whole;
};

static const char *text_of(const struct view_context *context, uint32_t id)
{
	return recording_string_at(context->recording, id);
}

static uint64_t identity_of(const void *of, size_t row)
{
	return ((const struct lent *)of)->state->functions[row].function;
}

static double value_of(const void *of, size_t row, int column)
{
	const struct tree_function *function = &((const struct lent *)of)->state->functions[row];
	return (double)(column == COLUMN_SELF ? function->exclusive : function->inclusive);
}

static const char *name_of(const void *of, size_t row, int column)
{
	const struct lent *lent = of;
	(void)column;
	return text_of(lent->context, lent->state->functions[row].name);
}

static enum meaning function_meaning(uint32_t flags)
{
	return flags & (FUNCTION_SPECIAL | FUNCTION_UNNAMED) ? MEANING_DIM : MEANING_TEXT;
}

static struct lent lent_of(const struct overview_state *state, const struct view_context *context)
{
	uint32_t n;
	return (struct lent){ state, context, (double)tree_nodes(state->tree, &n)[0].total };
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct lent *lent = of;
	const struct tree_function *function = &lent->state->functions[row];
	char text[TEXT_BYTES];
	uint64_t value = column == COLUMN_SELF ? function->exclusive : function->inclusive;
	if (column != COLUMN_NAME) {
		list_put_right(cell, MEANING_TEXT,
			       text_ratio(text, sizeof text, (double)value / lent->whole));
		return;
	}
	int x = canvas_text(cell, 0, 0, cell->width, function_meaning(function->flags),
			    text_of(lent->context, function->name));
	if (function->flags & FUNCTION_KERNEL)
		canvas_text(cell, x + 1, 0, cell->width - x - 1, MEANING_DIM, "[kernel]");
}

int overview_list_draw(const struct overview_state *state, const struct view_context *context,
		       const struct canvas *canvas, int y)
{
	const struct list *list = &state->list;
	struct lent lent = lent_of(state, context);
	struct canvas part = canvas_part(canvas, LIST_COLUMN, y, canvas->width - LIST_COLUMN,
					 canvas->height - y);
	struct list_drawing drawing = { list, &part, &lent, draw_cell };
	if (list->frame.n_rows < 1 || list->n == 0)
		return y;
	canvas_text(canvas, 0, y, LIST_COLUMN, MEANING_HEADER, "Hottest");
	list_draw_header(&drawing, 0, NULL);
	for (int i = 0; i < list->frame.n_rows && list->first + (size_t)i < list->n; i++, y++) {
		size_t place = list->first + (size_t)i;
		list_draw_cells(&drawing, 1 + i, list->entries[place].row);
		if (list->is_moved && place == list->selected)
			canvas_mark(&part, 0, 1 + i, part.width, MEANING_SELECTED);
	}
	return y + 2;
}

void overview_list_show(struct overview_state *state, const struct view_context *context, int y,
			int n_rows)
{
	static const struct list_column columns[] = {
		{ "self", "self", "own time, as a share of all", COLUMN_SELF, 8, 0, 0 },
		{ "with", "with", "time with callees, as a share of all", COLUMN_WITH, 8, 1, 0 },
		{ "name", "function (with = with callees)", "the function", COLUMN_NAME, 8, 0,
		  LIST_TEXT | LIST_FILLS },
	};
	struct lent lent = lent_of(state, context);
	struct list_rows rows = { .of = &lent,
				  .n = state->n_functions,
				  .sort = "self",
				  .identity = identity_of,
				  .value = value_of,
				  .text = name_of };
	/* Less than two are no list. */
	struct list_frame frame = { context->width - LIST_COLUMN, y, y + 1,
				    n_rows < 2 ? 0 : n_rows };
	list_update(&state->list, &rows, columns, (int)(sizeof columns / sizeof columns[0]),
		    &frame);
}

void overview_list_click(struct overview_state *state, int x, int y)
{
	list_click(&state->list, x - LIST_COLUMN, y);
}

const struct tree_function *overview_selected(const struct overview_state *state)
{
	return state->list.n ? &state->functions[list_row(&state->list)] : NULL;
}
