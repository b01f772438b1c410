/*
 * A parent stack is older than its children: one backward loop adds weights up, one forward loop
 * finds the outermost call of the function in each stack.
 */
#include "tui/function_lines.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/export_rows.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "tui/view.h"

enum { MOST_INLINED = 64 };

static bool is_function(const struct function_lines *lines, const struct recording *recording,
			uint32_t function)
{
	const struct function_row *row = recording_function(recording, function);
	const struct function_row *wanted = recording_function(recording, lines->function);
	return row->name == wanted->name && row->module == wanted->module;
}

/* Where in the function a frame is; *is_innermost: it is not in what is inlined there. */
static bool find_line(const struct function_lines *lines, const struct recording *recording,
		      uint32_t frame, struct function_line *out, bool *is_innermost)
{
	const struct location_row *location = recording_location(recording, frame);
	uint32_t at = location->inlined_into;
	*is_innermost = is_function(lines, recording, location->function);
	if (*is_innermost) {
		*out = (struct function_line){ .file = location->file, .line = location->line };
		return true;
	}
	for (int depth = 0; at && depth < MOST_INLINED; depth++) {
		const struct inline_row *row = recording_inline(recording, at);
		if (is_function(lines, recording, row->function)) {
			*out = (struct function_line){ .file = row->file, .line = row->line };
			return true;
		}
		at = row->inlined_into;
	}
	return false;
}

static struct function_line *row_of(struct function_lines *lines, const struct function_line *where)
{
	uint64_t key = ((uint64_t)where->file << 32 | where->line) + 1;
	uint32_t *place = hash_map_at(&lines->places, key);
	if (!*place) {
		if (lines->n_rows == lines->capacity) {
			lines->capacity = lines->capacity ? lines->capacity * 2 : 64;
			lines->rows = reallocate(lines->rows, lines->capacity, sizeof *lines->rows);
		}
		lines->rows[lines->n_rows] = *where;
		lines->rows[lines->n_rows].place = (uint32_t)lines->n_rows;
		*place = (uint32_t)++lines->n_rows;
	}
	return &lines->rows[*place - 1];
}

static void take_samples(struct function_lines *lines, const struct recording *recording,
			 uint64_t n)
{
	for (; lines->next_sample < n; lines->next_sample++) {
		const struct sample_row *row = recording_sample(recording, lines->next_sample);
		if (row->series == lines->series && row->time_ns >= lines->from_ns &&
		    (!lines->to_ns || row->time_ns < lines->to_ns) &&
		    thread_choice_takes(&lines->only, recording, row->thread))
			lines->weights[row->stack] += row->weight;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct function_line *left = a, *right = b;
	if (left->file != right->file)
		return left->file < right->file ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

static void weigh_lines(struct function_lines *lines, const struct recording *recording,
			const struct moment *moment)
{
	uint64_t n = lines->n_weights;
	uint64_t *totals = allocate(n, sizeof *totals);
	bool *is_inside = allocate(n, sizeof *is_inside);
	memcpy(totals, lines->weights, n * sizeof *totals);
	for (uint64_t i = n; i-- > 1;)
		totals[recording_stack(recording, i)->parent] += totals[i];
	lines->whole = totals[0]; /* samples without a stack are in it too */
	for (uint64_t i = 1; i < n; i++) {
		const struct stack_row *stack = recording_stack(recording, i);
		struct function_line where;
		bool is_innermost;
		is_inside[i] = is_inside[stack->parent];
		if ((!totals[i] && !code_sums_any(&lines->sums, i)) ||
		    stack->frame >= moment->n[TABLE_LOCATIONS] ||
		    !find_line(lines, recording, stack->frame, &where, &is_innermost))
			continue;
		struct function_line *row = row_of(lines, &where);
		uint64_t self = is_innermost ? lines->weights[i] : 0;
		uint64_t with = is_inside[i] ? 0 : totals[i];
		row->self += self;
		row->with += with;
		lines->self += self;
		lines->with += with;
		row_sums_add(&lines->row_sums, &lines->sums, row->place, i, is_innermost,
			     !is_inside[i]);
		is_inside[i] = true;
	}
	free(totals);
	free(is_inside);
}

/* What was asked for first, once anything has samples. */
static bool choose_series(struct function_lines *lines, const struct recording *recording,
			  uint32_t series)
{
	uint32_t before = lines->series;
	if (series)
		lines->series = series;
	else if (!lines->series)
		lines->series = export_series(recording, &(struct export_options){ 0 });
	return lines->series != before;
}

static void make_room(struct function_lines *lines, uint64_t n)
{
	if (n > lines->n_weights) {
		lines->weights = reallocate(lines->weights, n, sizeof *lines->weights);
		memset(lines->weights + lines->n_weights, 0,
		       (n - lines->n_weights) * sizeof *lines->weights);
		lines->n_weights = n;
	}
}

bool function_lines_update(struct function_lines *lines, const struct recording *recording,
			   const struct view_focus *focus, uint32_t series)
{
	struct moment moment = recording_moment(recording);
	uint64_t n = moment.n[TABLE_STACKS], before = lines->next_sample;
	bool is_other = choose_series(lines, recording, series) ||
			lines->from_ns != focus->from_ns || lines->to_ns != focus->to_ns ||
			!thread_choice_is_same(&lines->only, &focus->only);
	bool is_changed = is_other || lines->function != focus->function;
	make_room(lines, n);
	if (is_other || before == 0) {
		memset(lines->weights, 0, n * sizeof *lines->weights);
		lines->next_sample = 1;
	}
	lines->from_ns = focus->from_ns;
	lines->to_ns = focus->to_ns;
	lines->only = focus->only;
	lines->function = focus->function;
	take_samples(lines, recording, moment.n[TABLE_SAMPLES]);
	is_changed |= code_sums_update(&lines->sums, recording, lines->series, focus);
	if (!is_changed && lines->next_sample == before)
		return false;
	hash_map_free(&lines->places);
	row_sums_free(&lines->row_sums);
	lines->n_rows = 0;
	lines->whole = lines->self = lines->with = 0;
	if (lines->function)
		weigh_lines(lines, recording, &moment);
	if (lines->n_rows)
		qsort(lines->rows, lines->n_rows, sizeof *lines->rows, by_place);
	return true;
}

void function_lines_free(struct function_lines *lines)
{
	free(lines->weights);
	free(lines->rows);
	hash_map_free(&lines->places);
	code_sums_free(&lines->sums);
	row_sums_free(&lines->row_sums);
	*lines = (struct function_lines){ 0 };
}
