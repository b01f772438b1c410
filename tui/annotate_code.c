/* Lines are known for what was sampled; the instructions between keep the line above them. */
#include "tui/annotate_code.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/function_lines.h"
#include "tui/list_keys.h"
#include "tui/text_file.h"

enum { SOURCE_COLUMN = 19, LINE_BYTES = 1024 };

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

void annotate_code_update(struct annotate_code *annotate, const struct function_lines *lines,
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
}

static void draw_source(const struct annotate_row *row, const struct recording *recording,
			const struct text_file *text, uint32_t file, const struct canvas *canvas,
			int y)
{
	char line[LINE_BYTES];
	const char *path = recording_string_at(recording, row->file), *slash = strrchr(path, '/');
	int x = canvas_print(canvas, SOURCE_COLUMN, y, MEANING_HEADER, "%s:%u  ",
			     slash ? slash + 1 : path, row->line);
	if (row->file == file)
		canvas_text(canvas, SOURCE_COLUMN + x, y, canvas->width, MEANING_HEADER,
			    text_file_line(text, row->line, line, sizeof line));
}

const uint64_t *annotate_code_sums(const struct annotate_code *annotate,
				   const struct function_lines *lines, bool is_self)
{
	if (annotate->selected >= annotate->n_rows || annotate->rows[annotate->selected].is_source)
		return NULL;
	uint32_t at = annotate->rows[annotate->selected].at;
	return annotate->code.weights[at].is_sampled
		       ? row_sums_of(&annotate->code.sums, &lines->sums, at, is_self)
		       : NULL;
}

static void draw_instruction(const struct annotate_code *annotate, size_t place,
			     const struct annotate_drawing *drawing, int y)
{
	size_t at = annotate->rows[place].at, target;
	char self[TEXT_BYTES], with[TEXT_BYTES];
	const struct instruction *row = &annotate->code.rows[at];
	const struct code_weight *weight = &annotate->code.weights[at];
	const struct canvas *canvas = drawing->canvas;
	const struct function_lines *lines = drawing->lines;
	enum meaning meaning = weight->with ? MEANING_TEXT : MEANING_DIM;
	annotate_columns_weight(drawing->columns, lines, drawing->recording, weight->self, self,
				sizeof self);
	annotate_columns_weight(drawing->columns, lines, drawing->recording, weight->with, with,
				sizeof with);
	canvas_print(canvas, 0, y, meaning, "%8s %8s %12llx", self, with,
		     (unsigned long long)row->address);
	const uint64_t *sums =
		row_sums_of(&annotate->code.sums, &lines->sums, at, drawing->columns->is_self);
	int x = ANNOTATE_CODE_COLUMN + 1 +
		annotate_columns_values(drawing, y, weight->is_sampled ? sums : NULL);
	jump_draw(annotate, place, canvas, x, y);
	x += JUMP_COLUMNS;
	bool is_target = jump_target(annotate, annotate->selected, &target) && target == place;
	canvas_text(canvas, x, y, canvas->width - x, is_target ? MEANING_MATCH : meaning,
		    row->text);
}

static void keep_visible(struct annotate_code *annotate, int height)
{
	size_t rows = height > 0 ? (size_t)height : 1;
	if (annotate->selected < annotate->top)
		annotate->top = annotate->selected;
	if (annotate->selected - annotate->top >= rows)
		annotate->top = annotate->selected - rows / 2; /* some of what comes next too */
	if (annotate->selected - annotate->top >= rows)
		annotate->top = annotate->selected;
}

void annotate_code_draw(struct annotate_code *annotate, const struct annotate_drawing *drawing,
			const struct text_file *text, uint32_t file)
{
	const struct canvas *canvas = drawing->canvas;
	keep_visible(annotate, canvas->height);
	for (int y = 0; y < canvas->height; y++) {
		size_t at = annotate->top + (size_t)y;
		if (at >= annotate->n_rows)
			break;
		const struct annotate_row *row = &annotate->rows[at];
		if (row->is_source)
			draw_source(row, drawing->recording, text, file, canvas, y);
		else
			draw_instruction(annotate, at, drawing, y);
		if (at == annotate->selected)
			canvas_mark(canvas, 0, y, canvas->width, MEANING_SELECTED);
	}
}

void annotate_code_move(struct annotate_code *annotate, long step)
{
	annotate->selected = list_move(annotate->selected, step, annotate->n_rows);
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

void annotate_code_free(struct annotate_code *annotate)
{
	function_code_free(&annotate->code);
	free(annotate->rows);
}
