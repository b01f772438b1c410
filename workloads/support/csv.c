/*
 * One pass over the text. Rows are collected as they come, then turned into columns. Numbers are
 * read as in C, whatever the user's language makes of a decimal point.
 */
#include "workloads/support/csv.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sampler/base/text.h"

enum { FIELD_BYTES = 256, SHOWN_BYTES = 40 };

struct reader {
	const char *at, *end, *name;
	char separator;
	uint32_t line;
	locale_t locale;
	float *rows; /* row-major */
	size_t n_values, room, lines_room;
	struct csv *csv;
	struct why *why;
};

/* A field, without its quotes. */
struct field {
	char text[FIELD_BYTES];
	size_t n;
	bool is_last, is_too_long;
	bool is_open, is_torn; /* a quote that does not end, or ends before the field does */
};

static bool is_line_end(const struct reader *reader)
{
	return reader->at == reader->end || *reader->at == '\n' || *reader->at == '\r';
}

static void put(struct field *field, char c)
{
	if (field->n + 1 < sizeof field->text)
		field->text[field->n++] = c;
	else
		field->is_too_long = true;
}

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t') &&
	       (*reader->at != reader->separator || reader->separator == ' '))
		reader->at++;
}

/* Two quotes inside stand for one. */
static void take_quoted(struct reader *reader, struct field *field)
{
	reader->at++;
	while (reader->at < reader->end && *reader->at != '\n') {
		if (*reader->at == '"' && (reader->at + 1 == reader->end || reader->at[1] != '"')) {
			reader->at++;
			return;
		}
		reader->at += *reader->at == '"';
		put(field, *reader->at++);
	}
	field->is_open = true;
}

static void take_field(struct reader *reader, struct field *field)
{
	field->n = 0;
	field->is_last = field->is_too_long = field->is_open = field->is_torn = false;
	skip_blanks(reader);
	bool is_quoted = reader->at < reader->end && *reader->at == '"';
	if (is_quoted)
		take_quoted(reader, field);
	while (!is_line_end(reader) && *reader->at != reader->separator) {
		field->is_torn |= is_quoted && *reader->at != ' ' && *reader->at != '\t';
		put(field, *reader->at++);
	}
	while (field->n > 0 &&
	       (field->text[field->n - 1] == ' ' || field->text[field->n - 1] == '\t'))
		field->n--;
	field->text[field->n] = '\0';
	if (reader->separator == ' ')
		skip_blanks(reader);
	field->is_last = is_line_end(reader);
	if (!field->is_last && *reader->at == reader->separator)
		reader->at++;
}

/* Past the end of the line, and past empty ones. */
static void next_line(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == '\n' || *reader->at == '\r')) {
		bool is_pair = *reader->at == '\r' && reader->at + 1 < reader->end &&
			       reader->at[1] == '\n';
		reader->at += 1 + is_pair;
		reader->line++;
	}
}

static bool is_missing(const char *text)
{
	static const char *const words[] = { "", "?", "na", "nan", "null", "n/a" };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* Hexadecimal numbers and infinities are taken for what they are in tables: mistakes. */
static bool number_of(const struct reader *reader, const struct field *field, float *value)
{
	char *end;
	*value = NAN;
	if (field->is_open || field->is_torn)
		return false;
	if (is_missing(field->text))
		return true;
	if (field->is_too_long || strlen(field->text) != field->n ||
	    strcspn(field->text, "xXnN") != field->n)
		return false;
	*value = strtof_l(field->text, &end, reader->locale);
	return end != field->text && *end == '\0' && isfinite(*value);
}

static bool fail_field(const struct reader *reader, const struct field *field, size_t column)
{
	char text[SHOWN_BYTES + 1], name[SHOWN_BYTES + 4] = "";
	if (field->is_open || field->is_torn)
		return why_fail(reader->why, "%s line %u, column %zu: %s.", reader->name,
				reader->line, column + 1,
				field->is_open ? "the quote does not end"
					       : "the field goes on behind its closing quote");
	if (reader->csv->names)
		snprintf(name, sizeof name, " (%s)",
			 text_clean(text, sizeof text, reader->csv->names[column]));
	return why_fail(reader->why,
			"%s line %u, column %zu%s: \"%s\" is no number; turn words into numbers "
			"first, or leave the field empty if the value is missing.",
			reader->name, reader->line, column + 1, name,
			text_clean(text, sizeof text, field->text));
}

/* The separator that the first line has most of. */
static char guess_separator(const char *text, const char *end)
{
	static const char candidates[] = { '\t', ',', ';', ' ' };
	size_t counts[sizeof candidates] = { 0 }, best = 1;
	for (; text < end && *text != '\n' && *text != '\r'; text++)
		for (size_t i = 0; i < sizeof candidates; i++)
			counts[i] += *text == candidates[i];
	for (size_t i = 0; i < 3; i++)
		best = counts[i] > counts[best] ? i : best;
	return counts[best] == 0 && counts[3] > 0 ? ' ' : candidates[best];
}

/* The first line: how many columns, and are they named? */
static bool read_head(struct reader *reader)
{
	struct field field;
	struct csv *csv = reader->csv;
	const char *start = reader->at;
	bool has_names = false, is_good = true;
	float value;
	size_t n = 0, room = 0;
	char **names = NULL;
	do {
		take_field(reader, &field);
		if (field.is_open || field.is_torn)
			is_good = fail_field(reader, &field, n);
		if (n == room)
			names = reallocate(names, room += 64, sizeof *names);
		names[n++] = strdup(field.text);
		has_names |= !number_of(reader, &field, &value);
	} while (is_good && !field.is_last && n < CSV_MOST_COLUMNS);
	csv->n_columns = n;
	csv->names = names;
	if (!is_good)
		return false;
	if (!field.is_last)
		return why_fail(reader->why, "%s has more than %d columns.", reader->name,
				CSV_MOST_COLUMNS);
	if (has_names) {
		next_line(reader);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	csv->names = NULL;
	reader->at = start;
	return true;
}

static void make_room(struct reader *reader)
{
	struct csv *csv = reader->csv;
	if (reader->n_values + csv->n_columns > reader->room) {
		reader->room = 2 * (reader->room + csv->n_columns);
		reader->rows = reallocate(reader->rows, reader->room, sizeof *reader->rows);
	}
	if (csv->n_rows == reader->lines_room) {
		reader->lines_room = 2 * reader->lines_room + 64;
		csv->lines = reallocate(csv->lines, reader->lines_room, sizeof *csv->lines);
	}
}

static bool read_row(struct reader *reader)
{
	struct field field;
	struct csv *csv = reader->csv;
	size_t column = 0;
	make_room(reader);
	do {
		take_field(reader, &field);
		if (column == csv->n_columns)
			return why_fail(reader->why,
					"%s line %u has more fields than the first line's %zu.",
					reader->name, reader->line, csv->n_columns);
		if (!number_of(reader, &field, &reader->rows[reader->n_values + column]))
			return fail_field(reader, &field, column);
		column++;
	} while (!field.is_last);
	/* A separator at the end of the line parts the last field from nothing. */
	if (column < csv->n_columns)
		return why_fail(reader->why,
				"%s line %u ends after column %zu; the first line has %zu.",
				reader->name, reader->line, column, csv->n_columns);
	reader->n_values += column;
	csv->lines[csv->n_rows++] = reader->line;
	return true;
}

static void turn(struct reader *reader)
{
	struct csv *csv = reader->csv;
	csv->values = allocate(csv->n_rows * csv->n_columns, sizeof(float));
	for (size_t row = 0; row < csv->n_rows; row++)
		for (size_t column = 0; column < csv->n_columns; column++)
			csv->values[column * csv->n_rows + row] =
				reader->rows[row * csv->n_columns + column];
}

/* Archives, tables in UTF-16, /dev/zero: none is a text, and all have a zero byte early. */
static bool is_text(const struct reader *reader)
{
	const char *zero = memchr(reader->at, 0, (size_t)(reader->end - reader->at));
	uint32_t line = reader->line;
	for (const char *at = reader->at; zero && at < zero; at++)
		line += *at == '\n';
	return !zero ||
	       why_fail(reader->why,
			"%s line %u has a zero byte: it is no text, or one in UTF-16; save "
			"it as CSV in UTF-8.",
			reader->name, line);
}

static bool read_all(struct reader *reader)
{
	if (!is_text(reader))
		return false;
	next_line(reader);
	if (reader->at == reader->end)
		return why_fail(reader->why, "%s is empty.", reader->name);
	reader->separator = guess_separator(reader->at, reader->end);
	if (!read_head(reader))
		return false;
	while (reader->at < reader->end) {
		if (reader->csv->n_rows == UINT32_MAX)
			return why_fail(reader->why, "%s has more than %u rows.", reader->name,
					UINT32_MAX);
		if (!read_row(reader))
			return false;
		next_line(reader);
	}
	if (reader->csv->n_rows == 0)
		return why_fail(reader->why, "%s names columns but has no rows.", reader->name);
	turn(reader);
	return true;
}

bool csv_parse(struct csv *csv, const char *text, size_t n, const char *name, struct why *why)
{
	struct reader reader = { .at = text,
				 .end = text + n,
				 .name = name,
				 .line = 1,
				 .locale = newlocale(LC_ALL_MASK, "C", (locale_t)0),
				 .csv = csv,
				 .why = why };
	*csv = (struct csv){ 0 };
	if (reader.locale == (locale_t)0)
		die("there is no C locale");
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a mark of UTF-8 */
		reader.at += 3;
	bool is_good = read_all(&reader);
	freelocale(reader.locale);
	free(reader.rows);
	if (!is_good)
		csv_free(csv);
	return is_good;
}

bool csv_read(struct csv *csv, const char *path, struct why *why)
{
	FILE *file = fopen(path, "rb");
	*csv = (struct csv){ 0 };
	if (!file)
		return why_fail(why, "Cannot read %s: %s.", path, strerror(errno));
	size_t n = 0, room = 1 << 20;
	char *text = allocate(room, 1);
	bool is_over = false; /* behind a zero byte there may be no end */
	for (size_t got; !is_over && (got = fread(text + n, 1, room - n, file)) > 0;) {
		is_over = memchr(text + n, 0, got) != NULL;
		n += got;
		if (n == room)
			text = reallocate(text, room *= 2, 1);
	}
	int error = ferror(file) ? errno : 0;
	fclose(file);
	bool is_good = error == 0 ? csv_parse(csv, text, n, path, why)
				  : why_fail(why, "Cannot read %s: %s.", path, strerror(error));
	free(text);
	return is_good;
}

size_t csv_column(const struct csv *csv, const char *word)
{
	char *end;
	for (size_t i = 0; csv->names && i < csv->n_columns; i++)
		if (strcmp(csv->names[i], word) == 0)
			return i;
	unsigned long number = strtoul(word, &end, 10);
	return *end == '\0' && number >= 1 && number <= csv->n_columns ? number - 1
								       : csv->n_columns;
}

void csv_free(struct csv *csv)
{
	for (size_t i = 0; csv->names && i < csv->n_columns; i++)
		free(csv->names[i]);
	free(csv->names);
	free(csv->values);
	free(csv->lines);
	memset(csv, 0, sizeof *csv);
}
