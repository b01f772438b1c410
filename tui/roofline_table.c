/* The phases and kernels below the plot as a list. See roofline_state.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/roofline_state.h"

enum {
	VALUE_CELLS = 13,
	BOUND_CELLS = 12,
	LEAST_NAME = 8,
	MOST_NAME = 40,
	REST_CELLS = 60, /* of all but the name, with gaps, without what was counted */
	WIDE = 110,      /* from here on what was counted has room */
};

enum {
	COLUMN_MARK,
	COLUMN_NAME,
	COLUMN_INTENSITY,
	COLUMN_FLOPS,
	COLUMN_BYTES,
	COLUMN_COUNTED,
	COLUMN_TIME,
	COLUMN_LOST,
	COLUMN_ATTAINED,
	COLUMN_BOUND,
};

/* What the list is lent. */
struct lent {
	const struct roofline_state *state;
	const struct recording *recording;
};

static struct roofline_item item_at(const void *of, size_t row)
{
	return roofline_item_at(((const struct lent *)of)->state, row);
}

const char *roofline_bound_text(const struct roofline_item *item)
{
	const struct roofline_verdict *verdict = item->verdict;
	if (item->is_on_device && verdict->bound == BOUND_COMPUTE)
		return "GPU FLOP/s";
	if (item->is_on_device && verdict->bound == BOUND_MEMORY)
		return verdict->level == ROOFLINE_MEMORY ? "GPU copy" : "GPU L2";
	switch (verdict->bound) {
	case BOUND_COMPUTE:
		return "arithmetic";
	case BOUND_MEMORY:
		return roofline_level_name(verdict->level);
	case BOUND_BEATEN:
		return "none: beaten";
	default:
		return TEXT_UNKNOWN;
	}
}

/* A phase and a kernel may have one name. */
static uint64_t identity_of(const void *of, size_t row)
{
	struct roofline_item item = item_at(of, row);
	return (uint64_t)item.name << 1 | (item.kernel != NULL);
}

static double item_value(const struct roofline_item *item, int column)
{
	const struct roofline_work *work = item->work;
	switch (column) {
	case COLUMN_INTENSITY:
		return roofline_intensity(work);
	case COLUMN_FLOPS:
		return work->flops / work->seconds;
	case COLUMN_BYTES:
		return work->bytes / work->seconds;
	case COLUMN_COUNTED:
		return item->phase ? item->phase->measured_bytes / work->seconds : NAN;
	case COLUMN_TIME:
		return work->seconds * 1e9;
	case COLUMN_LOST:
		return item->verdict->bound == BOUND_COMPUTE || item->verdict->bound == BOUND_MEMORY
			       ? item->verdict->lost_seconds * 1e9
			       : NAN;
	default:
		return item->verdict->attained_ratio;
	}
}

static double value_of(const void *of, size_t row, int column)
{
	struct roofline_item item = item_at(of, row);
	return item_value(&item, column);
}

static const char *text_of(const void *of, size_t row, int column)
{
	struct roofline_item item = item_at(of, row);
	if (column == COLUMN_BOUND)
		return roofline_bound_text(&item);
	return recording_string_at(((const struct lent *)of)->recording, item.name);
}

static int find_columns(const struct roofline_state *state, struct list_column *columns)
{
	int rest = state->width - REST_CELLS - (state->width >= WIDE ? VALUE_CELLS + 1 : 0);
	int name = rest > MOST_NAME ? MOST_NAME : rest > LEAST_NAME ? rest : LEAST_NAME;
	unsigned counted = state->width >= WIDE ? 0 : LIST_EXTRA;
	const struct list_column usual[] = {
		{ "mark", "", "its letter or digit in the plot", COLUMN_MARK, 1, 0, LIST_UNSORTED },
		{ "name", "phase", "whose work it is", COLUMN_NAME, name, 0, LIST_TEXT },
		{ "intensity", "FLOP/B", "operations a byte", COLUMN_INTENSITY, 7, 4, 0 },
		{ "flops", "FLOP/s", "operations a second", COLUMN_FLOPS, VALUE_CELLS, 2, 0 },
		{ "bytes", "B/s \u2248", "bytes a second, as the program told them", COLUMN_BYTES,
		  VALUE_CELLS, 3, 0 },
		{ "counted", "B/s counted", "bytes a second, as counters or the driver say",
		  COLUMN_COUNTED, VALUE_CELLS, 5, counted },
		{ "time", "time", "how long it ran", COLUMN_TIME, 9, 5, LIST_EXTRA },
		{ "lost", "lost", "its time above what the bound allows", COLUMN_LOST, 9, 5,
		  LIST_EXTRA },
		{ "attained", "of bound", "how much of the bound is reached", COLUMN_ATTAINED, 8, 1,
		  0 },
		{ "bound", "bound", "which ceiling holds it", COLUMN_BOUND, BOUND_CELLS, 0,
		  LIST_TEXT | LIST_FILLS },
	};
	memcpy(columns, usual, sizeof usual);
	if (state->device.n)
		snprintf(columns[1].title, sizeof columns[1].title, "phase or kernel");
	return (int)(sizeof usual / sizeof usual[0]);
}

void roofline_table_show(struct roofline_state *state, const struct view_context *context)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	struct lent lent = { state, context->recording };
	struct list_rows rows = { .of = &lent,
				  .n = roofline_count(state),
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of };
	int n_rows = roofline_table_rows(state);
	int y = context->height - ROOFLINE_DETAIL_ROWS - n_rows;
	struct list_frame frame = { context->width, n_rows > 0 ? y : -1, y + 1,
				    n_rows > 1 ? n_rows - 1 : 0 };
	list_update(&state->list, &rows, columns, find_columns(state, columns), &frame);
	state->selected = state->list.n ? list_row(&state->list) : 0;
}

/* ---- drawing */

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	struct roofline_item item = item_at(of, row);
	char text[TEXT_BYTES], letter[2] = { item.letter };
	double value = item_value(&item, column);
	switch (column) {
	case COLUMN_MARK:
		list_put(cell, roofline_meaning(item.verdict), letter);
		return;
	case COLUMN_NAME:
	case COLUMN_BOUND:
		list_put(cell, column == COLUMN_NAME ? MEANING_TEXT : MEANING_DIM,
			 text_of(of, row, column));
		return;
	case COLUMN_INTENSITY:
		text_value(text, sizeof text, value, "");
		if (!isnan(value))
			snprintf(text, sizeof text, "%.3g", value);
		break;
	case COLUMN_FLOPS:
		text_value(text, sizeof text, value, "FLOP/s");
		break;
	case COLUMN_TIME:
	case COLUMN_LOST:
		text_duration(text, sizeof text, value);
		break;
	case COLUMN_ATTAINED:
		text_ratio(text, sizeof text, value);
		break;
	default:
		text_value(text, sizeof text, value, "B/s");
	}
	list_put_right(cell, MEANING_TEXT, text);
}

void roofline_table_draw(const struct roofline_state *state, const struct view_context *context,
			 const struct canvas *canvas)
{
	struct lent lent = { state, context->recording };
	struct list_drawing drawing = { &state->list, canvas, &lent, draw_cell };
	list_draw(&drawing);
}
