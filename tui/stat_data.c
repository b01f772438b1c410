/*
 * Rows for programs: CSV with a header, or one JSON object a line. Numbers are in the C locale, in
 * the units named, and unscaled by prefixes; what is unknown is an empty field or null.
 * Source: RFC 4180, RFC 8259
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sampler/json.h"
#include "tui/settings.h"
#include "tui/stat.h"

static const char *const kinds[N_STAT_KINDS] = { "time", "event", "metric" };

static void put_field(const struct stat *stat, const char *text)
{
	const char *separator = stat->settings->separator;
	if (!strpbrk(text, "\"\r\n") && !strstr(text, separator)) {
		fputs(text, stat->out);
		return;
	}
	fputc('"', stat->out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', stat->out);
		fputc(*text, stat->out);
	}
	fputc('"', stat->out);
}

static void put_separator(const struct stat *stat)
{
	fputs(stat->settings->separator, stat->out);
}

static void put_number(const struct stat *stat, double value)
{
	if (isfinite(value))
		fprintf(stat->out, "%.15g", value);
	put_separator(stat);
}

static void put_row(const struct stat *stat, const struct stat_row *row, double time_s)
{
	bool is_known = row->n > 0;
	const char *texts[] = { kinds[row->kind], row->group, row->core, row->name };
	if (!isnan(time_s))
		put_number(stat, time_s);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		put_field(stat, texts[i]);
		put_separator(stat);
	}
	put_number(stat, is_known ? row->mean : NAN);
	put_field(stat, row->unit);
	put_separator(stat);
	put_number(stat, stat_row_deviation(row));
	fprintf(stat->out, "%u", row->n);
	put_separator(stat);
	put_field(stat, origin_name(is_known ? row->origin : ORIGIN_UNAVAILABLE));
	put_separator(stat);
	put_number(stat, is_known ? row->running_ratio : NAN);
	put_field(stat, row->reason.text);
	put_separator(stat);
	put_field(stat, is_known && row->trust ? (char[]){ row->trust, '\0' } : "");
	fputc('\n', stat->out);
}

static void put_header(const struct stat *stat, double time_s)
{
	static const char *const names[] = { "kind",       "group",         "core",      "name",
					     "value",      "unit",          "deviation", "runs",
					     "provenance", "running_ratio", "reason",    "trust" };
	if (!isnan(time_s)) {
		fputs("time_s", stat->out);
		put_separator(stat);
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (i > 0)
			put_separator(stat);
		fputs(names[i], stat->out);
	}
	fputc('\n', stat->out);
}

void stat_print_csv(const struct stat *stat, double time_s)
{
	static bool has_header; /* one output a process */
	if (!has_header)
		put_header(stat, time_s);
	has_header = true;
	for (uint32_t i = 0; i < stat->n_rows; i++)
		put_row(stat, &stat->rows[i], time_s);
}

static void add_row(struct json *json, const struct stat_row *row)
{
	bool is_known = row->n > 0;
	json_open(json, '{');
	json_string_at(json, "kind", kinds[row->kind]);
	if (row->group[0])
		json_string_at(json, "group", row->group);
	if (row->core[0])
		json_string_at(json, "core", row->core);
	json_string_at(json, "name", row->name);
	json_number_at(json, "value", is_known ? row->mean : NAN);
	json_string_at(json, "unit", row->unit);
	json_number_at(json, "deviation", stat_row_deviation(row));
	json_unsigned_at(json, "runs", row->n);
	json_string_at(json, "provenance",
		       origin_name(is_known ? row->origin : ORIGIN_UNAVAILABLE));
	json_number_at(json, "running_ratio", is_known ? row->running_ratio : NAN);
	if (row->reason.text[0])
		json_string_at(json, "reason", row->reason.text);
	if (is_known && row->trust)
		json_string_at(json, "trust", (char[]){ row->trust, '\0' });
	json_close(json, '}');
}

void stat_print_json(const struct stat *stat, double time_s)
{
	struct json json = { .out = stat->out };
	json_open(&json, '{');
	if (stat->counted[0])
		json_string_at(&json, "counted", stat->counted);
	json_key(&json, "command");
	json_open(&json, '[');
	for (char *const *word = stat->words; *word; word++)
		json_string(&json, *word);
	json_close(&json, ']');
	if (isnan(time_s))
		json_unsigned_at(&json, "runs", stat->n_runs);
	else
		json_number_at(&json, "time_s", time_s);
	json_key(&json, "rows");
	json_open(&json, '[');
	for (uint32_t i = 0; i < stat->n_rows; i++)
		add_row(&json, &stat->rows[i]);
	json_close(&json, ']');
	json_key(&json, "notes");
	json_open(&json, '[');
	for (uint32_t i = 0; i < stat->n_notes; i++)
		json_string(&json, stat->notes[i].text);
	json_close(&json, ']');
	json_close(&json, '}');
	json_line(&json, true);
}
