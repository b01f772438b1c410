/* What other programs read: JSON, Markdown and folded stacks with two counts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/json.h"
#include "sampler/markdown_text.h"
#include "sampler/recording.h"
#include "tui/diff.h"

static void write_side(struct json *json, const struct diff *diff, int side)
{
	const struct compare *compare = diff->compare;
	json_key(json, side == COMPARE_A ? "a" : "b");
	json_open(json, '{');
	json_string_at(json, "name", diff->names[side]);
	json_unsigned_at(json, "recordings", diff->n_recordings[side]);
	json_string_at(json, "event", compare->event[side]);
	json_unsigned_at(json, "samples", compare->whole.n_samples[side]);
	json_string_at(json, "provenance", origin_name(compare->origin[side]));
	json_unsigned_at(json, "drawn_from", compare->n_units[side]);
	json_close(json, '}');
}

static const char *state_of(const struct compare_row *row)
{
	if (row->flags & COMPARE_NEW)
		return "new";
	if (row->flags & COMPARE_GONE)
		return "gone";
	if (!(row->flags & COMPARE_JUDGED))
		return "too small to judge";
	if (!(row->flags & (COMPARE_SIGNIFICANT | COMPARE_BEYOND)))
		return "not shown to differ";
	if (!(row->flags & COMPARE_SIGNIFICANT))
		return row->beyond > 0 ? "grew beyond the rest" : "shrank beyond the rest";
	return row->change > 0 ? "grew" : "shrank";
}

/* Outermost first, as folded text. */
static size_t stack_of(const struct compare *compare, uint32_t key, const char ***names,
		       size_t *capacity)
{
	size_t n = 0;
	for (uint32_t at = key; at; at = compare_parent(compare, at))
		n++;
	if (n > *capacity) {
		*capacity = n * 2;
		*names = reallocate(*names, *capacity, sizeof **names);
	}
	for (size_t i = n; i-- > 0; key = compare_parent(compare, key))
		(*names)[i] = compare_name(compare, key);
	return n;
}

static void write_row(struct json *json, const struct diff *diff, const struct compare_row *row)
{
	json_number_at(json, "a", row->cost[COMPARE_A]);
	json_number_at(json, "b", row->cost[COMPARE_B]);
	json_unsigned_at(json, "a_samples", row->n_samples[COMPARE_A]);
	json_unsigned_at(json, "b_samples", row->n_samples[COMPARE_B]);
	json_number_at(json, "change_ratio", row->change);
	json_number_at(json, "low_ratio", row->low);
	json_number_at(json, "high_ratio", row->high);
	json_number_at(json, "beyond_ratio", row->beyond);
	json_number_at(json, "beyond_low_ratio", row->beyond_low);
	json_number_at(json, "beyond_high_ratio", row->beyond_high);
	json_string_at(json, "state", state_of(row));
	json_key(json, "is_significant");
	json_literal(json, row->flags & COMPARE_SIGNIFICANT ? "true" : "false");
	json_key(json, "is_beyond");
	json_literal(json, row->flags & COMPARE_BEYOND ? "true" : "false");
	json_key(json, "is_regression");
	if (isfinite(diff->compare->limit_ratio))
		json_literal(json, row->flags & COMPARE_REGRESSION ? "true" : "false");
	else
		json_literal(json, "null");
}

static void write_rows(struct json *json, const struct diff *diff)
{
	const struct compare *compare = diff->compare;
	const char **names = NULL;
	size_t capacity = 0;
	json_key(json, "rows");
	json_open(json, '[');
	for (size_t i = 0; i < compare->n_rows; i++) {
		const struct compare_row *row = &compare->rows[i];
		json_line(json, false);
		json_open(json, '{');
		json_string_at(json, "name", compare_name(compare, row->key));
		if (diff->by == COMPARE_STACKS) {
			size_t n = stack_of(compare, row->key, &names, &capacity);
			json_key(json, "stack");
			json_open(json, '[');
			for (size_t k = 0; k < n; k++)
				json_string(json, names[k]);
			json_close(json, ']');
		}
		write_row(json, diff, row);
		json_close(json, '}');
	}
	json_close(json, ']');
	free(names);
}

void diff_print_json(FILE *out, const struct diff *diff)
{
	const struct compare *compare = diff->compare;
	struct json json = { .out = out };
	json_open(&json, '{');
	for (int side = 0; side < N_COMPARED; side++)
		write_side(&json, diff, side);
	json_string_at(&json, "by", diff->by == COMPARE_STACKS ? "stack" : "function");
	json_string_at(&json, "per", compare_per_name(compare->per));
	json_string_at(&json, "unit", compare->unit);
	json_string_at(&json, "drawn", compare->draws_recordings ? "recordings" : "slices");
	json_number_at(&json, "limit_ratio", compare->limit_ratio);
	json_number_at(&json, "common_ratio", compare->common);
	json_key(&json, "regressions");
	if (isfinite(compare->limit_ratio))
		json_unsigned(&json, compare->n_regressions);
	else
		json_literal(&json, "null");
	json_key(&json, "whole");
	if (compare->per == COMPARE_PER_TOTAL) {
		json_literal(&json, "null");
	} else {
		json_open(&json, '{');
		write_row(&json, diff, &compare->whole);
		json_close(&json, '}');
	}
	write_rows(&json, diff);
	json_close(&json, '}');
	json_line(&json, true);
}

static void write_cells(FILE *out, const struct diff *diff, const struct compare_row *row)
{
	char text[DIFF_TEXT_BYTES];
	fprintf(out, "| %s ", diff_cost(diff, row->cost[COMPARE_A], text));
	fprintf(out, "| %s ", diff_cost(diff, row->cost[COMPARE_B], text));
	fprintf(out, "| %s ", diff_change(row, text));
	fprintf(out, "| %s ", diff_interval(diff, row, text));
	fprintf(out, "| %s | ", state_of(row));
	if (row->flags & COMPARE_REGRESSION)
		fputs("**", out);
	if (row->key)
		markdown_code(out, compare_name(diff->compare, row->key));
	else
		fputs("everything", out);
	if (row->flags & COMPARE_REGRESSION)
		fputs("** (regression)", out);
	fputs(" |\n", out);
}

void diff_print_markdown(FILE *out, const struct diff *diff)
{
	const struct compare *compare = diff->compare;
	char text[2048], count[TEXT_BYTES];
	fputs("## Comparison\n\n", out);
	diff_verdict(diff, text, sizeof text);
	if (text[0]) {
		markdown_sentence(out, text);
		fputs("\n\n", out);
	}
	fputs("| | what | samples | of |\n|---|---|--:|---|\n", out);
	for (int side = 0; side < N_COMPARED; side++) {
		fprintf(out, "| %c | ", side == COMPARE_A ? 'A' : 'B');
		markdown_code(out, diff->names[side]);
		fprintf(out, " | %s | ",
			text_count(count, sizeof count, compare->whole.n_samples[side]));
		markdown_code(out, compare->event[side]);
		fprintf(out, " (%s %s) |\n", origin_glyph(compare->origin[side]),
			origin_name(compare->origin[side]));
	}
	fprintf(out, "\n| A | B | change | 95 %% interval | | %s |\n|--:|--:|--:|--:|---|---|\n",
		diff->by == COMPARE_STACKS ? "innermost function of a stack" : "function");
	if (compare->per != COMPARE_PER_TOTAL)
		write_cells(out, diff, &compare->whole);
	for (size_t i = 0; i < compare->n_rows; i++)
		if (diff_is_shown(diff, i))
			write_cells(out, diff, &compare->rows[i]);
	putc('\n', out);
	markdown_sentence(out, diff_method(diff, text, sizeof text));
	putc('\n', out);
}

/* A semicolon would split the frame, a line break the stack. */
static void write_folded_name(FILE *out, const char *name)
{
	for (; *name; name++) {
		char c = *name == ';' ? ':' : *name;
		putc((unsigned char)c < 0x20 ? ' ' : c, out);
	}
}

void diff_print_folded(FILE *out, const struct diff *diff)
{
	const struct compare *compare = diff->compare;
	const char **names = NULL;
	size_t capacity = 0;
	for (size_t i = 0; i < compare->n_rows; i++) {
		const struct compare_row *row = &compare->rows[i];
		size_t n = stack_of(compare, row->key, &names, &capacity);
		for (size_t k = 0; k < n; k++) {
			if (k)
				putc(';', out);
			write_folded_name(out, names[k]);
		}
		const uint64_t *counts = compare->has_values ? row->weight : row->n_samples;
		fprintf(out, " %llu %llu\n", (unsigned long long)counts[COMPARE_A],
			(unsigned long long)counts[COMPARE_B]);
	}
	free(names);
}
