/* Lines are known for what was sampled; the instructions between keep the line above them. */
#include "tui/annotate_code.h"

#include <stdlib.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/function_lines.h"
#include "tui/text_file.h"

enum { LINE_BYTES = 1024 };

static size_t hottest_of(const struct annotate_code *annotate)
{
	size_t best = 0;
	uint64_t weight = 0;
	for (size_t i = 0; i < annotate->n_rows; i++) {
		const struct annotate_row *row = &annotate->rows[i];
		if (row->is_source || annotate->code.weights[row->at].with <= weight)
			continue;
		best = i;
		weight = annotate->code.weights[row->at].with;
	}
	return best;
}

static void find_rows(struct annotate_code *annotate, bool is_mixed)
{
	const struct function_code *code = &annotate->code;
	uint32_t file = 0, line = 0;
	annotate->rows = reallocate(annotate->rows, 2 * code->n_rows + 1, sizeof *annotate->rows);
	annotate->n_rows = 0;
	annotate->is_mixed = is_mixed;
	for (size_t i = 0; i < code->n_rows; i++) {
		const struct code_weight *weight = &code->weights[i];
		if (is_mixed && weight->line && (weight->line != line || weight->file != file)) {
			file = weight->file;
			line = weight->line;
			annotate->rows[annotate->n_rows++] =
				(struct annotate_row){ true, (uint32_t)i, file, line };
		}
		annotate->rows[annotate->n_rows++] =
			(struct annotate_row){ false, (uint32_t)i, weight->file, weight->line };
	}
}

bool annotate_code_update(struct annotate_code *annotate, const struct function_lines *lines,
			  const struct recording *recording, bool is_mixed)
{
	bool is_other = annotate->function != lines->function || annotate->is_mixed != is_mixed;
	function_code_update(&annotate->code, lines, recording);
	find_rows(annotate, is_mixed);
	if (is_other) {
		annotate->function = lines->function;
		annotate->steps.n = 0;
		annotate->selected = hottest_of(annotate);
	}
	if (annotate->selected >= annotate->n_rows)
		annotate->selected = annotate->n_rows ? annotate->n_rows - 1 : 0;
	return is_other;
}

void annotate_code_draw_source(const struct annotate_code *annotate, size_t row,
			       const struct recording *recording, const struct text_file *text,
			       uint32_t file, const struct canvas *cell)
{
	char line[LINE_BYTES];
	const struct annotate_row *at = &annotate->rows[row];
	int x = canvas_print(cell, 0, 0, MEANING_HEADER, "%s:%u  ",
			     text_base_name(recording_string_at(recording, at->file)), at->line);
	if (at->file == file)
		canvas_text(cell, x, 0, cell->width - x, MEANING_HEADER,
			    text_file_line(text, at->line, line, sizeof line));
}

const struct code_weight *annotate_code_weight(const struct annotate_code *annotate, size_t row)
{
	if (row >= annotate->n_rows || annotate->rows[row].is_source)
		return NULL;
	return &annotate->code.weights[annotate->rows[row].at];
}

const uint64_t *annotate_code_sums(const struct annotate_code *annotate, size_t row,
				   const struct function_lines *lines, bool is_self)
{
	const struct code_weight *weight = annotate_code_weight(annotate, row);
	if (!weight || !weight->is_sampled)
		return NULL;
	return row_sums_of(&annotate->code.sums, &lines->sums, annotate->rows[row].at, is_self);
}

void annotate_code_draw(const struct annotate_code *annotate, size_t row, enum meaning meaning,
			const struct canvas *cell)
{
	size_t target;
	bool is_target = jump_target(annotate, annotate->selected, &target) && target == row;
	jump_draw(annotate, row, cell, 0, 0);
	canvas_text(cell, JUMP_COLUMNS, 0, cell->width - JUMP_COLUMNS,
		    is_target ? MEANING_MATCH : meaning,
		    annotate->code.rows[annotate->rows[row].at].text);
}

void annotate_code_select_hottest(struct annotate_code *annotate)
{
	annotate->selected = hottest_of(annotate);
}

void annotate_code_hottest(struct annotate_code *annotate)
{
	const struct code_weight *weights = annotate->code.weights;
	size_t now = annotate->selected, next = annotate->n_rows;
	if (annotate->n_rows == 0)
		return;
	uint64_t weight =
		annotate->rows[now].is_source ? UINT64_MAX : weights[annotate->rows[now].at].with;
	for (size_t i = 0; i < annotate->n_rows; i++) {
		uint64_t with = weights[annotate->rows[i].at].with;
		bool is_after = with < weight || (with == weight && i > now);
		if (annotate->rows[i].is_source || with == 0 || !is_after)
			continue;
		if (next == annotate->n_rows || with > weights[annotate->rows[next].at].with)
			next = i;
	}
	annotate->selected = next < annotate->n_rows ? next : hottest_of(annotate);
}

unsigned long long annotate_code_address(const struct annotate_code *annotate, size_t place)
{
	return annotate->code.rows[annotate->rows[place].at].address;
}

uint32_t annotate_code_line(const struct annotate_code *annotate, uint32_t *file)
{
	for (size_t i = annotate->selected + 1; i-- > 0 && annotate->n_rows > 0;)
		if (annotate->rows[i].line) {
			*file = annotate->rows[i].file;
			return annotate->rows[i].line;
		}
	return 0;
}

bool annotate_code_find(struct annotate_code *annotate, uint32_t file, uint32_t line)
{
	const struct code_weight *best = NULL;
	for (size_t i = 0; i < annotate->n_rows; i++) {
		const struct code_weight *weight = annotate_code_weight(annotate, i);
		if (!weight || weight->line != line || weight->file != file ||
		    (best && weight->with <= best->with))
			continue;
		best = weight;
		annotate->selected = i;
	}
	return best != NULL;
}

void annotate_code_free(struct annotate_code *annotate)
{
	function_code_free(&annotate->code);
	free(annotate->rows);
}
