/* Rows as a table for people. Why something is unknown stands once, below, by number. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/canvas.h"
#include "tui/help.h"
#include "tui/settings.h"
#include "tui/stat.h"

enum { VALUE_COLUMNS = 26, DEVIATION_COLUMNS = 10 };

/* Reasons in order of their numbers; borrowed from the rows. */
struct reasons {
	const char *texts[64];
	uint32_t n;
};

static const char *glyph(const struct stat *stat, enum origin origin)
{
	static const char *const ascii[N_ORIGINS] = { "-", "*", "%", "o", "~" };
	return stat->is_ascii ? ascii[origin] : origin_glyph(origin);
}

static bool has_prefixes(const char *unit)
{
	static const char *const units[] = { "ns", "ratio", "B", "Hz", "W", "J" };
	size_t length = strlen(unit);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(unit, units[i]) == 0)
			return true;
	return length >= 2 && strcmp(unit + length - 2, "/s") == 0 && length < 16;
}

static void print_number(char *out, size_t bytes, double value, const char *unit)
{
	char number[TEXT_BYTES];
	/* A mean of few events over some runs: 0.3 is not none. */
	if (strcmp(unit, "events") == 0 && value > 0 && value < 100 && value != floor(value))
		snprintf(out, bytes, "%.1f", value);
	else if (strcmp(unit, "events") == 0)
		text_count(out, bytes, (uint64_t)llround(value < 0 ? 0 : value));
	else if (strcmp(unit, "s") == 0)
		snprintf(out, bytes, "%.6f s", value);
	else if (has_prefixes(unit))
		text_value(out, bytes, value, unit);
	else
		snprintf(out, bytes, "%s %s", text_rate(number, sizeof number, value, ""), unit);
}

static void print_deviation(char *out, size_t bytes, const struct stat_row *row, bool is_ascii)
{
	double deviation = stat_row_deviation(row);
	out[0] = '\0';
	if (isnan(deviation))
		return;
	const char *sign = is_ascii ? "+-" : "\u00b1";
	if (row->mean != 0)
		snprintf(out, bytes, "%s%.1f %%", sign, 100 * deviation / fabs(row->mean));
	else
		snprintf(out, bytes, "%s%.3g", sign, deviation);
}

/* In ASCII mode, other characters as the nearest of its letters. */
static char *spell(const struct stat *stat, char *text)
{
	char *to = text;
	const char *from = text;
	uint32_t code_point;
	for (size_t n; stat->is_ascii && (n = text_decode(from, &code_point)) > 0; from += n)
		*to++ = code_point < 0x80 ? (char)code_point : canvas_ascii(code_point);
	if (stat->is_ascii)
		*to = '\0';
	return text;
}

/* Right-aligned by columns, not by bytes. */
static void print_right(FILE *out, const char *text, int columns)
{
	int width = text_width(text);
	fprintf(out, "%*s%s", width < columns ? columns - width : 0, "", text);
}

static uint32_t number_of(struct reasons *reasons, const char *text)
{
	for (uint32_t i = 0; i < reasons->n; i++)
		if (strcmp(reasons->texts[i], text) == 0)
			return i + 1;
	if (reasons->n < sizeof reasons->texts / sizeof reasons->texts[0])
		reasons->texts[reasons->n++] = text;
	return reasons->n;
}

static void print_row(const struct stat *stat, const struct stat_row *row, struct reasons *reasons)
{
	char value[96] = "", deviation[32] = "", name[160];
	FILE *out = stat->out;
	if (row->n > 0) {
		print_number(value, sizeof value, row->mean, row->unit);
		print_deviation(deviation, sizeof deviation, row, stat->is_ascii);
	}
	fprintf(out, "%s ", glyph(stat, row->n > 0 ? row->origin : ORIGIN_UNAVAILABLE));
	print_right(out, spell(stat, value), VALUE_COLUMNS);
	print_right(out, deviation, DEVIATION_COLUMNS);
	fprintf(out, "  %s", spell(stat, text_clean(name, sizeof name, row->name)));
	if (row->n > 0 && row->origin == ORIGIN_SCALED)
		fprintf(out, " (scaled: counted %.0f %% of the time)", 100 * row->running_ratio);
	if (row->n > 0 && row->trust)
		fprintf(out, " (trust %c)", row->trust);
	if (row->n > 0 && row->n < stat->n_runs)
		fprintf(out, " (of %u of %u runs)", row->n, stat->n_runs);
	if (row->n < stat->n_runs || row->n == 0)
		fprintf(out, " [%u]", number_of(reasons, row->reason.text));
	fputc('\n', out);
}

static bool is_shown(const struct stat *stat, const struct stat_row *row, double time_s)
{
	if (!isnan(time_s) && row->kind == STAT_TIME)
		return false;
	return !row->is_detail || stat->settings->verbosity > 0;
}

static void print_heading(const struct stat *stat, const struct stat_row *row,
			  const struct stat_row *before)
{
	const struct metric_group *group = metric_group_find(row->group);
	if (!row->group[0] || (before && strcmp(before->group, row->group) == 0 &&
			       strcmp(before->core, row->core) == 0))
		return;
	fprintf(stat->out, "\n%s%s%s: %s\n", row->group, row->core[0] ? " on " : "", row->core,
		group ? group->summary : STAT_BANDWIDTH_SUMMARY);
}

static void print_title(const struct stat *stat, double time_s)
{
	char word[96];
	if (!isnan(time_s)) {
		fprintf(stat->out, "\nto %.3f s:\n", time_s);
		return;
	}
	fputc('\n', stat->out);
	if (stat->counted[0]) {
		char counted[sizeof stat->counted];
		snprintf(counted, sizeof counted, "%s", stat->counted);
		fprintf(stat->out, "%s%s", spell(stat, counted), *stat->words ? ", during: " : "");
	}
	for (char *const *at = stat->words; *at; at++)
		fprintf(stat->out, "%s%s", at == stat->words ? "" : " ",
			spell(stat, text_clean(word, sizeof word, *at)));
	if (stat->n_runs > 1)
		fprintf(stat->out, " (%u runs: mean and standard deviation)", stat->n_runs);
	fputs("\n\n", stat->out);
}

static bool has_trust(const struct stat *stat)
{
	for (uint32_t i = 0; i < stat->n_rows; i++)
		if (stat->rows[i].trust && stat->rows[i].n > 0)
			return true;
	return false;
}

static void print_below(const struct stat *stat, const struct reasons *reasons, double time_s)
{
	char clean[WHY_BYTES], mark[16];
	if (reasons->n > 0 && isnan(time_s))
		fputc('\n', stat->out);
	for (uint32_t i = 0; i < reasons->n; i++) {
		int column = snprintf(mark, sizeof mark, "[%u] ", i + 1);
		fputs(mark, stat->out);
		print_wrapped(stat->out,
			      spell(stat, text_clean(clean, sizeof clean, reasons->texts[i])),
			      column, column);
	}
	for (uint32_t i = stat->n_told; i < stat->n_notes; i++) {
		fputs(i == stat->n_told ? "\nnote: " : "note: ", stat->out);
		print_wrapped(stat->out, text_clean(clean, sizeof clean, stat->notes[i].text), 6,
			      6);
	}
	if (isnan(time_s) && has_trust(stat))
		fputs("\ntrust: counted beside loops whose counts are known, A within 1 %, B 5 %, "
		      "C 25 %, F\n"
		      "worse (stoke doctor --grade)\n",
		      stat->out);
	if (isnan(time_s))
		fprintf(stat->out,
			"\n%s hardware   %s scaled   %s software   %s model   %s not available\n",
			glyph(stat, ORIGIN_MEASURED), glyph(stat, ORIGIN_SCALED),
			glyph(stat, ORIGIN_SOFTWARE), glyph(stat, ORIGIN_MODELLED),
			glyph(stat, ORIGIN_UNAVAILABLE));
}

void stat_print_text(const struct stat *stat, double time_s)
{
	struct reasons reasons = { .n = 0 };
	const struct stat_row *before = NULL;
	print_title(stat, time_s);
	for (uint32_t i = 0; i < stat->n_rows; i++) {
		const struct stat_row *row = &stat->rows[i];
		if (!is_shown(stat, row, time_s))
			continue;
		print_heading(stat, row, before);
		print_row(stat, row, &reasons);
		before = row;
	}
	print_below(stat, &reasons, time_s);
}

void stat_print_notes(struct stat *stat)
{
	char clean[WHY_BYTES];
	for (uint32_t i = stat->n_told; i < stat->n_notes && !stat->settings->is_quiet; i++)
		fprintf(stderr, "stoke stat: note: %s\n",
			text_clean(clean, sizeof clean, stat->notes[i].text));
	stat->n_told = stat->n_notes;
}

void stat_print(struct stat *stat, double time_s)
{
	errno = 0;
	stat_check_times(stat);
	if (stat->settings->is_json)
		stat_print_json(stat, time_s);
	else if (stat->settings->separator)
		stat_print_csv(stat, time_s);
	else
		stat_print_text(stat, time_s);
	if (!stat->settings->is_json && stat->settings->separator)
		stat_print_notes(stat); /* rows of values have no place for them */
	stat->n_told = stat->n_notes;
	if ((fflush(stat->out) != 0 || ferror(stat->out)) && !stat->write_error)
		stat->write_error = errno ? errno : EIO;
	if (!stat->write_error && stat->out != stdout && stat->out != stderr)
		stat->n_written = ftello(stat->out);
}
