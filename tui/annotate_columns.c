/*
 * Columns are as wide as their names, so that each keeps its whole name; those without room wait
 * until `x` moves them to the front. Modelled misses stand beside their rate, since all of them are
 * there; counted ones come last: a rate is what a sample is good for.
 */
#include "tui/annotate_columns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/function_lines.h"

enum {
	MOST_COLUMNS = MOST_RATES + TREE_MOST_SUMS,
	LEAST_WIDTH = 9,                            /* "1.23 GB/s" */
	FIRST_COUNT = ANNOTATE_COLUMN + MOST_RATES, /* below: rates */
};

struct layout {
	int ids[MOST_COLUMNS];
	size_t n;
};

static const struct series_row *series_of(const struct recording *recording,
					  const struct rates *rates, uint32_t sum)
{
	return recording_series(recording, rates->sums[sum].series);
}

static const char *event_name(const struct recording *recording, const struct rates *rates,
			      uint32_t sum)
{
	return recording_string_at(recording, series_of(recording, rates, sum)->name);
}

/* ---- which there are */

static bool is_worth_counting(const char *name)
{
	return strstr(name, "miss") || strstr(name, "sharing") || strstr(name, "fault");
}

static void find_all(struct layout *all, const struct rates *rates,
		     const struct recording *recording)
{
	bool is_added[TREE_MOST_SUMS] = { false };
	all->n = 0;
	for (uint32_t i = 0; i < rates->n; i++) {
		const struct rate *rate = &rates->rows[i];
		all->ids[all->n++] = ANNOTATE_COLUMN + (int)i;
		bool is_modelled_miss = rate->origin == ORIGIN_MODELLED &&
					strcmp(rate->unit, "ratio") == 0 &&
					!is_added[rate->numerator];
		if (!is_modelled_miss)
			continue;
		all->ids[all->n++] = FIRST_COUNT + (int)rate->numerator;
		is_added[rate->numerator] = true;
	}
	for (uint32_t i = 0; i < rates->n_sums; i++)
		if (!is_added[i] && is_worth_counting(event_name(recording, rates, i)))
			all->ids[all->n++] = FIRST_COUNT + (int)i;
}

static void name_column(const struct rates *rates, const struct recording *recording, int id,
			struct list_column *column)
{
	if (id < FIRST_COUNT) {
		const struct rate *rate = &rates->rows[id - ANNOTATE_COLUMN];
		column->help = "a rate of events that were sampled together";
		list_name(rate->name, column->name);
		snprintf(column->title, sizeof column->title, "%s %.60s%s",
			 origin_glyph(rate->origin), rate->name,
			 strcmp(rate->unit, "/1000") == 0 ? "/k" : "");
		return;
	}
	const struct series_row *series = series_of(recording, rates, (uint32_t)(id - FIRST_COUNT));
	const char *name = recording_string_at(recording, series->name);
	column->help = "how many were counted there";
	list_name(name, column->name);
	snprintf(column->title, sizeof column->title, "%s %.60s",
		 origin_glyph((enum origin)series->origin), name);
}

int annotate_columns_add(const struct annotate_columns *columns, const struct function_lines *lines,
			 const struct recording *recording, struct list_column *out, int most)
{
	struct layout all;
	int n = 0;
	find_all(&all, &lines->sums.rates, recording);
	for (size_t i = 0; i < all.n && n < most; i++) {
		struct list_column *column = &out[n];
		*column = (struct list_column){ .id = all.ids[(columns->first + i) % all.n] };
		name_column(&lines->sums.rates, recording, column->id, column);
		int width = text_width(column->title) + 1; /* the mark of sorting */
		column->cells = width < LEAST_WIDTH ? LEAST_WIDTH : width;
		column->rank = ++n + 1;
	}
	return n;
}

/* ---- values */

double annotate_columns_value(const struct function_lines *lines, int id, const uint64_t *sums)
{
	if (!sums)
		return NAN;
	if (id >= FIRST_COUNT)
		return (double)sums[id - FIRST_COUNT];
	return rates_value(&lines->sums.rates.rows[id - ANNOTATE_COLUMN], sums);
}

void annotate_columns_draw(const struct function_lines *lines, int id, const uint64_t *sums,
			   const struct canvas *cell)
{
	char text[TEXT_BYTES];
	double value = annotate_columns_value(lines, id, sums);
	if (!sums)
		return;
	if (id < FIRST_COUNT)
		rates_text(text, sizeof text, &lines->sums.rates.rows[id - ANNOTATE_COLUMN], value);
	else
		text_rate(text, sizeof text, value, "");
	list_put_right(cell, MEANING_TEXT, text);
}

/* ---- in words */

/* Why there are no rates at all: an event that could not be had, else how they were sampled. */
static const char *why_none(const struct recording *recording, char *out, size_t bytes)
{
	uint64_t n = recording_moment(recording).n[TABLE_SERIES];
	unsigned n_sampled = 0;
	for (uint64_t id = 1; id < n; id++) {
		const struct series_row *row = recording_series(recording, id);
		n_sampled += row->flags & SERIES_SAMPLES && row->origin != ORIGIN_UNAVAILABLE;
		const char *reason = recording_string_at(recording, row->reason);
		if (!(row->flags & SERIES_SAMPLES) || row->origin != ORIGIN_UNAVAILABLE || !*reason)
			continue;
		snprintf(out, bytes, "%.40s: %s", recording_string_at(recording, row->name),
			 reason);
		return out;
	}
	snprintf(out, bytes,
		 "%s; -e '{cycles,instructions,cache-misses}:S' samples several together, --model "
		 "models misses",
		 n_sampled > 1 ? "the events were sampled one by one"
			       : "one event was sampled alone");
	return out;
}

static bool is_time(const struct annotate_drawing *drawing, uint32_t sum)
{
	const struct series_row *series =
		series_of(drawing->recording, &drawing->lines->sums.rates, sum);
	return strcmp(recording_string_at(drawing->recording, series->unit), "ns") == 0;
}

static char *amount(const struct annotate_drawing *drawing, uint32_t sum, uint64_t value, char *out,
		    size_t bytes)
{
	return is_time(drawing, sum) ? text_value(out, bytes, (double)value, "ns")
				     : text_rate(out, bytes, (double)value, "");
}

/* "● IPC 1.20 = 12 M instructions / 10 M cycles", or why it has no value. */
static void rate_in_words(const struct annotate_drawing *drawing, const struct rate *rate,
			  const uint64_t *sums, char *out, size_t bytes)
{
	const struct rates *rates = &drawing->lines->sums.rates;
	char value[TEXT_BYTES], above[TEXT_BYTES], below[TEXT_BYTES];
	const char *numerator = event_name(drawing->recording, rates, rate->numerator);
	const char *denominator = event_name(drawing->recording, rates, rate->denominator);
	if (sums[rate->denominator] == 0) {
		snprintf(out, bytes, "%s %s %s: no %.40s were counted here",
			 origin_glyph(ORIGIN_UNAVAILABLE), rate->name, TEXT_UNKNOWN, denominator);
		return;
	}
	rates_text(value, sizeof value, rate, rates_value(rate, sums));
	int n = snprintf(out, bytes, "%s %s %s = ", origin_glyph(rate->origin), rate->name, value);
	double factor = is_time(drawing, rate->denominator) ? rate->factor / 1e9 : rate->factor;
	if (factor != 1) /* 64 bytes a line, 1000 instructions */
		n += snprintf(out + n, bytes - (size_t)n, "%g \xc3\x97 ", factor);
	snprintf(out + n, bytes - (size_t)n, "%s %.40s / %s %.40s",
		 amount(drawing, rate->numerator, sums[rate->numerator], above, sizeof above),
		 numerator,
		 amount(drawing, rate->denominator, sums[rate->denominator], below, sizeof below),
		 denominator);
}

static int say_what(const struct annotate_drawing *drawing, int y)
{
	const struct annotate_columns *columns = drawing->columns;
	return canvas_print(drawing->canvas, 0, y, MEANING_DIM, "rates %s  ",
			    columns->is_self ? "of the line itself" : "with callees");
}

void annotate_columns_say(const struct annotate_drawing *drawing, int y, const uint64_t *sums)
{
	const struct rates *rates = &drawing->lines->sums.rates;
	char text[320];
	if (rates->n == 0) {
		canvas_print(drawing->canvas, 0, y, MEANING_DIM, "rates %s: %s", TEXT_UNKNOWN,
			     why_none(drawing->recording, text, sizeof text));
		return;
	}
	int x = say_what(drawing, y);
	if (!sums) {
		canvas_print(drawing->canvas, x, y, MEANING_DIM, "%s: nothing was sampled here",
			     TEXT_UNKNOWN);
		return;
	}
	for (size_t i = 0; i < rates->n && x < drawing->canvas->width; i++) {
		const struct rate *rate = &rates->rows[(drawing->columns->first + i) % rates->n];
		rate_in_words(drawing, rate, sums, text, sizeof text);
		x += canvas_print(drawing->canvas, x, y, MEANING_DIM, "%s%s", i ? "; " : "", text);
	}
}

char *annotate_columns_weight(const struct annotate_columns *columns,
			      const struct function_lines *lines, const struct recording *recording,
			      uint64_t weight, char *out, size_t bytes)
{
	const char *unit =
		recording_string_at(recording, recording_series(recording, lines->series)->unit);
	out[0] = '\0';
	if (weight == 0)
		return out;
	if (!columns->is_absolute)
		return text_ratio(out, bytes, (double)weight / (double)lines->whole);
	return strcmp(unit, "ns") == 0 ? text_value(out, bytes, (double)weight, unit)
				       : text_rate(out, bytes, (double)weight, "");
}

void annotate_columns_next(struct annotate_columns *columns, const struct function_lines *lines)
{
	const struct rates *rates = &lines->sums.rates;
	uint32_t first = 0, next = 0;
	for (size_t i = rates->n_sums; i-- > 0;) {
		first = rates->sums[i].series;
		next = first > lines->series ? first : next;
	}
	if (first)
		columns->series = next ? next : first;
}
