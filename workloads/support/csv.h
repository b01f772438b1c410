/*
 * csv: a table of numbers from a text file.
 *
 * Fields are parted by commas, semicolons, tabs or blanks, whichever the first line has; they may
 * be quoted. A first line with a field that is no number names the columns. Empty fields, NA, NaN,
 * null and ? are missing values.
 */
#ifndef WORKLOADS_SUPPORT_CSV_H
#define WORKLOADS_SUPPORT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

enum { CSV_MOST_COLUMNS = 10000 };

struct csv {
	size_t n_rows, n_columns;
	float *values;   /* column-major: [column][row]; NaN = missing */
	uint32_t *lines; /* the line that a row stands on, from 1 */
	char **names;    /* by column; NULL if the file has none */
};

/*
 * csv_read: a whole file.
 * Errors  false and a sentence with line and column: a field that is no number or whose quotes are
 *         wrong, a line with more or fewer fields than the first, a zero byte, no rows, too many
 *         columns, no such file
 */
bool csv_read(struct csv *csv, const char *path, struct why *why);

/* csv_parse: the same from n bytes of text; name is for the sentence. */
bool csv_parse(struct csv *csv, const char *text, size_t n, const char *name, struct why *why);

/* csv_column: by name, or by number from 1; n_columns if there is none. */
size_t csv_column(const struct csv *csv, const char *word);

void csv_free(struct csv *csv);

#endif
