/* Numbers and sentences that text and Markdown share. */
#include <math.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/diff.h"

/* What fits on a screen beside the rest. */
enum { MOST_ROWS = 20, MOST_GUILTY_NAMED = 5 };

bool diff_is_shown(const struct diff *diff, size_t i)
{
	return i < MOST_ROWS || diff->compare->rows[i].flags & COMPARE_REGRESSION;
}

char *diff_cost(const struct diff *diff, double cost, char *out)
{
	const char *unit = diff->compare->unit;
	if (cost == 0)
		snprintf(out, DIFF_TEXT_BYTES, "%s", diff->is_ascii ? "-" : TEXT_UNKNOWN);
	else if (strcmp(unit, "ratio") == 0 || strcmp(unit, "ns") == 0)
		text_value(out, DIFF_TEXT_BYTES, cost, unit);
	else
		snprintf(out, DIFF_TEXT_BYTES, "%.3g", cost);
	return out;
}

/* Above ten times, a percentage says nothing. */
static int print_change(char *out, double change)
{
	return change < 9.995 ? snprintf(out, DIFF_TEXT_BYTES, "%+.1f", change * 100)
			      : snprintf(out, DIFF_TEXT_BYTES, "x%.3g", change + 1);
}

char *diff_change(const struct compare_row *row, char *out)
{
	if (row->flags & COMPARE_NEW || row->flags & COMPARE_GONE) {
		snprintf(out, DIFF_TEXT_BYTES, row->flags & COMPARE_NEW ? "new" : "gone");
		return out;
	}
	int n = print_change(out, row->change);
	if (out[0] != 'x')
		snprintf(out + n, DIFF_TEXT_BYTES - (size_t)n, " %%");
	return out;
}

char *diff_interval(const struct diff *diff, const struct compare_row *row, char *out)
{
	char low[DIFF_TEXT_BYTES], high[DIFF_TEXT_BYTES];
	if (!isfinite(row->low) || row->flags & (COMPARE_NEW | COMPARE_GONE)) {
		snprintf(out, DIFF_TEXT_BYTES, "%s", diff->is_ascii ? "-" : TEXT_UNKNOWN);
		return out;
	}
	print_change(low, row->low);
	print_change(high, row->high);
	snprintf(out, DIFF_TEXT_BYTES, "%.20s%s%.20s%s", low, diff->is_ascii ? ".." : "\u2026",
		 high, high[0] == 'x' ? "" : " %");
	return out;
}

static size_t add(char *out, size_t bytes, size_t used, const char *text)
{
	int n = snprintf(out + used, bytes - used, "%s", text);
	used += n > 0 ? (size_t)n : 0;
	return used < bytes ? used : bytes - 1;
}

static const char *thing(const struct diff *diff, bool is_one)
{
	if (diff->by == COMPARE_STACKS)
		return is_one ? "stack" : "stacks";
	return is_one ? "function" : "functions";
}

/* What made it guilty, where its own change alone would not have. */
static size_t add_beyond(const struct diff *diff, char *out, size_t bytes, size_t used,
			 const struct compare_row *row)
{
	char change[DIFF_TEXT_BYTES], text[3 * DIFF_TEXT_BYTES];
	if (!(row->flags & COMPARE_BEYOND) || row->flags & COMPARE_SIGNIFICANT)
		return used;
	const struct compare_row beyond = { .change = row->beyond };
	snprintf(text, sizeof text, " (%s beyond what all %s share)", diff_change(&beyond, change),
		 thing(diff, false));
	return add(out, bytes, used, text);
}

static size_t add_guilty(const struct diff *diff, char *out, size_t bytes, size_t used)
{
	const struct compare *compare = diff->compare;
	size_t n_named = 0;
	char clean[200];
	if (compare->whole.flags & COMPARE_REGRESSION)
		used = add(out, bytes, used, n_named++ ? ", " : "the whole");
	for (size_t i = 0; i < compare->n_rows && n_named < MOST_GUILTY_NAMED; i++) {
		if (!(compare->rows[i].flags & COMPARE_REGRESSION))
			continue;
		const char *name = compare_name(compare, compare->rows[i].key);
		used = add(out, bytes, used, n_named++ ? ", " : "");
		used = add(out, bytes, used, text_clean(clean, sizeof clean, name));
		used = add_beyond(diff, out, bytes, used, &compare->rows[i]);
	}
	if (n_named < compare->n_regressions)
		used = add(out, bytes, used, ", \u2026");
	return add(out, bytes, used, ".");
}

char *diff_verdict(const struct diff *diff, char *out, size_t bytes)
{
	const struct compare *compare = diff->compare;
	char limit[TEXT_BYTES];
	out[0] = '\0';
	if (!isfinite(compare->limit_ratio))
		return out;
	text_ratio(limit, sizeof limit, compare->limit_ratio);
	size_t n = compare->n_regressions;
	if (n == 0) {
		snprintf(out, bytes, "No regression: no %s grew by more than %s beyond chance.",
			 thing(diff, true), limit);
		return out;
	}
	int used = snprintf(out, bytes, "Regression: more than %s slower beyond chance: ", limit);
	add_guilty(diff, out, bytes, used > 0 ? (size_t)used : 0);
	return out;
}

static const char *costs(const struct compare *compare)
{
	switch (compare->per) {
	case COMPARE_PER_TOTAL:
		return "shares of all samples, so that a whole that got slower or faster does not "
		       "show (--per run or -r shows it)";
	case COMPARE_PER_RUN:
		return "per run, which takes both sides to have done the same";
	case COMPARE_PER_DURATION:
		return "per time recorded";
	default:
		return "per exact work reported by the program";
	}
}

/* What the table cannot say in 80 columns. */
static void add_common(const struct diff *diff, char *out, size_t bytes)
{
	char change[DIFF_TEXT_BYTES];
	size_t used = strlen(out);
	if (!isfinite(diff->compare->common))
		return;
	const struct compare_row common = { .change = diff->compare->common };
	snprintf(out + used, bytes - used,
		 " All %s moved by %s together (the middle third of them), as they do when a "
		 "machine's speed "
		 "changes: each is also judged by what it moved beyond that.",
		 thing(diff, false), diff_change(&common, change));
}

char *diff_method(const struct diff *diff, char *out, size_t bytes)
{
	const struct compare *compare = diff->compare;
	char drawn[160];
	if (compare->draws_recordings)
		snprintf(drawn, sizeof drawn, "whole runs drawn (%zu and %zu)",
			 compare->n_units[COMPARE_A], compare->n_units[COMPARE_B]);
	else if (compare->n_units[COMPARE_A] && compare->n_units[COMPARE_B])
		snprintf(drawn, sizeof drawn,
			 "slices of time drawn (%zu and %zu); what differs from run to run is not "
			 "in them (-r 5 or more)",
			 compare->n_units[COMPARE_A], compare->n_units[COMPARE_B]);
	else
		snprintf(drawn, sizeof drawn,
			 "samples drawn as if independent: the times say too little");
	snprintf(out, bytes, "Costs are %s%s%s. 95-percent intervals: %s.",
		 strchr(compare->unit, '/') ? compare->unit : "",
		 strchr(compare->unit, '/') ? " " : "", costs(compare), drawn);
	add_common(diff, out, bytes);
	return out;
}
