/* Arrows as perf annotate draws them: only that of the selected jump, so that loops stay readable.
 */
#include "tui/annotate_jumps.h"

#include <string.h>

#include "tui/annotate_code.h"

/* The instruction that begins there; n_rows if none does. */
static size_t find_instruction(const struct function_code *code, uint64_t address)
{
	size_t low = 0, high = code->n_rows;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (code->rows[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < code->n_rows && code->rows[low].address == address ? low : code->n_rows;
}

/* Rows of source lie between, so a row's place is at or behind its instruction's number. */
static size_t find_place(const struct annotate_code *annotate, size_t instruction)
{
	size_t low = 0, high = annotate->n_rows;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct annotate_row *row = &annotate->rows[middle];
		bool is_before =
			row->at < instruction || (row->at == instruction && row->is_source);
		if (is_before)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct instruction *jump_at(const struct annotate_code *annotate, size_t place)
{
	if (place >= annotate->n_rows || annotate->rows[place].is_source)
		return NULL;
	const struct instruction *row = &annotate->code.rows[annotate->rows[place].at];
	return row->is_jump ? row : NULL;
}

bool jump_target(const struct annotate_code *annotate, size_t place, size_t *target)
{
	const struct instruction *jump = jump_at(annotate, place);
	size_t instruction =
		jump ? find_instruction(&annotate->code, jump->target) : annotate->code.n_rows;
	if (instruction == annotate->code.n_rows)
		return false;
	*target = find_place(annotate, instruction);
	return true;
}

static void draw_direction(const struct annotate_code *annotate, size_t place,
			   const struct canvas *canvas, int x, int y)
{
	size_t target;
	if (jump_target(annotate, place, &target))
		canvas_text(canvas, x + 2, y, 1, MEANING_DIM, target > place ? "\u2193" : "\u2191");
	else if (jump_at(annotate, place)) /* out of the function */
		canvas_text(canvas, x + 2, y, 1, MEANING_DIM, "\u2192");
}

void jump_draw(const struct annotate_code *annotate, size_t place, const struct canvas *canvas,
	       int x, int y)
{
	size_t from = annotate->selected, to;
	draw_direction(annotate, place, canvas, x, y);
	if (annotate->is_sorted || !jump_target(annotate, from, &to))
		return;
	size_t above = from < to ? from : to, below = from < to ? to : from;
	const char *lane = NULL;
	if (place == from && from == to)
		lane = "\u25b8";
	else if (place == above)
		lane = "\u250c";
	else if (place == below)
		lane = "\u2514";
	else if (place > above && place < below)
		lane = "\u2502";
	if (!lane)
		return;
	canvas_text(canvas, x, y, 1, MEANING_KEY, lane);
	if (place == from || place == to)
		canvas_text(canvas, x + 1, y, 1, MEANING_KEY, "\u2500");
	if (place == to)
		canvas_text(canvas, x + 2, y, 1, MEANING_KEY, "\u25b8");
}

bool jump_follow(struct annotate_code *annotate)
{
	struct jump_steps *steps = &annotate->steps;
	size_t target;
	if (!jump_target(annotate, annotate->selected, &target))
		return false;
	if (steps->n == JUMP_MOST_STEPS)
		memmove(steps->places, steps->places + 1,
			(size_t)--steps->n * sizeof steps->places[0]);
	steps->places[steps->n++] = annotate->selected;
	annotate->selected = target;
	return true;
}

bool jump_return(struct annotate_code *annotate)
{
	struct jump_steps *steps = &annotate->steps;
	if (steps->n == 0)
		return false;
	size_t place = steps->places[--steps->n];
	annotate->selected = place < annotate->n_rows ? place : annotate->selected;
	return true;
}
