/* Lines of 80 columns. What colour says, a glyph and a sign say too. */
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/diff.h"
#include "tui/help.h"

enum { NAME_COLUMNS = 30 };

static const char *ascii_origin(uint32_t origin)
{
	static const char *const marks[N_ORIGINS] = { "-", "#", "%", "o", "~" };
	return marks[origin < N_ORIGINS ? origin : 0];
}

static void print_side(FILE *out, const struct diff *diff, int side)
{
	const struct compare *compare = diff->compare;
	char count[TEXT_BYTES], clean[256];
	text_clean(clean, sizeof clean, diff->names[side]);
	size_t n = text_fit(clean, 76, NULL);
	fprintf(out, "%c  %.*s\n   %s samples of %s %s", side == COMPARE_A ? 'A' : 'B', (int)n,
		clean, text_count(count, sizeof count, compare->whole.n_samples[side]),
		compare->event[side],
		diff->is_ascii ? ascii_origin(compare->origin[side])
			       : origin_glyph(compare->origin[side]));
	if (diff->n_recordings[side] > 1)
		fprintf(out, " in %zu runs", diff->n_recordings[side]);
	putc('\n', out);
}

static const char *glyph(const struct diff *diff, const struct compare_row *row)
{
	if (row->flags & COMPARE_NEW)
		return "+";
	if (row->flags & COMPARE_GONE)
		return diff->is_ascii ? "x" : "\u00d7";
	if (!(row->flags & (COMPARE_SIGNIFICANT | COMPARE_BEYOND)))
		return " ";
	if ((row->flags & COMPARE_SIGNIFICANT ? row->change : row->beyond) > 0)
		return diff->is_ascii ? "^" : "\u25b2";
	return diff->is_ascii ? "v" : "\u25bc";
}

/* Innermost first, as many callers as fit. */
static void print_name(FILE *out, const struct diff *diff, uint32_t key)
{
	char text[1024] = "", clean[512];
	size_t used = 0;
	for (; key && used < sizeof text - 1; key = compare_parent(diff->compare, key)) {
		const char *arrow = diff->is_ascii ? " < " : " \u2190 ";
		int n = snprintf(text + used, sizeof text - used, "%s%s", used ? arrow : "",
				 text_clean(clean, sizeof clean, compare_name(diff->compare, key)));
		used += n > 0 ? (size_t)n : 0;
	}
	size_t whole = strlen(text), n = text_fit(text, NAME_COLUMNS, NULL);
	if (n < whole)
		n = text_fit(text, NAME_COLUMNS - (diff->is_ascii ? 2 : 1), NULL);
	fwrite(text, 1, n, out);
	fputs(n == whole ? "" : diff->is_ascii ? ".." : "\u2026", out);
}

/* printf counts bytes, and dashes and ellipses have three. */
static void print_right(FILE *out, const char *text, int columns)
{
	fprintf(out, "%*s%s", columns - text_width(text), "", text);
}

/* Orange and blue: told apart by nearly everybody. */
static const char *color_of(const struct diff *diff, const struct compare_row *row)
{
	if (!diff->has_color || !(row->flags & COMPARE_SIGNIFICANT))
		return "";
	return row->cost[COMPARE_B] > row->cost[COMPARE_A] ? "\033[33m" : "\033[34m";
}

static void print_row(FILE *out, const struct diff *diff, const struct compare_row *row)
{
	char text[DIFF_TEXT_BYTES];
	const char *color = color_of(diff, row);
	fputs(color, out);
	print_right(out, diff_cost(diff, row->cost[COMPARE_A], text), 9);
	print_right(out, diff_cost(diff, row->cost[COMPARE_B], text), 10);
	fprintf(out, " %s", glyph(diff, row));
	print_right(out, diff_change(row, text), 9);
	print_right(out, diff_interval(diff, row, text), 17);
	fprintf(out, " %c", row->flags & COMPARE_REGRESSION ? '!' : ' ');
	if (row->key)
		print_name(out, diff, row->key);
	else
		fputs("(everything)", out);
	fprintf(out, "%s\n", *color ? "\033[0m" : "");
}

void diff_print_text(FILE *out, const struct diff *diff)
{
	const struct compare *compare = diff->compare;
	char text[2048];
	for (int side = 0; side < N_COMPARED; side++)
		print_side(out, diff, side);
	print_wrapped(out, diff_method(diff, text, sizeof text), 0, 0);
	fprintf(out, "\n%9s%10s  %9s%17s  %s\n", "A", "B", "change", "95 % interval",
		diff->by == COMPARE_STACKS ? "stack, innermost first" : "function, by itself");
	if (compare->per != COMPARE_PER_TOTAL)
		print_row(out, diff, &compare->whole);
	size_t n_left_out = 0;
	for (size_t i = 0; i < compare->n_rows; i++) {
		if (diff_is_shown(diff, i))
			print_row(out, diff, &compare->rows[i]);
		else
			n_left_out++;
	}
	if (n_left_out)
		fprintf(out, "%*s %zu more, which differ less\n", 45,
			diff->is_ascii ? ".." : "\u2026", n_left_out);
	diff_verdict(diff, text, sizeof text);
	if (!text[0])
		return;
	putc('\n', out);
	print_wrapped(out, text, 0, 0);
}
