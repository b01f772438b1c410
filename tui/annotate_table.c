/* Lines or instructions as a list. See annotate_state.h. */
#include <math.h>
#include <string.h>

#include "sampler/recording.h"
#include "tui/annotate_state.h"

enum {
	LEAST_TEXT = 28, /* of source or code */
	LINE_CELLS = 6,  /* at least */
	ADDRESS_CELLS = 12,
};

/* ---- rows */

const struct function_line *annotate_line_at(const struct annotate_state *state, uint32_t line)
{
	for (size_t i = 0; i < state->lines.n_rows; i++)
		if (state->lines.rows[i].file == state->file && state->lines.rows[i].line == line)
			return &state->lines.rows[i];
	return NULL;
}

uint32_t annotate_line_of(const struct annotate_state *state, size_t row)
{
	return state->first_line + (uint32_t)row;
}

const uint64_t *annotate_sums(const struct annotate_state *state, size_t row)
{
	bool is_self = state->columns.is_self;
	if (state->mode != ANNOTATE_SOURCE)
		return annotate_code_sums(&state->code, row, &state->lines, is_self);
	const struct function_line *line = annotate_line_at(state, annotate_line_of(state, row));
	return line ? row_sums_of(&state->lines.row_sums, &state->lines.sums, line->place, is_self)
		    : NULL;
}

bool annotate_is_found(const struct annotate_state *state, const struct view_context *context,
		       size_t row)
{
	char line[ANNOTATE_LINE_BYTES];
	const char *text = NULL;
	if (!context->pattern)
		return false;
	if (state->mode == ANNOTATE_SOURCE)
		text = text_file_line(&state->text, annotate_line_of(state, row), line,
				      sizeof line);
	else if (!state->code.rows[row].is_source)
		text = state->code.code.rows[state->code.rows[row].at].text;
	return text && regexec(context->pattern, text, 0, NULL, 0) == 0;
}

static size_t count_rows(const struct annotate_state *state)
{
	if (!state->lines.function)
		return 0;
	if (state->mode != ANNOTATE_SOURCE)
		return state->code.code.why.text[0] ? 0 : state->code.n_rows;
	return state->file && state->first_line ? state->last_line - state->first_line + 1 : 0;
}

static uint64_t identity_of(const void *of, size_t row)
{
	const struct annotate_state *state = ((const struct annotate_lent *)of)->state;
	if (state->mode == ANNOTATE_SOURCE)
		return annotate_line_of(state, row);
	const struct annotate_row *at = &state->code.rows[row];
	return (uint64_t)at->at << 1 | at->is_source;
}

static double weight_of(const struct annotate_state *state, size_t row, int column)
{
	bool is_self = column == ANNOTATE_SELF;
	if (state->mode == ANNOTATE_SOURCE) {
		const struct function_line *line =
			annotate_line_at(state, annotate_line_of(state, row));
		return line ? (double)(is_self ? line->self : line->with) : NAN;
	}
	const struct code_weight *weight = annotate_code_weight(&state->code, row);
	double value = weight ? (double)(is_self ? weight->self : weight->with) : 0;
	return value > 0 ? value : NAN;
}

/* The order as rows come is that of places, from the first on. */
static double value_of(const void *of, size_t row, int column)
{
	const struct annotate_state *state = ((const struct annotate_lent *)of)->state;
	if (column == ANNOTATE_PLACE)
		return -(double)row;
	if (column >= ANNOTATE_COLUMN)
		return annotate_columns_value(&state->lines, column, annotate_sums(state, row));
	return weight_of(state, row, column);
}

/* ---- columns */

static int line_cells(uint32_t last)
{
	int n = 0;
	for (; last; last /= 10)
		n++;
	return n > LINE_CELLS ? n : LINE_CELLS;
}

static int find_columns(const struct annotate_state *state, const struct recording *recording,
			struct list_column *columns)
{
	bool is_source = state->mode == ANNOTATE_SOURCE;
	const struct list_column usual[] = {
		{ "self", "self", "samples in the line itself", ANNOTATE_SELF, 8, 0, 0 },
		{ "with", "with", "samples with what is called from it", ANNOTATE_WITH, 8, 1, 0 },
		{ "line", "line", "as it stands in the file", ANNOTATE_PLACE,
		  line_cells(state->last_line), 0, 0 },
	};
	int n = (int)(sizeof usual / sizeof usual[0]);
	memcpy(columns, usual, sizeof usual);
	if (!is_source)
		columns[n - 1] = (struct list_column){ "address",
						       "address",
						       "as it stands in the program",
						       ANNOTATE_PLACE,
						       ADDRESS_CELLS,
						       0,
						       0 };
	n += annotate_columns_add(&state->columns, &state->lines, recording, columns + n,
				  LIST_MOST_COLUMNS - n - 1);
	columns[n++] =
		(struct list_column){ "text",     "", "source or code",          ANNOTATE_TEXT,
				      LEAST_TEXT, 0,  LIST_FILLS | LIST_UNSORTED };
	return n;
}

bool annotate_sorts(const struct annotate_state *state)
{
	const char *sort = state->list.sort;
	bool is_place = !*sort || strcmp(sort, "line") == 0 || strcmp(sort, "address") == 0;
	return !is_place || state->list.is_inverted;
}

void annotate_show(struct annotate_state *state, const struct view_context *context)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	struct annotate_lent lent = { state, context };
	struct list_rows rows = {
		.of = &lent, .n = count_rows(state), .identity = identity_of, .value = value_of
	};
	struct list_frame frame = { context->width, 1, ANNOTATE_HEADER_ROWS,
				    context->height - ANNOTATE_HEADER_ROWS };
	list_update(&state->list, &rows, columns, find_columns(state, context->recording, columns),
		    &frame);
	if (state->mode != ANNOTATE_SOURCE && state->list.n)
		state->code.selected = list_row(&state->list);
}

/* ---- selection */

size_t annotate_row(const struct annotate_state *state)
{
	return list_row(&state->list);
}

void annotate_select(struct annotate_state *state, size_t row)
{
	struct list *list = &state->list;
	size_t rows = list->frame.n_rows > 0 ? (size_t)list->frame.n_rows : 1, place = 0;
	while (place < list->n && list->entries[place].row != row)
		place++;
	if (place == list->n)
		return;
	if (place < list->first || place >= list->first + rows)
		list->first = place > rows / 2 ? place - rows / 2 : 0;
	list_select(list, place);
	if (state->mode != ANNOTATE_SOURCE)
		state->code.selected = row;
}
